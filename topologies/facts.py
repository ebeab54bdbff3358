"""What a network is: its size, loops and distances, how many ways there are, and what a single failure cuts off.

Distances count the links between switches. In a network of more than 400 switches, distances and ways are measured
from 400 of them, evenly spread over the list; `Facts.sources` says from how many.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

import networkx as nx

from topologies import bisection

if TYPE_CHECKING:
    from topologies.plan import Graph

MOST_SOURCES = 400


class Cut(NamedTuple):
    """A failure that parts hosts from the largest rest: the switch, or both ends of the link, and how many hosts."""

    where: tuple[str, ...]
    hosts: int


class Facts(NamedTuple):
    """See the module."""

    switches: int
    hosts: int
    links: int
    """Between switches."""
    parts: int
    """1 for a connected network."""
    loops: int
    """Independent ones: so many links could be removed without parting the network."""
    diameter: int
    """The most links on a shortest way between two switches that reach each other."""
    mean_distance: float
    most_ways: int
    """Of equal length between two switches with hosts; parallel links are ways of their own."""
    pairs_with_choice: float
    """The share of pairs of such switches with more than one shortest way."""
    sources: int
    bisection: bisection.Bisection
    link_cuts: list[Cut]
    """Links whose failure cuts hosts off, the worst first."""
    switch_cuts: list[Cut]
    """Switches whose failure cuts off hosts other than their own, the worst first."""


def find(graph: Graph) -> Facts:
    """The facts about a network."""
    switches = [name for name, node in graph.nodes(data=True) if node["kind"] == "switch"]
    wiring = graph.subgraph(switches)
    sources = spread(switches)
    diameter, total, pairs, ways = 0, 0, 0, Counter[bool]()
    most_ways = 0
    with_hosts = {name for name in switches if any(graph.nodes[other]["kind"] == "host" for other in graph[name])}
    for source in sources:
        for target, (distance, count) in shortest_ways(wiring, source).items():
            if target == source:
                continue
            diameter = max(diameter, distance)
            total, pairs = total + distance, pairs + 1
            if source in with_hosts and target in with_hosts:
                most_ways = max(most_ways, count)
                ways[count > 1] += 1
    parts = nx.number_connected_components(wiring)
    link_cuts, switch_cuts = cuts(graph)
    return Facts(
        switches=len(switches),
        hosts=len(graph) - len(switches),
        links=wiring.number_of_edges(),
        parts=parts,
        loops=wiring.number_of_edges() - len(switches) + parts,
        diameter=diameter,
        mean_distance=total / pairs if pairs else 0.0,
        most_ways=most_ways,
        pairs_with_choice=ways[True] / ways.total() if ways else 0.0,
        sources=len(sources),
        bisection=bisection.find(graph),
        link_cuts=link_cuts,
        switch_cuts=switch_cuts,
    )


def spread(names: list[str]) -> list[str]:
    """All names, or 400 evenly spread ones."""
    if len(names) <= MOST_SOURCES:
        return names
    return [names[i * len(names) // MOST_SOURCES] for i in range(MOST_SOURCES)]


def shortest_ways(wiring: Graph, source: str) -> dict[str, tuple[int, int]]:
    """For each switch in reach: its distance in links, and the number of shortest ways to it."""
    found = {source: (0, 1)}
    level = [source]
    distance = 0
    while level:
        distance += 1
        counts: Counter[str] = Counter()
        for name in level:
            for other, strands in wiring.adj[name].items():
                if other not in found:
                    counts[other] += found[name][1] * len(strands)
        found.update({name: (distance, count) for name, count in counts.items()})
        level = list(counts)
    return found


def cuts(graph: Graph) -> tuple[list[Cut], list[Cut]]:
    """The links and the switches whose failure parts hosts from each other (Tarjan's depth-first search, 1972).

    A host's own cable is none of these links, nor are a switch's own hosts counted: they are alone without it anyhow.
    """
    is_switch = {name: node["kind"] == "switch" for name, node in graph.nodes(data=True)}
    hosts = {name: sum(not is_switch[other] for other in graph[name]) for name in graph if is_switch[name]}
    links, switches = [], []
    number: dict[str, int] = {}
    low: dict[str, int] = {}
    for root, own in hosts.items():
        if root in number:
            continue
        below = {}
        branches: dict[str, list[int]] = {}
        bridges = []
        number[root] = low[root] = len(number)
        below[root], branches[root] = own, []
        stack: list[tuple[str, str | None, Iterable[str]]] = [(root, None, iter(graph[root]))]
        while stack:
            name, parent, others = stack[-1]
            for other in others:
                if not is_switch[other]:
                    continue
                if other in number:
                    if other != parent or graph.number_of_edges(name, other) > 1:
                        low[name] = min(low[name], number[other])
                    continue
                number[other] = low[other] = len(number)
                below[other], branches[other] = hosts[other], []
                stack.append((other, name, iter(graph[other])))
                break
            else:
                stack.pop()
                if parent is None:
                    continue
                low[parent] = min(low[parent], low[name])
                below[parent] += below[name]
                if low[name] > number[parent]:
                    bridges.append((parent, name))
                if low[name] >= number[parent]:
                    branches[parent].append(below[name])
        everyone = below[root]
        links += [Cut((one, other), min(below[other], everyone - below[other])) for one, other in bridges]
        for name, cut in branches.items():
            rest = everyone - hosts[name]
            pieces = [*cut, rest - sum(cut)]
            switches.append(Cut((name,), rest - max(pieces)))
    return ranked(links), ranked(switches)


def ranked(found: list[Cut]) -> list[Cut]:
    """Those that cut hosts off, the worst first."""
    return sorted((cut for cut in found if cut.hosts), key=lambda cut: -cut.hosts)
