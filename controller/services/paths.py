"""Shortest paths between switches, kept ready while links come and go.

For every destination that was ever asked for, the distances of all switches to it are kept; a switch's next hops are
its links that lead strictly closer by exactly their cost, so they form an acyclic graph, and following any of them
cannot loop. Costs are whole numbers from 1 (as OSPF's are), so that "equally far" is exact.

A change of one link touches only the destinations that it matters to, and of these only the switches whose distance
it changes (G. Ramalingam and T. Reps, "On the computational complexity of dynamic graph problems", 1996): a link that
goes matters to a destination only if it was a next hop; then the switches that had no other way in are settled anew,
from their neighbours that kept theirs. The first computation for a destination is the same procedure, with everything
to be settled. Measured (1,000 switches, 4,000 cables; ``experiments/benchmarks/paths.py``), this is what makes a
compiled library unnecessary: a first computation takes twice scipy's or rustworkx's time and half of networkx's,
while a repair touches so little that handing the graph to a library would cost more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from heapq import heapify, heappop, heappush
from math import ceil, inf

from controller import model
from controller.model import Event, Link, Location

Cost = Callable[[Link], int]
"""What it costs to use a link: at least 1. Asked once, when the link comes up."""

Path = tuple[Location, ...]
"""The switches to cross and the port to leave each by; empty where source and destination are the same."""

Touched = dict[int, set[int]]
"""Destination -> the switches whose next hops to it may have changed."""


def hops(_link: Link) -> int:
    """Every link costs the same."""
    return 1


def inverse_bandwidth(speed: Callable[[Link], int], reference: int = 100_000_000) -> Cost:
    """Costs ``reference`` / speed (both kbit/s; the reference, 100 Gbit/s, costs 1), as OSPF has it (RFC 2328 §C.3).

    A link that does not tell its speed counts as 1 Gbit/s.
    """
    return lambda link: max(1, reference // (speed(link) or 1_000_000))


def latency(seconds: Callable[[Link], float]) -> Cost:
    """Costs a link's delay in microseconds."""
    return lambda link: max(1, ceil(seconds(link) * 1e6))


def per_link(costs: dict[Link, int], otherwise: Cost = hops) -> Cost:
    """Costs what is written for a link, and where nothing is, what another rule says."""
    return lambda link: costs[link] if link in costs else otherwise(link)


class _Destination:
    """Distances of all switches to one of them; switches that cannot reach it are absent."""

    __slots__ = ("distance", "hops")

    def __init__(self, dpid: int) -> None:
        self.distance: dict[int, int] = {dpid: 0}
        self.hops: dict[int, tuple[Link, ...]] = {}


