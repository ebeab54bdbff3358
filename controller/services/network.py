"""The network as applications see it: to be read, never to be changed."""

from __future__ import annotations

from controller.model import Location, Port
from controller.services import flooding
from controller.services.flooding import FloodTree
from controller.services.hosts import Hosts
from controller.services.inventory import Inventory, Switch
from controller.services.paths import Paths
from controller.services.statistics import Statistics
from controller.services.topology import Topology


class Network:
    """One view over all services. What an application wants done it says in a Decision.

    ``hosts.find`` is the one thing that an application may have a service do: it returns what is to be sent for it.
    """

    def __init__(
        self,
        *,
        inventory: Inventory,
        topology: Topology,
        paths: Paths,
        tree: FloodTree,
        hosts: Hosts,
        statistics: Statistics,
    ) -> None:
        self.inventory = inventory
        self.topology = topology
        self.paths = paths
        self.tree = tree
        self.hosts = hosts
        self.statistics = statistics

    def switches(self) -> list[Switch]:
        """The connected switches, by dpid."""
        return sorted(self.inventory, key=lambda switch: switch.dpid)

    def switch(self, dpid: int) -> Switch | None:
        """The switch, or None when it is not connected."""
        return self.inventory.switch(dpid)

    def port(self, location: Location) -> Port | None:
        """The port, or None where there is none."""
        switch = self.inventory.switch(location.dpid)
        return switch.ports.get(location.port) if switch else None

    def is_edge(self, location: Location) -> bool:
        """Whether hosts may be behind this port: it is up and no switch was ever heard there."""
        return self.topology.is_edge(location)

    def flood_ports(self, dpid: int) -> list[int]:
        """Where a switch sends broadcast, save where it came from, in ascending order: edge ports and the tree's."""
        return flooding.flood_ports(self.tree, self.topology, dpid)
