"""Keeps a port that floods the controller with questions from slowing the others.

It acts only when the controller is saturated and few ports are the cause, never on a rate alone: a controller that
keeps up answers everything, and a load that many ports share alike is answered as fast as it goes.

The controller is saturated when for ``sustained`` seconds on end it was busy for at least ``busy`` of the time or had
``backlog`` packets waiting. A port then takes more than its fair share when it belongs to those few (at most a quarter
of the edge ports that asked in the last few seconds, but always one if there are two) each of which asked more than
``excess`` times as often as the others did on average, and which together asked at least a quarter of everything. A
port that asks alone takes nothing from anybody.

Such a port is shut by a rule that drops what comes in by it. The switch itself removes the rule after ``shortest``
seconds, after twice the time when the port goes on as before, and so on up to ``longest``. What was already under way
from that port meanwhile is not answered. Ports that lead to switches are never shut: others are behind them.

The rule stands in ``table`` at ``priority``. In the first table and at the highest priority it stops all traffic of
the port. Where an application leaves room between its table-miss rule and its others, a rule just above the table-miss
stops only what would be asked about, and established traffic goes on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import NamedTuple

from controller import model
from controller.model import Alarm, Event, Install, Location, Match, Rule

_TICK = 0.1
_WINDOW = 3.0
"""Long enough that ports which ask rarely, or are kept waiting already, count among those that ask."""
_FEW = 4
"""A quarter."""


@dataclass(frozen=True, slots=True)
class GuardSettings:
    """Times in seconds; ``shortest`` and ``longest`` are whole, as a switch counts them."""

    busy: float = 0.9
    backlog: int = 1000
    sustained: float = 0.3
    excess: float = 8.0
    shortest: int = 2
    longest: int = 60
    table: int = 0
    priority: int = 0xFFF0


class GuardTurn(NamedTuple):
    """What a tick decided."""

    orders: list[Install]
    events: list[Event]


class _Offence:
    __slots__ = ("length", "until")

    def __init__(self, length: int, until: float) -> None:
        self.length = length
        self.until = until


class Guard:
    """Counts questions per port and shuts the ports that ask too many (time in seconds, never running back).

    `admit` is for every packet that a switch asks about, `tick` for whenever `next_due` has come. ``shed`` counts the
    questions that were not admitted.
    """

    def __init__(self, is_edge: Callable[[Location], bool], settings: GuardSettings | None = None) -> None:
        self.settings = settings or GuardSettings()
        self.shed = 0
        self._is_edge = is_edge
        self._asked: dict[tuple[int, int], int] = {}
        self._asked_before: dict[tuple[int, int], int] = {}
        self._window_ends = 0.0
        self._ticked = 0.0
        self._saturated_since: float | None = None
        self._shut: dict[tuple[int, int], float] = {}
        self._offences: dict[Location, _Offence] = {}

    def admit(self, dpid: int, port: int) -> bool:
        """Count a question from a port; whether it is to be answered."""
        key = (dpid, port)
        if key in self._shut:
            self.shed += 1
            return False
        self._asked[key] = self._asked.get(key, 0) + 1
        return True

    @property
    def next_due(self) -> float:
        """When `tick` has something to do next; infinity while nobody asks."""
        return self._ticked + _TICK if self._asked or self._shut else inf

    def shut_ports(self) -> list[Location]:
        """The ports that are shut, in ascending order."""
        return [Location(*key) for key in sorted(self._shut)]

    def apply(self, event: Event) -> None:
        """A switch that left or came back holds no rule of the guard."""
        if isinstance(event, model.SwitchUp | model.SwitchDown):
            for key in [key for key in self._shut if key[0] == event.dpid]:
                del self._shut[key]

    def tick(self, now: float, busy: float, backlog: int = 0) -> GuardTurn:
        """What to do, given the share of the time since the last tick that the controller was busy (0 .. 1).

        ``backlog`` is the number of packets that wait for an answer now.
        """
        self._ticked = now
        turn = GuardTurn([], [])
        for key in [key for key, until in self._shut.items() if until <= now]:
            del self._shut[key]
        if busy < self.settings.busy and backlog < self.settings.backlog:
            self._saturated_since = None
        elif self._saturated_since is None:
            self._saturated_since = now
        elif now - self._saturated_since >= self.settings.sustained:
            for location, share in self._greedy():
                self._shut_port(location, share, now, turn)
        if now >= self._window_ends:
            self._window_ends = now + _WINDOW
            self._asked_before, self._asked = self._asked, {}
            self._forgive(now)
        return turn

    def _greedy(self) -> list[tuple[Location, float]]:
        """The ports that take more than their fair share, and which share of all questions each had."""
        asked = dict(self._asked_before)
        for key, count in self._asked.items():
            asked[key] = asked.get(key, 0) + count
        everything = sum(asked.values())
        edges = [(count, Location(*key)) for key, count in asked.items() if self._is_edge(Location(*key))]
        edges.sort(reverse=True)
        rest, few, taken = sum(count for count, _ in edges), 0, 0
        for number, (count, _) in enumerate(edges[: max(len(edges) // _FEW, 1)], 1):
            rest -= count
            taken += count
            others = len(edges) - number
            if count * others > self.settings.excess * rest and taken * _FEW >= everything:
                few = number
        return [(location, count / everything) for count, location in edges[:few]]

    def _shut_port(self, location: Location, share: float, now: float, turn: GuardTurn) -> None:
        settings = self.settings
        offence = self._offences.get(location)
        length = settings.shortest if offence is None else min(2 * offence.length, settings.longest)
        self._offences[location] = _Offence(length, now + length)
        self._shut[location] = now + length
        self._asked.pop(location, None)
        self._asked_before.pop(location, None)
        rule = Rule(Match(in_port=location.port), priority=settings.priority, table=settings.table, hard_timeout=length)
        turn.orders.append(Install(location.dpid, rule))
        text = f"asks {share:.0%} of all questions while the controller is saturated: shut for {length} s"
        turn.events.append(Alarm("packet-in-flood", location, text))

    def _forgive(self, now: float) -> None:
        """Who has behaved for twice as long as it was shut, and for no less than ``longest``, begins anew."""
        for location, offence in list(self._offences.items()):
            if now - offence.until > max(2 * offence.length, self.settings.longest):
                del self._offences[location]
