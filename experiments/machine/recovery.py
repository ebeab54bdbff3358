"""What dead runs left behind: undo it, or only look."""

from __future__ import annotations

from collections.abc import Mapping

from experiments.machine import controller_process, journal, links, lock, ovs, processes
from experiments.machine.journal import Entry, Undo


def remove_links(_: str, entry: Entry) -> None:
    """Undo the interfaces of a network."""
    links.remove(entry["names"])


def end_processes(run: str, _: Entry) -> None:
    """End every process that carries the run's mark."""
    processes.end([pid for pid, _ in processes.marked(run)])


UNDO: Mapping[str, Undo] = {
    "processes": end_processes,
    "open_vswitch": ovs.stop,
    "bridges": ovs.remove_bridges,
    "links": remove_links,
    "controller": controller_process.stop_marked,
}
"""How each kind of journal entry is undone."""


def recover() -> list[str]:
    """Undo what dead runs left; returns what could not be. Call it with the lock held: then every other run is dead."""
    return [problem for dead in journal.runs() for problem in dead.undo(UNDO)]


def leftovers() -> list[str]:
    """What dead runs left, one line each. Only looks."""
    live, _ = lock.live_run()
    found = []
    for dead in journal.runs():
        if dead.run != live:
            kinds = sorted({str(entry["kind"]) for entry in dead.entries()} - {"processes"})
            pids = [str(pid) for pid, _ in processes.marked(dead.run)]
            found.append(
                f"run {dead.run}: {', '.join(kinds) or 'nothing on the machine'}"
                + (f"; processes {', '.join(pids)}" if pids else "")
            )
    return found
