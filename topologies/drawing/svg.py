"""A picture as SVG; whoever points at a shape reads what it is."""

from __future__ import annotations

from html import escape

from topologies.drawing import style
from topologies.drawing.picture import Cable, Picture, Shape, Words

SHEET = f"""
text {{ font-family: "DejaVu Sans", Verdana, sans-serif; text-anchor: middle; dominant-baseline: central }}
.cable {{ fill: none; stroke: {style.CABLE}; stroke-width: {style.CABLE_WIDTH} }}
.cable.host {{ stroke-width: 1.1 }}
g:hover > .cable {{ stroke: {style.SWITCH}; stroke-width: 3 }}
.switch {{ fill: {style.SWITCH} }}
.host.node {{ fill: {style.HOST}; stroke: {style.HOST_EDGE} }}
.switch + text {{ fill: {style.PAPER}; font-weight: bold }}
.host + text {{ fill: {style.INK} }}
.words {{ fill: {style.FAINT}; font-size: {style.SMALL}px; paint-order: stroke;
  stroke: {style.PAPER}; stroke-width: 3px }}
"""


def write(picture: Picture) -> bytes:
    """The file's content."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{picture.width:.0f}" height="{picture.height:.0f}" '
        f'viewBox="0 0 {picture.width:.0f} {picture.height:.0f}" role="img">',
        f"<title>{escape(picture.title)}</title><style>{SHEET}</style>",
        f'<rect width="100%" height="100%" fill="{style.PAPER}"/>',
        *map(cable, picture.cables),
        *map(shape, picture.shapes),
        *map(words, picture.words),
        "</svg>",
    ]
    return ("\n".join(parts) + "\n").encode()


def cable(line: Cable) -> str:
    """A cable."""
    (x1, y1), (x2, y2), (x3, y3) = line.start, line.bend, line.end
    path = f"M{x1:.1f} {y1:.1f}Q{x2:.1f} {y2:.1f} {x3:.1f} {y3:.1f}"
    kind = "cable host" if line.to_host else "cable"
    return f'<g><title>{escape(line.title)}</title><path class="{kind}" d="{path}"/></g>'


def shape(node: Shape) -> str:
    """A switch or a host."""
    x, y = node.at
    if node.is_switch:
        width, height = style.SWITCH_SIZE
        body = (
            f'<rect class="switch node" x="{x - width / 2:.1f}" y="{y - height / 2:.1f}" width="{width}" '
            f'height="{height}" rx="6"/>'
        )
        size = style.fitting(node.name, style.NAME, width - 6)
    else:
        body = f'<circle class="host node" cx="{x:.1f}" cy="{y:.1f}" r="{style.HOST_RADIUS}"/>'
        size = style.fitting(node.name, style.HOST_NAME, 2 * style.HOST_RADIUS - 3)
    text = f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size:.1f}">{escape(node.name)}</text>'
    return f"<g><title>{escape(node.title)}</title>{body}{text}</g>"


def words(line: Words) -> str:
    """A small text."""
    return f'<text class="words" x="{line.at[0]:.1f}" y="{line.at[1]:.1f}">{escape(line.text)}</text>'
