"""Networks for the tests: random ones as events, and cables that carry probes on a virtual clock."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from itertools import count
from typing import TypeVar

import networkx as nx
from hypothesis import strategies as st

from controller.model import (
    Alarm,
    Event,
    Link,
    LinkDown,
    LinkUp,
    Location,
    Output,
    Packet,
    Port,
    PortChanged,
    Send,
    SwitchDown,
    SwitchReady,
    SwitchUp,
)
from controller.services.topology import Topology, TopologySettings


def both(link: Link) -> tuple[Link, Link]:
    """The two directions of a cable."""
    return link, Link(link.target, link.source)


def cables(pairs: Iterable[tuple[int, int]]) -> list[Link]:
    """Cables between switches, on ports counted up from 1 on each switch."""
    ports: dict[int, count[int]] = {}

    def plug(dpid: int) -> Location:
        return Location(dpid, next(ports.setdefault(dpid, count(1))))

    return [Link(plug(one), plug(other)) for one, other in pairs]


@st.composite
def histories(draw: st.DrawFn, directed: bool = False) -> tuple[list[Event], dict[Link, int]]:
    """Switches, parallel cables and loops of a few, coming and going in any order, and what each link costs.

    Cables go as wholes unless ``directed``, when their directions come and go by themselves.
    """
    switches = list(range(1, draw(st.integers(2, 9)) + 1))
    ends = st.sampled_from(switches)
    wires = cables(draw(st.lists(st.tuples(ends, ends), max_size=22)))
    costs = {}
    for wire in wires:
        cost = draw(st.integers(1, 3))
        there, back = both(wire)
        costs[there], costs[back] = cost, draw(st.integers(1, 3)) if directed else cost
    events: list[Event] = [SwitchUp(dpid) for dpid in switches]
    units = [(link,) for wire in wires for link in both(wire)] if directed else [both(wire) for wire in wires]
    events += [LinkUp(link) for unit in units if draw(st.booleans()) for link in unit]
    changes = [*[(kind, unit) for unit in units for kind in (LinkUp, LinkDown)]]
    for choice in draw(st.lists(st.integers(0, len(changes) + len(switches) - 1), max_size=25)) if changes else []:
        if choice < len(changes):
            kind, unit = changes[choice]
            events += [kind(link) if kind is LinkUp else LinkDown(link, "test") for link in unit]
        else:
            dpid = switches[choice - len(changes)]
            events += [SwitchDown(dpid), SwitchUp(dpid)]
    return events, costs


def graph_of(events: Iterable[Event], costs: dict[Link, int]) -> nx.MultiDiGraph[int]:
    """The graph that events leave behind, built without anything under test."""
    graph: nx.MultiDiGraph[int] = nx.MultiDiGraph()
    for event in events:
        match event:
            case SwitchUp(dpid=dpid):
                graph.add_node(dpid)
            case SwitchDown(dpid=dpid):
                graph.remove_node(dpid)
            case LinkUp(link=link):
                graph.add_edge(link.source.dpid, link.target.dpid, link, cost=costs[link])
            case LinkDown(link=link) if graph.has_edge(link.source.dpid, link.target.dpid, link):
                graph.remove_edge(link.source.dpid, link.target.dpid, link)
    return graph


Kind = TypeVar("Kind")


class Wires:
    """Switches with cables between their ports; carries the probes of a `Topology` under test and keeps the time."""

    def __init__(self, wires: Iterable[Link], settings: TopologySettings | None = None, delay: float = 0.002) -> None:
        self.topology = Topology(b"the key of one controller", settings)
        self.now = 1000.0
        self.delay = delay
        self.far_end = {link.source: link.target for wire in wires for link in both(wire)}
        self.cut: set[Location] = set()
        """Ports whose frames are lost on the way, while the carrier stays up."""
        self.losing: dict[Location, int] = {}
        """How many of the next frames from a port are lost."""
        self.sent: list[tuple[float, Send]] = []
        self.batches: list[tuple[float, int, int]] = []
        self.events: list[tuple[float, Event]] = []
        self._arriving: list[tuple[float, int, Packet]] = []
        self._order = count()

    def connect(self, *dpids: int, extra: Iterable[Location] = ()) -> None:
        """Have switches connect and be ready now, with every cabled port and the extra ones up."""
        for dpid in dpids:
            ends = sorted({end for end in [*self.far_end, *extra] if end.dpid == dpid})
            self.apply(SwitchUp(dpid, tuple(port(end) for end in ends)))
            self.apply(SwitchReady(dpid))

    def apply(self, event: Event) -> None:
        """Have the topology know of an event now, and send what it asks for."""
        self._record(self.topology.apply(event, self.now))
        self._tick()

    def set_port(self, location: Location, up: bool) -> None:
        """Have a port go up or down now."""
        self.apply(PortChanged(location.dpid, port(location, up=up)))

    def inject(self, frame: bytes, location: Location) -> list[Event]:
        """Have a frame come up from a port now."""
        events = self.topology.receive(Packet(location.dpid, location.port, frame), self.now)
        self._record(events)
        self._tick()
        return events

    def run(self, seconds: float) -> None:
        """Let time pass."""
        end = self.now + seconds
        while True:
            arrival = self._arriving[0][0] if self._arriving else end + 1
            moment = min(arrival, self.topology.next_due)
            if moment > end:
                break
            self.now = max(self.now, moment)
            if arrival <= moment:
                _, _, packet = heapq.heappop(self._arriving)
                self._record(self.topology.receive(packet, self.now))
            self._tick()
        self.now = end

    def of(self, kind: type[Kind]) -> list[Kind]:
        """The events of one kind so far."""
        return [event for _, event in self.events if isinstance(event, kind)]

    @property
    def alarms(self) -> list[tuple[str, Location]]:
        """What was reported so far, and where."""
        return [(event.kind, event.location) for _, event in self.events if isinstance(event, Alarm)]

    def _record(self, events: Iterable[Event]) -> None:
        self.events += [(self.now, event) for event in events]

    def _tick(self) -> None:
        turn = self.topology.tick(self.now)
        self._record(turn.events)
        for dpid, sends in turn.probes.items():
            self.batches.append((self.now, dpid, len(sends)))
            for send in sends:
                assert send.dpid == dpid
                self.sent.append((self.now, send))
                self._carry(send)

    def _carry(self, send: Send) -> None:
        source = way_out(send)
        target = self.far_end.get(source)
        lost = self.losing.get(source, 0)
        if lost:
            self.losing[source] = lost - 1
        elif target is not None and source not in self.cut:
            packet = Packet(target.dpid, target.port, send.frame)
            heapq.heappush(self._arriving, (self.now + self.delay, next(self._order), packet))


def way_out(send: Send) -> Location:
    """The port by which an order sends its frame."""
    (action,) = send.actions
    assert isinstance(action, Output)
    return Location(send.dpid, action.port)


def port(location: Location, up: bool = True) -> Port:
    """A port as its switch describes it."""
    mac = (0x02 << 40 | location.dpid << 16 | location.port & 0xFFFF).to_bytes(6)
    name = f"s{location.dpid}-eth{location.port}"
    return Port(location.port, name, mac, up, curr_speed=10_000_000 // location.dpid)


A1, A2, A3 = (Location(1, number) for number in (1, 2, 3))
B1, B2, B3 = (Location(2, number) for number in (1, 2, 3))


def pair() -> Wires:
    """Two switches, one cable between their ports 1, and two more ports each that are up."""
    net = Wires(cables([(1, 2)]))
    net.connect(1, 2, extra=[A2, A3, B2, B3])
    return net


def linked(net: Wires) -> set[Link]:
    return set(net.topology.links())


def ring(size: int) -> Wires:
    net = Wires(cables([(number, number % size + 1) for number in range(1, size + 1)]))
    net.connect(*range(1, size + 1), extra=[Location(number, 9) for number in range(1, size + 1)])
    return net


def last_probe(net: Wires, location: Location) -> bytes:
    """What a host behind this port has heard last."""
    return next(send.frame for _, send in reversed(net.sent) if way_out(send) == location)
