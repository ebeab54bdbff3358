"""networkx's node-link JSON: ``{"nodes": [{"id": ...}], "edges": [{"source": ..., "target": ...}]}``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from topologies.errors import TopologyError
from topologies.files.draft import Draft, Edge, Node
from topologies.files.quantities import shown

if TYPE_CHECKING:
    from topologies.plan import Graph


def read(text: str) -> Draft:
    """What a node-link text says; links may be called "links", as networkx did before 3.4. Raises `TopologyError`."""
    try:
        whole = json.loads(text)
    except json.JSONDecodeError as error:
        raise TopologyError(f"line {error.lineno}, character {error.colno}: this is not JSON ({error.msg})") from None
    except RecursionError:
        raise TopologyError("this JSON is nested too deeply for a network") from None
    except ValueError as error:  # a number of more digits than Python converts
        raise TopologyError(f"this is not JSON that can be read ({error})") from None
    if not isinstance(whole, dict) or not isinstance(whole.get("nodes"), list):
        raise TopologyError('there is no list of "nodes" in it; networkx.node_link_data writes such files')
    links = "edges" if "edges" in whole else "links"
    if not isinstance(whole.get(links), list):
        raise TopologyError('there is no list of "edges" in it; networkx.node_link_data writes such files')
    nodes = []
    for i, about in enumerate(whole["nodes"]):
        place = f"nodes[{i}]"
        nodes.append(Node(identity(mapping(about, place), "id", place), about, place))
    edges = []
    for i, about in enumerate(whole[links]):
        place = f"{links}[{i}]"
        mapping(about, place)
        edges.append(Edge(identity(about, "source", place), identity(about, "target", place), about, place))
    return Draft(nodes, edges, directed=whole.get("directed") is True)


def mapping(about: Any, place: str) -> dict[str, Any]:
    """An element of a list, which must be an object."""
    if not isinstance(about, dict):
        raise TopologyError(f"{place}: {shown(about)} should be an object in braces")
    return about


def identity(about: dict[str, Any], key: str, place: str) -> str:
    """A node's id: text or number; networkx writes tuples as lists."""
    value = about.get(key)
    if isinstance(value, str):
        return value
    if isinstance(value, (int, float, list)) and not isinstance(value, bool):
        return json.dumps(value)
    raise TopologyError(f"{place}: its {key} is {shown(value)}; it should be a text or a number")


def write(graph: Graph) -> dict[str, Any]:
    """A graph as node-link data: read again, it is the same network."""
    return {
        "directed": False,
        "multigraph": True,
        "graph": {key: value for key, value in graph.graph.items() if value not in ((), None)},
        "nodes": [{"id": name, **about} for name, about in graph.nodes(data=True)],
        "edges": [{"source": one, "target": other, **about} for one, other, about in graph.edges(data=True)],
    }
