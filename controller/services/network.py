"""The network as applications see it: to be read, never to be changed."""

from __future__ import annotations

from controller.model import Location, Port
from controller.services.inventory import Inventory, Switch


class Network:
    """One view over all services. What an application wants done it says in a Decision."""

    def __init__(self, inventory: Inventory) -> None:
        self._inventory = inventory

    def switches(self) -> list[Switch]:
        """The connected switches, by dpid."""
        return sorted(self._inventory, key=lambda switch: switch.dpid)

    def switch(self, dpid: int) -> Switch | None:
        """The switch, or None when it is not connected."""
        return self._inventory.switch(dpid)

    def port(self, location: Location) -> Port | None:
        """The port, or None where there is none."""
        switch = self._inventory.switch(location.dpid)
        return switch.ports.get(location.port) if switch else None
