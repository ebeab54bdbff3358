"""Where each switch and host of a network is drawn.

Coordinates are in units of the distance between two neighbouring switches, to the right and downwards.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

import networkx as nx

from topologies.drawing import freely
from topologies.errors import TopologyError

if TYPE_CHECKING:
    from topologies.plan import Graph

    Wiring = nx.Graph[str]

Point = tuple[float, float]
Points = dict[str, Point]

STOREY = 1.5
"""Between the storeys of a layered network."""
HOST = 0.42
"""Between the hosts of a switch; and at which distance from it they are."""
BELOW = 0.75
ROUND = ("ring", "mesh", "star")
MOST_SWITCHES = 1_500
MOST_HOSTS = 400


def place(graph: Graph) -> Points:
    """A point for each switch, and for the hosts if there are no more than 400. Raises `TopologyError`."""
    switches = [name for name, node in graph.nodes(data=True) if node["kind"] == "switch"]
    if len(switches) > MOST_SWITCHES:
        raise TopologyError(f"{len(switches):,} switches would blacken the sheet; up to {MOST_SWITCHES:,} are drawn")
    hosts = {switch: hosts_of(graph, switch) for switch in switches}
    if sum(map(len, hosts.values())) > MOST_HOSTS:
        hosts = {switch: [] for switch in switches}
    wiring: Wiring = nx.Graph()
    wiring.add_nodes_from(switches)
    wiring.add_edges_from((one, other) for one, other in graph.edges() if one in wiring and other in wiring)
    points = place_switches(graph, wiring, hosts)
    family = graph.graph.get("family")
    for switch, guests in hosts.items():
        if is_layered(graph, switches) or family in ("linear", "single"):
            points.update(row_below(points[switch], guests))
        elif family in ("grid", "torus"):
            points.update(fan(points[switch], guests, math.radians(45), 0.68))
        elif guests:
            towards = outwards(points, switches, switch) if family in ROUND else free_direction(points, switch, BELOW)
            points.update(fan(points[switch], guests, towards, BELOW))
    return points


def place_switches(graph: Graph, wiring: Wiring, hosts: dict[str, list[str]]) -> Points:
    """A point for each switch, by the kind of network."""
    switches = list(wiring)
    family = graph.graph.get("family", "")
    if family in ("linear", "single"):
        return {name: (i * max(1.4, HOST * len(hosts[name]) + 0.4), 0.0) for i, name in enumerate(switches)}
    if family in ("ring", "mesh"):
        return circle(switches)
    if family == "star":
        return {switches[0]: (0.0, 0.0), **circle(switches[1:], least=1.6)}
    if family in ("grid", "torus"):
        columns = graph.graph["size"][1]
        return {name: (i % columns * 1.5, i // columns * 1.5) for i, name in enumerate(switches)}
    if is_layered(graph, switches):
        layers = {name: graph.nodes[name]["layer"] for name in switches}
        return block(wiring, layers, hosts)[1]
    located = [name for name in switches if "latitude" in graph.nodes[name] and "longitude" in graph.nodes[name]]
    if len(located) > len(switches) / 2 and len(located) > 1:
        places = {name: (graph.nodes[name]["latitude"], graph.nodes[name]["longitude"]) for name in located}
        return freely.on_map(wiring, places)
    return freely.by_distance(wiring)


def is_layered(graph: Graph, switches: Iterable[str]) -> bool:
    """Whether every switch says on which storey it stands."""
    return all("layer" in graph.nodes[name] for name in switches)


def hosts_of(graph: Graph, switch: str) -> list[str]:
    """The hosts that are drawn at a switch: a host with several links is drawn at its first."""
    return [
        other
        for other in graph.neighbors(switch)
        if graph.nodes[other]["kind"] == "host" and next(iter(graph.neighbors(other))) == switch
    ]


def circle(nodes: list[str], least: float = 1.0) -> Points:
    """The nodes on a circle, clockwise from the top."""
    radius = max(least, len(nodes) * 1.3 / math.tau)
    return {
        name: (radius * math.sin(i * math.tau / len(nodes)), -radius * math.cos(i * math.tau / len(nodes)))
        for i, name in enumerate(nodes)
    }


def block(wiring: Wiring, layers: dict[str, int], hosts: dict[str, list[str]]) -> tuple[float, Points]:
    """The topmost storey above what hangs together below it, block beside block; returns the width, and points from
    x = 0 on. A tree comes out as a tree, and a pod of a fat-tree as a pod."""
    highest = min(layers.values())
    top = [name for name in layers if layers[name] == highest]
    rest = [name for name in layers if layers[name] != highest]
    points: Points = {}
    width = 0.0
    order = {name: i for i, name in enumerate(layers)}
    parts = sorted((sorted(part, key=order.__getitem__) for part in nx.connected_components(wiring.subgraph(rest))),
                   key=lambda part: order[part[0]])  # fmt: skip
    for part in parts:
        wide, inner = block(wiring.subgraph(part), {name: layers[name] for name in part}, hosts)
        gap = 0.0 if not points else 0.5 if len(part) > 1 else 0.12
        points.update({name: (x + width + gap, y) for name, (x, y) in inner.items()})
        width += gap + wide
    needed = sum(max(1.0, HOST * len(hosts[name]) + 0.1) for name in top)
    if needed > width:
        points = {name: (x + (needed - width) / 2, y) for name, (x, y) in points.items()}
        width = needed
    step = min(width / len(top), max(2.4, needed / len(top)))
    for i, name in enumerate(top):
        points[name] = (width / 2 + (i - (len(top) - 1) / 2) * step, highest * STOREY)
    return width, points


def row_below(point: Point, guests: list[str]) -> Points:
    """Hosts in a row under their switch."""
    x, y = point
    return {name: (x + (i - (len(guests) - 1) / 2) * HOST, y + BELOW) for i, name in enumerate(guests)}


def fan(point: Point, guests: list[str], towards: float, radius: float) -> Points:
    """Hosts on an arc round their switch, whose middle lies in a direction (radians)."""
    x, y = point
    radius = max(radius, len(guests) * HOST / math.tau * 1.1)
    step = HOST / radius
    angles = [towards + (i - (len(guests) - 1) / 2) * step for i in range(len(guests))]
    return {
        name: (x + radius * math.cos(angle), y + radius * math.sin(angle))
        for name, angle in zip(guests, angles, strict=True)
    }


def outwards(points: Points, switches: list[str], switch: str) -> float:
    """The direction away from the middle of all switches: radians, clockwise from the right."""
    x, y = (sum(points[name][axis] for name in switches) / len(switches) for axis in (0, 1))
    return math.atan2(points[switch][1] - y, points[switch][0] - x)


def free_direction(points: Points, switch: str, radius: float) -> float:
    """The direction from a switch in which it is farthest to whatever is drawn already: radians, clockwise."""
    x, y = points[switch]
    others = [point for name, point in points.items() if name != switch and math.dist(point, (x, y)) < 4]
    best = (0.0, math.pi / 2)
    for step in range(36):
        angle = math.pi / 2 + step * math.tau / 36
        here = (x + radius * math.cos(angle), y + radius * math.sin(angle))
        # Rounded, so that of equal directions the first is taken everywhere.
        room = round(min((math.dist(here, other) for other in others), default=9.0), 6)
        best = max(best, (room, angle), key=lambda pair: pair[0])
    return best[1]
