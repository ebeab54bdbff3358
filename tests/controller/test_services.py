"""The inventory and the rules: what is known, and how a decision becomes messages."""

from __future__ import annotations

from typing import Any

import pytest

from controller.model import (
    NO_BUFFER,
    Apply,
    Bucket,
    Cookie,
    Decision,
    Group,
    GroupType,
    Install,
    Location,
    Match,
    Meter,
    Order,
    Output,
    Packet,
    Port,
    PortChanged,
    PortGone,
    PortNo,
    Remove,
    RemoveGroup,
    RemoveMeter,
    Rule,
    Send,
    SetField,
    SetGroup,
    SetMeter,
    SwitchDown,
    SwitchReady,
    SwitchUp,
)
from controller.network_os import NetworkOS
from controller.services.inventory import Inventory
from controller.services.rules import Outgoing, Rules

from .fake_switch import read

MAC = b"\2\0\0\0\0\1"
PORTS = tuple(Port(number, f"eth{number}", MAC, up=True) for number in (1, 2))


# ---------------------------------------------------------------- inventory


def test_inventory_follows_a_switch_and_its_ports() -> None:
    network = NetworkOS([]).network
    inventory = network.inventory
    inventory.apply(SwitchUp(5, PORTS, ("10.0.0.1", 4444), n_tables=3), 100.0)
    switch = network.switch(5)
    assert switch is not None
    assert (switch.since, switch.address, switch.n_tables, switch.ready) == (100.0, ("10.0.0.1", 4444), 3, False)

    inventory.apply(SwitchReady(5), 101.0)
    down = Port(2, "eth2", MAC, up=False)
    inventory.apply(PortChanged(5, down), 102.0)
    inventory.apply(PortChanged(5, Port(3, "new", MAC, up=True)), 103.0)
    inventory.apply(PortGone(5, PORTS[0]), 104.0)
    (switch,) = network.switches()
    assert switch.ready
    assert sorted(switch.ports) == [2, 3]
    assert network.port(Location(5, 2)) == down
    assert network.port(Location(5, 1)) is None

    inventory.apply(SwitchDown(5), 105.0)
    assert network.switch(5) is None
    assert network.port(Location(5, 2)) is None


def test_switch_that_connects_again_begins_anew() -> None:
    inventory = Inventory()
    inventory.apply(SwitchUp(5, PORTS), 1.0)
    inventory.apply(SwitchReady(5), 2.0)
    inventory.apply(SwitchUp(5, PORTS[:1]), 3.0)
    (switch,) = inventory
    assert (switch.since, switch.ready, list(switch.ports)) == (3.0, False, [1])


def test_events_of_unknown_switches_are_nothing() -> None:
    inventory = Inventory()
    for event in (SwitchReady(1), SwitchDown(1), PortChanged(1, PORTS[0]), PortGone(1, PORTS[0])):
        inventory.apply(event, 0.0)
    assert len(inventory) == 0


# ---------------------------------------------------------------- rules


def kinds(outgoing: Outgoing) -> list[tuple[int, int]]:
    return [(dpid, message[1]) for dpid, message in outgoing]


def flow(message: bytes) -> Any:
    return read(message)


RULE = Rule(Match(eth_dst=MAC), (Apply((Output(2),)),))


def test_every_message_of_a_decision_bears_its_number() -> None:
    packet = Packet(1, 3, b"frame")
    decision = Decision("why", (Install(2, RULE), Install(1, RULE)), (Output(2),))
    outgoing = Rules().carry_out(77, 4, decision, packet)
    assert kinds(outgoing) == [(2, 14), (1, 14), (1, 13)]
    assert {int.from_bytes(message[4:8], "big") for _, message in outgoing} == {77}
    assert {Cookie.unpack(flow(message).cookie) for _, message in outgoing[:2]} == {Cookie(4, 77)}
    release = read(outgoing[2][1])
    assert (release.in_port, release.actions[0].port, release.data, release.buffer_id) == (3, 2, b"frame", NO_BUFFER)


def test_groups_come_before_rules_and_go_after_them_and_packets_are_last() -> None:
    orders: tuple[Order, ...] = (
        Send(1, (Output(PortNo.FLOOD),), b"x"),
        RemoveMeter(1, 1),
        RemoveGroup(1, 8),
        Remove(2, Match(eth_dst=MAC)),
        Install(1, RULE),
        SetGroup(1, Group(9, GroupType.ALL, (Bucket((Output(1),)),))),
        SetMeter(1, Meter(3, 1000)),
    )
    outgoing = Rules().carry_out(1, 1, Decision("", orders))
    assert [message[1] for _, message in outgoing] == [15, 29, 14, 14, 29, 15, 13]
    assert [flow(message).command for _, message in outgoing[2:4]] == [3, 0]


def command(outgoing: Outgoing) -> int:
    (_, message), *_ = outgoing
    return int.from_bytes(message[8:10], "big")


@pytest.mark.parametrize(
    ("there", "another", "gone"),
    [
        (SetGroup(1, Group(9, GroupType.ALL, ())), SetGroup(1, Group(9, GroupType.SELECT, ())), RemoveGroup(1, 9)),
        (SetMeter(1, Meter(9, 100)), SetMeter(1, Meter(9, 200)), RemoveMeter(1, 9)),
    ],
)
def test_a_group_or_meter_that_is_there_is_modified(there: Order, another: Order, gone: Order) -> None:
    rules = Rules()
    rules.connect(1, 5)
    rules.confirmed(1, 5, 0.0)
    assert command(rules.carry_out(1, 1, Decision("", (there,)))) == 0
    assert command(rules.carry_out(2, 1, Decision("", (another,)))) == 1
    assert rules.carry_out(2, 1, Decision("", (another,))) == []
    rules.carry_out(3, 1, Decision("", (gone,)))
    assert command(rules.carry_out(4, 1, Decision("", (there,)))) == 0
    rules.connect(1, 5)
    rules.confirmed(1, 5, 0.0)
    assert command(rules.carry_out(6, 1, Decision("", (there,)))) == 0


def test_a_dropped_packet_needs_an_order_only_where_the_switch_keeps_it() -> None:
    rules = Rules()
    assert rules.carry_out(1, 1, Decision("drop"), Packet(1, 3, b"frame")) == []
    ((dpid, message),) = rules.carry_out(2, 1, Decision("drop"), Packet(1, 3, b"fr", buffer_id=5, total_len=9))
    release = read(message)
    assert (dpid, release.buffer_id, release.actions, release.data) == (1, 5, [], b"")


def test_a_decision_with_one_order_that_cannot_be_is_refused_as_a_whole() -> None:
    rules = Rules()
    wrong = Rule(Match(), (Apply((SetField("eth_dst", b"short"),)),))
    with pytest.raises(ValueError, match="eth_dst"):
        rules.carry_out(1, 1, Decision("", (SetGroup(1, Group(9, GroupType.ALL, ())), Install(1, wrong))))
    assert command(rules.carry_out(2, 1, Decision("", (SetGroup(1, Group(9, GroupType.ALL, ())),)))) == 0
