"""What two readings of a counter say: rates over the time that really passed, and a short history of them.

Nothing is made up. A rate is None (in history: too) where there was only one reading, where the switch does not keep
the counter, and where the counter began anew in between. The time between two readings is the switch's own where its
answers give the age of what is counted to better than a second, else the time between their arrivals.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from math import isnan, nan
from typing import NamedTuple, Protocol

from controller.southbound.replies import PortStats

NOT_KEPT = 2**64 - 1
"""A counter that the switch does not keep (OpenFlow 1.3.5 §7.3.5.6)."""

_WIDTHS = (32, 64)
_NO_AGE = 2**32 - 1


class Aged(Protocol):
    """What is counted since it was made, ``duration`` seconds ago."""

    @property
    def duration(self) -> float:
        """Its age in seconds; 0 where the switch does not say."""


class Counted(Aged, Protocol):
    """A flow or a group."""

    @property
    def packets(self) -> int:
        """Packets since it was made."""

    @property
    def bytes(self) -> int:
        """Bytes since it was made."""


class Traffic(NamedTuple):
    """Traffic of a flow or a group per second; None where unknown."""

    packets: float | None
    bits: float | None


class PortTraffic(NamedTuple):
    """The traffic of a port between two readings, the later at ``time``: everything per second."""

    time: float
    rx_bits: float | None
    tx_bits: float | None
    rx_packets: float | None
    tx_packets: float | None
    rx_dropped: float | None
    tx_dropped: float | None
    rx_errors: float | None
    tx_errors: float | None


def increase(before: int, after: int) -> int | None:
    """How much a counter grew. One that passed the end of its 32 or 64 bits is told from one that was set back."""
    if NOT_KEPT in (before, after):
        return None
    if after >= before:
        return after - before
    for width in _WIDTHS:
        half = 1 << width - 1
        if half <= before < 2 * half and after < half:
            return after - before + 2 * half
    return None


def elapsed(before: Aged, after: Aged, between_arrivals: float) -> float | None:
    """Seconds between two readings; None when it was made anew in between, 0 when both are the same reading."""
    if after.duration < before.duration:
        return None
    if after.duration < _NO_AGE and (after.duration % 1 or before.duration % 1):
        return after.duration - before.duration
    return between_arrivals


def traffic(before: Counted | None, after: Counted, between_arrivals: float) -> Traffic:
    """The traffic since the reading before; without one, and of what was made since, that of its whole life."""
    passed = elapsed(before, after, between_arrivals) if before else None
    packets, octets = (before.packets, before.bytes) if before and passed is not None else (0, 0)
    passed = after.duration if passed is None else passed
    if not 0 < passed < _NO_AGE:
        return Traffic(None, None)
    grown, grown_octets = increase(packets, after.packets), increase(octets, after.bytes)
    return Traffic(
        None if grown is None else grown / passed, None if grown_octets is None else grown_octets * 8 / passed
    )


class PortMeter:
    """The latest reading of a port, and the traffic between the last ``length`` + 1 of them in a ring."""

    __slots__ = ("_at", "_read_at", "_reading", "_rows", "_times")

    def __init__(self, reading: PortStats, now: float, length: int) -> None:
        self._reading = reading
        self._read_at = now
        self._at = 0
        self._times = array("d", [nan]) * length
        self._rows = array("f", [nan]) * (length * _COLUMNS)

    @property
    def reading(self) -> PortStats:
        """The counters as the switch gave them last."""
        return self._reading

    def read(self, reading: PortStats, now: float) -> None:
        """The switch gave its counters again."""
        before, passed = self._reading, elapsed(self._reading, reading, now - self._read_at)
        if passed == 0:
            return
        self._reading, self._read_at = reading, now
        if passed is None:
            return
        per_byte, per_one = 8 / passed, 1 / passed
        row = (
            _rate(before.rx_bytes, reading.rx_bytes, per_byte),
            _rate(before.tx_bytes, reading.tx_bytes, per_byte),
            _rate(before.rx_packets, reading.rx_packets, per_one),
            _rate(before.tx_packets, reading.tx_packets, per_one),
            _rate(before.rx_dropped, reading.rx_dropped, per_one),
            _rate(before.tx_dropped, reading.tx_dropped, per_one),
            _rate(before.rx_errors, reading.rx_errors, per_one),
            _rate(before.tx_errors, reading.tx_errors, per_one),
        )
        self._times[self._at] = now
        self._rows[self._at * _COLUMNS : (self._at + 1) * _COLUMNS] = array("f", row)
        self._at = (self._at + 1) % len(self._times)

    @property
    def latest(self) -> PortTraffic | None:
        """The traffic between the last two readings, None where they have nothing to tell."""
        row = self._row(self._at - 1)
        return row if row is not None and row.time == self._read_at else None

    def history(self) -> Iterator[PortTraffic]:
        """What the ring holds, the oldest first."""
        for step in range(len(self._times)):
            row = self._row(self._at + step)
            if row is not None:
                yield row

    def _row(self, at: int) -> PortTraffic | None:
        at %= len(self._times)
        time = self._times[at]
        if isnan(time):
            return None
        values = self._rows[at * _COLUMNS : (at + 1) * _COLUMNS]
        return PortTraffic(time, *(None if isnan(value) else value for value in values))


_COLUMNS = len(PortTraffic._fields) - 1


def _rate(before: int, after: int, scale: float) -> float:
    grown = increase(before, after)
    return nan if grown is None else grown * scale
