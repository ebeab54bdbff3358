"""From what a file says to a graph, with everything checked.

A node is a switch unless it says otherwise. Names are kept when all of them can name interfaces; otherwise the switches
are s1, s2 ... and the hosts h1, h2 ..., in the file's order, and the names live on as labels. A file without hosts gets
one for each switch, as in the catalogue. Links between places on the Earth are as slow as light, if nothing else is
said. Links from a node to itself are left out, and noted.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import TYPE_CHECKING, Any

from topologies import geography
from topologies.errors import TopologyError
from topologies.files import quantities
from topologies.files.draft import Draft, Edge, Node
from topologies.plan import Plan, host_ip, host_mac

if TYPE_CHECKING:
    from topologies.plan import Graph

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,8}")
"""With "-eth10" after it, it is just as long as the name of an interface may be."""

SWITCH: dict[str, Callable[[Any], Any]] = {
    "label": quantities.label,
    "layer": quantities.layer,
    "latitude": quantities.latitude,
    "longitude": quantities.longitude,
    "dpid": quantities.dpid,
}
HOST: dict[str, Callable[[Any], Any]] = {
    "label": quantities.label,
    "latitude": quantities.latitude,
    "longitude": quantities.longitude,
    "mac": quantities.mac,
    "ip": quantities.ip,
    "vlan": quantities.vlan,
    "prefix_length": lambda value: quantities.whole(value, 1, 32, "a prefix length from 1 to 32"),
}
LINK: dict[str, Callable[[Any], Any]] = {
    "bandwidth": quantities.bandwidth,
    "delay": quantities.delay,
    "loss": quantities.loss,
    "vlans": quantities.vlans,
}
ZOO = {"Latitude": "latitude", "Longitude": "longitude"}
"""The Topology Zoo's names for ours."""


def assemble(draft: Draft) -> Graph:
    """The draft's network. Raises `TopologyError` with the place of what is wrong."""
    nodes, hosts = declared(draft)
    edges, notes = cables(draft, nodes, hosts)
    plan = Plan()
    names = add_nodes(plan, draft, hosts)
    given: list[dict[str, int] | None] = []
    if any("ports" in edge.about for edge in edges):
        given += [given_ports(edge, names) for edge in edges]
    else:
        given += [None] * len(edges)
        edges.sort(key=lambda edge: edge.source not in hosts and edge.target not in hosts)
    if not hosts:
        add_hosts(plan, list(names.values()))
    for edge, ports in zip(edges, given, strict=True):
        with at(edge.place):
            one, other = names[edge.source], names[edge.target]
            plan.link(one, other, **wishes(plan.graph, one, other, edge))
            if ports:
                plan.graph.edges[one, other, len(plan.graph[one][other]) - 1]["ports"] = ports
    check_ports(plan.graph, edges)
    plan.graph.graph.update(family="file", size=())
    if notes:
        plan.graph.graph["notes"] = tuple(notes)
    return plan.graph


def declared(draft: Draft) -> tuple[dict[str, Node], set[str]]:
    """The nodes by id, and the ids of those that are hosts."""
    nodes: dict[str, Node] = {}
    hosts = set()
    for node in draft.nodes:
        if node.id in nodes:
            raise TopologyError(
                f"{node.place}: there is another node {quantities.shown(node.id)} ({nodes[node.id].place}); "
                "give each its own"
            )
        nodes[node.id] = node
        kind = node.about.get("kind", "switch")
        if kind not in ("switch", "host"):
            raise TopologyError(f"{node.place}: kind {quantities.shown(kind)} should be 'switch' or 'host'")
        if kind == "host":
            hosts.add(node.id)
    if len(nodes) == len(hosts):
        raise TopologyError("there is no switch in it; a network needs one at least")
    return nodes, hosts


def cables(draft: Draft, nodes: dict[str, Node], hosts: set[str]) -> tuple[list[Edge], list[str]]:
    """The edges that can be cables, and what is to be said of the others. In a directed graph two opposite edges are
    one cable."""
    kept = []
    notes = []
    waiting: Counter[tuple[str, str]] = Counter()
    cabled = set()
    for edge in draft.edges:
        for end in (edge.source, edge.target):
            if end not in nodes:
                near = difflib.get_close_matches(end, nodes, n=1)
                hint = f"did you mean {near[0]}?" if near else "add it, or leave the link out"
                raise TopologyError(f"{edge.place}: there is no node {quantities.shown(end)}; {hint}")
        if edge.source == edge.target:
            notes.append(f"{edge.place}: a link from {quantities.shown(edge.source)} to itself was left out")
            continue
        if {edge.source, edge.target} <= hosts:
            raise TopologyError(
                f"{edge.place}: both {quantities.shown(edge.source)} and {quantities.shown(edge.target)} are hosts; "
                "put a switch between them"
            )
        cabled |= {edge.source, edge.target}
        if draft.directed and waiting[edge.target, edge.source]:
            waiting[edge.target, edge.source] -= 1
            continue
        waiting[edge.source, edge.target] += 1
        kept.append(edge)
    for host in sorted(hosts - cabled):
        raise TopologyError(f"{nodes[host].place}: host {quantities.shown(host)} has no link; link it to a switch")
    return kept, notes


