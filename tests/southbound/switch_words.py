"""What a switch says, written by hand from the specification's structures: one sample of every message.

The codec under test writes none of these, and neither does Ryu; both only read them.
"""

from __future__ import annotations

from struct import pack
from typing import Any

from controller.model import (
    Apply,
    Bucket,
    Goto,
    Instruction,
    Masked,
    Match,
    Output,
    Rule,
    SetField,
    ToGroup,
)

from . import ryu_words

RULE = Rule(
    Match(in_port=3, eth_type=0x0800, ipv4_dst=Masked(bytes([10, 0, 0, 0]), bytes([255, 0, 0, 0]))),
    (Apply((SetField("eth_dst", bytes.fromhex("020000000009")), Output(7))), Goto(2)),
    priority=100,
    table=1,
    idle_timeout=30,
    hard_timeout=300,
    notify=True,
    cookie=0xF1_01_0000_00000005,
)
DROP = Rule(Match(), (), priority=0, table=0)
BUCKETS = (Bucket((Output(1),), watch_port=1), Bucket((SetField("vlan_vid", 0x1005), ToGroup(9)), watch_group=9))
FRAME = bytes.fromhex("020000000002 020000000001 88b5") + b"payload"
MAC = bytes.fromhex("0a0b0c0d0e0f")


def message(kind: int, body: bytes = b"", *, xid: int = 0x01020304, version: int = 4) -> bytes:
    """A whole message of any type."""
    return pack("!BBHI", version, kind, 8 + len(body), xid) + body


def multipart(kind: int, body: bytes, *, more: bool = False) -> bytes:
    """A MULTIPART_REPLY."""
    return message(19, pack("!HH4x", kind, int(more)) + body)


def serialized(part: Any) -> bytes:
    """The bytes of one of Ryu's structures."""
    buffer = bytearray()
    part.serialize(buffer, 0)
    return bytes(buffer)


def match(said: Match) -> bytes:
    """An ofp_match, as Ryu writes it."""
    return serialized(ryu_words.match(said))


def instructions(said: tuple[Instruction, ...]) -> bytes:
    """Instructions, as Ryu writes them."""
    return b"".join(serialized(one) for one in ryu_words.instructions(said))


def buckets(said: tuple[Bucket, ...]) -> bytes:
    """Buckets, as Ryu writes them."""
    return b"".join(serialized(ryu_words.bucket(one)) for one in said)


def packet_in(asked: Match | bytes, frame: bytes = FRAME, *, cookie: int = 0x77, xid: int = 0) -> bytes:
    """A PACKET_IN whose match is ``asked``."""
    octets = match(asked) if isinstance(asked, Match) else asked
    fixed = pack("!IHBBQ", 0xFFFFFFFF, len(frame), 1, 2, cookie)
    return message(10, fixed + octets + b"\0\0" + frame, xid=xid)


def flow_removed(rule: Rule, *, reason: int = 0) -> bytes:
    """A FLOW_REMOVED after 12.5 seconds."""
    numbers = (rule.cookie, rule.priority, reason, rule.table, 12, 500_000_000, rule.idle_timeout, rule.hard_timeout)
    return message(11, pack("!QHBBIIHHQQ", *numbers, 1000, 64000) + match(rule.match))


def port(number: int, name: bytes, *, config: int = 0, state: int = 4) -> bytes:
    """An ofp_port."""
    return pack("!I4x6s2x16sII4I2I", number, MAC, name, config, state, 0x840, 0x80, 0x8F, 0x1, 10_000_000, 20_000_000)


def port_status(reason: int, *, state: int = 4) -> bytes:
    """A PORT_STATUS about port 5."""
    return message(12, pack("!B7x", reason) + port(5, b"s1-eth5", state=state))


def flow_stats(rule: Rule) -> bytes:
    """An ofp_flow_stats after 12.5 seconds."""
    body = match(rule.match) + instructions(rule.instructions)
    timeouts = (rule.priority, rule.idle_timeout, rule.hard_timeout, int(rule.notify))
    fixed = pack("!HBxIIHHHH4xQQQ", 48 + len(body), rule.table, 12, 500_000_000, *timeouts, rule.cookie, 1000, 64000)
    return fixed + body


