"""Reading a frame, layer by layer, once.

IEEE 802.3, 802.1Q; RFC 826 (ARP), 791 (IPv4), 8200 (IPv6), 792 and 4443 (ICMP), 4861 (neighbour discovery),
9293 (TCP), 768 (UDP), 9260 (SCTP), 2131 (DHCP).
"""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct
from typing import NamedTuple

from controller.southbound.frames.headers import (
    LENGTH_FRAME,
    Arp,
    Dhcp,
    Ethernet,
    EtherType,
    Headers,
    Icmp,
    Ip,
    Neighbour,
    Protocol,
    Sctp,
    Tcp,
    Udp,
)

_ARP = Struct("!HHBBH6s4s6s4s")
_IPV4 = Struct("!BBHHHBBH4s4s")
_IPV6 = Struct("!IHBB16s16s")
_TCP = Struct("!HHIIBB")
_UDP = Struct("!HHH")
_PORTS = Struct("!HH")
_ICMP = Struct("!BBHHH")
_DHCP = Struct("!BBBB8x4s4s8x6s")

_TAGS = frozenset({EtherType.VLAN, EtherType.SERVICE_VLAN, 0x9100})
_SNAP = b"\xaa\xaa\x03\x00\x00\x00"
_HOP_BY_HOP, _ROUTING, _FRAGMENT, _AUTHENTICATION, _NOTHING, _DESTINATION = 0, 43, 44, 51, 59, 60
_EXTENSIONS = frozenset({_HOP_BY_HOP, _ROUTING, _FRAGMENT, _AUTHENTICATION, _DESTINATION, 135, 139, 140})
_OPTIONS_AT = {133: 8, 134: 16, 135: 24, 136: 24, 137: 40}
"""Where the options of each neighbour discovery message begin; the target, where there is one, is at 8."""
_DHCP_PORTS = frozenset({67, 68})
_TRANSPORT_SIZE: dict[int, int] = {
    Protocol.ICMP: 8,
    Protocol.TCP: 20,
    Protocol.UDP: 8,
    Protocol.ICMPV6: 8,
    Protocol.SCTP: 12,
}
"""How much of a header must be there."""

_DHCP_COOKIE = b"\x63\x82\x53\x63"


def parse(frame: bytes) -> Headers:
    """The headers of ``frame``, however short or wrong it is."""
    size = len(frame)
    if size < 14:
        return Headers(frame[:6] if size >= 6 else b"", frame[6:12] if size >= 12 else b"", 0, truncated=True)
    eth_type = frame[12] << 8 | frame[13]
    at = 14
    vlans: tuple[int, ...] = ()
    while eth_type in _TAGS:
        if at + 4 > size:
            return Headers(frame[:6], frame[6:12], eth_type, vlans, truncated=True)
        vlans += (frame[at] << 8 | frame[at + 1],)
        eth_type = frame[at + 2] << 8 | frame[at + 3]
        at += 4
    if eth_type < 0x600:
        if frame[at : at + 6] != _SNAP[: size - at]:
            return Headers(frame[:6], frame[6:12], LENGTH_FRAME, vlans)
        if at + 8 > size:
            return Headers(frame[:6], frame[6:12], LENGTH_FRAME, vlans, truncated=True)
        eth_type = frame[at + 6] << 8 | frame[at + 7]
        at += 8
    ethernet = Ethernet(frame[:6], frame[6:12], eth_type, vlans)
    reader = _READERS.get(eth_type)
    return Headers(*ethernet) if reader is None else reader(ethernet, frame, at)


def _read_arp(ethernet: Ethernet, frame: bytes, at: int) -> Headers:
    if at + _ARP.size > len(frame):
        return Headers(*ethernet, truncated=True)
    hardware, protocol, hardware_size, protocol_size, *said = _ARP.unpack_from(frame, at)
    if (hardware, protocol, hardware_size, protocol_size) != (1, EtherType.IPV4, 6, 4):
        return Headers(*ethernet)
    return Headers(*ethernet, Arp(*said))


def _read_ipv4(ethernet: Ethernet, frame: bytes, at: int) -> Headers:
    if at + _IPV4.size > len(frame):
        return Headers(*ethernet, truncated=True)
    first, tos, total, _, division, ttl, proto, _, src, dst = _IPV4.unpack_from(frame, at)
    size = (first & 0x0F) * 4
    if first >> 4 != 4 or size < _IPV4.size:
        return Headers(*ethernet, truncated=True)
    # A length of 0 is what a frame has that was captured before segmentation by the network card.
    limit = at + total if total else len(frame)
    end = min(limit, len(frame))
    offset = (division & 0x1FFF) * 8
    ip = Ip(4, src, dst, proto, ttl, tos >> 2, tos & 3, bool(division & 0x3FFF), offset)
    transport, whole = _read_transport(ip, frame, at + size, end)
    return _with_ip(ethernet, ip, transport, not whole or limit > end or at + size > end)


