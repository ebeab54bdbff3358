"""Nobody can make up a link: forged, replayed and relayed probes, and ports that are not what they seem."""

from __future__ import annotations

import pytest

from controller.model import (
    Host,
    HostSeen,
    Link,
    Location,
    PortChanged,
    PortGone,
    SwitchDown,
)
from controller.services.topology import Topology
from controller.southbound.lldp import ProbeKey, ProbeWriter
from tests.services.networks import A1, A2, B1, B2, Wires, both, cables, last_probe, linked, pair, port, way_out


def host(location: Location) -> Host:
    return Host(b"\2\0\0\0\0\1", location, (), 0, 0.0, 0.0)


def test_a_forged_probe_makes_no_link_and_is_reported_with_its_port() -> None:
    net = pair()
    net.run(5)
    frame = bytearray(last_probe(net, A2))
    frame[-25] ^= 1
    net.inject(bytes(frame), B2)
    assert net.alarms == [("forged-probe", B2)]
    assert linked(net) == set(both(Link(A1, B1)))
    assert net.topology.is_edge(B2)


def test_another_controllers_probes_and_ordinary_lldp_are_left_alone() -> None:
    net = pair()
    net.run(5)
    for key in (b"the key of somebody else", b"and a third one's key"):
        assert net.inject(ProbeWriter(ProbeKey(key), 1, 2, bytes(6)).write(5), B2) == []
    assert (
        net.inject(bytes.fromhex("0180c200000e 020000000001 88cc 0207 04 020000000001 0402 0731 0602 0078 0000"), B2)
        == []
    )
    assert net.inject(b"no LLDP at all", B2) == []
    assert net.topology.is_edge(B2)


def test_an_old_probe_is_reported() -> None:
    net = pair()
    net.run(5)
    frame = last_probe(net, A2)
    net.run(10)
    net.inject(frame, B2)
    assert net.alarms == [("replayed-probe", B2)]
    assert net.topology.is_edge(B2)


def test_a_probe_heard_twice_is_reported_and_keeps_no_link_alive() -> None:
    net = pair()
    net.run(1)
    frame = last_probe(net, A1)
    net.cut = {A1}
    for _ in range(10):
        net.inject(frame, B1)
        net.run(0.1)
    assert net.alarms == [("replayed-probe", B1)]
    assert linked(net) == set()


@pytest.mark.parametrize("known", [A2, B2])
def test_a_fresh_probe_carried_to_another_port_by_hosts_is_reported(known: Location) -> None:
    net = pair()
    net.run(5)
    net.apply(HostSeen(host(known)))
    net.run(20)
    sent = len(net.sent)
    while all(way_out(send) != A2 for _, send in net.sent[sent:]):
        net.run(0.1)
    net.inject(last_probe(net, A2), B2)
    assert net.alarms == [("relayed-probe", B2)]
    assert net.topology.is_edge(A2)
    assert net.topology.is_edge(B2)


def test_a_link_that_comes_up_late_where_a_host_was_seen_is_believed() -> None:
    """The far switch connects later than its hosts were heard through it, as after a restart of the controller."""
    net = Wires(cables([(1, 2)]))
    net.connect(1)
    net.run(60)
    net.apply(HostSeen(host(A1)))
    net.connect(2)
    net.run(0.1)
    assert linked(net) == set(both(Link(A1, B1)))
    net.cut = {A1, B1}
    net.run(60)
    net.cut = set()
    net.run(1)
    assert linked(net) == set(both(Link(A1, B1))), "the same two were linked before"
    assert net.alarms == []


def test_a_port_that_hears_its_own_probes_is_neither_edge_nor_link() -> None:
    net = Wires([])
    net.far_end = {A1: A1}
    net.connect(1)
    net.run(5)
    assert net.alarms == [("reflected-probe", A1)]
    assert linked(net) == set()
    assert not net.topology.is_edge(A1)


def test_a_third_switch_on_a_segment_is_reported_and_not_linked() -> None:
    net = pair()
    net.run(1)
    net.connect(3, extra=[Location(3, 1)])
    net.inject(last_probe(net, A1), Location(3, 1))
    assert net.alarms == [("shared-segment", Location(3, 1))]
    assert linked(net) == set(both(Link(A1, B1)))


def test_a_probe_from_before_the_port_went_down_is_nothing() -> None:
    net = pair()
    net.run(0.2)
    net.cut = {A2, B2}
    frame = last_probe(net, A2)
    net.set_port(A2, up=False)
    assert net.inject(frame, B2) == []
    net.set_port(A2, up=True)
    assert net.inject(frame, B2) == []
    assert net.topology.is_edge(B2)


def test_the_same_alarm_is_not_told_again_and_again() -> None:
    net = pair()
    net.run(5)
    frame = bytearray(last_probe(net, A2))
    frame[-3] ^= 1
    for _ in range(250):
        net.inject(bytes(frame), B2)
        net.run(0.1)
    assert net.alarms == [("forged-probe", B2)] * 3


def test_a_switch_that_is_not_known_changes_nothing() -> None:
    topology = Topology(b"the key of one controller")
    for event in (SwitchDown(1), PortChanged(1, port(A1)), PortGone(1, port(A1))):
        assert topology.apply(event, 1.0) == []
    assert topology.tick(1.0).probes == {}
