"""The story on a terminal: in colour there, plain when it goes into a pipe or a file, or when NO_COLOR is set."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from experiments.report.phases import BY_NAME, PHASES
from experiments.report.steps import Step, missing_at, steps, summary
from experiments.story.words import duration_text, match_text

if TYPE_CHECKING:
    from experiments.outcome import Outcome
    from experiments.story import PacketStory, Story, Visit
    from experiments.story.wiring import Graph

MODEL = (
    "A packet arrives; the switch parses it and knows, or queries; the controller decides; "
    "orders are installed; the switch caches them."
)

WIDEST = 110
"""Columns that a line of the story takes at most, for the sake of the eye."""

Names = Mapping[str, str]
"""MAC address -> the host that has it."""

BAR = 40
"""Columns of the longest bar."""


class Narrator:
    """Says what goes on, and then tells the story."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False)
        self.console.width = min(self.console.width, WIDEST)
        self._began = time.monotonic()

    def opening(self, graph: Graph, source: str, target: str) -> None:
        """What is going to happen."""
        spec = graph.graph.get("spec", "a network")
        self._print(Text(f"Flowpath: {source} pings {target} through {spec}, twice", "bold"))
        self._print(Text(MODEL, "dim"))
        self._print("")

    def progress(self, text: str) -> None:
        """Something has been done."""
        self._print(Text.assemble((f"{time.monotonic() - self._began:7.1f} s  ", "dim"), text))

    def tell(self, outcome: Outcome) -> None:
        """The whole story."""
        self._print("")
        for part in whole(outcome):
            self._print(part)

    def closing(self, outcome: Outcome, directory: Path) -> None:
        """Where to read on, and whether every step was seen."""
        self._print(indented(Text(f"{directory / 'report.html'}", "bold", overflow="fold")))
        self._print(indented(Text("the same with diagrams; beside it result.json, openflow.pcap, controller.log")))
        self._print("")
        self._print(verdict(outcome.story))

    def _print(self, part: RenderableType) -> None:
        if self.console.is_terminal:
            self.console.print(part)
            return
        # Layout fills lines with blanks to the right, which only a terminal has a use for.
        with self.console.capture() as captured:
            self.console.print(part)
        lines = captured.get().splitlines()
        print("\n".join(line.rstrip() for line in lines), file=self.console.file, flush=True)


def whole(outcome: Outcome) -> Iterable[RenderableType]:
    """The story, part by part."""
    story = outcome.story
    names: Names = {str(outcome.graph.nodes[host]["mac"]): host for host in (story.source, story.target)}
    yield heading("The way", " -- ".join(story.path))
    yield indented(Text(", ".join(f"{name} is {mac}" for mac, name in names.items()), "dim"), below=1)
    asked = "nobody knows the way yet" if story.queries else "somebody knew the way before"
    yield heading("The first ping", asked)
    yield indented(key())
    yield ""
    for packet in story.first:
        yield from told(packet, names)
    yield heading("The second ping", "nobody asks" if silent(story) else "somebody asks again")
    yield ""
    for packet in story.second:
        yield from told_again(packet)
    yield indented(cache_table(story, names), below=1)
    yield heading("What asking costs", "")
    yield Padding(costs(outcome), (1, 0, 1, 2))


def indented(part: RenderableType, below: int = 0) -> Padding:
    """A part moved to the right, with blank lines below."""
    return Padding(part, (0, 0, below, 2))


def heading(title: str, rest: str) -> Text:
    """The title of a part."""
    return Text.assemble((title, "bold underline"), f"  {rest}" if rest else "")


def key() -> Text:
    """The steps in their colours."""
    words: list[tuple[str, str] | str] = []
    for phase in PHASES:
        words += [(phase.name, phase.style), " > "]
    return Text.assemble(*words[:-1], "; times in µs")


def told(packet: PacketStory, names: Names) -> Iterable[RenderableType]:
    """One packet of the first ping, switch by switch."""
    title = Text.assemble((packet.name, "bold"), f" from {packet.source}: {packet.text}")
    yield indented(title)
    yield indented(Text(summary(packet), "italic"))
    table = Table.grid(padding=(0, 1))
    table.add_column(min_width=3, no_wrap=True, style="bold")
    table.add_column(min_width=6, justify="right", no_wrap=True, style="dim")
    table.add_column(min_width=7, no_wrap=True)
    table.add_column(overflow="fold")
    for visit in packet.visits:
        add_visit(table, visit, names)
    for line in packet.missing:
        table.add_row("", "", Text("not seen", "bold red"), Text(line, "red"))
    yield indented(table)
    if packet.elsewhere:
        switches = ", ".join(visit.switch for visit in packet.elsewhere)
        yield indented(Text(f"its copies were asked about at {switches} too", "dim"))
    yield ""


