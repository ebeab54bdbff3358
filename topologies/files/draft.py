"""What a file says of a network, before it is checked."""

from __future__ import annotations

from typing import Any, NamedTuple


class Node(NamedTuple):
    """A switch or host: its id in the file, what is said about it, and where."""

    id: str
    about: dict[str, Any]
    place: str


class Edge(NamedTuple):
    """A cable between two ids."""

    source: str
    target: str
    about: dict[str, Any]
    place: str


class Draft(NamedTuple):
    """All of it, in the file's order."""

    nodes: list[Node]
    edges: list[Edge]
    directed: bool = False
