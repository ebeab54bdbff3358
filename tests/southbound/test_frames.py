"""Frames are read as scapy meant them, whole, padded or cut; any bytes are read somehow."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import TCP

from controller.model import Match, mac_bytes
from controller.southbound import frames
from controller.southbound.frames import LENGTH_FRAME, Granularity, Headers, Tcp, parse

from .frame_samples import CASES, IP_A, IP_B, MAC_A, MAC_B, SIX_A, SIX_B, four, headers, six
from .strategies import thorough


@pytest.mark.parametrize("name", CASES)
def test_a_frame_is_read_as_it_was_meant(name: str) -> None:
    packet, meant, _ = CASES[name]
    assert parse(bytes(packet)) == meant


@pytest.mark.parametrize("name", CASES)
def test_the_padding_of_a_short_frame_is_not_read(name: str) -> None:
    packet, meant, _ = CASES[name]
    assert parse(bytes(packet) + bytes(46)) == meant


@pytest.mark.parametrize("name", CASES)
def test_a_frame_is_told_in_one_line(name: str) -> None:
    packet, _, line = CASES[name]
    assert frames.describe(bytes(packet)) == line


@pytest.mark.parametrize("name", CASES)
def test_a_frame_cut_at_any_length_gives_what_is_left(name: str) -> None:
    octets, whole = bytes(CASES[name][0]), CASES[name][1]
    for size in range(len(octets)):
        cut = parse(octets[:size])
        missing = False
        for layer in ("arp", "ip", "tcp", "udp", "sctp", "icmp"):
            if getattr(cut, layer) is None:
                missing |= getattr(whole, layer) is not None
            else:
                assert layer == "ip" or getattr(cut, layer) == getattr(whole, layer), size
        assert cut.truncated or not missing, size
        assert cut.eth_src == (MAC_A if size >= 12 else b"")
        assert frames.describe(octets[:size]).endswith(" (truncated)") is cut.truncated


@thorough
@given(st.binary(max_size=100))
def test_any_bytes_are_a_frame(octets: bytes) -> None:
    assert isinstance(parse(octets), Headers)
    assert frames.describe(octets)


@thorough
@given(st.sampled_from(sorted(CASES)), st.data())
def test_any_bytes_behind_a_true_beginning(name: str, data: st.DataObject) -> None:
    octets = bytes(CASES[name][0])
    kept = data.draw(st.integers(12, len(octets)))
    noise = data.draw(st.binary(max_size=80))
    assert isinstance(parse(octets[:kept] + noise), Headers)
    assert frames.describe(octets[:kept] + noise)
    assert parse(octets[:kept] + noise).match(Granularity.FLOW)


def test_garbage_in_place_of_an_ip_header_is_told() -> None:
    for garbage in (b"\x65", b"\x44"):
        octets = bytes(four() / TCP())
        assert parse(octets[:14] + garbage + octets[15:]) == headers(0x800, truncated=True)
    octets = bytes(six() / TCP())
    assert parse(octets[:14] + b"\x45" + octets[15:]) == headers(0x86DD, truncated=True)


def test_a_frame_captured_before_segmentation_has_no_length() -> None:
    octets = bytearray(bytes(four() / TCP(sport=1, dport=2, flags="A")))
    octets[16:18] = b"\0\0"
    assert parse(bytes(octets)).tcp == Tcp(1, 2, 0, 0, 16)
    assert not parse(bytes(octets)).truncated


# ---------------------------------------------------------------- what a frame belongs to


@pytest.mark.parametrize(
    ("mac", "broadcast", "multicast", "link_local"),
    [
        ("ff:ff:ff:ff:ff:ff", True, True, False),
        ("01:00:5e:00:00:fb", False, True, False),
        ("33:33:00:00:00:01", False, True, False),
        ("01:80:c2:00:00:00", False, True, True),
        ("01:80:c2:00:00:0e", False, True, True),
        ("01:80:c2:00:00:0f", False, True, True),
        ("01:80:c2:00:00:10", False, True, False),
        ("02:00:00:00:00:01", False, False, False),
    ],
)
def test_whom_a_frame_is_for(mac: str, broadcast: bool, multicast: bool, link_local: bool) -> None:
    found = parse(mac_bytes(mac) + MAC_A + b"\x88\xb5")
    assert (found.is_broadcast, found.is_multicast, found.is_link_local) == (broadcast, multicast, link_local)


def test_a_runt_is_for_nobody() -> None:
    found = parse(b"\xff\xff")
    assert (found.is_broadcast, found.is_multicast, found.is_link_local) == (False, False, False)


MACS = {"eth_dst": MAC_B, "eth_src": MAC_A}
IPS = MACS | {"eth_type": 0x800, "ipv4_src": IP_A, "ipv4_dst": IP_B}
SIXES = MACS | {"eth_type": 0x86DD, "ipv6_src": SIX_A, "ipv6_dst": SIX_B}


@pytest.mark.parametrize(
    ("name", "granularity", "fields"),
    [
        ("syn", Granularity.MAC, MACS),
        ("syn", Granularity.IP, IPS),
        ("syn", Granularity.FLOW, IPS | {"ip_proto": 6, "tcp_src": 5000, "tcp_dst": 80}),
        ("udp", Granularity.FLOW, IPS | {"ip_proto": 17, "udp_src": 5000, "udp_dst": 53}),
        ("sctp", Granularity.FLOW, IPS | {"ip_proto": 132, "sctp_src": 5000, "sctp_dst": 80}),
        ("echo request", Granularity.FLOW, IPS | {"ip_proto": 1, "icmpv4_type": 8, "icmpv4_code": 0}),
        ("first fragment", Granularity.FLOW, IPS | {"ip_proto": 17}),
        ("last fragment", Granularity.FLOW, IPS | {"ip_proto": 17}),
        ("gre", Granularity.FLOW, IPS | {"ip_proto": 47}),
        ("ping of ip 6", Granularity.IP, SIXES),
        ("ping of ip 6", Granularity.FLOW, SIXES | {"ip_proto": 58, "icmpv6_type": 128, "icmpv6_code": 0}),
        ("arp request", Granularity.FLOW, MACS | {"eth_type": 0x806}),
        ("unknown type", Granularity.IP, MACS | {"eth_type": 0x88B5}),
        ("spanning tree", Granularity.FLOW, MACS | {"eth_type": LENGTH_FRAME}),
        ("two tags", Granularity.MAC, MACS | {"vlan_vid": 0x1064}),
    ],
)
def test_the_flow_of_a_frame(name: str, granularity: Granularity, fields: dict[str, int | bytes]) -> None:
    found = parse(bytes(CASES[name][0]))
    assert found.match(granularity) == Match.of(fields.items())
    assert found.match(granularity, in_port=4) == Match.of((fields | {"in_port": 4}).items())
