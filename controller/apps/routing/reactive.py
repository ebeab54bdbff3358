"""A flow is decided when its first packet asks: the whole way at once, so that only the first switch asks.

The switches own these rules (idle timeout). The controller remembers, of as many as it has room for, which way they
take, so that it can lead them another one when a link fails, before anybody asks again.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple, TypeVar
from zlib import crc32

from controller.model import Apply, Decision, Install, Location, Match, Order, Output, Packet, Remove, Rule, mac_text
from controller.services.network import Network
from controller.southbound.frames import Granularity, Headers

from .pipeline import DESTINATION, KNOWN

REMEMBERED = 100_000

Key = TypeVar("Key")
Value = TypeVar("Value")


Move = tuple[list[Order], list[Order]]
"""What to order so that a flow takes another way: first, and when that is done."""


class Flow(NamedTuple):
    """One direction of a conversation: its match, the port it enters by, and where each switch sends it."""

    match: Match
    in_port: int
    target: bytes
    way: tuple[Location, ...]


class Flows:
    """The flows that are remembered, the longest unheard of forgotten first; found by the ports that they leave by."""

    def __init__(self, room: int = REMEMBERED) -> None:
        self._room = room
        self._flows: OrderedDict[tuple[int, Match], Flow] = OrderedDict()
        self._by_port: dict[Location, set[tuple[int, Match]]] = {}
        self._by_target: dict[bytes, set[tuple[int, Match]]] = {}

    def __len__(self) -> int:
        return len(self._flows)

    def add(self, flow: Flow) -> None:
        """Remember a flow, in place of an older one of the same match from the same switch."""
        key = (flow.way[0].dpid, flow.match)
        self.remove(*key)
        while len(self._flows) >= self._room:
            self.remove(*next(iter(self._flows)))
        self._flows[key] = flow
        for place in flow.way:
            self._by_port.setdefault(place, set()).add(key)
        self._by_target.setdefault(flow.target, set()).add(key)

    def remove(self, dpid: int, match: Match) -> None:
        """Forget the flow of this match that begins at this switch."""
        flow = self._flows.pop((dpid, match), None)
        if flow is None:
            return
        for place in flow.way:
            _discard(self._by_port, place, (dpid, match))
        _discard(self._by_target, flow.target, (dpid, match))

    def through(self, place: Location) -> list[Flow]:
        """The flows that leave a switch by this port."""
        return [self._flows[key] for key in sorted(self._by_port.get(place, ()), key=repr)]

    def targets(self) -> list[bytes]:
        """The MACs that flows lead to."""
        return sorted(self._by_target)

    def toward(self, mac: bytes) -> list[Flow]:
        """The flows to this MAC."""
        return [self._flows[key] for key in sorted(self._by_target.get(mac, ()), key=repr)]

    def of(self, mac: bytes) -> list[Flow]:
        """The flows from or to this MAC."""
        return [flow for flow in self._flows.values() if mac in (flow.match.get("eth_src"), flow.target)]


class Reactive:
    """Decides flows one by one; ``granularity`` says which packets are one flow."""

    def __init__(self, granularity: Granularity, idle_timeout: int) -> None:
        self.flows = Flows()
        self._granularity = granularity
        self._idle_timeout = idle_timeout

    def decide(self, packet: Packet, headers: Headers, place: Location, network: Network) -> Decision:
        """The way of the flow that this packet begins, to the host at ``place``."""
        name = mac_text(headers.eth_dst)
        if place == packet.location:
            return Decision(f"{name} is behind the port that the packet came by: it has it already")
        match = headers.match(self._granularity)
        way = _way(network, packet.dpid, place, match)
        if way is None:
            return Decision(f"{name} is behind {place}, and no way leads there")
        if way[0].port == packet.in_port:
            # Another switch still has the rule of a way that is none any more.
            stale = [Remove(switch.dpid, match, table=DESTINATION) for switch in network.switches()]
            return Decision(f"{name} is where the packet came from: its flow begins anew", tuple(stale))
        flow = Flow(match, packet.in_port, headers.eth_dst, way)
        self.flows.add(flow)
        *further, first = self._installs(flow)
        return Decision(_reason(name, place, way), tuple(further), (Output(way[0].port),), then=(first,))

    def lead_around(self, place: Location, network: Network) -> Iterator[Move]:
        """New ways for the flows that left by a port that is lost."""
        for flow in self.flows.through(place):
            yield self._move(flow, network)

    def shorten(self, touched: Mapping[int, frozenset[int]], network: Network) -> Iterator[Move]:
        """New ways for the flows that could take a shorter one, where next hops changed."""
        for mac in self.flows.targets():
            place = network.hosts.place(mac)
            if place is None or place.dpid not in touched:
                continue
            for flow in self.flows.toward(mac):
                changed = any(here.dpid in touched[place.dpid] for here in flow.way)
                if changed and not _is_shortest(flow.way, place, network):
                    yield self._move(flow, network)

    def forget_host(self, mac: bytes, dpids: Iterable[int]) -> list[Order]:
        """Take the rules from and to a host away, wherever they are."""
        for flow in self.flows.of(mac):
            self.flows.remove(flow.way[0].dpid, flow.match)
        return [
            Remove(dpid, match, table=DESTINATION)
            for dpid in dpids
            for match in (Match(eth_dst=mac), Match(eth_src=mac))
        ]

    def _move(self, flow: Flow, network: Network) -> Move:
        start = flow.way[0].dpid
        self.flows.remove(start, flow.match)
        place = network.hosts.place(flow.target)
        way = _way(network, start, place, flow.match) if place else None
        stale = {here.dpid for here in flow.way} - {here.dpid for here in way or ()}
        removals: list[Order] = [self._removal(flow, dpid) for dpid in sorted(stale)]
        if way is None:
            return removals, []
        moved = flow._replace(way=way)
        self.flows.add(moved)
        *further, first = self._installs(moved)
        return further, [first, *removals]

    def _installs(self, flow: Flow) -> Iterator[Order]:
        """The rules of a flow, from the destination back to the source; the first switch tells when it forgets."""
        for here in reversed(flow.way):
            first = here is flow.way[0]
            match = self._match(flow, here.dpid)
            out = (Apply((Output(here.port),)),)
            rule = Rule(match, out, KNOWN, DESTINATION, self._idle_timeout, notify=first)
            yield Install(here.dpid, rule)

    def _removal(self, flow: Flow, dpid: int) -> Remove:
        return Remove(dpid, self._match(flow, dpid), table=DESTINATION, strict=True, priority=KNOWN)

    def _match(self, flow: Flow, dpid: int) -> Match:
        """Only the first switch looks at the port: there a host that moved shall be noticed."""
        if dpid != flow.way[0].dpid:
            return flow.match
        return Match.of([*flow.match, ("in_port", flow.in_port)])


def without_port(match: Match) -> Match:
    """The match of a flow, from the match of its rule on the first switch."""
    return Match.of((name, value) for name, value in match if name != "in_port")


def _way(network: Network, start: int, place: Location, match: Match) -> tuple[Location, ...] | None:
    path = network.paths.path(start, place.dpid, _flow_hash(match))
    return None if path is None else (*path, place)


def _flow_hash(match: Match) -> int:
    """The same for the same flow in every run of the controller."""
    return crc32(repr(match.fields).encode())


def _reason(name: str, place: Location, way: tuple[Location, ...]) -> str:
    if len(way) == 1:
        return f"{name} is behind port {place.port} of this switch"
    more = len(way) - 1
    return f"{name} is behind {place}, {more} switch{'es' if more > 1 else ''} further: the whole way is ordered"


def _is_shortest(way: tuple[Location, ...], place: Location, network: Network) -> bool:
    """Whether every step of a way is one of the best there are."""
    *steps, last = way
    return last == place and all(
        any(link.source == here for link in network.paths.next_hops(here.dpid, place.dpid)) for here in steps
    )


def _discard(index: dict[Key, set[Value]], key: Key, value: Value) -> None:
    values = index[key]
    values.discard(value)
    if not values:
        del index[key]
