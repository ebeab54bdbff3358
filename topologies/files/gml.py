"""GML (Himsolt, 1997), as the Internet Topology Zoo and most tools write it."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from topologies.errors import TopologyError
from topologies.files.draft import Draft, Edge, Node
from topologies.files.quantities import shown

TOKEN = re.compile(
    r"""(?P<space>\s+|\#[^\n]*)
      | (?P<real>[+-]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))(?:[eE][+-]?[0-9]+)?(?![A-Za-z0-9_.]))
      | (?P<int>[+-]?[0-9]+(?![A-Za-z0-9_.]))
      | (?P<key>[A-Za-z_][A-Za-z0-9_]*)
      | "(?P<string>[^"]*)"
      | (?P<open>\[)
      | (?P<close>\])""",
    re.VERBOSE,
)


class List(NamedTuple):
    """Pairs in brackets, each with its line."""

    pairs: list[tuple[str, Any, int]]
    line: int

    def get(self, key: str) -> Any:
        """The last value of a key; None without one."""
        return next((value for name, value, _ in reversed(self.pairs) if name == key), None)


class Token(NamedTuple):
    """A piece of the text."""

    kind: str
    text: str
    line: int


def read(text: str) -> Draft:
    """What a GML text says. Raises `TopologyError` with the line."""
    graphs = [value for key, value, _ in parse(text).pairs if key == "graph" and isinstance(value, List)]
    if not graphs:
        raise TopologyError("there is no graph in it; a GML file holds graph [ node [ id 1 ] ... ]")
    if len(graphs) > 1:
        raise TopologyError(f"line {graphs[1].line}: there is a second graph; keep one network per file")
    nodes, edges = [], []
    for key, value, line in graphs[0].pairs:
        if key not in ("node", "edge"):
            continue
        if not isinstance(value, List):
            raise TopologyError(f"line {line}: after {key} comes [ ... ], not {shown(value)}")
        about = {name: thing for name, thing, _ in value.pairs if not isinstance(thing, List)}
        if key == "node":
            nodes.append(Node(needed(about, "node", "id", line), about, f"line {line}"))
        else:
            ends = needed(about, "edge", "source", line), needed(about, "edge", "target", line)
            edges.append(Edge(*ends, about, f"line {line}"))
    return Draft(nodes, edges, directed=graphs[0].get("directed") == 1)


def needed(about: dict[str, Any], element: str, key: str, line: int) -> str:
    """A value without which a node or an edge says nothing."""
    if about.get(key) is None:
        raise TopologyError(f"line {line}: this {element} has no {key}; write {element} [ {key} ... ]")
    return str(about[key])


def parse(text: str) -> List:
    """The pairs of the whole text."""
    whole = List([], 1)
    nested = [whole]
    key: Token | None = None
    for token in tokens(text):
        if token.kind == "close":
            if key is not None or len(nested) == 1:
                raise TopologyError(f"line {token.line}: nothing is open that this ] could close")
            nested.pop()
        elif key is None:
            if token.kind != "key":
                raise TopologyError(f"line {token.line}: {shown(token.text)} should be a key, such as node")
            key = token
        elif token.kind == "open":
            inner = List([], key.line)
            nested[-1].pairs.append((key.text, inner, key.line))
            nested.append(inner)
            key = None
        else:
            nested[-1].pairs.append((key.text, value(token), key.line))
            key = None
    if key is not None:
        raise TopologyError(f"line {key.line}: {key.text} has no value")
    if len(nested) > 1:
        raise TopologyError(f"line {nested[-1].line}: this [ is never closed")
    return whole


def tokens(text: str) -> Iterator[Token]:
    """The pieces of a text."""
    position, line = 0, 1
    while position < len(text):
        found = TOKEN.match(text, position)
        if found is None:
            what = "this text is never closed by a quotation mark" if text[position] == '"' else "not GML"
            raise TopologyError(f"line {line}: {shown(text[position : position + 20])}: {what}")
        kind = str(found.lastgroup)
        if kind != "space":
            yield Token(kind, found[kind], line)
        line += found[0].count("\n")
        position = found.end()


def value(token: Token) -> Any:
    """What a token stands for. A number beyond all use stays text, and is refused where it is used."""
    if token.kind == "string":
        return html.unescape(token.text)
    if token.kind == "int":
        return int(token.text) if len(token.text) <= 30 else token.text
    if token.kind == "real":
        return float(token.text)
    raise TopologyError(f"line {token.line}: {shown(token.text)} should be a number, a text in quotation marks, or [")
