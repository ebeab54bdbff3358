"""Holding down what flaps, after the idea of RFC 2439: every failure costs a penalty that time takes away again.

Each failure adds 1. Between failures the sum halves every ``half_life`` seconds. Once it passes ``hold_above``, it is
held down until the sum is back under ``release_below``; failures meanwhile go on adding, up to ``ceiling``, which
bounds how long anything is held: ``half_life * log2(ceiling / release_below)``, 8 s by default. With these figures one
failure a second is borne for ever, and a link that fails five times in a second is held.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from math import exp2
from typing import Generic, TypeVar

Subject = TypeVar("Subject", bound=Hashable)

_FORGIVEN = 0.01


@dataclass(frozen=True, slots=True)
class DampingSettings:
    """``half_life`` in seconds, the rest in failures."""

    half_life: float = 2.0
    hold_above: float = 4.0
    release_below: float = 1.0
    ceiling: float = 16.0


@dataclass(slots=True)
class _Record:
    penalty: float
    at: float
    held: bool


class FlapDamper(Generic[Subject]):
    """The penalties of whatever may fail, by its name."""

    def __init__(self, settings: DampingSettings | None = None) -> None:
        self.settings = settings or DampingSettings()
        self._records: dict[Subject, _Record] = {}

    def failed(self, subject: Subject, now: float) -> bool:
        """Count a failure; True when it is the one from which the subject is held down."""
        record = self._records.setdefault(subject, _Record(0.0, now, held=False))
        record.held = self.held(subject, now)
        record.penalty = min(self._penalty(record, now) + 1, self.settings.ceiling)
        record.at = now
        newly_held = not record.held and record.penalty > self.settings.hold_above
        record.held = record.held or newly_held
        self._records[subject] = record
        return newly_held

    def held(self, subject: Subject, now: float) -> bool:
        """Whether the subject is held down at this time."""
        record = self._records.get(subject)
        if record is None:
            return False
        penalty = self._penalty(record, now)
        if penalty < _FORGIVEN:
            del self._records[subject]
        return record.held and penalty >= self.settings.release_below

    def _penalty(self, record: _Record, now: float) -> float:
        return record.penalty * exp2((record.at - now) / self.settings.half_life)
