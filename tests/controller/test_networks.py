"""The network operating system on whole networks, in memory: switches that hold tables, cables, hosts."""

from __future__ import annotations

from collections import Counter

import pytest

from controller.apps.learning_switch import LearningSwitch
from controller.model import Event, Location, SwitchSettled, TreeChanged
from controller.network_os import NetworkOS

from .table_switch import FLOW_MOD, TableNetwork, mac, ring

EVERYONE = b"\xff" * 6
HOSTS = [Location(dpid, 9) for dpid in range(1, 5)]


def ring_of_four() -> TableNetwork:
    return TableNetwork(ring(4), HOSTS, lambda: NetworkOS([LearningSwitch()]))


@pytest.fixture
def network() -> TableNetwork:
    """A ring of four that has settled."""
    network = ring_of_four()
    network.connect()
    network.run(2.0)
    return network


def test_a_ring_settles_and_is_known() -> None:
    network = ring_of_four()
    seen: list[tuple[float, Event]] = []
    network.network_os.listen(lambda event, now: seen.append((now, event)))
    network.connect()
    network.run(0.3)
    view = network.network_os.network
    assert sorted(map(str, view.topology.links())) == sorted(
        str(link) for wire in ring(4) for link in (wire, type(wire)(wire.target, wire.source))
    )
    assert all(switch.settled for switch in view.switches())
    assert sorted(event.dpid for _, event in seen if isinstance(event, SwitchSettled)) == [1, 2, 3, 4]
    assert sum(len(view.tree.ports(dpid)) for dpid in range(1, 5)) == 6
    assert all(view.is_edge(host) for host in HOSTS)
    assert view.paths.distance(1, 3) == 2


def test_a_broadcast_reaches_every_host_once(network: TableNetwork) -> None:
    for _ in range(3):
        network.received = {host: [] for host in HOSTS}
        network.send(HOSTS[0], EVERYONE)
        network.run(1.0)
        assert {host: len(frames) for host, frames in network.received.items()} == dict(
            zip(HOSTS, (0, 1, 1, 1), strict=True)
        )


def test_hosts_talk_over_a_ring_and_after_a_failure(network: TableNetwork) -> None:
    def everybody_reaches_everybody() -> None:
        network.received = {host: [] for host in HOSTS}
        for source in HOSTS:
            for target in HOSTS:
                if source != target:
                    network.send(source, mac(target))
                    network.run(0.05)
        # Those that are not known yet are sent everywhere, but never twice to anybody.
        for target, frames in network.received.items():
            meant = Counter(frame[6:12] for frame in frames if frame[:6] == mac(target))
            assert meant == {mac(source): 1 for source in HOSTS if source != target}

    everybody_reaches_everybody()
    for cable in ring(4):
        network.set_cable(cable.source, up=False)
        network.run(0.2)
        everybody_reaches_everybody()
        network.set_cable(cable.source, up=True)
        network.run(8.0)
        everybody_reaches_everybody()


def test_one_tree_change_is_told_for_all_switches_of_a_turn(network: TableNetwork) -> None:
    seen: list[Event] = []
    network.network_os.listen(lambda event, now: seen.append(event))
    network.set_cable(next(network.network_os.network.tree.cables()).source, up=False)
    network.run(0.01)
    changes = [event for event in seen if isinstance(event, TreeChanged)]
    assert 1 <= len(changes) <= 2  # one for each end's word


# ---------------------------------------------------------------- connections come and go


def tables(network: TableNetwork) -> dict[int, set[tuple[object, ...]]]:
    return {dpid: switch.dump() for dpid, switch in network.switches.items()}


def flow_mods(network: TableNetwork) -> int:
    return sum(kind == FLOW_MOD for switch in network.switches.values() for kind, _ in switch.told)


def forget_what_was_told(network: TableNetwork) -> None:
    for switch in network.switches.values():
        switch.told.clear()
        switch.flow_mods.clear()


def test_a_switch_that_connects_again_gets_nothing_that_it_has(network: TableNetwork) -> None:
    network.send(HOSTS[0], EVERYONE)
    network.run(0.1)
    network.send(HOSTS[1], mac(HOSTS[0]))
    network.run(0.5)
    before = tables(network)
    assert any(len(rules) > 1 for rules in before.values())
    forget_what_was_told(network)
    network.disconnect(4)
    network.connect(4)
    network.run(10.0)
    assert tables(network)[4] == before[4]
    assert [command for command, _ in network.switches[4].flow_mods] == []


def test_a_switch_that_restarts_empty_gets_its_rules(network: TableNetwork) -> None:
    before = tables(network)
    network.disconnect(2)
    network.switches[2].entries.clear()
    network.connect(2)
    network.run(1.0)
    assert tables(network) == before


def test_a_restarted_controller_takes_over_what_is_there(network: TableNetwork) -> None:
    network.send(HOSTS[0], EVERYONE)
    network.run(0.1)
    network.send(HOSTS[1], mac(HOSTS[0]))
    network.run(0.5)
    before = tables(network)
    forget_what_was_told(network)
    network.restart_controller()
    network.run(10.0)
    assert tables(network) == before
    assert flow_mods(network) == 0
    assert {host.mac for host in network.network_os.network.hosts} == {mac(HOSTS[1])}


def test_what_somebody_else_wrote_goes_when_a_switch_connects(network: TableNetwork) -> None:
    before = tables(network)
    miss = next(iter(network.switches[1].entries.values()))
    foreign = type(miss)(0, 77, bytes.fromhex("0001000480000004").ljust(16, b"\0"), b"", 0x1234, (0, 0), 0)
    foreign.match = bytes.fromhex("0001000c8000000400000001") + bytes(4)
    foreign.__post_init__()
    network.switches[1].entries[foreign.identity] = foreign
    network.disconnect(1)
    network.connect(1)
    network.run(1.5)
    assert tables(network)[1] == before[1]
