"""The controller's side of OpenFlow 1.3: bytes of the wire to values of the model, and back.

This is the door to the codec; its parts lie beside it: :mod:`wire` (framing, errors), :mod:`oxm` (matches),
:mod:`actions`, :mod:`orders` (what a controller orders), :mod:`multipart` (what it asks), :mod:`replies` (what it is
answered). Nothing here holds a socket: bytes in, values out, or :class:`Malformed`, never another exception.

Sections (§) are of the OpenFlow Switch Specification 1.3.5.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from struct import Struct

from controller.model import FlowRemoved, Packet, PortChanged, PortGone, Rule, SwitchError
from controller.southbound import multipart, oxm
from controller.southbound.multipart import (
    description_request,
    flow_request,
    group_request,
    group_stats_request,
    meter_request,
    meter_stats_request,
    port_request,
    port_stats_request,
    table_request,
)
from controller.southbound.orders import encode
from controller.southbound.replies import (
    BarrierReply,
    EchoReply,
    EchoRequest,
    Features,
    Hello,
    MultipartReply,
    Role,
    RoleReply,
    SwitchConfig,
)
from controller.southbound.wire import (
    BAD_LENGTH,
    BAD_TYPE,
    BAD_VERSION,
    HEADER,
    VERSION,
    ErrorCode,
    Framer,
    Malformed,
    MessageType,
    header,
    padded,
)

__all__ = [
    "ErrorCode",
    "Framer",
    "Malformed",
    "Message",
    "MessageType",
    "barrier_request",
    "config_request",
    "decode",
    "description_request",
    "echo_reply",
    "echo_request",
    "encode",
    "error",
    "features_request",
    "flow_request",
    "group_request",
    "group_stats_request",
    "hello",
    "meter_request",
    "meter_stats_request",
    "packet_in",
    "port_request",
    "port_stats_request",
    "role_request",
    "set_config",
    "table_request",
]

Message = (
    Packet
    | FlowRemoved
    | PortChanged
    | PortGone
    | SwitchError
    | Hello
    | EchoRequest
    | EchoReply
    | Features
    | SwitchConfig
    | BarrierReply
    | RoleReply
    | MultipartReply
)
"""Everything that a switch says and a controller understands."""

# The first field of the match of every PACKET_IN that Open vSwitch sends is in_port: 36 bytes to its end.
_PACKET_IN = Struct("!HHIIHBBQHHII")
_PACKET_IN_BEGINS = VERSION << 8 | MessageType.PACKET_IN
_PACKET_IN_FIXED = Struct("!IHBBQ")
_PACKET_IN_LEAST = 42
_IN_PORT_HEADER = 0x80000004
_MATCH_AT = 24

_FEATURES = Struct("!QIBB2xI4x")
_CONFIG = Struct("!HH")
_FLOW_REMOVED = Struct("!QHBBIIHHQQ")
_PORT_STATUS = Struct("!B7x64x")
_ERROR = Struct("!HH")
_ROLE = Struct("!I4xQ")
_ELEMENT = Struct("!HH")
_VERSION_BITMAP = 1
_PORT_ADDED, _PORT_DELETED, _PORT_MODIFIED = range(3)
_QUOTED = 64


# ---------------------------------------------------------------- decode


def packet_in(dpid: int, message: bytes) -> Packet:
    """The packet of a whole PACKET_IN (§7.4.1), on the path that must be fast. Raises Malformed."""
    if len(message) >= _PACKET_IN_LEAST:
        (
            begins,
            length,
            xid,
            buffer_id,
            total_len,
            reason,
            table,
            cookie,
            match_type,
            match_length,
            first,
            port,
        ) = _PACKET_IN.unpack_from(message)
        frame_at = _MATCH_AT + 2 + (match_length + 7 & ~7)
        if (
            first == _IN_PORT_HEADER
            and begins == _PACKET_IN_BEGINS
            and match_type == 1
            and match_length >= 12
            and length == len(message) >= frame_at
        ):
            return Packet(
                dpid,
                port,
                message[frame_at:],
                buffer_id=buffer_id,
                total_len=total_len,
                reason=reason,
                table=table,
                cookie=cookie,
                xid=xid,
            )
    kind, xid = _checked_header(message)
    if kind != MessageType.PACKET_IN:
        raise Malformed("not a PACKET_IN", None)
    return _walk_packet_in(dpid, xid, message)


def decode(dpid: int, message: bytes) -> Message | None:
    """The value of one whole message from switch ``dpid``; None for a kind that a controller need not understand.

    Raises Malformed for everything that is not a message of OpenFlow 1.3 from a switch. HELLO and ERROR are read
    whatever their version, as the two sides may not have agreed on one yet.
    """
    kind, xid = _checked_header(message)
    reader = _READERS.get(kind)
    if reader is None:
        if kind in _IGNORED:
            return None
        raise Malformed(f"message type {kind} is not one that a switch sends", BAD_TYPE)
    try:
        return reader(dpid, xid, message)
    except struct.error:
        fault = f"{MessageType(kind).name} cut short at {len(message)} bytes"
        raise Malformed(fault, _length_error(kind)) from None


def _checked_header(message: bytes) -> tuple[int, int]:
    """Type and xid."""
    if len(message) < HEADER.size:
        raise Malformed(f"{len(message)} bytes are no message", None)
    version, kind, length, xid = HEADER.unpack_from(message)
    if length != len(message):
        raise Malformed(f"message of {len(message)} bytes says {length}", _length_error(kind))
    if version != VERSION and kind not in (MessageType.HELLO, MessageType.ERROR):
        raise Malformed(f"version {version} is not OpenFlow 1.3", BAD_VERSION)
    return kind, xid


def _length_error(kind: int) -> ErrorCode | None:
    """BAD_LENGTH, but an error is never answered by an error: the two sides could go on for ever."""
    return None if kind == MessageType.ERROR else BAD_LENGTH


def _walk_packet_in(dpid: int, xid: int, message: bytes) -> Packet:
    """A PACKET_IN whose match begins with another field than in_port."""
    if len(message) < _MATCH_AT:
        raise Malformed(f"PACKET_IN of {len(message)} bytes")
    buffer_id, total_len, reason, table, cookie = _PACKET_IN_FIXED.unpack_from(message, 8)
    match, _, end = oxm.decode(message, _MATCH_AT, len(message))
    port = match.get("in_port")
    if not isinstance(port, int):
        raise Malformed("PACKET_IN does not say by which port the packet came", None)
    if end + 2 > len(message):
        raise Malformed("PACKET_IN ends before the packet")
    return Packet(
        dpid,
        port,
        message[end + 2 :],
        buffer_id=buffer_id,
        total_len=total_len,
        reason=reason,
        table=table,
        cookie=cookie,
        xid=xid,
    )


def _read_flow_removed(dpid: int, _xid: int, message: bytes) -> FlowRemoved:
    cookie, priority, reason, table, sec, nsec, idle, hard, packets, octets = _FLOW_REMOVED.unpack_from(message, 8)
    match, _, end = oxm.decode(message, 8 + _FLOW_REMOVED.size, len(message))
    if end != len(message):
        raise Malformed(f"{len(message) - end} bytes behind the match of a FLOW_REMOVED")
    rule = Rule(match, (), priority, table, idle, hard, True, cookie)
    return FlowRemoved(dpid, rule, reason, packets, octets, sec + nsec / 1e9)


def _read_port_status(dpid: int, _xid: int, message: bytes) -> PortChanged | PortGone:
    (reason,) = _PORT_STATUS.unpack_from(message, 8)
    port = multipart.decode_port(message, 16)
    if reason == _PORT_DELETED:
        return PortGone(dpid, port)
    if reason in (_PORT_ADDED, _PORT_MODIFIED):
        return PortChanged(dpid, port)
    raise Malformed(f"port status for the unknown reason {reason}", None)


def _read_error(dpid: int, xid: int, message: bytes) -> SwitchError:
    kind, code = _ERROR.unpack_from(message, 8)
    return SwitchError(dpid, kind, code, xid, message[12:])


def _read_hello(_dpid: int, xid: int, message: bytes) -> Hello:
    """The bitmap's versions where there is one, else the header's (§6.3.1); elements of other kinds are skipped."""
    at = HEADER.size
    while at < len(message):
        kind, length = _ELEMENT.unpack_from(message, at)
        if length < _ELEMENT.size or at + length > len(message):
            raise Malformed(f"hello element of {length} bytes")
        if kind == _VERSION_BITMAP:
            return Hello(_versions(message[at + 4 : at + length]), xid)
        at += padded(length)
    return Hello(frozenset([message[0]]), xid)


def _versions(bitmaps: bytes) -> frozenset[int]:
    words = [int.from_bytes(bitmaps[at : at + 4], "big") for at in range(0, len(bitmaps), 4)]
    return frozenset(32 * index + bit for index, word in enumerate(words) for bit in range(32) if word >> bit & 1)


def _read_features(_dpid: int, xid: int, message: bytes) -> Features:
    dpid, n_buffers, n_tables, auxiliary, capabilities = _FEATURES.unpack_from(message, 8)
    return Features(dpid, n_buffers, n_tables, auxiliary, capabilities, xid)


def _read_config(_dpid: int, xid: int, message: bytes) -> SwitchConfig:
    flags, miss_send_len = _CONFIG.unpack_from(message, 8)
    return SwitchConfig(flags, miss_send_len, xid)


def _read_role(_dpid: int, xid: int, message: bytes) -> RoleReply:
    role, generation_id = _ROLE.unpack_from(message, 8)
    if role > max(Role):
        raise Malformed(f"unknown role {role}", None)
    return RoleReply(Role(role), generation_id, xid)


_READERS: dict[int, Callable[[int, int, bytes], Message | None]] = {
    MessageType.HELLO: _read_hello,
    MessageType.ERROR: _read_error,
    MessageType.ECHO_REQUEST: lambda _, xid, message: EchoRequest(message[8:], xid),
    MessageType.ECHO_REPLY: lambda _, xid, message: EchoReply(message[8:], xid),
    MessageType.FEATURES_REPLY: _read_features,
    MessageType.GET_CONFIG_REPLY: _read_config,
    MessageType.PACKET_IN: lambda dpid, _, message: packet_in(dpid, message),
    MessageType.FLOW_REMOVED: _read_flow_removed,
    MessageType.PORT_STATUS: _read_port_status,
    MessageType.MULTIPART_REPLY: lambda _, xid, message: multipart.decode(message, xid),
    MessageType.BARRIER_REPLY: lambda _, xid, message: BarrierReply(xid),
    MessageType.ROLE_REPLY: _read_role,
}
_IGNORED = frozenset({MessageType.EXPERIMENTER, MessageType.QUEUE_GET_CONFIG_REPLY, MessageType.GET_ASYNC_REPLY})


# ---------------------------------------------------------------- encode


def hello(xid: int, versions: Iterable[int] = (VERSION,)) -> bytes:
    """HELLO with a bitmap of the wire ``versions``, each below 32 (§7.5.1)."""
    offered = frozenset(versions)
    element = _ELEMENT.pack(_VERSION_BITMAP, 8) + sum(1 << version for version in offered).to_bytes(4, "big")
    return HEADER.pack(max(offered), MessageType.HELLO, 16, xid) + element


def echo_request(xid: int, data: bytes = b"") -> bytes:
    """Ask the switch to answer with the same data."""
    return header(MessageType.ECHO_REQUEST, 8 + len(data), xid) + data


def echo_reply(request: EchoRequest) -> bytes:
    """The answer to a switch's echo request."""
    return header(MessageType.ECHO_REPLY, 8 + len(request.data), request.xid) + request.data


