"""From a captured packet to its TCP segment: link, IPv4/IPv6 and TCP headers (RFC 791, 8200, 9293)."""

from __future__ import annotations

import struct
from ipaddress import ip_address
from typing import NamedTuple

from experiments.capture.pcap import Packet
from experiments.errors import UserError

FIN, SYN, RST, ACK = 0x01, 0x02, 0x04, 0x10
"""TCP flags."""


class Segment(NamedTuple):
    """A TCP segment; an endpoint is the bytes of an IP address and the two of a port."""

    time: float
    source: bytes
    target: bytes
    seq: int
    ack: int
    flags: int
    payload: bytes


_IPV4, _IPV6 = 0x0800, 0x86DD
_VLAN_TAGS = {0x8100, 0x88A8, 0x9100}
_TCP = 6
_EXTENSIONS = {0, 43, 60}
"""IPv6 headers that may stand before TCP: hop-by-hop options, routing, destination options."""

_HEADER = struct.Struct("!IIBB")
_SHORT = struct.Struct("!H")

_LINK = {1: (14, 12), 113: (16, 14), 276: (20, 0)}
"""EN10MB, LINUX_SLL, LINUX_SLL2: length of the header, and where in it the EtherType is."""

_RAW = {12, 14, 101, 228, 229}
"""Link types that begin with the IP header."""


def endpoint_text(endpoint: bytes) -> str:
    """An endpoint as people write it: 127.0.0.1:6653, [::1]:6653."""
    address, port = ip_address(endpoint[:-2]), int.from_bytes(endpoint[-2:])
    return f"[{address}]:{port}" if address.version == 6 else f"{address}:{port}"


def segment_of(packet: Packet) -> Segment | None:
    """The TCP segment in a packet; None when it holds none, or only a part of one (an IP fragment).

    Raises `UserError` for a capture from a link of an unknown kind.
    """
    data = packet.data
    if packet.linktype in _RAW:
        at = 0
        kind = _IPV6 if data[:1] > b"\x4f" else _IPV4
    elif packet.linktype in _LINK:
        at, kind_at = _LINK[packet.linktype]
        if len(data) < at:
            return None
        (kind,) = _SHORT.unpack_from(data, kind_at)
        while kind in _VLAN_TAGS and len(data) >= at + 4:
            (kind,) = _SHORT.unpack_from(data, at + 2)
            at += 4
    else:
        raise UserError(
            f"the capture is from a link of type {packet.linktype}: Ethernet, Linux cooked or raw IP is needed"
        )
    if kind == _IPV4:
        return _in_ipv4(packet.time, data, at)
    return _in_ipv6(packet.time, data, at) if kind == _IPV6 else None


def _in_ipv4(time: float, data: bytes, at: int) -> Segment | None:
    if len(data) < at + 20 or data[at + 9] != _TCP:
        return None
    (fragment,) = _SHORT.unpack_from(data, at + 6)
    if fragment & 0x3FFF:
        return None
    # A total length of 0 is that of a segment too large for the field (segmentation offload).
    length = _SHORT.unpack_from(data, at + 2)[0] or len(data) - at
    ends = data[at + 12 : at + 16], data[at + 16 : at + 20]
    return _tcp(time, data, at + (data[at] & 0x0F) * 4, at + length, ends)


def _in_ipv6(time: float, data: bytes, at: int) -> Segment | None:
    if len(data) < at + 40:
        return None
    ends = data[at + 8 : at + 24], data[at + 24 : at + 40]
    following = data[at + 6]
    length = _SHORT.unpack_from(data, at + 4)[0] or len(data) - at - 40
    at += 40
    end = at + length
    while following in _EXTENSIONS and len(data) >= at + 8:
        following, at = data[at], at + 8 + data[at + 1] * 8
    return None if following != _TCP else _tcp(time, data, at, end, ends)


def _tcp(time: float, data: bytes, at: int, end: int, ends: tuple[bytes, bytes]) -> Segment | None:
    if len(data) < at + 20:
        return None
    seq, ack, offset, flags = _HEADER.unpack_from(data, at + 4)
    payload = data[at + (offset >> 4) * 4 : end]
    source, target = ends
    return Segment(time, source + data[at : at + 2], target + data[at + 2 : at + 4], seq, ack, flags, payload)
