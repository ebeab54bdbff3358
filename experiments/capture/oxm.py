"""OpenFlow extensible matches (§7.2.3): the fields of a match, with masks, as text and numbers."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable
from typing import Any

from experiments.capture.layout import Cursor, Fields, Malformed, mac

BASIC = 0x8000
"""OFPXMC_OPENFLOW_BASIC, the class of every field that the specification itself defines."""

EXPERIMENTER = 0xFFFF
"""OFPXMC_EXPERIMENTER; its fields begin with four bytes that say whose they are."""

_HEADER = struct.Struct("!HBB")
_MATCH = struct.Struct("!HH")


def _ipv4(value: bytes) -> str:
    return socket.inet_ntop(socket.AF_INET, value)


def _ipv6(value: bytes) -> str:
    return socket.inet_ntop(socket.AF_INET6, value)


Value = Callable[[bytes], Any]
_KINDS: dict[str, tuple[int, Value]] = {"mac": (6, mac), "ipv4": (4, _ipv4), "ipv6": (16, _ipv6)}

_BASIC_FIELDS = (
    "in_port:4 in_phy_port:4 metadata:8 eth_dst:mac eth_src:mac eth_type:2 vlan_vid:2 vlan_pcp:1 ip_dscp:1 ip_ecn:1"
    " ip_proto:1 ipv4_src:ipv4 ipv4_dst:ipv4 tcp_src:2 tcp_dst:2 udp_src:2 udp_dst:2 sctp_src:2 sctp_dst:2"
    " icmpv4_type:1 icmpv4_code:1 arp_op:2 arp_spa:ipv4 arp_tpa:ipv4 arp_sha:mac arp_tha:mac ipv6_src:ipv6"
    " ipv6_dst:ipv6 ipv6_flabel:4 icmpv6_type:1 icmpv6_code:1 ipv6_nd_target:ipv6 ipv6_nd_sll:mac ipv6_nd_tll:mac"
    " mpls_label:4 mpls_tc:1 mpls_bos:1 pbb_isid:3 tunnel_id:8 ipv6_exthdr:2"
)


def _field(entry: str) -> tuple[str, int, Value]:
    name, _, kind = entry.partition(":")
    return (name, *(_KINDS.get(kind) or (int(kind), int.from_bytes)))


FIELDS = dict(enumerate(map(_field, _BASIC_FIELDS.split())))
"""OFPXMT_OFB_* -> name, length in bytes, and what its bytes say (§7.2.3.7)."""

ADDRESSES = frozenset(name for name, _, value in FIELDS.values() if value in (mac, _ipv4, _ipv6))
"""The names of the fields that hold a MAC or IP address."""


def read_match(at: Cursor, into: Fields) -> None:
    """An ``ofp_match`` with its padding: field name -> value, or {"value", "mask"} where only some bits count.

    Raises `Malformed` after the fields that could be read.
    """
    if at.left < _MATCH.size:
        raise Malformed(f"the match at byte {at.pos} has no header")
    kind, length = _MATCH.unpack_from(at.data, at.pos)
    if kind != 1:
        raise Malformed(f"match type {kind} at byte {at.pos} is not OXM")
    if length < _MATCH.size:
        raise Malformed(f"the match at byte {at.pos} says that it is {length} bytes long")
    cut = length > at.left
    fields = at.take(min(length, at.left), "match")
    fields.pos += _MATCH.size
    while fields.left:
        name, value = read_field(fields)
        if name in into:
            raise Malformed(f"{name} is in the match twice")
        into[name] = value
    if cut:
        raise Malformed(f"the match ends at byte {at.end}, before its {length} bytes are whole")
    at.skip_padding(-length % 8)


def read_field(at: Cursor) -> tuple[str, Any]:
    """One OXM TLV: its name and value (a field that the specification does not define: its bytes in hexadecimal)."""
    if at.left < _HEADER.size:
        raise Malformed(f"a match field at byte {at.pos} has no header")
    oxm_class, number, length = _HEADER.unpack_from(at.data, at.pos)
    start = at.pos + _HEADER.size
    end = start + length
    if end > at.end:
        raise Malformed(f"the match field at byte {at.pos} needs {length} bytes, {at.end - start} are there")
    at.pos = end
    if oxm_class != BASIC or number >> 1 not in FIELDS:
        return _name(oxm_class, number >> 1, at.data[start:end]), _foreign(at.data[start:end], oxm_class, number & 1)
    name, size, value = FIELDS[number >> 1]
    if length != size << (number & 1):
        raise Malformed(f"{name} at byte {start - _HEADER.size} is {length} bytes long, not {size << (number & 1)}")
    if number & 1:
        middle = start + size
        return name, {"value": value(at.data[start:middle]), "mask": value(at.data[middle:end])}
    return name, value(at.data[start:end])


def read_ids(at: Cursor, into: list[str]) -> None:
    """OXM headers without values, as table features have them: names, with ``/mask`` where the bit is set."""
    while at.left:
        if at.left < _HEADER.size:
            raise Malformed(f"a match field at byte {at.pos} has no header")
        oxm_class, number, _ = _HEADER.unpack_from(at.data, at.pos)
        at.pos += _HEADER.size
        owner = at.take(4, "experimenter field").rest() if oxm_class == EXPERIMENTER else b""
        into.append(_name(oxm_class, number >> 1, owner) + "/mask" * (number & 1))


def _name(oxm_class: int, number: int, body: bytes) -> str:
    if oxm_class == BASIC and number in FIELDS:
        return FIELDS[number][0]
    owner = f"_{body[:4].hex()}" if oxm_class == EXPERIMENTER else ""
    return f"oxm_{oxm_class:04x}_{number}{owner}"


def _foreign(body: bytes, oxm_class: int, masked: int) -> Any:
    value = body[4:] if oxm_class == EXPERIMENTER else body
    if not masked:
        return value.hex()
    middle = len(value) // 2
    return {"value": value[:middle].hex(), "mask": value[middle:].hex()}
