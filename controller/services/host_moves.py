"""How often a host moves, and where it was before: what tells a host that roams from a loop or a spoofer."""

from __future__ import annotations

from collections import OrderedDict
from enum import Enum

from controller.model import Location


class Verdict(Enum):
    """What to make of a host that is seen elsewhere."""

    FOLLOW = "it moved"
    HOLD = "it moves too often, from now on"
    HELD = "it is being held"


class _Trail:
    """The last moves of a host: when, and from where."""

    __slots__ = ("held_until", "latest", "moves")

    def __init__(self) -> None:
        self.moves: list[tuple[float, Location]] = []
        self.latest = 0.0
        self.held_until = 0.0


class Trails:
    """The late moves of hosts. ``moves`` within one second are followed, one more has the host held for ``hold`` s."""

    def __init__(self, moves: int, hold: float) -> None:
        self._most = moves
        self._hold = hold
        self._trails: OrderedDict[bytes, _Trail] = OrderedDict()

    def judge(self, mac: bytes, here: Location, now: float) -> Verdict:
        """The host known to be ``here`` is seen elsewhere; FOLLOW counts as a move."""
        trail = self._trails.get(mac)
        if trail is None:
            trail = self._trails[mac] = _Trail()
        if now < trail.held_until:
            return Verdict.HELD
        trail.latest = now
        self._trails.move_to_end(mac)
        if len(trail.moves) == self._most and now - trail.moves[0][0] < 1.0:
            trail.held_until = now + self._hold
            return Verdict.HOLD
        trail.moves.append((now, here))
        del trail.moves[: -self._most]
        return Verdict.FOLLOW

    def before(self, mac: bytes) -> list[Location]:
        """Where the host was before its last moves, the earliest first."""
        trail = self._trails.get(mac)
        return [left for _, left in trail.moves] if trail else []

    def is_held(self, mac: bytes, now: float) -> bool:
        """Whether the host is being held."""
        trail = self._trails.get(mac)
        return trail is not None and now < trail.held_until

    def forget(self, mac: bytes) -> None:
        """The host is gone."""
        self._trails.pop(mac, None)

    def expire(self, now: float) -> None:
        """Forget moves that are longer ago than a host is held."""
        while self._trails:
            mac, trail = next(iter(self._trails.items()))
            if trail.latest + self._hold > now:
                break
            del self._trails[mac]
