"""TCP ports of this machine: who listens where, as the kernel tells."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from experiments.machine import commands, processes

LISTEN = "0A"
ESTABLISHED = "01"


def sockets(port: int, state: str) -> list[str]:
    """The inodes of this namespace's TCP sockets bound to ``port`` in ``state`` (proc(5), /proc/net/tcp)."""
    inodes = []
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with suppress(FileNotFoundError):
            for line in Path(table).read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == state and int(fields[1].rpartition(":")[2], 16) == port:
                    inodes.append(fields[9])
    return inodes


def listening(port: int) -> bool:
    """Whether somebody listens on ``port``, at whatever address."""
    return bool(sockets(port, LISTEN))


def holder(port: int) -> str:
    """Who listens on ``port``, for people: "pid 12 (ovs-testcontroller ptcp:6653)"; empty when nobody does."""
    wanted = {f"socket:[{inode}]" for inode in sockets(port, LISTEN)}
    if not wanted:
        return ""
    for pid in processes.all_pids():
        with suppress(OSError):
            for file in os.scandir(f"/proc/{pid}/fd"):
                with suppress(OSError):
                    if os.readlink(file.path) in wanted:
                        return f"pid {pid} ({commands.shown([processes.command_line(pid)]) or 'gone'})"
    return "a process that cannot be seen from here"
