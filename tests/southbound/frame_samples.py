"""Frames of every kind, built by scapy: what they mean and how they are told."""

from __future__ import annotations

from ipaddress import ip_address

from scapy.layers.dhcp import BOOTP, DHCP
from scapy.layers.inet import ICMP, IP, TCP, UDP, IPOption_Router_Alert
from scapy.layers.inet6 import (
    ICMPv6EchoReply,
    ICMPv6EchoRequest,
    ICMPv6ND_NA,
    ICMPv6ND_NS,
    ICMPv6ND_RA,
    ICMPv6ND_Redirect,
    ICMPv6ND_RS,
    ICMPv6NDOptDstLLAddr,
    ICMPv6NDOptMTU,
    ICMPv6NDOptSrcLLAddr,
    IPv6,
    IPv6ExtHdrDestOpt,
    IPv6ExtHdrFragment,
    IPv6ExtHdrHopByHop,
    IPv6ExtHdrRouting,
)
from scapy.layers.ipsec import AH
from scapy.layers.l2 import ARP, LLC, SNAP, Dot1AD, Dot1Q, Dot3, Ether
from scapy.layers.sctp import SCTP
from scapy.packet import Packet as ScapyPacket

from controller.model import mac_bytes
from controller.southbound.frames import (
    LENGTH_FRAME,
    Arp,
    Dhcp,
    Headers,
    Icmp,
    Ip,
    Neighbour,
    Sctp,
    Tcp,
    Udp,
)

A, B = "02:00:00:00:00:01", "02:00:00:00:00:02"
MAC_A, MAC_B = mac_bytes(A), mac_bytes(B)
IP_A, IP_B = ip_address("10.0.0.1").packed, ip_address("10.0.0.2").packed
SIX_A, SIX_B = ip_address("fd00::1").packed, ip_address("fd00::2").packed


def ethernet() -> ScapyPacket:
    return Ether(src=A, dst=B)


def four(**fields: object) -> ScapyPacket:
    return ethernet() / IP(src="10.0.0.1", dst="10.0.0.2", **fields)


def six(**fields: object) -> ScapyPacket:
    return ethernet() / IPv6(src="fd00::1", dst="fd00::2", **fields)


def ip4(proto: int, *, hops: int = 64, dscp: int = 0, ecn: int = 0, fragment: bool = False, offset: int = 0) -> Ip:
    return Ip(4, IP_A, IP_B, proto, hops, dscp, ecn, fragment, offset)


def ip6(proto: int, *, hops: int = 64, dscp: int = 0, ecn: int = 0, fragment: bool = False, offset: int = 0) -> Ip:
    return Ip(6, SIX_A, SIX_B, proto, hops, dscp, ecn, fragment, offset)


def headers(eth_type: int, *vlans: int, **layers: object) -> Headers:
    return Headers(MAC_B, MAC_A, eth_type, vlans, **layers)  # type: ignore[arg-type]


DISCOVER = BOOTP(chaddr=MAC_A, ciaddr="0.0.0.0") / DHCP(
    options=[("message-type", "discover"), ("requested_addr", "10.0.0.9"), ("hostname", b"h1"), "end"]
)
ACK = BOOTP(op=2, chaddr=MAC_A, ciaddr="10.0.0.8", yiaddr="10.0.0.9") / DHCP(
    options=["pad", ("message-type", "ack"), ("server_id", "10.0.0.1"), "end"]
)

