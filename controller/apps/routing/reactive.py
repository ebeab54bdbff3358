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


class Hop(NamedTuple):
    """A switch on a way: the port that packets come in by, and where it sends them."""

    in_port: int
    place: Location


Way = tuple[Hop, ...]


class Flow(NamedTuple):
    """One direction of a conversation: its match on every switch, port apart, whom it is for, and its way."""

    match: Match
    target: bytes
    way: Way


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
        key = (flow.way[0].place.dpid, flow.match)
        self.remove(*key)
        while len(self._flows) >= self._room:
            self.remove(*next(iter(self._flows)))
        self._flows[key] = flow
        for hop in flow.way:
            self._by_port.setdefault(hop.place, set()).add(key)
        self._by_target.setdefault(flow.target, set()).add(key)

    def remove(self, dpid: int, match: Match) -> None:
        """Forget the flow of this match that begins at this switch."""
        flow = self._flows.pop((dpid, match), None)
        if flow is None:
            return
        for hop in flow.way:
            _discard(self._by_port, hop.place, (dpid, match))
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
        way = _way(network, packet.location, place, match)
        if way is None:
            return Decision(f"{name} is behind {place}, and no way leads there")
        if way[0].place.port == packet.in_port:
            # Another switch still has the rule of a way that is none any more.
            stale = [Remove(switch.dpid, match, table=DESTINATION) for switch in network.switches()]
            return Decision(f"{name} is where the packet came from: its flow begins anew", tuple(stale))
        flow = Flow(match, headers.eth_dst, way)
        self.flows.add(flow)
        *further, first = self._installs(flow)
        return Decision(_reason(name, place, way), tuple(further), (Output(way[0].place.port),), then=(first,))

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
                changed = any(hop.place.dpid in touched[place.dpid] for hop in flow.way)
                if changed and not _is_shortest(flow.way, place, network):
                    yield self._move(flow, network)

    def forget_host(self, mac: bytes, dpids: Iterable[int]) -> list[Order]:
        """Take the rules from and to a host away, wherever they are."""
        for flow in self.flows.of(mac):
            self.flows.remove(flow.way[0].place.dpid, flow.match)
        return [
            Remove(dpid, match, table=DESTINATION)
            for dpid in dpids
            for match in (Match(eth_dst=mac), Match(eth_src=mac))
        ]

    def _move(self, flow: Flow, network: Network) -> Move:
        start = flow.way[0]
        self.flows.remove(start.place.dpid, flow.match)
        place = network.hosts.place(flow.target)
        way = _way(network, Location(start.place.dpid, start.in_port), place, flow.match) if place else None
        kept = {(hop.place.dpid, hop.in_port) for hop in way or ()}
        stale = [hop for hop in flow.way if (hop.place.dpid, hop.in_port) not in kept]
        removals: list[Order] = [_removal(flow, hop) for hop in stale]
        if way is None:
            return removals, []
        moved = flow._replace(way=way)
        self.flows.add(moved)
        *further, first = self._installs(moved)
        return further, [first, *removals]

    def _installs(self, flow: Flow) -> Iterator[Order]:
        """The rules of a flow, from the destination back to the source; the first switch tells when it forgets.

        All look at the port, so that a host that moved is noticed wherever it is now.
        """
        for hop in reversed(flow.way):
            out = (Apply((Output(hop.place.port),)),)
            first = hop is flow.way[0]
            rule = Rule(_match(flow, hop), out, KNOWN, DESTINATION, self._idle_timeout, notify=first)
            yield Install(hop.place.dpid, rule)


def _removal(flow: Flow, hop: Hop) -> Remove:
    return Remove(hop.place.dpid, _match(flow, hop), table=DESTINATION, strict=True, priority=KNOWN)


def _match(flow: Flow, hop: Hop) -> Match:
    return Match.of([*flow.match, ("in_port", hop.in_port)])


def without_port(match: Match) -> Match:
    """The match of a flow, from the match of its rule on a switch."""
    return Match.of((name, value) for name, value in match if name != "in_port")


def _way(network: Network, start: Location, place: Location, match: Match) -> Way | None:
    """The way from the port that packets come in by to the port of a host; None where there is none."""
    path = network.paths.path(start.dpid, place.dpid, _flow_hash(match))
    if path is None:
        return None
    hops = []
    in_port = start.port
    for here in path:
        hops.append(Hop(in_port, here))
        link = next(link for link in network.paths.next_hops(here.dpid, place.dpid) if link.source == here)
        in_port = link.target.port
    return (*hops, Hop(in_port, place))


def _flow_hash(match: Match) -> int:
    """The same for the same flow in every run of the controller."""
    return crc32(repr(match.fields).encode())


def _reason(name: str, place: Location, way: Way) -> str:
    if len(way) == 1:
        return f"{name} is behind port {place.port} of this switch"
    more = len(way) - 1
    return f"{name} is behind {place}, {more} switch{'es' if more > 1 else ''} further: the whole way is ordered"


def _is_shortest(way: Way, place: Location, network: Network) -> bool:
    """Whether every step of a way is one of the best there are."""
    *steps, last = (hop.place for hop in way)
    return last == place and all(
        any(link.source == here for link in network.paths.next_hops(here.dpid, place.dpid)) for here in steps
    )


def _discard(index: dict[Key, set[Value]], key: Key, value: Value) -> None:
    values = index[key]
    values.discard(value)
    if not values:
        del index[key]
