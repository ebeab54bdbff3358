"""Probes are LLDP to everyone, and believed only when this controller wrote them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.contrib import lldp as scapy_lldp
from scapy.layers.l2 import Ether

from controller.southbound.lldp import (
    DESTINATION,
    TIME_TO_LIVE,
    Foreign,
    Forged,
    Garbage,
    Probe,
    ProbeKey,
    ProbeWriter,
    parse,
)

KEY = ProbeKey(b"the key of one controller")
OTHER = ProbeKey(b"the key of another controller")
MAC = bytes.fromhex("02000000000a")


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**32 - 1), st.integers(0, 2**64 - 1), st.text(max_size=16))
def test_what_is_written_is_read(dpid: int, port: int, sequence: int, name: str) -> None:
    frame = ProbeWriter(KEY, dpid, port, MAC, name).write(sequence)
    assert parse(frame, KEY) == Probe(dpid, port, sequence)
    assert parse(frame + bytes(20), KEY) == Probe(dpid, port, sequence), "padded by a device"


def test_an_ordinary_tool_reads_where_it_came_from() -> None:
    frame = Ether(ProbeWriter(KEY, 0x2A, 7, MAC, "s42-eth7").write(1))
    assert frame.dst == DESTINATION.hex(":")
    assert frame.src == MAC.hex(":")
    assert frame.type == 0x88CC
    assert frame[scapy_lldp.LLDPDUChassisID].subtype == 7
    assert frame[scapy_lldp.LLDPDUChassisID].id == b"000000000000002a"
    assert frame[scapy_lldp.LLDPDUPortID].subtype == 7
    assert frame[scapy_lldp.LLDPDUPortID].id == b"7"
    assert frame[scapy_lldp.LLDPDUTimeToLive].ttl == TIME_TO_LIVE
    assert frame[scapy_lldp.LLDPDUPortDescription].description == b"s42-eth7"
    assert frame[scapy_lldp.LLDPDUSystemName].system_name == b"flowpath-000000000000002a"
    assert frame[scapy_lldp.LLDPDUGenericOrganisationSpecific].org_code == 0x024650
    assert bytes(frame[scapy_lldp.LLDPDUEndOfLLDPDU]) == b"\0\0"


def test_every_changed_bit_is_noticed() -> None:
    frame = ProbeWriter(KEY, 5, 3, MAC, "s5-eth3").write(77)
    for bit in range(8 * (len(frame) - 2)):
        changed = bytearray(frame)
        changed[bit // 8] ^= 1 << bit % 8
        assert not isinstance(parse(bytes(changed), KEY), Probe), f"bit {bit}"


def test_a_forged_probe_tells_what_it_claims() -> None:
    frame = bytearray(ProbeWriter(KEY, 5, 3, MAC).write(77))
    frame[-3] ^= 1
    assert parse(bytes(frame), KEY) == Forged(Probe(5, 3, 77))


def test_another_controllers_probe_is_foreign() -> None:
    reading = parse(ProbeWriter(OTHER, 5, 3, MAC).write(77), KEY)
    assert reading == Foreign(b"\x070000000000000005", b"\x073", "flowpath-0000000000000005")


def test_a_hosts_lldp_is_foreign() -> None:
    frame = (
        Ether(src="02:00:00:00:00:01", dst=DESTINATION.hex(":"))
        / scapy_lldp.LLDPDUChassisID(subtype=4, id="02:00:00:00:00:01")
        / scapy_lldp.LLDPDUPortID(subtype=5, id=b"eth0")
        / scapy_lldp.LLDPDUTimeToLive(ttl=120)
        / scapy_lldp.LLDPDUSystemName(system_name=b"a host")
        / scapy_lldp.LLDPDUEndOfLLDPDU()
    )
    assert parse(bytes(frame), KEY) == Foreign(b"\x04\x02\0\0\0\0\x01", b"\x05eth0", "a host")


@given(st.binary(max_size=120))
def test_any_bytes_are_something(frame: bytes) -> None:
    assert isinstance(parse(frame, KEY), Garbage | Foreign)
    assert isinstance(parse(DESTINATION + MAC + b"\x88\xcc" + frame, KEY), Garbage | Foreign)


@given(st.integers(0, 128))
def test_a_probe_cut_short_is_no_probe(length: int) -> None:
    frame = ProbeWriter(KEY, 5, 3, MAC, "s5-eth3").write(77)
    reading = parse(frame[:length], KEY)
    assert isinstance(reading, Probe) == (length >= len(frame) - 2), "all but the end marker must be there"


@pytest.mark.parametrize(
    "tlvs",
    [
        "0402 0731 0202 0731 0602 0078 0000",
        "0202 0731 0402 0731 0000",
        "0202 0731 0402 0731 06ff 0078",
        "02",
        "",
    ],
)
def test_broken_lldp_is_garbage(tlvs: str) -> None:
    assert isinstance(parse(DESTINATION + MAC + b"\x88\xcc" + bytes.fromhex(tlvs), KEY), Garbage)


def test_a_key_is_long_enough_to_be_one() -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        ProbeKey(b"short")
