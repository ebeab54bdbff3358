"""The controller as a process: what must be so before it starts, and how it ends."""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Callable, Iterable
from typing import NamedTuple, NoReturn

LONGEST_END = 3
"""Seconds that the other Ryu applications have to close what they hold."""


class Endpoint(NamedTuple):
    """Where the controller is going to listen, and for whom."""

    host: str
    port: int
    purpose: str


def refuse(text: str) -> NoReturn:
    """End before having begun, for a reason that the user can mend: one line, exit code 2."""
    print(f"flowpath: {text}", file=sys.stderr)
    raise SystemExit(2)


def require_free(endpoints: Iterable[Endpoint]) -> None:
    """Refuse to start when one of the ports cannot be had.

    Ryu would not notice: its sockets share a port with those of any other Ryu (SO_REUSEPORT), and where that fails it
    prints a traceback and goes on without the port.
    """
    for host, port, purpose in endpoints:
        try:
            family, kind, protocol, _, address = socket.getaddrinfo(
                host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )[0]
            with socket.socket(family, kind, protocol) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(address)
                probe.listen(1)
        except OSError as error:
            refuse(
                f"port {port} at {host} ({purpose}) cannot be had: {error.strerror}; stop who has it or name another"
            )


def end_on_signals(last_words: Callable[[], None]) -> None:
    """Have SIGTERM and Ctrl-C end the process by the way that Ryu takes on Ctrl-C, after ``last_words``.

    Python runs a signal handler in whichever greenlet is at work, and Ryu's greenlets swallow what it raises. So the
    signal only wakes a greenlet of its own, and that one interrupts the hub.
    """
    # The launcher needs this module before it is settled how eventlet is imported.
    import eventlet  # noqa: PLC0415
    from eventlet.green import socket as green_socket  # noqa: PLC0415

    waking, woken = green_socket.socketpair()
    signal.set_wakeup_fd(waking.fileno(), warn_on_full_buffer=False)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)

    def wait() -> NoReturn:
        while not set(woken.recv(64)) & {signal.SIGTERM, signal.SIGINT}:
            pass
        waking.fileno()  # The other end must live as long as signals are written to it.
        signal.signal(signal.SIGALRM, lambda *_: os._exit(0))
        signal.alarm(LONGEST_END)
        last_words()
        raise KeyboardInterrupt

    eventlet.spawn(wait)
