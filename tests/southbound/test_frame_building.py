"""Frames that the network OS sends are read by scapy, and by ourselves, as they were meant."""

from __future__ import annotations

from ipaddress import ip_address

from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet6 import ICMPv6ND_NA, ICMPv6NDOptSrcLLAddr, IPv6
from scapy.layers.l2 import ARP, Ether

from controller.southbound import frames
from controller.southbound.frames import Arp, Ip, Neighbour, parse

from .frame_samples import MAC_A, MAC_B, SIX_A, SIX_B, A
from .strategies import thorough


def with_scapys_checksum(octets: bytes) -> bytes:
    """The same frame with the checksum computed by scapy."""
    packet = Ether(octets)
    del packet.getlayer(2).cksum
    return bytes(packet)


macs = st.binary(min_size=6, max_size=6)
ips = st.binary(min_size=4, max_size=4)
sixes = st.binary(min_size=16, max_size=16)


@given(macs, ips, macs, ips)
def test_arp_is_read_by_scapy(mac: bytes, ip: bytes, other_mac: bytes, other_ip: bytes) -> None:
    asked = Ether(frames.arp_request(mac, ip, other_ip))
    assert (asked.dst, asked.src, asked.type) == ("ff:ff:ff:ff:ff:ff", mac.hex(":"), 0x806)
    assert parse(bytes(asked)).arp == Arp(1, mac, ip, bytes(6), other_ip)
    assert (asked[ARP].op, asked[ARP].pdst) == (1, str(ip_address(other_ip)))
    assert Ether(frames.arp_request(mac, ip, other_ip, other_mac)).dst == other_mac.hex(":")
    told = Ether(frames.arp_reply(mac, ip, other_mac, other_ip))
    assert (told.dst, told.src, told[ARP].op, told[ARP].hwsrc) == (other_mac.hex(":"), mac.hex(":"), 2, mac.hex(":"))
    assert parse(bytes(told)).arp == Arp(2, mac, ip, other_mac, other_ip)


@thorough
@given(macs, sixes, macs, sixes)
def test_neighbour_discovery_is_read_by_scapy(mac: bytes, ip: bytes, other_mac: bytes, other_ip: bytes) -> None:
    asked = frames.neighbour_solicitation(mac, ip, other_ip)
    assert with_scapys_checksum(asked) == asked
    found = parse(asked)
    assert found.neighbour == Neighbour(135, other_ip, mac if any(ip) else b"", b"")
    assert found.ip == Ip(6, ip, bytes.fromhex("ff02 0000000000000000 0001ff") + other_ip[13:], 58, 255, 0, 0, False, 0)
    assert found.eth_dst == b"\x33\x33\xff" + other_ip[13:]
    told = frames.neighbour_advertisement(mac, ip, other_mac, other_ip)
    assert with_scapys_checksum(told) == told
    assert parse(told).neighbour == Neighbour(136, ip, b"", mac)


def test_an_address_in_doubt_is_asked_for_and_answered_as_rfc_4862_says() -> None:
    asked = Ether(frames.neighbour_solicitation(MAC_A, bytes(16), SIX_B))
    assert with_scapys_checksum(bytes(asked)) == bytes(asked)
    assert (asked[IPv6].src, ICMPv6NDOptSrcLLAddr in asked) == ("::", False)
    told = Ether(frames.neighbour_advertisement(MAC_B, SIX_B, MAC_A, bytes(16)))
    assert (told.dst, told[IPv6].dst) == ("33:33:00:00:00:01", "ff02::1")
    assert (told[ICMPv6ND_NA].S, told[ICMPv6ND_NA].O) == (0, 1)
    asked_by_one = Ether(frames.neighbour_advertisement(MAC_B, SIX_B, MAC_A, SIX_A))
    assert (asked_by_one.dst, asked_by_one[ICMPv6ND_NA].S) == (A, 1)
