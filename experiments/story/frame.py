"""Reading the headers of a frame, under the names and in the text form that a decoded OpenFlow match has.

So "does this rule match that packet?" is a comparison of two mappings (`experiments.story.tables`).
Sources: IEEE 802.3, 802.1Q; RFC 826 (ARP), 791 (IPv4), 792 (ICMP), 8200 (IPv6), 9293 (TCP), 768 (UDP).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address
from typing import Any

Headers = Mapping[str, Any]

ARP, IPV4, IPV6, VLAN = 0x0806, 0x0800, 0x86DD, 0x8100
VLAN_PRESENT = 0x1000
"""OFPVID_PRESENT: what a match on a tagged frame adds to the VLAN id (OpenFlow 1.3.5 §7.2.3.7)."""
ICMP, TCP, UDP, ICMP6 = 1, 6, 17, 58
ECHO_REPLY, ECHO_REQUEST = 0, 8
BROADCAST = "ff:ff:ff:ff:ff:ff"


def read_frame(frame: bytes) -> dict[str, Any]:
    """The headers of an Ethernet frame as OXM names -> text or numbers; those that are cut off are not in it.

    Beside the fields of a match: ``icmp_id`` and ``icmp_seq`` of an echo, which no OpenFlow match can look at.
    """
    headers: dict[str, Any] = {}
    if len(frame) < 14:
        return headers
    headers["eth_dst"], headers["eth_src"] = frame[0:6].hex(":"), frame[6:12].hex(":")
    (ethertype,) = struct.unpack_from("!H", frame, 12)
    start = 14
    if ethertype == VLAN and len(frame) >= 18:
        tag, ethertype = struct.unpack_from("!HH", frame, 14)
        headers.update(vlan_vid=tag & 0xFFF | VLAN_PRESENT, vlan_pcp=tag >> 13)
        start = 18
    headers["eth_type"] = ethertype
    reader = {ARP: _arp, IPV4: _ipv4, IPV6: _ipv6}.get(ethertype)
    if reader:
        reader(frame[start:], headers)
    return headers


def _arp(body: bytes, into: dict[str, Any]) -> None:
    if len(body) < 28:
        return
    _, _, _, _, operation, sha, spa, tha, tpa = struct.unpack_from("!HHBBH6s4s6s4s", body)
    into.update(arp_op=operation, arp_sha=sha.hex(":"), arp_tha=tha.hex(":"))
    into.update(arp_spa=str(IPv4Address(spa)), arp_tpa=str(IPv4Address(tpa)))


def _ipv4(body: bytes, into: dict[str, Any]) -> None:
    if len(body) < 20:
        return
    into.update(ipv4_src=str(IPv4Address(body[12:16])), ipv4_dst=str(IPv4Address(body[16:20])))
    into.update(ip_proto=body[9], ip_dscp=body[1] >> 2, ip_ecn=body[1] & 3)
    first_fragment = not struct.unpack_from("!H", body, 6)[0] & 0x1FFF
    if first_fragment:
        _transport(body[9], body[(body[0] & 0xF) * 4 :], into)


def _ipv6(body: bytes, into: dict[str, Any]) -> None:
    if len(body) < 40:
        return
    into.update(ipv6_src=str(IPv6Address(body[8:24])), ipv6_dst=str(IPv6Address(body[24:40])), ip_proto=body[6])
    into["ipv6_flabel"] = struct.unpack_from("!I", body)[0] & 0xFFFFF
    _transport(body[6], body[40:], into)


def _transport(protocol: int, body: bytes, into: dict[str, Any]) -> None:
    name = {TCP: "tcp", UDP: "udp"}.get(protocol)
    if name and len(body) >= 4:
        into[f"{name}_src"], into[f"{name}_dst"] = struct.unpack_from("!HH", body)
    elif protocol == ICMP6 and len(body) >= 2:
        into.update(icmpv6_type=body[0], icmpv6_code=body[1])
    elif protocol == ICMP and len(body) >= 2:
        into.update(icmpv4_type=body[0], icmpv4_code=body[1])
        if body[0] in (ECHO_REPLY, ECHO_REQUEST) and len(body) >= 8:
            into["icmp_id"], into["icmp_seq"] = struct.unpack_from("!HH", body, 4)


def is_group_address(mac: str) -> bool:
    """Whether a MAC address stands for several hosts: broadcast or multicast (IEEE 802.3 §3.2.3)."""
    return bool(int(mac[:2], 16) & 1)


def describe(headers: Headers) -> str:
    """A frame for people, in a few words."""
    if headers.get("arp_op") == 1:
        return f"who has {headers['arp_tpa']}? tell {headers['arp_spa']}"
    if headers.get("arp_op") == 2:
        return f"{headers['arp_spa']} is at {headers.get('arp_sha', '?')}"
    if headers.get("icmpv4_type") in (ECHO_REQUEST, ECHO_REPLY):
        kind = "echo request" if headers["icmpv4_type"] == ECHO_REQUEST else "echo reply"
        return f"{kind} {headers['ipv4_src']} to {headers['ipv4_dst']}"
    source = headers.get("ipv4_src") or headers.get("ipv6_src") or headers.get("eth_src", "?")
    target = headers.get("ipv4_dst") or headers.get("ipv6_dst") or headers.get("eth_dst", "?")
    kind = next((name for key, name in _KINDS if key in headers), f"ethertype {headers.get('eth_type', 0):#06x}")
    return f"{kind} {source} to {target}"


_KINDS = (("tcp_src", "TCP"), ("udp_src", "UDP"), ("icmpv6_type", "ICMPv6"), ("ipv4_src", "IPv4"), ("ipv6_src", "IPv6"))
