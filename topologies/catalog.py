"""The networks that have a name, and the one way to name them: ``kind:size``, as in ``ring:6`` or ``linear:5x2``.

A family is one entry of `FAMILIES`: a function that draws the network on a `Plan`, with one whole number per parameter.
Hosts are cabled before the links between switches, so that the lowest ports of a switch lead to its hosts.
"""

from __future__ import annotations

import difflib
import inspect
import re
from collections.abc import Callable, Iterable
from itertools import chain, combinations, pairwise
from typing import TYPE_CHECKING, NamedTuple

from topologies.errors import TopologyError
from topologies.plan import Plan

if TYPE_CHECKING:
    from topologies.plan import Graph


def single(plan: Plan, hosts: int) -> None:
    """One switch with N hosts."""
    switch = plan.switch()
    for _ in range(hosts):
        plan.host(switch)


def linear(plan: Plan, switches: int, hosts: int = 1) -> None:
    """N switches in a line, M hosts (one, if not said) on each."""
    line = plan.switches(switches)
    add_hosts(plan, line, hosts)
    add_links(plan, pairwise(line))


def tree(plan: Plan, depth: int, fanout: int) -> None:
    """A tree of switches D levels deep, F branches at each; the lowest switches have F hosts each."""
    level = plan.switches(1)
    links: list[tuple[str, str]] = []
    for _ in range(depth - 1):
        branches = [(parent, plan.switch()) for parent in level for _ in range(fanout)]
        links += branches
        level = [child for _, child in branches]
    add_hosts(plan, level, fanout)
    add_links(plan, links)


def ring(plan: Plan, switches: int) -> None:
    """N switches in a ring, one host on each."""
    circle = plan.switches(switches)
    add_hosts(plan, circle)
    add_links(plan, pairwise([*circle, circle[0]]))


def star(plan: Plan, points: int) -> None:
    """One switch in the middle and N around it, one host on each of the N."""
    centre, *around = plan.switches(points + 1)
    add_hosts(plan, around)
    add_links(plan, ((centre, point) for point in around))


def mesh(plan: Plan, switches: int) -> None:
    """N switches, each linked to each, one host on each."""
    nodes = plan.switches(switches)
    add_hosts(plan, nodes)
    add_links(plan, combinations(nodes, 2))


def grid(plan: Plan, rows: int, columns: int) -> None:
    """A x B switches in rows and columns, linked to their neighbours, one host on each."""
    nodes = [plan.switches(columns) for _ in range(rows)]
    add_hosts(plan, chain.from_iterable(nodes))
    for row in nodes:
        add_links(plan, pairwise(row))
    for upper, lower in pairwise(nodes):
        add_links(plan, zip(upper, lower, strict=True))


def torus(plan: Plan, rows: int, columns: int) -> None:
    """A grid of A x B switches whose rows and columns are rings, one host on each."""
    nodes = [plan.switches(columns) for _ in range(rows)]
    add_hosts(plan, chain.from_iterable(nodes))
    for row in nodes:
        add_links(plan, pairwise([*row, row[0]]))
    for upper, lower in pairwise([*nodes, nodes[0]]):
        add_links(plan, zip(upper, lower, strict=True))


def leaf_spine(plan: Plan, spines: int, leaves: int, hosts: int) -> None:
    """S spines, L leaves, each leaf linked to every spine, H hosts on each leaf."""
    tops, bottoms = plan.switches(spines), plan.switches(leaves)
    add_hosts(plan, bottoms, hosts)
    add_links(plan, ((leaf, spine) for leaf in bottoms for spine in tops))


