"""Samples of several groups side by side, every one a dot, with medians; by matplotlib, as inline SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median

from experiments.report.plot import FAINT, FIRST, INK, WIDTH, inline

HEIGHT = 0.42
"""Inches for each group."""


def draw(groups: Mapping[str, Sequence[float]], label: str, title: str) -> str:
    """A row for each group that has samples, on a logarithmic axis; empty when none has any above 0."""
    # matplotlib takes half a second to import, and only a finished run needs it.
    import matplotlib as mpl  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415
    from matplotlib.ticker import FuncFormatter, NullFormatter  # noqa: PLC0415

    shown = {name: [value for value in values if value > 0] for name, values in groups.items()}
    shown = {name: values for name, values in shown.items() if values}
    if not shown:
        return ""
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "flowpath", "font.size": 10}):
        figure = Figure(figsize=(WIDTH, 0.9 + HEIGHT * len(shown)), layout="constrained")
        axes = figure.add_subplot()
        for row, values in enumerate(reversed(shown.values())):
            # One above the other in the order of the samples, so that none hides another.
            ys = [row + 0.5 * ((number + 0.5) / len(values) - 0.5) for number in range(len(values))]
            axes.plot(values, ys, "o", color=FIRST, markersize=4.5, alpha=0.75, markeredgewidth=0)
            middle = median(values)
            axes.vlines(middle, row - 0.36, row + 0.36, color=INK, linewidth=1.4)
            axes.annotate(
                f"{middle:.3g}", (max(values), row), (9, -3.5), textcoords="offset points", color=INK, fontsize=9
            )
        axes.set_xscale("log")
        axes.set_xlabel(f"{label} (log)", color=INK)
        axes.set_yticks(range(len(shown)), reversed(shown))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.margins(x=0.12)
        axes.grid(axis="x", which="major", color=FAINT, linewidth=0.7)
        return inline(figure, title)
