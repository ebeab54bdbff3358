"""The words of a story, as values. All of them can be written as JSON (`dataclasses.asdict`).

Times are microseconds after the first message of the story. ``message`` is the number of a message: its place in the
capture, counted from 0, in order of time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from experiments.story.frame import Headers
from experiments.story.tables import Rule


class Seen(Protocol):
    """What a story asks of a captured message (`experiments.capture.Message` has it all, and more)."""

    @property
    def time(self) -> float:
        """Seconds since the epoch."""

    @property
    def dpid(self) -> int | None:
        """The switch at one end, or None while the capture does not tell."""

    @property
    def from_switch(self) -> bool:
        """Whether the switch sent it."""

    @property
    def name(self) -> str:
        """PACKET_IN, FLOW_MOD ..."""

    @property
    def xid(self) -> int:
        """Transaction id."""

    @property
    def length(self) -> int:
        """Bytes, header included."""

    @property
    def fields(self) -> Mapping[str, Any]:
        """The decoded body."""


@dataclass(frozen=True)
class Query:
    """A switch asks (PACKET_IN). ``bytes`` of the message, ``frame_bytes`` of the packet."""

    at: float
    message: int
    switch: str
    in_port: int
    reason: str
    table: int
    cookie: int
    buffer_id: int | None
    xid: int
    bytes: int
    frame_bytes: int


@dataclass(frozen=True)
class Decision:
    """The controller has decided: when its first order was on the wire, and how long after the query.

    ``number`` and ``application`` are those in Flowpath's cookies; another controller's decisions have none. ``text``
    is read from the orders; ``why`` is the controller's own word, asked of it afterwards, since no message carries it.
    """

    at: float
    took: float
    number: int | None
    application: int | None
    text: str
    why: str = ""


@dataclass(frozen=True)
class Install:
    """A rule ordered (FLOW_MOD)."""

    at: float
    message: int
    switch: str
    command: str
    rule: Rule


@dataclass(frozen=True)
class Release:
    """The packet that asked is sent on its way (PACKET_OUT, or a FLOW_MOD that names its buffer)."""

    at: float
    message: int
    switch: str
    by: str
    actions: tuple[Mapping[str, Any], ...]
    ports: tuple[int, ...]


@dataclass(frozen=True)
class Visit:
    """A packet at a switch: parsed, and then either known to a rule or asked about.

    ``release`` sends it on from here, ``deliveries`` from other switches. ``hits`` are the rules that carried it where
    it was not asked about; ``cached`` are the rules that this visit's decision left in the switches' tables, as the
    switches themselves report them. ``missing`` names what was not seen.
    """

    switch: str
    in_port: int
    out_ports: tuple[int, ...]
    query: Query | None = None
    decision: Decision | None = None
    installs: tuple[Install, ...] = ()
    release: Release | None = None
    deliveries: tuple[Release, ...] = ()
    hits: tuple[Rule, ...] = ()
    cached: tuple[Rule, ...] = ()
    missing: tuple[str, ...] = ()

    @property
    def asked(self) -> bool:
        """Whether the switch asked the controller."""
        return self.query is not None


@dataclass(frozen=True)
class PacketStory:
    """One packet's way from host to host. ``elsewhere`` are the switches that asked about a copy of it off the way."""

    name: str
    ping: int
    source: str
    target: str
    text: str
    headers: Headers
    path: tuple[str, ...]
    visits: tuple[Visit, ...]
    elsewhere: tuple[Visit, ...]
    missing: tuple[str, ...] = ()
    answered_by_controller: bool = False

    @property
    def queries(self) -> int:
        """How many switches asked about it, copies included."""
        return sum(visit.asked for visit in (*self.visits, *self.elsewhere))

    @property
    def waited(self) -> float:
        """Microseconds that it lay at switches on its way, between question and release."""
        return sum(
            (visit.release or visit.deliveries[0]).at - visit.query.at
            for visit in self.visits
            if visit.query and (visit.release or visit.deliveries)
        )


@dataclass(frozen=True)
class CacheUse:
    """A rule that carried the second ping, and the packets that its switch had counted before and after."""

    switch: str
    packet: str
    rule: Rule
    before: int | None
    after: int | None

    @property
    def hit(self) -> bool:
        """Whether the switch's own count proves that the rule was used."""
        return self.after is not None and self.after > (self.before or 0)


@dataclass(frozen=True)
class Story:
    """Two pings, the first asked about, the second not. ``begin`` is the first message's time (seconds, epoch)."""

    source: str
    target: str
    begin: float
    path: tuple[str, ...]
    first: tuple[PacketStory, ...]
    second: tuple[PacketStory, ...]
    cache: tuple[CacheUse, ...]
    ours: bool
    missing: tuple[str, ...]

    @property
    def complete(self) -> bool:
        """Whether every step was seen."""
        return not self.missing

    @property
    def queries(self) -> int:
        """How many times the switches asked during the first ping."""
        return sum(packet.queries for packet in self.first)
