"""Every host asks every other: a datagram there and back, many pairs at a time, all from one process."""

from __future__ import annotations

import selectors
import socket
import struct
import time
from collections import deque
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from experiments.traffic.sockets import PORT, udp_socket

if TYPE_CHECKING:
    from experiments.machine.network import Host

WINDOW = 16
"""Pairs that are asked about at a time: more would measure how the machine queues, not how the network works."""

PATIENCE = 1.0
"""Seconds to wait for an answer."""

TRIES = 3

_TOKEN = struct.Struct("!4sBxHI")
_MARK = b"fpec"
_REQUEST, _REPLY = 1, 2


@dataclass(frozen=True)
class Echo:
    """What came of a pair: the number of the try that was answered (0: none), seconds there and back, its request."""

    source: str
    target: str
    tries: int
    rtt: float | None
    request: bytes


@dataclass
class _Asked:
    pair: int
    attempt: int
    at: float


def ask_all(hosts: Sequence[Host], pairs: Sequence[tuple[Host, Host]]) -> list[Echo]:
    """Ask for every pair, in its order, at most `WINDOW` at a time."""
    answered: dict[int, tuple[int, float]] = {}
    waiting: dict[int, _Asked] = {}
    todo = deque((number, 1) for number in range(len(pairs)))
    with ExitStack() as stack, selectors.DefaultSelector() as selector:
        sockets = {host.name: stack.enter_context(udp_socket(host)) for host in hosts}
        for sock in sockets.values():
            selector.register(sock, selectors.EVENT_READ)
        while todo or waiting:
            while todo and len(waiting) < WINDOW:
                number, attempt = todo.popleft()
                source, target = pairs[number]
                waiting[number] = _Asked(number, attempt, time.monotonic())
                sockets[source.name].sendto(_token(_REQUEST, attempt, number), (target.ip, PORT))
            oldest = min(asked.at for asked in waiting.values())
            for key, _ in selector.select(max(0.0, oldest + PATIENCE - time.monotonic())):
                assert isinstance(key.fileobj, socket.socket)
                _serve(key.fileobj, waiting, answered)
            now = time.monotonic()
            for asked in [each for each in waiting.values() if now - each.at >= PATIENCE]:
                del waiting[asked.pair]
                if asked.attempt < TRIES:
                    todo.append((asked.pair, asked.attempt + 1))
    echoes = []
    for number, (source, target) in enumerate(pairs):
        tries, rtt = answered.get(number, (0, None))
        echoes.append(Echo(source.name, target.name, tries, rtt, _token(_REQUEST, tries or TRIES, number)))
    return echoes


def _serve(sock: socket.socket, waiting: dict[int, _Asked], answered: dict[int, tuple[int, float]]) -> None:
    """Answer what is asked here, note what is answered."""
    data, sender = sock.recvfrom(64)
    if len(data) != _TOKEN.size or data[:4] != _MARK:
        return
    _, kind, attempt, number = _TOKEN.unpack(data)
    if kind == _REQUEST:
        sock.sendto(_token(_REPLY, attempt, number), sender)
    elif (asked := waiting.get(number)) is not None and asked.attempt == attempt:
        answered[number] = (attempt, time.monotonic() - asked.at)
        del waiting[number]


def _token(kind: int, attempt: int, number: int) -> bytes:
    return _TOKEN.pack(_MARK, kind, attempt, number)
