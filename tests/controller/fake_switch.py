"""A switch as far as a controller can tell: it shakes hands, asks about packets, and keeps what it is told.

What it says is written from the specification's structures (`tests.southbound.switch_words`). What it is told is read
by Ryu's parser, and where Ryu has none, from the structures again. Neither is the codec under test.
"""

from __future__ import annotations

import socket
import ssl
from struct import pack, unpack_from
from types import SimpleNamespace, TracebackType
from typing import Any, Self

from ryu.ofproto import ofproto_v1_3_parser as parser

from controller.model import Match
from tests.southbound import ryu_words, switch_words

HELLO, ERROR, ECHO_REQUEST, ECHO_REPLY, FEATURES_REQUEST, PACKET_OUT, FLOW_MOD = 0, 1, 2, 3, 5, 13, 14
MULTIPART_REQUEST, BARRIER_REQUEST = 18, 20
DESC, FLOW, GROUP_DESC, METER_CONFIG, PORT_DESC = 0, 1, 7, 10, 13
LLDP = b"\x88\xcc"
PATIENCE = 10.0


class FakeSwitch:
    """One connection; `connect` returns it with the handshake done and the controller's first rules taken."""

    def __init__(self, port: int, dpid: int, *, ports: int = 4, tls: ssl.SSLContext | None = None) -> None:
        self.dpid = dpid
        self.ports = ports
        self.told: list[Any] = []
        self._buffer = b""
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        if tls:
            self.socket = tls.wrap_socket(self.socket)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    @classmethod
    def connect(cls, port: int, dpid: int, **options: Any) -> Self:
        switch = cls(port, dpid, **options)
        switch.shake_hands()
        return switch

    def shake_hands(self) -> None:
        """Up to the last barrier: the switch has been read, has its first rules, and its ports are known."""
        self.say(switch_words.message(HELLO))
        for _ in range(3):
            self.hear_kind(BARRIER_REQUEST)

    def say(self, *messages: bytes) -> None:
        self.socket.sendall(b"".join(messages))

    def ask(self, in_port: int, frame: bytes) -> None:
        """PACKET_IN."""
        self.say(switch_words.packet_in(Match(in_port=in_port), frame))

    def hear(self) -> Any:
        """The next message, answered where a switch answers by itself. EOFError at the connection's end.

        Probes and questions about statistics are passed over: a controller sends them when it likes.
        """
        message = read(self._next())
        while _is_background(message):
            message = read(self._next())
        self.told.append(message)
        answer = self._answer(message)
        if answer:
            self.say(answer)
        return message

    def hear_kind(self, kind: int) -> Any:
        """The next message of this type; those before it are in `told`."""
        while True:
            message = self.hear()
            if message.msg_type == kind:
                return message

    def ended(self) -> bool:
        """Read to the end of the connection."""
        try:
            while True:
                self.hear()
        except (EOFError, ConnectionResetError):
            return True

    def _next(self) -> bytes:
        while len(self._buffer) < 8 or len(self._buffer) < int.from_bytes(self._buffer[2:4], "big"):
            chunk = self.socket.recv(65536)
            if not chunk:
                raise EOFError
            self._buffer += chunk
        length = int.from_bytes(self._buffer[2:4], "big")
        message, self._buffer = self._buffer[:length], self._buffer[length:]
        return message

    def _answer(self, message: Any) -> bytes | None:
        match message.msg_type:
            case 5:
                return switch_words.message(6, pack("!QIBB2xI4x", self.dpid, 0, 254, 0, 0x4F), xid=message.xid)
            case 18 if message.type == PORT_DESC:
                ports = b"".join(switch_words.port(number, b"eth%d" % number) for number in range(1, self.ports + 1))
                return switch_words.message(19, pack("!HH4x", 13, 0) + ports, xid=message.xid)
            case 18 if message.type == DESC:
                texts = pack("!256s256s256s32s256s", b"nobody", b"fake", b"1.0", b"7", b"a fake switch")
                return switch_words.message(19, pack("!HH4x", 0, 0) + texts, xid=message.xid)
            case 18 if message.type in (FLOW, GROUP_DESC, METER_CONFIG):
                return switch_words.message(19, pack("!HH4x", message.type, 0), xid=message.xid)
            case 20:
                return switch_words.message(21, xid=message.xid)
            case 2:
                return switch_words.message(3, bytes(message.data), xid=message.xid)
        return None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.socket.close()


def read(message: bytes) -> Any:
    """A message of a controller."""
    kind = message[1]
    if kind in (HELLO, ERROR, ECHO_REQUEST, ECHO_REPLY, FLOW_MOD):
        return ryu_words.read(message)
    told = SimpleNamespace(msg_type=kind, xid=int.from_bytes(message[4:8], "big"))
    if kind == MULTIPART_REQUEST:
        (told.type,) = unpack_from("!H", message, 8)
    if kind == PACKET_OUT:
        told.buffer_id, told.in_port, length = unpack_from("!IIH", message, 8)
        told.actions, at = [], 24
        while at < 24 + length:
            told.actions.append(parser.OFPAction.parser(message, at))
            at += told.actions[-1].len
        told.data = message[at:]
    return told


def _is_background(message: Any) -> bool:
    if message.msg_type == MULTIPART_REQUEST:
        return message.type not in (DESC, PORT_DESC) and bool(message.xid >> 31)  # the statistics' numbers
    return bool(message.msg_type == PACKET_OUT and message.data[12:14] == LLDP)


def frame(source: str, target: str, payload: bytes = b"\x88\xb5hello") -> bytes:
    """An Ethernet frame between two MAC addresses."""
    return bytes.fromhex((target + source).replace(":", "")) + payload
