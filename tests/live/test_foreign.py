"""What others made stays: bridges, interfaces, namespaces, processes, a running Open vSwitch."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import topologies
from experiments.errors import UserError
from experiments.machine import links, ovs, processes, recovery
from experiments.machine.journal import Journal
from experiments.machine.session import Session
from tests.live import machine
from tests.live.conftest import PATIENCE

RYU_SWITCH = "ryu.app.simple_switch_13"


@pytest.fixture
def somebodys_ovs(tmp_path: Path) -> Iterator[None]:
    """An Open vSwitch that somebody else started, as far as a run can tell."""
    with Session("live tests", wait=PATIENCE):
        pass  # whoever was at work has ended, and taken along an Open vSwitch of his own
    somebody = None if ovs.daemon("ovs-vswitchd") else Journal(tmp_path)
    if somebody:
        ovs.start(somebody)
    yield
    if somebody:
        for name in ovs.DAEMONS:
            ovs.stop_daemon(name, int((ovs.RUN_DIRECTORY / f"{name}.pid").read_text()))
        (started,) = somebody.entries()
        ovs.stop("nobody's", started)


def a_network(session: Session, spec: str = "linear:2") -> None:
    network = session.network(topologies.build_graph(spec), session.controller(ryu_apps=[RYU_SWITCH]))
    network.wait_ready()
    network.host("h1").run(["ping", "-c", "1", "10.0.0.2"], check=True)


def test_what_others_made_is_there_after_a_run(somebodys_ovs, tmp_path):
    subprocess.run(["ip", "netns", "add", "flowpath-foreign"], check=True)
    subprocess.run(["ip", "link", "add", "fpf0", "type", "veth", "peer", "name", "fpf1"], check=True)
    ovs.vsctl("add-br", "fpf-br", "--", "set", "Bridge", "fpf-br", "datapath_type=netdev")
    with subprocess.Popen(["sleep", "60"], env={}) as process:
        before = machine.state()
        with Session("ours", wait=PATIENCE) as session:
            a_network(session)
            assert set(ovs.bridges()) == {"fpf-br", "s1", "s2"}
        assert machine.eventually(machine.state, before) == before
        assert process.poll() is None
        process.kill()
    assert ovs.daemon("ovs-vswitchd")
    ovs.vsctl("del-br", "fpf-br")
    subprocess.run(["ip", "link", "delete", "fpf0"], check=True)
    subprocess.run(["ip", "netns", "delete", "flowpath-foreign"], check=True)


def test_another_open_vswitch_elsewhere_changes_nothing(tmp_path):
    database, socket_file = tmp_path / "conf.db", tmp_path / "db.sock"
    subprocess.run(["ovsdb-tool", "create", database, ovs.SCHEMA], check=True)
    elsewhere = ["--pidfile", "--detach", "-vconsole:off", "-vsyslog:off"]
    environment = {**os.environ, "OVS_RUNDIR": str(tmp_path)}
    for command in (
        ["ovsdb-server", database, f"--remote=punix:{socket_file}", *elsewhere],
        ["ovs-vswitchd", f"unix:{socket_file}", "--disable-system", *elsewhere],
    ):
        subprocess.run(command, env=environment, check=True, stderr=subprocess.DEVNULL)
    with Session("ours", wait=PATIENCE) as session:
        a_network(session)
    processes.end([int((tmp_path / f"{name}.pid").read_text()) for name in ovs.DAEMONS], grace=5)


def test_a_bridge_of_somebody_else_is_refused_by_name_and_stays(somebodys_ovs):
    ovs.vsctl("add-br", "s1", "--", "set", "Bridge", "s1", "datapath_type=netdev")
    with Session("ours", wait=PATIENCE) as session:
        controller = session.controller(ryu_apps=[RYU_SWITCH])
        with pytest.raises(UserError, match=r"a bridge s1 is there already.*ovs-vsctl del-br s1"):
            session.network(topologies.build_graph("linear:2"), controller)
    assert ovs.bridges() == ["s1"]
    ovs.vsctl("del-br", "s1")


def test_an_interface_of_somebody_else_is_refused_by_name_and_stays(session):
    subprocess.run(["ip", "link", "add", "s2-eth1", "type", "veth", "peer", "name", "fpf1"], check=True)
    controller = session.controller(ryu_apps=[RYU_SWITCH])
    with pytest.raises(UserError, match=r"an interface s2-eth1 is there already.*ip link delete s2-eth1"):
        session.network(topologies.build_graph("linear:2"), controller)
    session.close()
    subprocess.run(["ip", "link", "delete", "s2-eth1"], check=True)


def test_bridges_left_by_a_killed_run_are_told_from_somebody_elses(somebodys_ovs):
    with Session("dead", wait=PATIENCE) as session:
        ovs.announce_bridges(session.journal, ["s1", "s2"])
        dead = session.run_id
        ovs.vsctl(
            "add-br", "s1", "--", "set", "Bridge", "s1", "datapath_type=netdev", f"external_ids:{ovs.MARK}={dead}"
        )
        ovs.vsctl("add-br", "s2", "--", "set", "Bridge", "s2", "datapath_type=netdev")
    assert ovs.bridges() == ["s2"]
    ovs.vsctl("del-br", "s2")


def test_interfaces_of_somebody_else_in_our_link_group_stay(session):
    subprocess.run(["ip", "link", "add", "fpf0", "group", str(links.GROUP), "type", "veth", "peer", "fpf1"], check=True)
    a_network(session)
    session.close()
    assert "fpf0" in links.names()
    subprocess.run(["ip", "link", "delete", "fpf0"], check=True)


@pytest.mark.parametrize("purpose", ["OpenFlow", "REST"])
def test_a_taken_port_is_refused_with_its_holder(session, purpose):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        ports = {"port": port} if purpose == "OpenFlow" else {"rest_port": port}
        with pytest.raises(UserError, match=rf"port {port} \({purpose}\) is taken by pid {os.getpid()} \("):
            session.controller(ryu_apps=[RYU_SWITCH], **ports)


def test_nothing_is_left_to_recover():
    assert recovery.leftovers() == []
