"""A simulated network: switches, hosts and cables on a virtual clock, and messages to and from a controller.

Everything happens in the order of its time; chance (how long a message to the controller takes) comes from the seed
alone. So a seed and the same calls are the same history, anywhere.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import TYPE_CHECKING, NamedTuple, Protocol

from topologies.simulator.hosts import Host, address
from topologies.simulator.ports import Port
from topologies.simulator.switch import Effects, Switch

if TYPE_CHECKING:
    from topologies.plan import Graph

CABLE_DELAY = 20e-6
CONTROL_DELAY = (0.1e-3, 3e-3)
EXPIRY = 1.0
"""Seconds between two looks for rules whose time is over."""
RECONNECT = (0.01, 0.2)
BEGIN = 1000.0


class Place(NamedTuple):
    """A port of a node."""

    node: str
    port: int

    def __str__(self) -> str:
        return f"{self.node}:{self.port}"


@dataclass(eq=False)
class Cable:
    """What joins two ports. ``silent`` are the ends from which nothing comes through, though the carrier is up."""

    ends: tuple[Place, Place]
    delay: float = CABLE_DELAY
    up: bool = True
    silent: set[Place] = field(default_factory=set)

    def other(self, end: Place) -> Place:
        """The other end."""
        return self.ends[self.ends[0] == end]

    def __str__(self) -> str:
        return f"{self.ends[0]}-{self.ends[1]}"


class LoopError(AssertionError):
    """A frame came to the same port of the same switch twice, or went too far."""


class Controller(Protocol):
    """What drives the switches. It is told what they say, and says what they are to be told by `Network.tell`."""

    def connected(self, dpid: int) -> None:
        """A switch has opened its connection."""

    def disconnected(self, dpid: int) -> None:
        """A switch's connection is gone."""

    def heard(self, dpid: int, message: bytes) -> None:
        """A message of a switch."""


Trail = tuple[Place, ...]


