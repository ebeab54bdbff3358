"""The loop-free tree along which broadcast goes: one frame in, one copy to every edge port.

In every connected component it is the minimum spanning tree under a strict order of the cables: cheaper first, then
by the ends' dpids and ports. So the tree depends on the graph alone, not on its history (a restarted controller
finds the same one), and every change of one cable exchanges at most one cable of the tree, which is as little as can
be. Among equal costs the order gathers the branches at the switches of low dpid, which keeps the tree shallow.
"""

from __future__ import annotations

from collections.abc import Iterator

from controller import model
from controller.model import Event, Link
from controller.services.paths import Cost, hops
from controller.services.topology import Topology

Rank = tuple[int, Link]
"""A cable, named by its link from the lower end to the higher, with the cost that orders it."""


class FloodTree:
    """The tree of the graph that events describe. A cable counts while both its directions are up.

    A link that comes up again at another cost is moved to where it now belongs.
    """

    def __init__(self, cost: Cost = hops) -> None:
        self._cost = cost
        self._directions: set[Link] = set()
        self._cables: dict[int, dict[Link, Rank]] = {}
        self._branches: dict[int, dict[Link, Rank]] = {}

    def ports(self, dpid: int) -> list[int]:
        """The ports of a switch that are on the tree, in ascending order."""
        ends = (end for cable in self._branches.get(dpid, ()) for end in cable)
        return sorted(end.port for end in ends if end.dpid == dpid)

    def cables(self) -> Iterator[Link]:
        """The cables of the tree, each once, from its lower end to its higher."""
        for dpid, branches in self._branches.items():
            for cable in branches:
                if cable.source.dpid == dpid:
                    yield cable

    def apply(self, event: Event) -> set[int]:
        """Take in a change, and tell the switches whose tree ports changed."""
        changed: set[int] = set()
        match event:
            case model.SwitchUp(dpid=dpid):
                self._cables.setdefault(dpid, {})
                self._branches.setdefault(dpid, {})
            case model.SwitchDown(dpid=dpid) if dpid in self._cables:
                for cable in list(self._cables[dpid]):
                    changed |= self._remove(cable)
                del self._cables[dpid], self._branches[dpid]
                self._directions = {link for link in self._directions if all(end.dpid != dpid for end in link)}
                changed.discard(dpid)
            case model.LinkUp(link=link) if self._joins_two(link):
                self._directions.add(link)
                back = Link(link.target, link.source)
                if back in self._directions:
                    changed = self._add(min(link, back), max(self._cost(link), self._cost(back)))
            case model.LinkDown(link=link) if link in self._directions:
                self._directions.remove(link)
                changed = self._remove(min(link, Link(link.target, link.source)))
        return changed

    def _joins_two(self, link: Link) -> bool:
        return link.source.dpid != link.target.dpid and all(end.dpid in self._cables for end in link)

    def _add(self, cable: Link, cost: int) -> set[int]:
        rank = (cost, cable)
        if self._cables[cable.source.dpid].get(cable) == rank:
            return set()
        changed = self._remove(cable)
        _attach(self._cables, rank)
        worst = max(self._between(cable.source.dpid, cable.target.dpid), default=None)
        if worst is not None:
            if worst < rank:
                return changed
            _detach(self._branches, worst[1])
            changed |= _ends(worst[1])
        _attach(self._branches, rank)
        return changed | _ends(cable)

    def _remove(self, cable: Link) -> set[int]:
        if not _detach(self._cables, cable) or not _detach(self._branches, cable):
            return set()
        severed = self._smaller_side(*(end.dpid for end in cable))
        crossing = (
            rank
            for dpid in severed
            for other, rank in self._cables[dpid].items()
            if (other.source.dpid in severed) != (other.target.dpid in severed)
        )
        best = min(crossing, default=None)
        if best is None:
            return _ends(cable)
        _attach(self._branches, best)
        return _ends(cable) | _ends(best[1])

    def _walk(self, start: int) -> Iterator[tuple[int, Rank | None, int]]:
        """The switches that the tree joins to one, each with the branch by which it was reached and where from."""
        seen = {start}
        ahead: list[tuple[int, Rank | None, int]] = [(start, None, start)]
        for step in ahead:
            yield step
            dpid = step[0]
            for cable, rank in self._branches[dpid].items():
                other = cable.target.dpid if cable.source.dpid == dpid else cable.source.dpid
                if other not in seen:
                    seen.add(other)
                    ahead.append((other, rank, dpid))

    def _between(self, start: int, end: int) -> list[Rank]:
        """The branches between two switches, none when the tree does not join them."""
        came: dict[int, tuple[Rank | None, int]] = {}
        for dpid, rank, origin in self._walk(start):
            came[dpid] = rank, origin
            if dpid == end:
                break
        branches = []
        while end in came and end != start:
            rank, end = came[end]
            if rank is not None:
                branches.append(rank)
        return branches

    def _smaller_side(self, one: int, other: int) -> set[int]:
        """The switches on one side of a severed branch: whichever a walk from both ends, in step, exhausts first."""
        walks = [(self._walk(start), set[int]()) for start in (one, other)]
        while True:
            for walk, side in walks:
                step = next(walk, None)
                if step is None:
                    return side
                side.add(step[0])


def flood_ports(tree: FloodTree, topology: Topology, dpid: int) -> list[int]:
    """Where a switch sends broadcast, save where it came from: along the tree, and to its edge ports."""
    return sorted({*tree.ports(dpid), *topology.edge_ports(dpid)})


def _ends(cable: Link) -> set[int]:
    return {cable.source.dpid, cable.target.dpid}


def _attach(cables: dict[int, dict[Link, Rank]], rank: Rank) -> None:
    for end in rank[1]:
        cables[end.dpid][rank[1]] = rank


def _detach(cables: dict[int, dict[Link, Rank]], cable: Link) -> bool:
    found = [cables[end.dpid].pop(cable, None) for end in cable if end.dpid in cables]
    return any(rank is not None for rank in found)
