"""What orders cost, when they go out, and what becomes of those that are refused."""

from __future__ import annotations

import pytest

from controller.model import (
    Alarm,
    Apply,
    Bucket,
    Cookie,
    Decision,
    Group,
    GroupType,
    Install,
    Masked,
    Match,
    Meter,
    Order,
    Output,
    Packet,
    PortNo,
    Remove,
    RemoveGroup,
    Rule,
    RulesFound,
    SetGroup,
    SetMeter,
    SwitchError,
    ToGroup,
)
from controller.services.adoption import HOLDING, SETTLING
from controller.services.holdings import canonical_rule, covers
from controller.services.rules import Outgoing, Rules
from controller.services.stages import PATIENCE
from controller.southbound import openflow
from controller.southbound.replies import MultipartReply
from tests.southbound import switch_words

FLOW_MOD, GROUP_MOD, PACKET_OUT, BARRIER, METER_MOD = 14, 15, 13, 20, 29
MAC = b"\2\0\0\0\0\1"
HARD = Rule(Match(eth_dst=MAC), (Apply((Output(2),)),), priority=5, table=2)
FLOW = Rule(Match(in_port=1, eth_dst=MAC), (Apply((Output(2),)),), idle_timeout=60)
GROUP = Group(9, GroupType.SELECT, (Bucket((Output(1),), 1), Bucket((Output(2),), 1)))
USER = Rule(Match(eth_src=MAC), (Apply((ToGroup(9),)),))
PACKET = Packet(1, 3, b"\2\0\0\0\0\1\2\0\0\0\0\2\x08\0")


def connected(*dpids: int, rules: Rules | None = None, now: float = 0.0) -> Rules:
    """Switches that told that they are empty."""
    rules = rules or Rules(("flowpath", "an app"))
    for dpid in dpids:
        tell(rules, dpid, now=now)
    return rules


def tell(rules: Rules, dpid: int, *found: bytes, groups: bytes = b"", now: float = 0.0) -> Outgoing:
    """A switch connects and tells these flow stats and group descriptions; what it is ordered."""
    number = 1000 + dpid
    rules.connect(dpid, number)
    for kind, body in ((1, b"".join(found)), (7, groups)):
        message = switch_words.multipart(kind, body)
        reply = openflow.decode(dpid, message[:4] + number.to_bytes(4) + message[8:])
        assert isinstance(reply, MultipartReply)
        assert rules.found(dpid, reply)
    turn = rules.confirmed(dpid, number, now)
    assert all(isinstance(event, RulesFound) for event in turn.events)
    return turn.outgoing


def kinds(outgoing: Outgoing) -> list[tuple[int, int]]:
    return [(dpid, message[1]) for dpid, message in outgoing]


def command(message: bytes) -> int:
    """Of a FLOW_MOD."""
    return message[25]


def order(rules: Rules, number: int, *orders: Order, then: tuple[Order, ...] = (), now: float = 0.0) -> Outgoing:
    return rules.carry_out(number, 1, Decision("why", orders, then=then), now=now)


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


# ---------------------------------------------------------------- what is found


def held(rule: Rule, app: int = 1, number: int = 3) -> bytes:
    """A rule as a switch tells of it: Open vSwitch gives no length for ports that have none."""
    plain = canonical_rule(rule)
    fields = (plain.match, plain.instructions, plain.priority, plain.table, plain.idle_timeout, plain.hard_timeout)
    return switch_words.flow_stats(Rule(*fields, plain.notify, Cookie(app, number).pack()))


def test_while_a_switch_is_read_only_flows_and_packets_go_out() -> None:
    rules = connected()
    rules.connect(1, 50)
    assert order(rules, 51, Install(1, HARD), SetGroup(1, GROUP)) == []
    assert kinds(order(rules, 52, Install(1, FLOW))) == [(1, FLOW_MOD)]


def test_what_is_wanted_and_found_is_left_alone_and_the_rest_of_ours_goes_later() -> None:
    rules = connected()
    other = Rule(Match(eth_dst=b"\2\0\0\0\0\7"), (), priority=9)
    assert tell(rules, 1, held(HARD), held(other), held(FLOW), now=100.0) == []
    assert order(rules, 5, Install(1, HARD)) == []
    assert order(rules, 6, Install(1, HARD)) == []
    assert rules.tick(100.0 + SETTLING - 0.1) == []
    ((_, message),) = rules.tick(100.0 + SETTLING)
    assert (message[1], command(message), int.from_bytes(message[4:8])) == (FLOW_MOD, 4, 1001)
    assert rules.tick(200.0) == []


def test_what_was_wanted_before_the_answer_came_is_compared_with_it() -> None:
    rules = connected()
    rules.connect(1, 50)
    order(rules, 51, Install(1, HARD), Install(1, USER), SetGroup(1, GROUP))
    changed = Rule(HARD.match, (), HARD.priority, HARD.table)
    message = switch_words.multipart(1, held(changed) + held(USER))
    reply = openflow.decode(1, message[:4] + (50).to_bytes(4) + message[8:])
    assert isinstance(reply, MultipartReply)
    rules.found(1, reply)
    outgoing = rules.confirmed(1, 50, 0.0).outgoing
    assert kinds(outgoing) == [(1, GROUP_MOD), (1, FLOW_MOD)]
    assert {int.from_bytes(message[4:8]) for _, message in outgoing} == {51}


