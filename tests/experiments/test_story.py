"""The story of two pings, from messages made by hand: complete, with a step missing, shuffled, from any controller."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import pytest

from experiments.report.steps import steps
from experiments.story import PacketStory, Story, explained
from experiments.story.tables import FLOOD
from tests.experiments.wire import BEGIN, SECOND, Made, Routed, Wire, arp, echo
from topologies import build_graph

PACKETS = ["ARP request", "ARP reply", "ICMP echo request", "ICMP echo reply"]


@pytest.fixture(params=[True, False], ids=["ours", "foreign"])
def wire(request: pytest.FixtureRequest) -> Wire:
    return Wire(build_graph("linear:3"), ours=request.param)


def packet(story: Story, name: str) -> PacketStory:
    return next(each for each in story.first if each.name == name)


def test_a_ping_is_told_from_host_to_host(wire: Wire) -> None:
    story = wire.story()
    assert story.complete, story.missing
    assert [each.name for each in story.first] == PACKETS
    assert story.path == ("h1", "s1", "s2", "s3", "h3")
    assert packet(story, "ARP reply").path == ("h3", "s3", "s2", "s1", "h1")
    for each in story.first[:3]:
        assert [visit.switch for visit in each.visits] == list(each.path[1:-1])
        assert all(visit.asked for visit in each.visits)
    assert story.queries == 9


def test_each_step_has_its_time_and_its_fields(wire: Wire) -> None:
    visit = packet(wire.story(), "ICMP echo request").visits[1]
    assert visit.query
    assert visit.decision
    assert visit.release
    [install] = visit.installs
    assert visit.query.at < visit.decision.at == install.at < visit.release.at
    assert visit.decision.took == pytest.approx(100, abs=1)
    assert (visit.query.reason, visit.query.in_port, visit.query.buffer_id) == ("NO_MATCH", 2, None)
    assert visit.query.frame_bytes == 14 + 20 + 8 + 48
    assert install.rule.match["in_port"] == 2
    assert install.rule.idle_timeout == 60
    assert visit.release.ports == (3,)
    assert visit.out_ports == (3,)


def test_time_begins_with_the_first_message_of_the_ping(wire: Wire) -> None:
    first = packet(wire.story(), "ARP request").visits[0].query
    assert first
    assert first.at == 0
    assert wire.story().begin > BEGIN


def test_the_decision_has_the_number_that_our_controller_gave_it() -> None:
    visit = packet(Wire(build_graph("linear:3")).story(), "ARP reply").visits[0]
    assert visit.decision
    assert visit.decision.number == 4
    assert visit.decision.application == 1
    assert visit.installs[0].rule.cookie & 0xFFFFFFFF == 4


def test_another_controllers_decisions_have_no_number() -> None:
    story = Wire(build_graph("linear:3"), ours=False).story()
    assert not story.ours
    assert all(visit.decision and visit.decision.number is None for visit in packet(story, "ARP reply").visits)


def test_reasons_stand_beside_the_decisions_that_they_are_of() -> None:
    story = Wire(build_graph("linear:3"), ours=True).story()
    decision = packet(story, "ARP reply").visits[0].decision
    assert decision
    assert decision.number is not None
    told = explained(story, {decision.number: "h1 is behind port 2"})
    whys = [visit.decision.why for each in told.first for visit in each.visits if visit.decision]
    assert whys.count("h1 is behind port 2") == 1
    assert packet(told, "ARP reply").visits[0].decision == replace(decision, why="h1 is behind port 2")
    assert "its reason: h1 is behind port 2" in " ".join(
        step.text for step in steps(packet(told, "ARP reply").visits[0])
    )
    assert explained(told, {}) == story


def test_a_flood_needs_no_rule(wire: Wire) -> None:
    request = packet(wire.story(), "ARP request")
    assert all(visit.release and visit.release.ports == (FLOOD,) for visit in request.visits)
    assert not any(visit.installs or visit.missing for visit in request.visits)


def test_a_packet_that_nobody_asks_about_is_followed_by_the_rules(wire: Wire) -> None:
    reply = packet(wire.story(), "ICMP echo reply")
    assert reply.queries == 0
    assert [visit.switch for visit in reply.visits] == ["s3", "s2", "s1"]
    orders = {install.message for visit in packet(wire.story(), "ARP reply").visits for install in visit.installs}
    assert {visit.hits[-1].message for visit in reply.visits} == orders


def test_the_second_ping_is_unasked_and_counted_by_every_switch(wire: Wire) -> None:
    story = wire.story()
    assert [each.name for each in story.second] == PACKETS[2:]
    assert sum(each.queries for each in story.second) == 0
    assert [use.switch for use in story.cache] == ["s1", "s2", "s3", "s3", "s2", "s1"]
    assert all(use.hit and use.after == (use.before or 0) + 1 for use in story.cache)


@pytest.mark.parametrize("switch", ["s1", "s2", "s3"])
@pytest.mark.parametrize("kind", PACKETS[1:3])
@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("FLOW_MOD", "no FLOW_MOD followed"),
        ("PACKET_OUT", "no PACKET_OUT followed"),
        ("PACKET_IN", "no query (PACKET_IN)"),
    ],
)
def test_a_missing_message_is_named_with_its_switch(
    wire: Wire, switch: str, kind: str, message: str, said: str
) -> None:
    story = wire.without(wire.pick(message, switch, kind))
    assert not story.complete
    assert any(line.startswith(f"switch {switch}: {said}") and kind in line for line in story.missing), story.missing


@pytest.mark.parametrize("switch", ["s1", "s2", "s3"])
def test_a_query_without_any_answer_is_named(wire: Wire, switch: str) -> None:
    story = wire.without(wire.pick("FLOW_MOD", switch), wire.pick("PACKET_OUT", switch))
    assert f"switch {switch}: no decision followed the query about the ICMP echo request" in "\n".join(story.missing)


def test_a_missing_step_does_not_hide_the_switches_behind_it(wire: Wire) -> None:
    story = wire.without(wire.pick("PACKET_OUT", "s1"))
    assert [visit.switch for visit in packet(story, "ICMP echo request").visits if visit.asked] == ["s1", "s2", "s3"]
    assert len(story.missing) == 1


def test_a_rule_that_its_switch_does_not_report_is_named(wire: Wire) -> None:
    wire.before = {**wire.before, "s2": ()}
    assert any(line.startswith("switch s2: the rule installed for the ARP reply") for line in wire.story().missing)


def test_a_count_that_stands_still_is_named(wire: Wire) -> None:
    wire.after = {**wire.after, "s3": wire.before["s3"]}
    assert "switch s3: its rule did not count the second ping's ICMP echo request (cache)" in wire.story().missing


def test_a_switch_that_asks_about_the_second_ping_is_named(wire: Wire) -> None:
    here, there = ((wire.wiring.mac(name), wire.wiring.ip(name)) for name in ("h1", "h3"))
    wire.now = SECOND + 0.01
    wire.packet_in("s2", 2, echo(8, here, there, sequence=2))
    assert "switch s2: asked (PACKET_IN) about the second ping's ICMP echo request too (cache)" in wire.story().missing


def test_a_hub_never_completes_the_story(wire: Wire) -> None:
    def flood(message: Made) -> Made:
        if message.name != "PACKET_OUT":
            return message
        return replace(message, fields={**message.fields, "actions": [{"type": "OUTPUT", "port": FLOOD}]})

    kept = [flood(m) for m in wire.messages if m.name != "FLOW_MOD" or not m.fields["match"]]
    missing = wire.story(kept).missing
    assert any(
        line.startswith("switch s1: no FLOW_MOD followed the query about the ICMP echo request") for line in missing
    )


def test_a_ping_that_nobody_asks_about_is_no_story(wire: Wire) -> None:
    wire.messages = [message for message in wire.messages if message.time < BEGIN]
    assert wire.story().missing[0].startswith("switch s1: no query (PACKET_IN) about the ARP request")


def test_a_packet_sent_astray_is_named(wire: Wire) -> None:
    lost = wire.pick("PACKET_OUT", "s3")
    astray = replace(lost, fields={**lost.fields, "actions": [{"type": "OUTPUT", "port": 9}]})
    story = wire.story([astray if message is lost else message for message in wire.messages])
    assert "switch s3: the ICMP echo request was not seen to go on from here to h3" in story.missing


def test_the_order_of_capture_does_not_matter(wire: Wire) -> None:
    assert wire.story(list(reversed(wire.messages))) == wire.story()


def test_orders_of_interleaved_switches_find_their_queries(wire: Wire) -> None:
    """All three switches ask at once, and are answered afterwards: each in turn, rules first."""
    asked, answered = [], []
    for message in wire.messages:
        (asked if message.name == "PACKET_IN" else answered).append(message)
    moved = [replace(message, time=message.time - 0.00015) for message in asked]
    story = wire.story([*moved, *answered])
    assert story.complete, story.missing
    for each in story.first[:3]:
        for visit in each.visits:
            assert all(install.switch == visit.switch for install in visit.installs)
            assert visit.release
            assert visit.release.switch == visit.switch


def test_noise_of_other_hosts_is_not_part_of_the_story(wire: Wire) -> None:
    other, here = ((wire.wiring.mac(name), wire.wiring.ip(name)) for name in ("h2", "h1"))
    wire.now = BEGIN + 0.00025
    wire.packet_in("s2", 1, arp(1, other, here))
    wire.packet_in("s2", 1, b"\x33\x33" + b"\0" * 10 + b"\x86\xdd")
    wire.packet_in("s2", 1, b"")
    story = wire.story()
    assert story.complete, story.missing
    assert story.queries == 9


def test_buffered_packets_are_released_by_their_buffer(wire: Wire) -> None:
    buffered = Wire(build_graph("linear:3"), ours=wire.ours, buffers=True)
    story = buffered.story()
    assert story.complete, story.missing
    query = packet(story, "ICMP echo request").visits[0].query
    assert query
    assert query.buffer_id is not None


def test_a_flow_mod_may_release_the_buffer() -> None:
    """As Ryu's simple_switch_13 does: no PACKET_OUT at all for a packet that the switch kept."""
    wire = Wire(build_graph("linear:3"), ours=False, buffers=True)
    query, install = wire.pick("PACKET_IN", "s2"), wire.pick("FLOW_MOD", "s2")
    release = wire.pick("PACKET_OUT", "s2")
    both = replace(install, fields={**install.fields, "buffer_id": query.fields["buffer_id"]})
    kept = [both if message is install else message for message in wire.messages if message is not release]
    story = wire.story(kept)
    assert story.complete, story.missing
    visit = packet(story, "ICMP echo request").visits[1]
    assert visit.release
    assert visit.release.by == "FLOW_MOD"
    assert visit.out_ports == (3,)


