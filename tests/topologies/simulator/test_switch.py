"""A simulated switch does what the specification says, as the controller's own reading of it has it."""

from __future__ import annotations

from typing import Unpack

import pytest

from controller.model import (
    Apply,
    Bucket,
    Clear,
    FlowRemoved,
    Goto,
    Group,
    GroupType,
    Install,
    Instruction,
    Masked,
    Match,
    MatchFields,
    Meter,
    Order,
    Output,
    Packet,
    PopVlan,
    PortChanged,
    PortNo,
    PushVlan,
    Remove,
    RemoveGroup,
    Rule,
    Send,
    SetField,
    SetGroup,
    SetMeter,
    SetQueue,
    SwitchError,
    ToGroup,
    Write,
    WriteMetadata,
)
from controller.southbound import openflow
from controller.southbound.replies import BarrierReply, Features, FlowStats, MultipartReply, Role
from tests.topologies.simulator.words import PING, a_switch, ask, order
from topologies.simulator import Switch

OUT2 = (Apply((Output(2),)),)


def install(*instructions: Instruction, priority: int = 1, table: int = 0, **match: Unpack[MatchFields]) -> Install:
    return Install(7, Rule(Match(**match), instructions, priority, table))


def ports(switch: Switch, frame: bytes = PING, port: int = 1) -> list[int]:
    return [number for number, _ in switch.arrive(port, frame, 1.0).frames]


def rules(switch: Switch, connection: int) -> list[FlowStats]:
    (reply,) = ask(switch, connection, openflow.flow_request(9), now=5.0)
    assert isinstance(reply, MultipartReply)
    return [part for part in reply.parts if isinstance(part, FlowStats)]


def test_the_handshake_tells_who_it_is() -> None:
    switch, connection = a_switch(ports=3)
    (features,) = ask(switch, connection, openflow.features_request(1))
    (described,) = ask(switch, connection, openflow.port_request(2))
    assert isinstance(features, Features)
    assert features.dpid == 7
    assert isinstance(described, MultipartReply)
    assert [(port.number, port.name, port.up) for port in described.parts] == [  # type: ignore[union-attr]
        (1, "s7-eth1", True),
        (2, "s7-eth2", True),
        (3, "s7-eth3", True),
    ]
    assert ask(switch, connection, openflow.barrier_request(3)) == [BarrierReply(3)]


def test_without_a_rule_a_packet_is_dropped() -> None:
    switch, _ = a_switch()
    assert ports(switch) == []


@pytest.mark.parametrize(
    ("actions", "wanted"),
    [
        ((Output(2),), [2]),
        ((Output(1),), []),
        ((Output(PortNo.IN_PORT),), [1]),
        ((Output(PortNo.FLOOD),), [2, 3, 4]),
        ((Output(PortNo.ALL),), [2, 3, 4]),
        ((Output(3), Output(2)), [3, 2]),
        ((Output(77),), []),
    ],
)
def test_a_packet_leaves_by_the_ports_of_its_rule(actions: tuple[Output, ...], wanted: list[int]) -> None:
    switch, connection = a_switch()
    assert order(switch, connection, install(Apply(actions))) == []
    assert ports(switch) == wanted


def test_the_highest_priority_counts_and_masks_are_heeded() -> None:
    switch, connection = a_switch()
    group_bit = Masked(b"\x01" + bytes(5), b"\x01" + bytes(5))
    order(
        switch, connection,
        install(Apply((Output(3),)), priority=9, eth_dst=group_bit),
        install(Apply((Output(4),)), priority=5, in_port=1),
        install(Apply((Output(2),)), priority=0),
    )  # fmt: skip
    assert ports(switch) == [4]
    assert ports(switch, b"\x01" + PING[1:]) == [3]
    assert ports(switch, port=3) == [2]


def test_tables_actions_sets_and_metadata() -> None:
    switch, connection = a_switch()
    order(
        switch, connection,
        install(Write((Output(2),)), WriteMetadata(0x10, 0xF0), Goto(1), table=0),
        install(Goto(2), table=1, metadata=Masked(0x10, 0xF0)),
        install(table=2, in_port=1),
        install(Clear(), table=2, priority=2, in_port=3),
        install(Write((Output(4),)), table=2, priority=2, in_port=2),
    )  # fmt: skip
    assert ports(switch, port=1) == [2]
    assert ports(switch, port=3) == []
    assert ports(switch, port=2) == [4]


