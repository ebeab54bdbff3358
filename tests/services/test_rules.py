"""What orders cost, when they go out, and what becomes of those that are refused."""

from __future__ import annotations

import pytest

from controller.model import (
    Alarm,
    Apply,
    Cookie,
    Decision,
    Install,
    Masked,
    Match,
    Meter,
    Order,
    Output,
    Packet,
    Remove,
    RemoveGroup,
    Rule,
    SetGroup,
    SetMeter,
    SwitchError,
)
from controller.services.adoption import SETTLING
from controller.services.holdings import covers
from controller.services.stages import PATIENCE
from tests.services.ordered import (
    BARRIER,
    FLOW,
    FLOW_MOD,
    GROUP,
    GROUP_MOD,
    HARD,
    MAC,
    METER_MOD,
    PACKET,
    PACKET_OUT,
    USER,
    command,
    connected,
    kinds,
    order,
)

# ---------------------------------------------------------------- differences


def test_what_is_there_already_costs_nothing() -> None:
    rules = connected(1)
    orders: tuple[Order, ...] = (SetMeter(1, Meter(3, 100)), SetGroup(1, GROUP), Install(1, USER), Install(1, HARD))
    assert kinds(order(rules, 1, *orders)) == [(1, METER_MOD), (1, GROUP_MOD), (1, FLOW_MOD), (1, FLOW_MOD)]
    assert order(rules, 2, *orders) == []


def test_a_flow_that_ends_by_itself_is_ordered_whenever_it_is_asked_for() -> None:
    rules = connected(1)
    assert kinds(order(rules, 1, Install(1, FLOW))) == [(1, FLOW_MOD)]
    assert kinds(order(rules, 2, Install(1, FLOW))) == [(1, FLOW_MOD)]


@pytest.mark.parametrize(
    ("removal", "goes"),
    [
        (Remove(1), True),
        (Remove(1, table=2), True),
        (Remove(1, table=1), False),
        (Remove(1, Match(eth_dst=MAC)), True),
        (Remove(1, Match(eth_dst=Masked(b"\2" + bytes(5), b"\xff" + bytes(5)))), True),
        (Remove(1, Match(eth_src=MAC)), False),
        (Remove(1, Match(eth_dst=MAC), table=2, strict=True, priority=5), True),
        (Remove(1, Match(eth_dst=MAC), table=2, strict=True, priority=4), False),
        (Remove(1, out_port=2), True),
        (Remove(1, out_port=3), False),
        (Remove(1, cookie=Cookie(1, 1).pack(), cookie_mask=2**64 - 1), True),
        (Remove(1, cookie=Cookie(1, 2).pack(), cookie_mask=2**64 - 1), False),
        (RemoveGroup(1, 9), False),
    ],
)
def test_what_was_removed_is_ordered_anew_and_nothing_else(removal: Order, goes: bool) -> None:
    rules = connected(1)
    order(rules, 1, Install(1, HARD))
    assert order(rules, 2, removal)
    assert bool(order(rules, 3, Install(1, HARD))) == goes


def test_a_group_that_goes_takes_the_rules_that_use_it_along() -> None:
    rules = connected(1)
    order(rules, 1, SetGroup(1, GROUP), Install(1, USER), Install(1, HARD))
    order(rules, 2, RemoveGroup(1, 9))
    again = order(rules, 3, SetGroup(1, GROUP), Install(1, USER), Install(1, HARD))
    assert kinds(again) == [(1, GROUP_MOD), (1, FLOW_MOD)]


def test_within_a_decision_what_is_removed_first_is_not_taken_for_there() -> None:
    rules = connected(1)
    order(rules, 1, Install(1, HARD))
    assert kinds(order(rules, 2, Remove(1), Install(1, HARD))) == [(1, FLOW_MOD), (1, FLOW_MOD)]


