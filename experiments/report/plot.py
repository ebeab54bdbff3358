"""The latency plot: what the first packet costs, and what the ones after it cost; by matplotlib, as inline SVG."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from experiments.cold_starts import Sample

WIDTH, HEIGHT = 7.6, 3.5
"""Inches, of 72 pixels."""

INK, FAINT, FIRST, CACHED = "#010101", "#020202", "#030303", "#040404"
"""Stand-ins, each replaced by a colour of the page, so that the plot follows its light or dark."""
COLOURS = {INK: "var(--ink)", FAINT: "var(--line)", FIRST: "var(--query)", CACHED: "var(--cache)"}


def draw(samples: Sequence[Sample]) -> str:
    """Round trips by the number of the ping after a cold start, all samples and their medians; empty without any."""
    # matplotlib takes half a second to import, and only a finished run needs it.
    import matplotlib as mpl  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415
    from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter  # noqa: PLC0415

    by_ping: dict[int, list[tuple[int, float]]] = {}
    for sample in samples:
        if sample.rtt is not None:
            by_ping.setdefault(sample.ping, []).append((sample.start, sample.rtt * 1000))
    if not by_ping:
        return ""
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "flowpath", "font.size": 10}):
        figure = Figure(figsize=(WIDTH, HEIGHT), layout="constrained")
        axes = figure.add_subplot()
        starts = max(sample.start for sample in samples)
        for number, values in sorted(by_ping.items()):
            colour = FIRST if number == 1 else CACHED
            # Side by side in the order of the starts, so that no sample hides another.
            xs = [number + 0.36 * (2 * (start - 0.5) / starts - 1) for start, _ in values]
            axes.plot(xs, [rtt for _, rtt in values], "o", color=colour, markersize=4.5, alpha=0.75, markeredgewidth=0)
            middle = median(rtt for _, rtt in values)
            axes.hlines(middle, number - 0.42, number + 0.42, color=INK, linewidth=1.4)
            label = f"{middle:.2f} ms" if middle < 10 else f"{middle:.1f} ms"
            place = (number, min(rtt for _, rtt in values))
            axes.annotate(label, place, (0, -16), textcoords="offset points", ha="center", color=INK)
        axes.set_yscale("log")
        axes.set_xlabel("ping after a cold start", color=INK)
        axes.set_ylabel("round trip, ms (log)", color=INK)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.yaxis.set_minor_formatter(NullFormatter())
        axes.margins(y=0.22)
        axes.grid(axis="y", which="both", color=FAINT, linewidth=0.7)
        return inline(figure, "Round trips of the pings after each cold start, with medians")


def inline(figure: Figure, title: str) -> str:
    """A finished figure as part of the page: without frames and ticks, its ground the page's."""
    figure.patch.set_visible(False)
    for axes in figure.axes:
        axes.set_axisbelow(True)
        axes.tick_params(colors=INK, which="both", length=0)
        for side in axes.spines.values():
            side.set_visible(False)
        axes.patch.set_visible(False)
    page = io.StringIO()
    figure.savefig(page, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    return themed(page.getvalue(), title)


def themed(drawing: str, title: str) -> str:
    """An SVG file's content as part of the page: no prologue, the page's colours, a name."""
    inner = drawing[drawing.index("<svg") :]
    inner = re.sub(r"<metadata>.*?</metadata>", "", inner, flags=re.DOTALL)
    for stand_in, colour in COLOURS.items():
        inner = inner.replace(stand_in, colour)
    return re.sub(r"(<svg[^>]*)>", rf'\1 role="img" class="plot"><title>{title}</title>', inner, count=1)