def features_request(xid: int) -> bytes:
    """Ask what the switch is; answered by Features."""
    return header(MessageType.FEATURES_REQUEST, 8, xid)


def config_request(xid: int) -> bytes:
    """Ask how the switch is configured; answered by SwitchConfig."""
    return header(MessageType.GET_CONFIG_REQUEST, 8, xid)


def set_config(xid: int, flags: int = 0, miss_send_len: int = 0xFFFF) -> bytes:
    """Configure fragment handling and the bytes of a packet that a switch sends by default; 0xFFFF is all (§7.3.2)."""
    return header(MessageType.SET_CONFIG, 12, xid) + _CONFIG.pack(flags, miss_send_len)


def barrier_request(xid: int) -> bytes:
    """Ask to be told (BarrierReply) when all that was sent before has been processed (§7.3.8)."""
    return header(MessageType.BARRIER_REQUEST, 8, xid)


def role_request(xid: int, role: Role, generation_id: int = 0) -> bytes:
    """Ask for a role; answered by RoleReply, or by an error when ``generation_id`` is stale (§7.3.9)."""
    return header(MessageType.ROLE_REQUEST, 24, xid) + _ROLE.pack(role, generation_id)


def error(fault: ErrorCode, refused: bytes) -> bytes:
    """OFPT_ERROR that refuses a message: it bears its xid and quotes its first 64 bytes (§7.4.4)."""
    xid = int.from_bytes(refused[4:8], "big")
    quoted = refused[:_QUOTED]
    return header(MessageType.ERROR, 12 + len(quoted), xid) + _ERROR.pack(*fault) + quoted
