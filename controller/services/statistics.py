"""Counters of ports, flows, tables and groups, asked of the switches without bursts, and the rates that they show.

**Asking.** Every kind of counter of every switch has its own moment in the interval; the moments lie evenly however
many switches there are, by the golden ratio. A switch has one question of a kind to answer at a time. One that takes
long is asked less often, so that no more than a twentieth of its time goes into this (and never less often than every
tenth interval); what a switch refuses is not asked again. Rules are asked for only where the tables are known to hold
no more than ``most_flows`` of them: a switch with a million says how many they are, and that is all.

**Answers** count with the time at which they came, a port's as soon as its part of the answer is there, the others
when all parts are. What was not heard of for three intervals is unknown (None), not zero. See
`controller.services.counters` for what two readings say. When a switch leaves, what was known of it is forgotten.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from heapq import heappop, heappush
from math import inf
from typing import Generic, NamedTuple, TypeVar

from controller import model
from controller.model import Event, Link, Location, Match
from controller.services.counters import PortMeter, PortTraffic, Traffic, traffic
from controller.services.probing import next_slot
from controller.southbound import openflow
from controller.southbound.replies import (
    FlowStats,
    GroupStats,
    MultipartReply,
    MultipartType,
    Part,
    PortStats,
    TableStats,
)

Requests = list[tuple[int, bytes]]

_GOLDEN_RATIO = (5**0.5 - 1) / 2
_OWN_XIDS = 0x80000000
"""Questions asked here bear an xid in the upper half, decisions count up in the lower."""

_STALE_INTERVALS = 3
_REST = 20
_LONGEST_REST_INTERVALS = 10

_REQUESTS: dict[MultipartType, Callable[[int], bytes]] = {
    MultipartType.PORT_STATS: openflow.port_stats_request,
    MultipartType.TABLE: openflow.table_request,
    MultipartType.GROUP: openflow.group_stats_request,
    MultipartType.FLOW: openflow.flow_request,
}


@dataclass(frozen=True, slots=True)
class StatisticsSettings:
    """Intervals in seconds, 0 for never; ``patience`` is how long an answer may take before it is given up.

    ``history`` is kept of each port, so many readings. Without ``tables`` there are no ``flows``.
    """

    ports: float = 2.0
    tables: float = 10.0
    groups: float = 10.0
    flows: float = 10.0
    patience: float = 10.0
    history: int = 60
    most_flows: int = 5000

    def interval(self, kind: MultipartType) -> float:
        """How often counters of this kind are asked for."""
        intervals = {
            MultipartType.PORT_STATS: self.ports,
            MultipartType.TABLE: self.tables,
            MultipartType.GROUP: self.groups,
            MultipartType.FLOW: self.flows,
        }
        return intervals[kind]


_Stats = TypeVar("_Stats", FlowStats, GroupStats)
_Key = TypeVar("_Key")


class Reading(NamedTuple, Generic[_Stats]):
    """A rule's or a group's counters, and their rates since they were read before."""

    stats: _Stats
    rate: Traffic


class _Poll:
    """One kind of counter of one switch: when it is asked for, and what was answered so far."""

    __slots__ = ("asked", "dpid", "kind", "not_before", "number", "parts", "phase", "xid")

    def __init__(self, dpid: int, kind: MultipartType, number: int) -> None:
        self.dpid = dpid
        self.kind = kind
        self.number = number
        self.phase = number * _GOLDEN_RATIO % 1
        self.xid = 0
        self.asked = 0.0
        self.not_before = 0.0
        self.parts: list[Part] = []


class _Switch:
    """What is known of a switch; ``read`` is when tables, groups and flows were last answered in full."""

    __slots__ = ("flows", "groups", "polls", "ports", "read", "speeds", "tables")

    def __init__(self, polls: dict[MultipartType, _Poll]) -> None:
        self.polls = polls
        self.speeds: dict[int, int] = {}
        self.ports: dict[int, PortMeter] = {}
        self.read: dict[MultipartType, float] = {}
        self.tables: tuple[TableStats, ...] = ()
        self.groups: dict[int, Reading[GroupStats]] = {}
        self.flows: dict[tuple[int, int, Match], Reading[FlowStats]] = {}


class Statistics:
    """Counters and rates, kept by events, answers and time (seconds, never running back).

    `tick` has requests to send whenever ``next_due`` has come; `receive` takes the answers.
    """

    def __init__(self, settings: StatisticsSettings | None = None) -> None:
        self.settings = settings or StatisticsSettings()
        self._switches: dict[int, _Switch] = {}
        self._agenda: list[tuple[float, int, _Poll]] = []
        self._bandwidths: dict[Location, float] = {}
        self._polls = 0
        self._xid = 0

    # ------------------------------------------------------------ what is known

    def port(self, location: Location, now: float) -> PortTraffic | None:
        """The traffic of a port between the last two answers."""
        meter = self._meter(location)
        traffic = meter.latest if meter else None
        return traffic if traffic and now - traffic.time <= self._stale(MultipartType.PORT_STATS) else None

    def port_counters(self, location: Location) -> PortStats | None:
        """The counters of a port as the switch gave them last."""
        meter = self._meter(location)
        return meter.reading if meter else None

    def history(self, location: Location) -> list[PortTraffic]:
        """The traffic of a port between its latest answers, the oldest first."""
        meter = self._meter(location)
        return list(meter.history()) if meter else []

    def tables(self, dpid: int, now: float) -> tuple[TableStats, ...] | None:
        """How full and how busy the tables of a switch are, those left out that it has never used."""
        switch = self._fresh(dpid, MultipartType.TABLE, now)
        return switch.tables if switch else None

    def groups(self, dpid: int, now: float) -> list[Reading[GroupStats]] | None:
        """The groups of a switch and their traffic."""
        switch = self._fresh(dpid, MultipartType.GROUP, now)
        return list(switch.groups.values()) if switch else None

    def flows(self, dpid: int, now: float) -> list[Reading[FlowStats]] | None:
        """The rules of a switch and their traffic; None also where they are too many to be asked for."""
        switch = self._fresh(dpid, MultipartType.FLOW, now)
        return list(switch.flows.values()) if switch else None

    def set_bandwidth(self, location: Location, bits: float) -> None:
        """Say how many bits per second a port can carry, where the switch's own word is not to be trusted."""
        self._bandwidths[location] = bits

    def bandwidth(self, location: Location) -> float | None:
        """Bits per second that a port can carry, as it was set, else as the switch says."""
        configured = self._bandwidths.get(location)
        if configured is not None:
            return configured
        switch = self._switches.get(location.dpid)
        speed = switch.speeds.get(location.port, 0) if switch else 0
        return speed * 1000.0 if speed else None

    def utilisation(self, link: Link, now: float) -> float | None:
        """The share of a link's bandwidth in use in its direction, as the busier of its two ends counts it."""
        sent, received = self.port(link.source, now), self.port(link.target, now)
        counted = [bits for bits in (sent and sent.tx_bits, received and received.rx_bits) if bits is not None]
        bandwidths = [bits for bits in map(self.bandwidth, link) if bits]
        return max(counted) / min(bandwidths) if counted and bandwidths else None

    # ------------------------------------------------------------ events

    def apply(self, event: Event, now: float) -> None:
        """Take in what happened to a switch or a port."""
        match event:
            case model.SwitchUp(dpid=dpid, ports=ports):
                self._switches[dpid] = _Switch(self._plan(dpid, now))
                self._switches[dpid].speeds = {port.number: port.curr_speed for port in ports}
            case model.SwitchDown(dpid=dpid):
                self._switches.pop(dpid, None)
            case model.PortChanged(dpid=dpid, port=port) if dpid in self._switches:
                self._switches[dpid].speeds[port.number] = port.curr_speed
            case model.PortGone(dpid=dpid, port=port) if dpid in self._switches:
                self._switches[dpid].speeds.pop(port.number, None)
                self._switches[dpid].ports.pop(port.number, None)
            case model.SwitchError(dpid=dpid, xid=xid) if dpid in self._switches:
                polls = self._switches[dpid].polls
                for kind in [kind for kind, poll in polls.items() if xid and poll.xid == xid]:
                    del polls[kind]

    def _plan(self, dpid: int, now: float) -> dict[MultipartType, _Poll]:
        polls: dict[MultipartType, _Poll] = {}
        for kind in _REQUESTS:
            if self.settings.interval(kind):
                self._polls += 1
                polls[kind] = _Poll(dpid, kind, self._polls)
                self._put_off(polls[kind], now)
        return polls

    def _put_off(self, poll: _Poll, now: float) -> None:
        due = next_slot(now, self.settings.interval(poll.kind), poll.phase)
        heappush(self._agenda, (due, poll.number, poll))

    # ------------------------------------------------------------ asking

    @property
    def next_due(self) -> float:
        """When `tick` has something to do next; infinity for never. It may turn out to be nothing."""
        return self._agenda[0][0] if self._agenda else inf

    def tick(self, now: float) -> Requests:
        """The requests that are due, as (dpid, bytes)."""
        requests: Requests = []
        while self._agenda and self._agenda[0][0] <= now:
            poll = heappop(self._agenda)[2]
            switch = self._switches.get(poll.dpid)
            if switch is None or switch.polls.get(poll.kind) is not poll:
                continue
            if self._may_ask(poll, switch, now):
                requests.append((poll.dpid, self._ask(poll, now)))
            self._put_off(poll, now)
        return requests

    def _may_ask(self, poll: _Poll, switch: _Switch, now: float) -> bool:
        if poll.xid and now - poll.asked < self.settings.patience:
            return False
        if poll.kind is MultipartType.FLOW:
            known = MultipartType.TABLE in switch.read
            if not known or sum(table.active for table in switch.tables) > self.settings.most_flows:
                return False
        return now >= poll.not_before

    def _ask(self, poll: _Poll, now: float) -> bytes:
        self._xid = (self._xid + 1) % _OWN_XIDS
        poll.xid = _OWN_XIDS | self._xid
        poll.asked = now
        poll.parts = []
        return _REQUESTS[poll.kind](poll.xid)

    # ------------------------------------------------------------ answers

    def receive(self, dpid: int, reply: MultipartReply, now: float) -> bool:
        """Take in an answer; False when it is to a question that was not asked here, or was given up."""
        switch = self._switches.get(dpid)
        poll = switch.polls.get(reply.type) if switch else None
        if switch is None or poll is None or not poll.xid or poll.xid != reply.xid:
            return False
        if reply.type is MultipartType.PORT_STATS:
            for part in reply.parts:
                if isinstance(part, PortStats):
                    self._read_port(switch, part, now)
        else:
            poll.parts += reply.parts
        if not reply.more:
            self._finish(switch, poll, now)
        return True

    def _read_port(self, switch: _Switch, reading: PortStats, now: float) -> None:
        meter = switch.ports.get(reading.port)
        if meter is None:
            switch.ports[reading.port] = PortMeter(reading, now, self.settings.history)
        else:
            meter.read(reading, now)

    def _finish(self, switch: _Switch, poll: _Poll, now: float) -> None:
        """The answer is complete."""
        parts, poll.parts, poll.xid = poll.parts, [], 0
        rest = min(_REST * (now - poll.asked), _LONGEST_REST_INTERVALS * self.settings.interval(poll.kind))
        poll.not_before = poll.asked + rest
        since = now - switch.read.get(poll.kind, now)
        switch.read[poll.kind] = now
        match poll.kind:
            case MultipartType.TABLE:
                switch.tables = tuple(
                    part for part in parts if isinstance(part, TableStats) and (part.active or part.lookups)
                )
            case MultipartType.GROUP:
                groups = {part.group_id: part for part in parts if isinstance(part, GroupStats)}
                switch.groups = _compare(switch.groups, groups, since)
            case MultipartType.FLOW:
                flows = {_identity(part): part for part in parts if isinstance(part, FlowStats)}
                switch.flows = _compare(switch.flows, flows, since)

    # ------------------------------------------------------------ helpers

    def _meter(self, location: Location) -> PortMeter | None:
        switch = self._switches.get(location.dpid)
        return switch.ports.get(location.port) if switch else None

    def _fresh(self, dpid: int, kind: MultipartType, now: float) -> _Switch | None:
        switch = self._switches.get(dpid)
        read = switch.read.get(kind) if switch else None
        return switch if read is not None and now - read <= self._stale(kind) else None

    def _stale(self, kind: MultipartType) -> float:
        return _STALE_INTERVALS * self.settings.interval(kind)


def _identity(stats: FlowStats) -> tuple[int, int, Match]:
    return stats.rule.table, stats.rule.priority, stats.rule.match


def _compare(
    before: dict[_Key, Reading[_Stats]], now: dict[_Key, _Stats], between_arrivals: float
) -> dict[_Key, Reading[_Stats]]:
    readings = {}
    for key, stats in now.items():
        earlier = before.get(key)
        readings[key] = Reading(stats, traffic(earlier.stats if earlier else None, stats, between_arrivals))
    return readings
