"""One run at a time: bridges, interfaces and ports have names of which the machine has one each."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from experiments.errors import UserError
from experiments.machine import wait as waiting
from experiments.machine.journal import ROOM


class Lock:
    """The machine-wide lock. The kernel releases it when its holder dies, however it dies."""

    def __init__(self, room: Path = ROOM) -> None:
        self.room = room
        self._file = -1

    def take(self, run: str, owner: str, wait: float = 0.0) -> None:
        """Take it for ``run``; ``owner`` says whose that is. When another run holds it, wait for ``wait`` seconds.

        Raises `UserError`, naming the holder, when it is held all that time.
        """
        self.room.mkdir(parents=True, exist_ok=True)
        self._file = os.open(self.room / "lock", os.O_RDWR | os.O_CREAT, 0o644)
        # A fork that outlives the holder shall not keep the machine.
        os.register_at_fork(after_in_child=self._close)
        if not waiting.until(self._taken, wait):
            _, holder = read(self._file)
            self._close()
            raise UserError(f"another run is active: {holder or 'unknown'}; wait until it has ended, or end it")
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, f"{run}\n{owner}\n".encode(), 0)

    def release(self) -> None:
        """Let the next run begin, if it was taken."""
        if self._file >= 0:
            os.ftruncate(self._file, 0)
            fcntl.flock(self._file, fcntl.LOCK_UN)
            self._close()

    def _taken(self) -> bool:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def read(file: int) -> tuple[str, str]:
    """(run, owner) in a lock file; empty where nothing is."""
    run, _, owner = os.pread(file, 4096, 0).decode(errors="replace").strip().partition("\n")
    return run, owner


def live_run(room: Path = ROOM) -> tuple[str, str]:
    """(run, owner) of the run that holds the lock now; empty when none does.

    Only looks (proc(5), /proc/locks): to try the lock would hold it for a moment, just when a run might want it.
    """
    try:
        file = os.open(room / "lock", os.O_RDONLY)
    except OSError:
        return "", ""
    try:
        inode = str(os.fstat(file).st_ino)
        held = any(
            kind == "FLOCK" and place.rpartition(":")[2] == inode
            for _, kind, _, _, _, place, *_ in map(str.split, Path("/proc/locks").read_text().splitlines())
        )
        return read(file) if held else ("", "")
    finally:
        os.close(file)
