"""A second stage waits until the first is confirmed, and undoes nothing that was ordered since."""

from __future__ import annotations

import pytest

from controller.model import Apply, Decision, Install, Match, Order, Output, Remove, Rule
from controller.services.rules import Outgoing, Rules
from controller.southbound.wire import MessageType

FLOW_MOD, BARRIER = MessageType.FLOW_MOD, MessageType.BARRIER_REQUEST


@pytest.fixture
def rules() -> Rules:
    """Switches 1 and 2 are connected and read."""
    rules = Rules(("flowpath", "test"))
    for dpid in (1, 2):
        rules.connect(dpid, dpid)
        rules.confirmed(dpid, dpid, 0.0)
    return rules


def install(dpid: int, in_port: int, out: int, idle_timeout: int = 0) -> Install:
    match = Match(in_port=in_port, eth_dst=b"\2\0\0\0\0\1")
    return Install(dpid, Rule(match, (Apply((Output(out),)),), idle_timeout=idle_timeout))


def remove(install: Install) -> Remove:
    return Remove(install.dpid, install.rule.match, install.rule.table, strict=True, priority=install.rule.priority)


def kinds(outgoing: Outgoing) -> list[tuple[int, int]]:
    return [(dpid, message[1]) for dpid, message in outgoing]


def begin(rules: Rules, *then: Order) -> None:
    """Decision 10 waits for switch 2."""
    first = rules.carry_out(10, 1, Decision("two stages", (install(2, 1, 2),), then=then))
    assert kinds(first) == [(2, FLOW_MOD), (2, BARRIER)]


def carried_on(rules: Rules) -> list[tuple[int, int]]:
    return kinds(rules.confirmed(2, 10, 1.0).outgoing)


def test_the_second_stage_goes_out_when_the_first_is_confirmed(rules: Rules) -> None:
    begin(rules, install(1, 1, 2))
    assert carried_on(rules) == [(1, FLOW_MOD)]
    assert carried_on(rules) == []


@pytest.mark.parametrize(
    "newer",
    [
        install(1, 1, 3),
        remove(install(1, 1, 2)),
        Remove(1, Match(eth_dst=b"\2\0\0\0\0\1")),
        Remove(1),
    ],
    ids=["another rule", "strict delete", "delete by destination", "delete of everything"],
)
def test_what_was_ordered_since_stands(rules: Rules, newer: Order) -> None:
    begin(rules, install(1, 1, 2, idle_timeout=60), install(1, 9, 2, idle_timeout=60))
    rules.carry_out(11, 1, Decision("newer", (newer,)))
    # The other rule has the same destination, so deletes that name no port are about it, too.
    others = 1 if isinstance(newer, Install) or newer.strict else 0
    assert carried_on(rules) == [(1, FLOW_MOD)] * others


def test_a_rule_that_is_wanted_again_is_not_removed_by_an_older_decision(rules: Rules) -> None:
    rules.carry_out(9, 1, Decision("there", (install(1, 1, 2),)))
    begin(rules, remove(install(1, 1, 2)))
    assert rules.carry_out(11, 1, Decision("it stays", (install(1, 1, 2),))) == []
    assert carried_on(rules) == []


def test_of_two_second_stages_the_newer_stands(rules: Rules) -> None:
    begin(rules, install(1, 1, 2))
    rules.carry_out(11, 1, Decision("newer", (install(2, 5, 2),), then=(install(1, 1, 3),)))
    assert carried_on(rules) == []
    assert kinds(rules.confirmed(2, 11, 1.0).outgoing) == [(1, FLOW_MOD)]


def test_another_switch_is_another_matter(rules: Rules) -> None:
    begin(rules, install(1, 1, 2))
    rules.carry_out(11, 1, Decision("elsewhere", (install(2, 1, 3), Remove(2))))
    assert carried_on(rules) == [(1, FLOW_MOD)]
