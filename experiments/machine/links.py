"""Network interfaces of the root namespace, and which of them are ours.

Every interface that a run makes is born in the link group `GROUP` (ip-link(8)): nothing else tells a leftover
``s1-eth1`` of ours from one that somebody else made meanwhile.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from contextlib import suppress
from pathlib import Path

from experiments.machine import commands

GROUP = 241
"""The link group of our interfaces (1..255 are free for all)."""

SYSFS = Path("/sys/class/net")


def names() -> set[str]:
    """All interfaces of the root namespace."""
    return set(os.listdir(SYSFS))


def ours() -> set[str]:
    """The interfaces in our link group."""
    found = set()
    for name in names():
        with suppress(OSError):
            if int((SYSFS / name / "netdev_group").read_text()) == GROUP:
                found.add(name)
    return found


def taps() -> set[str]:
    """The interfaces that a process serves (tun/tap)."""
    return {name for name in names() if (SYSFS / name / "tun_flags").exists()}


def served(tap: str, pids: Iterable[int]) -> bool:
    """Whether one of these processes has the tap open (proc(5), fdinfo)."""
    for pid in pids:
        with suppress(OSError):
            for file in Path(f"/proc/{pid}/fdinfo").iterdir():
                with suppress(OSError):
                    if f"iff:\t{tap}\n" in file.read_text():
                        return True
    return False


def delete(name: str) -> None:
    """Delete one interface. Raises `CommandFailed`."""
    commands.run(["ip", "link", "delete", "dev", name])


def remove(candidates: Collection[str]) -> None:
    """Remove those of the named interfaces that are there and ours, with their peers in whatever namespace."""
    mine = ours()
    doomed = mine & set(candidates)
    if not doomed:
        return
    if doomed == mine:
        # One order for all of them is one wait in the kernel, not one for each.
        commands.run(["ip", "link", "delete", "group", str(GROUP)])
    else:
        # A veth takes its peer along, so the second order of a pair may find nothing: -force goes on.
        with suppress(commands.CommandFailed):
            lines = "".join(f"link delete dev {name}\n" for name in sorted(doomed))
            commands.run(["ip", "-force", "-batch", "-"], stdin=lines)
    if left := ours() & doomed:
        raise commands.CommandFailed(f"interfaces {', '.join(sorted(left))} do not go away", None)