def add_nodes(plan: Plan, draft: Draft, hosts: set[str]) -> dict[str, str]:
    """Put all nodes on the plan; returns their names by id."""
    keep = all(NAME.fullmatch(node.id) for node in draft.nodes)
    about = {node.id: attributes(node, HOST if node.id in hosts else SWITCH, keep) for node in draft.nodes}
    owners: dict[Any, Node] = {}
    for node in draft.nodes:
        for what in ("dpid", "mac", "ip"):
            value = about[node.id].get(what)
            if value is not None and owners.setdefault((what, value), node) is not node:
                other = owners[what, value]
                raise TopologyError(
                    f"{node.place}: {quantities.shown(other.id)} has the same {what} ({other.place}); give each its own"
                )
    dpids = (number for number in count(1) if ("dpid", number) not in owners)
    macs = (mac for mac in map(host_mac, count(1)) if ("mac", mac) not in owners)
    ips = (ip for ip in map(host_ip, count(1)) if ("ip", ip) not in owners)
    names = {}
    for node in draft.nodes:
        said = about[node.id]
        if keep:
            said["name"] = node.id
        with at(node.place):
            if node.id in hosts:
                defaults = {what: next(free) for what, free in (("mac", macs), ("ip", ips)) if what not in said}
                names[node.id] = plan.host(None, **defaults, **said)
            else:
                names[node.id] = plan.switch(**({} if "dpid" in said else {"dpid": next(dpids)}), **said)
    return names


def attributes(node: Node, known: dict[str, Callable[[Any], Any]], keep: bool) -> dict[str, Any]:
    """What is said of a node, checked."""
    about = {}
    for key, value in node.about.items():
        ours = ZOO.get(key, key)
        if ours in known and value is not None:
            with at(f"{node.place}, {key}"):
                about[ours] = known[ours](value)
    if "ip" in about:
        address, prefix = about.pop("ip")
        about["ip"] = address
        if prefix is not None:
            about["prefix_length"] = prefix
    if not keep:
        about.setdefault("label", quantities.label(node.id))
    if not about.get("label"):
        about.pop("label", None)
    return about


def add_hosts(plan: Plan, switches: list[str]) -> None:
    """One host for each switch, whose name no switch has."""
    names = (name for name in (f"h{number}" for number in count(1)) if name not in plan.graph)
    for switch in switches:
        plan.host(switch, name=next(names))


def wishes(graph: Graph, one: str, other: str, edge: Edge) -> dict[str, Any]:
    """What the cable shall be."""
    found = {}
    for key, check in LINK.items():
        if edge.about.get(key) is not None:
            with at(key):
                found[key] = check(edge.about[key])
    speed = edge.about.get("LinkSpeedRaw")
    if speed is not None and "bandwidth" not in found:
        with at("LinkSpeedRaw"):
            rate = quantities.real(speed, "a number of bit/s")
            if rate < 0:
                raise TopologyError(f"{quantities.shown(speed)} should be a number of bit/s")
            if rate:  # 0 stands for a speed that nobody knows
                found["bandwidth"] = rate
    places = [
        (node["latitude"], node["longitude"])
        for node in (graph.nodes[one], graph.nodes[other])
        if "latitude" in node and "longitude" in node
    ]
    if len(places) == 2 and "delay" not in found:
        found["delay"] = geography.delay(*places)
    return found


def given_ports(edge: Edge, names: dict[str, str]) -> dict[str, int]:
    """The port numbers that a file gives a cable. When one cable has them, all must."""
    ports = edge.about.get("ports")
    if not isinstance(ports, dict) or set(ports) != {edge.source, edge.target}:
        raise TopologyError(
            f"{edge.place}: its ports should be a number for each of its ends, as other links of this file have"
        )
    with at(f"{edge.place}, ports"):
        return {
            names[end]: quantities.whole(ports[end], 0, 65279, "a port number from 0 to 65279")
            for end in (edge.source, edge.target)
        }


def check_ports(graph: Graph, edges: list[Edge]) -> None:
    """No two cables in one port, and a switch counts its ports from 1. Only a file that numbers ports can err here."""
    if not any("ports" in edge.about for edge in edges):
        return
    used = set()
    for _, _, about in graph.edges(data=True):
        for name, port in about["ports"].items():
            if (name, port) in used or (port == 0 and graph.nodes[name]["kind"] == "switch"):
                fault = "is taken twice" if port else "should be 1 or more"
                raise TopologyError(f"port {port} of {name} {fault}; give each link a port of its own")
            used.add((name, port))


@contextmanager
def at(place: str) -> Iterator[None]:
    """Say where, when something is wrong."""
    try:
        yield
    except TopologyError as error:
        raise TopologyError(f"{place}: {error}") from None
