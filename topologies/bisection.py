"""Bisection bandwidth: what passes between two halves of the hosts when the halves are chosen as badly as possible.

Finding the worst halves is NP-hard. With up to ten hosts all halves are tried; otherwise several that are bad in
practice (hosts in the order of the file, by nearness to some host, by the network's slowest vibration), and the worst
of them is an upper bound.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

import networkx as nx

if TYPE_CHECKING:
    from topologies.plan import Graph

MOST_TRIED = 10
"""Hosts."""
MOST_CUT = 3_000
MOST_SOLVED = 1_000
"""Nodes beyond which a network is not cut at all, and beyond which its vibrations are not computed."""


class Bisection(NamedTuple):
    """The cables between the halves; ``bandwidth`` in bit/s where every cable's is known. ``links`` is None when the
    network was too large or has fewer than two hosts; ``exact`` is False for an upper bound."""

    links: int | None
    bandwidth: float | None
    exact: bool


def find(graph: Graph) -> Bisection:
    """The bisection of a network; a host's own cable counts like any other."""
    hosts = [name for name, node in graph.nodes(data=True) if node["kind"] == "host"]
    if len(hosts) < 2 or len(graph) > MOST_CUT:
        return Bisection(None, None, exact=False)
    exact = len(hosts) <= MOST_TRIED
    known = all("bandwidth" in about for _, _, about in graph.edges(data=True))
    halves = list(all_halves(hosts) if exact else bad_halves(graph, hosts))
    links = min(cut(graph, half, hosts, by_bandwidth=False) for half in halves)
    bandwidth = min(cut(graph, half, hosts, by_bandwidth=True) for half in halves) if known else None
    return Bisection(round(links), bandwidth, exact)


def cut(graph: Graph, half: list[str], hosts: list[str], *, by_bandwidth: bool) -> float:
    """The least that must be cut to part a half of the hosts from the others."""
    flow: nx.DiGraph[str | int] = nx.DiGraph()
    for one, other, about in graph.edges(data=True):
        capacity = about["bandwidth"] if by_bandwidth else 1
        for start, end in ((one, other), (other, one)):
            earlier = flow.edges[start, end]["capacity"] if flow.has_edge(start, end) else 0
            flow.add_edge(start, end, capacity=earlier + capacity)
    inside = set(half)
    flow.add_nodes_from((0, 1))  # no node of the graph: those are texts
    for host in hosts:
        # Without a capacity it is endless.
        flow.add_edge(*((0, host) if host in inside else (host, 1)))
    return float(nx.minimum_cut_value(flow, 0, 1))


def all_halves(hosts: list[str]) -> Iterator[list[str]]:
    """Every half; of an odd number, the smaller one."""
    for half in combinations(hosts, len(hosts) // 2):
        yield list(half)


def bad_halves(graph: Graph, hosts: list[str]) -> Iterator[list[str]]:
    """Halves that a poor cut is likely to be among."""
    size = len(hosts) // 2
    yield hosts[:size]
    for start in hosts[:: max(1, len(hosts) // 6)]:
        distances = nx.single_source_shortest_path_length(graph, start)
        yield sorted(hosts, key=lambda host: distances.get(host, len(graph)))[:size]
    if len(graph) <= MOST_SOLVED:
        import numpy as np  # noqa: PLC0415  # small networks do without

        place = {name: i for i, name in enumerate(graph)}
        laplacian = np.zeros((len(graph), len(graph)))
        for one, other in graph.edges():
            i, j = place[one], place[other]
            laplacian[i, i] += 1
            laplacian[j, j] += 1
            laplacian[i, j] -= 1
            laplacian[j, i] -= 1
        vectors = np.linalg.eigh(laplacian)[1]
        for column in range(1, min(4, len(graph))):
            yield sorted(hosts, key=lambda host: float(vectors[place[host], column]))[:size]
