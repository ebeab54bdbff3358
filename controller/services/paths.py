"""Shortest paths between switches, kept ready while links come and go.

For every destination that was ever asked for, the distances of all switches to it are kept; a switch's next hops are
its links that lead strictly closer by exactly their cost, so they form an acyclic graph, and following any of them
cannot loop. Costs are whole numbers from 1 (as OSPF's are), so that "equally far" is exact.

A change of one link touches only the destinations that it matters to, and of these only the switches whose distance
it changes (G. Ramalingam and T. Reps, "On the computational complexity of dynamic graph problems", 1996): a link that
goes matters to a destination only if it was a next hop; then the switches that had no other way in are settled anew,
from their neighbours that kept theirs. The first computation for a destination is the same procedure, with everything
to be settled.

That is why no compiled library computes here. On 1,000 switches and 4,000 cables (``experiments/benchmarks/paths.py``)
the distances to one destination take 1.2 ms, with networkx 1.8, rustworkx 0.3 and scipy 0.14. But they are computed
once; a failure then costs 12 ms for all 1,000 destinations together, with the 1,600 next hops that it changes, while
all next hops anew take 2 s after any library has found the distances.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Set
from heapq import heappop, heappush
from math import ceil, inf

from controller import model
from controller.model import Event, Link, Location

Cost = Callable[[Link], int]
"""What it costs to use a link: at least 1. Asked once, when the link comes up."""

Path = tuple[Location, ...]
"""The switches to cross and the port to leave each by; empty where source and destination are the same."""

Touched = Mapping[int, Set[int]]
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


_CHANGES = (model.SwitchUp, model.SwitchDown, model.LinkUp, model.LinkDown)

_FEW, _LINKS_PER_REPAIR = 16, 32
"""Computing a destination anew costs about as much as repairing it after one change for every 32 links."""

_Arc = tuple[int, int]
"""The switch at the other end of a link, and the link's cost."""


class _Destination:
    """Distances of all switches to one of them, and the numbers of their sets of next hops, as far as found.

    Switches that cannot reach it are absent. Being of ints only, neither dict is ever visited by the garbage collector.
    """

    __slots__ = ("distance", "hops")

    def __init__(self, dpid: int) -> None:
        self.distance: dict[int, int] = {dpid: 0}
        self.hops: dict[int, int] = {}