class Paths:
    """The graph of switches and links that events describe, and the shortest paths in it.

    ``generation`` rises with every change of the graph: an answer is good for as long as it stays the same.
    """

    def __init__(self, cost: Cost = hops) -> None:
        self.generation = 0
        self._cost = cost
        self._leaving: dict[int, dict[Link, int]] = {}
        self._entering: dict[int, dict[Link, int]] = {}
        self._toward: dict[int, _Destination] = {}

    # ------------------------------------------------------------ questions

    def switches(self) -> Iterator[int]:
        """Every switch."""
        return iter(self._leaving)

    def links_from(self, dpid: int) -> dict[Link, int]:
        """The links that leave a switch, with their costs. A link of a switch to itself is on no path and not here."""
        return self._leaving.get(dpid, {})

    def distance(self, source: int, target: int) -> int | None:
        """The cost of a shortest path, None where there is no path."""
        if target not in self._leaving:
            return None
        return self._destination(target).distance.get(source)

    def next_hops(self, source: int, target: int) -> tuple[Link, ...]:
        """The links by which a shortest path from source to target may begin, sorted; none at the target itself."""
        if target not in self._leaving:
            return ()
        toward = self._destination(target)
        found = toward.hops.get(source)
        return self._find_hops(toward, source) if found is None else found

    def path(self, source: int, target: int, flow: int = 0) -> Path | None:
        """One of the shortest paths, None where there is none. ``flow``, a hash, chooses among equals at every hop."""
        if target not in self._leaving:
            return None
        toward = self._destination(target)
        if source not in toward.distance:
            return None
        known = toward.hops
        path = []
        while source != target:
            found = known.get(source)
            if found is None:
                found = self._find_hops(toward, source)
            if len(found) > 1:
                # What the choice used up of the hash is divided away, so that the next hop's choice is independent.
                flow, chosen = divmod(flow, len(found))
                link = found[chosen]
            else:
                link = found[0]
            path.append(link.source)
            source = link.target.dpid
        return tuple(path)

    # ------------------------------------------------------------ changes

    def apply(self, event: Event) -> Touched:
        """Take in a change, and tell whose next hops it touched, for the destinations asked for so far."""
        match event:
            case model.SwitchUp(dpid=dpid) if dpid not in self._leaving:
                self._leaving[dpid], self._entering[dpid] = {}, {}
                self.generation += 1
            case model.SwitchDown(dpid=dpid) if dpid in self._leaving:
                return self._remove_switch(dpid)
            case model.LinkUp(link=link):
                return self.set_cost(link, self._cost(link))
            case model.LinkDown(link=link):
                return self._remove(link)
        return {}

    def set_cost(self, link: Link, cost: int) -> Touched:
        """Have the link in the graph at this cost. Raises ValueError for one below 1.

        Links of unknown switches and of a switch to itself are left out.
        """
        if cost < 1:
            raise ValueError(f"the cost of a link is at least 1, not {cost}")
        source, target = link.source.dpid, link.target.dpid
        if source == target or source not in self._leaving or target not in self._leaving:
            return {}
        if self._leaving[source].get(link) == cost:
            return {}
        touched = self._remove(link)
        self._leaving[source][link] = self._entering[target][link] = cost
        self.generation += 1
        for dpid, toward in self._toward.items():
            nearer = toward.distance.get(target, inf) + cost
            if nearer < toward.distance.get(source, inf):
                toward.hops.pop(source, None)
                changed = self._settle(toward, [(int(nearer), source)])
            elif nearer == toward.distance.get(source):
                toward.hops.pop(source, None)
                changed = {source}
            else:
                continue
            touched.setdefault(dpid, set()).update(changed)
        return touched

    def _remove(self, link: Link) -> Touched:
        source, target = link.source.dpid, link.target.dpid
        cost = self._leaving.get(source, {}).pop(link, None)
        if cost is None:
            return {}
        del self._entering[target][link]
        self.generation += 1
        touched = {}
        for dpid, toward in self._toward.items():
            distance = toward.distance
            if target in distance and distance[source] == cost + distance[target]:
                toward.hops.pop(source, None)
                touched[dpid] = self._cut_off(toward, source) or {source}
        return touched

    def _remove_switch(self, dpid: int) -> Touched:
        touched: Touched = {}
        for link in [*self._leaving[dpid], *self._entering[dpid]]:
            for destination, switches in self._remove(link).items():
                touched.setdefault(destination, set()).update(switches)
        del self._leaving[dpid], self._entering[dpid]
        self._toward.pop(dpid, None)
        self.generation += 1
        return touched

    # ------------------------------------------------------------ distances

    def _destination(self, dpid: int) -> _Destination:
        toward = self._toward.get(dpid)
        if toward is None:
            toward = self._toward[dpid] = _Destination(dpid)
            del toward.distance[dpid]
            self._settle(toward, [(0, dpid)])
        return toward

    def _settle(self, toward: _Destination, candidates: list[tuple[int, int]]) -> set[int]:
        """Dijkstra's algorithm, backwards along the links, from (distance, switch) candidates on.

        Distances only shrink. Returns the switches whose next hops may have changed.
        """
        distance, known, entering = toward.distance, toward.hops, self._entering
        heapify(candidates)
        touched: set[int] = set()
        while candidates:
            far, dpid = heappop(candidates)
            if distance.get(dpid, inf) <= far:
                continue
            distance[dpid] = far
            known.pop(dpid, None)
            touched.add(dpid)
            for link, cost in entering[dpid].items():
                neighbour = link.source.dpid
                through = far + cost
                there = distance.get(neighbour, inf)
                if through < there:
                    heappush(candidates, (through, neighbour))
                elif through == there:
                    known.pop(neighbour, None)
                    touched.add(neighbour)
        return touched

    def _cut_off(self, toward: _Destination, start: int) -> set[int]:
        """Find anew the distances of a switch that lost a next hop, and of those that depended on it.

        Returns the switches whose next hops may have changed; empty when the first still has a next hop.
        """
        distance, known = toward.distance, toward.hops
        lost: dict[int, int] = {}
        doubtful = [start]
        touched: set[int] = set()
        while doubtful:
            dpid = doubtful.pop()
            if dpid not in distance or self._has_next_hop(distance, dpid):
                continue
            far = lost[dpid] = distance.pop(dpid)
            touched.add(dpid)
            for link, cost in self._entering[dpid].items():
                neighbour = link.source.dpid
                if distance.get(neighbour) == far + cost:
                    known.pop(neighbour, None)
                    touched.add(neighbour)
                    doubtful.append(neighbour)
        candidates = []
        for dpid in lost:
            known.pop(dpid, None)
            leaving = self._leaving[dpid].items()
            nearest = min((distance.get(link.target.dpid, inf) + cost for link, cost in leaving), default=inf)
            if nearest < inf:
                candidates.append((int(nearest), dpid))
        return touched | self._settle(toward, candidates)

    def _has_next_hop(self, distance: dict[int, int], dpid: int) -> bool:
        here = distance[dpid]
        return here == 0 or any(self._closer(distance, dpid, here))

    def _find_hops(self, toward: _Destination, source: int) -> tuple[Link, ...]:
        here = toward.distance.get(source)
        if not here:
            return ()
        found = toward.hops[source] = tuple(sorted(self._closer(toward.distance, source, here)))
        return found

    def _closer(self, distance: dict[int, int], source: int, here: int) -> Iterator[Link]:
        for link, cost in self._leaving[source].items():
            if distance.get(link.target.dpid, inf) + cost == here:
                yield link