CASES: dict[str, tuple[ScapyPacket, Headers, str]] = {
    "arp request": (
        ethernet() / ARP(op=1, hwsrc=A, psrc="10.0.0.1", hwdst="00:00:00:00:00:00", pdst="10.0.0.2"),
        headers(0x806, arp=Arp(1, MAC_A, IP_A, bytes(6), IP_B)),
        "ARP who-has 10.0.0.2 tell 10.0.0.1",
    ),
    "arp reply": (
        ethernet() / ARP(op=2, hwsrc=A, psrc="10.0.0.1", hwdst=B, pdst="10.0.0.2"),
        headers(0x806, arp=Arp(2, MAC_A, IP_A, MAC_B, IP_B)),
        f"ARP 10.0.0.1 is-at {A}",
    ),
    "reverse arp": (
        ethernet() / ARP(op=3, hwsrc=A, psrc="10.0.0.1", hwdst=B, pdst="10.0.0.2"),
        headers(0x806, arp=Arp(3, MAC_A, IP_A, MAC_B, IP_B)),
        f"ARP operation 3 from {A}",
    ),
    "arp of another network": (
        ethernet() / ARP(hwtype=6, hwsrc=A, psrc="10.0.0.1"),
        headers(0x806),
        f"Ethernet type 0x0806 {A} -> {B}",
    ),
    "echo request": (
        four() / ICMP(type=8, id=7, seq=1) / b"data",
        headers(0x800, ip=ip4(1), icmp=Icmp(8, 0, 7, 1)),
        "ICMP echo request 10.0.0.1 -> 10.0.0.2 seq 1",
    ),
    "echo reply": (
        four() / ICMP(type=0, id=7, seq=2),
        headers(0x800, ip=ip4(1), icmp=Icmp(0, 0, 7, 2)),
        "ICMP echo reply 10.0.0.1 -> 10.0.0.2 seq 2",
    ),
    "unreachable": (
        four() / ICMP(type=3, code=1),
        headers(0x800, ip=ip4(1), icmp=Icmp(3, 1, 0, 0)),
        "ICMP destination unreachable 10.0.0.1 -> 10.0.0.2",
    ),
    "timestamp": (
        four() / ICMP(type=13, code=0, id=5, seq=6, ts_ori=0, ts_rx=0, ts_tx=0),
        headers(0x800, ip=ip4(1), icmp=Icmp(13, 0, 5, 6)),
        "ICMP type 13 code 0 10.0.0.1 -> 10.0.0.2",
    ),
    "syn": (
        four(ttl=3, tos=0xB9) / TCP(sport=5000, dport=80, seq=9, ack=4, flags="S"),
        headers(0x800, ip=ip4(6, hops=3, dscp=46, ecn=1), tcp=Tcp(5000, 80, 9, 4, 2)),
        "TCP 10.0.0.1:5000 -> 10.0.0.2:80 SYN",
    ),
    "all flags": (
        four() / TCP(sport=5000, dport=80, flags="FSRPAUEC"),
        headers(0x800, ip=ip4(6), tcp=Tcp(5000, 80, 0, 0, 255)),
        "TCP 10.0.0.1:5000 -> 10.0.0.2:80 FIN+SYN+RST+PSH+ACK+URG+ECE+CWR",
    ),
    "no flags, options": (
        four(options=[IPOption_Router_Alert()]) / TCP(sport=1, dport=2, flags=0, options=[("MSS", 1460)]) / b"data",
        headers(0x800, ip=ip4(6), tcp=Tcp(1, 2, 0, 0, 0)),
        "TCP 10.0.0.1:1 -> 10.0.0.2:2",
    ),
    "udp": (
        four() / UDP(sport=5000, dport=53) / b"query",
        headers(0x800, ip=ip4(17), udp=Udp(5000, 53, 5)),
        "UDP 10.0.0.1:5000 -> 10.0.0.2:53 5 bytes",
    ),
    "sctp": (
        four() / SCTP(sport=5000, dport=80),
        headers(0x800, ip=ip4(132), sctp=Sctp(5000, 80)),
        "SCTP 10.0.0.1:5000 -> 10.0.0.2:80",
    ),
    "gre": (
        four(proto=47) / b"tunnelled",
        headers(0x800, ip=ip4(47)),
        "IPv4 protocol 47 10.0.0.1 -> 10.0.0.2",
    ),
    "first fragment": (
        four(flags="MF") / UDP(sport=5000, dport=53, len=4000) / bytes(16),
        headers(0x800, ip=ip4(17, fragment=True), udp=Udp(5000, 53, 3992)),
        "UDP 10.0.0.1:5000 -> 10.0.0.2:53 3992 bytes",
    ),
    "last fragment": (
        four(frag=185, proto=17) / bytes(16),
        headers(0x800, ip=ip4(17, fragment=True, offset=1480)),
        "IPv4 protocol 17 10.0.0.1 -> 10.0.0.2 fragment at 1480",
    ),
    "dhcp discover": (
        four() / UDP(sport=68, dport=67) / DISCOVER,
        headers(
            0x800,
            ip=ip4(17),
            udp=Udp(68, 67, len(DISCOVER)),
            dhcp=Dhcp(1, MAC_A, bytes(4), bytes(4), bytes([10, 0, 0, 9])),
        ),
        f"DHCP discover from {A}",
    ),
    "dhcp ack": (
        four() / UDP(sport=67, dport=68) / ACK,
        headers(
            0x800,
            ip=ip4(17),
            udp=Udp(67, 68, len(ACK)),
            dhcp=Dhcp(5, MAC_A, bytes([10, 0, 0, 9]), bytes([10, 0, 0, 8]), b""),
        ),
        f"DHCP ACK 10.0.0.9 for {A}",
    ),
    "bootp": (
        four() / UDP(sport=68, dport=67) / BOOTP(chaddr=MAC_A),
        headers(0x800, ip=ip4(17), udp=Udp(68, 67, 236), dhcp=Dhcp(0, MAC_A, bytes(4), bytes(4), b"")),
        f"DHCP BOOTP from {A}",
    ),
    "ping of ip 6": (
        six(tc=0xB9, hlim=9) / ICMPv6EchoRequest(id=7, seq=1),
        headers(0x86DD, ip=ip6(58, hops=9, dscp=46, ecn=1), icmp=Icmp(128, 0, 7, 1)),
        "ICMPv6 echo request fd00::1 -> fd00::2 seq 1",
    ),
    "pong of ip 6": (
        six() / ICMPv6EchoReply(id=7, seq=1) / b"data",
        headers(0x86DD, ip=ip6(58), icmp=Icmp(129, 0, 7, 1)),
        "ICMPv6 echo reply fd00::1 -> fd00::2 seq 1",
    ),
    "router solicitation": (
        six() / ICMPv6ND_RS() / ICMPv6NDOptSrcLLAddr(lladdr=A),
        headers(0x86DD, ip=ip6(58, hops=255), icmp=Icmp(133, 0, 0, 0), neighbour=Neighbour(133, b"", MAC_A, b"")),
        "ICMPv6 router solicitation from fd00::1",
    ),
    "router advertisement": (
        six() / ICMPv6ND_RA(chlim=0, routerlifetime=0, M=0, O=0) / ICMPv6NDOptMTU() / ICMPv6NDOptSrcLLAddr(lladdr=A),
        headers(0x86DD, ip=ip6(58, hops=255), icmp=Icmp(134, 0, 8, 0), neighbour=Neighbour(134, b"", MAC_A, b"")),
        "ICMPv6 router advertisement from fd00::1",
    ),
    "neighbour solicitation": (
        six() / ICMPv6ND_NS(tgt="fd00::2") / ICMPv6NDOptSrcLLAddr(lladdr=A),
        headers(0x86DD, ip=ip6(58, hops=255), icmp=Icmp(135, 0, 0, 0), neighbour=Neighbour(135, SIX_B, MAC_A, b"")),
        "ICMPv6 who-has fd00::2 tell fd00::1",
    ),
    "neighbour advertisement": (
        six() / ICMPv6ND_NA(tgt="fd00::1", R=0, S=0, O=0) / ICMPv6NDOptDstLLAddr(lladdr=A),
        headers(0x86DD, ip=ip6(58, hops=255), icmp=Icmp(136, 0, 0, 0), neighbour=Neighbour(136, SIX_A, b"", MAC_A)),
        f"ICMPv6 fd00::1 is-at {A}",
    ),
    "neighbour advertisement without an address": (
        six() / ICMPv6ND_NA(tgt="fd00::1", R=0, S=0, O=0),
        headers(0x86DD, ip=ip6(58, hops=255), icmp=Icmp(136, 0, 0, 0), neighbour=Neighbour(136, SIX_A, b"", b"")),
        "ICMPv6 fd00::1 is here",
    ),
    "redirect": (
        six() / ICMPv6ND_Redirect(tgt="fd00::2", dst="fd00::1"),
        headers(0x86DD, ip=ip6(58, hops=255), icmp=Icmp(137, 0, 0, 0), neighbour=Neighbour(137, SIX_B, b"", b"")),
        "ICMPv6 redirect from fd00::1 to fd00::2",
    ),
    "extension headers": (
        six()
        / IPv6ExtHdrHopByHop()
        / IPv6ExtHdrRouting(addresses=["fd00::5"])
        / IPv6ExtHdrDestOpt()
        / UDP(sport=1, dport=2)
        / b"abc",
        headers(0x86DD, ip=ip6(17), udp=Udp(1, 2, 3)),
        "UDP [fd00::1]:1 -> [fd00::2]:2 3 bytes",
    ),
    "authentication header": (
        six(nh=51) / AH(nh=6, spi=1, seq=1, icv=bytes(12), payloadlen=4) / TCP(sport=1, dport=2, flags="A"),
        headers(0x86DD, ip=ip6(6), tcp=Tcp(1, 2, 0, 0, 16)),
        "TCP [fd00::1]:1 -> [fd00::2]:2 ACK",
    ),
    "first fragment of ip 6": (
        six() / IPv6ExtHdrFragment(m=1, offset=0) / UDP(sport=1, dport=2, len=4000) / bytes(8),
        headers(0x86DD, ip=ip6(17, fragment=True), udp=Udp(1, 2, 3992)),
        "UDP [fd00::1]:1 -> [fd00::2]:2 3992 bytes",
    ),
    "last fragment of ip 6": (
        six() / IPv6ExtHdrFragment(m=0, offset=185, nh=17) / bytes(8),
        headers(0x86DD, ip=ip6(17, fragment=True, offset=1480)),
        "IPv6 protocol 17 fd00::1 -> fd00::2 fragment at 1480",
    ),
    "no next header": (
        six(nh=59),
        headers(0x86DD, ip=ip6(59)),
        "IPv6 protocol 59 fd00::1 -> fd00::2",
    ),
    "two tags": (
        ethernet()
        / Dot1AD(vlan=100, prio=3)
        / Dot1Q(vlan=7)
        / IP(src="10.0.0.1", dst="10.0.0.2")
        / UDP(sport=1, dport=2),
        headers(0x800, 3 << 13 | 100, 7, ip=ip4(17), udp=Udp(1, 2, 0)),
        "VLAN 100 VLAN 7 UDP 10.0.0.1:1 -> 10.0.0.2:2 0 bytes",
    ),
    "lldp": (
        Ether(src=A, dst=B, type=0x88CC) / b"\x02\x07",
        headers(0x88CC),
        f"LLDP {A} -> {B}",
    ),
    "unknown type": (
        Ether(src=A, dst=B, type=0x88B5) / b"anything",
        headers(0x88B5),
        f"Ethernet type 0x88b5 {A} -> {B}",
    ),
    "spanning tree": (
        Dot3(src=A, dst=B) / LLC(dsap=0x42, ssap=0x42, ctrl=3) / b"bridge protocol",
        headers(LENGTH_FRAME),
        f"802.3 {A} -> {B}",
    ),
    "snap": (
        Dot3(src=A, dst=B) / LLC() / SNAP(OUI=0, code=0x800) / IP(src="10.0.0.1", dst="10.0.0.2") / ICMP(type=8),
        headers(0x800, ip=ip4(1), icmp=Icmp(8, 0, 0, 0)),
        "ICMP echo request 10.0.0.1 -> 10.0.0.2 seq 0",
    ),
}
