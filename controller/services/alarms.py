"""Saying a thing once: an alarm that goes on is repeated rarely, however often its cause occurs."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable


class AlarmLimiter:
    """Which alarms were raised lately, by kind and by what they are about.

    Each is repeated every ``interval`` seconds at most. No more than ``limit`` are remembered, the latest ones.
    """

    def __init__(self, interval: float = 10.0, limit: int = 4096) -> None:
        self._interval = interval
        self._limit = limit
        self._raised: OrderedDict[tuple[str, Hashable], float] = OrderedDict()

    def due(self, kind: str, about: Hashable, now: float) -> bool:
        """Whether to raise this alarm now; if so, it counts as raised."""
        key = (kind, about)
        raised = self._raised.get(key)
        if raised is not None and now - raised < self._interval:
            return False
        self._raised[key] = now
        self._raised.move_to_end(key)
        if len(self._raised) > self._limit:
            self._raised.popitem(last=False)
        return True

    def forget(self, now: float) -> None:
        """Forget what was raised so long ago that it may be repeated anyway."""
        while self._raised:
            key, raised = next(iter(self._raised.items()))
            if now - raised < self._interval:
                break
            del self._raised[key]
