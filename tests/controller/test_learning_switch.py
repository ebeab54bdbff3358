"""The learning switch, asked directly."""

from __future__ import annotations

import pytest

from controller.apps.learning_switch import LearningSwitch
from controller.model import (
    Apply,
    Cookie,
    Decision,
    FlowRemoved,
    Install,
    Match,
    Output,
    Packet,
    Port,
    PortChanged,
    PortGone,
    PortNo,
    Remove,
    Rule,
    SwitchDown,
    SwitchUp,
    mac_bytes,
)

from .in_memory import settled

A, B, C = (mac_bytes(f"02:00:00:00:00:0{digit}") for digit in "abc")
EVERYONE = b"\xff" * 6
NETWORK = settled(switches=2).network


def flood(port: int) -> tuple[Output, ...]:
    return tuple(Output(number) for number in range(1, 7) if number != port)


class Asked:
    """A learning switch and the questions to it, in short."""

    def __init__(self, switches: int = 1) -> None:
        self.app = LearningSwitch(idle_timeout=5)
        for dpid in range(1, switches + 1):
            self.event(SwitchUp(dpid))

    def about(
        self, source: bytes, target: bytes, port: int, dpid: int = 1, rest: bytes = b"\x08\x00"
    ) -> Decision | None:
        return self.app.packet_in(Packet(dpid, port, target + source + rest), NETWORK, 0.0)

    def decided(self, source: bytes, target: bytes, port: int, dpid: int = 1) -> Decision:
        decision = self.about(source, target, port, dpid)
        assert decision is not None
        return decision

    def event(self, event: SwitchUp | SwitchDown | FlowRemoved | PortChanged | PortGone) -> Decision | None:
        return self.app.event(event, NETWORK, 0.0)

    def knows(self, mac: bytes, dpid: int = 1) -> int | None:
        return self.app.tables.get(dpid, {}).get(mac)


def expired(source: bytes, target: bytes, port: int, reason: int = 0) -> FlowRemoved:
    match = Match(in_port=port, eth_src=source, eth_dst=target)
    return FlowRemoved(1, Rule(match, cookie=Cookie(1, 3).pack()), reason, 0, 0, 5.0)


def port(number: int, *, up: bool) -> Port:
    return Port(number, f"eth{number}", A, up)


def test_new_switch_is_told_to_ask() -> None:
    decision = LearningSwitch().event(SwitchUp(7), NETWORK, 0.0)
    assert decision is not None
    assert decision.orders == (Install(7, Rule(Match(), (Apply((Output(PortNo.CONTROLLER),)),), priority=0)),)


def test_floods_what_is_unknown_and_what_is_for_everyone() -> None:
    asked = Asked()
    assert asked.decided(A, B, 1).release == flood(1)
    assert asked.decided(B, EVERYONE, 2).release == flood(2)
    assert asked.decided(A, EVERYONE, 1).orders == ()


def test_sends_a_known_one_where_it_is_and_has_the_switch_remember() -> None:
    asked = Asked()
    asked.about(A, B, 1)
    decision = asked.decided(B, A, 2)
    rule = Rule(Match(in_port=2, eth_src=B, eth_dst=A), (Apply((Output(1),)),), idle_timeout=5, notify=True)
    assert decision == Decision("02:00:00:00:00:0a is behind port 1", (Install(1, rule),), (Output(1),))


def test_packet_for_its_own_side_is_dropped_there() -> None:
    asked = Asked()
    asked.about(A, B, 1)
    decision = asked.decided(C, A, 1)
    (install,) = decision.orders
    assert isinstance(install, Install)
    assert (install.rule.instructions, decision.release) == ((), ())


def test_switches_learn_for_themselves() -> None:
    asked = Asked(switches=2)
    asked.about(A, B, 1, dpid=1)
    assert asked.decided(B, A, 2, dpid=2).release == flood(2)


