"""What Open vSwitch makes of our bytes, and we of its: rules, groups and meters come back as they were ordered."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from controller.model import (
    Apply,
    Bucket,
    Clear,
    DecTtl,
    FlowRemoved,
    Goto,
    Group,
    GroupType,
    Install,
    Instruction,
    Masked,
    Match,
    Meter,
    Output,
    Packet,
    PopVlan,
    Port,
    PortChanged,
    PortNo,
    PushVlan,
    Remove,
    RemoveGroup,
    RemoveMeter,
    Rule,
    Send,
    SetField,
    SetGroup,
    SetMeter,
    SetQueue,
    SwitchError,
    ToGroup,
    UseMeter,
    Write,
    WriteMetadata,
)
from controller.southbound import frames, openflow
from controller.southbound.oxm import FIELDS
from controller.southbound.replies import (
    AggregateStats,
    EchoReply,
    Features,
    FlowStats,
    Hello,
    MeterConfig,
    Role,
    RoleReply,
    SwitchConfig,
    SwitchDescription,
    TableStats,
)

from .an_open_vswitch import SCHEMA, Switch, running

NEEDS = [tool for tool in ("ovsdb-tool", "ovsdb-server", "ovs-vswitchd", "ovs-vsctl") if shutil.which(tool) is None]
pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(bool(NEEDS) or not SCHEMA.exists(), reason=f"not installed: {', '.join(NEEDS) or SCHEMA}"),
]

MAC = bytes.fromhex("020000000001")
SIX = bytes.fromhex("fd00000000000000000000000000000a")


@pytest.fixture(scope="module")
def greeted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Switch]:
    folder: Path = tmp_path_factory.mktemp("ovs")
    with running(folder) as switch:
        switch.send(openflow.hello(next(switch.xids)))
        assert switch.event(Hello).versions == {4}
        # A service connection is told of packets only once it says how much of them it wants.
        switch.send(openflow.set_config(next(switch.xids)))
        yield switch


@pytest.fixture
def switch(greeted: Switch) -> Switch:
    """The switch, empty."""
    assert greeted.order(Remove(1)) is None
    assert greeted.order(RemoveGroup(1, 0xFFFFFFFC)) is None
    assert greeted.order(RemoveMeter(1, 0xFFFFFFFF)) is None
    return greeted


def rules(switch: Switch) -> list[Rule]:
    parts = switch.ask(openflow.flow_request)
    assert all(part.whole for part in parts)
    return [part.rule for part in parts]


# ---------------------------------------------------------------- questions


def test_what_it_is(switch: Switch) -> None:
    features = switch.ask(openflow.features_request)
    assert isinstance(features, Features)
    assert (features.n_tables, features.auxiliary) == (254, 0)
    (description,) = switch.ask(openflow.description_request)
    assert isinstance(description, SwitchDescription)
    assert description.hardware == "Open vSwitch"
    assert switch.ask(openflow.config_request) == SwitchConfig(0, 0xFFFF, next(switch.xids) - 1)
    assert isinstance(switch.ask(lambda xid: openflow.echo_request(xid, b"there?")), EchoReply)


def test_its_ports(switch: Switch) -> None:
    ports = {port.number: port for port in switch.ask(openflow.port_request)}
    assert {number: port.name for number, port in ports.items()} == {1: "p1", 2: "p2", PortNo.LOCAL: "br0"}
    assert ports[1].up
    assert {stats.port for stats in switch.ask(openflow.port_stats_request)} == set(ports)
    (one,) = switch.ask(lambda xid: openflow.port_stats_request(xid, 2))
    assert (one.port, one.rx_bytes) == (2, 0)


def test_its_tables(switch: Switch) -> None:
    switch.order(Install(1, Rule(Match(), table=3)))
    tables = switch.ask(openflow.table_request)
    assert all(isinstance(table, TableStats) for table in tables)
    assert {table.table: table.active for table in tables if table.active} == {3: 1}


def test_a_role(switch: Switch) -> None:
    answer = switch.ask(lambda xid: openflow.role_request(xid, Role.EQUAL))
    assert isinstance(answer, RoleReply)
    assert answer.role is Role.EQUAL


def test_more_rules_than_one_message_holds(switch: Switch) -> None:
    for number in range(1500):
        switch.send(openflow.encode(Install(1, Rule(Match(metadata=number), priority=1)), 0))
    assert {rule.match.get("metadata") for rule in rules(switch)} == set(range(1500))
    (all_of_them,) = switch.ask(lambda xid: openflow.flow_request(xid, aggregate=True))
    assert all_of_them == AggregateStats(0, 0, 1500)


# ---------------------------------------------------------------- rules

IP = {"eth_type": 0x0800}
ARP = {"eth_type": 0x0806}
MPLS = {"eth_type": 0x8847}
IPV6 = {"eth_type": 0x86DD}
ND = IPV6 | {"ip_proto": 58}
NEEDED = {
    "vlan_pcp": {"vlan_vid": 0x1005},
    **dict.fromkeys(("ip_dscp", "ip_ecn", "ip_proto", "ipv4_src", "ipv4_dst"), IP),
    **{f"{name}_{way}": IP | {"ip_proto": number} for name, number in (("tcp", 6), ("udp", 17), ("sctp", 132))
       for way in ("src", "dst")},
    **dict.fromkeys(("icmpv4_type", "icmpv4_code"), IP | {"ip_proto": 1}),
    **dict.fromkeys(("arp_op", "arp_spa", "arp_tpa", "arp_sha", "arp_tha"), ARP),
    **dict.fromkeys(("ipv6_src", "ipv6_dst", "ipv6_flabel"), IPV6),
    **dict.fromkeys(("icmpv6_type", "icmpv6_code"), ND),
    "ipv6_nd_target": ND | {"icmpv6_type": 135, "icmpv6_code": 0},
    "ipv6_nd_sll": ND | {"icmpv6_type": 135, "icmpv6_code": 0},
    "ipv6_nd_tll": ND | {"icmpv6_type": 136, "icmpv6_code": 0},
    **dict.fromkeys(("mpls_label", "mpls_tc", "mpls_bos"), MPLS),
}  # fmt: skip
"""What must be asked too before a field may be (§7.2.3.7)."""

NOT_IN_OPEN_VSWITCH = {"in_phy_port", "pbb_isid", "ipv6_exthdr"}
FIELD_NAMES = [name for name in FIELDS if name not in NOT_IN_OPEN_VSWITCH]


@pytest.mark.parametrize("name", FIELD_NAMES)
def test_a_rule_on_any_field_comes_back(switch: Switch, name: str) -> None:
    field = FIELDS[name]
    value: int | bytes = (SIX[-field.size :] if field.size == 16 else MAC[: field.size]) if field.address else 1
    if name == "vlan_vid":
        value = 0x1001
    rule = Rule(Match.of((NEEDED.get(name, {}) | {name: value}).items()), priority=9, cookie=0xF1 << 56 | 5)
    assert switch.order(Install(1, rule)) is None
    assert rules(switch) == [rule]


MASKABLE = [name for name in FIELD_NAMES if FIELDS[name].maskable and name != "vlan_vid"]


@pytest.mark.parametrize("name", MASKABLE)
def test_a_rule_under_a_mask_comes_back(switch: Switch, name: str) -> None:
    field = FIELDS[name]
    masked = Masked(0x10, 0xFFF0)
    if field.address:
        masked = Masked(b"\x02" + bytes(field.size - 1), b"\xff" + bytes(field.size - 1))
    rule = Rule(Match.of((NEEDED.get(name, {}) | {name: masked}).items()), priority=9)
    assert switch.order(Install(1, rule)) is None
    assert rules(switch) == [rule]


def test_a_rule_on_tagged_frames_comes_back(switch: Switch) -> None:
    rule = Rule(Match(vlan_vid=Masked(0x1000, 0x1000)))
    assert switch.order(Install(1, rule)) is None
    assert rules(switch) == [rule]


@pytest.mark.parametrize("name", sorted(NOT_IN_OPEN_VSWITCH))
def test_a_field_that_it_does_not_know_is_refused(switch: Switch, name: str) -> None:
    refused = switch.order(Install(1, Rule(Match.of((NEEDED.get(name, {}) | {name: 1}).items()))))
    assert isinstance(refused, SwitchError)
    assert refused.type == 4
    assert refused.data[1] == openflow.MessageType.FLOW_MOD


@pytest.mark.parametrize(
    "instructions",
    [
        (),
        (Apply((Output(2), Output(PortNo.CONTROLLER, 0xFFFF))),),
        (Apply((SetField("eth_dst", MAC), SetField("ipv4_dst", MAC[:4]), DecTtl(), SetQueue(3), Output(2))),),
        (Apply((PushVlan(0x8100), SetField("vlan_vid", 0x1007), Output(1))),),
        (Apply((PushVlan(0x88A8), PopVlan(), Output(1))),),
        (Write((Output(2),)), Goto(7)),
        (Clear(),),
        (WriteMetadata(0x12, 0xFF), Goto(250)),
        (UseMeter(4), Apply((ToGroup(6),))),
    ],
    ids=lambda some: ",".join(type(one).__name__ for one in some) or "drop",
)
def test_instructions_come_back(switch: Switch, instructions: tuple[Instruction, ...]) -> None:
    assert switch.order(SetMeter(1, Meter(4, 1000))) is None
    assert switch.order(SetGroup(1, Group(6, GroupType.ALL, ()))) is None
    rule = Rule(Match(eth_type=0x0800), instructions, 7, 2, idle_timeout=60, hard_timeout=600, notify=True, cookie=3)
    assert switch.order(Install(1, rule)) is None
    assert rules(switch) == [rule]


def test_exactly_what_is_ordered_is_removed(switch: Switch) -> None:
    broad, narrow = Rule(Match(eth_type=0x0800), priority=3), Rule(Match(eth_type=0x0800, ip_proto=6), priority=3)
    other = Rule(Match(in_port=1), (Apply((Output(2),)),), cookie=0xF1_02 << 48 | 9)
    for rule in (broad, narrow, other):
        switch.order(Install(1, rule))
    switch.order(Remove(1, broad.match, table=0, strict=True, priority=3))
    assert sorted(rules(switch), key=lambda rule: rule.priority) == [other, narrow]
    switch.order(Remove(1, cookie=0xF1_02 << 48, cookie_mask=0xFFFF << 48))
    assert rules(switch) == [narrow]
    switch.order(Install(1, other))
    switch.order(Remove(1, out_port=2))
    assert rules(switch) == [narrow]


# ---------------------------------------------------------------- groups and meters


@pytest.mark.parametrize("kind", GroupType)
def test_a_group_comes_back(switch: Switch, kind: GroupType) -> None:
    one, other = Bucket((Output(1),), watch_port=1), Bucket((SetField("eth_src", MAC), Output(2)), watch_port=2)
    buckets: tuple[Bucket, ...] = (one, other)
    if kind is GroupType.SELECT:
        buckets = tuple(replace(bucket, weight=5, watch_port=PortNo.ANY) for bucket in buckets)
    elif kind is not GroupType.FAST_FAILOVER:
        buckets = tuple(replace(bucket, watch_port=PortNo.ANY) for bucket in buckets[: 1 + (kind is GroupType.ALL)])
    group = Group(8, kind, buckets)
    assert switch.order(SetGroup(1, group)) is None
    assert switch.ask(openflow.group_request) == (group,)
    refused = switch.order(SetGroup(1, group))
    assert (refused.type, refused.code) == (6, 0)
    changed = replace(group, buckets=buckets[:1])
    assert switch.order(SetGroup(1, changed), modify=True) is None
    assert switch.ask(openflow.group_request) == (changed,)
    (stats,) = switch.ask(openflow.group_stats_request)
    assert (stats.group_id, stats.buckets) == (8, ((0, 0),))
    assert switch.order(RemoveGroup(1, 8)) is None
    assert switch.ask(openflow.group_request) == ()


@pytest.mark.parametrize("meter", [Meter(4, 1000), Meter(5, 20, 30, packets=True)])
def test_a_meter_comes_back(switch: Switch, meter: Meter) -> None:
    assert switch.order(SetMeter(1, meter)) is None
    (config,) = switch.ask(openflow.meter_request)
    assert isinstance(config, MeterConfig)
    assert config.meter == meter
    assert switch.order(SetMeter(1, replace(meter, rate=9)), modify=True) is None
    (config,) = switch.ask(lambda xid: openflow.meter_request(xid, meter.meter_id))
    assert config.meter == replace(meter, rate=9)
    (stats,) = switch.ask(openflow.meter_stats_request)
    assert (stats.meter_id, stats.flows) == (meter.meter_id, 0)
    assert switch.order(RemoveMeter(1, meter.meter_id)) is None
    assert switch.ask(openflow.meter_request) == ()


# ---------------------------------------------------------------- packets and events

FRAME = frames.arp_request(MAC, bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2])).ljust(60, b"\0")


def test_a_packet_goes_through_the_tables_and_is_asked_about(switch: Switch) -> None:
    rule = Rule(Match(in_port=1), (Apply((Output(PortNo.CONTROLLER),)),), cookie=77, table=0)
    switch.order(Install(1, rule))
    assert switch.order(Send(1, (Output(PortNo.TABLE),), FRAME, in_port=1)) is None
    packet = switch.event(Packet)
    assert (packet.in_port, packet.frame, packet.total_len) == (1, FRAME, 60)
    assert (packet.cookie, packet.reason, packet.table) == (77, 1, 0)
    (stats,) = switch.ask(openflow.flow_request)
    assert stats == FlowStats(rule, 1, 60, stats.duration)


def test_a_packet_that_came_by_a_port(switch: Switch) -> None:
    miss = Rule(Match(), (Apply((Output(PortNo.CONTROLLER),)),), priority=0)
    switch.order(Install(1, miss))
    switch.control("netdev-dummy/receive", "p2", FRAME.hex())
    packet = switch.event(Packet)
    assert (packet.in_port, packet.frame, packet.reason) == (2, FRAME, 0)
    (stats,) = switch.ask(lambda xid: openflow.port_stats_request(xid, 2))
    assert (stats.rx_packets, stats.rx_bytes) == (1, 60)


def test_a_removed_rule_is_told(switch: Switch) -> None:
    rule = Rule(Match(eth_dst=MAC), (Apply((Output(1),)),), 5, notify=True, cookie=0xF1_01 << 48 | 6)
    switch.order(Install(1, rule))
    switch.order(Remove(1, rule.match))
    removed = switch.wait_for(lambda _, value: isinstance(value, FlowRemoved) and value.rule.cookie == rule.cookie)
    assert (removed.rule, removed.reason, removed.packets) == (replace(rule, instructions=()), 2, 0)


def test_a_port_that_goes_down_and_up_is_told(switch: Switch) -> None:
    def changed_to(up: bool) -> Port:
        changed: PortChanged = switch.wait_for(lambda _, value: isinstance(value, PortChanged) and value.port.up is up)
        return changed.port

    for state, up in (("down", False), ("up", True)):
        switch.control("netdev-dummy/set-admin-state", "p1", state)
        port = changed_to(up)
        assert (port.number, port.name) == (1, "p1")
