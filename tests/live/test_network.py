"""A network that works: packets, TCP, silence where silence belongs."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest

import topologies
from experiments.errors import UserError
from experiments.machine.network import Network
from experiments.machine.session import Session
from tests.live import machine
from tests.live.conftest import PATIENCE


@pytest.fixture(scope="module")
def network() -> Iterator[Network]:
    before = machine.state()
    with Session("live tests", wait=PATIENCE) as session:
        network = session.network(topologies.build_graph("linear:3"), session.controller())
        network.wait_ready()
        yield network
    assert machine.eventually(machine.state, before) == before


def test_every_host_reaches_every_other(network):
    for one in network.hosts:
        for other in network.hosts:
            if one != other:
                one.run(["ping", "-c", "1", "-W", "2", other.ip], check=True)


def test_tcp_works_across_all_switches(network):
    client, server = network.host("h1"), network.host("h3")
    with server.popen(["iperf3", "--server", "--one-off", "--forceflush"], stdout=subprocess.PIPE) as serving:
        assert any("Server listening" in line for line in serving.stdout)
        client.run(["iperf3", "--client", server.ip, "--bytes", "20M"], check=True)
        assert "receiver" in serving.stdout.read()


def test_hosts_are_those_of_the_graph(network):
    for host in network.hosts:
        assert (host.ip, host.mac) == (network.graph.nodes[host.name]["ip"], network.graph.nodes[host.name]["mac"])
        link = host.run(["ip", "-o", "link", "show", host.interface]).stdout
        assert host.mac in link


def test_hosts_and_ports_do_not_speak_ipv6_unless_asked_to(network):
    assert network.host("h1").run(["ip", "-6", "address"]).stdout == ""
    assert "eth" not in subprocess.check_output(["ip", "-6", "-o", "address"], text=True).replace("eth0 ", "")


def test_a_switch_lists_its_rules(network):
    miss = [flow for flow in network.flows("s2") if flow.table == 0 and flow.priority == 0]
    assert [(flow.match, flow.actions) for flow in miss] == [("", "goto_table:1")]


def test_a_command_that_fails_or_hangs_is_told_of_in_one_line(network):
    host = network.host("h1")
    assert host.run(["false"]).returncode == 1
    with pytest.raises(UserError, match=r"h1: `ls /nowhere` failed: .*No such file"):
        host.run(["ls", "/nowhere"], check=True)
    with pytest.raises(UserError, match=r"h1: `sleep 60` took longer than 0\.1 s"):
        host.run(["sleep", "60"], timeout=0.1)


def test_names_that_are_not_there_are_told_with_those_that_are(network):
    with pytest.raises(UserError, match=r"no host 'h9' .*h1, h2, h3"):
        network.host("h9")
    with pytest.raises(UserError, match=r"no switch 's9' .*s1, s2, s3"):
        network.flows("s9")
