"""A result as a sheet: what was claimed and whether it holds, tables, plots; for a terminal and as one HTML file.

What every experiment reports that measures instead of telling a story.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from rich.console import Console
from rich.padding import Padding
from rich.table import Table as RichTable
from rich.text import Text

from experiments import results
from experiments.report.phases import PHASES
from experiments.report.terminal import WIDEST

HERE = Path(__file__).parent

Cell = str | int | float | None


@dataclass(frozen=True)
class Claim:
    """What a run should show, whether it did, and the figure that says so."""

    text: str
    holds: bool
    figure: str = ""


@dataclass(frozen=True)
class Table:
    """Rows under headings. Columns from the second on are figures. ``note`` explains what the headings cannot."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""


@dataclass(frozen=True)
class Picture:
    """A drawing as SVG, for the page only."""

    title: str
    svg: str
    note: str = ""


@dataclass(frozen=True)
class Sheet:
    """Everything that a run has to say. ``about`` is what to know beside it, ``data`` the raw samples."""

    experiment: str
    title: str
    lead: str
    claims: tuple[Claim, ...]
    tables: tuple[Table, ...]
    about: Mapping[str, Any]
    data: Mapping[str, Any]
    pictures: tuple[Picture, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)

    @property
    def holds(self) -> bool:
        """Whether the run showed all that it should."""
        return all(claim.holds for claim in self.claims)

    def as_json(self) -> dict[str, Any]:
        """What result.json holds."""
        return {
            "schema": f"flowpath/{self.experiment}/1",
            **self.about,
            "summary": {"holds": self.holds, "claims": [asdict(claim) for claim in self.claims]},
            **self.data,
        }


def show(sheet: Sheet, directory: Path, console: Console | None = None) -> None:
    """Print it."""
    console = console or Console(highlight=False)
    console.width = min(console.width, WIDEST)
    for table in sheet.tables:
        console.print(Text(f"\n  {table.title}", "bold"), soft_wrap=True)
        grid = RichTable(box=None, padding=(0, 2, 0, 0))
        for number, column in enumerate(table.columns):
            grid.add_column(column, header_style="dim", justify="right" if number else "left", no_wrap=not number)
        for row in table.rows:
            grid.add_row(*map(text_of, row))
        console.print(Padding(grid, (0, 0, 0, 2), expand=False))
    console.print()
    for claim in sheet.claims:
        mark, style = ("yes", "green") if claim.holds else ("NO ", "bold red")
        figure = f" ({claim.figure})" if claim.figure else ""
        console.print(Text.assemble("  ", (mark, style), "  ", claim.text, (figure, "dim")), soft_wrap=True)
    console.print(Text(f"\nResults: {directory}/ (report.html, result.json)"), soft_wrap=True)


def write(sheet: Sheet, directory: Path) -> None:
    """Write ``result.json`` and ``report.html`` into an existing directory."""
    results.write_json(directory / "result.json", sheet.as_json())
    (directory / "report.html").write_text(render(sheet), encoding="utf-8")


def render(sheet: Sheet) -> str:
    """The whole page; it loads nothing."""
    environment = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["cell"] = text_of
    css = (HERE / "page.css").read_text(encoding="utf-8")
    return environment.get_template("sheet.html.j2").render(sheet=sheet, about=sheet.about, css=css, phases=PHASES)


def text_of(cell: Cell) -> str:
    """A cell as people read it: three significant digits, a dash for nothing."""
    if cell is None:
        return "-"
    if isinstance(cell, float):
        return f"{cell:,.0f}" if abs(cell) >= 100 else f"{cell:.3g}"
    return f"{cell:,}" if isinstance(cell, int) else cell


def circumstances(experiment: str, **details: Any) -> dict[str, Any]:
    """What to know about any run beside what it measured."""
    return {"experiment": experiment, **details, "machine": results.machine(), "versions": results.versions()}


def ranged(values: Sequence[float], unit: str = "") -> str:
    """``median (least to most)`` of some figures."""
    if not values:
        return "none"
    ordered = sorted(values)
    half = len(ordered) // 2
    middle = ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2
    return f"{text_of(middle)}{unit} ({text_of(ordered[0])} to {text_of(ordered[-1])})"