@pytest.mark.parametrize("source", [EVERYONE, mac_bytes("33:33:00:00:00:01"), mac_bytes("01:00:5e:00:00:01")])
def test_never_learns_a_group_as_a_source(source: bytes) -> None:
    asked = Asked()
    asked.about(source, B, 1)
    assert asked.knows(source) is None


@pytest.mark.parametrize("last", [0x00, 0x02, 0x0E, 0x0F])
def test_never_forwards_link_local_control(last: int) -> None:
    assert Asked().about(A, bytes.fromhex("0180c20000") + bytes([last]), 1) is None


def test_never_forwards_lldp_whoever_it_is_for_nor_a_runt() -> None:
    asked = Asked()
    asked.about(B, EVERYONE, 2)
    assert asked.about(A, B, 1, rest=b"\x88\xcc\x02") is None
    assert asked.about(A, B, 1, rest=b"") is None
    assert asked.knows(A) is None


def test_neighbours_of_the_link_local_block_are_forwarded() -> None:
    assert Asked().decided(A, bytes.fromhex("0180c2000010"), 1).release == flood(1)


def test_host_that_moved_is_followed_and_no_switch_sends_to_where_it_was() -> None:
    asked = Asked(switches=3)
    asked.about(A, EVERYONE, 1, dpid=1)
    asked.about(A, EVERYONE, 6, dpid=2)
    asked.about(B, EVERYONE, 2, dpid=1)
    decision = asked.decided(A, B, 3, dpid=1)
    assert decision.orders[:2] == (Remove(1, Match(eth_dst=A)), Remove(2, Match(eth_dst=A)))
    assert isinstance(decision.orders[2], Install)
    assert decision.reason.startswith("02:00:00:00:00:0a moved from port 1 to port 3; ")
    assert asked.knows(A) == 3
    assert asked.knows(A, dpid=2) is None


def test_forgets_a_host_whose_flow_expired() -> None:
    asked = Asked()
    asked.about(A, EVERYONE, 1)
    asked.event(expired(A, B, 1))
    assert asked.knows(A) is None


def test_remembers_a_host_whose_flow_was_withdrawn_or_was_from_where_it_left() -> None:
    asked = Asked()
    asked.about(A, EVERYONE, 1)
    asked.event(expired(A, B, 1, reason=2))
    asked.event(expired(A, B, 2))
    asked.event(FlowRemoved(1, Rule(Match(in_port=1, eth_src=A)), 0, 0, 0, 1.0))  # somebody else's rule
    asked.event(expired(C, B, 1))
    assert asked.knows(A) == 1


@pytest.mark.parametrize("event", [PortChanged(1, port(1, up=False)), PortGone(1, port(1, up=True))])
def test_forgets_who_was_behind_a_lost_port(event: PortChanged | PortGone) -> None:
    asked = Asked()
    asked.about(A, EVERYONE, 1)
    asked.about(B, EVERYONE, 2)
    decision = asked.event(event)
    assert decision is not None
    assert decision.orders == (Remove(1, out_port=1),)
    assert (asked.knows(A), asked.knows(B)) == (None, 2)
    assert asked.event(event) is None


def test_port_that_is_up_changes_nothing() -> None:
    asked = Asked()
    asked.about(A, EVERYONE, 1)
    assert asked.event(PortChanged(1, port(1, up=True))) is None
    assert asked.knows(A) == 1


def test_forgets_a_switch_that_left() -> None:
    asked = Asked()
    asked.about(A, EVERYONE, 1)
    asked.event(SwitchDown(1))
    assert 1 not in asked.app.tables
    asked.event(SwitchUp(1))
    assert asked.knows(A) is None


def test_port_that_leads_to_no_host_and_is_not_on_the_tree_is_not_listened_to() -> None:
    asked = Asked()
    decision = asked.decided(A, B, 99)
    assert (decision.orders, decision.release) == ((), ())
    assert asked.knows(A) is None