def test_a_group_that_is_found_is_modified_and_one_that_nobody_wants_goes() -> None:
    rules = connected()
    assert tell(rules, 1, groups=switch_words.group_desc(9, 1) + switch_words.group_desc(4, 1)) == []
    ((_, message),) = order(rules, 5, SetGroup(1, GROUP))
    assert message[8:10] == b"\0\1"
    ((_, message),) = rules.tick(SETTLING)
    assert (message[8:10], message[12:16]) == (b"\0\2", b"\0\0\0\4")


def test_what_others_wrote_goes_at_once_or_stays() -> None:
    foreign = switch_words.flow_stats(Rule(Match(in_port=1), (), cookie=0x1234, table=3))
    ((_, message),) = tell(connected(), 1, foreign)
    assert (message[1], command(message), message[24], message[8:16]) == (FLOW_MOD, 3, 3, (0x1234).to_bytes(8))
    keeping = Rules(keep_foreign=True)
    assert tell(keeping, 1, foreign, groups=switch_words.group_desc(4, 1)) == []
    assert keeping.tick(100.0) == []


def test_a_switch_that_tells_nothing_of_itself_is_emptied() -> None:
    rules = connected()
    rules.connect(1, 50)
    assert kinds(rules.confirmed(1, 50, 0.0).outgoing) == [(1, FLOW_MOD), (1, GROUP_MOD)]


def test_flows_that_are_found_are_told_and_stay() -> None:
    rules = Rules()
    rules.connect(1, 1001)
    message = switch_words.multipart(1, held(FLOW) + held(HARD))
    reply = openflow.decode(1, message[:4] + (1001).to_bytes(4) + message[8:])
    assert isinstance(reply, MultipartReply)
    rules.found(1, reply)
    (event,) = rules.confirmed(1, 1001, 0.0).events
    assert isinstance(event, RulesFound)
    assert [rule.match for rule in event.rules] == [FLOW.match]
    assert PortNo.CONTROLLER not in [port for port, _ in rules.sources(1)]
    assert len(rules.tick(SETTLING)) == 1


ASK = Rule(Match(eth_type=0x88CC), (Apply((Output(PortNo.CONTROLLER),)),), priority=100)


def test_a_switch_that_hands_up_probes_is_left_as_it_is_until_the_network_is_known() -> None:
    rules = connected()
    assert tell(rules, 1, held(ASK), held(HARD), now=10.0) == []
    assert rules.holds_back
    changed = Rule(HARD.match, (), HARD.priority, HARD.table)
    assert order(rules, 5, Install(1, changed), Install(1, ASK), now=10.0) == []
    assert kinds(order(rules, 6, Install(1, FLOW))) == [(1, FLOW_MOD)]
    assert order(rules, 7, Install(1, HARD), now=10.0) == []
    assert rules.let_go() == []
    assert not rules.holds_back
    assert kinds(order(rules, 8, Install(1, changed))) == [(1, FLOW_MOD)]
    assert rules.tick(10.0 + SETTLING) == []


def test_a_switch_is_not_left_as_it_is_for_ever() -> None:
    rules = connected()
    tell(rules, 1, held(ASK), now=10.0)
    order(rules, 5, Install(1, HARD), Install(1, ASK))
    assert rules.concern(1)
    assert kinds(rules.tick(10.0 + HOLDING)) == [(1, FLOW_MOD)]
    assert not rules.concern(1)


def test_what_is_removed_and_wanted_again_while_a_switch_is_left_as_it_is_never_goes() -> None:
    rules = connected()
    other = Rule(Match(eth_dst=b"\2\0\0\0\0\7"), (), priority=9)
    assert tell(rules, 1, held(ASK), held(HARD), held(other), held(FLOW)) == []
    strictly = {"strict": True, "priority": HARD.priority, "table": HARD.table}
    assert order(rules, 5, Install(1, HARD), Install(1, ASK)) == []
    assert order(rules, 6, Remove(1, HARD.match, **strictly)) == []  # type: ignore[arg-type]
    assert order(rules, 7, Install(1, HARD)) == []
    assert order(rules, 8, Remove(1, other.match)) == []
    assert kinds(order(rules, 9, Remove(1, FLOW.match))) == [(1, FLOW_MOD)]
    ((_, message),) = rules.let_go()
    assert (command(message), message[52:62]) == (4, bytes.fromhex("80000606020000000007"))
    assert rules.tick(SETTLING) == []


def test_what_is_removed_before_a_switch_has_told_its_flows_goes_then() -> None:
    rules = connected()
    rules.connect(1, 1001)
    assert order(rules, 5, Remove(1, FLOW.match)) == []
    message = switch_words.multipart(1, held(FLOW))
    reply = openflow.decode(1, message[:4] + (1001).to_bytes(4) + message[8:])
    assert isinstance(reply, MultipartReply)
    rules.found(1, reply)
    turn = rules.confirmed(1, 1001, 0.0)
    assert [(dpid, command(message)) for dpid, message in turn.outgoing] == [(1, 4)]
    assert turn.events == []
