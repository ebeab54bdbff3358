"""Cutting one direction of a connection into OpenFlow messages, and finding back to them after a loss."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Set
from enum import Enum, auto

from experiments.capture.names import TYPE

_HEADER = struct.Struct("!BBH")
_HEADER_SIZE = 8
_VERSIONS = range(1, 7)
_VERSION_BYTE = b"\x04"

_EXACT = {
    **dict.fromkeys(("FEATURES_REQUEST", "GET_CONFIG_REQUEST", "BARRIER_REQUEST", "BARRIER_REPLY"), 8),
    "GET_ASYNC_REQUEST": 8,
    **dict.fromkeys(("GET_CONFIG_REPLY", "SET_CONFIG"), 12),
    **dict.fromkeys(("TABLE_MOD", "QUEUE_GET_CONFIG_REQUEST"), 16),
    **dict.fromkeys(("ROLE_REQUEST", "ROLE_REPLY"), 24),
    **dict.fromkeys(("FEATURES_REPLY", "GET_ASYNC_REPLY", "SET_ASYNC"), 32),
    "PORT_MOD": 40,
    "PORT_STATUS": 80,
}
_LEAST = {
    "ERROR": 12,
    **dict.fromkeys(("EXPERIMENTER", "GROUP_MOD", "METER_MOD", "MULTIPART_REQUEST", "MULTIPART_REPLY"), 16),
    "QUEUE_GET_CONFIG_REPLY": 16,
    "PACKET_OUT": 24,
    "PACKET_IN": 34,
    **dict.fromkeys(("FLOW_MOD", "FLOW_REMOVED"), 56),
}
_MOST = {"HELLO": 64, "ECHO_REQUEST": 1024, "ECHO_REPLY": 1024}
"""Longer ones are possible and not sent. (Every ARP packet has 04 00 01 02 in it, as a HELLO of 258 bytes had.)"""

_EXACT_BY_TYPE = {TYPE[name]: length for name, length in _EXACT.items()}
_LEAST_BY_TYPE = {TYPE[name]: length for name, length in _LEAST.items()}
_MOST_BY_TYPE = {TYPE[name]: length for name, length in _MOST.items()}
_WORDS = {TYPE[name] for name in ("FLOW_MOD", "FLOW_REMOVED", "GROUP_MOD", "METER_MOD")}
"""Types whose length is a multiple of 8."""

_SURE = 4
"""So many headers in a chain, each where the last one ends, are no coincidence."""


class Framer:
    """Bytes of a stream in, whole messages out.

    ``synchronised``: the next byte is known to begin a message (so it is from a connection's first byte on). Without
    that, or when a header makes no sense, the next place is sought from which on messages follow one another;
    ``skipped`` counts the bytes that belong to no whole message, until `take_skipped` is asked for them.
    """

    __slots__ = ("_buffer", "_types", "skipped", "synchronised")

    def __init__(self, types: Set[int], *, synchronised: bool) -> None:
        self._types = types
        self._buffer = b""
        self.synchronised = synchronised
        self.skipped = 0

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The messages that these bytes complete."""
        if self._buffer:
            data = self._buffer + data
            self._buffer = b""
        at = 0
        while True:
            if not self.synchronised:
                found = _boundary(data, at, self._types, final=False)
                self.skipped += found[0] - at
                at, self.synchronised = found
                if not self.synchronised:
                    break
            if len(data) - at < _HEADER_SIZE:
                break
            version, _, length = _HEADER.unpack_from(data, at)
            if length < _HEADER_SIZE or version not in _VERSIONS:
                # A wrong header is passed over as a whole byte, or the search would find it again.
                self.synchronised = False
                self.skipped += 1
                at += 1
                continue
            if at + length > len(data):
                break
            yield data[at : at + length]
            at += length
        self._buffer = data[at:]

    def lost(self) -> Iterator[bytes]:
        """Bytes are missing here: the messages that can still be had from what came before; then begin anew."""
        if not self.synchronised:
            at, found = _boundary(self._buffer, 0, self._types, final=True)
            if found:
                self.skipped += at
                data, self._buffer = self._buffer[at:], b""
                self.synchronised = True
                yield from self.feed(data)
        self.skipped += len(self._buffer)
        self._buffer = b""
        self.synchronised = False

    def take_skipped(self) -> int:
        """How many bytes were skipped since this was last asked."""
        skipped, self.skipped = self.skipped, 0
        return skipped


def _boundary(data: bytes, at: int, types: Set[int], *, final: bool) -> tuple[int, bool]:
    """Where the next message begins, and whether that is certain; otherwise from where on to look again.

    Best is a place from which several messages follow one another. With none such, it is the first from where one
    message reaches to the very end, or would with more bytes; ``final``: no more will come.
    """
    fallback: tuple[int, bool] | None = None
    while (at := data.find(_VERSION_BYTE, at)) >= 0:
        chain = _chain(data, at, types)
        if chain is _Chain.SEVERAL:
            # A byte 4 before a true header makes an EXPERIMENTER of it.
            return at + (_chain(data, at + 1, types) is _Chain.SEVERAL), True
        if fallback is None and (chain is _Chain.ONE or (chain is _Chain.OPEN and not final)):
            fallback = at, chain is _Chain.ONE
        at += 1
    return fallback or (len(data), False)


class _Chain(Enum):
    """What follows from a place on."""

    NONE = auto()
    OPEN = auto()
    ONE = auto()
    SEVERAL = auto()


def _chain(data: bytes, at: int, types: Set[int]) -> _Chain:
    """Several messages up to the very end of the bytes (or `_SURE` of them), or one, or one that is not whole yet."""
    for count in range(_SURE):
        if at == len(data):
            return _Chain.ONE if count == 1 else _Chain.SEVERAL
        if len(data) - at < _HEADER_SIZE:
            return _Chain.OPEN if data[at : at + 1] == _VERSION_BYTE else _Chain.NONE
        version, kind, length = _HEADER.unpack_from(data, at)
        if version != _VERSION_BYTE[0] or kind not in types or not _fits(kind, length):
            return _Chain.NONE
        at += length
        if at > len(data):
            return _Chain.OPEN
    return _Chain.SEVERAL


def _fits(kind: int, length: int) -> bool:
    """Whether a message of this type is likely to be so long."""
    if kind in _EXACT_BY_TYPE:
        return length == _EXACT_BY_TYPE[kind]
    if not _LEAST_BY_TYPE.get(kind, _HEADER_SIZE) <= length <= _MOST_BY_TYPE.get(kind, length):
        return False
    return not (kind in _WORDS and length % 8)
