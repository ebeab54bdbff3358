"""YAML for people: switches, hosts and links, with as little as possible to write (docs/topologies.md).

Every value is taken as the text that stands there: a host may be called ``no``, and a MAC address is not a number in
base sixty, as YAML 1.1 would have it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from typing import Any

import yaml

from topologies.errors import TopologyError
from topologies.files.assembly import NAME
from topologies.files.draft import Draft, Edge, Node
from topologies.files.quantities import shown

TOP = ("switches", "hosts", "links")
SWITCH = ("label", "dpid", "layer", "latitude", "longitude")
HOST = ("switch", "label", "mac", "ip", "vlan", "bandwidth", "delay", "loss")
LINK = ("from", "to", "bandwidth", "delay", "loss", "vlans")
CABLE = ("bandwidth", "delay", "loss")
"""What a host may say of its cable."""


def read(text: str) -> Draft:
    """What a YAML text says. Raises `TopologyError` with the line."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f"line {mark.line + 1}: " if mark else ""
        raise TopologyError(f"{line}this is not YAML ({error.problem or error.context})") from None
    except yaml.YAMLError as error:
        raise TopologyError(f"this is not YAML ({' '.join(str(error).split())[:100]})") from None
    except RecursionError:
        raise TopologyError("this YAML is nested too deeply for a network") from None
    if root is None:
        raise TopologyError("the file is empty; a network has switches, hosts and links")
    sections = dict(pairs(root, TOP, "a network"))
    nodes: list[Node] = []
    edges: list[Edge] = []
    for name, about, line in named(sections.get("switches"), "switch"):
        nodes.append(Node(name, values(about, SWITCH, "a switch"), line))
    for name, about, line in named(sections.get("hosts"), "host"):
        said = {"switch": about.value} if is_text(about) else values(about, HOST, "a host")
        nodes.append(Node(name, {"kind": "host", **said}, line))
        if said.get("switch"):
            edges.append(Edge(name, said["switch"], {key: said[key] for key in CABLE if key in said}, line))
        elif stray := [key for key in CABLE if key in said]:
            raise TopologyError(f"{line}: {stray[0]} belongs to a link; say which switch, or write it under links")
    edges += [edge(item) for item in items(sections.get("links"), "links")]
    return Draft(nodes, edges)


def edge(item: Any) -> Edge:
    """A link: ``[s1, s2]`` or ``{from: s1, to: s2, delay: 5 ms}``."""
    line = place(item)
    if isinstance(item, yaml.SequenceNode):
        ends = [text_of(end, "a name") for end in item.value]
        if len(ends) != 2:
            raise TopologyError(f"{line}: a link has two ends, not {len(ends)}; write [s1, s2]")
        return Edge(ends[0], ends[1], {}, line)
    about = values(item, LINK, "a link")
    for end in ("from", "to"):
        if not isinstance(about.get(end), str):
            raise TopologyError(f"{line}: this link says no {end!r}; write {{from: s1, to: s2}}")
    return Edge(about.pop("from"), about.pop("to"), about, line)


def named(section: Any, kind: str) -> Iterator[tuple[str, Any, str]]:
    """Names with what is said of each, and the line: a mapping, or a plain list of names."""
    if isinstance(section, yaml.MappingNode):
        entries: Iterable[tuple[Any, Any]] = section.value
    else:
        entries = ((item, None) for item in items(section, f"{kind}es" if kind == "switch" else f"{kind}s"))
    for key, about in entries:
        name = text_of(key, f"the name of a {kind}")
        if not NAME.fullmatch(name):
            raise TopologyError(
                f"{place(key)}: {shown(name)} cannot name a {kind}; a letter and up to 8 letters, digits, - . or _ "
                "and put what is longer into its label"
            )
        yield name, about, place(key)


def pairs(node: Any, known: tuple[str, ...], what: str) -> Iterator[tuple[str, Any]]:
    """The keys and values of a mapping; each key known, and there but once."""
    if not isinstance(node, yaml.MappingNode):
        raise TopologyError(f"{place(node)}: {what} is written as `key: value`, with the keys {', '.join(known)}")
    seen = set()
    for key, value in node.value:
        name = text_of(key, "a key")
        if name not in known:
            near = difflib.get_close_matches(name.lower(), known, n=1)
            hint = f"did you mean {near[0]}? " if near else ""
            raise TopologyError(f"{place(key)}: {what} has no {shown(name)}; {hint}known are {', '.join(known)}")
        if name in seen:
            raise TopologyError(f"{place(key)}: {name} stands here a second time; keep one")
        seen.add(name)
        yield name, value


def values(node: Any, known: tuple[str, ...], what: str) -> dict[str, Any]:
    """What is said of a thing: texts, and lists of texts."""
    if node is None or is_nothing(node):
        return {}
    about: dict[str, Any] = {}
    for name, value in pairs(node, known, what):
        if isinstance(value, yaml.SequenceNode):
            about[name] = [text_of(item, "an element") for item in value.value]
        else:
            about[name] = text_of(value, f"the {name}")
    if isinstance(about.get("switch"), list):
        raise TopologyError(f"{place(node)}: a host says one switch; write further cables under links")
    return about


def items(section: Any, name: str) -> list[Any]:
    """The elements of a list, which may be missing."""
    if section is None or is_nothing(section):
        return []
    if not isinstance(section, yaml.SequenceNode):
        raise TopologyError(f"{place(section)}: {name} should be a list, with one `- ` per line")
    return list(section.value)


def is_nothing(node: Any) -> bool:
    """Whether nothing stands after a key."""
    return is_text(node) and node.value in ("", "~", "null")


def is_text(node: Any) -> bool:
    """Whether a node is a single value."""
    return isinstance(node, yaml.ScalarNode)


def text_of(node: Any, what: str) -> str:
    """The text of a single value."""
    if not is_text(node):
        raise TopologyError(f"{place(node)}: {what} should be a single word or number")
    return str(node.value)


def place(node: Any) -> str:
    """The line where a node begins."""
    return f"line {node.start_mark.line + 1}"
