"""What is kept of every port to probe it at the right times, and when those are.

The topology service (`controller.services.topology`) says what the probes mean; here is only when they go.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from heapq import heappop, heappush
from itertools import count
from math import floor, inf

from controller import model
from controller.model import Location
from controller.services.damping import DampingSettings
from controller.southbound.lldp import ProbeWriter

_GOLDEN_RATIO = (5**0.5 - 1) / 2


@dataclass(frozen=True, slots=True)
class TopologySettings:
    """All in seconds but ``retries``.

    ``interval`` between probes of a link port, ``patience`` for an answer, ``retries`` before the link is given up;
    ``listening`` before a port counts as an edge port, ``edge_interval`` between probes of one; ``oldest`` probe that
    is believed; ``trials``: so many probes go out of a port, ``patience`` apart, when its cable was heard the other way
    only; ``settled``: how long a port must have been up before a new link on a host's port is suspicious;
    ``alarm_interval`` between two alarms of the same kind from the same port.
    """

    interval: float = 0.75
    patience: float = 0.05
    retries: int = 2
    listening: float = 0.1
    edge_interval: float = 15.0
    oldest: float = 3.0
    trials: int = 20
    settled: float = 3.0
    alarm_interval: float = 10.0
    damping: DampingSettings = field(default_factory=DampingSettings)


class Role(Enum):
    """What a port that is up is known to lead to."""

    LISTENING = "listening"
    EDGE = "edge"
    LINK = "link"


class ProbedPort:
    """A port that is up."""

    __slots__ = (
        "answer_time", "answered", "description", "due", "former", "gap", "heard", "host", "location", "partner",
        "phase", "role", "sequence", "since", "trials", "unanswered", "writer",
    )  # fmt: skip

    def __init__(self, location: Location, description: model.Port, now: float, phase: float, gap: float) -> None:
        self.location = location
        self.description = description
        self.since = now
        self.role = Role.LISTENING
        self.host = False
        # Probing: when next, what was sent, what came through.
        self.phase = phase
        self.gap = gap
        self.due = inf
        self.sequence = 0
        self.heard = -1
        self.answered = False
        self.unanswered = 0
        self.trials = 0
        self.answer_time = 0.0
        self.writer: ProbeWriter | None = None
        # The other end of the cable, and the one before it was lost.
        self.partner: Location | None = None
        self.former: Location | None = None

    def is_pending(self, settings: TopologySettings) -> bool:
        """Whether the cable was heard the other way and this way may still follow.

        A switch that got a probe before its first rules may drop some more by its cache of what it did with that one.
        """
        return self.partner is not None and not self.answered and self.trials < settings.trials


class Agenda:
    """When which port is due, earliest first; planning a port anew makes its earlier entry void."""

    def __init__(self) -> None:
        self._entries: list[tuple[float, Location]] = []

    @property
    def next_due(self) -> float:
        """The time of the earliest entry, which may be void; infinity for none."""
        return self._entries[0][0] if self._entries else inf

    def plan(self, port: ProbedPort, due: float) -> None:
        """Have the port come up at this time."""
        port.due = due
        heappush(self._entries, (due, port.location))

    def due(self, now: float) -> Iterator[tuple[float, Location]]:
        """Take out what is due, void entries too: the port's own ``due`` says which they are."""
        while self._entries and self._entries[0][0] <= now:
            yield heappop(self._entries)


def even_phases() -> Iterator[float]:
    """Phases, 0 .. 1, that lie evenly however many are taken (multiples of the golden ratio)."""
    for number in count():
        yield number * _GOLDEN_RATIO % 1


def next_slot(now: float, period: float, phase: float) -> float:
    """The next time after ``now`` that is ``phase`` (0 .. 1) into a period."""
    slot = (floor(now / period - phase) + 1 + phase) * period
    return slot if slot > now else slot + period
