"""What a switch says is read as it was meant, and as Ryu's parser reads it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.model import (
    FlowRemoved,
    Group,
    GroupType,
    Match,
    Meter,
    Packet,
    Port,
    PortChanged,
    PortGone,
    Rule,
    SwitchError,
)
from controller.southbound import openflow
from controller.southbound.replies import (
    AggregateStats,
    BarrierReply,
    EchoReply,
    EchoRequest,
    Features,
    FlowStats,
    GroupStats,
    Hello,
    MeterConfig,
    MeterStats,
    MultipartReply,
    MultipartType,
    Part,
    PortStats,
    Role,
    RoleReply,
    SwitchConfig,
    SwitchDescription,
    TableStats,
)

from . import ryu_words
from .strategies import groups, quick, rules, u32
from .switch_words import (
    BUCKETS,
    DROP,
    FRAME,
    MAC,
    RULE,
    SAMPLES,
    buckets,
    flow_removed,
    flow_stats,
    message,
    multipart,
    packet_in,
    port_status,
)

XID = 0x01020304
PORT_5 = Port(5, "s1-eth5", MAC, True, 0, 4, 10_000_000, 20_000_000)

MEANT: dict[str, Any] = {
    "hello": Hello(frozenset({1, 4}), XID),
    "error": SwitchError(9, 5, 1, XID, b"refused message"),
    "echo request": EchoRequest(b"ping", XID),
    "echo reply": EchoReply(b"pong", XID),
    "experimenter": None,
    "features": Features(0xABCDEF, 256, 254, 1, 0x4F, XID),
    "config": SwitchConfig(1, 0xFFFF, XID),
    "flow removed": FlowRemoved(9, replace(RULE, instructions=()), 0, 1000, 64000, 12.5),
    "port status": PortChanged(9, PORT_5),
    "barrier": BarrierReply(XID),
    "queue config": None,
    "role": RoleReply(Role.MASTER, 77, XID),
    "async config": None,
    "multipart queue": None,
}

PARTS: dict[str, tuple[MultipartType, tuple[Part, ...]]] = {
    "multipart description": (
        MultipartType.DESC,
        (SwitchDescription("Nicira, Inc.", "Open vSwitch", "3.1.0", "None", "s1 \u2713"),),
    ),
    "multipart flow": (
        MultipartType.FLOW,
        (FlowStats(RULE, 1000, 64000, 12.5), FlowStats(DROP, 1000, 64000, 12.5)),
    ),
    "multipart aggregate": (MultipartType.AGGREGATE, (AggregateStats(1000, 64000, 12),)),
    "multipart table": (MultipartType.TABLE, (TableStats(0, 5, 100, 90), TableStats(1, 6, 90, 80))),
    "multipart port stats": (
        MultipartType.PORT_STATS,
        (PortStats(1, *range(101, 113), 7.25), PortStats(2, *range(201, 213), 7.25)),  # type: ignore[call-arg]
    ),
    "multipart group": (
        MultipartType.GROUP,
        tuple(GroupStats(number, 3, 10, 640, 1.0, ((4, 256), (6, 384))) for number in (1, 2)),
    ),
    "multipart group desc": (
        MultipartType.GROUP_DESC,
        (Group(1, GroupType.SELECT, BUCKETS), Group(2, GroupType.FAST_FAILOVER, BUCKETS)),
    ),
    "multipart meter": (
        MultipartType.METER,
        tuple(MeterStats(number, 2, 10, 640, 1.5, ((3, 192),)) for number in (1, 2)),
    ),
    "multipart meter config": (
        MultipartType.METER_CONFIG,
        (MeterConfig(1, 5, Meter(1, 1000, 100)), MeterConfig(2, 1, None), MeterConfig(3, 1, None)),
    ),
    "multipart port desc": (
        MultipartType.PORT_DESC,
        (
            Port(1, "s1-eth1", MAC, True, 0, 4, 10_000_000, 20_000_000),
            Port(2, "s1-eth2", MAC, False, 1, 1, 10_000_000, 20_000_000),
        ),
    ),
}


def same_packet(one: Packet, other: Packet) -> bool:
    return all(getattr(one, name) == getattr(other, name) for name in Packet.__slots__)


def test_every_sample_has_its_meaning() -> None:
    assert set(SAMPLES) == set(MEANT) | set(PARTS) | {name for name in SAMPLES if name.startswith("packet in")}


@pytest.mark.parametrize("name", MEANT)
def test_a_message_is_read_as_meant(name: str) -> None:
    assert openflow.decode(9, SAMPLES[name]) == MEANT[name]


@pytest.mark.parametrize("name", PARTS)
def test_a_multipart_reply_is_read_as_meant(name: str) -> None:
    kind, parts = PARTS[name]
    assert openflow.decode(9, SAMPLES[name]) == MultipartReply(kind, parts, name == "multipart flow", XID)


@pytest.mark.parametrize("name", SAMPLES)
def test_ryu_reads_the_samples_too(name: str) -> None:
    """What both read from these bytes is compared field by field below; here, that they are OpenFlow to Ryu at all."""
    read = ryu_words.read(SAMPLES[name])
    assert (read.xid, read.msg_len) == (int.from_bytes(SAMPLES[name][4:8], "big"), len(SAMPLES[name]))


# ---------------------------------------------------------------- packets


@pytest.mark.parametrize("name", [name for name in SAMPLES if name.startswith("packet in")])
def test_a_packet_is_read_as_meant_and_as_ryu_reads_it(name: str) -> None:
    packet = openflow.packet_in(9, SAMPLES[name])
    read = ryu_words.read(SAMPLES[name])
    meant = Packet(9, 3, FRAME, reason=1, table=2, cookie=0x77)
    assert same_packet(packet, meant)
    assert (packet.in_port, packet.frame, packet.buffer_id) == (read.match["in_port"], read.data, read.buffer_id)
    assert (packet.table, packet.cookie, packet.reason) == (read.table_id, read.cookie, read.reason)
    assert packet.total_len == read.total_len
    decoded = openflow.decode(9, SAMPLES[name])
    assert isinstance(decoded, Packet)
    assert same_packet(decoded, packet)


@quick
@given(u32, st.binary(max_size=80), u32)
def test_any_packet(in_port: int, frame: bytes, xid: int) -> None:
    packet = openflow.packet_in(1, packet_in(Match(in_port=in_port), frame, xid=xid))
    assert (packet.in_port, packet.frame, packet.xid, packet.total_len) == (in_port, frame, xid, len(frame))


def test_a_packet_without_a_port_is_malformed_and_not_answered() -> None:
    with pytest.raises(openflow.Malformed, match="does not say") as caught:
        openflow.packet_in(1, packet_in(Match(metadata=1)))
    assert caught.value.error is None


def test_another_message_is_no_packet() -> None:
    with pytest.raises(openflow.Malformed, match="not a PACKET_IN"):
        openflow.packet_in(1, SAMPLES["multipart port desc"])


# ---------------------------------------------------------------- rules, groups, ports against Ryu


@quick
@given(rules)
def test_any_flow_removed(rule: Rule) -> None:
    octets = flow_removed(rule, reason=2)
    removed = openflow.decode(1, octets)
    read = ryu_words.read(octets)
    assert isinstance(removed, FlowRemoved)
    assert removed.rule == replace(rule, instructions=(), notify=True)
    assert ryu_words.items(read.match) == ryu_words.fields(removed.rule.match)
    assert (read.cookie, read.priority, read.table_id) == (rule.cookie, rule.priority, rule.table)
    assert (removed.reason, removed.duration) == (read.reason, read.duration_sec + read.duration_nsec / 1e9)


@quick
@given(st.lists(rules, max_size=3), st.booleans())
def test_any_flow_stats(some: list[Rule], more: bool) -> None:
    octets = multipart(1, b"".join(map(flow_stats, some)), more=more)
    reply = openflow.decode(1, octets)
    read = ryu_words.read(octets)
    assert reply == MultipartReply(
        MultipartType.FLOW, tuple(FlowStats(rule, 1000, 64000, 12.5) for rule in some), more, XID
    )
    assert [one.cookie for one in read.body] == [rule.cookie for rule in some]
    assert [ryu_words.items(one.match) for one in read.body] == [ryu_words.fields(rule.match) for rule in some]
    assert [len(one.instructions) for one in read.body] == [len(rule.instructions) for rule in some]


def test_a_rule_that_has_no_word_here_is_told_apart() -> None:
    known = flow_stats(DROP)
    experimenter = bytes.fromhex("ffff000800002320")
    longer = (len(known) + 8).to_bytes(2, "big") + known[2:] + experimenter
    reply = openflow.decode(1, multipart(1, known + longer))
    assert isinstance(reply, MultipartReply)
    assert reply.parts == (FlowStats(DROP, 1000, 64000, 12.5), FlowStats(DROP, 1000, 64000, 12.5, whole=False))


@quick
@given(st.lists(groups, max_size=3))
def test_any_group_description(some: list[Group]) -> None:
    octets = b""
    for group in some:
        body = buckets(group.buckets)
        octets += (8 + len(body)).to_bytes(2, "big") + bytes([group.type, 0]) + group.group_id.to_bytes(4, "big") + body
    reply = openflow.decode(1, multipart(7, octets))
    assert reply == MultipartReply(MultipartType.GROUP_DESC, tuple(some), False, XID)
    read = ryu_words.read(multipart(7, octets))
    assert [(one.group_id, one.type, len(one.buckets)) for one in read.body] == [
        (group.group_id, group.type, len(group.buckets)) for group in some
    ]


def test_port_statistics_are_ryus() -> None:
    reply = openflow.decode(1, SAMPLES["multipart port stats"])
    assert isinstance(reply, MultipartReply)
    ours = [(p.port, p.rx_packets, p.tx_dropped, p.rx_overruns, p.collisions) for p in reply.parts]  # type: ignore[union-attr]
    read = ryu_words.read(SAMPLES["multipart port stats"])
    assert ours == [(p.port_no, p.rx_packets, p.tx_dropped, p.rx_over_err, p.collisions) for p in read.body]


def test_ports_are_ryus() -> None:
    reply = openflow.decode(1, SAMPLES["multipart port desc"])
    assert isinstance(reply, MultipartReply)
    ours = [(p.number, p.name, p.mac.hex(":"), p.state, p.max_speed) for p in reply.parts]  # type: ignore[union-attr]
    read = ryu_words.read(SAMPLES["multipart port desc"])
    assert ours == [(p.port_no, p.name.decode(), p.hw_addr, p.state, p.max_speed) for p in read.body]


@pytest.mark.parametrize(
    ("config", "state", "up"), [(0, 4, True), (0, 0, True), (1, 4, False), (0, 1, False), (0, 2, False), (4, 4, True)]
)
def test_a_port_is_up_when_it_carries_traffic(config: int, state: int, up: bool) -> None:
    octets = port_status(0)
    octets = octets[:48] + config.to_bytes(4, "big") + state.to_bytes(4, "big") + octets[56:]
    changed = openflow.decode(1, octets)
    assert isinstance(changed, PortChanged)
    assert changed.port.up is up


@pytest.mark.parametrize(("reason", "event"), [(0, PortChanged), (1, PortGone), (2, PortChanged)])
def test_the_reason_of_a_port_status(reason: int, event: type) -> None:
    assert openflow.decode(9, port_status(reason)) == event(9, PORT_5)


# ---------------------------------------------------------------- hello


@pytest.mark.parametrize(
    ("octets", "versions"),
    [
        (message(0, version=1), {1}),
        (message(0, version=6), {6}),
        (message(0, bytes.fromhex("00010008 00000012"), version=6), {1, 4}),
        (message(0, bytes.fromhex("0007000601020000 00010008 00000010"), version=5), {4}),
        (message(0, bytes.fromhex("0001000c 00000010 00000001 00000000")), {4, 32}),
    ],
    ids=["1.0", "1.5 without a bitmap", "bitmap", "behind an unknown element", "two words"],
)
def test_the_versions_of_a_hello(octets: bytes, versions: set[int]) -> None:
    assert openflow.decode(1, octets) == Hello(frozenset(versions), XID)


def test_an_error_of_another_version_is_read() -> None:
    assert openflow.decode(1, message(1, bytes(4), version=1)) == SwitchError(1, 0, 0, XID, b"")
