"""Networks without a simple pattern: random ones, always the same for the same seed, and a campus.

Only ``Random.random()`` is used, whose sequence Python promises to keep from version to version.
"""

from __future__ import annotations

from itertools import combinations
from random import Random
from typing import TYPE_CHECKING, TypeVar

import networkx as nx

from topologies.errors import TopologyError

if TYPE_CHECKING:
    from topologies.plan import Plan

    Cabling = nx.Graph[int]

Thing = TypeVar("Thing")


def random(plan: Plan, switches: int, probability: float, *, seed: int) -> None:
    """N switches, each pair of them linked with probability P (Erdos and Renyi), one host on each. Where the network
    would be in parts, each further part is linked to the first by one link more."""
    dice = Random(seed)
    nodes = plan.switches(switches)
    plan.hosts(nodes)
    cabling: Cabling = nx.Graph()
    cabling.add_nodes_from(range(switches))
    for one, other in combinations(range(switches), 2):
        if dice.random() < probability:
            # Counted here, since a plan that is too large shall be refused before it fills the memory.
            plan.link(nodes[one], nodes[other])
            cabling.add_edge(one, other)
    first, *others = (sorted(part) for part in nx.connected_components(cabling))
    for part in others:
        plan.link(nodes[pick(dice, first)], nodes[pick(dice, part)])


def jellyfish(plan: Plan, switches: int, degree: int, *, seed: int) -> None:
    """N switches, each linked to D others at random (Singla et al., NSDI 2012), one host on each. When N and D are
    odd, one switch has a link less."""
    if degree >= switches:
        raise TopologyError(
            f"a switch can be linked to {switches - 1} others, not {degree}; try jellyfish:{degree + 1}x{degree}"
        )
    nodes = plan.switches(switches)
    plan.hosts(nodes)
    if switches * degree // 2 > 100_000:
        raise TopologyError("that is more than 100,000 random links; take smaller numbers")
    dice = Random(seed)
    cabling = random_regular(dice, switches, degree)
    join_parts(dice, cabling)
    plan.links((nodes[one], nodes[other]) for one, other in sorted(map(sorted_pair, cabling.edges)))


def random_regular(dice: Random, n: int, degree: int) -> Cabling:
    """A graph in which all nodes have ``degree`` neighbours, but one that has a neighbour less when ``n * degree`` is
    odd. Free ports are paired at random; when the rest cannot be, an earlier link is opened for them."""
    cabling: Cabling = nx.Graph()
    cabling.add_nodes_from(range(n))
    free = [node for node in range(n) for _ in range(degree)]

    def take(index: int) -> int:
        free[index], free[-1] = free[-1], free[index]
        return free.pop()

    while len(free) > 1:
        one, other = take(int(dice.random() * len(free))), take(int(dice.random() * len(free)))
        if one != other and not cabling.has_edge(one, other):
            cabling.add_edge(one, other)
            continue
        # One that both can be linked to the ends of: such a link exists, since one and other have a port free.
        choices = [
            (a, b)
            for edge in sorted(map(sorted_pair, cabling.edges))
            for a, b in (edge, edge[::-1])
            if not {a, b} & {one, other} and not cabling.has_edge(one, a) and not cabling.has_edge(other, b)
        ]
        if choices:
            a, b = pick(dice, choices)
            cabling.remove_edge(a, b)
            cabling.add_edges_from([(one, a), (other, b)])
        else:
            free += [one, other]
            # Everything begins anew rather than circling round the last two ports.
            free += [node for edge in cabling.edges for node in edge]
            free.sort()
            cabling.clear_edges()
    return cabling


def join_parts(dice: Random, cabling: Cabling) -> None:
    """Make one network of several by swapping the ends of links, so that no node has more links than before."""
    while not nx.is_connected(cabling):
        first, second = (cabling.subgraph(part).copy() for part in list(nx.connected_components(cabling))[:2])
        bridges = {sorted_pair(bridge) for bridge in nx.bridges(first)}  # type: ignore[arg-type]
        needless = [edge for edge in sorted(map(sorted_pair, first.edges)) if edge not in bridges]
        a, b = pick(dice, needless)
        c, d = pick(dice, sorted(map(sorted_pair, second.edges)))
        cabling.remove_edges_from([(a, b), (c, d)])
        cabling.add_edges_from([(a, c), (b, d)])


def campus(plan: Plan, buildings: int = 3) -> None:
    """The three storeys of a campus: two core switches; B buildings (three, if not said) of two distribution and two
    access switches, each linked to both of the storey above; three hosts on each access switch."""
    cores = plan.switches(2, layer=0)
    pairs = [(plan.switches(2, layer=1), plan.switches(2, layer=2)) for _ in range(buildings)]
    for _, accesses in pairs:
        plan.hosts(accesses, 3)
    plan.link(*cores)
    for distributions, accesses in pairs:
        plan.link(*distributions)
        plan.links((distribution, core) for distribution in distributions for core in cores)
        plan.links((access, distribution) for access in accesses for distribution in distributions)


def sorted_pair(edge: tuple[int, ...]) -> tuple[int, int]:
    """Both ends of a link, the lower number first."""
    one, other = edge[:2]
    return (one, other) if one <= other else (other, one)


def pick(dice: Random, things: list[Thing]) -> Thing:
    """One of them at random."""
    return things[int(dice.random() * len(things))]
