"""OpenFlow 1.3 as an emulated switch needs it: what it says in a handshake, and how it reads what it is told.

This is a second reading of the specification (OpenFlow 1.3.5, sections in parentheses) beside the controller's own, so
that what one of them got wrong does not pass for right.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct, error
from typing import NamedTuple

VERSION = 4
HELLO, ERROR, ECHO_REQUEST, ECHO_REPLY = 0, 1, 2, 3
FEATURES_REQUEST, FEATURES_REPLY, GET_CONFIG_REQUEST, GET_CONFIG_REPLY = 5, 6, 7, 8
PACKET_IN, PACKET_OUT, FLOW_MOD = 10, 13, 14
MULTIPART_REQUEST, MULTIPART_REPLY, BARRIER_REQUEST, BARRIER_REPLY = 18, 19, 20, 21
ROLE_REQUEST, ROLE_REPLY, GET_ASYNC_REQUEST, GET_ASYNC_REPLY = 24, 25, 26, 27

NO_BUFFER = 0xFFFFFFFF
IN_PORT, FLOOD, ALL, CONTROLLER, ANY = 0xFFFFFFF8, 0xFFFFFFFB, 0xFFFFFFFC, 0xFFFFFFFD, 0xFFFFFFFF
ADD, MODIFY, MODIFY_STRICT = 0, 1, 2

HEADER = Struct("!BBHI")
_PACKET_OUT = Struct("!8xIIH6x")
_FLOW_MOD = Struct("!8xQQBBHHHIIIHH")
_PORT = Struct("!I4x6s2x16s8I")
_SIZED = Struct("!HH")

TABLES = 254
CAPABILITIES = 0x47  # flow, table, port and queue statistics


class Unreadable(Exception):
    """Not what OpenFlow 1.3 allows, or more than this small reading knows."""


def message(kind: int, xid: int, body: bytes = b"") -> bytes:
    """A message (§7.1)."""
    return HEADER.pack(VERSION, kind, HEADER.size + len(body), xid) + body


# ---------------------------------------------------------------- what a switch says


def hello() -> bytes:
    """HELLO with the bitmap that says 1.3 alone (§7.5.1)."""
    return message(HELLO, 1, bytes.fromhex("0001000800000010"))


def reply(request: bytes, dpid: int, ports: int) -> bytes | None:
    """What a switch with this many ports and empty tables answers; None where nothing is to be answered."""
    kind, xid = request[1], int.from_bytes(request[4:8], "big")
    body = request[8:]
    match kind:
        case 2:  # ECHO_REQUEST
            return message(ECHO_REPLY, xid, body)
        case 5:  # FEATURES_REQUEST (§7.3.1)
            return message(FEATURES_REPLY, xid, Struct("!QIBB2xII").pack(dpid, 0, TABLES, 0, CAPABILITIES, 0))
        case 7:  # GET_CONFIG_REQUEST (§7.3.2)
            return message(GET_CONFIG_REPLY, xid, bytes.fromhex("0000ffff"))
        case 18:  # MULTIPART_REQUEST
            return message(MULTIPART_REPLY, xid, body[:2] + bytes(6) + _part(body, dpid, ports))
        case 20:
            return message(BARRIER_REPLY, xid)
        case 24:  # ROLE_REQUEST: granted (§7.3.9)
            return message(ROLE_REPLY, xid, body)
        case 26:
            return message(GET_ASYNC_REPLY, xid, bytes.fromhex("00000003" * 2 + "00000007" * 2 + "0000000f00000000"))
    return None


def _part(body: bytes, dpid: int, ports: int) -> bytes:
    """The one part of a multipart reply (§7.3.5): fixed where one is asked for, an empty list for all that it lacks."""
    match int.from_bytes(body[:2], "big"):
        case 0:  # DESC
            words = ("Flowpath", "emulated switch", "load generator", "none", f"switch {dpid}")
            return b"".join(w.encode().ljust(n, b"\0") for w, n in zip(words, (256, 256, 256, 32, 256), strict=True))
        case 2:  # AGGREGATE
            return bytes(24)
        case 8:  # GROUP_FEATURES
            return bytes(40)
        case 11:  # METER_FEATURES
            return bytes(16)
        case 13:  # PORT_DESC
            return b"".join(port_description(dpid, number) for number in range(1, ports + 1))
    return b""


def port_description(dpid: int, number: int) -> bytes:
    """A port that is up, at 10 Gbit/s (§7.2.1)."""
    mac = bytes((0x0A, 0, *dpid.to_bytes(2, "big"), *number.to_bytes(2, "big")))
    return _PORT.pack(number, mac, f"p{number}".encode(), 0, 4, 0x40, 0x40, 0, 0, 10_000_000, 10_000_000)


def packet_in(in_port: int, frame: bytes) -> bytes:
    """PACKET_IN for a table miss, the whole frame in it, as Open vSwitch sends it (§7.4.1): nothing is buffered."""
    body = Struct("!IHBBQ").pack(NO_BUFFER, len(frame), 0, 0, 0)
    match = Struct("!HHII4x").pack(1, 12, 0x80000004, in_port)
    return message(PACKET_IN, 0, body + match + b"\0\0" + frame)


FRAME_AT = len(packet_in(0, b""))
"""Where a frame begins in such a PACKET_IN."""


# ---------------------------------------------------------------- what a switch is told


class PacketOut(NamedTuple):
    """PACKET_OUT (§7.3.7). ``outputs``: the ports, in order; no other action is known here."""

    buffer: int
    in_port: int
    outputs: tuple[int, ...]
    frame: bytes


class Rule(NamedTuple):
    """FLOW_MOD (§7.3.4.1). ``match``: value and mask by field number; ``goto``: the next table, if there is one."""

    command: int
    table: int
    priority: int
    match: dict[int, tuple[int, int]]
    outputs: tuple[int, ...]
    goto: int | None


def read_packet_out(data: bytes) -> PacketOut:
    """Raises Unreadable."""
    try:
        buffer, in_port, length = _PACKET_OUT.unpack_from(data)
    except error as fault:
        raise Unreadable(f"PACKET_OUT: {fault}") from None
    at = _PACKET_OUT.size
    if at + length > len(data):
        raise Unreadable("PACKET_OUT: its actions are longer than itself")
    return PacketOut(buffer, in_port, _outputs(data[at : at + length]), data[at + length :])


def read_flow_mod(data: bytes) -> Rule:
    """Raises Unreadable."""
    try:
        _, _, table, command, _, _, priority, _, _, _, _, _ = _FLOW_MOD.unpack_from(data)
        kind, length = _SIZED.unpack_from(data, 48)
    except error as fault:
        raise Unreadable(f"FLOW_MOD: {fault}") from None
    if kind != 1:
        raise Unreadable(f"FLOW_MOD: match of type {kind}")
    match = dict(_fields(data[52 : 48 + length]))
    outputs: tuple[int, ...] = ()
    goto = None
    for instruction, body in _sized(data[48 + (length + 7) // 8 * 8 :]):
        if instruction == 1:  # GOTO_TABLE
            goto = body[0]
        elif instruction in (3, 4):  # WRITE_ACTIONS, APPLY_ACTIONS
            outputs += _outputs(body[4:])
        elif instruction not in (2, 5, 6):
            raise Unreadable(f"FLOW_MOD: instruction {instruction}")
    return Rule(command, table, priority, match, outputs, goto)


def _outputs(actions: bytes) -> tuple[int, ...]:
    """The ports of a list of OUTPUT actions (§7.2.5)."""
    ports = []
    for kind, body in _sized(actions):
        if kind != 0 or len(body) != 12:
            raise Unreadable(f"action {kind} of {len(body) + 4} bytes where only OUTPUT is expected")
        ports.append(int.from_bytes(body[:4], "big"))
    return tuple(ports)


def _sized(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Type and body of things that begin with type and length."""
    at = 0
    while at < len(data):
        try:
            kind, length = _SIZED.unpack_from(data, at)
        except error as fault:
            raise Unreadable(str(fault)) from None
        if length < 4 or length % 8 or at + length > len(data):
            raise Unreadable(f"length {length} with {len(data) - at} bytes left")
        yield kind, data[at + 4 : at + length]
        at += length


