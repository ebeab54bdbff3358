"""TCP reassembly of OpenFlow connections: segments in any order in, whole messages out, gaps said.

Every direction of every connection on the port is put together by sequence numbers (RFC 9293 §3.4): what was sent
twice counts once, what came too early waits. A hole that the capture has and the receiver has not (the peer
acknowledged beyond it) is passed over after `PATIENCE`; any other after `LONG_PATIENCE`, longer than a sender waits
before it sends again.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from typing import NamedTuple

from experiments.capture.decode import OPENFLOW_1_3
from experiments.capture.framing import Framer
from experiments.capture.names import FROM_CONTROLLER, FROM_SWITCH, TYPE
from experiments.capture.segments import ACK, FIN, RST, SYN, Segment, endpoint_text

PATIENCE = 0.2
"""Seconds of the capture's time to wait for a segment that the receiver acknowledged and the capture lacks."""

LONG_PATIENCE = 3.0
"""Seconds to wait for a segment that nobody acknowledged."""

WAITING_LIMIT = 4 << 20
"""Bytes that may wait behind a hole."""

REACH = 64 << 20
"""A sequence number so far off belongs to another connection of the same ports, whose beginning was not captured."""

_ONE_SIDED = FROM_SWITCH ^ FROM_CONTROLLER
_FEATURES_REPLY = TYPE["FEATURES_REPLY"]
_CYCLE = 1 << 32
_HALF = 1 << 31


class Gap(NamedTuple):
    """A place where the capture holds no whole messages: ``missing`` bytes not captured, ``skipped`` bytes unused.

    A capture that begins inside a message has a gap with nothing missing.
    """

    time: float
    switch: str
    from_switch: bool
    missing: int
    skipped: int

    def __str__(self) -> str:
        way = f"from switch {self.switch}" if self.from_switch else f"to switch {self.switch}"
        if self.missing:
            return f"{way}: {self.missing} bytes were not captured, {self.skipped} more skipped up to the next message"
        return f"{way}: {self.skipped} bytes skipped that begin no OpenFlow 1.3 message"


class Whole(NamedTuple):
    """A whole message, and when the segment came that completed it."""

    time: float
    connection: Connection
    from_caller: bool
    raw: bytes


class Connection:
    """One connection between a switch and the controller; ``dpid`` is None until the switch has told it.

    The switch is taken to be the end that calls the port, until a message that only one of them sends decides.
    """

    __slots__ = ("_switch_listens", "caller", "closed", "dpid", "from_caller", "from_listener", "listener")

    def __init__(self, caller: bytes, listener: bytes) -> None:
        self.caller = endpoint_text(caller)
        self.listener = endpoint_text(listener)
        self._switch_listens: bool | None = None
        self.dpid: int | None = None
        self.closed = False
        self.from_caller = Stream(FROM_SWITCH)
        self.from_listener = Stream(FROM_CONTROLLER)

    @property
    def switch_listens(self) -> bool:
        """Whether it is the controller that called the switch."""
        return bool(self._switch_listens)

    @property
    def switch(self) -> str:
        """The switch's end, as text."""
        return self.listener if self.switch_listens else self.caller

    def learn(self, raw: bytes, *, from_caller: bool) -> None:
        """Take from a message what it says about the connection: who is the switch, and which."""
        if self._switch_listens is None and raw[0] == OPENFLOW_1_3 and raw[1] in _ONE_SIDED:
            self._switch_listens = from_caller == (raw[1] in FROM_CONTROLLER)
        if raw[1] == _FEATURES_REPLY and len(raw) >= 16:
            self.dpid = int.from_bytes(raw[8:16])


