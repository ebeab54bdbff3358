"""Where a packet goes when the next hop has just failed, worked out before it fails.

A switch that loses the link to its next hop sends by another at once (a FAST_FAILOVER group). That is not enough where
the only other way leads back, as on a ring: the neighbour would return the packet. So a packet that comes by a port by
which it would never come in a whole network says by that which link has failed, and the switch sends it on as if that
link were not there: interface-specific forwarding, S. Nelakuditi et al., "Fast local rerouting for handling transient
link failures", IEEE/ACM Transactions on Networking, 2007.

With any one cable failed, on any graph in which the destination is still within reach, every packet arrives.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from heapq import heappop, heappush

from controller.model import Link
from controller.services.paths import Paths

Cable = frozenset[Link]


@dataclass(slots=True)
class Protection:
    """Forwarding to one destination switch that outlives any single cable.

    ``primary`` and ``backup`` are by switch; ``detours`` by switch and the port that a packet came by, where that
    port tells of a failure.
    """

    primary: dict[int, Link] = field(default_factory=dict)
    backup: dict[int, Link] = field(default_factory=dict)
    detours: dict[tuple[int, int], Link] = field(default_factory=dict)


def protect(paths: Paths, target: int) -> Protection:
    """The primary next hops to ``target`` and what stands in for them."""
    return _Planner(paths, target).plan()


def cable_of(link: Link) -> Cable:
    """Both directions of a link."""
    return frozenset((link, Link(link.target, link.source)))


class _Planner:
    """Follows a packet for every cable that may fail.

    Where the packet would meet that cable again or go in circles, the ports by which it came learn that the cable has
    failed, until the packet arrives.
    """

    def __init__(self, paths: Paths, target: int) -> None:
        self._paths = paths
        self._target = target
        self._plan = Protection()
        for dpid in sorted(paths.switches()):
            if found := paths.next_hops(dpid, target):
                self._plan.primary[dpid] = found[0]
        # A port by which packets come in a whole network says nothing of failures.
        self._usual = {(link.target.dpid, link.target.port) for link in self._plan.primary.values()}
        self._known: dict[tuple[int, int], set[Cable]] = {}

    def plan(self) -> Protection:
        """What one failure taught a port may send the packets of another elsewhere: follow all until none is lost."""
        failures = [(dpid, cable_of(link)) for dpid, link in self._plan.primary.items()]
        for dpid, failed in failures:
            if around := self._first_hop(dpid, {failed}):
                self._plan.backup[dpid] = around
        learning = True
        while learning:
            learning = False
            for dpid, failed in failures:
                while dpid in self._plan.backup and self._teach(self._lost(dpid, failed), failed):
                    learning = True
        return self._plan

    def _lost(self, start: int, failed: Cable) -> list[tuple[int, int]]:
        """The ports by which a packet came that is lost after its first hop failed; none if it arrives."""
        link = self._plan.backup[start]
        visited: list[tuple[int, int]] = []
        while link.target.dpid != self._target:
            here = (link.target.dpid, link.target.port)
            ahead = self._plan.detours.get(here, self._plan.primary[here[0]])
            if here in visited or ahead in failed:
                return [*visited, here]
            visited.append(here)
            link = ahead
        return []

    def _teach(self, ports: list[tuple[int, int]], failed: Cable) -> bool:
        """Have the latest of the ports that can learn of the failure learn it; False when there is none."""
        for here in reversed(ports):
            failures = self._known.setdefault(here, set())
            if here in self._usual or failed in failures:
                continue
            if around := self._first_hop(here[0], {*failures, failed}):
                failures.add(failed)
                self._plan.detours[here] = around
                return True
        return False

    def _first_hop(self, source: int, without: set[Cable]) -> Link | None:
        """The first link of a shortest path that uses none of these cables; None where there is no such path."""
        missing = {link for cable in without for link in cable}
        ahead: list[tuple[int, int, Link | None]] = [(0, source, None)]
        settled: set[int] = set()
        while ahead:
            cost, here, first = heappop(ahead)
            if here == self._target:
                return first
            if here in settled:
                continue
            settled.add(here)
            for link, more in self._paths.links_from(here):
                if link not in missing and link.target.dpid not in settled:
                    heappush(ahead, (cost + more, link.target.dpid, first or link))
        return None
