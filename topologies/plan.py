"""A network on paper: switches, hosts and cables are added, names, addresses and port numbers follow.

The result is a :class:`networkx.MultiGraph`, the one description from which everything else is made.

Nodes are names, with these attributes:

- ``kind``: ``"switch"`` or ``"host"``;
- a switch ``s7`` has ``dpid`` (int): 7;
- a host ``h7`` has ``mac`` (str): ``"00:00:00:00:00:07"`` and ``ip`` (str): ``"10.0.0.7"``, in a subnet of
  ``prefix_length`` bits (int; 8 where it is missing);
- where they are known: ``label`` (str), the name that people give it; ``layer`` (int) of a switch in a network with
  storeys, 0 the top; ``latitude`` and ``longitude`` (float, degrees); ``vlan`` (int) of a host.

Edges have ``ports`` (dict): the port number at each of the two ends by node name. Ports of a switch are numbered from
1 in the order in which its cables were added (``s1-eth1`` is OpenFlow port 1); a host's first port is 0 (``h1-eth0``).
What a cable shall be, where it is asked for: ``bandwidth`` (float, bit/s each way), ``delay`` (float, seconds one way),
``loss`` (float, the share of frames lost, 0 to 1), ``vlans`` (tuple of int, those it carries). `WISHES` names them.

The graph itself has ``spec`` (str, what it was made from), ``family`` (str; ``"file"`` for a file), ``size`` (tuple of
numbers, the family's parameters) and ``notes`` (tuple of str, what of a file could not be taken over).

The same calls give the same network anywhere.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address
from typing import TYPE_CHECKING, Any

import networkx as nx

from topologies.errors import TopologyError

if TYPE_CHECKING:
    Graph = nx.MultiGraph[str]

MOST_SWITCHES = 10_000
MOST_HOSTS = 100_000
MOST_LINKS = 200_000

WISHES = ("bandwidth", "delay", "loss", "vlans")
"""Attributes by which a cable differs from an ideal one."""

SUBNET = IPv4Address("10.0.0.0")
PREFIX_LENGTH = 8


def interface(node: str, port: int) -> str:
    """The name of a node's interface."""
    return f"{node}-eth{port}"


def port_mac(dpid: int, port: int) -> str:
    """The MAC address of a switch's port: locally administered, the datapath id and the port number in it."""
    return (0x02 << 40 | (dpid & 0xFFFFFF) << 16 | port).to_bytes(6, "big").hex(":")


def host_mac(number: int) -> str:
    """The MAC address of the host with this number, counted from 1."""
    return number.to_bytes(6, "big").hex(":")


def host_ip(number: int) -> str:
    """The IP address of the host with this number, counted from 1."""
    return str(SUBNET + number)


class Plan:
    """Builds a graph. Raises `TopologyError` at the first switch, host or link beyond what Flowpath can hold."""

    def __init__(self) -> None:
        self.graph: Graph = nx.MultiGraph()
        self._switches = 0
        self._hosts = 0
        self._links = 0
        self._ports: dict[str, int] = {}

    def switch(self, **about: Any) -> str:
        """Add a switch with further attributes; returns its name. ``name`` and ``dpid`` replace those it would get."""
        self._switches = self._next(self._switches, MOST_SWITCHES, "switches")
        name = str(about.pop("name", f"s{self._switches}"))
        self.graph.add_node(name, **{"kind": "switch", "dpid": self._switches, **about})
        self._ports[name] = 1
        return name

    def switches(self, n: int, **about: Any) -> list[str]:
        """Add ``n`` switches, all with the same attributes; returns their names."""
        return [self.switch(**about) for _ in range(n)]

    def host(self, switch: str | None, **about: Any) -> str:
        """Add a host, cabled to ``switch``; returns its name. ``name``, ``mac``, ``ip`` replace those it would get."""
        self._hosts = number = self._next(self._hosts, MOST_HOSTS, "hosts")
        name = str(about.pop("name", f"h{number}"))
        self.graph.add_node(name, **{"kind": "host", "mac": host_mac(number), "ip": host_ip(number), **about})
        self._ports[name] = 0
        if switch is not None:
            self.link(name, switch)
        return name

    def hosts(self, switches: Iterable[str], each: int = 1) -> None:
        """Add ``each`` hosts to every switch."""
        for switch in switches:
            for _ in range(each):
                self.host(switch)

    def link(self, one: str, other: str, **wishes: Any) -> None:
        """Add a cable between two nodes, beside those that are there."""
        self._links = self._next(self._links, MOST_LINKS, "links")
        ports = {}
        for name in (one, other):
            ports[name] = self._ports[name]
            self._ports[name] += 1
        self.graph.add_edge(one, other, ports=ports, **wishes)

    def links(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Add a cable for every pair."""
        for one, other in pairs:
            self.link(one, other)

    @staticmethod
    def _next(count: int, most: int, what: str) -> int:
        if count == most:
            raise TopologyError(
                f"that is more than {most:,} {what}, the most that Flowpath can hold; take smaller numbers"
            )
        return count + 1
