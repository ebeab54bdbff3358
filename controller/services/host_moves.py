"""How often something moves, and where it was before: what tells a host that roams from a loop or a spoofer.

What moves is a MAC from port to port, or an address from MAC to MAC.
"""

from __future__ import annotations

from collections import OrderedDict
from enum import Enum
from typing import Generic, TypeVar

Place = TypeVar("Place")


class Verdict(Enum):
    """What to make of one that is seen elsewhere."""

    FOLLOW = "it moved"
    HOLD = "it moves too often, from now on"
    HELD = "it is being held"


class _Trail(Generic[Place]):
    """The last moves of one: when, and from where."""

    __slots__ = ("held_until", "latest", "moves")

    def __init__(self) -> None:
        self.moves: list[tuple[float, Place]] = []
        self.latest = 0.0
        self.held_until = 0.0


class Trails(Generic[Place]):
    """The late moves of many. ``moves`` within one second are followed, one more has it held for ``hold`` seconds."""

    def __init__(self, moves: int, hold: float) -> None:
        self._most = moves
        self._hold = hold
        self._trails: OrderedDict[bytes, _Trail[Place]] = OrderedDict()

    def judge(self, who: bytes, here: Place, now: float) -> Verdict:
        """One known to be ``here`` is seen elsewhere; FOLLOW counts as a move."""
        trail = self._trails.get(who)
        if trail is None:
            trail = self._trails[who] = _Trail()
        if now < trail.held_until:
            return Verdict.HELD
        trail.latest = now
        self._trails.move_to_end(who)
        if len(trail.moves) == self._most and now - trail.moves[0][0] < 1.0:
            trail.held_until = now + self._hold
            return Verdict.HOLD
        trail.moves.append((now, here))
        del trail.moves[: -self._most]
        return Verdict.FOLLOW

    def before(self, who: bytes) -> list[Place]:
        """Where it was before its last moves, the earliest first."""
        trail = self._trails.get(who)
        return [left for _, left in trail.moves] if trail else []

    def is_held(self, who: bytes, now: float) -> bool:
        """Whether it is being held."""
        trail = self._trails.get(who)
        return trail is not None and now < trail.held_until

    def forget(self, who: bytes) -> None:
        """It is gone."""
        self._trails.pop(who, None)

    def expire(self, now: float) -> None:
        """Forget moves that are longer ago than one is held."""
        while self._trails:
            who, trail = next(iter(self._trails.items()))
            if trail.latest + self._hold > now:
                break
            del self._trails[who]
