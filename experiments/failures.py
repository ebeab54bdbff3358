"""Making a cable fail, and mending it.

*Announced*: both ends are set down; the switches see their ports go, and say so. *Silent*: what comes in at one end is
dropped in the switch there by a rule above all others, the controller's probes with it; the carrier stays up, and the
other direction works on. (Kernels without netem cannot lose packets on the cable itself.)
"""

from __future__ import annotations

import fcntl
import itertools
import socket
import struct
from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from experiments.errors import UserError
from experiments.machine import commands
from experiments.traffic.sightings import Port
from topologies.plan import interface

if TYPE_CHECKING:
    from topologies.plan import Graph

HIGHEST = 65535
"""The greatest priority of a rule."""

_SIOCGIFFLAGS = 0x8913
_SIOCSIFFLAGS = 0x8914
_IFF_UP = 0x1
_REQUEST = struct.Struct("16sH14x")


class Kind(StrEnum):
    """How a cable fails."""

    ANNOUNCED = "announced"
    SILENT = "silent"


class Cable(NamedTuple):
    """A cable between two switches in the direction in which the traffic takes it."""

    upstream: Port
    downstream: Port

    def __str__(self) -> str:
        return f"{self.upstream.switch}-{self.downstream.switch}"


def cables(graph: Graph, way: Sequence[Port]) -> list[Cable]:
    """The cables of a way, given as the ports by which packets come into its switches. Raises ValueError."""
    found = []
    for one, other in itertools.pairwise(way):
        edges = graph.get_edge_data(one.switch, other.switch) or {}
        ports = next((edge["ports"] for edge in edges.values() if edge["ports"][other.switch] == other.number), None)
        if ports is None:
            raise ValueError(f"no cable leads from {one.switch} to port {other.number} of {other.switch}")
        found.append(Cable(Port(one.switch, ports[one.switch]), other))
    return found


def without(graph: Graph, cable: Cable) -> Graph:
    """The network without this cable."""
    rest: Graph = graph.copy()
    ends = (cable.upstream.switch, cable.downstream.switch)
    for key, edge in graph.get_edge_data(*ends).items():
        if edge["ports"] == {port.switch: port.number for port in cable}:
            rest.remove_edge(*ends, key)
    return rest


def fail(cable: Cable, kind: Kind) -> None:
    """Make it fail; it has when this returns. Raises `UserError`."""
    if kind is Kind.ANNOUNCED:
        for end in cable:
            set_up(interface(*end), False)
    else:
        rule = f"table=0,priority={HIGHEST},in_port={cable.downstream.number},actions=drop"
        commands.run(["ovs-ofctl", "-O", "OpenFlow13", "add-flow", cable.downstream.switch, rule])


def mend(cable: Cable, kind: Kind) -> None:
    """Undo `fail`."""
    if kind is Kind.ANNOUNCED:
        for end in cable:
            set_up(interface(*end), True)
    else:
        rule = f"table=0,priority={HIGHEST},in_port={cable.downstream.number}"
        commands.run(["ovs-ofctl", "-O", "OpenFlow13", "--strict", "del-flows", cable.downstream.switch, rule])


def set_up(name: str, up: bool) -> None:
    """Set an interface up or down (netdevice(7)), without the time that starting a command takes."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            answer = fcntl.ioctl(sock, _SIOCGIFFLAGS, _REQUEST.pack(name.encode(), 0))
            (_, flags) = _REQUEST.unpack(answer)
            fcntl.ioctl(sock, _SIOCSIFFLAGS, _REQUEST.pack(name.encode(), flags & ~_IFF_UP | (_IFF_UP if up else 0)))
        except OSError as error:
            raise UserError(f"interface {name} cannot be set {'up' if up else 'down'}: {error.strerror}") from None
