"""What frames say of addresses, and the questions; scapy is the second opinion."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.dhcp import BOOTP, DHCP
from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import (
    ICMPv6ND_NA,
    ICMPv6ND_NS,
    ICMPv6ND_RS,
    ICMPv6NDOptDstLLAddr,
    ICMPv6NDOptSrcLLAddr,
    IPv6,
    IPv6ExtHdrHopByHop,
)
from scapy.layers.l2 import ARP, Dot1Q, Ether
from scapy.packet import Packet as Scapy

from controller.model import ip_text, mac_text
from controller.services.neighbours import Claim, is_station, link_local, plain_source, question, read

from .host_frames import IP6_A, IP_A, IP_B, A, B, announce, answer, ethernet, ipv4, ipv6, tagged


def frame(*layers: Scapy) -> bytes:
    whole = Ether(src=mac_text(A), dst=mac_text(B))
    for layer in layers:
        whole /= layer
    return bytes(whole)


def dhcp(op: int, kind: str, **fields: str) -> bytes:
    server, client = (67, 68) if op == 2 else (68, 67)
    return frame(
        IP(src="0.0.0.0" if op == 1 else "10.0.0.1", dst="255.255.255.255"),
        UDP(sport=server, dport=client),
        BOOTP(op=op, chaddr=B if op == 2 else A, **fields),
        DHCP(options=[("hostname", b"x"), "pad", ("message-type", kind), "end"]),
    )


def discovery(message: Scapy, src: str = ip_text(IP6_A), hops: int = 255) -> bytes:
    return frame(IPv6(src=src, dst="ff02::1", hlim=hops), message)


OTHER_6 = "2001:db8::b"
FIRM_A, HEARD_A = [Claim(A, IP_A, True)], [Claim(A, IP_A, False)]
FIRM_6, HEARD_6 = [Claim(A, IP6_A, True)], [Claim(A, IP6_A, False)]


@pytest.mark.parametrize(
    ("said", "claims"),
    [
        pytest.param(announce(A, IP_A), FIRM_A, id="gratuitous ARP"),
        pytest.param(answer(A, IP_A), FIRM_A, id="ARP answer"),
        pytest.param(announce(A, bytes(4)), [], id="ARP probe"),
        pytest.param(frame(ARP(op=2, hwsrc=mac_text(B), psrc="10.0.0.10")), [], id="ARP for somebody else"),
        pytest.param(ipv4(A, IP_A), HEARD_A, id="IPv4"),
        pytest.param(ipv4(A, IP_A, proto=17, above=bytes(60)), HEARD_A, id="UDP"),
        pytest.param(ipv4(A, b"\xff" * 4), [], id="broadcast source"),
        pytest.param(ipv4(A, b"\xe0\0\0\1"), [], id="multicast source"),
        pytest.param(ipv4(A, b"\x7f\0\0\1"), [], id="loopback source"),
        pytest.param(ipv6(A, IP6_A), HEARD_6, id="IPv6"),
        pytest.param(ipv6(A, bytes(16)), [], id="unspecified IPv6"),
        pytest.param(discovery(ICMPv6ND_NS(tgt=OTHER_6)), FIRM_6, id="neighbour solicitation"),
        pytest.param(discovery(ICMPv6ND_NS(tgt=OTHER_6), src="::"), [], id="duplicate address detection"),
        pytest.param(discovery(ICMPv6ND_RS()), FIRM_6, id="router solicitation"),
        pytest.param(discovery(ICMPv6ND_NS(tgt=OTHER_6), hops=64), HEARD_6, id="solicitation from afar"),
        pytest.param(
            discovery(ICMPv6ND_NA(tgt=ip_text(IP6_A)), src=OTHER_6), FIRM_6, id="advertisement of another address"
        ),
        pytest.param(
            discovery(ICMPv6ND_NA(tgt=ip_text(IP6_A)) / ICMPv6NDOptDstLLAddr(lladdr=mac_text(A))), FIRM_6, id="with TLL"
        ),
        pytest.param(
            discovery(ICMPv6ND_NA(tgt=ip_text(IP6_A)) / ICMPv6NDOptDstLLAddr(lladdr=mac_text(B))), [], id="other's TLL"
        ),
        pytest.param(
            frame(IPv6(src=ip_text(IP6_A), hlim=255), IPv6ExtHdrHopByHop(), ICMPv6ND_RS()),
            FIRM_6,
            id="extension header",
        ),
        pytest.param(dhcp(1, "discover"), [], id="DHCP discover"),
        pytest.param(dhcp(1, "request", ciaddr="10.0.0.10"), FIRM_A, id="DHCP renewal"),
        pytest.param(
            dhcp(2, "ack", yiaddr="10.0.0.11"), [Claim(A, b"\x0a\0\0\1", False), Claim(B, IP_B, True)], id="DHCP ACK"
        ),
        pytest.param(dhcp(2, "offer", yiaddr="10.0.0.11"), [Claim(A, b"\x0a\0\0\1", False)], id="DHCP offer"),
        pytest.param(ethernet(A), [], id="neither"),
        pytest.param(ethernet(A)[:13], [], id="runt"),
    ],
)
def test_claims(said: bytes, claims: list[Claim]) -> None:
    assert read(said).claims == claims
    assert read(said).vlan == 0


@pytest.mark.parametrize("said", [announce(A, IP_A), ipv4(A, IP_A), ethernet(A)])
@pytest.mark.parametrize("eth_type", [0x8100, 0x88A8])
def test_tags_do_not_hide_claims(said: bytes, eth_type: int) -> None:
    once = tagged(said, 5 << 13 | 42, eth_type)
    assert read(once) == (42, read(said).claims)
    assert read(tagged(once, 7)) == (7, read(said).claims)


@given(st.binary(max_size=120), st.sampled_from([b"\x08\0", b"\x08\x06", b"\x86\xdd", b"\x81\0", b""]))
def test_no_bytes_are_too_strange(rest: bytes, eth_type: bytes) -> None:
    said = read(B + A + eth_type + rest)
    assert all(is_station(claim.ip) for claim in said.claims)


@given(st.integers(0, 120), st.sampled_from([dhcp(2, "ack", yiaddr="10.0.0.11"), ipv6(A, IP6_A), announce(A, IP_A)]))
def test_the_quick_look_agrees_with_the_thorough_one(length: int, whole: bytes) -> None:
    source = plain_source(whole[:length])
    thorough = [claim.ip for claim in read(tagged(whole[:length], 1)).claims]
    assert source is None or not is_station(source) or thorough in ([source], [])


@pytest.mark.parametrize("vlan", [0, 42])
def test_the_arp_question_is_a_probe(vlan: int) -> None:
    asked = Ether(question(A, IP_B, vlan=vlan, to=B))
    assert (asked.src, asked.dst) == (mac_text(A), mac_text(B))
    assert (Dot1Q in asked and asked[Dot1Q].vlan) == vlan
    assert (asked[ARP].op, asked[ARP].psrc, asked[ARP].pdst) == (1, "0.0.0.0", ip_text(IP_B))


def test_the_solicitation_has_a_source_and_a_right_checksum() -> None:
    asked = Ether(question(A, IP6_A))
    assert asked.dst == "33:33:ff:00:0a:aa"
    assert (asked[IPv6].src, asked[IPv6].dst) == (ip_text(link_local(A)), "ff02::1:ff00:aaa")
    assert (asked[ICMPv6ND_NS].tgt, asked[ICMPv6NDOptSrcLLAddr].lladdr) == (ip_text(IP6_A), mac_text(A))
    sent = asked[ICMPv6ND_NS].cksum
    del asked[ICMPv6ND_NS].cksum
    assert Ether(bytes(asked))[ICMPv6ND_NS].cksum == sent
