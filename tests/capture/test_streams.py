"""Whatever TCP does to the bytes, the messages come out whole, once, and in order; what is lost is said."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.capture import read
from experiments.capture.messages import Message
from experiments.capture.pcap import Packet
from experiments.capture.streams import PATIENCE
from experiments.errors import UserError
from tests.capture.samples import FROM_SWITCH, message
from tests.capture.wire import ACK, FIN, SYN, Wire, heard, write_pcap

FEATURES = message("FEATURES_REPLY", struct.pack("!QIBB2xII", 7, 0, 254, 0, 0, 0))


def numbered(count: int, size: int = 20) -> list[bytes]:
    """Messages that differ, so that a lost, doubled or displaced one shows."""
    return [message("ECHO_REPLY", bytes([n % 256]) * (n * 7 % size), xid=n) for n in range(count)]


def raws(found: list[Message], *, from_switch: bool = True) -> list[bytes]:
    """The bytes of the messages of one direction."""
    return [message.raw for message in found if message.from_switch == from_switch]


@given(data=st.data(), isn=st.sampled_from([0, 1000, 2**31 - 50, 2**32 - 100, 2**32 - 1]))
def test_any_segmentation_order_and_repetition_gives_exactly_the_messages(data: st.DataObject, isn: int) -> None:
    sent = {True: numbered(data.draw(st.integers(1, 12))), False: numbered(data.draw(st.integers(0, 5)))}
    wire = Wire(isn={True: isn, False: 2**32 - 7})
    segments = []
    for from_switch, whole in sent.items():
        stream = b"".join(whole)
        cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=15))
        segments += wire.stream(stream, cuts, from_switch=from_switch)
        # Sent again under other cuts, so that what comes twice overlaps.
        again = data.draw(st.lists(st.integers(0, len(stream)), max_size=5))
        repeated = wire.stream(stream, again, from_switch=from_switch)
        segments += [segment for segment in repeated if data.draw(st.booleans())]
    found, gaps = heard(wire.opening() + data.draw(st.permutations(segments)))
    assert raws(found, from_switch=True) == sent[True]
    assert raws(found, from_switch=False) == sent[False]
    assert gaps == []


def test_a_message_has_the_time_of_the_segment_that_completed_it() -> None:
    wire = Wire()
    one, two = message("ECHO_REPLY", b"a" * 50), message("ECHO_REPLY", b"b" * 50, xid=8)
    stream = one + two
    first = wire.packet(from_switch=True, at=0, data=stream[:20], time=1.0)
    last = wire.packet(from_switch=True, at=70, data=stream[70:], time=1.1)
    hole = wire.packet(from_switch=True, at=20, data=stream[20:70], time=1.15)
    found, _ = heard([*wire.opening(), first, last, hole])
    assert [(m.raw, m.time) for m in found] == [(one, 1.15), (two, 1.15)]


def test_many_switches_at_once_stay_apart() -> None:
    wires = [Wire(switch=(f"10.0.{n}.1", 30000 + n), controller=("10.9.9.9", 6653)) for n in range(30)]
    wires += [Wire(switch=("fe80::1", 50000 + n), controller=("fe80::2", 6653)) for n in range(10)]
    sent = numbered(6)
    segments = [packet for wire in wires for packet in wire.opening()]
    streams = [wire.stream(b"".join(sent), range(5, 150, 11), from_switch=True) for wire in wires]
    segments += [packet for turn in zip(*streams, strict=True) for packet in turn]
    found, gaps = heard(segments)
    assert gaps == []
    switches = {message.switch for message in found}
    assert len(switches) == 40
    assert "[fe80::1]:50003" in switches
    for switch in switches:
        assert [message.raw for message in found if message.switch == switch] == sent


def test_a_hole_in_the_capture_loses_only_what_was_in_it() -> None:
    wire = Wire()
    sent = numbered(40, size=60)
    stream = b"".join(sent)
    segments = wire.stream(stream, range(0, len(stream), 90), from_switch=True)
    for lost in range(1, len(segments)):
        found, gaps = heard([*wire.opening(), *segments[:lost], *segments[lost + 1 :]])
        hole = range(lost * 90, lost * 90 + 90)
        expected, at = [], 0
        for raw in sent:
            if at + len(raw) <= hole.start or at >= min(hole.stop, len(stream)):
                expected.append(raw)
            at += len(raw)
        assert raws(found) == expected
        # A capture that lacks the very end looks like a connection that ended there.
        whole_before = sum(map(len, expected)) == lost * 90
        assert gaps or (lost == len(segments) - 1 and whole_before)
        assert sum(gap.missing for gap in gaps) == (90 if lost < len(segments) - 1 else 0)


def test_a_hole_that_the_receiver_does_not_have_is_not_waited_for() -> None:
    wire = Wire()
    parts = numbered(3, size=200)
    first, lost, third = wire.stream(
        b"".join(parts), [len(parts[0]), len(parts[0] + parts[1])], from_switch=True, time=1.0
    )
    acknowledged = wire.packet(from_switch=False, at=0, ack=len(b"".join(parts)), time=1.01)
    later = wire.packet(from_switch=False, at=0, ack=len(b"".join(parts)), time=1.02 + PATIENCE)
    answer = wire.packet(from_switch=False, at=0, data=message("BARRIER_REQUEST"), time=9.0)
    found, gaps = heard([*wire.opening(), first, third, acknowledged, later, answer])
    assert [m.raw for m in found] == [parts[0], parts[2], message("BARRIER_REQUEST")]
    assert [(gap.missing, gap.from_switch) for gap in gaps] == [(len(parts[1]), True)]
    assert str(len(parts[1])) in str(gaps[0])
    patient, gaps = heard([*wire.opening(), first, third, acknowledged, lost, later, answer])
    assert raws(patient) == parts
    assert gaps == []


# Derandomised: now and then, the bytes inside a message do look like messages up to the end, and nobody could tell.
@settings(derandomize=True)
@given(st.integers(1, 400), st.data())
def test_a_capture_that_begins_inside_a_stream_finds_the_next_message(start: int, data: st.DataObject) -> None:
    labels = [label for label in FROM_SWITCH if len(FROM_SWITCH[label]) < 200]
    sent = [FROM_SWITCH[label] for label in data.draw(st.lists(st.sampled_from(labels), min_size=12, max_size=20))]
    stream = b"".join(sent)
    start = min(start, len(stream) // 2)
    wire = Wire()
    cuts = [cut - start for cut in data.draw(st.lists(st.integers(start, len(stream)), max_size=6))]
    moved = [Packet(0.0, 1, packet.data) for packet in wire.stream(stream[start:], cuts, from_switch=True)]
    found, gaps = heard(moved)
    borders = [0]
    for raw in sent:
        borders.append(borders[-1] + len(raw))
    expected = [raw for raw, border in zip(sent, borders, strict=False) if border >= start]
    got = raws(found)
    # Bytes inside a message may look like one (an ERROR quotes a whole one): at most that much more is heard.
    assert got[-len(expected) :] == expected
    assert all(message.dpid in (None, 0xAB << 48 | 1) for message in found)
    skipped = sum(gap.skipped for gap in gaps)
    assert skipped + sum(map(len, got)) == len(stream) - start


def test_the_dpid_is_told_for_the_whole_connection() -> None:
    wire = Wire()
    hello = message("HELLO")
    found, _ = heard([*wire.opening(), *wire.stream(hello + FEATURES + hello, [8, 40], from_switch=True)])
    assert [message.dpid for message in found] == [7, 7, 7]
    silent = Wire(switch=("127.0.0.1", 40001))
    found, _ = heard(silent.stream(hello * 3, [8], from_switch=True))
    assert [message.dpid for message in found] == [None, None, None]


def test_a_switch_that_listens_is_the_switch_all_the_same() -> None:
    wire = Wire()
    hello, asked = message("HELLO"), message("FEATURES_REQUEST")
    packets = [
        *wire.opening(),
        *wire.stream(hello + asked, [], from_switch=True, time=1.0),
        *wire.stream(hello + FEATURES, [], from_switch=False, time=2.0),
    ]
    found, _ = heard(packets)
    assert [(m.name, m.from_switch, m.dpid) for m in found] == [
        ("HELLO", False, 7),
        ("FEATURES_REQUEST", False, 7),
        ("HELLO", True, 7),
        ("FEATURES_REPLY", True, 7),
    ]
    assert {m.switch for m in found} == {"127.0.0.1:6653"}


def test_messages_of_others_wait_their_turn_while_a_dpid_is_unknown() -> None:
    known, unknown = Wire(), Wire(switch=("127.0.0.1", 40001))
    hello = message("HELLO")
    packets = [
        *known.opening(),
        *known.stream(FEATURES, [], from_switch=True, time=1),
        *unknown.opening(),
        *unknown.stream(hello, [], from_switch=True, time=2),
        known.packet(from_switch=True, at=len(FEATURES), data=hello, time=3),
    ]
    found, _ = heard(packets)
    assert [(m.time, m.dpid) for m in found] == [(1, 7), (2, None), (3, 7)]


def test_the_same_ports_again_are_another_connection() -> None:
    first, second = Wire(), Wire(isn={True: 77, False: 99})
    hello, half = message("HELLO", xid=1), message("HELLO", b"x" * 30, xid=2)[:20]
    packets = [
        *first.opening(1.0),
        *first.stream(FEATURES + half, [], from_switch=True, time=1.0),
        *second.opening(2.0),
        *second.stream(hello, [3], from_switch=True, time=2.0),
    ]
    found, gaps = heard(packets)
    assert [(m.raw, m.dpid) for m in found] == [(FEATURES, 7), (hello, None)]
    assert [gap.skipped for gap in gaps] == [20]
    ended = [*packets[:3], first.packet(from_switch=True, at=len(FEATURES + half), flags=FIN | ACK), *packets[3:]]
    assert [m.raw for m in heard(ended)[0]] == [FEATURES, hello]


def test_the_same_ports_again_are_noticed_without_their_syn() -> None:
    wire = Wire()
    behind = Wire(isn={True: (1000 - 2**30) % 2**32, False: 1})
    hello = message("HELLO", xid=5)
    found, _ = heard(
        [*wire.opening(), *wire.stream(FEATURES, [], from_switch=True), *behind.stream(hello, [], from_switch=True)]
    )
    assert raws(found) == [FEATURES, hello]


def test_a_repeated_syn_changes_nothing() -> None:
    wire = Wire()
    hello = message("HELLO")
    syn = wire.packet(from_switch=True, at=-1, flags=SYN)
    found, gaps = heard([*wire.opening(), *wire.stream(hello, [], from_switch=True), syn, syn])
    assert raws(found) == [hello]
    assert gaps == []


def test_bytes_that_come_with_the_syn_are_the_first() -> None:
    wire = Wire()
    syn = wire.packet(from_switch=True, at=-1, data=message("HELLO"), flags=SYN)
    rest = wire.packet(from_switch=True, at=8, data=FEATURES)
    assert raws(heard([syn, rest])[0]) == [message("HELLO"), FEATURES]


def test_what_is_no_openflow_is_skipped_and_said() -> None:
    wire = Wire()
    web = b"GET / HTTP/1.1\r\nHost: controller\r\n\r\n"
    found, gaps = heard([*wire.opening(), *wire.stream(web, [], from_switch=True)])
    assert found == []
    assert [gap.skipped for gap in gaps] == [len(web)]
    hello = message("HELLO")
    found, gaps = heard([*wire.opening(), *wire.stream(web + hello + hello, [], from_switch=True)])
    assert raws(found) == [hello, hello]
    other = Wire(controller=("127.0.0.1", 8080))
    assert heard([*other.opening(), *other.stream(hello, [], from_switch=True)]) == ([], [])


ETHER, COOKED, COOKED2, RAW = 1, 113, 276, 101


@pytest.mark.parametrize("linktype", [ETHER, COOKED, COOKED2, RAW])
@pytest.mark.parametrize("ends", [("10.0.0.1", "10.0.0.2"), ("fe80::1", "fe80::2")])
def test_every_kind_of_link_is_read(linktype: int, ends: tuple[str, str]) -> None:
    wire = Wire(switch=(ends[0], 40000), controller=(ends[1], 6653))
    hello = message("HELLO")

    def over(packet: Packet) -> Packet:
        kind, ip = packet.data[12:14], packet.data[14:]
        headers = {
            ETHER: packet.data[:12] + b"\x81\x00\x00\x07" + kind,  # VLAN 7
            COOKED: bytes(14) + kind,
            COOKED2: kind + bytes(18),
            RAW: b"",
        }
        return Packet(packet.time, linktype, headers[linktype] + ip)

    found, _ = heard(map(over, [*wire.opening(), *wire.stream(hello, [4], from_switch=True)]))
    assert raws(found) == [hello]


def test_an_unknown_link_is_an_error_that_says_so() -> None:
    with pytest.raises(UserError, match="type 105"):
        heard([Packet(0.0, 105, bytes(100))])


@given(st.sampled_from([ETHER, COOKED, COOKED2, RAW]), st.binary(max_size=120))
def test_any_bytes_are_a_packet_without_a_message(linktype: int, data: bytes) -> None:
    heard([Packet(0.0, linktype, data)])


def test_files_of_all_kinds_hold_the_same(tmp_path: Path) -> None:
    from scapy.layers.l2 import Ether
    from scapy.utils import PcapNgWriter

    wire = Wire()
    packets = [*wire.opening(1.0), *wire.stream(FEATURES + message("HELLO"), [5, 40], from_switch=True, time=1.5)]
    write_pcap(tmp_path / "a.pcap", packets)
    writer = PcapNgWriter(str(tmp_path / "a.pcapng"))
    for packet in packets:
        frame = Ether(packet.data)
        frame.time = packet.time
        writer.write(frame)
    writer.close()
    (tmp_path / "a.pcap.gz").write_bytes(gzip.compress((tmp_path / "a.pcap").read_bytes()))
    plain, modern, packed = (list(read(tmp_path / name)) for name in ("a.pcap", "a.pcapng", "a.pcap.gz"))
    assert plain == modern == packed
    assert [(m.raw, m.time, m.dpid) for m in plain] == [(FEATURES, 1.5, 7), (message("HELLO"), 1.5, 7)]


def test_a_capture_cut_off_inside_a_packet_gives_what_is_before(tmp_path: Path) -> None:
    wire = Wire()
    path = tmp_path / "cut.pcap"
    write_pcap(path, [*wire.opening(), *wire.stream(FEATURES + message("HELLO"), [32], from_switch=True)])
    path.write_bytes(path.read_bytes()[:-3])
    assert [m.raw for m in read(path)] == [FEATURES]


@pytest.mark.parametrize("content", [b"", b"\xd4\xc3\xb2\xa1", b"no capture at all", b"\n\r\r\n1234"])
def test_a_file_that_is_no_capture_is_an_error_that_says_so(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.pcap"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"x\.pcap is no capture file"):
        list(read(path))
    with pytest.raises(UserError, match="cannot read"):
        list(read(tmp_path / "absent.pcap"))


def test_a_segment_larger_than_scapy_reads_by_default_is_whole(tmp_path: Path) -> None:
    wire = Wire()
    big = message("ECHO_REPLY", bytes(65500))
    segments = wire.stream(big + message("HELLO"), [65495], from_switch=True)
    write_pcap(tmp_path / "big.pcap", [*wire.opening(), *segments])
    assert len(segments[0].data) > 65_535
    assert [m.raw for m in read(tmp_path / "big.pcap")] == [big, message("HELLO")]
