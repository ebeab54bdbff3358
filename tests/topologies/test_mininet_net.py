"""The graph in Mininet's words; no network is made here."""

from __future__ import annotations

import pytest

import topologies
from topologies import TopologyError, mininet_net
from topologies.plan import Plan


def test_mininet_gets_the_same_names_addresses_and_ports():
    topo = topologies.build("linear:2")
    assert topo.switches() == ["s1", "s2"]
    assert topo.hosts() == ["h1", "h2"]
    assert topo.nodeInfo("s2")["dpid"] == "0000000000000002"
    assert (topo.nodeInfo("h2")["ip"], topo.nodeInfo("h2")["mac"]) == ("10.0.0.2/8", "00:00:00:00:00:02")
    link = topo.linkInfo("s1", "s2")
    assert (link["port1"], link["port2"]) == (2, 2)
    assert (link["addr1"], link["addr2"]) == ("02:00:00:01:00:02", "02:00:00:02:00:02")


def test_parallel_cables_are_all_there():
    plan = Plan()
    one, other = plan.switches(2)
    plan.link(one, other)
    plan.link(one, other)
    links = mininet_net.to_topo(plan.graph).links(withInfo=True)
    assert sorted(info["port1"] for _, _, info in links) == [1, 2]


def test_the_root_namespace_gets_switches_and_their_ports_only():
    names = mininet_net.root_interfaces(topologies.build_graph("linear:2"))
    assert sorted(names) == ["s1", "s1-eth1", "s1-eth2", "s2", "s2-eth1", "s2-eth2"]


def test_a_name_that_linux_would_not_take_is_refused():
    plan = Plan()
    plan.graph.add_node("a-very-long-switch", kind="switch", dpid=1)
    with pytest.raises(TopologyError, match="more than 15 characters"):
        mininet_net.root_interfaces(plan.graph)


@pytest.mark.parametrize("wish", [{"bandwidth": 1e6}, {"delay": 0.01}, {"loss": 0.1}, {"vlans": (10,)}])
def test_a_link_that_cannot_be_built_as_asked_is_refused(wish):
    plan = Plan()
    plan.link(*plan.switches(2), **wish)
    plan.graph.graph["spec"] = "two.yaml"
    with pytest.raises(TopologyError, match=f"link s1 - s2 asks for {next(iter(wish))}.*two.yaml@ideal is the same"):
        mininet_net.to_topo(plan.graph)


def test_a_host_that_cannot_be_built_as_asked_is_refused():
    plan = Plan()
    plan.host(plan.switch(), vlan=10)
    with pytest.raises(TopologyError, match="host h1 asks for VLAN 10"):
        mininet_net.to_topo(plan.graph)
    plan = Plan()
    one, other = plan.switches(2)
    plan.link(plan.host(one), other)
    with pytest.raises(TopologyError, match="host h1 has 2 links"):
        mininet_net.to_topo(plan.graph)


def test_hosts_of_a_file_keep_their_prefix():
    plan = Plan()
    plan.host(plan.switch(), ip="192.168.7.1", prefix_length=24)
    assert mininet_net.to_topo(plan.graph).nodeInfo("h1")["ip"] == "192.168.7.1/24"
