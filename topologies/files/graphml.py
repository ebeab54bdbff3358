"""GraphML (http://graphml.graphdrawing.org), as the Internet Topology Zoo and most tools write it."""

from __future__ import annotations

from typing import Any
from xml.parsers import expat

from topologies.errors import TopologyError
from topologies.files.draft import Draft, Edge, Node
from topologies.files.quantities import shown

NUMBERS = ("int", "long", "float", "double")


def read(text: str) -> Draft:
    """What a GraphML text says. Raises `TopologyError` with the line."""
    reader = Reader()
    try:
        reader.parser.Parse(text, True)
    except expat.ExpatError as error:
        reason = expat.errors.messages.get(error.code, "not XML")
        raise TopologyError(f"line {error.lineno}: this is not well-formed XML ({reason})") from None
    if not reader.graphs:
        raise TopologyError("there is no <graph> in it; a GraphML file has one inside <graphml>")
    return Draft(reader.nodes, reader.edges, reader.directed)


class Reader:
    """Collects nodes and edges while the parser goes through the file."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.edges: list[Edge] = []
        self.directed = False
        self.graphs = 0
        self.keys: dict[str, tuple[str, str]] = {}
        self.open: dict[str, Any] | None = None
        self.key = ""
        self.words: list[str] | None = None
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end
        self.parser.CharacterDataHandler = self.characters
        self.parser.EntityDeclHandler = self.entity

    @property
    def place(self) -> str:
        """The line where the parser is."""
        return f"line {self.parser.CurrentLineNumber}"

    def start(self, name: str, about: dict[str, str]) -> None:
        """An element begins."""
        element = name.rpartition(" ")[2]
        if element == "graph":
            self.graphs += 1
            if self.graphs > 1:
                raise TopologyError(f"{self.place}: there is a second <graph>; keep one network per file")
            self.directed = about.get("edgedefault") == "directed"
        elif element == "key":
            self.keys[about.get("id", "")] = (about.get("attr.name", ""), about.get("attr.type", "string"))
        elif element == "node":
            self.open = {}
            self.nodes.append(Node(self.attribute(about, element, "id"), self.open, self.place))
        elif element == "edge":
            self.open = {}
            ends = self.attribute(about, element, "source"), self.attribute(about, element, "target")
            self.edges.append(Edge(*ends, self.open, self.place))
        elif element == "hyperedge":
            raise TopologyError(f"{self.place}: a hyperedge has no like among cables; put a switch in its place")
        elif element == "data":
            self.key, self.words = about.get("key", ""), []

    def attribute(self, about: dict[str, str], element: str, name: str) -> str:
        """An attribute that an element must have."""
        if name not in about:
            raise TopologyError(f"{self.place}: <{element}> has no {name}; write <{element} {name}=...>")
        return about[name]

    def characters(self, text: str) -> None:
        """Text between tags."""
        if self.words is not None:
            self.words.append(text)

    def end(self, name: str) -> None:
        """An element ends."""
        element = name.rpartition(" ")[2]
        if element in ("node", "edge"):
            self.open = None
        elif element == "data" and self.words is not None:
            value = "".join(self.words).strip()
            self.words = None
            attribute, kind = self.keys.get(self.key, ("", ""))
            if self.open is not None and attribute and value:
                self.open[attribute] = self.number(attribute, value) if kind in NUMBERS else value

    def number(self, attribute: str, value: str) -> float:
        """A value that was declared to be a number."""
        try:
            return float(value)
        except ValueError:
            raise TopologyError(f"{self.place}: {attribute} {shown(value)} should be a number") from None

    def entity(self, *_: Any) -> None:
        """A definition that could make a small file huge."""
        raise TopologyError(f"{self.place}: entities are not read; write the text itself")