def test_a_match_within_a_mask_is_covered_only_if_all_of_it_is() -> None:
    network = Masked(bytes([10, 0, 0, 0]), bytes([255, 0, 0, 0]))
    part = Masked(bytes([10, 1, 0, 0]), bytes([255, 255, 0, 0]))
    assert covers(Remove(1, Match(ipv4_dst=network)), Rule(Match(ipv4_dst=part)), 0)
    assert not covers(Remove(1, Match(ipv4_dst=part)), Rule(Match(ipv4_dst=network)), 0)
    assert not covers(Remove(1, Match(ipv4_dst=bytes([10, 1, 0, 0]))), Rule(Match(ipv4_dst=part)), 0)


# ---------------------------------------------------------------- two stages


def test_the_second_stage_and_the_packet_wait_for_every_switch() -> None:
    rules = connected(1, 2, 3)
    decision = Decision("why", (Install(3, FLOW), Install(2, FLOW)), (Output(2),), then=(Install(1, FLOW),))
    assert kinds(rules.carry_out(7, 1, decision, PACKET)) == [(3, FLOW_MOD), (2, FLOW_MOD), (3, BARRIER), (2, BARRIER)]
    assert rules.confirmed(2, 7, 0.0).outgoing == []
    assert rules.confirmed(2, 7, 0.0).outgoing == []
    assert rules.confirmed(3, 8, 0.0).outgoing == []
    last = rules.confirmed(3, 7, 0.0).outgoing
    assert kinds(last) == [(1, FLOW_MOD), (1, PACKET_OUT)]
    assert rules.confirmed(3, 7, 0.0).outgoing == []


def test_another_packet_of_the_flow_joins_and_orders_nothing() -> None:
    rules = connected(1, 2)
    decision = Decision("why", (Install(2, FLOW),), (Output(2),), then=(Install(1, FLOW),))
    rules.carry_out(7, 1, decision, PACKET)
    for number in range(8, 100):
        assert rules.carry_out(number, 1, decision, PACKET) == []
    another = Decision("why", (Install(2, FLOW),), (Output(2),), then=(Install(1, flow(4)),))
    assert kinds(rules.carry_out(100, 1, another, Packet(1, 4, PACKET.frame))) == [(2, FLOW_MOD), (2, BARRIER)]
    last = rules.confirmed(2, 7, 0.0).outgoing
    assert kinds(last)[:2] == [(1, FLOW_MOD), (1, PACKET_OUT)]
    assert [message[1] for _, message in last[1:]] == [PACKET_OUT] * 64
    assert len({message[4:8] for _, message in last[1:]}) == 64


def test_a_switch_that_leaves_or_is_silent_is_not_waited_for() -> None:
    rules = connected(1, 2, 3)
    decision = Decision("why", (Install(3, FLOW), Install(2, FLOW)), (Output(2),), then=(Install(1, FLOW),))
    rules.carry_out(7, 1, decision, PACKET, now=5.0)
    assert rules.disconnect(3) == []
    assert rules.next_due == SETTLING
    rules.tick(SETTLING)
    assert rules.next_due == 5.0 + PATIENCE
    assert rules.tick(5.9) == []
    assert kinds(rules.tick(6.0)) == [(1, FLOW_MOD), (1, PACKET_OUT)]

    rules.carry_out(8, 1, decision, PACKET, now=7.0)
    assert kinds(rules.disconnect(2)) == [(1, FLOW_MOD), (1, PACKET_OUT)]


def test_what_was_ordered_before_is_waited_for_too() -> None:
    rules = connected(1, 2)
    order(rules, 1, Install(2, HARD))
    again = Decision("why", (Install(2, HARD),), (Output(2),), then=(Install(1, FLOW),))
    assert kinds(rules.carry_out(2, 1, again, PACKET)) == [(2, BARRIER)]
    assert kinds(rules.confirmed(2, 2, 0.0).outgoing) == [(1, FLOW_MOD), (1, PACKET_OUT)]


def test_without_anything_to_wait_for_all_goes_at_once() -> None:
    rules = connected(1, 2)
    alone = Decision("why", (), (Output(2),), then=(Install(1, FLOW),))
    assert kinds(rules.carry_out(3, 1, alone, PACKET)) == [(1, FLOW_MOD), (1, PACKET_OUT)]


