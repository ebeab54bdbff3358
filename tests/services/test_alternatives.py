"""Further paths: as networkx finds them in small graphs by trying everything."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import networkx as nx
from hypothesis import given
from hypothesis import strategies as st

from controller.model import Event, Link, LinkDown
from controller.services.alternatives import KShortest, disjoint_pair
from controller.services.paths import Path
from tests.services.networks import cables, graph_of, histories
from tests.services.test_paths import build, network, walk

History = tuple[list[Event], dict[Link, int]]
NOWHERE = frozenset[int]()


def cost_of(path: Path, graph: nx.MultiDiGraph[int]) -> int:
    costs = {link.source: graph.edges[one, other, link]["cost"] for one, other, link in graph.edges(keys=True)}
    return sum(costs[place] for place in path)


def simple_paths(
    graph: nx.MultiDiGraph[int], source: int, target: int, seen: frozenset[int] = NOWHERE
) -> Iterator[Path]:
    """Every path that visits no switch twice, by trying all."""
    if source == target:
        yield ()
        return
    for _, onward, link in graph.out_edges(source, keys=True):
        if onward not in seen and onward != source:
            for rest in simple_paths(graph, onward, target, seen | {source}):
                yield (link.source, *rest)


@given(histories(), st.integers(1, 9), st.integers(1, 9))
def test_the_k_shortest_are_the_cheapest_of_all(history: History, source: int, target: int) -> None:
    events, costs = history
    graph = graph_of(events, costs)
    found = KShortest(build(events, costs)).find(source, target, 5)
    if source not in graph or target not in graph:
        assert found == []
    elif source == target:
        assert found == [()]
    else:
        possible = list(islice(simple_paths(graph, source, target), 3000))
        assert len(set(found)) == len(found) == min(5, len(possible))
        if len(possible) < 3000:
            assert set(found) <= set(possible)
            cheapest = sorted(cost_of(path, graph) for path in possible)[:5]
            assert [cost_of(path, graph) for path in found] == cheapest


def test_the_k_shortest_follow_the_changes() -> None:
    paths = network([(1, 2), (1, 2), (1, 3), (3, 2)])
    ways = KShortest(paths)
    assert [len(path) for path in ways.find(1, 2, 9)] == [1, 1, 2]
    for link, _ in list(paths.links_from(1))[:2]:
        paths.apply(LinkDown(link, "test"))
    assert [len(path) for path in ways.find(1, 2, 9)] == [2]


@given(histories(), st.integers(1, 9), st.integers(1, 9))
def test_a_disjoint_pair_is_disjoint_and_the_cheapest(history: History, source: int, target: int) -> None:
    events, costs = history
    graph = graph_of(events, costs)
    pair = disjoint_pair(build(events, costs), source, target)
    if source not in graph or target not in graph or not nx.has_path(graph, source, target):
        assert pair == ()
        return
    if source == target:
        assert pair == ((),)
        return
    by_port = {link.source: link for _, _, link in graph.edges(keys=True)}
    assert all(walk(path, by_port, source) == target for path in pair)
    used = [frozenset(by_port[place]) for path in pair for place in path]
    assert len(set(used)) == len(used), "a cable is used twice"
    assert len(pair) == min(2, nx.maximum_flow_value(capacities(graph), source, target))
    assert sum(cost_of(path, graph) for path in pair) == cheapest_flow(graph, source, target, len(pair))
    assert [cost_of(path, graph) for path in pair] == sorted(cost_of(path, graph) for path in pair)


def capacities(graph: nx.MultiDiGraph[int]) -> nx.DiGraph[int]:
    result: nx.DiGraph[int] = nx.DiGraph()
    result.add_nodes_from(graph)
    for one, other in set(graph.edges()):
        result.add_edge(one, other, capacity=graph.number_of_edges(one, other))
    return result


def cheapest_flow(graph: nx.MultiDiGraph[int], source: int, target: int, amount: int) -> int:
    demands: nx.MultiDiGraph[int] = nx.MultiDiGraph()
    demands.add_nodes_from(graph, demand=0)
    demands.nodes[source]["demand"], demands.nodes[target]["demand"] = -amount, amount
    for one, other, link in graph.edges(keys=True):
        if one != other:
            demands.add_edge(one, other, weight=graph.edges[one, other, link]["cost"], capacity=1)
    return nx.network_simplex(demands)[0]


def test_the_pair_takes_back_a_link_of_the_shortest_path() -> None:
    """The classical trap: the shortest path blocks both others, and only giving up its middle link yields two."""
    wires = cables([(1, 2), (2, 3), (3, 4), (1, 5), (5, 3), (2, 6), (6, 4)])
    costs = {link: 2 for wire in wires[3:] for link in (wire, Link(wire.target, wire.source))}
    pair = disjoint_pair(network([(w.source.dpid, w.target.dpid) for w in wires], costs), 1, 4)
    assert [[place.dpid for place in path] for path in pair] == [[1, 2, 6], [1, 5, 3]]
