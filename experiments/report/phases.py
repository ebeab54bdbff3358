"""The six steps of a packet's story: their names, what they mean, and their colours."""

from __future__ import annotations

from typing import NamedTuple


class Phase(NamedTuple):
    """A step: its name, what happens, and how a terminal and a browser (light, dark) colour it."""

    name: str
    meaning: str
    style: str
    light: str
    dark: str


PHASES = (
    Phase("parse", "the switch reads the packet's headers and looks for a rule", "dim", "#5b6472", "#a3adbd"),
    Phase("query", "it has none, and asks the controller", "yellow", "#a35a00", "#f2b057"),
    Phase("decide", "the controller chooses what to do", "magenta", "#8a3ab9", "#cf9bf0"),
    Phase("install", "it orders a rule for packets like this one", "bright_blue", "#1f5fc4", "#82b1ff"),
    Phase("release", "it sends the packet itself on its way", "green", "#15753f", "#6bd08f"),
    Phase("cache", "the rule is in the switch: the next packet need not ask", "cyan", "#0b7285", "#5fd0e0"),
)

BY_NAME = {phase.name: phase for phase in PHASES}
