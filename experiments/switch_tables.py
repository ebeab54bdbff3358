"""Asking Open vSwitch itself what a switch holds, beside the controller and without it.

Every bridge listens on a local management socket (``ovs-vswitchd(8)``, ``ovs-ofctl dump-flows`` uses it too). What is
said there is OpenFlow 1.3; it does not pass the controller's connection, so it is not in the capture.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import NamedTuple, Self

from experiments.capture.decode import decode
from experiments.errors import UserError
from experiments.machine.ovs import RUN_DIRECTORY
from experiments.story import Rule, rule_of

PATIENCE = 10.0
"""Seconds until a switch that does not answer is given up."""

_HEADER = struct.Struct("!BBHI")
_VERSION = 4
_HELLO, _ERROR, _ECHO_REQUEST, _ECHO_REPLY, _FLOW_MOD, _REQUEST, _REPLY, _BARRIER, _BARRIER_REPLY = (
    0, 1, 2, 3, 14, 18, 19, 20, 21,
)  # fmt: skip
_FLOW_STATS = 1
_MORE = 1
_DELETE_STRICT = 4
_NO_BUFFER = _ANY = 0xFFFFFFFF
_ALL_TABLES = 0xFF
_STATS_FIXED = 48
"""Bytes of ``ofp_flow_stats`` before its match (§7.3.5.2)."""


class Entry(NamedTuple):
    """A rule that a switch reports, and its match as on the wire, padding included."""

    rule: Rule
    match: bytes


class SwitchTables:
    """A switch's flow tables, read and thinned out over its management socket. Raises `UserError`."""

    def __init__(self, switch: str) -> None:
        self.switch = switch
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(PATIENCE)
        try:
            self._socket.connect(str(RUN_DIRECTORY / f"{switch}.mgmt"))
        except OSError as error:
            self._socket.close()
            raise UserError(f"switch {switch} cannot be asked for its flow tables: {error.strerror}") from None
        self._send(_HELLO, b"")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def entries(self) -> list[Entry]:
        """All rules of all tables, with their packet counts."""
        request = struct.pack("!HH4xB3xII4xQQ", _FLOW_STATS, 0, _ALL_TABLES, _ANY, _ANY, 0, 0)
        request += struct.pack("!HH4x", 1, 4)  # a match that asks nothing
        self._send(_REQUEST, request)
        entries: list[Entry] = []
        more = True
        while more:
            raw = self._receive(_REPLY)
            reply = decode(raw)
            rules = [rule_of(fields) for fields in reply["body"]]
            entries += map(Entry, rules, _matches(raw[_HEADER.size + 8 :]))
            more = bool(struct.unpack_from("!H", raw, _HEADER.size + 2)[0] & _MORE)
        return entries

    def delete(self, entries: Iterable[Entry]) -> None:
        """Delete these rules and no other; they are gone when it returns (barrier, §6.2)."""
        for rule, match in entries:
            self._send(
                _FLOW_MOD,
                struct.pack(
                    "!QQBBHHHIIIH2x", 0, 0, rule.table, _DELETE_STRICT, 0, 0, rule.priority, _NO_BUFFER, _ANY, _ANY, 0
                )
                + match,
            )
        self._send(_BARRIER, b"")
        self._receive(_BARRIER_REPLY)

    def _send(self, kind: int, body: bytes) -> None:
        self._socket.sendall(_HEADER.pack(_VERSION, kind, _HEADER.size + len(body), 1) + body)

    def _receive(self, wanted: int) -> bytes:
        """The next message of one type; ``echo`` is answered, an error raised, the rest passed over."""
        while True:
            header = self._read(_HEADER.size)
            _, kind, length, _ = _HEADER.unpack(header)
            raw = header + self._read(length - _HEADER.size)
            if kind == wanted:
                return raw
            if kind == _ECHO_REQUEST:
                self._send(_ECHO_REPLY, raw[_HEADER.size :])
            elif kind == _ERROR:
                raise UserError(f"switch {self.switch} refused to show its flow tables: {decode(raw)}")

    def _read(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            try:
                part = self._socket.recv(count - len(data))
            except TimeoutError:
                raise UserError(f"switch {self.switch} did not show its flow tables within {PATIENCE:g} s") from None
            if not part:
                raise UserError(f"switch {self.switch} closed its management connection")
            data += part
        return data


def _matches(body: bytes) -> Iterator[bytes]:
    """The match of each ``ofp_flow_stats``, padded to 8 bytes as it must be sent (§7.2.3.1)."""
    at = 0
    while at < len(body):
        (length,) = struct.unpack_from("!H", body, at)
        (match_length,) = struct.unpack_from("!H", body, at + _STATS_FIXED + 2)
        start = at + _STATS_FIXED
        yield body[start : start + -(-match_length // 8) * 8]
        at += length
