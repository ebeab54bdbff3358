"""What changes in a network, and the state that it has to end in."""

from __future__ import annotations

import time

import pytest

from experiments.failures import Kind, fail, mend
from experiments.machine import commands, ovs, processes
from experiments.machine.session import Session
from experiments.ping import ping
from experiments.traffic.stream import Stream, outage
from tests.live import networks
from tests.live.networks import eventually

MODES = ("reactive", "proactive", "fast-failover")
UDP = 47_300


@pytest.mark.parametrize("mode", MODES)
def test_a_host_that_moves_to_another_switch_is_found_there(session: Session, mode: str) -> None:
    network = networks.start(session, "ring:4", mode=mode)
    moving, other = network.host("h1"), network.host("h3")
    assert networks.unreached(network) == []
    ovs.vsctl(
        "--", "del-port", "s1", "s1-eth1",
        "--", "add-port", "s2", "s1-eth1",
        "--", "set", "Interface", "s1-eth1", "ofport_request=9",
    )  # fmt: skip
    assert eventually(lambda: ping(moving, other.ip)[0].rtt is not None)
    # One packet has been through from the new place: now everybody finds it there at once.
    for host in network.hosts[1:]:
        assert ping(host, moving.ip)[0].rtt is not None, host.name
    assert networks.all_broadcasts_come_once(network)


@pytest.mark.parametrize("mode", MODES)
def test_a_switch_that_comes_back_empty_is_given_what_it_had(session: Session, mode: str) -> None:
    network = networks.start(session, "ring:4", mode=mode)
    assert networks.unreached(network) == []
    lasting = {key for key in networks.tables(network, "s2")["s2"] if mode != "reactive" or "dl_src" not in key[2]}
    ovs.vsctl("del-controller", "s2")
    assert eventually(lambda: networks.says(network, "switch 0000000000000002 left"))
    for order in ("del-flows", "del-groups"):
        commands.run(["ovs-ofctl", "-O", "OpenFlow13", order, "s2"])
    assert networks.tables(network, "s2") == {"s2": set()}
    ovs.vsctl("set-controller", "s2", "tcp:{}:{}".format(*network.controller.address))
    assert eventually(lambda: networks.tables(network, "s2")["s2"] >= lasting), lasting - networks.tables(network)["s2"]
    assert eventually(lambda: networks.unreached(network) == [])
    assert networks.all_broadcasts_come_once(network)


@pytest.mark.parametrize("mode", MODES)
def test_traffic_outlives_the_controller_and_meets_its_successor(session: Session, mode: str) -> None:
    network = networks.start(session, "ring:4", mode=mode)
    assert networks.unreached(network) == []
    with Stream(network.host("h1"), network.host("h3"), UDP, 500) as stream:
        assert eventually(lambda: len(stream.poll()) > 100)
        before, at = networks.tables(network), time.time()
        processes.end([network.controller.pid])
        network.controller.stop()
        successor = session.controller(["routing"], mode=mode)
        successor.wait_ready(len(network.switches))
        settled = eventually(lambda: networks.tables(network) == before)
        done = time.time()
        assert eventually(lambda: stream.poll()[-1].sent > done)
        assert outage(stream.arrivals, at, done).lost == 0
    assert settled, difference(before, networks.tables(network))


def difference(one: dict, other: dict) -> dict:
    return {name: (one[name] - other[name], other[name] - one[name]) for name in one if one[name] != other[name]}


def test_a_cable_that_flaps_is_used_again_when_it_rests(session: Session) -> None:
    network = networks.start(session, "ring:4", mode="proactive")
    assert networks.unreached(network) == []
    (direct,) = networks.ways(network, ("h1", "h2"))
    assert [port.switch for port in direct] == ["s1", "s2"]
    cable = networks.link(network, "s1", "s2")
    for _ in range(20):
        fail(cable, Kind.ANNOUNCED)
        mend(cable, Kind.ANNOUNCED)
    assert networks.unreached(network) == []
    assert eventually(lambda: networks.ways(network, ("h1", "h2")) == [direct])
    assert networks.unreached(network) == []
    assert networks.all_broadcasts_come_once(network)


@pytest.mark.parametrize("mode", MODES)
def test_a_network_that_is_parted_works_in_its_parts_and_heals(session: Session, mode: str) -> None:
    network = networks.start(session, "ring:4", mode=mode)
    assert networks.unreached(network) == []
    one, other = network.hosts[:2], network.hosts[2:]
    cut = [networks.link(network, *ends) for ends in (("s2", "s3"), ("s4", "s1"))]
    for cable in cut:
        fail(cable, Kind.ANNOUNCED)
    assert eventually(lambda: not networks.unreached(network, one) and not networks.unreached(network, other))
    assert ping(one[0], other[0].ip)[0].rtt is None
    for cable in cut:
        mend(cable, Kind.ANNOUNCED)
    assert eventually(lambda: networks.unreached(network) == [])
    assert eventually(lambda: networks.all_broadcasts_come_once(network))


def test_a_second_switch_of_the_same_dpid_does_not_stay_unnoticed(session: Session) -> None:
    network = networks.start(session, "linear:2")
    ovs.announce_bridges(session.journal, ["twin"])
    ovs.vsctl(
        "add-br", "twin", "--", "set", "Bridge", "twin", f"datapath_type={session.open_vswitch()}",
        f"external_ids:{ovs.MARK}={session.run_id}", "protocols=OpenFlow13", "fail_mode=secure",
        "other_config:datapath-id=0000000000000001",
        "--", "set-controller", "twin", "tcp:{}:{}".format(*network.controller.address),
    )  # fmt: skip
    assert eventually(lambda: networks.says(network, "switch 0000000000000001 connected again"))
    ovs.vsctl("del-controller", "twin")
    assert eventually(lambda: networks.unreached(network) == [])
    assert network.controller.wait_ready(2)["switches"] == ["0000000000000001", "0000000000000002"]
