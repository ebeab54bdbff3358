"""Pinging from a cold start, again and again: nobody knows the way, the first packet asks, the others find it cached.

The first start is really the first: hosts, switches and controller know nothing. For each further one, the rules that
the first ping had brought about are deleted from the switches, and the two hosts forget each other's MAC address. What
the controller remembers about where hosts are is its own; it is told of the deletions if it asked for that.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from experiments.machine import commands
from experiments.ping import ping
from experiments.story import Pings, Rule
from experiments.switch_tables import Entry, SwitchTables

if TYPE_CHECKING:
    from collections.abc import Callable

    from experiments.machine.network import Host, Network

PINGS = 5
"""Pings of each cold start: the first is asked about, the others meet what it left behind."""

INTERVAL = 0.02
"""Seconds between the pings of a start."""


@dataclass(frozen=True)
class Sample:
    """One ping's round trip in seconds, None if there was no reply; ``ping`` counts from 1 in its cold ``start``."""

    start: int
    ping: int
    rtt: float | None


@dataclass(frozen=True)
class Measured:
    """All round trips; when the story's two pings were; the tables around the second of them."""

    samples: tuple[Sample, ...]
    pings: Pings
    before: Mapping[str, tuple[Rule, ...]]
    after: Mapping[str, tuple[Rule, ...]]


def measure(network: Network, ends: tuple[str, str], starts: int, say: Callable[[str], None]) -> Measured:
    """Ping between two hosts from ``starts`` cold starts; the first is the story's."""
    source, target = (network.host(name) for name in ends)
    with ExitStack() as open_tables:
        tables = [open_tables.enter_context(SwitchTables(switch.name)) for switch in network.switches]
        at_first = report(tables)
        first = time.time()
        samples = round_trips(1, 1, source, target)
        before = report(tables, settled=True)
        second = time.time()
        samples += round_trips(1, 2, source, target)
        pings = Pings(*ends, first=first, second=second, end=time.time())
        after = report(tables, settled=True)
        say("two pings are through, captured, and found in the flow tables")
        samples += round_trips(1, 3, source, target, PINGS - 2)
        if starts > 1:
            say(f"{starts - 1} more cold starts, {PINGS} pings each, to see what asking costs")
        for start in range(2, starts + 1):
            network.controller.check()
            forget(tables, at_first, (source, target))
            samples += round_trips(start, 1, source, target, PINGS)
    return Measured(tuple(samples), pings, before, after)


def round_trips(start: int, first: int, source: Host, target: Host, count: int = 1) -> list[Sample]:
    """Ping ``count`` times and number the samples from ``first``."""
    replies = ping(source, target.ip, count, INTERVAL)
    return [Sample(start, first + i, reply.rtt) for i, reply in enumerate(replies)]


def report(tables: Iterable[SwitchTables], *, settled: bool = False) -> dict[str, tuple[Rule, ...]]:
    """The rules that each switch reports; ``settled``: with the packets that its datapath has not yet told it of."""
    if settled:
        # ovs-vswitchd learns from its datapath in rounds how often a rule was used: wait for one whole round.
        commands.run(["ovs-appctl", "revalidator/wait"])
    return {each.switch: tuple(entry.rule for entry in each.entries()) for each in tables}


def forget(tables: Iterable[SwitchTables], at_first: Mapping[str, tuple[Rule, ...]], hosts: Iterable[Host]) -> None:
    """Delete the rules that were not there at first, and let the hosts forget each other's addresses."""
    for each in tables:
        kept = {rule.identity for rule in at_first[each.switch]}
        learned: list[Entry] = [entry for entry in each.entries() if entry.rule.identity not in kept]
        each.delete(learned)
    for host in hosts:
        host.run(["ip", "neigh", "flush", "all"], check=True)
