"""Frames read for the story: the headers that a match can ask for, from any bytes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6ND_NS, IPv6
from scapy.layers.l2 import ARP, Dot1Q, Ether
from scapy.packet import Packet

from experiments.story.frame import describe, is_group_address, read_frame

ETHER = Ether(src="00:00:00:00:00:01", dst="00:00:00:00:00:02")


def headers_of(packet: Packet) -> dict[str, object]:
    return read_frame(bytes(packet))


def test_arp() -> None:
    headers = headers_of(ETHER / ARP(op=1, psrc="10.0.0.1", pdst="10.0.0.2", hwsrc="00:00:00:00:00:01"))
    assert headers["arp_op"] == 1
    assert (headers["arp_spa"], headers["arp_tpa"]) == ("10.0.0.1", "10.0.0.2")
    assert describe(headers) == "who has 10.0.0.2? tell 10.0.0.1"


def test_echo() -> None:
    headers = headers_of(ETHER / IP(src="10.0.0.1", dst="10.0.0.2", options=[]) / ICMP(type=8, id=7, seq=3))
    assert (headers["ip_proto"], headers["icmpv4_type"], headers["icmp_id"], headers["icmp_seq"]) == (1, 8, 7, 3)
    assert describe(headers) == "echo request 10.0.0.1 to 10.0.0.2"


def test_tagged_tcp_and_udp() -> None:
    tcp = headers_of(ETHER / Dot1Q(vlan=5, prio=2) / IP(dst="10.0.0.2") / TCP(sport=1000, dport=80))
    assert (tcp["vlan_vid"], tcp["vlan_pcp"], tcp["tcp_dst"]) == (0x1005, 2, 80)
    udp = headers_of(ETHER / IP(dst="10.0.0.2") / UDP(sport=53, dport=1053))
    assert (udp["udp_src"], udp["udp_dst"]) == (53, 1053)


def test_a_later_fragment_has_no_ports() -> None:
    headers = headers_of(ETHER / IP(dst="10.0.0.2", frag=100, proto=17) / b"\1\2\3\4\5\6\7\10")
    assert headers["ip_proto"] == 17
    assert "udp_src" not in headers


def test_ipv6() -> None:
    headers = headers_of(ETHER / IPv6(src="fe80::1", dst="ff02::1") / ICMPv6ND_NS(tgt="fe80::2"))
    assert (headers["ipv6_src"], headers["icmpv6_type"]) == ("fe80::1", 135)
    assert describe(headers) == "ICMPv6 fe80::1 to ff02::1"


def test_group_addresses() -> None:
    assert is_group_address("ff:ff:ff:ff:ff:ff")
    assert is_group_address("33:33:00:00:00:01")
    assert not is_group_address("02:00:00:00:00:01")


@given(st.binary(max_size=120))
def test_any_bytes_can_be_read_and_described(frame: bytes) -> None:
    assert describe(read_frame(frame))


@given(st.binary(max_size=80), st.sampled_from([0x0800, 0x0806, 0x86DD, 0x8100]))
def test_any_bytes_behind_a_known_ethertype_can_be_read(body: bytes, ethertype: int) -> None:
    headers = read_frame(b"\2" * 12 + ethertype.to_bytes(2) + body)
    assert headers["eth_src"] == "02:02:02:02:02:02"
    assert describe(headers)
