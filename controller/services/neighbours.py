"""Who has which address: what a frame says of it, and the frames that ask.

A *claim* is firm when its sender speaks of its own address: ARP (RFC 826, 5227), neighbour and router discovery
(RFC 4861), DHCP (RFC 2131). The source of other IP traffic is hearsay: a router sends other people's addresses from its
own MAC. Addresses that nobody can have for good are never claimed: 0.0.0.0 and ::, with which a host asks whether an
address is free (RFC 5227 §2.1.1, RFC 4862 §5.4.2), loopback, multicast and reserved ones. DHCPv6 is not read: who gets
an address by it announces it by neighbour discovery before it is used.
"""

from __future__ import annotations

from typing import NamedTuple

from controller.southbound.frames import (
    BROADCAST,
    EtherType,
    Headers,
    Ip,
    Neighbour,
    Protocol,
    arp_request,
    neighbour_solicitation,
    parse,
)

_ARP = EtherType.ARP.to_bytes(2, "big")
_IPV4 = EtherType.IPV4.to_bytes(2, "big")
_IPV6 = EtherType.IPV6.to_bytes(2, "big")
_TELLING = frozenset({_ARP, b"\x81\x00", b"\x88\xa8", b"\x91\x00"})
"""ARP and the VLAN tags: EtherTypes behind which more than the source of plain traffic may be said."""

_NOBODY_V4 = bytes(4)
_UNSPECIFIED_AND_LOOPBACK_V6 = bytes(15)
_ADVERTISEMENT = 136
_ASKING = frozenset({133, 134, 135})
"""Router solicitation and advertisement, neighbour solicitation: their source is the sender's own."""
_UNTOUCHED = 255
"""The hop limit of neighbour discovery that no router has passed on (RFC 4861 §7.1)."""
_UDP = int(Protocol.UDP)
_DHCP_ACK = 5
_DHCP_PORTS = (67, 68)
_MAY_BE_DISCOVERY = (int(Protocol.ICMPV6), 0, 60)
"""And the extension headers that may come before it: hop-by-hop and destination options."""


class Claim(NamedTuple):
    """``mac`` has ``ip``: by its own word or its DHCP server's when ``firm``, else as the source of its traffic."""

    mac: bytes
    ip: bytes
    firm: bool


class Reading(NamedTuple):
    """What a frame says; ``vlan`` is the id in its outermost tag, 0 for none."""

    vlan: int
    claims: list[Claim]


def plain_source(frame: bytes) -> bytes | None:
    """The IP source of an untagged frame that says no more of addresses than this, b"" of one that says nothing.

    None: it takes a look at the headers (`read`). This is for the path that must be fast, and so looks only where the
    headers of nearly all frames are.
    """
    kind = frame[12:14]
    try:
        if kind == _IPV4:
            # The low byte of DHCP's ports 67 and 68; a few others are looked at more closely than necessary.
            return None if frame[23] == _UDP and frame[35] in _DHCP_PORTS else frame[26:30]
        if kind == _IPV6:
            return None if frame[20] in _MAY_BE_DISCOVERY else frame[22:38]
    except IndexError:
        return None
    return None if kind in _TELLING else b""


def read(frame: bytes) -> Reading:
    """The VLAN and the claims of any frame, however short or wrong."""
    source = plain_source(frame)
    if source is not None:
        return Reading(0, [Claim(frame[6:12], source, False)] if is_station(source) else [])
    headers = parse(frame)
    vlan = headers.vlans[0] & 0xFFF if headers.vlans else 0
    return Reading(vlan, [claim for claim in _claims(headers) if is_station(claim.ip)])


def is_station(ip: bytes) -> bool:
    """Whether one host can have this address: 4 or 16 bytes, neither unspecified, loopback, multicast nor reserved."""
    if len(ip) == 4:
        return 0 < ip[0] < 224 and ip[0] != 127
    return len(ip) == 16 and ip[0] != 0xFF and ip[:15] != _UNSPECIFIED_AND_LOOPBACK_V6


def question(asker: bytes, ip: bytes, *, vlan: int = 0, to: bytes = BROADCAST) -> bytes:
    """The frame by which the station ``asker`` (MAC) asks who has ``ip``, in a VLAN unless that is 0.

    For IPv4 it is an ARP probe, for the MAC ``to``; its sender has no address, so it changes nobody's table. For IPv6
    it is a neighbour solicitation from a link-local address, since one without a source would be taken for another
    host that wants the address.
    """
    if len(ip) == 4:
        frame = arp_request(asker, _NOBODY_V4, ip, to)
    else:
        frame = neighbour_solicitation(asker, link_local(asker), ip)
    if vlan:
        frame = frame[:12] + EtherType.VLAN.to_bytes(2, "big") + vlan.to_bytes(2, "big") + frame[12:]
    return frame


def link_local(mac: bytes) -> bytes:
    """The IPv6 address that a station gives itself from its MAC (RFC 4291 §2.5.6, appendix A)."""
    return b"\xfe\x80" + bytes(6) + bytes([mac[0] ^ 2]) + mac[1:3] + b"\xff\xfe" + mac[3:]


def _claims(headers: Headers) -> list[Claim]:
    sender, ip = headers.eth_src, headers.ip
    if headers.arp is not None:
        return [Claim(sender, headers.arp.spa, True)] if headers.arp.sha == sender else []
    if ip is None:
        return []
    if headers.neighbour is not None and ip.hops == _UNTOUCHED:
        return _discovery(sender, ip, headers.neighbour)
    claims = [Claim(sender, ip.src, False)]
    dhcp = headers.dhcp
    if dhcp is not None and dhcp.message == _DHCP_ACK:
        claims.append(Claim(dhcp.client, dhcp.your_ip, True))
    elif dhcp is not None and dhcp.client == sender:
        claims.append(Claim(sender, dhcp.client_ip, True))
    return claims


def _discovery(sender: bytes, ip: Ip, said: Neighbour) -> list[Claim]:
    if said.type in _ASKING:
        return [Claim(sender, ip.src, True)]
    if said.type == _ADVERTISEMENT and said.tll in (b"", sender):
        return [Claim(sender, said.target, True)]
    return []
