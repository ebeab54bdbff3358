"""OpenFlow on a byte stream: cutting it into messages, the common header, and what to answer when bytes are wrong.

OpenFlow Switch Specification 1.3.5, §7.1 (header) and §7.4.4 (errors).
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum
from struct import Struct

VERSION = 4
"""The version byte of OpenFlow 1.3."""

HEADER = Struct("!BBHI")
"""Version, type, length, xid."""

HIGHEST_TYPE = 35
"""The highest message type of any OpenFlow version so far (1.5: OFPT_CONTROLLER_STATUS)."""


class MessageType(IntEnum):
    """OFPT_* (§7.1)."""

    HELLO = 0
    ERROR = 1
    ECHO_REQUEST = 2
    ECHO_REPLY = 3
    EXPERIMENTER = 4
    FEATURES_REQUEST = 5
    FEATURES_REPLY = 6
    GET_CONFIG_REQUEST = 7
    GET_CONFIG_REPLY = 8
    SET_CONFIG = 9
    PACKET_IN = 10
    FLOW_REMOVED = 11
    PORT_STATUS = 12
    PACKET_OUT = 13
    FLOW_MOD = 14
    GROUP_MOD = 15
    PORT_MOD = 16
    TABLE_MOD = 17
    MULTIPART_REQUEST = 18
    MULTIPART_REPLY = 19
    BARRIER_REQUEST = 20
    BARRIER_REPLY = 21
    QUEUE_GET_CONFIG_REQUEST = 22
    QUEUE_GET_CONFIG_REPLY = 23
    ROLE_REQUEST = 24
    ROLE_REPLY = 25
    GET_ASYNC_REQUEST = 26
    GET_ASYNC_REPLY = 27
    SET_ASYNC = 28
    METER_MOD = 29


ErrorCode = tuple[int, int]
"""(type, code) of an OFPT_ERROR."""

BAD_VERSION: ErrorCode = (1, 0)
BAD_TYPE: ErrorCode = (1, 1)
BAD_LENGTH: ErrorCode = (1, 6)
BAD_ACTION_LENGTH: ErrorCode = (2, 1)
BAD_INSTRUCTION_LENGTH: ErrorCode = (3, 7)
BAD_MATCH_TYPE: ErrorCode = (4, 0)
BAD_MATCH_LENGTH: ErrorCode = (4, 1)
BAD_MATCH_VALUE: ErrorCode = (4, 7)
BAD_MATCH_MASK: ErrorCode = (4, 8)
DUPLICATE_MATCH_FIELD: ErrorCode = (4, 10)


class Malformed(Exception):
    """Bytes that are not OpenFlow 1.3. ``error`` is the (type, code) to answer with, None where no answer is due.

    ``refused`` is the start of what cannot be a message, where a stream cannot be followed: the answer quotes it.
    """

    def __init__(self, text: str, error: ErrorCode | None = BAD_LENGTH, refused: bytes = b"") -> None:
        super().__init__(text)
        self.error = error
        self.refused = refused


class Framer:
    """Cuts one connection's byte stream into messages.

    What a chunk holds of an unfinished message is kept and joined once, when the message is complete.
    """

    __slots__ = ("_have", "_need", "_pieces")

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._have = 0
        self._need = HEADER.size

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """The messages that ``chunk`` completes, in order; run it to its end before the next call.

        Raises Malformed, after the whole messages before it, where a header cannot be one: the stream cannot be
        followed any further then and the connection is to be closed.
        """
        if self._pieces:
            self._pieces.append(chunk)
            self._have += len(chunk)
            if self._have < self._need:
                return
            chunk = b"".join(self._pieces)
            self._pieces.clear()
        start, end = 0, len(chunk)
        while end - start >= 8:
            length = chunk[start + 2] << 8 | chunk[start + 3]
            if length < 8:
                raise Malformed(f"header says {length} bytes, fewer than a header has", refused=chunk[start:])
            if start + length > end:
                if chunk[start + 1] > HIGHEST_TYPE:
                    raise Malformed(f"not OpenFlow: message type {chunk[start + 1]}", BAD_TYPE, chunk[start:])
                self._need = length
                self._keep(chunk[start:])
                return
            yield chunk[start : start + length]
            start += length
        self._need = HEADER.size
        if start < end:
            self._keep(chunk[start:])

    def _keep(self, rest: bytes) -> None:
        self._pieces.append(rest)
        self._have = len(rest)


def header(message_type: int, length: int, xid: int) -> bytes:
    """The eight bytes that begin a message of ``length`` bytes in all."""
    return HEADER.pack(VERSION, message_type, length, xid)


def padded(length: int) -> int:
    """``length`` rounded up to the 8 bytes that OpenFlow aligns to."""
    return (length + 7) & ~7


def text(octets: bytes) -> str:
    """A zero-terminated string field."""
    return octets.split(b"\0", 1)[0].decode("utf-8", "replace")