class Paths:
    """The graph of switches and links that events describe, and the shortest paths in it.

    ``generation`` rises with every change of the graph: an answer is good for as long as it stays the same.
    """

    def __init__(self, cost: Cost = hops) -> None:
        self.generation = 0
        self._cost = cost
        self._leaving: dict[int, dict[Link, _Arc]] = {}
        self._entering: dict[int, dict[Link, _Arc]] = {}
        self._toward: dict[int, _Destination] = {}
        self._links = 0
        # The sets of next hops in use, each once, and where in the list each is.
        self._sets: list[tuple[Link, ...]] = []
        self._numbers: dict[tuple[Link, ...], int] = {}

    # ------------------------------------------------------------ questions

    def switches(self) -> Iterator[int]:
        """Every switch."""
        return iter(self._leaving)

    def links_from(self, dpid: int) -> Iterator[tuple[Link, int]]:
        """The links that leave a switch, with their costs. A link of a switch to itself is on no path and not here."""
        for link, (_, cost) in self._leaving.get(dpid, {}).items():
            yield link, cost

    def cost(self, link: Link) -> int:
        """What it costs to use a link. Raises KeyError for one that is not in the graph."""
        return self._leaving[link.source.dpid][link][1]

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
        number = toward.hops.get(source)
        return self._find_hops(toward, source) if number is None else self._sets[number]

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
            number = known.get(source)
            found = self._find_hops(toward, source) if number is None else self._sets[number]
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

    def apply(self, *events: Event) -> Touched:
        """Take in changes, best all those of one turn at once, and tell whose next hops they touched.

        Only destinations that were asked for can be touched, and those always are told, even if their switch was away
        meanwhile. After very many changes they are all computed anew, since repairing would cost more, and all switches
        are told.
        """
        changes = [event for event in events if isinstance(event, _CHANGES)]
        if len(changes) <= _FEW + self._links // _LINKS_PER_REPAIR:
            touched: dict[int, set[int]] = {}
            for change in changes:
                _merge(touched, self._apply(change))
            return touched
        asked, self._toward = list(self._toward), {}
        for change in changes:
            self._apply(change)
        for dpid in asked:
            self._destination(dpid)
        return dict.fromkeys(asked, frozenset(self._leaving))

    def _apply(self, event: Event) -> dict[int, set[int]]:
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

    def set_cost(self, link: Link, cost: int) -> dict[int, set[int]]:
        """Have the link in the graph at this cost. Raises ValueError for one below 1.

        Links of unknown switches and of a switch to itself are left out.
        """
        if cost < 1:
            raise ValueError(f"the cost of a link is at least 1, not {cost}")
        source, target = link.source.dpid, link.target.dpid
        if source == target or source not in self._leaving or target not in self._leaving:
            return {}
        if self._leaving[source].get(link) == (target, cost):
            return {}
        touched = self._remove(link)
        self._leaving[source][link] = target, cost
        self._entering[target][link] = source, cost
        self._links += 1
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

    def _remove(self, link: Link) -> dict[int, set[int]]:
        source, target = link.source.dpid, link.target.dpid
        arc = self._leaving.get(source, {}).pop(link, None)
        if arc is None:
            return {}
        cost = arc[1]
        del self._entering[target][link]
        self._links -= 1
        self.generation += 1
        touched = {}
        for dpid, toward in self._toward.items():
            distance = toward.distance
            if target in distance and distance[source] == cost + distance[target]:
                toward.hops.pop(source, None)
                touched[dpid] = self._cut_off(toward, source) or {source}
        return touched

    def _remove_switch(self, dpid: int) -> dict[int, set[int]]:
        touched: dict[int, set[int]] = {}
        for link in [*self._leaving[dpid], *self._entering[dpid]]:
            _merge(touched, self._remove(link))
        del self._leaving[dpid], self._entering[dpid]
        self.generation += 1
        return touched

    # ------------------------------------------------------------ distances

    def _destination(self, dpid: int) -> _Destination:
        toward = self._toward.get(dpid)
        if toward is None:
            toward = self._toward[dpid] = _Destination(dpid)
            if dpid in self._entering:
                self._settle(toward, [(0, dpid)])
        return toward

    def _settle(self, toward: _Destination, candidates: list[tuple[int, int]]) -> set[int]:
        """Dijkstra's algorithm, backwards along the links, from (distance, switch) candidates on.

        Distances only shrink. Returns the switches whose next hops may have changed.
        """
        distance, entering = toward.distance, self._entering
        heap: list[tuple[int, int]] = []
        for far, dpid in candidates:
            distance[dpid] = far
            heappush(heap, (far, dpid))
        reached: list[int] = []
        while heap:
            far, dpid = heappop(heap)
            if far > distance[dpid]:
                continue
            reached.append(dpid)
            for neighbour, cost in entering[dpid].values():
                through = far + cost
                there = distance.get(neighbour)
                if there is None or through < there:
                    distance[neighbour] = through
                    heappush(heap, (through, neighbour))
                elif through == there:
                    reached.append(neighbour)
        touched = set(reached)
        if toward.hops:
            for dpid in touched:
                toward.hops.pop(dpid, None)
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
            for neighbour, cost in self._entering[dpid].values():
                if distance.get(neighbour) == far + cost:
                    known.pop(neighbour, None)
                    touched.add(neighbour)
                    doubtful.append(neighbour)
        candidates = []
        for dpid in lost:
            known.pop(dpid, None)
            leaving = self._leaving[dpid].values()
            nearest = min((distance.get(neighbour, inf) + cost for neighbour, cost in leaving), default=inf)
            if nearest < inf:
                candidates.append((int(nearest), dpid))
        return touched | self._settle(toward, candidates)

    def _has_next_hop(self, distance: dict[int, int], dpid: int) -> bool:
        here = distance[dpid]
        return any(distance.get(neighbour) == here - cost for neighbour, cost in self._leaving[dpid].values())

    def _find_hops(self, toward: _Destination, source: int) -> tuple[Link, ...]:
        distance = toward.distance
        here = distance.get(source)
        if not here:
            return ()
        closer = [
            link for link, (neighbour, cost) in self._leaving[source].items() if distance.get(neighbour) == here - cost
        ]
        closer.sort()
        found = tuple(closer)
        number = self._numbers.get(found)
        if number is None:
            number = self._add_set(found)
        toward.hops[source] = number
        return found

    def _add_set(self, found: tuple[Link, ...]) -> int:
        if len(self._sets) > 2 * len(self._leaving) * len(self._toward):
            # More than can be in use: forget all rather than keep account of each.
            self._sets.clear()
            self._numbers.clear()
            for toward in self._toward.values():
                toward.hops.clear()
        number = self._numbers[found] = len(self._sets)
        self._sets.append(found)
        return number


def _merge(touched: dict[int, set[int]], more: dict[int, set[int]]) -> None:
    for dpid, switches in more.items():
        touched.setdefault(dpid, set()).update(switches)
