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
    Remove,
    RemoveGroup,
    Rule,
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

# Plain ints: struct takes an IntEnum more slowly, and these go out with every flow.
_FLOW_MOD_TYPE, _PACKET_OUT_TYPE = int(MessageType.FLOW_MOD), int(MessageType.PACKET_OUT)
_FLOW_ADD, _FLOW_DELETE, _FLOW_DELETE_STRICT = 0, 3, 4
_ADD, _MODIFY, _DELETE = range(3)
"""The commands of GROUP_MOD and METER_MOD alike."""
_ANY = 0xFFFFFFFF
"""OFPP_ANY and OFPG_ANY."""
_SEND_FLOW_REM = 1
_KBPS, _PKTPS, _BURST = 1, 2, 4
_DROP_BAND = 1


def encode(order: Order, xid: int, *, modify: bool = False, cookie: int | None = None) -> bytes:
    """The message that gives ``order``.

    ``modify`` tells SetGroup and SetMeter that the switch already holds one of that id, which ADD would refuse;
    ``cookie`` replaces the cookie of the rule that Install bears. Raises ValueError, naming the fault, for an order
    that no switch could read.
    """
    # Asked in the order of frequency: on the way of a packet this is Install and Send.
    try:
        if isinstance(order, Install):
            return _install(order.rule, xid, order.rule.cookie if cookie is None else cookie)
        if isinstance(order, Send):
            return _send(order, xid)
        if isinstance(order, Remove):
            return _remove(order, xid)
        if isinstance(order, SetGroup):
            return _group_mod(_MODIFY if modify else _ADD, order.group, xid)
        if isinstance(order, RemoveGroup):
            return _group_mod(_DELETE, Group(order.group_id, GroupType.ALL, ()), xid)
        if isinstance(order, SetMeter):
            return _meter_mod(_MODIFY if modify else _ADD, order.meter, xid)
        return _METER_MOD.pack(VERSION, MessageType.METER_MOD, 16, xid, _DELETE, 0, order.meter_id)
    except struct.error as fault:
        raise ValueError(f"a number does not fit its field ({fault}): {order}") from None


def _install(rule: Rule, xid: int, cookie: int) -> bytes:
    body = oxm.encode(rule.match) + encode_instructions(rule.instructions)
    flags = _SEND_FLOW_REM if rule.notify else 0
    length = 48 + len(body)
    # fmt: off
    return _FLOW_MOD.pack(
        VERSION, _FLOW_MOD_TYPE, length, xid, cookie, 0, rule.table, _FLOW_ADD, rule.idle_timeout, rule.hard_timeout,
        rule.priority, NO_BUFFER, _ANY, _ANY, flags,
    ) + body
    # fmt: on


def _remove(order: Remove, xid: int) -> bytes:
    body = oxm.encode(order.match)
    command = _FLOW_DELETE_STRICT if order.strict else _FLOW_DELETE
    length = 48 + len(body)
    # fmt: off
    return _FLOW_MOD.pack(
        VERSION, _FLOW_MOD_TYPE, length, xid, order.cookie, order.cookie_mask, order.table, command, 0, 0,
        order.priority, NO_BUFFER, order.out_port, _ANY, 0,
    ) + body
    # fmt: on


def _send(order: Send, xid: int) -> bytes:
    body = encode_actions(order.actions)
    tail = body + order.frame if order.buffer_id == NO_BUFFER else body
    length = 24 + len(tail)
    return _PACKET_OUT.pack(VERSION, _PACKET_OUT_TYPE, length, xid, order.buffer_id, order.in_port, len(body)) + tail


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
