"""What two readings of a counter say, and what they do not."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.model import Match, Rule
from controller.services.counters import NOT_KEPT, PortMeter, Traffic, increase, traffic
from controller.southbound.replies import FlowStats, PortStats

ZERO = PortStats(1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0.5)


def meter(*readings: tuple[PortStats, float], length: int = 10) -> PortMeter:
    first, *others = readings
    metered = PortMeter(*first, length)
    for reading, now in others:
        metered.read(reading, now)
    return metered


@given(st.integers(0, 2**64 - 2), st.integers(0, 2**40))
def test_a_64_bit_counter_may_pass_its_end(before: int, grown: int) -> None:
    after = (before + grown) % 2**64
    assert increase(before, after) == (None if after == NOT_KEPT else grown)


@given(st.integers(2**31, 2**32 - 1), st.integers(0, 2**31 - 1))
def test_a_32_bit_counter_may_pass_its_end(before: int, grown: int) -> None:
    assert increase(before, (before + grown) % 2**32) == grown


@pytest.mark.parametrize(
    ("before", "after"), [(1000, 0), (2**40, 5), (NOT_KEPT, 3), (3, NOT_KEPT), (NOT_KEPT, NOT_KEPT)]
)
def test_an_increase_that_nobody_knows(before: int, after: int) -> None:
    assert increase(before, after) is None


def test_rates_are_over_the_switchs_own_time() -> None:
    later = PortStats(1, 10, 20, 1000, 4000, 2, 4, 6, 8, 0, 0, 0, 0, 2.5)
    latest = meter((ZERO, 0.0), (later, 9.0)).latest
    assert latest == (9.0, 4000.0, 16000.0, 5.0, 10.0, 1.0, 2.0, 3.0, 4.0)


@pytest.mark.parametrize("age", [0.0, 7.0, float(2**32 - 1) + 4.29], ids=["no age", "whole seconds", "age not kept"])
def test_rates_are_over_the_time_between_arrivals_where_the_switch_gives_none_that_is_exact(age: float) -> None:
    first = replace(ZERO, duration=age)
    latest = meter((first, 1.0), (replace(first, rx_packets=100), 5.0)).latest
    assert latest is not None
    assert latest.rx_packets == 25.0


def test_one_reading_says_nothing_and_the_same_twice_no_more() -> None:
    assert meter((ZERO, 0.0)).latest is None
    assert meter((ZERO, 0.0), (ZERO, 2.0)).latest is None
    repeated = meter((ZERO, 0.0), (replace(ZERO, rx_packets=8, duration=2.5), 2.0))
    repeated.read(replace(ZERO, rx_packets=8, duration=2.5), 4.0)
    repeated.read(replace(ZERO, rx_packets=16, duration=6.5), 6.0)
    assert [row.rx_packets for row in repeated.history()] == [4.0, 2.0]


def test_a_port_that_was_made_anew_begins_anew() -> None:
    old = replace(ZERO, rx_packets=1000, duration=100.5)
    again = meter((old, 0.0), (replace(ZERO, rx_packets=5, duration=1.5), 2.0))
    assert again.latest is None
    assert list(again.history()) == []
    again.read(replace(ZERO, rx_packets=9, duration=3.5), 4.0)
    assert again.latest is not None
    assert again.latest.rx_packets == 2.0
    again.read(replace(ZERO, rx_packets=0, duration=0.25), 6.0)
    assert again.latest is None


def test_a_counter_set_back_is_unknown_and_the_others_are_known() -> None:
    before = replace(ZERO, rx_packets=1000, tx_packets=10)
    latest = meter((before, 0.0), (replace(before, rx_packets=5, tx_packets=30, duration=2.5), 2.0)).latest
    assert latest is not None
    assert (latest.rx_packets, latest.tx_packets) == (None, 10.0)


def test_a_counter_that_is_not_kept_is_unknown_not_zero() -> None:
    before = replace(ZERO, rx_errors=NOT_KEPT)
    latest = meter((before, 0.0), (replace(before, duration=2.5), 2.0)).latest
    assert latest is not None
    assert (latest.rx_errors, latest.tx_errors) == (None, 0.0)


@given(st.lists(st.integers(0, 10**6), max_size=30), st.integers(1, 8))
def test_the_history_holds_the_latest_rates_in_order(growths: list[int], length: int) -> None:
    total, readings = 0, [(ZERO, 0.0)]
    for second, growth in enumerate(growths, 1):
        total += growth
        readings.append((replace(ZERO, tx_packets=total, duration=second + 0.5), float(second)))
    rows = list(meter(*readings, length=length).history())
    kept = list(enumerate(growths, 1))[-length:]
    assert [(row.time, row.tx_packets) for row in rows] == kept


FLOW = FlowStats(Rule(Match()), 100, 1000, 10.5)


@pytest.mark.parametrize(
    ("before", "after", "rate"),
    [
        (FLOW, replace(FLOW, packets=120, bytes=1500, duration=12.5), Traffic(10.0, 2000.0)),
        (None, replace(FLOW, duration=5.0), Traffic(20.0, 1600.0)),
        (replace(FLOW, duration=99.5), replace(FLOW, duration=2.0), Traffic(50.0, 4000.0)),
        (None, replace(FLOW, duration=0.0), Traffic(None, None)),
        (None, replace(FLOW, bytes=NOT_KEPT, duration=2.0), Traffic(50.0, None)),
        (FLOW, FLOW, Traffic(None, None)),
    ],
    ids=["grown", "first seen", "made anew", "no age", "bytes not kept", "same reading"],
)
def test_the_traffic_of_a_flow(before: FlowStats | None, after: FlowStats, rate: Traffic) -> None:
    assert traffic(before, after, 60.0) == rate
