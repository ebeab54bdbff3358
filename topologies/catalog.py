"""The networks that have a name: the families of :mod:`topologies.spec`.

A family is one entry of `FAMILIES`: a function that draws the network on a `Plan`, with one number per parameter.
Hosts are cabled before the links between switches, so that the lowest ports of a switch lead to its hosts.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain, combinations, pairwise
from typing import NamedTuple

from topologies.errors import TopologyError
from topologies.irregular import campus, jellyfish, random
from topologies.plan import Plan
from topologies.wan import WANS, wan


def single(plan: Plan, hosts: int) -> None:
    """One switch with N hosts."""
    switch = plan.switch()
    plan.hosts([switch], hosts)


def linear(plan: Plan, switches: int, hosts: int = 1) -> None:
    """N switches in a line, M hosts (one, if not said) on each."""
    line = plan.switches(switches)
    plan.hosts(line, hosts)
    plan.links(pairwise(line))


def tree(plan: Plan, depth: int, fanout: int) -> None:
    """A tree of switches D levels deep, F branches at each; the lowest switches have F hosts each."""
    level = plan.switches(1, layer=0)
    links: list[tuple[str, str]] = []
    for layer in range(1, depth):
        branches = [(parent, plan.switch(layer=layer)) for parent in level for _ in range(fanout)]
        links += branches
        level = [child for _, child in branches]
    plan.hosts(level, fanout)
    plan.links(links)


def ring(plan: Plan, switches: int) -> None:
    """N switches in a ring, one host on each."""
    circle = plan.switches(switches)
    plan.hosts(circle)
    plan.links(pairwise([*circle, circle[0]]))


def star(plan: Plan, points: int) -> None:
    """One switch in the middle and N around it, one host on each of the N."""
    centre, *around = plan.switches(points + 1)
    plan.hosts(around)
    plan.links((centre, point) for point in around)


def mesh(plan: Plan, switches: int) -> None:
    """N switches, each linked to each, one host on each."""
    nodes = plan.switches(switches)
    plan.hosts(nodes)
    plan.links(combinations(nodes, 2))


def grid(plan: Plan, rows: int, columns: int) -> None:
    """A x B switches in rows and columns, linked to their neighbours, one host on each."""
    nodes = [plan.switches(columns) for _ in range(rows)]
    plan.hosts(chain.from_iterable(nodes))
    for row in nodes:
        plan.links(pairwise(row))
    for upper, lower in pairwise(nodes):
        plan.links(zip(upper, lower, strict=True))


def torus(plan: Plan, rows: int, columns: int) -> None:
    """A grid of A x B switches whose rows and columns are rings, one host on each."""
    nodes = [plan.switches(columns) for _ in range(rows)]
    plan.hosts(chain.from_iterable(nodes))
    for row in nodes:
        plan.links(pairwise([*row, row[0]]))
    for upper, lower in pairwise([*nodes, nodes[0]]):
        plan.links(zip(upper, lower, strict=True))


def leaf_spine(plan: Plan, spines: int, leaves: int, hosts: int) -> None:
    """S spines, L leaves, each leaf linked to every spine, H hosts on each leaf."""
    tops, bottoms = plan.switches(spines, layer=0), plan.switches(leaves, layer=1)
    plan.hosts(bottoms, hosts)
    plan.links((leaf, spine) for leaf in bottoms for spine in tops)


def fat_tree(plan: Plan, k: int) -> None:
    """The fat-tree of K-port switches (Al-Fares et al., SIGCOMM 2008): (K/2)^2 core switches, then K pods of K/2
    aggregation and K/2 edge switches, K/2 hosts on each edge switch."""
    if k % 2:
        raise TopologyError(f"a fat-tree needs an even number of ports per switch, not {k}; try fat-tree:{k + 1}")
    half = k // 2
    cores = plan.switches(half * half, layer=0)
    pods = [(plan.switches(half, layer=1), plan.switches(half, layer=2)) for _ in range(k)]
    for _, edges in pods:
        plan.hosts(edges, half)
    for aggregations, edges in pods:
        plan.links((edge, aggregation) for edge in edges for aggregation in aggregations)
        for i, aggregation in enumerate(aggregations):
            plan.links((aggregation, core) for core in cores[i * half : (i + 1) * half])


class Family(NamedTuple):
    """A kind of network: who draws it, how it is written, the least value of each parameter or the names to choose
    from, and whether it takes a seed."""

    draw: Callable[..., None]
    form: str
    example: str
    least: tuple[int, ...] = ()
    choices: tuple[str, ...] = ()
    random: bool = False

    @property
    def stands_alone(self) -> bool:
        """Whether it needs no size."""
        return ":" not in self.form.partition(" ")[0]


FAMILIES = {
    "single": Family(single, "single:N", "single:4", (1,)),
    "linear": Family(linear, "linear:N or linear:NxM", "linear:5x2", (1, 1)),
    "tree": Family(tree, "tree:DxF", "tree:2x3", (1, 1)),
    "ring": Family(ring, "ring:N", "ring:6", (3,)),
    "star": Family(star, "star:N", "star:5", (1,)),
    "mesh": Family(mesh, "mesh:N", "mesh:4", (2,)),
    "torus": Family(torus, "torus:AxB", "torus:3x3", (3, 3)),
    "grid": Family(grid, "grid:AxB", "grid:3x4", (1, 1)),
    "leaf-spine": Family(leaf_spine, "leaf-spine:SxLxH", "leaf-spine:2x4x2", (1, 1, 1)),
    "fat-tree": Family(fat_tree, "fat-tree:K", "fat-tree:4", (2,)),
    "jellyfish": Family(jellyfish, "jellyfish:NxD", "jellyfish:20x4", (3, 2), random=True),
    "random": Family(random, "random:NxP", "random:20x0.2", (1, 0), random=True),
    "campus": Family(campus, "campus or campus:B", "campus", (1,)),
    "wan": Family(wan, "wan:NAME", "wan:abilene", choices=tuple(WANS)),
}
