"""The write-ahead journal: what a run is about to make stands here before it is made.

``/run/flowpath/<run>/journal`` has one JSON object a line: ``kind`` and what is needed to undo it. Undoing goes from
the last line to the first, and is safe to repeat: what is not there (any more) is undone already. What cannot be undone
now (Open vSwitch does not answer, say) stays in the journal, for the next run to finish.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOM = Path("/run/flowpath")
"""Where runs keep their journals; gone after a reboot, as is nearly all that they list."""

Entry = Mapping[str, Any]
Undo = Callable[[str, Entry], None]
"""Undo what an entry of a run's journal says, as far as it is there. Raises when it cannot."""


@dataclass(frozen=True)
class Journal:
    """The journal of one run, kept in ``directory``."""

    directory: Path

    @property
    def run(self) -> str:
        """The name of the run."""
        return self.directory.name

    def add(self, kind: str, **details: Any) -> None:
        """Write down what will be made next."""
        with (self.directory / "journal").open("a") as file:
            file.write(json.dumps({"kind": kind, **details}) + "\n")

    def entries(self) -> list[Entry]:
        """All that was written; a last line that a crash cut short is none (and what it announced was never made)."""
        entries: list[Entry] = []
        try:
            lines = (self.directory / "journal").read_text().splitlines()
        except FileNotFoundError:
            return entries
        for line in lines:
            try:
                entries.append(json.loads(line))
            except json.JSONDecodeError:
                break
        return entries

    def undo(self, table: Mapping[str, Undo]) -> list[str]:
        """Undo everything, the last first; returns what could not be undone, one line each."""
        problems: list[str] = []
        kept: list[Entry] = []
        for entry in reversed(self.entries()):
            try:
                table[entry["kind"]](self.run, entry)
            except Exception as error:  # whatever it was, the other entries are still to be undone
                problems.append(f"{entry['kind']}: {error}")
                kept.insert(0, entry)
        if kept:
            (self.directory / "journal").write_text("".join(json.dumps(entry) + "\n" for entry in kept))
        else:
            shutil.rmtree(self.directory, ignore_errors=True)
        return problems


def runs(room: Path = ROOM) -> list[Journal]:
    """The journals that are there: of the run that lives, and of those that died."""
    if not room.is_dir():
        return []
    return [Journal(path) for path in sorted(room.iterdir()) if path.is_dir()]