def _fields(data: bytes) -> Iterator[tuple[int, tuple[int, int]]]:
    """Field number, value and mask of OXM entries (§7.2.3)."""
    at = 0
    while at < len(data):
        kind, field, length = int.from_bytes(data[at : at + 2], "big"), data[at + 2 : at + 3], data[at + 3 : at + 4]
        body = data[at + 4 : at + 4 + int.from_bytes(length, "big")]
        if kind != 0x8000 or len(body) != length[0]:
            raise Unreadable(f"match field of class {kind:#x}")
        number, masked = divmod(field[0], 2)
        half = len(body) // 2 if masked else len(body)
        mask = int.from_bytes(body[half:], "big") if masked else (1 << 8 * half) - 1
        yield number, (int.from_bytes(body[:half], "big"), mask)
        at += 4 + len(body)


# ---------------------------------------------------------------- what a rule means

_ALWAYS = {3: (0, 6), 4: (6, 12), 5: (12, 14)}
_IPV4 = {11: (26, 30), 12: (30, 34)}
_UDP = {15: (34, 36), 16: (36, 38)}
_ARP = {21: (20, 22), 22: (28, 32), 23: (38, 42), 24: (22, 28), 25: (32, 38)}


def accepts(match: dict[int, tuple[int, int]], in_port: int, frame: bytes) -> bool:
    """Whether a match fits an untagged frame of this port: IPv4 with UDP, or ARP. Raises Unreadable."""
    for field, (value, mask) in match.items():
        there = _value(field, in_port, frame)
        if there is None or there & mask != value & mask:
            return False
    return True


def _value(field: int, in_port: int, frame: bytes) -> int | None:
    """A field of a frame; None where the frame has no such field."""
    ip = frame[12:14] == b"\x08\x00"
    match field:
        case 0:
            return in_port
        case 6:
            return 0  # OFPVID_NONE
        case 8:
            return frame[15] >> 2 if ip else None
        case 9:
            return frame[15] & 3 if ip else None
        case 10:
            return frame[23] if ip else None
    for places, there in ((_ALWAYS, True), (_IPV4, ip), (_UDP, ip and frame[23] == 17), (_ARP, not ip)):
        place = places.get(field)
        if place is not None:
            return int.from_bytes(frame[slice(*place)], "big") if there else None
    raise Unreadable(f"match field {field}")
