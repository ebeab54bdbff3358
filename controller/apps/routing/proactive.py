"""A rule per known destination on every switch, as soon as the destination is known: nobody asks again.

Rules lead hosts to a group, one per destination switch, and groups lead to ports: a failure changes a few groups and
not one rule per host. Equal-cost next hops share a SELECT group. With protection the groups are FAST_FAILOVER, and
rules for packets that come back (`protection`) stand above the ordinary ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from zlib import crc32

from controller.model import (
    Action,
    Apply,
    Bucket,
    Group,
    GroupType,
    Host,
    Install,
    Link,
    Location,
    Match,
    Order,
    Output,
    PortNo,
    Remove,
    RemoveGroup,
    Rule,
    SetGroup,
    ToGroup,
)
from controller.services.network import Network

from .pipeline import DESTINATION, DETOUR, KNOWN, known_source, remove
from .protection import Protection, protect

_READABLE = 1 << 24
_HASHED = 1 << 25
_RETURNING = 1 << 28
"""Added to a group's number for the one that packets returning by the backup's own port take."""

Detours = tuple[tuple[int, Action], ...]
"""By the port that a packet came by: what is done with it."""


class Proactive:
    """What every switch has been ordered to hold for every destination.

    Kept per (switch, destination switch): its groups and its detours. Nothing is kept per host but its rules'
    existence, which follows from both.
    """

    def __init__(self, *, protected: bool) -> None:
        self._protected = protected
        self._numbers: dict[int, int] = {}
        self._taken: set[int] = set()
        self._held: dict[tuple[int, int], tuple[tuple[Group, ...], Detours]] = {}
        self._hosts: dict[int, dict[bytes, int]] = {}

    # ------------------------------------------------------------ hosts

    def host(self, host: Host, network: Network) -> Iterator[Order]:
        """A host is known at a place: every switch learns the way to it.

        Its own switch lets it pass (`known_source`) only when all have learned: before that nobody could answer it.
        """
        dpid, port = host.location
        new = not self._hosts.get(dpid)
        self._hosts.setdefault(dpid, {})[host.mac] = port
        if new:
            yield from self.refresh(dpid, network)
        else:
            yield from self.ways(host, network)

    def ways(self, host: Host, network: Network) -> Iterator[Order]:
        """The rules that lead to a host that is known."""
        for switch in network.switches():
            yield from self._rules(switch.dpid, host.location.dpid, [host.mac])

    def moved(self, host: Host, left: Location, network: Network) -> Iterator[Order]:
        """A host is at another place: groups that are needed again stay."""
        yield from self._forget(host.mac, left, network)
        yield from self.host(host, network)
        yield from self._tidy(left.dpid, network)

    def gone(self, host: Host, network: Network) -> Iterator[Order]:
        """A host is not known any more."""
        yield from self._forget(host.mac, host.location, network)
        yield from self._tidy(host.location.dpid, network)

    def _forget(self, mac: bytes, place: Location, network: Network) -> Iterator[Order]:
        if self._hosts.get(place.dpid, {}).pop(mac, None) is None:
            return
        yield remove(known_source(*place, mac))
        for switch in network.switches():
            yield Remove(switch.dpid, Match(eth_dst=mac), table=DESTINATION)

    def _tidy(self, target: int, network: Network) -> Iterator[Order]:
        if not self._hosts.get(target, True):
            del self._hosts[target]
            for switch in network.switches():
                yield from self._withdraw(switch.dpid, target)

    # ------------------------------------------------------------ the graph

    def switch(self, dpid: int, network: Network) -> Iterator[Order]:
        """A switch has come, empty or not: what it needs for every destination."""
        for target in sorted(self._hosts):
            self._held.pop((dpid, target), None)
        for mac, port in sorted(self._hosts.get(dpid, {}).items()):
            yield known_source(dpid, port, mac)
        for target in sorted(self._hosts):
            yield from self._update(dpid, target, network, self._plan(target, network))

    def switch_gone(self, dpid: int) -> None:
        """A switch has left; what it held is its own business now."""
        for key in [key for key in self._held if key[0] == dpid]:
            del self._held[key]

    def routes_changed(self, touched: dict[int, Iterable[int]], network: Network) -> Iterator[Order]:
        """Next hops changed. Alternatives depend on the whole graph, so with protection all of them are looked at."""
        if self._protected:
            for target in sorted(self._hosts):
                yield from self.refresh(target, network)
            return
        for target, dpids in sorted(touched.items()):
            if target in self._hosts:
                yield from self.refresh(target, network, sorted(dpids))

    def refresh(self, target: int, network: Network, dpids: Iterable[int] | None = None) -> Iterator[Order]:
        """Bring the groups and detours toward a destination up to date, on these switches or on all."""
        plan = self._plan(target, network)
        for dpid in dpids if dpids is not None else [switch.dpid for switch in network.switches()]:
            if network.switch(dpid) is not None:
                yield from self._update(dpid, target, network, plan)

    # ------------------------------------------------------------ one switch, one destination

    def _plan(self, target: int, network: Network) -> Protection | None:
        return protect(network.paths, target) if self._protected else None

    def _update(self, dpid: int, target: int, network: Network, plan: Protection | None) -> Iterator[Order]:
        macs = sorted(self._hosts.get(target, ()))
        if dpid == target:
            yield from self._rules(dpid, target, macs)
            return
        groups, detours = self._failover(dpid, target, plan) if plan else (self._shared(dpid, target, network), ())
        before = self._held.get((dpid, target))
        if not groups:
            yield from self._withdraw(dpid, target)
            return
        if before == (groups, detours):
            return
        self._held[dpid, target] = groups, detours
        known_before = {group.group_id: group for group in before[0]} if before else {}
        for group in groups:
            if known_before.pop(group.group_id, None) != group:
                yield SetGroup(dpid, group)
        stale = {port for port, _ in before[1]} - {port for port, _ in detours} if before else set()
        for port in sorted(stale):
            for mac in macs:
                yield Remove(dpid, Match(in_port=port, eth_dst=mac), DESTINATION, strict=True, priority=DETOUR)
        if before is None or before[1] != detours:
            yield from self._rules(dpid, target, macs)
        for group_id in sorted(known_before):
            yield RemoveGroup(dpid, group_id)

    def _withdraw(self, dpid: int, target: int) -> Iterator[Order]:
        held = self._held.pop((dpid, target), None)
        if held is None:
            return
        for mac in sorted(self._hosts.get(target, ())):
            yield Remove(dpid, Match(eth_dst=mac), table=DESTINATION)
        for group in held[0]:
            yield RemoveGroup(dpid, group.group_id)

    def _rules(self, dpid: int, target: int, macs: Iterable[bytes]) -> Iterator[Order]:
        """The rules that lead these hosts to what this switch holds for their switch."""
        if dpid == target:
            for mac in macs:
                yield _rule(dpid, Match(eth_dst=mac), KNOWN, Output(self._hosts[target][mac]))
            return
        held = self._held.get((dpid, target))
        if held is None:
            return
        groups, detours = held
        for mac in macs:
            yield _rule(dpid, Match(eth_dst=mac), KNOWN, ToGroup(groups[0].group_id))
            for port, action in detours:
                yield _rule(dpid, Match(in_port=port, eth_dst=mac), DETOUR, action)

    def _shared(self, dpid: int, target: int, network: Network) -> tuple[Group, ...]:
        """One group for all next hops that are equally near."""
        found = network.paths.next_hops(dpid, target)
        if not found:
            return ()
        kind, weight = (GroupType.SELECT, 1) if len(found) > 1 else (GroupType.INDIRECT, 0)
        buckets = tuple(Bucket((Output(link.source.port),), weight) for link in found)
        return (Group(self._number(target), kind, buckets),)

    def _failover(self, dpid: int, target: int, plan: Protection) -> tuple[tuple[Group, ...], Detours]:
        """A group that falls over to the backup, one more for packets that come by the backup's port, and detours."""
        primary, backup = plan.primary.get(dpid), plan.backup.get(dpid)
        if primary is None:
            return (), ()
        number = self._number(target)
        ways = [link for link in (primary, backup) if link is not None]
        groups = [_first_alive(number, [(link, Output(link.source.port)) for link in ways])]
        detours: dict[int, Action] = {}
        if backup is not None:
            back = backup.source.port
            choices = [(primary, Output(primary.source.port)), (backup, Output(PortNo.IN_PORT))]
            groups.append(_first_alive(number | _RETURNING, choices))
            detours[back] = ToGroup(number | _RETURNING)
        for (switch, port), link in plan.detours.items():
            if switch == dpid:
                out = link.source.port
                detours[port] = Output(out if out != port else PortNo.IN_PORT)
        return tuple(groups), tuple(sorted(detours.items()))

    def _number(self, target: int) -> int:
        """The number of the groups toward a switch: its dpid where that is small, so that a dump reads well."""
        number = self._numbers.get(target)
        if number is None:
            number = target if 0 < target < _READABLE else _HASHED + crc32(target.to_bytes(8, "big")) % _READABLE
            while number in self._taken:
                number += 1
            self._numbers[target] = number
            self._taken.add(number)
        return number


def _first_alive(number: int, choices: list[tuple[Link, Output]]) -> Group:
    buckets = tuple(Bucket((output,), watch_port=link.source.port) for link, output in choices)
    return Group(number, GroupType.FAST_FAILOVER, buckets)


def _rule(dpid: int, match: Match, priority: int, action: Action) -> Install:
    return Install(dpid, Rule(match, (Apply((action,)),), priority, DESTINATION))
