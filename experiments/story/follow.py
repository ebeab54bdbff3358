"""Following one packet through the network: where it was asked about, where a rule carried it, where it went.

Nothing on the OpenFlow channel tells of a packet that a switch knows what to do with. So the packet is followed: from
its host's switch on, by what its query was answered with where there is one, by the rules on the switch where there is
none, along the cables of the graph.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from experiments.story import tables
from experiments.story.exchanges import Exchange, Numbered
from experiments.story.frame import Headers
from experiments.story.tables import Passage, Rule, Tables
from experiments.story.wiring import Place, Wiring


class Replay:
    """The tables of all switches as the captured orders made them, up to a message; time only goes forward."""

    def __init__(self, messages: Sequence[Numbered], wiring: Wiring) -> None:
        self._messages = messages
        self._wiring = wiring
        self._done = 0
        self._tables: dict[str, Tables] = {}

    def advance(self, number: int) -> None:
        """Carry out every order up to and including message ``number``."""
        while self._done < len(self._messages) and self._messages[self._done].number <= number:
            numbered = self._messages[self._done]
            message = numbered.message
            if message.dpid is not None and message.from_switch == (message.name == "FLOW_REMOVED"):
                self.at(self._wiring.switch(message.dpid)).apply(message.name, message.fields, numbered.number)
            self._done += 1

    def at(self, switch: str) -> Tables:
        """The tables of a switch."""
        return self._tables.setdefault(switch, Tables())


@dataclass
class Stop:
    """A packet at a switch: the port it came by, who was asked or which rules knew, the ports it left by."""

    place: Place
    exchange: Exchange | None
    out_ports: tuple[int, ...]
    rules: tuple[Rule, ...] = ()
    copied: bool = False
    """It went on by a rule, and the controller got a copy only."""


@dataclass
class Trace:
    """All stops of a packet and its copies. ``path``: source, switches and target, if it got there.

    ``jumps``: switches that the controller sent the packet out from -> the switch that had asked about it.
    """

    stops: dict[Place, Stop] = field(default_factory=dict)
    jumps: dict[str, str] = field(default_factory=dict)
    arrived: bool = False
    path: tuple[str, ...] = ()

    def on_path(self) -> list[Stop]:
        """The stops on the way, in order."""
        by_node = {stop.place.node: stop for stop in reversed(self.stops.values())}
        return [by_node[node] for node in self.path if node in by_node]

    def elsewhere(self) -> list[Stop]:
        """The other stops that asked: a flood's copies."""
        return [stop for stop in self.stops.values() if stop.place.node not in self.path and stop.exchange]


def follow(
    headers: Headers, ends: tuple[str, str], exchanges: Iterable[Exchange], replay: Replay, wiring: Wiring
) -> Trace:
    """Follow a packet between the hosts ``ends``; ``exchanges`` are the queries about it, ``replay`` advances."""
    source, target = ends
    asked: dict[Place, Exchange] = {}
    for exchange in exchanges:
        asked.setdefault(Place(wiring.switch(exchange.dpid), exchange.headers["in_port"]), exchange)
    trace = Trace()
    waiting = deque([wiring.access(source)])
    while waiting or asked.keys() - trace.stops.keys():
        # A query at a place that nothing led to: an order before it was not seen. The story goes on there.
        place = waiting.popleft() if waiting else next(place for place in asked if place not in trace.stops)
        if place in trace.stops:
            continue
        stop = trace.stops[place] = _stop(place, headers, asked.get(place), replay, wiring)
        for node, ports in [(place.node, stop.out_ports), *_deliveries(stop, replay, wiring)]:
            if node != place.node:
                trace.jumps.setdefault(node, place.node)
            for port in ports:
                peer = wiring.peer(node, port)
                if peer and wiring.is_switch(peer.node):
                    waiting.append(peer)
                trace.arrived |= peer is not None and peer.node == target
    trace.path = _path(trace, source, target, wiring)
    return trace


def _stop(place: Place, headers: Headers, exchange: Exchange | None, replay: Replay, wiring: Wiring) -> Stop:
    here = {**headers, "in_port": place.port}
    if exchange is None:
        passage = replay.at(place.node).passage(here)
        rules = passage.rules if passage.forwards else []
        return Stop(place, None, wiring.resolve(passage.outputs, place.node, place.port), tuple(rules))
    replay.advance(exchange.query.number)
    before = replay.at(place.node).passage(here)
    if exchange.orders:
        replay.advance(exchange.orders[-1].number)
    ports = list(before.outputs)
    if exchange.release:
        ports += released_ports(exchange.release.message.fields, replay.at(place.node), here)
    return Stop(place, exchange, wiring.resolve(ports, place.node, place.port), copied=before.forwards)


def _deliveries(stop: Stop, replay: Replay, wiring: Wiring) -> list[tuple[str, tuple[int, ...]]]:
    """Other switches that the packet was sent out from, and their ports."""
    found = []
    for order in stop.exchange.deliveries if stop.exchange else ():
        switch = wiring.switch(order.message.dpid)
        in_port = order.message.fields.get("in_port", tables.CONTROLLER)
        ports = released_ports(order.message.fields, replay.at(switch), {"in_port": in_port})
        found.append((switch, wiring.resolve(ports, switch, in_port)))
    return found


def released_ports(fields: Mapping[str, Any], held: Tables, headers: Headers) -> list[int]:
    """The ports that a release sends the packet to; by way of the tables where it says so (or is a FLOW_MOD)."""
    if "actions" not in fields:
        return held.outputs(tables.rule_of(fields).actions)
    ports = held.outputs(fields["actions"])
    if tables.TABLE in ports:
        passage: Passage = held.passage(headers)
        ports = [port for port in ports if port != tables.TABLE] + passage.outputs
    return ports


def _path(trace: Trace, source: str, target: str, wiring: Wiring) -> tuple[str, ...]:
    """Back from the target along the ports of arrival; a shortest way when the packet was not seen to get there."""
    if trace.arrived:
        first = wiring.access(source)
        arrivals = {stop.place.node: stop.place for stop in reversed(trace.stops.values())}
        back = [target]
        node: str | None = wiring.access(target).node
        while node is not None and node not in back:
            back.append(node)
            place = arrivals.get(node)
            if place == first:
                return (source, *reversed(back))
            peer = wiring.peer(*place) if place else None
            node = peer.node if peer else trace.jumps.get(node)
    return wiring.way(source, target)