def _read_ipv6(ethernet: Ethernet, frame: bytes, at: int) -> Headers:
    if at + _IPV6.size > len(frame):
        return Headers(*ethernet, truncated=True)
    first, payload, proto, hops, src, dst = _IPV6.unpack_from(frame, at)
    if first >> 28 != 6:
        return Headers(*ethernet, truncated=True)
    at += _IPV6.size
    # A length of 0 is a jumbogram's (RFC 2675) or of a frame captured before segmentation.
    limit = at + payload if payload or proto == _NOTHING else len(frame)
    end = min(limit, len(frame))
    fragment, offset = False, 0
    while proto in _EXTENSIONS and not offset and at + 8 <= end:
        if proto == _FRAGMENT:
            division = frame[at + 2] << 8 | frame[at + 3]
            fragment, offset, size = bool(division & 0xFFF9), division & 0xFFF8, 8
        elif proto == _AUTHENTICATION:
            size = (frame[at + 1] + 2) * 4
        else:
            size = (frame[at + 1] + 1) * 8
        proto = frame[at]
        at += size
    traffic = first >> 20 & 0xFF
    ip = Ip(6, src, dst, proto, hops, traffic >> 2, traffic & 3, fragment, offset)
    transport, whole = _read_transport(ip, frame, at, end)
    cut = not whole or limit > end or at > end or (proto in _EXTENSIONS and not offset)
    return _with_ip(ethernet, ip, transport, cut)


_READERS: dict[int, Callable[[Ethernet, bytes, int], Headers]] = {
    EtherType.IPV4: _read_ipv4,
    EtherType.ARP: _read_arp,
    EtherType.IPV6: _read_ipv6,
}


class _Transport(NamedTuple):
    """The last fields of Headers."""

    tcp: Tcp | None = None
    udp: Udp | None = None
    sctp: Sctp | None = None
    icmp: Icmp | None = None
    neighbour: Neighbour | None = None
    dhcp: Dhcp | None = None


_NOTHING_READ = _Transport()


def _with_ip(ethernet: Ethernet, ip: Ip, above: _Transport, truncated: bool) -> Headers:
    tcp, udp, sctp, icmp, neighbour, dhcp = above
    return Headers(*ethernet, None, ip, truncated, tcp, udp, sctp, icmp, neighbour, dhcp)


def _read_transport(ip: Ip, frame: bytes, at: int, end: int) -> tuple[_Transport, bool]:
    """What lies above IP, and whether it was all there."""
    least = _TRANSPORT_SIZE.get(ip.proto)
    if least is None or ip.offset:
        return _NOTHING_READ, True
    if at + least > end:
        return _NOTHING_READ, False
    match ip.proto:
        case Protocol.TCP:
            src, dst, seq, ack, _, flags = _TCP.unpack_from(frame, at)
            return _Transport(Tcp(src, dst, seq, ack, flags)), True
        case Protocol.UDP:
            src, dst, length = _UDP.unpack_from(frame, at)
            dhcp, whole = _read_dhcp(frame[at + 8 : end]) if {src, dst} <= _DHCP_PORTS else (None, True)
            return _Transport(udp=Udp(src, dst, max(length - 8, 0)), dhcp=dhcp), whole
        case Protocol.SCTP:
            return _Transport(sctp=Sctp(*_PORTS.unpack_from(frame, at))), True
    kind, code, _, ident, seq = _ICMP.unpack_from(frame, at)
    neighbour, whole = _read_neighbour(kind, frame[at:end]) if ip.proto == Protocol.ICMPV6 else (None, True)
    return _Transport(icmp=Icmp(kind, code, ident, seq), neighbour=neighbour), whole


def _read_neighbour(kind: int, message: bytes) -> tuple[Neighbour | None, bool]:
    at = _OPTIONS_AT.get(kind)
    if at is None:
        return None, True
    if at > len(message):
        return None, False
    target = message[8:24] if at >= 24 else b""
    given = {1: b"", 2: b""}
    whole = True
    while at < len(message) and whole:
        size = message[at + 1] * 8 if at + 1 < len(message) else 0
        whole = 0 < size <= len(message) - at
        if whole and size == 8 and message[at] in given:
            given[message[at]] = message[at + 2 : at + 8]
        at += size
    return Neighbour(kind, target, given[1], given[2]), whole


def _read_dhcp(message: bytes) -> tuple[Dhcp | None, bool]:
    if len(message) < 236:
        return None, False
    _, hardware, hardware_size, _, client_ip, your_ip, client = _DHCP.unpack_from(message)
    if (hardware, hardware_size) != (1, 6):
        return None, True
    options, whole = _dhcp_options(message) if message[236:240] == _DHCP_COOKIE else ({}, True)
    kind, requested = options.get(53, b""), options.get(50, b"")
    requested = requested if len(requested) == 4 else b""
    return Dhcp(kind[0] if kind else 0, client, your_ip, client_ip, requested), whole


def _dhcp_options(message: bytes) -> tuple[dict[int, bytes], bool]:
    options: dict[int, bytes] = {}
    at = 240
    while at < len(message) and message[at] != 255:
        if message[at] == 0:
            at += 1
            continue
        end = at + 2 + message[at + 1] if at + 1 < len(message) else len(message) + 1
        if end > len(message):
            return options, False
        options[message[at]] = message[at + 2 : end]
        at = end
    return options, True
