"""Questions to a switch about its state and the answers: MULTIPART (OpenFlow 1.3.5 §7.3.5)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from struct import Struct
from typing import Any

from controller.model import ALL_TABLES, Group, GroupType, Match, Port, PortNo, Rule
from controller.southbound import oxm
from controller.southbound.actions import decode_instructions
from controller.southbound.orders import decode_buckets, decode_meter
from controller.southbound.replies import (
    AggregateStats,
    FlowStats,
    GroupStats,
    MeterConfig,
    MeterStats,
    MultipartReply,
    MultipartType,
    Part,
    PortStats,
    SwitchDescription,
    TableStats,
)
from controller.southbound.wire import Malformed, MessageType, header, text

ALL_GROUPS = 0xFFFFFFFC
"""``OFPG_ALL``."""

ALL_METERS = 0xFFFFFFFF
"""``OFPM_ALL``."""

_HEAD = Struct("!HH4x")
_FLOW_REQUEST = Struct("!B3xII4xQQ")
_NUMBER_REQUEST = Struct("!I4x")
_DESCRIPTION = Struct("!256s256s256s32s256s")
_FLOW = Struct("!HBxIIHHHH4xQQQ")
_AGGREGATE = Struct("!QQI4x")
_TABLE = Struct("!B3xIQQ")
_PORT_STATS = Struct("!I4x12QII")
_GROUP = Struct("!H2xII4xQQII")
_GROUP_DESC = Struct("!HBxI")
_METER = Struct("!IH6xIQQII")
_METER_CONFIG = Struct("!HHI")
_PORT = Struct("!I4x6s2x16sII16xII")
_COUNTERS = Struct("!QQ")

_ANY_GROUP = 0xFFFFFFFF
_REPLY_MORE = 1
_SEND_FLOW_REM = 1
_PORT_DOWN = 1
_LINK_DOWN, _BLOCKED = 1, 2


# ---------------------------------------------------------------- requests


def _request(kind: MultipartType, xid: int, body: bytes = b"") -> bytes:
    return header(MessageType.MULTIPART_REQUEST, 16 + len(body), xid) + _HEAD.pack(kind, 0) + body


def description_request(xid: int) -> bytes:
    """Ask who made the switch; answered by a SwitchDescription."""
    return _request(MultipartType.DESC, xid)


def flow_request(
    xid: int,
    match: Match | None = None,
    *,
    table: int = ALL_TABLES,
    out_port: int = PortNo.ANY,
    cookie: int = 0,
    cookie_mask: int = 0,
    aggregate: bool = False,
) -> bytes:
    """Ask for the rules that ``match`` covers, narrowed by table, output port and cookie; answered by FlowStats.

    ``aggregate`` asks only for their counters together, answered by one AggregateStats. Raises ValueError for a match
    that cannot be encoded.
    """
    kind = MultipartType.AGGREGATE if aggregate else MultipartType.FLOW
    fixed = _FLOW_REQUEST.pack(table, out_port, _ANY_GROUP, cookie, cookie_mask)
    return _request(kind, xid, fixed + oxm.encode(match or Match()))


def table_request(xid: int) -> bytes:
    """Ask how full the tables are; answered by TableStats."""
    return _request(MultipartType.TABLE, xid)


def port_stats_request(xid: int, port: int = PortNo.ANY) -> bytes:
    """Ask for a port's counters, or all ports'; answered by PortStats."""
    return _request(MultipartType.PORT_STATS, xid, _NUMBER_REQUEST.pack(port))


def group_stats_request(xid: int, group_id: int = ALL_GROUPS) -> bytes:
    """Ask for a group's counters, or all groups'; answered by GroupStats."""
    return _request(MultipartType.GROUP, xid, _NUMBER_REQUEST.pack(group_id))


def group_request(xid: int) -> bytes:
    """Ask for all groups; answered by Group."""
    return _request(MultipartType.GROUP_DESC, xid)


def meter_stats_request(xid: int, meter_id: int = ALL_METERS) -> bytes:
    """Ask for a meter's counters, or all meters'; answered by MeterStats."""
    return _request(MultipartType.METER, xid, _NUMBER_REQUEST.pack(meter_id))


def meter_request(xid: int, meter_id: int = ALL_METERS) -> bytes:
    """Ask for a meter, or all meters; answered by MeterConfig."""
    return _request(MultipartType.METER_CONFIG, xid, _NUMBER_REQUEST.pack(meter_id))


def port_request(xid: int) -> bytes:
    """Ask for all ports; answered by Port."""
    return _request(MultipartType.PORT_DESC, xid)


# ---------------------------------------------------------------- replies


def decode(message: bytes, xid: int) -> MultipartReply | None:
    """The reply, or None for a kind that is not asked for here. Raises Malformed, and struct.error when cut short."""
    number, flags = _HEAD.unpack_from(message, 8)
    reader = _READERS.get(number)
    if reader is None:
        return None
    parts = tuple(reader(message, 16, len(message)))
    return MultipartReply(MultipartType(number), parts, bool(flags & _REPLY_MORE), xid)


def decode_port(data: bytes, start: int) -> Port:
    """The ofp_port at ``start`` (§7.2.1). Raises struct.error when cut short."""
    number, mac, name, config, state, curr_speed, max_speed = _PORT.unpack_from(data, start)
    up = not config & _PORT_DOWN and not state & (_LINK_DOWN | _BLOCKED)
    return Port(number, text(name), mac, up, config, state, curr_speed, max_speed)


def _seconds(whole: int, nano: int) -> float:
    return whole + nano / 1e9


def _rows(data: bytes, start: int, end: int, row: Struct) -> Iterator[tuple[Any, ...]]:
    if (end - start) % row.size:
        raise Malformed(f"{end - start} bytes are no multiple of {row.size}")
    return row.iter_unpack(memoryview(data)[start:end])


def _entries(data: bytes, start: int, end: int, fixed: Struct, length_at: int) -> Iterator[tuple[int, int]]:
    """(start, end) of entries that begin with ``fixed`` and say their length in it at ``length_at``."""
    while start < end:
        length = int.from_bytes(data[start + length_at : start + length_at + 2], "big")
        if length < fixed.size or start + length > end:
            raise Malformed(f"entry of {length} bytes in {end - start}")
        yield start, start + length
        start += length


def _read_description(data: bytes, start: int, end: int) -> Iterator[Part]:
    if end - start != _DESCRIPTION.size:
        raise Malformed(f"description of {end - start} bytes")
    yield SwitchDescription(*map(text, _DESCRIPTION.unpack_from(data, start)))


def _read_flows(data: bytes, start: int, end: int) -> Iterator[Part]:
    for at, limit in _entries(data, start, end, _FLOW, 0):
        _, table, sec, nsec, priority, idle, hard, flags, cookie, packets, octets = _FLOW.unpack_from(data, at)
        match, known, after = oxm.decode(data, at + _FLOW.size, limit)
        instructions, told = decode_instructions(data, after, limit)
        rule = Rule(match, instructions, priority, table, idle, hard, bool(flags & _SEND_FLOW_REM), cookie)
        yield FlowStats(rule, packets, octets, _seconds(sec, nsec), known and told)


def _read_aggregate(data: bytes, start: int, end: int) -> Iterator[Part]:
    if end - start != _AGGREGATE.size:
        raise Malformed(f"aggregate of {end - start} bytes")
    yield AggregateStats(*_AGGREGATE.unpack_from(data, start))


def _read_tables(data: bytes, start: int, end: int) -> Iterator[Part]:
    return (TableStats(*row) for row in _rows(data, start, end, _TABLE))


def _read_port_stats(data: bytes, start: int, end: int) -> Iterator[Part]:
    for *counters, sec, nsec in _rows(data, start, end, _PORT_STATS):
        values = (*counters, _seconds(sec, nsec))
        yield PortStats(*values)


def _read_group_stats(data: bytes, start: int, end: int) -> Iterator[Part]:
    for at, limit in _entries(data, start, end, _GROUP, 0):
        _, group_id, references, packets, octets, sec, nsec = _GROUP.unpack_from(data, at)
        buckets = tuple((row[0], row[1]) for row in _rows(data, at + _GROUP.size, limit, _COUNTERS))
        yield GroupStats(group_id, references, packets, octets, _seconds(sec, nsec), buckets)


def _read_groups(data: bytes, start: int, end: int) -> Iterator[Part]:
    for at, limit in _entries(data, start, end, _GROUP_DESC, 0):
        _, kind, group_id = _GROUP_DESC.unpack_from(data, at)
        if kind > max(GroupType):
            raise Malformed(f"group {group_id} is of the unknown type {kind}", None)
        yield Group(group_id, GroupType(kind), decode_buckets(data, at + _GROUP_DESC.size, limit))


def _read_meter_stats(data: bytes, start: int, end: int) -> Iterator[Part]:
    for at, limit in _entries(data, start, end, _METER, 4):
        meter_id, _, flows, packets, octets, sec, nsec = _METER.unpack_from(data, at)
        bands = tuple((row[0], row[1]) for row in _rows(data, at + _METER.size, limit, _COUNTERS))
        yield MeterStats(meter_id, flows, packets, octets, _seconds(sec, nsec), bands)


def _read_meters(data: bytes, start: int, end: int) -> Iterator[Part]:
    for at, limit in _entries(data, start, end, _METER_CONFIG, 0):
        _, flags, meter_id = _METER_CONFIG.unpack_from(data, at)
        yield MeterConfig(meter_id, flags, decode_meter(meter_id, flags, data, at + _METER_CONFIG.size, limit))


def _read_ports(data: bytes, start: int, end: int) -> Iterator[Part]:
    if (end - start) % _PORT.size:
        raise Malformed(f"{end - start} bytes are no multiple of a port's {_PORT.size}")
    return (decode_port(data, at) for at in range(start, end, _PORT.size))


_READERS: dict[int, Callable[[bytes, int, int], Iterator[Part]]] = {
    MultipartType.DESC: _read_description,
    MultipartType.FLOW: _read_flows,
    MultipartType.AGGREGATE: _read_aggregate,
    MultipartType.TABLE: _read_tables,
    MultipartType.PORT_STATS: _read_port_stats,
    MultipartType.GROUP: _read_group_stats,
    MultipartType.GROUP_DESC: _read_groups,
    MultipartType.METER: _read_meter_stats,
    MultipartType.METER_CONFIG: _read_meters,
    MultipartType.PORT_DESC: _read_ports,
}