def test_what_misses_is_handed_up_whole_with_its_reason() -> None:
    switch, connection = a_switch()
    order(switch, connection, install(Apply((Output(PortNo.CONTROLLER),)), priority=0))
    (message,) = switch.arrive(2, PING, 1.0).messages
    packet = openflow.packet_in(7, message[1])
    assert isinstance(packet, Packet)
    assert (packet.in_port, packet.frame, packet.reason, packet.table) == (2, PING, 0, 0)
    order(switch, connection, install(Apply((Output(PortNo.CONTROLLER),)), priority=3))
    (message,) = switch.arrive(2, PING, 1.0).messages
    assert openflow.packet_in(7, message[1]).reason == 1


def test_a_packet_out_goes_by_the_tables_where_it_is_told_to() -> None:
    switch, connection = a_switch()
    order(switch, connection, install(*OUT2, in_port=3))
    message = openflow.encode(Send(7, (Output(PortNo.TABLE),), PING, in_port=3), 1)
    assert switch.receive(connection, message, 1.0).frames == [(2, PING)]


def test_vlan_tags_are_pushed_set_and_popped() -> None:
    switch, connection = a_switch()
    tag = (PushVlan(), SetField("vlan_vid", 0x1005), Output(2))
    order(switch, connection, install(Apply(tag), in_port=1), install(Apply((PopVlan(), Output(2))), in_port=3))
    ((_, tagged),) = switch.arrive(1, PING, 1.0).frames
    assert tagged == PING[:12] + b"\x81\x00\x00\x05" + PING[12:]
    assert switch.arrive(3, tagged, 1.0).frames == [(2, PING)]


def test_a_fast_failover_group_takes_the_first_port_that_is_alive() -> None:
    switch, connection = a_switch()
    buckets = tuple(Bucket((Output(port),), watch_port=port) for port in (2, 3))
    group = Group(1, GroupType.FAST_FAILOVER, buckets)
    order(switch, connection, SetGroup(7, group), install(Apply((ToGroup(1),))))
    assert ports(switch) == [2]
    (change,) = switch.set_link(2, False).messages
    told = openflow.decode(7, change[1])
    assert isinstance(told, PortChanged)
    assert (told.port.number, told.port.up) == (2, False)
    assert ports(switch) == [3]
    switch.set_link(3, False)
    assert ports(switch) == []
    switch.set_link(2, True)
    assert ports(switch) == [2]


def test_groups_of_all_and_select() -> None:
    switch, connection = a_switch()
    both = tuple(Bucket((Output(port),)) for port in (2, 3))
    shared = tuple(Bucket((Output(port),), weight=1) for port in (2, 3))
    order(
        switch, connection, SetGroup(7, Group(1, GroupType.ALL, both)), SetGroup(7, Group(2, GroupType.SELECT, shared)),
        install(Apply((ToGroup(1),)), in_port=1), install(Apply((ToGroup(2),)), in_port=4),
    )  # fmt: skip
    assert ports(switch, port=1) == [2, 3]
    used = {tuple(ports(switch, PING[:6] + bytes((0, 0, 0, 0, 1, n)) + PING[12:], 4)) for n in range(40)}
    assert used == {(2,), (3,)}
    assert ports(switch, port=4) == ports(switch, port=4)


def test_a_removed_group_takes_its_rules_along() -> None:
    switch, connection = a_switch()
    group = Group(1, GroupType.INDIRECT, (Bucket((Output(2),)),))
    noticed = Install(7, Rule(Match(), (Apply((ToGroup(1),)),), notify=True))
    order(switch, connection, SetGroup(7, group), noticed)
    (said,) = order(switch, connection, RemoveGroup(7, 1))
    assert isinstance(said, FlowRemoved)
    assert said.reason == 3
    assert rules(switch, connection) == []


def test_rules_go_when_their_time_is_over_and_say_so() -> None:
    switch, connection = a_switch()
    idle = Install(7, Rule(Match(in_port=1), OUT2, idle_timeout=2, notify=True, cookie=0xF1 << 56 | 3))
    hard = Install(7, Rule(Match(in_port=2), OUT2, hard_timeout=4, notify=True))
    order(switch, connection, idle, hard)
    switch.arrive(1, PING, 1.0)
    assert switch.next_due == 3.0
    assert switch.tick(2.9).messages == []
    (gone,) = switch.tick(3.0).messages
    told = openflow.decode(7, gone[1])
    assert isinstance(told, FlowRemoved)
    assert (told.reason, told.packets, told.bytes, told.rule.cookie) == (0, 1, len(PING), 0xF1 << 56 | 3)
    (gone,) = switch.tick(4.0).messages
    told = openflow.decode(7, gone[1])
    assert isinstance(told, FlowRemoved)
    assert told.reason == 1


