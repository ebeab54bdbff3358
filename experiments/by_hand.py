"""Fast failover as one writes it by hand, with ``ovs-ofctl``: one way, one detour, one group. No controller has a part.

The rules match nothing but the reference stream, above all others, so that it and the controller's stream meet the
same failure at the same moment.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING

import networkx as nx

from experiments.failures import Cable, cables, without
from experiments.machine import commands
from experiments.traffic.sightings import Port

if TYPE_CHECKING:
    from topologies.plan import Graph

PRIORITY = 60_000
GROUP = 4_000_000_000

_OFCTL = ("ovs-ofctl", "-O", "OpenFlow13")


class Reference:
    """Rules that lead UDP to ``udp_port`` along ``way`` to ``target``, and around ``cable`` when that fails.

    ``way`` is given as the ports by which packets come into its switches. Raises `networkx.NetworkXNoPath` when there
    is no way around.
    """

    def __init__(self, graph: Graph, way: Sequence[Port], cable: Cable, target: str, udp_port: int) -> None:
        self._match = f"table=0,priority={PRIORITY},udp,tp_dst={udp_port}"
        self.protector = cable.upstream.switch
        self.rules: dict[Port, str] = {}
        """The port by which packets come in -> what is done with them there."""
        at = next(port for port in way if port.switch == self.protector)
        rest = without(graph, cable)
        around = self._lead(rest, nx.shortest_path(rest, self.protector, target), at)
        for link in cables(graph, way):
            entry = next(port for port in way if port.switch == link.upstream.switch)
            self.rules[entry] = _output(entry, link.upstream.number)
        self._lead(graph, (way[-1].switch, target), way[-1])
        self.group = (
            f"group_id={GROUP},type=ff,"
            f"bucket=watch_port:{cable.upstream.number},actions={_output(at, cable.upstream.number)},"
            f"bucket=watch_port:{around},actions={_output(at, around)}"
        )
        self.rules[at] = f"group:{GROUP}"

    def _lead(self, graph: Graph, nodes: Sequence[str], entry: Port) -> int:
        """Rules along ``nodes`` for what enters the first of them by ``entry``; returns the port that it leaves by."""
        ways_out = []
        for one, other in itertools.pairwise(nodes):
            ports = next(iter(graph.get_edge_data(one, other).values()))["ports"]
            self.rules[entry] = _output(entry, ports[one])
            ways_out.append(ports[one])
            entry = Port(other, ports[other])
        return int(ways_out[0])

    def install(self) -> None:
        """Write them into the switches. Raises `CommandFailed`."""
        commands.run([*_OFCTL, "add-group", self.protector, self.group])
        for port, actions in self.rules.items():
            rule = f"{self._match},in_port={port.number},actions={actions}"
            commands.run([*_OFCTL, "add-flow", port.switch, rule])

    def remove(self) -> None:
        """Take them out again."""
        for port in self.rules:
            commands.run([*_OFCTL, "--strict", "del-flows", port.switch, f"{self._match},in_port={port.number}"])
        commands.run([*_OFCTL, "del-groups", self.protector, f"group_id={GROUP}"])


def _output(entry: Port, number: int) -> str:
    """OpenFlow sends a packet back by the port it came from only when told so (§5.12)."""
    return "in_port" if entry.number == number else f"output:{number}"
