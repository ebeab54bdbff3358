"""The network drawn, with the way that the packet took; left to right as the packet went."""

from __future__ import annotations

from typing import TYPE_CHECKING

import networkx as nx

from experiments.report import svg

if TYPE_CHECKING:
    from experiments.story import Story
    from experiments.story.wiring import Graph

COLUMN, ROW = 132, 112
"""Pixels between switches, sideways and up and down."""
BELOW, ASIDE = 52, 32
"""Pixels between a switch and the hosts under it, and between those."""
MARGIN = 74
MOST_NAMED = 24
"""Hosts off the way that are drawn; with more of them the picture would show nothing else."""

Points = dict[str, tuple[float, float]]


def draw(graph: Graph, story: Story) -> str:
    """The drawing of a network and the story's path."""
    points = place(graph, story)
    left, top = min(x for x, _ in points.values()), min(y for _, y in points.values())
    points = {node: (x - left + MARGIN, y - top + MARGIN / 2) for node, (x, y) in points.items()}
    width = max(x for x, _ in points.values()) + MARGIN
    height = max(y for _, y in points.values()) + MARGIN / 2
    steps = list(zip(story.path, story.path[1:], strict=False))
    taken = {frozenset(step) for step in steps}
    cables = [
        _cable(
            points[one],
            points[other],
            "cable",
            f"{one} port {about['ports'][one]}, {other} port {about['ports'][other]}",
        )
        for one, other, about in graph.edges(data=True)
        if one in points and other in points and frozenset((one, other)) not in taken
    ]
    way = [_cable(points[one], points[other], "way", f"the way: {one} to {other}") for one, other in steps]
    nodes = [_node(graph, node, points[node], node in story.path) for node in points]
    hidden = graph.number_of_nodes() - len(points)
    description = f"The way: {', '.join(story.path)}." + (f" {hidden} more hosts are not drawn." if hidden else "")
    label = f"The network {graph.graph.get('spec', '')} and the way from {story.source} to {story.target}"
    return svg.picture(width, height, label, description, *cables, *way, *nodes, class_="network")


def place(graph: Graph, story: Story) -> Points:
    """Where to draw each node: switches in columns by their distance from the source, hosts beside their switch."""
    switches = graph.subgraph(node for node, about in graph.nodes(data=True) if about["kind"] == "switch")
    start = story.path[1] if len(story.path) > 2 else next(iter(switches))
    distance = nx.single_source_shortest_path_length(switches, start)
    columns: dict[int, list[str]] = {}
    for node in switches:
        columns.setdefault(distance.get(node, max(distance.values()) + 1), []).append(node)
    points: Points = {}
    for column, nodes in sorted(columns.items()):
        nodes.sort(key=lambda node: (_height(graph, node, points), node not in story.path))
        for row, node in enumerate(nodes):
            points[node] = (column * COLUMN, (row - (len(nodes) - 1) / 2) * ROW)
    right = max(x for x, _ in points.values())
    others = [node for node, about in graph.nodes(data=True) if about["kind"] == "host" and node not in story.path]
    for node in (*story.path[:1], *story.path[-1:], *(others if len(others) <= MOST_NAMED else ())):
        points[node] = _beside(graph, node, points, story, right)
    return points


def _height(graph: Graph, node: str, points: Points) -> float:
    """The mean height of the neighbours that have a place already."""
    placed = [points[other][1] for other in graph.neighbors(node) if other in points]
    return sum(placed) / len(placed) if placed else 0.0


def _beside(graph: Graph, host: str, points: Points, story: Story, right: float) -> tuple[float, float]:
    switch = next(iter(graph.neighbors(host)))
    x, y = points[switch]
    aside = {story.source, *([story.target] if x == right else [])}
    if host in aside:
        return x + COLUMN * (-0.8 if host == story.source else 0.8), y
    below = [other for other in graph.neighbors(switch) if graph.nodes[other]["kind"] == "host" and other not in aside]
    return x + (below.index(host) - (len(below) - 1) / 2) * ASIDE, y + BELOW


def _cable(one: tuple[float, float], other: tuple[float, float], kind: str, title: str) -> str:
    line = svg.tag("line", x1=one[0], y1=one[1], x2=other[0], y2=other[1], class_=kind)
    return svg.group(line, title=title)


def _node(graph: Graph, node: str, point: tuple[float, float], on_way: bool) -> str:
    x, y = point
    about = graph.nodes[node]
    if about["kind"] == "switch":
        shape = svg.tag("rect", x=x - 24, y=y - 17, width=48, height=34, rx=6)
        title = f"switch {node}, datapath id {about['dpid']:016x}"
    else:
        shape = svg.tag("circle", cx=x, cy=y, r=17 if on_way else 13)
        title = f"host {node}, {about['ip']}, {about['mac']}"
    return svg.group(
        shape, svg.text(node, x, y + 4.5), class_=f"node {about['kind']}{' on' if on_way else ''}", title=title
    )
