"""A stream of numbered datagrams between two hosts, and what an outage did to it.

The sender is a process of its own; the receiver is only a socket, whose queue the kernel stamps with the times of
arrival. So neither waits for what else this process does.
"""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Sequence
from itertools import count, pairwise
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple, Self

from experiments.traffic.sender import DATAGRAM, MARK
from experiments.traffic.sockets import arrival, udp_socket

if TYPE_CHECKING:
    from experiments.machine.network import Host

serial = count(1)

_SENDER = Path(__file__).with_name("sender.py")


class Arrival(NamedTuple):
    """A datagram that arrived: its number, when it was sent and when it came (seconds, epoch)."""

    number: int
    sent: float
    came: float


class Outage(NamedTuple):
    """What happened to the packets sent in some time: how many never came, and the longest silence at the receiver.

    ``began`` and ``ended`` are when the last packet before that silence and the first after it were sent;
    ``copies``: packets that came more than once.
    """

    lost: int
    silence: float
    began: float
    ended: float
    copies: int


class Stream:
    """Datagrams from ``source`` to ``target`` at ``rate`` a second, as long as the ``with`` block lasts."""

    def __init__(self, source: Host, target: Host, port: int, rate: float) -> None:
        self.port = port
        self.arrivals: list[Arrival] = []
        """All that came so far, in the order of arrival; `poll` adds to it."""
        # What an earlier stream has left on its way may still come.
        self._identity = next(serial)
        self._receiver = udp_socket(target, port)
        with udp_socket(source, 0) as sender:
            fd = sender.fileno()
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", str(_SENDER), *map(str, (fd, target.ip, port, rate, self._identity))],
                pass_fds=[fd],
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()
        self._receiver.close()

    def poll(self) -> Sequence[Arrival]:
        """Read what has come; returns all of it."""
        while True:
            try:
                data, ancillary, _, _ = self._receiver.recvmsg(2048, 64, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return self.arrivals
            mark, stream, number, sent = DATAGRAM.unpack_from(data.ljust(DATAGRAM.size))
            if (mark, stream) == (MARK, self._identity):
                self.arrivals.append(Arrival(number, sent / 1e9, arrival(ancillary) / 1e9))


def outage(arrivals: Sequence[Arrival], begin: float, end: float) -> Outage:
    """What befell the packets sent from ``begin`` to ``end``; the silence may reach beyond both.

    Raises ValueError when no packet came that was sent before ``begin``, or none that was sent from ``end`` on: then
    nobody knows how many there were.
    """
    before = [each for each in arrivals if each.sent < begin]
    after = [each for each in arrivals if each.sent >= end]
    if not before or not after:
        raise ValueError("the stream does not reach from before the outage to after it")
    first, last = max(before), min(after)
    within = [each for each in arrivals if first.number <= each.number <= last.number]
    numbers = {each.number for each in within}
    lost = last.number - first.number + 1 - len(numbers)
    by_time = sorted(within, key=lambda each: each.came)
    silence, one, other = max(
        ((other.came - one.came, one, other) for one, other in pairwise(by_time)),
        key=lambda each: each[0],
    )
    return Outage(lost, silence, one.sent, other.sent, len(within) - len(numbers))


def calm_since(arrivals: Sequence[Arrival], begin: float) -> float | None:
    """When the first packet was sent after the last gap in the numbers; ``begin`` when there is no gap since then.

    None while no packet has come that was sent after ``begin``.
    """
    since = sorted({each for each in arrivals if each.sent >= begin})
    if not since:
        return None
    gaps = [other.sent for one, other in pairwise(since) if other.number != one.number + 1]
    last_before = max((each.number for each in arrivals if each.sent < begin), default=since[0].number - 1)
    if gaps:
        return gaps[-1]
    return begin if since[0].number == last_before + 1 else since[0].sent
