"""A network as shapes on a sheet, in pixels; `svg` and `png` put them on paper."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from topologies.drawing.layout import Points, place
from topologies.plan import interface

if TYPE_CHECKING:
    from topologies.plan import Graph

UNIT = 72
MARGIN = 48
MOST_LABELS = 80
MOST_DELAYS = 60
SHORT = 95
"""Pixels of a cable between which and the labels at its ends no further text fits."""


class Cable(NamedTuple):
    """A line from one point to another, bent by way of a third."""

    start: tuple[float, float]
    bend: tuple[float, float]
    end: tuple[float, float]
    to_host: bool
    title: str
    wishes: tuple[str, ...]


class Shape(NamedTuple):
    """A switch or a host."""

    at: tuple[float, float]
    name: str
    is_switch: bool
    title: str


class Words(NamedTuple):
    """A small line of text around a point."""

    at: tuple[float, float]
    text: str


class Picture(NamedTuple):
    """All shapes, from the lowest to the topmost, and what the picture shows in words."""

    width: float
    height: float
    title: str
    cables: list[Cable]
    shapes: list[Shape]
    words: list[Words]


def make(graph: Graph) -> Picture:
    """The picture of a network. Raises `TopologyError` when it is too large for one."""
    units = place(graph)
    left, top = min(x for x, _ in units.values()), min(y for _, y in units.values())
    points = {name: (MARGIN + (x - left) * UNIT, MARGIN + (y - top) * UNIT) for name, (x, y) in units.items()}
    cables = [cable for cable in cables_of(graph, points) if cable]
    width = max(x for x, _ in points.values()) + MARGIN
    height = max(y for _, y in points.values()) + MARGIN
    words = labels(graph, points) + delays(cables)
    missing = len(graph) - len(points)
    title = graph.graph.get("spec", "network") + (f" (its {missing:,} hosts are not drawn)" if missing else "")
    # What reaches over the edge, a bent cable or a long label, widens the sheet.
    xs = [cable.bend[0] for cable in cables]
    xs += [word.at[0] + side * 3.2 * len(word.text) for word in words for side in (-1, 1)]
    ys = [cable.bend[1] for cable in cables]
    dx, dy = max(0.0, 14 - min(xs, default=14)), max(0.0, 14 - min(ys, default=14))
    width, height = max(width, *(x + 14 for x in xs), 0) + dx, max(height, *(y + 14 for y in ys), 0) + dy

    def moved(point: tuple[float, float]) -> tuple[float, float]:
        return point[0] + dx, point[1] + dy

    return Picture(
        width, height, title,
        [
            cable._replace(start=moved(cable.start), bend=moved(cable.bend), end=moved(cable.end))
            for cable in cables
        ],
        [Shape(moved(points[name]), name, *described(graph, name)) for name in points],
        [word._replace(at=moved(word.at)) for word in words],
    )  # fmt: skip


def cables_of(graph: Graph, points: Points) -> list[Cable]:
    """All cables; parallel ones side by side, and those of a torus that go round beside those that they pass."""
    beside: Counter[frozenset[str]] = Counter()
    on_grid = graph.graph.get("family") in ("grid", "torus")
    cables = []
    for one, other, about in graph.edges(data=True):
        if one not in points or other not in points:
            continue
        pair = frozenset((one, other))
        strands = graph.number_of_edges(one, other)
        bow = (beside[pair] - (strands - 1) / 2) * 22
        beside[pair] += 1
        start, end = points[one], points[other]
        to_host = "host" in (graph.nodes[one]["kind"], graph.nodes[other]["kind"])
        length = math.dist(start, end)
        if on_grid and not to_host and length > 1.6 * UNIT:
            bow = 1.15 * UNIT if start[1] == end[1] else -1.15 * UNIT
        if (start, one) > (end, other):
            start, end = end, start
        cables.append(Cable(start, bent(start, end, bow), end, to_host, title_of(one, other, about), wishes(about)))
    return cables


def bent(start: tuple[float, float], end: tuple[float, float], bow: float) -> tuple[float, float]:
    """The control point of a curve that leaves the straight line by half of ``bow``."""
    length = math.dist(start, end) or 1.0
    across = ((end[1] - start[1]) / length, -(end[0] - start[0]) / length)
    return (start[0] + end[0]) / 2 + across[0] * bow, (start[1] + end[1]) / 2 + across[1] * bow


def title_of(one: str, other: str, about: dict[str, object]) -> str:
    """A cable in words."""
    ports = about["ports"]
    assert isinstance(ports, dict)
    words = f"{interface(one, ports[one])} - {interface(other, ports[other])}"
    return ", ".join([words, *wishes(about)])


def wishes(about: dict[str, object]) -> tuple[str, ...]:
    """What a cable is asked to be, for people."""
    found = []
    if isinstance(rate := about.get("bandwidth"), float):
        unit, size = next(
            ((unit, size) for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)) if rate >= size), ("", 1)
        )
        found.append(f"{rate / size:.4g} {unit}bit/s")
    if isinstance(delay := about.get("delay"), float):
        found.append(f"{delay * 1000:.3g} ms")
    if isinstance(loss := about.get("loss"), float):
        found.append(f"{loss * 100:.3g} % loss")
    if isinstance(vlans := about.get("vlans"), tuple):
        found.append(f"VLAN {', '.join(map(str, vlans))}")
    return tuple(found)


def described(graph: Graph, name: str) -> tuple[bool, str]:
    """Whether a node is a switch, and the node in words."""
    node = graph.nodes[name]
    label = f" ({node['label']})" if "label" in node else ""
    if node["kind"] == "switch":
        return True, f"switch {name}{label}, datapath id {node['dpid']:016x}"
    return False, f"host {name}{label}, {node['ip']}, {node['mac']}"


def labels(graph: Graph, points: Points) -> list[Words]:
    """The names that people gave to the switches."""
    named = [name for name in points if graph.nodes[name]["kind"] == "switch" and graph.nodes[name].get("label")]
    if len(named) > MOST_LABELS:
        return []
    return [Words((points[name][0], points[name][1] + 25), graph.nodes[name]["label"]) for name in named]


def delays(cables: list[Cable]) -> list[Words]:
    """What is asked of the links, line under line in the middle of each that is long enough."""
    marked = [(cable, cable.wishes) for cable in cables if not cable.to_host and cable.wishes]
    if len(marked) > MOST_DELAYS:
        return []
    words = []
    for cable, lines in marked:
        x, y = middle(cable)
        if math.dist(cable.start, cable.end) > max(SHORT, 6.5 * max(map(len, lines)) + 44):
            words += [Words((x, y + (i - (len(lines) - 1) / 2) * 13), line) for i, line in enumerate(lines)]
    return words


def middle(cable: Cable) -> tuple[float, float]:
    """The point half-way along a cable."""
    return (
        (cable.start[0] + 2 * cable.bend[0] + cable.end[0]) / 4,
        (cable.start[1] + 2 * cable.bend[1] + cable.end[1]) / 4,
    )
