"""OpenFlow messages of a capture: when, between whom, and (decoded when somebody looks) what."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from os import PathLike
from typing import Any

from experiments.capture.decode import decode
from experiments.capture.names import MESSAGE
from experiments.capture.pcap import Packet, Source, packets
from experiments.capture.segments import segment_of
from experiments.capture.streams import Gap, Reassembler, Whole

OPENFLOW_PORT = 6653
"""The port that IANA gave to OpenFlow."""

HELD_LIMIT = 50_000
"""Messages held back at most while the capture may still tell which switch sent them."""


@dataclass(frozen=True)
class Message:
    """One OpenFlow message on the wire.

    ``time`` is when the segment was captured that completed it (seconds since the epoch). ``dpid`` is what the switch
    said in the FEATURES_REPLY of this connection, None when the capture does not hold it. ``switch`` is the switch's
    end of the connection ("127.0.0.1:41234").
    """

    time: float
    dpid: int | None
    from_switch: bool
    switch: str
    raw: bytes

    @property
    def version(self) -> int:
        """``ofp_header.version``: 4 for OpenFlow 1.3."""
        return self.raw[0]

    @property
    def type(self) -> int:
        """OFPT_*."""
        return self.raw[1]

    @property
    def name(self) -> str:
        """The specification's name of the type ("PACKET_IN"); TYPE_nn for a type that it does not have."""
        return MESSAGE.get(self.raw[1], f"TYPE_{self.raw[1]}")

    @property
    def length(self) -> int:
        """Bytes of the whole message."""
        return len(self.raw)

    @property
    def xid(self) -> int:
        """The transaction id that a reply shares with its request."""
        return int.from_bytes(self.raw[4:8])

    @cached_property
    def fields(self) -> Mapping[str, Any]:
        """What the message says, as `experiments.capture.decode.decode` describes it."""
        return decode(self.raw)


def read(
    source: str | PathLike[str] | Source,
    port: int = OPENFLOW_PORT,
    on_gap: Callable[[Gap], None] | None = None,
) -> Iterator[Message]:
    """The OpenFlow messages of a capture file, in the order in which they became whole.

    ``on_gap`` is told where the capture lacks something. Raises `UserError` for a file that is no capture.
    """
    return messages(packets(source), port, on_gap)


def messages(
    source: Iterable[Packet],
    port: int = OPENFLOW_PORT,
    on_gap: Callable[[Gap], None] | None = None,
    *,
    live: bool = False,
) -> Iterator[Message]:
    """The OpenFlow messages in captured packets.

    A connection's first messages are held back until its FEATURES_REPLY says which switch it is, so that they bear
    its ``dpid`` too; ``live``: they are not, since somebody is waiting for them.
    """
    reassembler = Reassembler(port)
    held: deque[Whole] = deque()
    for whole in _wholes(source, reassembler):
        held.append(whole)
        while held and (live or _settled(held[0]) or len(held) > HELD_LIMIT):
            yield _message(held.popleft())
        _report(reassembler, on_gap)
    yield from map(_message, held)
    _report(reassembler, on_gap)


def _wholes(source: Iterable[Packet], reassembler: Reassembler) -> Iterator[Whole]:
    for packet in source:
        segment = segment_of(packet)
        if segment is not None:
            yield from reassembler.feed(segment)
    yield from reassembler.end()


def _settled(whole: Whole) -> bool:
    return whole.connection.dpid is not None or whole.connection.closed


def _message(whole: Whole) -> Message:
    connection = whole.connection
    from_switch = whole.from_caller != connection.switch_listens
    return Message(whole.time, connection.dpid, from_switch, connection.switch, whole.raw)


def _report(reassembler: Reassembler, on_gap: Callable[[Gap], None] | None) -> None:
    if on_gap is not None:
        for gap in reassembler.gaps:
            on_gap(gap)
    reassembler.gaps.clear()
