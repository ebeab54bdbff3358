"""What is decided, and the orders it is made of."""

from __future__ import annotations

from dataclasses import dataclass, field

from .matches import Match
from .packets import NO_BUFFER
from .places import PortNo
from .rules import Action, Group, Meter, Rule

ALL_TABLES = 0xFF
"""``OFPTT_ALL``: every table, in a delete (§7.3.4.1)."""


@dataclass(frozen=True, slots=True)
class Install:
    """Have ``rule`` on the switch (FLOW_MOD add, which replaces a rule of the same identity)."""

    dpid: int
    rule: Rule


@dataclass(frozen=True, slots=True)
class Remove:
    """Remove rules (FLOW_MOD delete): all that ``match`` covers, or exactly one with ``strict``.

    ``out_port`` and the cookie (under its mask) narrow it further.
    """

    dpid: int
    match: Match = field(default_factory=Match)
    table: int = ALL_TABLES
    strict: bool = False
    priority: int = 0
    out_port: int = PortNo.ANY
    cookie: int = 0
    cookie_mask: int = 0


@dataclass(frozen=True, slots=True)
class SetGroup:
    """Have ``group`` on the switch, whether or not one of that id is there."""

    dpid: int
    group: Group


@dataclass(frozen=True, slots=True)
class RemoveGroup:
    """Remove a group and the rules that use it."""

    dpid: int
    group_id: int


@dataclass(frozen=True, slots=True)
class SetMeter:
    """Have ``meter`` on the switch."""

    dpid: int
    meter: Meter


@dataclass(frozen=True, slots=True)
class RemoveMeter:
    """Remove a meter and the rules that use it."""

    dpid: int
    meter_id: int


@dataclass(frozen=True, slots=True)
class Send:
    """Send a frame out of a switch (PACKET_OUT, §7.3.7), as if it had come by ``in_port``."""

    dpid: int
    actions: tuple[Action, ...]
    frame: bytes
    in_port: int = PortNo.CONTROLLER
    buffer_id: int = NO_BUFFER


Order = Install | Remove | SetGroup | RemoveGroup | SetMeter | RemoveMeter | Send


@dataclass(frozen=True, slots=True)
class Decision:
    """What an application decided: why, what to order, and what to do with the packet that asked.

    ``reason`` is one line for people (the story shows it). ``orders`` may go to any switch; ``release`` are the
    actions for the asking packet on the switch that asked, empty to drop it. What is in ``then`` goes out only when
    every switch has carried out ``orders``, and the release with it; without any, everything goes out at once.
    """

    reason: str
    orders: tuple[Order, ...] = ()
    release: tuple[Action, ...] = ()
    then: tuple[Order, ...] = ()
