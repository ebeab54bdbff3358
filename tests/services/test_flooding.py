"""The flood tree spans every component, without loops, and depends on the graph alone."""

from __future__ import annotations

from collections.abc import Iterable

import networkx as nx
from hypothesis import given

from controller.model import Event, Link, LinkDown, LinkUp, Location, SwitchDown, SwitchUp
from controller.services.flooding import FloodTree, flood_ports
from controller.services.paths import per_link
from tests.services.networks import Wires, both, cables, graph_of, histories

History = tuple[list[Event], dict[Link, int]]


def undirected(graph: nx.MultiDiGraph[int]) -> nx.MultiGraph[int]:
    """The cables of which both directions are there."""
    result: nx.MultiGraph[int] = nx.MultiGraph()
    result.add_nodes_from(graph)
    for one, other, link in graph.edges(keys=True):
        back = Link(link.target, link.source)
        if link < back and one != other and graph.has_edge(other, one, back):
            cost = max(graph.edges[one, other, link]["cost"], graph.edges[other, one, back]["cost"])
            result.add_edge(one, other, link, cost=cost)
    return result


def build(events: Iterable[Event], costs: dict[Link, int]) -> FloodTree:
    tree = FloodTree(per_link(costs))
    for event in events:
        tree.apply(event)
    return tree


@given(histories(directed=True))
def test_it_spans_every_component_once_and_is_the_cheapest(history: History) -> None:
    events, costs = history
    graph = undirected(graph_of(events, costs))
    tree: nx.MultiGraph[int] = nx.MultiGraph()
    tree.add_nodes_from(graph)
    for link in build(events, costs).cables():
        tree.add_edge(link.source.dpid, link.target.dpid, link)
    assert nx.is_forest(tree)
    assert {frozenset(part) for part in nx.connected_components(tree)} == {
        frozenset(part) for part in nx.connected_components(graph)
    }
    order = {link: n for n, (_, link) in enumerate(sorted((graph.edges[e]["cost"], e[2]) for e in graph.edges))}
    nx.set_edge_attributes(graph, {edge: order[edge[2]] for edge in graph.edges}, "order")
    expected = {key for _, _, key in nx.minimum_spanning_edges(graph, weight="order", data=False)}
    assert {key for _, _, key in tree.edges(keys=True)} == expected


@given(histories())
def test_one_change_exchanges_one_branch_at_most_and_is_told(history: History) -> None:
    events, costs = history
    tree = FloodTree(per_link(costs))
    switches = {event.dpid for event in events if isinstance(event, SwitchUp)}
    for event in events:
        before, ports = set(tree.cables()), {dpid: tree.ports(dpid) for dpid in switches}
        changed = tree.apply(event)
        after = set(tree.cables())
        gone = {event.dpid} if isinstance(event, SwitchDown) else set()
        assert {dpid for dpid in switches if tree.ports(dpid) != ports[dpid]} <= changed | gone
        if isinstance(event, LinkUp | LinkDown):
            assert len(before - after) <= 1
            assert len(after - before) <= 1


def test_ports_are_the_ends_of_branches() -> None:
    ring = cables([(1, 2), (2, 3), (3, 1)])
    tree = build([*map(SwitchUp, (1, 2, 3)), *(LinkUp(link) for wire in ring for link in both(wire))], {})
    assert set(tree.cables()) == {ring[0], Link(Location(1, 2), Location(3, 2))}
    assert {dpid: tree.ports(dpid) for dpid in (1, 2, 3, 4)} == {1: [1, 2], 2: [1], 3: [2], 4: []}


def test_a_failure_outside_the_tree_changes_nothing() -> None:
    ring = cables([(1, 2), (2, 3), (3, 1)])
    tree = build([*map(SwitchUp, (1, 2, 3)), *(LinkUp(link) for wire in ring for link in both(wire))], {})
    assert tree.apply(LinkDown(ring[1], "test")) == set()


def test_a_dearer_link_is_avoided() -> None:
    ring = cables([(1, 2), (2, 3), (3, 1)])
    events: list[Event] = [*map(SwitchUp, (1, 2, 3)), *(LinkUp(link) for wire in ring for link in both(wire))]
    assert ring[0] not in set(build(events, {ring[0]: 5}).cables())


def test_one_copy_reaches_every_edge_port_of_a_network_full_of_loops() -> None:
    wires = cables([(a, b) for a in range(1, 6) for b in range(a + 1, 6)] + [(1, 2), (4, 4)])
    hosts = [Location(dpid, 20) for dpid in range(1, 6)]
    net = Wires(wires)
    net.connect(*range(1, 6), extra=hosts)
    net.run(1.0)
    events: list[Event] = [SwitchUp(dpid) for dpid in range(1, 6)]
    events += [LinkUp(link) for link in net.topology.links()]
    tree = build(events, {})
    received = []
    frames = [hosts[0]]
    while frames:
        arrived = frames.pop()
        for number in flood_ports(tree, net.topology, arrived.dpid):
            leaving = Location(arrived.dpid, number)
            if leaving == arrived:
                continue
            if leaving in net.far_end:
                frames.append(net.far_end[leaving])
            else:
                received.append(leaving)
        assert len(received) < 10, "a storm"
    assert sorted(received) == hosts[1:]