def fat_tree(plan: Plan, k: int) -> None:
    """The fat-tree of K-port switches (Al-Fares et al., SIGCOMM 2008): (K/2)^2 core switches, then K pods of K/2
    aggregation and K/2 edge switches, K/2 hosts on each edge switch."""
    if k % 2:
        raise TopologyError(f"a fat-tree needs an even number of ports per switch, not {k}; try fat-tree:{k + 1}")
    half = k // 2
    cores = plan.switches(half * half)
    pods = [(plan.switches(half), plan.switches(half)) for _ in range(k)]
    for _, edges in pods:
        add_hosts(plan, edges, half)
    for aggregations, edges in pods:
        add_links(plan, ((edge, aggregation) for edge in edges for aggregation in aggregations))
        for i, aggregation in enumerate(aggregations):
            add_links(plan, ((aggregation, core) for core in cores[i * half : (i + 1) * half]))


def add_hosts(plan: Plan, switches: Iterable[str], each: int = 1) -> None:
    """Add ``each`` hosts to every switch."""
    for switch in switches:
        for _ in range(each):
            plan.host(switch)


def add_links(plan: Plan, pairs: Iterable[tuple[str, str]]) -> None:
    """Add a cable for every pair."""
    for one, other in pairs:
        plan.link(one, other)


class Family(NamedTuple):
    """A kind of network: who draws it, how it is written, and the least value of each parameter."""

    draw: Callable[..., None]
    form: str
    example: str
    least: tuple[int, ...]


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
}


def build_graph(spec: str) -> Graph:
    """The network that ``spec`` names, as a graph (its attributes: :mod:`topologies.plan`).

    ``graph.graph["spec"]`` is the name, ``graph.graph["family"]`` its kind. Raises `TopologyError`.
    """
    name, colon, size = spec.strip().partition(":")
    family = FAMILIES.get(name)
    if family is None:
        raise TopologyError(f"topology {spec!r}: {unknown_family(name, size)}")
    if not colon:
        raise TopologyError(
            f"topology {spec!r}: its size is missing; write {family.form}, for example {family.example}"
        )
    plan = Plan()
    try:
        family.draw(plan, *numbers(family, name, size))
    except TopologyError as error:
        raise TopologyError(f"topology {spec!r}: {error}") from None
    plan.graph.graph.update(spec=spec.strip(), family=name)
    return plan.graph


def numbers(family: Family, name: str, size: str) -> list[int]:
    """The parameters in ``size`` ("3x4"), as many as the family has, each large enough."""
    parameters = list(inspect.signature(family.draw).parameters.values())[1:]
    needed = sum(parameter.default is parameter.empty for parameter in parameters)
    words = size.split("x")
    place = len(name) + 2
    values = []
    for i, word in enumerate(words):
        if i < len(parameters):
            values.append(number(word, parameters[i].name, family.least[i], place, family))
        place += len(word) + 1
    if not needed <= len(words) <= len(parameters):
        wanted = f"{needed}" if needed == len(parameters) else f"{needed} or {len(parameters)}"
        raise TopologyError(
            f"{len(words)} number{'s' * (len(words) > 1)} after {name!r}, {wanted} wanted; "
            f"write {family.form}, for example {family.example}"
        )
    return values


def number(word: str, parameter: str, least: int, place: int, family: Family) -> int:
    """One parameter, written at character ``place`` of the spec."""
    where = f"at character {place}, {word!r}"
    if not re.fullmatch(r"[0-9]+", word):
        raise TopologyError(
            f"{where} should be a whole number ({parameter}); write {family.form}, for example {family.example}"
        )
    if len(word) > 6:
        raise TopologyError(f"{where} is too large for the number of {parameter}; for example {family.example}")
    if int(word) < least:
        raise TopologyError(f"{where}: {parameter} must be at least {least}; for example {family.example}")
    return int(word)


def unknown_family(name: str, size: str) -> str:
    """What is wrong with the name of a family, and which was probably meant."""
    near = difflib.get_close_matches(name.lower().replace("_", "-"), FAMILIES, n=1)
    known = ", ".join(family.form for family in FAMILIES.values())
    hint = f"did you mean {near[0]}:{size or FAMILIES[near[0]].example.partition(':')[2]}? " if near else ""
    return f"there is no kind {name!r}; {hint}known are {known}"