def port_stats(number: int) -> bytes:
    """An ofp_port_stats whose counters are number * 100 + 1, + 2, ..."""
    return pack("!I4x12QII", number, *(number * 100 + index for index in range(1, 13)), 7, 250_000_000)


def group_stats(group_id: int) -> bytes:
    """An ofp_group_stats of two buckets."""
    return pack("!H2xII4xQQII4Q", 72, group_id, 3, 10, 640, 1, 0, 4, 256, 6, 384)


def group_desc(group_id: int, kind: int) -> bytes:
    """An ofp_group_desc of BUCKETS."""
    body = buckets(BUCKETS)
    return pack("!HBxI", 8 + len(body), kind, group_id) + body


def meter_stats(meter_id: int) -> bytes:
    """An ofp_meter_stats of one band."""
    return pack("!IH6xIQQII2Q", meter_id, 56, 2, 10, 640, 1, 500_000_000, 3, 192)


def meter_config(meter_id: int, flags: int, *bands: bytes) -> bytes:
    """An ofp_meter_config."""
    body = b"".join(bands)
    return pack("!HHI", 8 + len(body), flags, meter_id) + body


def drop_band(rate: int, burst: int) -> bytes:
    """An ofp_meter_band_drop."""
    return pack("!HHII4x", 1, 16, rate, burst)


DSCP_BAND = pack("!HHIIB3x", 2, 16, 1000, 10, 1)

SAMPLES: dict[str, bytes] = {
    "hello": message(0, pack("!HHI", 1, 8, 0b10010)),
    "error": message(1, pack("!HH", 5, 1) + b"refused message"),
    "echo request": message(2, b"ping"),
    "echo reply": message(3, b"pong"),
    "experimenter": message(4, pack("!II", 0x2320, 1)),
    "features": message(6, pack("!QIBB2xII", 0xABCDEF, 256, 254, 1, 0x4F, 0)),
    "config": message(8, pack("!HH", 1, 0xFFFF)),
    "packet in": packet_in(Match(in_port=3)),
    "packet in with metadata": packet_in(Match(in_port=3, metadata=5, tunnel_id=9)),
    "packet in with in_port behind": packet_in(pack("!HHHBBQHBBI", 1, 24, 0x8000, 4, 8, 5, 0x8000, 0, 4, 3)),
    "flow removed": flow_removed(RULE),
    "port status": port_status(2),
    "multipart description": multipart(
        0, pack("!256s256s256s32s256s", b"Nicira, Inc.", b"Open vSwitch", b"3.1.0", b"None", "s1 \u2713".encode())
    ),
    "multipart flow": multipart(1, flow_stats(RULE) + flow_stats(DROP), more=True),
    "multipart aggregate": multipart(2, pack("!QQI4x", 1000, 64000, 12)),
    "multipart table": multipart(3, pack("!B3xIQQ", 0, 5, 100, 90) + pack("!B3xIQQ", 1, 6, 90, 80)),
    "multipart port stats": multipart(4, port_stats(1) + port_stats(2)),
    "multipart queue": multipart(5, pack("!IIQQQII", 1, 1, 2, 3, 4, 5, 6)),
    "multipart group": multipart(6, group_stats(1) + group_stats(2)),
    "multipart group desc": multipart(7, group_desc(1, 1) + group_desc(2, 3)),
    "multipart meter": multipart(9, meter_stats(1) + meter_stats(2)),
    "multipart meter config": multipart(
        10, meter_config(1, 5, drop_band(1000, 100)) + meter_config(2, 1, DSCP_BAND) + meter_config(3, 1)
    ),
    "multipart port desc": multipart(13, port(1, b"s1-eth1") + port(2, b"s1-eth2", config=1, state=1)),
    "barrier": message(21),
    "queue config": message(23, pack("!I4x", 1)),
    "role": message(25, pack("!I4xQ", 2, 77)),
    "async config": message(27, pack("!6I", *range(6))),
}
"""One of every type that a switch may send."""
