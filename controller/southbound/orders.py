"""Orders to a switch on the wire: FLOW_MOD, GROUP_MOD, METER_MOD, PACKET_OUT (OpenFlow 1.3.5 §7.3.4, §7.3.7)."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from struct import Struct

from controller.model import (
    NO_BUFFER,
    Bucket,
    Group,
    GroupType,
    Install,
    Meter,
    Order,
    PortNo,
    Remove,
    RemoveGroup,
    RemoveMeter,
    Send,
    SetGroup,
    SetMeter,
)
from controller.southbound import oxm
from controller.southbound.actions import decode_actions, encode_actions, encode_instructions
from controller.southbound.wire import VERSION, Malformed, MessageType

_FLOW_MOD = Struct("!BBHIQQBBHHHIIIH2x")
_GROUP_MOD = Struct("!BBHIHBxI")
_BUCKET = Struct("!HHII4x")
_METER_MOD = Struct("!BBHIHHI")
_BAND = Struct("!HHII4x")
_PACKET_OUT = Struct("!BBHIIIH6x")

_ADD, _MODIFY, _DELETE, _DELETE_STRICT = 0, 1, 3, 4
_GROUP_ADD, _GROUP_MODIFY, _GROUP_DELETE = 0, 1, 2
_METER_ADD, _METER_MODIFY, _METER_DELETE = 0, 1, 2
_SEND_FLOW_REM = 1
_KBPS, _PKTPS, _BURST = 1, 2, 4
_DROP_BAND = 1
_ANY_GROUP = 0xFFFFFFFF


def encode(order: Order, xid: int, *, modify: bool = False) -> bytes:
    """The message that gives ``order``.

    ``modify`` tells SetGroup and SetMeter that the switch already holds one of that id, which ADD would refuse.
    Raises ValueError, naming the fault, for an order that no switch could read.
    """
    try:
        return _encode(order, xid, modify)
    except struct.error as fault:
        raise ValueError(f"a number does not fit its field ({fault}): {order}") from None


def _encode(order: Order, xid: int, modify: bool) -> bytes:
    match order:
        case Install(_, rule):
            body = oxm.encode(rule.match) + encode_instructions(rule.instructions)
            return (
                _FLOW_MOD.pack(
                    VERSION,
                    MessageType.FLOW_MOD,
                    48 + len(body),
                    xid,
                    rule.cookie,
                    0,
                    rule.table,
                    _ADD,
                    rule.idle_timeout,
                    rule.hard_timeout,
                    rule.priority,
                    NO_BUFFER,
                    PortNo.ANY,
                    _ANY_GROUP,
                    _SEND_FLOW_REM if rule.notify else 0,
                )
                + body
            )
        case Send(_, actions, frame, in_port, buffer_id):
            body = encode_actions(actions)
            data = frame if buffer_id == NO_BUFFER else b""
            length = 24 + len(body) + len(data)
            fixed = _PACKET_OUT.pack(VERSION, MessageType.PACKET_OUT, length, xid, buffer_id, in_port, len(body))
            return fixed + body + data
        case Remove():
            return _remove(order, xid)
        case SetGroup(_, group):
            return _group_mod(_GROUP_MODIFY if modify else _GROUP_ADD, group, xid)
        case RemoveGroup(_, group_id):
            return _group_mod(_GROUP_DELETE, Group(group_id, GroupType.ALL, ()), xid)
        case SetMeter(_, meter):
            return _meter_mod(_METER_MODIFY if modify else _METER_ADD, meter, xid)
        case RemoveMeter(_, meter_id):
            return _METER_MOD.pack(VERSION, MessageType.METER_MOD, 16, xid, _METER_DELETE, 0, meter_id)


def _remove(order: Remove, xid: int) -> bytes:
    body = oxm.encode(order.match)
    command = _DELETE_STRICT if order.strict else _DELETE
    fixed = _FLOW_MOD.pack(
        VERSION,
        MessageType.FLOW_MOD,
        48 + len(body),
        xid,
        order.cookie,
        order.cookie_mask,
        order.table,
        command,
        0,
        0,
        order.priority,
        NO_BUFFER,
        order.out_port,
        _ANY_GROUP,
        0,
    )
    return fixed + body


# ---------------------------------------------------------------- groups


def _group_mod(command: int, group: Group, xid: int) -> bytes:
    body = encode_buckets(group.buckets)
    length = 16 + len(body)
    return _GROUP_MOD.pack(VERSION, MessageType.GROUP_MOD, length, xid, command, group.type, group.group_id) + body


def encode_buckets(buckets: Iterable[Bucket]) -> bytes:
    """A list of ofp_bucket (§7.3.4.2)."""
    octets = []
    for bucket in buckets:
        actions = encode_actions(bucket.actions)
        head = _BUCKET.pack(16 + len(actions), bucket.weight, bucket.watch_port, bucket.watch_group)
        octets.append(head + actions)
    return b"".join(octets)


def decode_buckets(data: bytes, start: int, end: int) -> tuple[Bucket, ...]:
    """The buckets between ``start`` and ``end``. Raises Malformed."""
    buckets = []
    while start < end:
        if end - start < _BUCKET.size:
            raise Malformed(f"{end - start} bytes cannot hold a bucket")
        length, weight, watch_port, watch_group = _BUCKET.unpack_from(data, start)
        if length < _BUCKET.size or start + length > end:
            raise Malformed(f"bucket of {length} bytes in {end - start}")
        actions = decode_actions(data, start + _BUCKET.size, start + length)
        buckets.append(Bucket(actions, weight, watch_port, watch_group))
        start += length
    return tuple(buckets)


# ---------------------------------------------------------------- meters


def _meter_mod(command: int, meter: Meter, xid: int) -> bytes:
    flags = (_PKTPS if meter.packets else _KBPS) | (_BURST if meter.burst else 0)
    band = _BAND.pack(_DROP_BAND, _BAND.size, meter.rate, meter.burst)
    length = 16 + len(band)
    return _METER_MOD.pack(VERSION, MessageType.METER_MOD, length, xid, command, flags, meter.meter_id) + band


def decode_meter(meter_id: int, flags: int, data: bytes, start: int, end: int) -> Meter | None:
    """The meter whose bands lie between ``start`` and ``end``, None unless it is one band that drops.

    Raises Malformed.
    """
    bands = []
    while start < end:
        if end - start < _BAND.size:
            raise Malformed(f"{end - start} bytes cannot hold a meter band")
        kind, length, rate, burst = _BAND.unpack_from(data, start)
        if length < _BAND.size or start + length > end:
            raise Malformed(f"meter band of {length} bytes in {end - start}")
        bands.append((kind, rate, burst))
        start += length
    if len(bands) != 1 or bands[0][0] != _DROP_BAND:
        return None
    _, rate, burst = bands[0]
    return Meter(meter_id, rate, burst if flags & _BURST else 0, bool(flags & _PKTPS))