def test_copies_of_a_flood_are_told_apart_from_the_way() -> None:
    wire = Wire(build_graph("linear:4"), target="h2")
    story = wire.story()
    assert story.complete, story.missing
    assert story.path == ("h1", "s1", "s2", "h2")
    assert [visit.switch for visit in packet(story, "ARP request").elsewhere] == ["s3", "s4"]


@pytest.mark.parametrize("ours", [True, False], ids=["ours", "foreign"])
def test_one_query_may_order_rules_on_all_switches(ours: bool) -> None:
    story = Routed(build_graph("linear:3"), ours=ours, way=("s1", "s2", "s3")).story()
    assert story.complete, story.missing
    request = packet(story, "ICMP echo request")
    assert [visit.asked for visit in request.visits] == [True, False, False]
    assert [install.switch for install in request.visits[0].installs] == ["s3", "s2", "s1"]
    assert len(request.visits[0].cached) == 3
    assert [visit.hits[-1].message for visit in request.visits[1:]] == [
        install.message for install in reversed(request.visits[0].installs[:2])
    ]


def test_the_way_through_a_loop_is_the_one_that_was_ordered() -> None:
    story = Routed(build_graph("ring:4"), target="h2", way=("s1", "s4", "s3", "s2")).story()
    assert story.complete, story.missing
    assert story.path == ("h1", "s1", "s4", "s3", "s2", "h2")


