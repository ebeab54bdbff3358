"""Counting the copies of broadcast frames: numbered, of an EtherType of our own, received by raw sockets."""

from __future__ import annotations

import selectors
import socket
import struct
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING

from experiments.traffic.sockets import ETHERTYPE, frame_socket

if TYPE_CHECKING:
    from experiments.machine.network import Host

FRAMES = 5
"""Broadcast frames that each host sends."""

PATIENCE = 3.0
"""Seconds to wait for copies that have not come yet."""

SURPLUS = 0.5
"""Seconds for which more copies are awaited once each host has had one of all."""

_HEADER = struct.Struct("!6s6sH")
_NUMBER = struct.Struct("!4sHH")
_MARK = b"fpbc"
_LEAST = 60


def copies(hosts: Sequence[Host]) -> dict[tuple[str, str], tuple[int, ...]]:
    """Have every host broadcast; returns, by sender and receiver, how many copies came of each frame."""
    seen: Counter[tuple[int, str, int]] = Counter()
    expected = len(hosts) * (len(hosts) - 1) * FRAMES
    with ExitStack() as stack, selectors.DefaultSelector() as selector:
        sockets = [stack.enter_context(frame_socket(host)) for host in hosts]
        for host, sock in zip(hosts, sockets, strict=True):
            selector.register(sock, selectors.EVENT_READ, host.name)
        for number in range(FRAMES):
            for sender, (host, sock) in enumerate(zip(hosts, sockets, strict=True)):
                sock.send(_frame(host.mac, sender, number))
                _receive(selector, seen, 0.0)
        deadline = time.monotonic() + PATIENCE
        while len(seen) < expected and (left := deadline - time.monotonic()) > 0:
            _receive(selector, seen, left)
        deadline = time.monotonic() + SURPLUS
        while (left := deadline - time.monotonic()) > 0:
            _receive(selector, seen, left)
    return {
        (source.name, target.name): tuple(seen[sender, target.name, number] for number in range(FRAMES))
        for sender, source in enumerate(hosts)
        for target in hosts
        if source != target
    }


def _receive(selector: selectors.BaseSelector, seen: Counter[tuple[int, str, int]], timeout: float) -> None:
    for key, _ in selector.select(timeout):
        assert isinstance(key.fileobj, socket.socket)
        frame, (_, _, kind, *_) = key.fileobj.recvfrom(2048)
        if kind != socket.PACKET_OUTGOING and frame[_HEADER.size :][:4] == _MARK:
            _, sender, number = _NUMBER.unpack_from(frame, _HEADER.size)
            seen[sender, key.data, number] += 1


def _frame(mac: str, sender: int, number: int) -> bytes:
    header = _HEADER.pack(b"\xff" * 6, bytes.fromhex(mac.replace(":", "")), ETHERTYPE)
    return (header + _NUMBER.pack(_MARK, sender, number)).ljust(_LEAST, b"\0")
