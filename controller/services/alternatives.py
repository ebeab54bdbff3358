"""Ways through the network besides the shortest: the next best ones, and two that no single failure takes at once."""

from __future__ import annotations

from heapq import heappop, heappush
from itertools import islice, pairwise
from math import inf

import networkx as nx

from controller.model import Link
from controller.services.paths import Path, Paths

Vertex = int | Link


class KShortest:
    """The k shortest simple paths (J. Y. Yen, 1971; networkx computes them), the graph prepared once per generation.

    networkx wants a simple graph, so of parallel links all but the cheapest are led through a vertex of their own.
    """

    def __init__(self, paths: Paths) -> None:
        self._paths = paths
        self._generation = -1
        self._graph: nx.DiGraph[Vertex] = nx.DiGraph()

    def find(self, source: int, target: int, k: int) -> list[Path]:
        """Up to k paths that visit no switch twice, cheapest first; parallel links make different paths."""
        graph = self._prepared()
        if source not in graph or target not in graph:
            return []
        if source == target:
            return [()]
        try:
            return [self._ports(way) for way in islice(nx.shortest_simple_paths(graph, source, target, "cost"), k)]
        except nx.NetworkXNoPath:
            return []

    def _ports(self, way: list[Vertex]) -> Path:
        arcs = (self._graph.edges[arc].get("link") for arc in pairwise(way))
        return tuple(link.source for link in arcs if link is not None)

    def _prepared(self) -> nx.DiGraph[Vertex]:
        if self._generation == self._paths.generation:
            return self._graph
        graph: nx.DiGraph[Vertex] = nx.DiGraph()
        for dpid in sorted(self._paths.switches()):
            graph.add_node(dpid)
            for cost, link in sorted((cost, link) for link, cost in self._paths.links_from(dpid)):
                neighbour = link.target.dpid
                if graph.has_edge(dpid, neighbour):
                    graph.add_edge(dpid, link, cost=cost, link=link)
                    graph.add_edge(link, neighbour, cost=0)
                else:
                    graph.add_edge(dpid, neighbour, cost=cost, link=link)
        self._graph, self._generation = graph, self._paths.generation
        return graph


def disjoint_pair(paths: Paths, source: int, target: int) -> tuple[Path, ...]:
    """Two paths that share no link, cheapest in sum and the shorter first; one or none where there are no two.

    Where links are there in both directions the two share no cable either: a pair that used a cable in both
    directions would be dearer than the same pair without it.

    J. W. Suurballe and R. E. Tarjan, "A quick method for finding shortest pairs of disjoint paths", 1984: a shortest
    path first, then a shortest one in the graph where the first may be walked backwards, which takes links back.
    """
    first = _first_path(paths, source, target)
    if not first:
        return () if paths.distance(source, target) is None else ((),)
    second = _second_path(paths, source, target, first)
    if second is None:
        return (tuple(link.source for link in first),)
    taken_back = {link for link, forward in second if not forward}
    links = sorted({*first, *(link for link, forward in second if forward)} - taken_back)
    ways = []
    for _ in range(2):
        here, way = source, []
        while here != target:
            link = next(link for link in links if link.source.dpid == here)
            links.remove(link)
            way.append(link)
            here = link.target.dpid
        ways.append(way)
    ways.sort(key=lambda way: sum(map(paths.cost, way)))
    return tuple(tuple(link.source for link in way) for way in ways)


def _first_path(paths: Paths, source: int, target: int) -> list[Link]:
    way = []
    while found := paths.next_hops(source, target):
        way.append(found[0])
        source = found[0].target.dpid
    return way


def _second_path(paths: Paths, source: int, target: int, first: list[Link]) -> list[tuple[Link, bool]] | None:
    """Dijkstra's algorithm with the links of the first path turned round; True for a link that is walked forwards.

    Costs are reduced by the distances to the target, which makes those of the first path 0, turned round too.
    """
    blocked = set(first)
    backwards = {link.target.dpid: link for link in first}
    cost_to: dict[int, int] = {source: 0}
    came: dict[int, tuple[Link, bool]] = {}
    done: set[int] = set()
    heap = [(0, source)]
    while heap:
        reduced, here = heappop(heap)
        if here == target:
            break
        if here in done:
            continue
        done.add(here)
        remaining = paths.distance(here, target) or 0
        arcs = [
            (reduced + cost - remaining + onward, link.target.dpid, link, True)
            for link, cost in paths.links_from(here)
            if link not in blocked and (onward := paths.distance(link.target.dpid, target)) is not None
        ]
        if here in backwards:
            arcs.append((reduced, backwards[here].source.dpid, backwards[here], False))
        for there, dpid, link, forward in arcs:
            if there < cost_to.get(dpid, inf):
                cost_to[dpid] = there
                came[dpid] = link, forward
                heappush(heap, (there, dpid))
    if target not in came:
        return None
    way = []
    here = target
    while here != source:
        link, forward = came[here]
        way.append((link, forward))
        here = link.source.dpid if forward else link.target.dpid
    return way
