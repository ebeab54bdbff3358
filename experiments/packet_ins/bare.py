"""A plain responder without a controller: what Python can do at best, `python -m experiments.packet_ins.bare PORT`.

epoll, struct and a dictionary for each connection. It learns sources and answers with a rule and the packet, as a
learning switch does, and knows nothing else: no topology, no events, no guards, no log. It takes for granted that a
PACKET_IN looks like those of Open vSwitch.
"""

from __future__ import annotations

import select
import socket
import sys
from collections.abc import Callable
from struct import Struct

from experiments.packet_ins import wire

READ_SIZE = 1 << 18
IN_PORT_AT, FRAME_AT = 32, wire.FRAME_AT

_HEAD = Struct("!xBH").unpack_from
_RULE = Struct("!BBHI QQBBHHHIIIHH HHII I6s I6s HH4xHHIH6x".replace(" ", "")).pack
_PACKET = Struct("!BBHI IIH6x HHIH6x".replace(" ", "")).pack

Answer = Callable[[int, bytes, bytes], bytes]
"""What is answered, given the port (0: not known, flood), the port of entry as bytes, and the frame."""


def packet_out(here: int, out_port: int, frame: bytes) -> bytes:
    """PACKET_OUT: this frame, which came by port ``here``, to that port."""
    return _PACKET(4, wire.PACKET_OUT, 40 + len(frame), 0, wire.NO_BUFFER, here, 16, 0, 16, out_port, 0xFFFF) + frame


def rule(here: int, source: bytes, target: bytes, out_port: int) -> bytes:
    """FLOW_MOD: what comes by port ``here`` from this source to this target, to that port."""
    return _RULE(
        4, wire.FLOW_MOD, 104, 0, 0, 0, 0, wire.ADD, 60, 0, 1, wire.NO_BUFFER, wire.ANY, wire.ANY, 0, 0,
        1, 32, 0x80000004, here, 0x80000606, target, 0x80000806, source, 4, 24, 0, 16, out_port, 0xFFFF,
    )  # fmt: skip


def answer(out_port: int, in_port: bytes, frame: bytes) -> bytes:
    """A rule for the pair if the port is known, and the packet."""
    here = int.from_bytes(in_port, "big")
    if not out_port:
        return packet_out(here, wire.FLOOD, frame)
    return rule(here, frame[6:12], frame[:6], out_port) + packet_out(here, out_port, frame)


class Connection:
    """A switch's connection and where its hosts are."""

    def __init__(self, connected: socket.socket, answer: Answer) -> None:
        self.socket = connected
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connected.setblocking(True)
        self._answer = answer
        self._ports: dict[bytes, bytes] = {}
        self._rest = b""

    def serve(self) -> bool:
        """Answer what there is to be read; False when the switch has left."""
        data = self.socket.recv(READ_SIZE)
        if not data:
            return False
        data = self._rest + data if self._rest else data
        at, end, ports, answers = 0, len(data), self._ports, []
        known, answer = ports.get, self._answer
        while at + 8 <= end:
            kind, length = _HEAD(data, at)
            if at + length > end:
                break
            if kind == wire.PACKET_IN:
                frame = data[at + FRAME_AT : at + length]
                in_port = data[at + IN_PORT_AT : at + IN_PORT_AT + 4]
                ports[frame[6:12]] = in_port
                answers.append(answer(int.from_bytes(known(frame[:6], b""), "big"), in_port, frame))
            elif kind == wire.HELLO:
                answers.append(wire.hello() + wire.message(wire.FEATURES_REQUEST, 2))
            elif kind == wire.ECHO_REQUEST:
                answers.append(wire.message(wire.ECHO_REPLY, 0, data[at + 8 : at + length]))
            at += length
        self._rest = data[at:]
        self.socket.sendall(b"".join(answers))
        return True


def serve(listening: socket.socket, answer: Answer = answer) -> None:
    """Serve all who connect, for ever."""
    poll = select.epoll()
    poll.register(listening, select.EPOLLIN)
    connections: dict[int, Connection] = {}
    while True:
        for file, _ in poll.poll():
            if file == listening.fileno():
                connected, _ = listening.accept()
                connections[connected.fileno()] = Connection(connected, answer)
                poll.register(connected, select.EPOLLIN)
                continue
            try:
                stays = connections[file].serve()
            except OSError:
                stays = False
            if not stays:
                connections.pop(file).socket.close()


def main() -> None:
    """Listen at the port that the command line names, on loopback."""
    with socket.create_server(("127.0.0.1", int(sys.argv[1]))) as listening:
        serve(listening)


if __name__ == "__main__":
    main()
