"""A deterministic OpenFlow 1.3 network in one process, on a virtual clock."""

from __future__ import annotations

from topologies.simulator.driver import InMemory
from topologies.simulator.network import Cable, LoopError, Network, Place
from topologies.simulator.switch import Effects, Switch

__all__ = ["Cable", "Effects", "InMemory", "LoopError", "Network", "Place", "Switch"]
