"""Broadcast along the flood tree, without a loop also while the tree changes.

A change has two stages. First every switch keeps only what was and will be on the tree, and closes the ports that
leave it; when all have done so, what is new is opened. So at no moment do the switches together have more than a tree.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from controller.model import Apply, Decision, Install, Match, Order, Output, Rule
from controller.services.network import Network

from .pipeline import ALONG_TREE, DESTINATION, GROUP_BIT, OFF_TREE, remove


class Openings(NamedTuple):
    """Where a switch sends broadcast, and which of its ports to other switches are closed to it."""

    along: frozenset[int]
    closed: frozenset[int]


class Broadcast:
    """What each switch has been ordered to do with broadcast and, with ``unknown``, with unknown destinations."""

    def __init__(self, *, unknown: bool) -> None:
        self._unknown = unknown
        self._held: dict[int, Openings] = {}

    def begin(self, dpid: int, network: Network) -> Iterator[Order]:
        """The rules of a switch that has just come: nothing is open that was not."""
        wanted = _wanted(dpid, network)
        self._held[dpid] = wanted
        yield from self._along(dpid, wanted.along)
        for port in sorted(wanted.closed):
            yield self._close(dpid, port)

    def forget(self, dpid: int) -> None:
        """A switch has left."""
        self._held.pop(dpid, None)

    def change(self, dpids: Sequence[int], network: Network) -> Decision | None:
        """Have these switches follow the tree as it is now."""
        closing: list[Order] = []
        opening: list[Order] = []
        for dpid in dpids:
            if network.switch(dpid) is None:
                continue
            wanted = _wanted(dpid, network)
            held = self._held.get(dpid, Openings(frozenset(), frozenset()))
            if wanted == held:
                continue
            self._held[dpid] = wanted
            closing += [self._close(dpid, port) for port in sorted(wanted.closed - held.closed)]
            if not held.along <= wanted.along:
                closing += self._along(dpid, held.along & wanted.along)
            if not wanted.along <= held.along:
                opening += self._along(dpid, wanted.along)
            opening += [remove(self._close(dpid, port)) for port in sorted(held.closed - wanted.closed)]
        if not closing and not opening:
            return None
        return Decision("the tree that broadcast goes along changed", tuple(closing), then=tuple(opening))

    def _along(self, dpid: int, ports: frozenset[int]) -> Iterator[Install]:
        along = Apply(tuple(Output(port) for port in sorted(ports)))
        yield Install(dpid, Rule(Match(eth_dst=GROUP_BIT), (along,), ALONG_TREE, DESTINATION))
        if self._unknown:
            yield Install(dpid, Rule(Match(), (along,), 0, DESTINATION))

    def _close(self, dpid: int, port: int) -> Install:
        match = Match(in_port=port) if self._unknown else Match(in_port=port, eth_dst=GROUP_BIT)
        return Install(dpid, Rule(match, (), OFF_TREE, DESTINATION))


def _wanted(dpid: int, network: Network) -> Openings:
    along = frozenset(network.flood_ports(dpid))
    return Openings(along, frozenset(network.topology.link_ports(dpid)) - along)
