"""Signals that ask a run to end: they interrupt what it does, but never what must be done as a whole."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(KeyboardInterrupt):
    """A signal asked the run to end; its text is the signal's name."""

    def __init__(self, signum: signal.Signals) -> None:
        super().__init__(signum.name)
        self.signum = signum


GRACE = 2.0
"""Seconds after a signal in which another one raises nothing: what unwinds shall not be interrupted in its turn."""

AGAIN = 0.01
"""Seconds until a signal that was lost comes again."""


class Signals:
    """Raises `Interrupted` when a signal asks to end; never again once ``closing`` is set.

    Does nothing outside of the main thread, where Python delivers no signals.
    """

    def __init__(self) -> None:
        self._handlers: dict[signal.Signals, Any] = {}
        self._hook = sys.unraisablehook
        self._whole = 0
        self._waiting: signal.Signals | None = None
        self._raised = -GRACE
        self.closing = False

    def catch(self) -> None:
        """Begin. A signal that our parent had us ignore (nohup, a shell's background job) stays ignored."""
        if threading.current_thread() is threading.main_thread():
            for signum in ENDING:
                if signal.getsignal(signum) is not signal.SIG_IGN:
                    self._handlers[signum] = signal.signal(signum, self._receive)
        if self._handlers:
            self._hook = sys.unraisablehook
            sys.unraisablehook = self._not_raised

    def restore(self) -> None:
        """End: handle signals as before."""
        if self._handlers:
            sys.unraisablehook = self._hook
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
        # A time, not a flag: a prompt may go on after a Ctrl-C, and the next one must work then.
        if self.closing or self._waiting or time.monotonic() - self._raised < GRACE:
            os.write(2, b"flowpath: cleaning up, one moment\n")
        elif self._whole:
            self._waiting = signal.Signals(signum)
        else:
            self._interrupt(signal.Signals(signum))

    def _interrupt(self, signum: signal.Signals) -> None:
        self._raised = time.monotonic()
        self._waiting = None
        raise Interrupted(signum)

    def _not_raised(self, lost: Any) -> None:
        """Send the signal once more when Python had to ignore what it raised: just then it finalised some object."""
        if isinstance(lost.exc_value, Interrupted):
            self._raised = -GRACE
            threading.Timer(AGAIN, os.kill, (os.getpid(), lost.exc_value.signum)).start()
        else:
            self._hook(lost)
