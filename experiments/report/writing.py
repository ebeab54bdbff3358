"""Writing an outcome down: ``result.json`` for programs, ``report.html`` for people."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from experiments import results
from experiments.report import page

if TYPE_CHECKING:
    from experiments.outcome import Outcome


def write(directory: Path, outcome: Outcome) -> None:
    """Write both files into an existing directory."""
    results.write_json(directory / "result.json", outcome.as_json())
    (directory / "report.html").write_text(page.render(outcome), encoding="utf-8")