class Stream:
    """One direction of a connection."""

    __slots__ = ("_framer", "_hole_since", "_missing", "_next", "_types", "_waiting", "_waiting_bytes", "first", "gaps")

    def __init__(self, types: frozenset[int]) -> None:
        self._types = types
        self._framer = Framer(types, synchronised=False)
        self._waiting: list[tuple[int, float, bytes]] = []
        self._waiting_bytes = 0
        self._hole_since = 0.0
        # Position of the next byte: a sequence number that goes on counting beyond 2**32.
        self._next: int | None = None
        self.first: int | None = None
        self._missing = 0
        self.gaps: list[tuple[float, int, int]] = []

    def begin(self, seq: int) -> None:
        """The connection opens: ``seq`` is the sequence number of the SYN."""
        self.first = seq
        self._next = seq + 1
        self._framer = Framer(self._types, synchronised=True)

    def feed(self, segment: Segment) -> Iterator[tuple[float, bytes]]:
        """The messages that a segment completes, each with the time of the segment that completed it."""
        seq = segment.seq + (segment.flags & SYN != 0)
        if self._next is None:
            self._next = seq
        position = self._next + (seq - self._next + _HALF) % _CYCLE - _HALF
        if abs(position - self._next) > REACH:
            yield from self._skip_to(position, segment.time)
        if position > self._next:
            if not self._waiting:
                self._hole_since = segment.time
            heapq.heappush(self._waiting, (position, segment.time, segment.payload))
            self._waiting_bytes += len(segment.payload)
            if self._waiting_bytes > WAITING_LIMIT:
                yield from self._skip_hole()
            return
        yield from self._deliver(position, segment.time, segment.payload)
        yield from self._deliver_waiting(segment.time)

    def acknowledged(self, ack: int, now: float) -> Iterator[tuple[float, bytes]]:
        """The receiver has everything up to ``ack``: a hole before that is the capture's own."""
        if not self._waiting or self._next is None:
            return
        beyond = 0 < (ack - self._next) % _CYCLE < _HALF
        if now - self._hole_since > (PATIENCE if beyond else LONG_PATIENCE):
            yield from self._skip_hole()

    def end(self, now: float) -> Iterator[tuple[float, bytes]]:
        """Nothing follows: what waits behind holes, and the end of what was never synchronised."""
        while self._waiting:
            yield from self._skip_hole()
        yield from ((now, raw) for raw in self._framer.lost())
        self._note(now)

    def _deliver(self, position: int, time: float, payload: bytes) -> Iterator[tuple[float, bytes]]:
        assert self._next is not None
        fresh = payload[self._next - position :]
        if not fresh:
            return
        self._next += len(fresh)
        for raw in self._framer.feed(fresh):
            yield time, raw
        if self._framer.synchronised:
            self._note(time)

    def _deliver_waiting(self, now: float) -> Iterator[tuple[float, bytes]]:
        while self._waiting and self._next is not None and self._waiting[0][0] <= self._next:
            position, time, payload = heapq.heappop(self._waiting)
            self._waiting_bytes -= len(payload)
            yield from self._deliver(position, max(time, now), payload)
            self._hole_since = now

    def _skip_hole(self) -> Iterator[tuple[float, bytes]]:
        position, time, _ = self._waiting[0]
        yield from self._skip_to(position, time)
        yield from self._deliver_waiting(time)

    def _skip_to(self, position: int, time: float) -> Iterator[tuple[float, bytes]]:
        assert self._next is not None
        yield from ((time, raw) for raw in self._framer.lost())
        if 0 < position - self._next <= REACH:
            self._missing += position - self._next
        self._next = position

    def _note(self, time: float) -> None:
        skipped = self._framer.take_skipped()
        if self._missing or skipped:
            self.gaps.append((time, self._missing, skipped))
            self._missing = 0


class Reassembler:
    """All OpenFlow connections of a capture. ``gaps`` fills with what could not be read."""

    def __init__(self, port: int) -> None:
        self._port = port.to_bytes(2)
        self._connections: dict[tuple[bytes, bytes], Connection] = {}
        self._last = 0.0
        self.gaps: list[Gap] = []

    def feed(self, segment: Segment) -> Iterator[Whole]:
        """The messages that a segment completes; none for a segment of another port."""
        from_caller = segment.target[-2:] == self._port
        if not from_caller and segment.source[-2:] != self._port:
            return
        self._last = segment.time
        ends = (segment.source, segment.target) if from_caller else (segment.target, segment.source)
        connection = self._connections.get(ends)
        if connection is None:
            connection = self._connections[ends] = Connection(*ends)
        if segment.flags & SYN:
            sender = connection.from_caller if from_caller else connection.from_listener
            if sender.first != segment.seq:
                # The same ports again, unless this is the answer to the SYN that opened the connection.
                if not segment.flags & ACK:
                    yield from self._end(connection)
                    connection = self._connections[ends] = Connection(*ends)
                    sender = connection.from_caller if from_caller else connection.from_listener
                sender.begin(segment.seq)
        ours, theirs = connection.from_caller, connection.from_listener
        if not from_caller:
            ours, theirs = theirs, ours
        if segment.payload:
            yield from self._wholes(connection, from_caller, ours.feed(segment))
        if segment.flags & ACK:
            yield from self._wholes(connection, not from_caller, theirs.acknowledged(segment.ack, segment.time))
        if segment.flags & (FIN | RST):
            connection.closed = True

    def end(self) -> Iterator[Whole]:
        """The capture ends: what was still waiting for bytes before it."""
        for connection in self._connections.values():
            yield from self._end(connection)

    def _end(self, connection: Connection) -> Iterator[Whole]:
        connection.closed = True
        for from_caller, stream in ((True, connection.from_caller), (False, connection.from_listener)):
            yield from self._wholes(connection, from_caller, stream.end(self._last))

    def _wholes(
        self, connection: Connection, from_caller: bool, messages: Iterator[tuple[float, bytes]]
    ) -> Iterator[Whole]:
        for time, raw in messages:
            connection.learn(raw, from_caller=from_caller)
            yield Whole(time, connection, from_caller, raw)
        stream = connection.from_caller if from_caller else connection.from_listener
        if stream.gaps:
            from_switch = from_caller != connection.switch_listens
            self.gaps += [Gap(time, connection.switch, from_switch, *lost) for time, *lost in stream.gaps]
            stream.gaps.clear()
