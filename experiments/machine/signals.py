"""Signals that ask a run to end: they interrupt what it does, but never what must be done as a whole."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(KeyboardInterrupt):
    """A signal asked the run to end; its text is the signal's name."""


class Signals:
    """Raises `Interrupted` at the first signal that asks to end; all later ones only hear that it is under way.

    Does nothing outside of the main thread, where Python delivers no signals.
    """

    def __init__(self) -> None:
        self._handlers: dict[signal.Signals, Any] = {}
        self._whole = 0
        self._waiting: signal.Signals | None = None
        self.ending = False

    def catch(self) -> None:
        """Begin. A signal that our parent had us ignore (nohup, a shell's background job) stays ignored."""
        if threading.current_thread() is threading.main_thread():
            for signum in ENDING:
                if signal.getsignal(signum) is not signal.SIG_IGN:
                    self._handlers[signum] = signal.signal(signum, self._receive)

    def restore(self) -> None:
        """End: handle signals as before."""
        while self._handlers:
            signal.signal(*self._handlers.popitem())

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep a signal waiting until the end of the block."""
        self._whole += 1
        try:
            yield
        finally:
            self._whole -= 1
        if self._waiting and not self._whole:
            self._interrupt(self._waiting)

    def _receive(self, signum: int, _: FrameType | None) -> None:
        if self.ending or self._waiting:
            os.write(2, b"flowpath: cleaning up, one moment\n")
        elif self._whole:
            self._waiting = signal.Signals(signum)
        else:
            self._interrupt(signal.Signals(signum))

    def _interrupt(self, signum: signal.Signals) -> None:
        self.ending = True
        self._waiting = None
        raise Interrupted(signum.name)
