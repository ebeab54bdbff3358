"""Processes of this machine: who they are, which of them are ours, and how to end them for certain."""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

MARK = "FLOWPATH_RUN"
"""Environment variable that every process of a run carries; its value is the run's name."""


KILL_TIME = 60.0
"""Seconds that the kernel may take to end a killed process: it waits some 10 ms for every packet socket to close."""


class Identity(NamedTuple):
    """A process for certain: numbers are used again, the same number with the same start (clock ticks) is not."""

    pid: int
    start: int

    def alive(self) -> bool:
        """Whether this very process still runs."""
        return identity(self.pid) == self


def identity(pid: int) -> Identity | None:
    """Who has this process id, or None when nobody (living) has."""
    try:
        # proc(5): the name in parentheses may hold anything, so count from behind it.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in "ZX" else Identity(pid, int(fields[19]))


def command_line(pid: int) -> str:
    """What a process was started as, or an empty string when it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def name(pid: int) -> str:
    """The name of a process's program (at most 15 characters), or an empty string when it is gone."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def named(program: str) -> list[int]:
    """The living processes of this program name."""
    return [pid for pid in all_pids() if name(pid) == program and identity(pid)]


def all_pids() -> Iterator[int]:
    """The process ids of this moment."""
    return (int(name) for name in os.listdir("/proc") if name.isdigit())


def marked(run: str | None = None) -> Iterator[tuple[int, str]]:
    """(pid, run) of every process with our mark, of one run or of any; this process and its parents excepted."""
    wanted = b"\0" + MARK.encode() + b"="
    spared = ancestors()
    for pid in all_pids():
        if pid in spared:
            continue
        with suppress(OSError):
            environment = b"\0" + Path(f"/proc/{pid}/environ").read_bytes()
            _, found, rest = environment.partition(wanted)
            value = rest.partition(b"\0")[0].decode(errors="replace")
            if found and run in {None, value}:
                yield pid, value


def ancestors() -> set[int]:
    """This process, its parent, and so on up to the first."""
    pid, line = os.getpid(), set()
    while pid > 0 and pid not in line:
        line.add(pid)
        try:
            pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            break
    return line


def in_network_namespaces(namespaces: set[int]) -> list[int]:
    """The processes that live in any of these network namespaces (inode numbers)."""
    found = []
    for pid in all_pids():
        with suppress(OSError):
            if os.stat(f"/proc/{pid}/ns/net").st_ino in namespaces:
                found.append(pid)
    return found


def end(pids: Iterable[int], *, grace: float = 0.0) -> None:
    """End processes and wait until they are gone: asked politely, killed ``grace`` seconds later; at once when 0.

    Raises TimeoutError when one does not even end when killed (it hangs in the kernel).
    """
    files = {}
    for pid in pids:
        with suppress(ProcessLookupError):
            files[os.pidfd_open(pid)] = pid
    try:
        stubborn = wait_for_exit(send(files, signal.SIGTERM), grace) if grace else files
        if immortal := wait_for_exit(send(stubborn, signal.SIGKILL), KILL_TIME):
            raise TimeoutError(f"process {', '.join(str(files[file]) for file in immortal)} does not end")
    finally:
        for file in files:
            os.close(file)


def send(pidfds: Iterable[int], signum: signal.Signals) -> list[int]:
    """Signal processes by pidfd (which never means another one); returns those that were there."""
    reached = []
    for pidfd in pidfds:
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(pidfd, signum)
            reached.append(pidfd)
    return reached


def wait_for_exit(pidfds: Iterable[int], timeout: float) -> list[int]:
    """Wait until all of these processes have ended; returns those that have not within ``timeout`` seconds."""
    deadline = time.monotonic() + timeout
    left = set(pidfds)
    while left and (remaining := deadline - time.monotonic()) > 0:
        left -= first_exits(left, remaining)
    return list(left)


def first_exits(pidfds: Iterable[int], timeout: float) -> set[int]:
    """Wait until one of these processes has ended; returns those that have, none after ``timeout`` seconds."""
    poll = select.poll()
    for pidfd in pidfds:
        poll.register(pidfd, select.POLLIN)
    return {pidfd for pidfd, _ in poll.poll(timeout * 1000)}