def test_a_switch_on_a_routed_way_that_was_given_no_rule_is_named() -> None:
    wire = Routed(build_graph("linear:3"), way=("s1", "s2", "s3"))
    install = next(m for m in wire.messages if m.name == "FLOW_MOD" and m.time > BEGIN and m.dpid == 2)
    assert wire.without(install).missing == (
        "switch s2: no query (PACKET_IN) about the ICMP echo request, and no rule for it",
    )


def test_a_controller_may_answer_arp_itself() -> None:
    story = Routed(build_graph("linear:3"), way=("s1", "s2", "s3")).story()
    request, reply = story.first[:2]
    assert request.answered_by_controller
    assert reply.answered_by_controller
    [visit] = request.visits
    assert visit.decision
    assert visit.decision.number == 1
    assert visit.release
    assert visit.release.ports == (1,)


@pytest.mark.parametrize("ours", [True, False], ids=["ours", "foreign"])
def test_a_broadcast_may_be_sent_out_at_the_edge_of_the_network(ours: bool) -> None:
    """No switch floods: the controller hands a copy to the last switches, which have nothing to ask about it."""
    wire = Routed(build_graph("linear:4"), ours=ours, way=("s1", "s2", "s3"), answers_arp=False)
    story = wire.story()
    assert story.complete, story.missing
    request = packet(story, "ARP request")
    assert request.path == ("h1", "s1", "s3", "h3")
    [visit] = request.visits
    assert visit.release is None
    assert [release.switch for release in visit.deliveries] == ["s2", "s3", "s4"]
    assert request.waited > 0
    assert packet(story, "ARP reply").visits[0].installs


def test_a_broadcast_that_is_not_sent_out_where_its_target_is_is_named() -> None:
    wire = Routed(build_graph("linear:4"), way=("s1", "s2", "s3"), answers_arp=False)
    edge = next(m for m in wire.messages if m.name == "PACKET_OUT" and m.dpid == 3)
    assert wire.without(edge).missing == ("switch s1: the ARP request was not seen to go on from here to h3",)


def test_a_story_can_be_written_as_json(wire: Wire) -> None:
    again = json.loads(json.dumps(asdict(wire.story())))
    assert [each["name"] for each in again["first"]] == PACKETS
    assert again["first"][2]["visits"][0]["installs"][0]["rule"]["match"]["in_port"] == 1
