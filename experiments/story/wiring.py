"""Who is at the other end of a cable: the graph of a network, asked by switch and port number."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import networkx as nx

from experiments.story import tables

if TYPE_CHECKING:
    Graph = nx.MultiGraph[str]


class Place(NamedTuple):
    """A port of a node."""

    node: str
    port: int


class Wiring:
    """The cables of a network. Raises KeyError for a node or port that it does not have."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self._peers: dict[Place, Place] = {}
        self._names: dict[int, str] = {}
        for node, about in graph.nodes(data=True):
            if about["kind"] == "switch":
                self._names[about["dpid"]] = node
        for one, other, about in graph.edges(data=True):
            ports = about["ports"]
            self._peers[Place(one, ports[one])] = Place(other, ports[other])
            self._peers[Place(other, ports[other])] = Place(one, ports[one])

    def switch(self, dpid: int | None) -> str:
        """The name of a switch; of one that the graph does not have, its number."""
        return "?" if dpid is None else self._names.get(dpid, f"{dpid:016x}")

    def dpid(self, switch: str) -> int:
        """The datapath id of a switch."""
        return int(self.graph.nodes[switch]["dpid"])

    def is_switch(self, node: str) -> bool:
        """Whether a node is a switch of the graph."""
        return node in self.graph and self.graph.nodes[node]["kind"] == "switch"

    def mac(self, host: str) -> str:
        """A host's MAC address."""
        return str(self.graph.nodes[host]["mac"])

    def ip(self, host: str) -> str:
        """A host's IPv4 address."""
        return str(self.graph.nodes[host]["ip"])

    def peer(self, node: str, port: int) -> Place | None:
        """What a cable at this port leads to; None where there is none."""
        return self._peers.get(Place(node, port))

    def access(self, host: str) -> Place:
        """The switch and port that a host is cabled to."""
        return next(peer for place, peer in self._peers.items() if place.node == host)

    def ports(self, switch: str) -> list[int]:
        """The ports of a switch that have a cable."""
        return sorted(place.port for place in self._peers if place.node == switch)

    def way(self, source: str, target: str) -> tuple[str, ...]:
        """A shortest way, both ends included; empty when there is none."""
        try:
            return tuple(nx.shortest_path(self.graph, source, target))
        except nx.NetworkXNoPath:
            return ()

    def resolve(self, ports: list[int], switch: str, in_port: int) -> tuple[int, ...]:
        """Real port numbers for reserved ones: FLOOD and ALL are every port but the one of arrival (§4.5)."""
        real: list[int] = []
        for port in ports:
            if port in (tables.FLOOD, tables.ALL):
                real += [other for other in self.ports(switch) if other != in_port]
            elif port == tables.IN_PORT:
                real.append(in_port)
            elif port < tables.IN_PORT:
                real.append(port)
        return tuple(dict.fromkeys(real))
