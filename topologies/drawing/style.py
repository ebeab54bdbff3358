"""How a drawing looks, the same in all formats."""

from __future__ import annotations

PAPER = "#ffffff"
INK = "#1c2733"
FAINT = "#5b6b7b"
CABLE = "#8fa1b3"
CABLE_WIDTH = 1.7
SWITCH = "#2f6fb3"
HOST = "#f4f7fa"
HOST_EDGE = "#8fa1b3"
SWITCH_SIZE = (42, 26)
HOST_RADIUS = 12.5
NAME, HOST_NAME, SMALL = 12, 9.5, 10
"""Text sizes in pixels."""


def fitting(text: str, size: float, room: float) -> float:
    """The text size at which a name fits into a shape."""
    return min(size, room / max(1, len(text)) / 0.62)
