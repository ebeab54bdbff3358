"""Cables of a way, the reference by hand, what the link-failure experiment accepts and what it reports."""

from __future__ import annotations

import argparse

import pytest

from experiments import failure_report
from experiments.by_hand import GROUP, Reference
from experiments.errors import UserError
from experiments.failures import Kind, cables, without
from experiments.link_failure import Plan, Probing, Repetition, Suffered, add_arguments, planned
from experiments.report.sheet import render
from experiments.traffic.sightings import Port
from topologies import build_graph
from topologies.plan import Plan as Drawing

RING = build_graph("ring:6")


def port(one: str, other: str) -> int:
    return RING.get_edge_data(one, other)[0]["ports"][one]


WAY = [Port("s1", 1), *(Port(there, port(there, here)) for here, there in [("s1", "s2"), ("s2", "s3"), ("s3", "s4")])]


def test_the_cables_of_a_way_have_both_ends() -> None:
    found = cables(RING, WAY)
    assert list(map(str, found)) == ["s1-s2", "s2-s3", "s3-s4"]
    assert found[1].upstream == ("s2", port("s2", "s3"))
    assert found[1].downstream == ("s3", port("s3", "s2"))


def test_of_parallel_cables_only_one_is_taken_away() -> None:
    drawing = Drawing()
    one, other = drawing.switches(2)
    drawing.link(one, other)
    drawing.link(one, other)
    (cable,) = cables(drawing.graph, [Port(one, 9), Port(other, 2)])
    (left,) = without(drawing.graph, cable).get_edge_data(one, other).values()
    assert left["ports"] == {one: 1, other: 1}


def test_the_reference_goes_back_where_the_only_detour_does() -> None:
    reference = Reference(RING, WAY, cables(RING, WAY)[1], "h4", 7)
    assert reference.protector == "s2"
    assert reference.rules[WAY[1]] == f"group:{GROUP}"
    primary, detour = reference.group.split(",bucket=")[1:]
    assert primary == f"watch_port:{port('s2', 's3')},actions=output:{port('s2', 's3')}"
    assert detour == f"watch_port:{port('s2', 's1')},actions=in_port"
    assert reference.rules[Port("s1", port("s1", "s2"))] == f"output:{port('s1', 's6')}"
    assert reference.rules[Port("s4", port("s4", "s5"))] == reference.rules[WAY[3]] == "output:1"


def plan(*arguments: str) -> Plan:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    parsed = parser.parse_args(arguments)
    return planned(parsed, build_graph(parsed.topology))


def test_without_arguments_the_hosts_are_far_apart() -> None:
    made = plan()
    assert (made.source, made.target, made.modes) == ("h1", "h4", ("fast-failover",))
    assert made.kinds == (Kind.ANNOUNCED, Kind.SILENT)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--topology", "linear:3"], "only one way"),
        (["--topology", "single:1"], "fewer than two hosts"),
        (["--modes", "reactive,fast"], "no mode 'fast'"),
        (["--kinds", "loud"], "no kind of failure 'loud'"),
        (["--from", "h9"], "no host 'h9'"),
        (["--from", "h1", "--to", "h1"], "only one way"),
        (["--mode", "reactive", "--modes", "proactive"], "say one of them"),
        (["--repeat", "0"], "at least 1"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments: list[str], complaint: str) -> None:
    with pytest.raises(UserError, match=complaint):
        plan(*arguments)


ABOUT = {
    "started": "2026-01-01T00:00:00+00:00", "topology": "ring:6", "rate": 1000.0, "machine": dict.fromkeys(
        ("system", "kernel", "processor", "processors"), "any"), "versions": {},
}  # fmt: skip


def repetition(mode: str, kind: Kind, lost: int | None, by_hand: int | None, ordered: float | None) -> Repetition:
    ours, hand = (Suffered(n, None if n is None else n / 1000, None if n is None else 0, 0) for n in (lost, by_hand))
    return Repetition(mode, kind, 1, ("s1", "s2"), "s1-s2", 0.0, ours, hand, 0.002, ordered, 0.3)


def claims(*found: Repetition) -> dict[str, bool]:
    rest = {each.mode: Probing(900.0, 0.75) for each in found}
    sheet = failure_report.told(found, rest, ABOUT)
    assert "Every failure" in render(sheet)
    return {claim.text: claim.holds for claim in sheet.claims}


def test_what_is_as_good_as_by_hand_holds_and_what_is_worse_does_not() -> None:
    text = "fast-failover: an announced failure costs no more packets than with groups written by hand"
    assert claims(repetition("fast-failover", Kind.ANNOUNCED, 7, 8, 0.004))[text]
    assert not claims(repetition("fast-failover", Kind.ANNOUNCED, 30, 8, 0.004))[text]


def test_a_failure_that_is_never_overcome_or_noticed_too_late_does_not_hold() -> None:
    assert all(claims(repetition("reactive", Kind.SILENT, 700, None, 0.9)).values())
    assert not any(claims(repetition("reactive", Kind.SILENT, None, None, None)).values())
    assert list(claims(repetition("reactive", Kind.SILENT, 1200, None, 1.2)).values()) == [True, False]


def test_a_slow_repair_does_not_hold() -> None:
    assert all(claims(repetition("proactive", Kind.ANNOUNCED, 9, 8, 0.004)).values())
    assert list(claims(repetition("proactive", Kind.ANNOUNCED, 50, 8, 0.004)).values()) == [True, False]