def test_a_decision_whose_second_stage_cannot_be_is_refused_as_a_whole() -> None:
    rules = connected(1, 2)
    wrong = Install(1, Rule(Match(eth_dst=b"short")))
    with pytest.raises(ValueError, match="eth_dst"):
        order(rules, 1, Install(2, HARD), then=(wrong,))
    assert order(rules, 2, Install(2, HARD))


# ---------------------------------------------------------------- refusals


def refusal(message: bytes, kind: int, code: int, dpid: int = 1) -> SwitchError:
    return SwitchError(dpid, kind, code, int.from_bytes(message[4:8]), message[:64])


def test_a_refused_rule_is_told_with_its_decision_and_does_not_count_as_held() -> None:
    rules = connected(1)
    ((_, message), _) = order(rules, 4, Install(1, USER), Install(1, HARD))
    turn = rules.refused(refusal(message, 2, 9), 1.0)
    (alarm,) = turn.events
    assert isinstance(alarm, Alarm)
    assert (alarm.kind, alarm.location.dpid) == ("refused", 1)
    assert "BAD_ACTION BAD_OUT_GROUP" in alarm.text
    assert "an app ordered by decision 4 (why)" in alarm.text
    assert "group_id=9" in alarm.text
    assert kinds(order(rules, 5, Install(1, USER), Install(1, HARD))) == [(1, FLOW_MOD)]


def test_errors_that_go_on_are_told_once() -> None:
    rules = connected(1)
    told = 0
    for number in range(1, 50):
        ((_, message),) = order(rules, number, Install(1, USER))
        told += len(rules.refused(refusal(message, 2, 9), 1.0).events)
    assert told == 1


def test_nobody_elses_error_is_taken_for_ours() -> None:
    rules = connected(1)
    order(rules, 4, Install(1, USER))
    assert rules.refused(SwitchError(1, 1, 6, 99, b""), 1.0) == ([], [])
    assert rules.refused(SwitchError(2, 1, 6, 4, b""), 1.0) == ([], [])


def test_a_path_that_is_refused_is_not_completed() -> None:
    rules = connected(1, 2)
    (_, message), _ = order(rules, 4, Install(2, FLOW), then=(Install(1, FLOW),))
    rules.refused(refusal(message, 3, 1, dpid=2), 0.0)
    assert rules.confirmed(2, 4, 0.0).outgoing == []


def flow(number: int) -> Rule:
    return Rule(Match(in_port=number, eth_dst=MAC), (Apply((Output(2),)),), idle_timeout=60)


def test_a_full_table_loses_its_oldest_flows_and_is_told_and_the_rule_tried_once_more() -> None:
    rules = connected(1, 2)
    for number in range(1, 101):
        order(rules, number, Install(1, flow(number)))
    (_, message), barrier = order(rules, 101, Install(1, flow(101)), then=(Install(2, FLOW),))
    turn = rules.refused(refusal(message, 5, 1), 1.0)
    evicted = [message for _, message in turn.outgoing if message[1] == FLOW_MOD and command(message) == 4]
    assert [openflow_port(message) for message in evicted] == list(range(1, 13))
    assert turn.outgoing[-2] == (1, message)
    assert turn.outgoing[-1] == barrier
    assert [event.kind for event in turn.events if isinstance(event, Alarm)] == ["table-full"]
    # The barrier that was under way does not confirm the second try.
    assert rules.confirmed(1, 101, 1.0).outgoing == []
    assert kinds(rules.confirmed(1, 101, 1.0).outgoing) == [(2, FLOW_MOD)]

    again = rules.refused(refusal(message, 5, 1), 2.0)
    assert again.outgoing == []
    assert "TABLE_FULL" in str(again.events)


def openflow_port(message: bytes) -> int:
    """The in_port with which the match of a FLOW_MOD begins."""
    return int.from_bytes(message[56:60])


def test_a_table_full_of_what_must_stay_is_only_told() -> None:
    rules = connected(1)
    order(rules, 1, Install(1, HARD))
    ((_, message),) = order(rules, 2, Install(1, USER))
    turn = rules.refused(refusal(message, 5, 1), 1.0)
    assert turn.outgoing == []
    assert "TABLE_FULL" in str(turn.events)
