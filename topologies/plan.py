"""A network on paper: switches, hosts and cables are added, names, addresses and port numbers follow.

The result is a :class:`networkx.MultiGraph`, the one description from which everything else is made.

Nodes are names, with these attributes:

- ``kind``: ``"switch"`` or ``"host"``;
- a switch ``s7`` has ``dpid`` (int): 7;
- a host ``h7`` has ``mac`` (str): ``"00:00:00:00:00:07"`` and ``ip`` (str, in 10.0.0.0/8): ``"10.0.0.7"``.

Edges have ``ports`` (dict): the port number at each of the two ends by node name. Ports of a switch are numbered from
1 in the order in which its cables were added (``s1-eth1`` is OpenFlow port 1); a host's first port is 0 (``h1-eth0``).

The same calls give the same network anywhere.
"""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import TYPE_CHECKING

import networkx as nx

from topologies.errors import TopologyError

if TYPE_CHECKING:
    Graph = nx.MultiGraph[str]

MOST_SWITCHES = 10_000
MOST_HOSTS = 100_000
MOST_LINKS = 200_000

SUBNET = IPv4Address("10.0.0.0")
PREFIX_LENGTH = 8


def interface(node: str, port: int) -> str:
    """The name of a node's interface."""
    return f"{node}-eth{port}"


def port_mac(dpid: int, port: int) -> str:
    """The MAC address of a switch's port: locally administered, the datapath id and the port number in it."""
    return (0x02 << 40 | (dpid & 0xFFFFFF) << 16 | port).to_bytes(6, "big").hex(":")


class Plan:
    """Builds a graph. Raises `TopologyError` at the first switch, host or link beyond what Flowpath can hold."""

    def __init__(self) -> None:
        self.graph: Graph = nx.MultiGraph()
        self._switches = 0
        self._hosts = 0
        self._links = 0
        self._ports: dict[str, int] = {}

    def switch(self) -> str:
        """Add a switch; returns its name."""
        self._switches = self._next(self._switches, MOST_SWITCHES, "switches")
        name = f"s{self._switches}"
        self.graph.add_node(name, kind="switch", dpid=self._switches)
        self._ports[name] = 1
        return name

    def switches(self, n: int) -> list[str]:
        """Add ``n`` switches; returns their names."""
        return [self.switch() for _ in range(n)]

    def host(self, switch: str) -> str:
        """Add a host, cabled to ``switch``; returns its name."""
        self._hosts = number = self._next(self._hosts, MOST_HOSTS, "hosts")
        name = f"h{number}"
        self.graph.add_node(name, kind="host", mac=number.to_bytes(6, "big").hex(":"), ip=str(SUBNET + number))
        self._ports[name] = 0
        self.link(name, switch)
        return name

    def link(self, one: str, other: str) -> None:
        """Add a cable between two nodes, beside those that are there."""
        self._links = self._next(self._links, MOST_LINKS, "links")
        ports = {}
        for name in (one, other):
            ports[name] = self._ports[name]
            self._ports[name] += 1
        self.graph.add_edge(one, other, ports=ports)

    @staticmethod
    def _next(count: int, most: int, what: str) -> int:
        if count == most:
            raise TopologyError(
                f"that is more than {most:,} {what}, the most that Flowpath can hold; take smaller numbers"
            )
        return count + 1