def add_visit(table: Table, visit: Visit, names: Names) -> None:
    """The rows of a packet at a switch."""
    name = visit.switch
    for step in steps(visit):
        table.add_row(name, time_text(step), Text(step.phase, BY_NAME[step.phase].style), named(step.text, names))
        name = ""
    for line in missing_at(visit):
        table.add_row(name, "", Text("not seen", "bold red"), Text(line, "red"))
        name = ""


def named(text: str, names: Names) -> Text:
    """A text in which hosts have their names instead of their long addresses."""
    for mac, name in names.items():
        text = text.replace(mac, name)
    return Text(text)


def time_text(step: Step) -> str:
    """When a step was seen."""
    return "" if step.at is None else f"{step.at:,.0f}"


def told_again(packet: PacketStory) -> Iterable[RenderableType]:
    """One packet of the second ping."""
    again = [visit.switch for visit in (*packet.visits, *packet.elsewhere) if visit.asked]
    said = Text(f"asked about by {', '.join(again)}", "red") if again else Text("no PACKET_IN carries it", "green")
    yield indented(Text.assemble((f"{packet.name:<18}", "bold"), f" {' > '.join(packet.path)}: ", said))


def cache_table(story: Story, names: Names) -> RenderableType:
    """The switches' own counts."""
    if not story.cache:
        return Text("No switch has a rule for it.", "red")
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    table.add_column("switch")
    table.add_column("its rule", overflow="fold")
    table.add_column("packets before", justify="right")
    table.add_column("after", justify="right")
    for use in story.cache:
        style = "green" if use.hit else "red"
        before, after = ("?" if count is None else f"{count}" for count in (use.before, use.after))
        table.add_row(use.switch, named(match_text(use.rule.match), names), before, Text(after, style))
    return Group(Text("The switches' own flow tables show that their rules were used:"), table)


def costs(outcome: Outcome) -> RenderableType:
    """First and cached packets, side by side."""
    if not outcome.first or not outcome.cached:
        return Text("Not enough replies came back to compare.", "red")
    first, cached = median(outcome.first), median(outcome.cached)
    longest = max(first, cached)
    table = Table.grid(padding=(0, 2))
    for name, values, middle, style in (
        ("first packet", outcome.first, first, "yellow"),
        ("cached packet", outcome.cached, cached, "cyan"),
    ):
        bar = "█" * max(1, round(BAR * middle / longest))
        spread = f"median of {len(values)} ({duration_text(min(values))} to {duration_text(max(values))})"
        table.add_row(name, Text(duration_text(middle), "bold"), Text(spread, "dim"))
        table.add_row("", "", Text(bar, style))
    lines: list[RenderableType] = [table]
    if outcome.ratio:
        lines.append(Text(f"A first packet takes {outcome.ratio:.0f} times as long as a cached one."))
    if outcome.decisions:
        took = duration_text(median(outcome.decisions))
        lines.append(Text(f"A decision took {took} (median of {len(outcome.decisions)}), query to first order."))
    if outcome.story_rtt:
        waited = sum(packet.waited for packet in outcome.story.first) / 1e6
        lines.append(
            Text(
                f"Of the first ping's {duration_text(outcome.story_rtt)} in this story, "
                f"{duration_text(waited)} went by waiting for the controller."
            )
        )
    if outcome.lost:
        lines.append(Text(f"{outcome.lost} of {len(outcome.samples)} pings got no reply.", "red"))
    return Group(*lines)


def silent(story: Story) -> bool:
    """Whether nobody asked about the second ping."""
    return not any(packet.queries for packet in story.second)


def verdict(story: Story) -> Text:
    """Whether the story is complete, or what was not seen."""
    if story.complete:
        return Text("The story is complete: every step was seen at every switch on the way.", "bold green")
    lines = "\n".join(f"  {line}" for line in story.missing)
    return Text.assemble(("The story is not complete. Not seen:\n", "bold red"), (lines, "red"))
