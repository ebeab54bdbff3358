"""What a switch holds when it connects is compared with what is wanted; only differences are ordered."""

from __future__ import annotations

from controller.model import (
    Apply,
    Cookie,
    Install,
    Match,
    Output,
    PortNo,
    Remove,
    Rule,
    RulesFound,
    SetGroup,
)
from controller.services.adoption import HOLDING, SETTLING
from controller.services.holdings import canonical_rule
from controller.services.rules import Rules
from controller.southbound import openflow
from controller.southbound.replies import MultipartReply
from tests.services.ordered import (
    FLOW,
    FLOW_MOD,
    GROUP,
    GROUP_MOD,
    HARD,
    USER,
    command,
    connected,
    kinds,
    order,
    tell,
)
from tests.southbound import switch_words


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
