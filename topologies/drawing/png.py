"""A picture as PNG, by matplotlib."""

from __future__ import annotations

import io
from typing import Any

from topologies.drawing import style
from topologies.drawing.picture import Picture

SHARPNESS = 2.0
LARGEST = 8_000
"""Pixels of the file for one of the picture, and on the longer side."""


def write(picture: Picture) -> bytes:
    """The file's content."""
    # matplotlib takes half a second to import, and only this needs it.
    from matplotlib.collections import PatchCollection, PathCollection  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415
    from matplotlib.patches import Circle, FancyBboxPatch  # noqa: PLC0415
    from matplotlib.path import Path  # noqa: PLC0415

    # In inches of 72 points, a point is a pixel of the picture.
    figure = Figure(figsize=(picture.width / 72, picture.height / 72), facecolor=style.PAPER)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, picture.width), ylim=(picture.height, 0))
    axes.axis("off")
    for to_host, width in ((True, 1.1), (False, style.CABLE_WIDTH)):
        paths = [
            Path([cable.start, cable.bend, cable.end], [Path.MOVETO, Path.CURVE3, Path.CURVE3])
            for cable in picture.cables
            if cable.to_host == to_host
        ]
        axes.add_collection(PathCollection(paths, facecolor="none", edgecolor=style.CABLE, linewidth=width))
    width, height = style.SWITCH_SIZE
    boxes = [
        FancyBboxPatch(
            (shape.at[0] - width / 2, shape.at[1] - height / 2), width, height, boxstyle="round,pad=0,rounding_size=6"
        )
        for shape in picture.shapes
        if shape.is_switch
    ]
    dots = [Circle(shape.at, style.HOST_RADIUS) for shape in picture.shapes if not shape.is_switch]
    axes.add_collection(PatchCollection(boxes, facecolor=style.SWITCH, edgecolor="none", zorder=3))
    axes.add_collection(PatchCollection(dots, facecolor=style.HOST, edgecolor=style.HOST_EDGE, zorder=3))
    centred: dict[str, Any] = {"ha": "center", "va": "center_baseline", "zorder": 4, "parse_math": False}
    for shape in picture.shapes:
        room = width - 6 if shape.is_switch else 2 * style.HOST_RADIUS - 3
        size = style.fitting(shape.name, style.NAME if shape.is_switch else style.HOST_NAME, room)
        colour, weight = (style.PAPER, "bold") if shape.is_switch else (style.INK, "normal")
        axes.text(*shape.at, shape.name, color=colour, size=size, weight=weight, **centred)
    halo = {"boxstyle": "round,pad=0.1", "facecolor": style.PAPER, "edgecolor": "none", "alpha": 0.85}
    for word in picture.words:
        axes.text(*word.at, word.text, color=style.FAINT, size=style.SMALL, bbox=halo, **centred)
    file = io.BytesIO()
    dpi = min(72 * SHARPNESS, LARGEST / max(picture.width, picture.height) * 72)
    figure.savefig(file, format="png", dpi=dpi, metadata={"Software": None, "Title": picture.title})
    return file.getvalue()