def test_removal_is_narrowed_by_match_strictness_port_and_cookie() -> None:
    def left(remove: Remove) -> int:
        switch, connection = a_switch()
        order(
            switch, connection,
            Install(7, Rule(Match(in_port=1), OUT2, 3, cookie=0xA1)),
            Install(7, Rule(Match(in_port=1, eth_dst=PING[:6]), (Apply((Output(3),)),), 4, cookie=0xA2)),
            Install(7, Rule(Match(), (), 0, 1, cookie=0xB1)),
        )  # fmt: skip
        order(switch, connection, remove)
        return len(rules(switch, connection))

    assert left(Remove(7)) == 0
    assert left(Remove(7, table=0)) == 1
    assert left(Remove(7, Match(in_port=1))) == 1
    assert left(Remove(7, Match(in_port=1), table=0, strict=True, priority=3)) == 2
    assert left(Remove(7, Match(in_port=1), table=0, strict=True, priority=2)) == 3
    assert left(Remove(7, out_port=3)) == 2
    assert left(Remove(7, cookie=0xA0, cookie_mask=0xF0)) == 1


def test_a_rule_in_place_of_another_keeps_the_counters() -> None:
    switch, connection = a_switch()
    order(switch, connection, install(*OUT2, in_port=1))
    switch.arrive(1, PING, 1.0)
    order(switch, connection, install(Apply((Output(3),)), in_port=1))
    (found,) = rules(switch, connection)
    assert (found.packets, found.bytes) == (1, len(PING))
    assert found.rule.instructions == (Apply((Output(3),)),)


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        (install(Goto(0), table=1), (3, 2)),
        (install(Goto(200)), (3, 2)),
        (install(table=99), (5, 2)),
        (install(Apply((ToGroup(4),))), (2, 9)),
        (install(Apply((SetQueue(1), Output(2)))), (2, 8)),
        (install(Apply((Output(PortNo.NORMAL),))), (2, 4)),
        (install(ip_proto=6), (4, 9)),
        (install(tcp_dst=80, eth_type=0x800), (4, 9)),
        (install(tunnel_id=1), (4, 6)),
        (install(Apply((SetField("ipv4_dst", bytes(4)),))), (2, 10)),
        (SetGroup(7, Group(1, GroupType.FAST_FAILOVER, (Bucket((Output(2),)),))), (6, 13)),
        (SetGroup(7, Group(1, GroupType.INDIRECT, ())), (6, 1)),
        (SetGroup(7, Group(1, GroupType.ALL, (Bucket((ToGroup(1),)),))), (6, 7)),
        (SetMeter(7, Meter(1, 100)), (12, 11)),
        (Send(7, (Output(2),), b"", buffer_id=3), (1, 8)),
    ],
)  # fmt: skip
def test_what_is_wrong_or_not_modelled_is_refused_and_changes_nothing(wrong: Order, error: tuple[int, int]) -> None:
    switch, connection = a_switch()
    (said,) = order(switch, connection, wrong, xid=77)
    assert isinstance(said, SwitchError)
    assert ((said.type, said.code), said.xid) == (error, 77)
    assert openflow.encode(wrong, 77).startswith(said.data)
    assert rules(switch, connection) == []


def test_a_full_table_and_a_group_that_is_there_are_refused() -> None:
    switch, connection = a_switch(capacity=1)
    group = SetGroup(7, Group(1, GroupType.ALL, ()))
    assert order(switch, connection, install(in_port=1), install(in_port=1), group) == []
    full, there = order(switch, connection, install(in_port=2), group)
    assert isinstance(full, SwitchError)
    assert isinstance(there, SwitchError)
    assert [(full.type, full.code), (there.type, there.code)] == [(5, 1), (6, 0)]


def test_a_slave_changes_nothing_and_hears_only_of_ports() -> None:
    switch, first = a_switch()
    order(switch, first, install(Apply((Output(PortNo.CONTROLLER),)), priority=0))
    second, _ = switch.connect()
    ask(switch, second, openflow.role_request(1, Role.MASTER, 1))
    ask(switch, first, openflow.role_request(1, Role.SLAVE, 1))
    (refused,) = order(switch, first, install(*OUT2))
    assert isinstance(refused, SwitchError)
    assert (refused.type, refused.code) == (1, 10)
    assert [number for number, _ in switch.arrive(1, PING, 1.0).messages] == [second]
    assert [number for number, _ in switch.set_link(2, False).messages] == [first, second]
