"""What an outage did to a stream, from its arrivals alone; the filter that sights packets."""

from __future__ import annotations

import pytest

from experiments.traffic.sightings import switch_ports, udp_filter
from experiments.traffic.stream import Arrival, calm_since, outage
from topologies import build_graph


def arrivals(*missing: int, count: int = 100, delay: float = 0.001) -> list[Arrival]:
    """A packet every 10 ms, some of which never came."""
    return [Arrival(n, n / 100, n / 100 + delay) for n in range(count) if n not in missing]


def test_an_outage_is_its_missing_numbers_and_the_silence_they_leave() -> None:
    found = outage(arrivals(40, 41, 42), 0.395, 0.6)
    assert found.lost == 3
    assert found.silence == pytest.approx(0.04)
    assert (found.began, found.ended) == (0.39, 0.43)


def test_losses_before_and_after_do_not_count() -> None:
    found = outage(arrivals(10, 40, 80), 0.3, 0.6)
    assert (found.lost, found.copies) == (1, 0)


def test_an_outage_that_reaches_beyond_its_end_is_counted_whole() -> None:
    assert outage(arrivals(40, 41, 42, 43), 0.395, 0.41).lost == 4


def test_packets_that_come_late_and_out_of_order_are_not_lost() -> None:
    shuffled = arrivals()
    shuffled[40] = shuffled[40]._replace(came=0.5)
    found = outage(shuffled, 0.3, 0.7)
    assert found.lost == 0
    assert found.silence == pytest.approx(0.02)


def test_copies_are_told() -> None:
    twice = sorted([*arrivals(), Arrival(50, 0.50, 0.52)], key=lambda each: each.came)
    assert outage(twice, 0.3, 0.7).copies == 1


@pytest.mark.parametrize(("begin", "end"), [(-1, 0.5), (0.5, 2)])
def test_an_outage_without_an_edge_has_no_figure(begin: float, end: float) -> None:
    with pytest.raises(ValueError, match="from before the outage to after it"):
        outage(arrivals(), begin, end)


@pytest.mark.parametrize(
    ("missing", "since"),
    [((), 0.395), ((20,), 0.395), ((40, 41), 0.42), ((45,), 0.46), ((45, 60), 0.61), (tuple(range(40, 100)), None)],
)
def test_calm_begins_after_the_last_gap(missing: tuple[int, ...], since: float | None) -> None:
    assert calm_since(arrivals(*missing), 0.395) == since


def test_switch_ports_are_those_of_the_graph() -> None:
    ports = switch_ports(build_graph("linear:2"))
    assert sorted(ports) == ["s1-eth1", "s1-eth2", "s2-eth1", "s2-eth2"]
    assert ports["s2-eth1"] == ("s2", 1)


def run_filter(program: list[tuple[int, int, int, int]], frame: bytes) -> int:
    """A classic BPF program on a frame, as far as these programs go (Linux: networking/filter.rst)."""
    accumulator = index = at = 0
    while True:
        code, when_true, when_false, operand = program[at]
        at += 1
        match code:
            case 0x28:
                accumulator = int.from_bytes(frame[operand : operand + 2])
            case 0x30:
                accumulator = frame[operand]
            case 0x48:
                accumulator = int.from_bytes(frame[index + operand : index + operand + 2])
            case 0xB1:
                index = 4 * (frame[operand] & 0xF)
            case 0x15:
                at += when_true if accumulator == operand else when_false
            case 0x06:
                return operand


def datagram(port: int, *, protocol: int = 17, ethertype: int = 0x0800, options: int = 0) -> bytes:
    ip = bytes([0x45 + options]) + bytes(8) + bytes([protocol]) + bytes(10 + 4 * options)
    return bytes(12) + ethertype.to_bytes(2) + ip + bytes(2) + port.to_bytes(2) + bytes(8)


def test_the_filter_keeps_our_datagrams_only() -> None:
    program = udp_filter([7, 8])
    assert all(run_filter(program, datagram(port)) for port in (7, 8))
    assert run_filter(program, datagram(8, options=2))
    for other in (datagram(9), datagram(7, protocol=6), datagram(7, ethertype=0x86DD)):
        assert not run_filter(program, other)
