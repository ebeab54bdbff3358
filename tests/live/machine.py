"""What of the machine a run can change, as a value to compare before and after."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from experiments.machine import links, ovs, processes, wait


class State(NamedTuple):
    """Names only: counters and times always change."""

    interfaces: list[str]
    namespaces: list[str]
    bridges: list[str]
    processes: list[tuple[int, str]]
    files: list[str]


def state() -> State:
    """The machine now."""
    return State(
        interfaces=sorted(links.names()),
        namespaces=subprocess.check_output(["ip", "netns"], text=True).split(),
        bridges=sorted(ovs.bridges()) if ovs.daemon("ovsdb-server") else [],
        processes=sorted(ours()),
        files=sorted(
            str(path)
            for room in ("/run/flowpath", ovs.RUN_DIRECTORY)
            for path in Path(room).rglob("*")
            if path.name != "lock"
        ),
    )


def ours() -> set[tuple[int, str]]:
    """Living processes that a run may have started: marked, or not in the root's network namespace.

    (Open vSwitch's daemons show by their files, which have their process ids.)
    """
    root = os.stat("/proc/self/ns/net").st_ino
    found = {pid for pid, _ in processes.marked()}
    for pid in processes.all_pids():
        with suppress(OSError):
            if os.stat(f"/proc/{pid}/ns/net").st_ino != root:
                found.add(pid)
    return {(pid, processes.name(pid)) for pid in found if processes.identity(pid)}


def eventually(look: Callable[[], Any], wanted: Any) -> Any:
    """What ``look()`` sees, once it is ``wanted`` or five seconds have passed."""
    wait.until(lambda: look() == wanted, 5.0)
    return look()
