"""The switches and their ports, as they are now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from controller.model import Event, Port, PortChanged, PortGone, SwitchDown, SwitchReady, SwitchSettled, SwitchUp


@dataclass(frozen=True, slots=True)
class Switch:
    """A connected switch. ``since`` is when it connected.

    ``ready`` says that it has its first rules, ``settled`` that also what its ports lead to is known.
    """

    dpid: int
    address: tuple[str, int]
    since: float
    ports: Mapping[int, Port]
    n_tables: int
    n_buffers: int
    capabilities: int
    ready: bool = False
    settled: bool = False


class Inventory:
    """Kept true by events. A switch that connects anew under its dpid takes the place of what was known."""

    def __init__(self) -> None:
        self._switches: dict[int, Switch] = {}

    def apply(self, event: Event, now: float) -> None:
        """Take in what happened."""
        match event:
            case SwitchUp(dpid, ports, address, n_tables, n_buffers, capabilities):
                by_number = MappingProxyType({port.number: port for port in ports})
                self._switches[dpid] = Switch(dpid, address, now, by_number, n_tables, n_buffers, capabilities)
            case SwitchReady(dpid) if dpid in self._switches:
                self._switches[dpid] = replace(self._switches[dpid], ready=True)
            case SwitchSettled(dpid) if dpid in self._switches:
                self._switches[dpid] = replace(self._switches[dpid], settled=True)
            case SwitchDown(dpid):
                self._switches.pop(dpid, None)
            case PortChanged(dpid, port) if dpid in self._switches:
                self._set_ports(dpid, {**self._switches[dpid].ports, port.number: port})
            case PortGone(dpid, port) if dpid in self._switches:
                known = self._switches[dpid].ports
                self._set_ports(dpid, {number: other for number, other in known.items() if number != port.number})

    def _set_ports(self, dpid: int, ports: dict[int, Port]) -> None:
        self._switches[dpid] = replace(self._switches[dpid], ports=MappingProxyType(ports))

    def switch(self, dpid: int) -> Switch | None:
        """The switch, or None when it is not connected."""
        return self._switches.get(dpid)

    def __iter__(self) -> Iterator[Switch]:
        return iter(self._switches.values())

    def __contains__(self, dpid: int) -> bool:
        return dpid in self._switches

    def __len__(self) -> int:
        return len(self._switches)
