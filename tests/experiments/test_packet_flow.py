"""The experiment's arguments: hosts chosen, and what makes no sense refused in one line."""

from __future__ import annotations

import pytest

from experiments.cli import main
from experiments.errors import Exit, UserError
from experiments.packet_flow import Plan, checked
from topologies import build_graph


def plan(topology: str = "linear:3", **fields: object) -> Plan:
    return checked(Plan(topology=topology, **fields), build_graph(topology))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("said", "chosen"),
    [
        ({}, ("h1", "h3")),
        ({"source": "h3"}, ("h3", "h1")),
        ({"target": "h1"}, ("h3", "h1")),
        ({"source": "h2"}, ("h2", "h3")),
        ({"source": "h2", "target": "h1"}, ("h2", "h1")),
    ],
)
def test_hosts_that_are_not_said_are_the_ones_far_apart(said: dict[str, str], chosen: tuple[str, str]) -> None:
    made = plan(**said)
    assert (made.source, made.target) == chosen


@pytest.mark.parametrize(
    ("topology", "said", "complaint"),
    [
        ("linear:3", {"target": "h9"}, r"no host 'h9' \(hosts: h1, h2, h3\)"),
        ("linear:3", {"source": "s1"}, "no host 's1'"),
        ("linear:3", {"source": "h2", "target": "h2"}, "both h2"),
        ("linear:3", {"samples": 0}, "at least 1"),
        ("single:1", {}, "needs two"),
        ("ring:4", {"ryu_app": "ryu.app.simple_switch_13"}, "'ring:4' has a loop.*simple_switch_13"),
    ],
)
def test_what_makes_no_sense_is_refused(topology: str, said: dict[str, object], complaint: str) -> None:
    with pytest.raises(UserError, match=complaint):
        plan(topology, **said)


@pytest.mark.parametrize("topology", ["single:2", "linear:5x2", "tree:2x3", "star:4", "ring:4"])
def test_networks_of_every_kind_are_taken(topology: str) -> None:
    assert plan(topology).source == "h1"


@pytest.mark.parametrize("command", [["demo"], ["run", "packet-flow"]])
def test_help_is_there(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*command, "--help"]) == Exit.FINE
    said = capsys.readouterr().out
    for word in ("--topology", "--samples", "--from", "--out", "examples"):
        assert word in said
