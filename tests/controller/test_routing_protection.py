"""Fast failover: with any one cable failed, on any graph, every packet that can arrive does, by local rules alone."""

from __future__ import annotations

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.apps.routing.protection import Cable, Protection, cable_of, protect
from controller.model import Link, LinkUp, Location, SwitchUp
from controller.services.paths import Paths


def cabled(graph: nx.MultiGraph[int]) -> tuple[Paths, dict[Cable, tuple[int, int, int]]]:
    """Paths over a graph of dpids, and which edge of the graph each cable is."""
    paths = Paths()
    paths.apply(*(SwitchUp(dpid) for dpid in graph))
    cables = {}
    for number, (one, other, key) in enumerate(graph.edges(keys=True), 1):
        link = Link(Location(one, number), Location(other, number))
        paths.apply(LinkUp(link), LinkUp(Link(link.target, link.source)))
        cables[cable_of(link)] = (one, other, key)
    return paths, cables


def arrives(plan: Protection, start: int, target: int, failed: Cable) -> bool:
    """Follow a packet through the switches as their rules and groups would."""
    here, came_by = start, 0
    for _ in range(1000):
        if here == target:
            return True
        link = plan.detours.get((here, came_by), plan.primary[here])
        if link in failed and (here, came_by) not in plan.detours:
            link = plan.backup[here]
        if link in failed:
            return False
        here, came_by = link.target
    return False


def check(graph: nx.MultiGraph[int]) -> None:
    paths, cables = cabled(graph)
    for target in graph:
        plan = protect(paths, target)
        for failed, edge in cables.items():
            rest = graph.copy()
            rest.remove_edge(*edge)
            for start in nx.node_connected_component(rest, target):
                assert arrives(plan, start, target, failed), (start, target, edge)


@st.composite
def multigraphs(draw: st.DrawFn) -> nx.MultiGraph[int]:
    size = draw(st.integers(2, 9))
    ends = st.tuples(st.integers(1, size), st.integers(1, size)).filter(lambda pair: pair[0] != pair[1])
    graph: nx.MultiGraph[int] = nx.MultiGraph()
    graph.add_nodes_from(range(1, size + 1))
    # A path first, so that most of the graph hangs together.
    graph.add_edges_from((dpid, dpid + 1) for dpid in range(1, size))
    graph.add_edges_from(draw(st.lists(ends, max_size=12)))
    return graph


@given(multigraphs())
@settings(deadline=None, max_examples=60)
def test_any_single_cable_may_fail_on_any_graph(graph: nx.MultiGraph[int]) -> None:
    check(graph)


@pytest.mark.parametrize(
    "graph",
    [nx.cycle_graph(6), nx.grid_2d_graph(3, 3, periodic=True), nx.petersen_graph(), nx.circular_ladder_graph(5)],
    ids=["ring", "torus", "petersen", "ladder"],
)
def test_on_networks_that_people_build(graph: nx.Graph[int]) -> None:
    check(nx.MultiGraph(nx.convert_node_labels_to_integers(graph, first_label=1)))


def test_on_a_ring_the_packet_goes_back_and_all_the_way_round() -> None:
    paths, cables = cabled(nx.MultiGraph(nx.cycle_graph(range(1, 7))))
    plan = protect(paths, 1)
    (failed,) = [cable for cable, edge in cables.items() if {edge[0], edge[1]} == {1, 2}]
    assert plan.primary[2] in failed
    assert plan.backup[2].target.dpid == 3
    # Switch 3 would return it, were it not that packets for 1 never come to it from 2 in a whole ring.
    assert plan.primary[3].target.dpid == 2
    assert plan.detours[3, plan.backup[2].target.port].target.dpid == 4


def test_a_switch_behind_a_bridge_has_no_backup() -> None:
    paths, _ = cabled(nx.MultiGraph([(1, 2)]))
    plan = protect(paths, 1)
    assert plan.primary.keys() == {2}
    assert not plan.backup
    assert not plan.detours