class Network:
    """A network made from a graph (`topologies.plan`), with the same names, addresses and ports as the real one."""

    def __init__(self, graph: Graph, seed: int = 0) -> None:
        self.now = BEGIN
        self.random = Random(seed)
        self.switches: dict[str, Switch] = {}
        self.hosts: dict[str, Host] = {}
        self.cables: list[Cable] = []
        self.strict = True
        """Whether a unicast frame, too, may come to no port twice; else it only may not go round without end."""
        self.trails: dict[bytes, Trail] = {}
        """By frame: the ways of those that arrived at the host that they are for, the latest each."""
        self.log: list[str] = []
        """What was done to the network, for whoever must understand a failure."""
        self.controller: Controller | None = None
        self._at: dict[Place, Cable] = {}
        self._names: dict[int, str] = {}
        self._connections: dict[str, int] = {}
        self._last: dict[tuple[str, bool], float] = {}
        self._held: list[tuple[str, int, bytes]] | None = None
        self._asked: dict[tuple[str, bytes], Trail] = {}
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()
        self._build(graph)
        self.at(self.now + EXPIRY, self._expire)

    def _build(self, graph: Graph) -> None:
        for name, node in graph.nodes(data=True):
            if node["kind"] == "switch":
                self.switches[name] = Switch(node["dpid"])
                self._names[node["dpid"]] = name
            else:
                self.hosts[name] = Host(name, bytes.fromhex(node["mac"].replace(":", "")), address(node["ip"]))
        for one, other, edge in graph.edges(data=True):
            ends = [Place(node, edge["ports"][node]) for node in (one, other)]
            for end in ends:
                self._add_port(end, linked=True)
            self._plug(Cable((ends[0], ends[1])))

    def _add_port(self, place: Place, *, linked: bool) -> Effects:
        switch = self.switches.get(place.node)
        if switch is None:
            return Effects()
        mac = (0x02 << 40 | (switch.dpid & 0xFFFFFF) << 16 | place.port).to_bytes(6, "big")
        return switch.add_port(Port(place.port, f"{place.node}-eth{place.port}", mac, linked, since=self.now))

    def _plug(self, cable: Cable) -> None:
        self.cables.append(cable)
        for end in cable.ends:
            self._at[end] = cable

    def name(self, dpid: int) -> str:
        """The switch of this datapath id."""
        return self._names[dpid]

    def place(self, host: str) -> Place:
        """Where a host is plugged in."""
        return self._at[Place(host, 0)].other(Place(host, 0))

    def links(self) -> list[Cable]:
        """The cables between switches."""
        return [cable for cable in self.cables if all(end.node in self.switches for end in cable.ends)]

    # ------------------------------------------------------------ time

    def at(self, time: float, action: Callable[[], None]) -> None:
        """Have something happen at a time."""
        heapq.heappush(self._events, (time, next(self._order), action))

    def run(self, seconds: float) -> None:
        """Let time pass."""
        end = self.now + seconds
        while self._events and self._events[0][0] <= end:
            self.now, _, action = heapq.heappop(self._events)
            action()
        self.now = end

    def run_until(self, reached: Callable[[], bool], within: float, grain: float = 0.05) -> bool:
        """Let time pass until something is so, at most for ``within`` seconds; whether it is."""
        end = self.now + within
        while not reached():
            if self.now >= end:
                return False
            self.run(grain)
        return True

    def _expire(self) -> None:
        for name, switch in self.switches.items():
            self._carry(name, switch.tick(self.now), ())
        self.at(self.now + EXPIRY, self._expire)

    # ------------------------------------------------------------ frames

    def send(self, host: str, *frames: bytes) -> None:
        """Have a host send frames."""
        for frame in frames:
            self._leave(Place(host, 0), frame, ())

    def _leave(self, end: Place, frame: bytes, trail: Trail) -> None:
        cable = self._at.get(end)
        if cable is not None and cable.up and end not in cable.silent:
            self.at(self.now + cable.delay, lambda: self._arrive(cable, cable.other(end), frame, trail))

    def _arrive(self, cable: Cable, end: Place, frame: bytes, trail: Trail) -> None:
        if not cable.up or self._at.get(end) is not cable:
            return
        host = self.hosts.get(end.node)
        if host is not None:
            if frame[:6] == host.mac:
                self.trails[frame] = trail
            self.send(end.node, *host.receive(frame))
            return
        further = (*trail, end)
        if (end in trail and (self.strict or frame[0] & 1)) or len(trail) > 4 * len(self.switches) + 60:
            raise LoopError(f"at {self.now:.6f} {frame[:14].hex()} went round: {' '.join(map(str, further))}")
        self._carry(end.node, self.switches[end.node].arrive(end.port, frame, self.now), further, frame)

    def _carry(self, name: str, effects: Effects, trail: Trail, frame: bytes | None = None) -> None:
        """Have what a switch sends and says go its way."""
        for port, sent in effects.frames:
            self._leave(Place(name, port), sent, trail or self._asked.get((name, sent), ()))
        for connection, message in effects.messages:
            if frame is not None and frame[12:14] != b"\x88\xcc":
                self._asked[name, frame] = trail
            self._say(name, connection, message)

    # ------------------------------------------------------------ the controller

    def connect(self, controller: Controller) -> None:
        """Have a controller drive the switches; they connect to it one after another."""
        for name in self.switches:
            self._disconnect(name)
        self.controller = controller
        for name in self.switches:
            self._connect_soon(name)

    def _connect_soon(self, name: str) -> None:
        self.at(self.now + self.random.uniform(*RECONNECT), lambda: self._connect(name))

    def _connect(self, name: str) -> None:
        if self.controller is None or name in self._connections:
            return
        switch = self.switches[name]
        connection, effects = switch.connect()
        self._connections[name] = connection
        self.controller.connected(switch.dpid)
        self._carry(name, effects, ())

    def _disconnect(self, name: str) -> None:
        connection = self._connections.pop(name, None)
        if connection is not None:
            self.switches[name].disconnect(connection)

    def _soon(self, name: str, upward: bool) -> float:
        """When the next message arrives: some time later, but never before an earlier one of the same connection."""
        key = name, upward
        time = max(self.now + self.random.uniform(*CONTROL_DELAY), self._last.get(key, 0.0))
        self._last[key] = time
        return time

    def _say(self, name: str, connection: int, message: bytes) -> None:
        self.at(self._soon(name, True), lambda: self._heard(name, connection, message))

    def _heard(self, name: str, connection: int, message: bytes) -> None:
        if self._held is not None:
            self._held.append((name, connection, message))
        elif self._connections.get(name) == connection and self.controller is not None:
            self.controller.heard(self.switches[name].dpid, message)

    def tell(self, dpid: int, message: bytes) -> None:
        """Have a message of the controller go to a switch."""
        name = self._names[dpid]
        connection = self._connections.get(name)
        if connection is not None:
            self.at(self._soon(name, False), lambda: self._told(name, connection, message))

    def _told(self, name: str, connection: int, message: bytes) -> None:
        if self._connections.get(name) == connection:
            self._carry(name, self.switches[name].receive(connection, message, self.now), ())

    @property
    def is_silent(self) -> bool:
        """Whether the controller hears nothing."""
        return self._held is not None

    def silence(self) -> None:
        """From now on nothing reaches the controller; it waits."""
        self._held = self._held or []

    def end_silence(self) -> None:
        """The controller hears what has waited."""
        held, self._held = self._held or [], None
        for name, connection, message in held:
            self._heard(name, connection, message)

    # ------------------------------------------------------------ what happens to a network

    def set_link(self, cable: Cable, up: bool) -> None:
        """A cable breaks or is mended; both ends see it."""
        self.log.append(f"{self.now:.3f} {cable} {'up' if up else 'down'}")
        cable.up = up
        for end in cable.ends:
            if end.node in self.switches:
                self._carry(end.node, self.switches[end.node].set_link(end.port, up), ())

    def set_silent(self, cable: Cable, end: Place, silent: bool) -> None:
        """From one end nothing comes through any more, and nobody sees it; or it does again."""
        self.log.append(f"{self.now:.3f} {cable} {'silent' if silent else 'heard again'} from {end}")
        (cable.silent.add if silent else cable.silent.discard)(end)

    def move_host(self, name: str, switch: str) -> None:
        """Unplug a host, and plug it in at a new port of a switch."""
        self.log.append(f"{self.now:.3f} {name} moves to {switch}")
        cable = self._at[Place(name, 0)]
        self.set_link(cable, False)
        self.cables.remove(cable)
        for end in cable.ends:
            del self._at[end]
        port = max(self.switches[switch].pipeline.ports, default=0) + 1
        end = Place(switch, port)
        self._plug(Cable((Place(name, 0), end)))
        self._carry(switch, self._add_port(end, linked=True), ())

    def restart_switch(self, name: str) -> None:
        """A switch loses its tables and its connection, and comes back."""
        self.log.append(f"{self.now:.3f} {name} restarts")
        old = self.switches[name]
        self._disconnect(name)
        if self.controller is not None:
            self.controller.disconnected(old.dpid)
        ports = [
            Port(port.number, port.name, port.mac, port.linked, since=self.now) for port in old.pipeline.ports.values()
        ]
        self.switches[name] = Switch(old.dpid, ports)
        self._connect_soon(name)

    # ------------------------------------------------------------ what hosts do

    def ping(self, source: str, target: str, number: int) -> None:
        """Have one host ping another."""
        self.send(source, *self.hosts[source].ping(self.hosts[target].ip, number))

    def pairs(self) -> Iterator[tuple[str, str]]:
        """All ordered pairs of hosts."""
        return ((one, other) for one in self.hosts for other in self.hosts if one != other)
