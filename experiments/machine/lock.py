"""One run at a time: bridges, interfaces and ports have names of which the machine has one each."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from experiments.errors import UserError
from experiments.machine import wait as waiting
from experiments.machine.journal import ROOM


class Lock:
    """The machine-wide lock. The kernel releases it when its holder dies, however it dies.

    ``wait`` is in seconds. Raises `UserError`, naming the holder, when another run has it all that time.
    """

    def __init__(self, run: str, owner: str, wait: float = 0.0, room: Path = ROOM) -> None:
        room.mkdir(parents=True, exist_ok=True)
        self._file = os.open(room / "lock", os.O_RDWR | os.O_CREAT, 0o644)
        if not waiting.until(self._taken, wait):
            _, holder = read(self._file)
            os.close(self._file)
            raise UserError(f"another run is active: {holder or 'unknown'}; wait until it has ended, or end it")
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, f"{run}\n{owner}\n".encode(), 0)

    def _taken(self) -> bool:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def release(self) -> None:
        """Let the next run begin."""
        os.ftruncate(self._file, 0)
        os.close(self._file)


def read(file: int) -> tuple[str, str]:
    """(run, owner) in a lock file; empty where nothing is."""
    run, _, owner = os.pread(file, 4096, 0).decode(errors="replace").strip().partition("\n")
    return run, owner


def live_run(room: Path = ROOM) -> tuple[str, str]:
    """(run, owner) of the run that holds the lock now; empty when none does. Takes nothing, changes nothing."""
    try:
        file = os.open(room / "lock", os.O_RDONLY)
    except FileNotFoundError:
        return "", ""
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return read(file)
    else:
        return "", ""
    finally:
        os.close(file)
