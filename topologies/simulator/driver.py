"""The network operating system in memory: no Ryu, no socket, the clock of the simulated network."""

from __future__ import annotations

from controller.model import Port, SwitchUp
from controller.network_os import NetworkOS
from controller.services.rules import Outgoing
from controller.southbound import openflow
from controller.southbound.replies import Features, MultipartReply
from controller.southbound.wire import MessageType
from topologies.simulator.network import Network

GRAIN = 0.002
"""Seconds between two ticks, at least."""


class InMemory:
    """Does for a `NetworkOS` what its Ryu application does: shakes hands, carries messages, tells the time."""

    def __init__(self, network: Network, network_os: NetworkOS) -> None:
        self.network = network
        self.network_os = network_os
        self._greeting: dict[int, list[Port]] = {}
        self._features: dict[int, Features] = {}
        self._up: set[int] = set()
        self._ended = False
        self._due = float("inf")
        self._schedule()

    def end(self) -> None:
        """The controller's process is killed."""
        self._ended = True

    # ------------------------------------------------------------ connections

    def connected(self, dpid: int) -> None:
        """A switch has opened its connection: greet it and ask who it is."""
        self._greeting[dpid] = []
        self._features.pop(dpid, None)
        for message in (
            openflow.hello(1),
            openflow.features_request(2),
            openflow.set_config(3),
            openflow.port_request(4),
        ):
            self.network.tell(dpid, message)

    def disconnected(self, dpid: int) -> None:
        """A switch's connection is gone."""
        if self._ended or dpid not in self._up:
            return
        self._up.discard(dpid)
        self._send(self.network_os.switch_down(dpid, self.network.now))

    def heard(self, dpid: int, message: bytes) -> None:
        """A message of a switch."""
        if self._ended:
            return
        now = self.network.now
        if dpid not in self._up:
            self._greet(dpid, message)
        elif message[1] == MessageType.PACKET_IN:
            self._send(self.network_os.packet_in(dpid, message, now))
        else:
            self._send(self.network_os.message(dpid, message, now))

    def _greet(self, dpid: int, message: bytes) -> None:
        said = openflow.decode(dpid, message)
        if isinstance(said, Features):
            self._features[dpid] = said
        elif isinstance(said, MultipartReply):
            ports = self._greeting[dpid]
            ports += [part for part in said.parts if isinstance(part, Port)]
            if not said.more:
                self._up.add(dpid)
                known = self._features[dpid]
                sizes = (known.n_tables, known.n_buffers, known.capabilities)
                up = SwitchUp(dpid, tuple(ports), (self.network.name(dpid), 0), *sizes)
                self._send(self.network_os.switch_up(up, self.network.now))

    # ------------------------------------------------------------ messages and time

    def _send(self, outgoing: Outgoing) -> None:
        for dpid, message in outgoing:
            self.network.tell(dpid, message)
        self._schedule()

    def _schedule(self) -> None:
        due = max(self.network_os.next_due, self.network.now + GRAIN)
        if due < self._due:
            self._due = due
            self.network.at(due, lambda: self._tick(due))

    def _tick(self, due: float) -> None:
        if self._ended or due != self._due:
            return
        self._due = float("inf")
        if self.network.is_silent:
            self._due = self.network.now + GRAIN
            again = self._due
            self.network.at(again, lambda: self._tick(again))
            return
        self._send(self.network_os.tick(self.network.now))
