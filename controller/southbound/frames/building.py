"""Frames that the network OS itself sends: ARP (RFC 826) and IPv6 neighbour discovery (RFC 4861)."""

from __future__ import annotations

from struct import Struct

from controller.southbound.frames.headers import BROADCAST, EtherType, Protocol

_ARP = Struct("!HHBBH6s4s6s4s")
_IPV6 = Struct("!IHBB16s16s")
_ND = Struct("!BBHI16sBB6s")

_ARP_TYPE = EtherType.ARP.to_bytes(2, "big")
_IPV6_TYPE = EtherType.IPV6.to_bytes(2, "big")
_ASK, _ANSWER = 1, 2
_SOLICITATION, _ADVERTISEMENT = 135, 136
_SOURCE_ADDRESS, _TARGET_ADDRESS = 1, 2
_SOLICITED, _OVERRIDE = 0x40000000, 0x20000000
_NOBODY = bytes(6)
_UNSPECIFIED = bytes(16)
_ALL_NODES = bytes.fromhex("ff020000000000000000000000000001")
_SOLICITED_NODE = bytes.fromhex("ff0200000000000000000001ff")
_FARTHEST = 255
"""The hop limit that proves that no router has touched the message (RFC 4861 §7.1)."""


def arp_request(sender_mac: bytes, sender_ip: bytes, target_ip: bytes, target_mac: bytes = BROADCAST) -> bytes:
    """Ask who has ``target_ip``. A sender of 0.0.0.0 asks without claiming an address (RFC 5227 §2.1.1)."""
    said = _ARP.pack(1, EtherType.IPV4, 6, 4, _ASK, sender_mac, sender_ip, _NOBODY, target_ip)
    return target_mac + sender_mac + _ARP_TYPE + said


def arp_reply(sender_mac: bytes, sender_ip: bytes, target_mac: bytes, target_ip: bytes) -> bytes:
    """Tell the target that ``sender_ip`` is at ``sender_mac``."""
    said = _ARP.pack(1, EtherType.IPV4, 6, 4, _ANSWER, sender_mac, sender_ip, target_mac, target_ip)
    return target_mac + sender_mac + _ARP_TYPE + said


def neighbour_solicitation(sender_mac: bytes, sender_ip: bytes, target_ip: bytes) -> bytes:
    """Ask who has ``target_ip``, of its solicited-node group; a sender of :: claims no address (RFC 4862 §5.4.2)."""
    group = _SOLICITED_NODE + target_ip[13:]
    eth_dst = b"\x33\x33" + group[12:]
    if sender_ip == _UNSPECIFIED:
        body = _ND.pack(_SOLICITATION, 0, 0, 0, target_ip, 0, 0, _NOBODY)[:24]
    else:
        body = _ND.pack(_SOLICITATION, 0, 0, 0, target_ip, _SOURCE_ADDRESS, 1, sender_mac)
    return _neighbour(eth_dst, sender_mac, sender_ip, group, body)


def neighbour_advertisement(sender_mac: bytes, sender_ip: bytes, target_mac: bytes, target_ip: bytes) -> bytes:
    """Tell the asker at ``target_ip`` that ``sender_ip`` is at ``sender_mac``; one that asked as :: with all nodes."""
    if target_ip == _UNSPECIFIED:
        flags, target_ip, target_mac = _OVERRIDE, _ALL_NODES, b"\x33\x33" + _ALL_NODES[12:]
    else:
        flags = _SOLICITED | _OVERRIDE
    body = _ND.pack(_ADVERTISEMENT, 0, 0, flags, sender_ip, _TARGET_ADDRESS, 1, sender_mac)
    return _neighbour(target_mac, sender_mac, sender_ip, target_ip, body)


def _checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071) of an even number of bytes that are not all zero."""
    # One's complement addition of 16-bit words is addition modulo 0xFFFF, where the number itself has the same rest.
    return 0xFFFF - (int.from_bytes(data, "big") % 0xFFFF or 0xFFFF)


def _neighbour(eth_dst: bytes, eth_src: bytes, src: bytes, dst: bytes, body: bytes) -> bytes:
    pseudo = src + dst + len(body).to_bytes(4, "big") + Protocol.ICMPV6.to_bytes(4, "big")
    body = body[:2] + _checksum(pseudo + body).to_bytes(2, "big") + body[4:]
    return eth_dst + eth_src + _IPV6_TYPE + _IPV6.pack(6 << 28, len(body), Protocol.ICMPV6, _FARTHEST, src, dst) + body
