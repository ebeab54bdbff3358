"""What a capture says of a discovery, and what is claimed of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from experiments.discovery import FLOWPATH, RYU, Sample, cable_ends, measured, told
from experiments.report.sheet import render
from topologies import build_graph

GRAPH = build_graph("linear:2")
PLACES = cable_ends(GRAPH)
PROBE = "0180c200000e" + "00" * 60


@dataclass(frozen=True)
class Said:
    """A captured message, as far as it is looked at."""

    time: float
    dpid: int
    name: str
    from_switch: bool = True
    fields: dict[str, Any] = field(default_factory=dict)


def probe_in(time: float, dpid: int, port: int, data: str = PROBE) -> Said:
    return Said(time, dpid, "PACKET_IN", fields={"match": {"in_port": port}, "data": data})


def probe_out(time: float, dpid: int) -> Said:
    return Said(time, dpid, "PACKET_OUT", from_switch=False, fields={"data": PROBE})


def test_both_ends_of_every_cable_between_switches() -> None:
    assert sorted(PLACES) == [(1, 2), (2, 2)]


def test_time_runs_from_the_last_switch_to_the_last_end() -> None:
    captured = [
        Said(1.0, 1, "HELLO"), Said(2.0, 2, "HELLO"),
        probe_out(2.1, 1), probe_in(2.2, 2, 2), probe_in(2.3, 1, 2, "ff" * 60), probe_out(2.4, 2), probe_in(2.5, 1, 2),
        probe_out(4.4, 1), *(probe_out(4.6 + second, 1) for second in range(12)), probe_in(5.0, 2, 2),
    ]  # fmt: skip
    sample = measured(FLOWPATH, 1, captured, PLACES, 10.0)  # type: ignore[arg-type]
    assert sample.took == pytest.approx(0.5)
    assert (sample.probes, sample.heard) == (2, 2)
    assert (sample.probes_a_minute, sample.heard_a_minute) == (60, 6)


def claims(ours: Sample, theirs: Sample) -> list[bool]:
    machine = dict.fromkeys(("system", "kernel", "processor", "processors"), "any")
    about = {"started": "2026-01-01T00:00:00+00:00", "topology": "linear:2", "machine": machine, "versions": {}}
    sheet = told([ours, theirs], PLACES, about)
    assert "<svg" in render(sheet)
    return [claim.holds for claim in sheet.claims]


def test_sooner_and_cheaper_are_claimed_apart() -> None:
    ryu = Sample(RYU, 1, 2.0, 40, 40, 1000, 900)
    assert claims(Sample(FLOWPATH, 1, 0.1, 40, 40, 900, 900), ryu) == [True, True]
    assert claims(Sample(FLOWPATH, 1, 0.5, 40, 40, 900, 900), ryu) == [False, True]
    assert claims(Sample(FLOWPATH, 1, 0.1, 40, 40, 1100, 900), ryu) == [True, False]
