"""Matches, actions and ports for people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from experiments.story.tables import CONTROLLER, Rule

_PORTS = {
    0xFFFFFFF8: "the port it came from",
    0xFFFFFFF9: "the flow tables",
    0xFFFFFFFA: "normal switching",
    0xFFFFFFFB: "all other ports",
    0xFFFFFFFC: "all other ports",
    CONTROLLER: "the controller",
    0xFFFFFFFE: "the switch itself",
}


def port_text(port: int) -> str:
    """A port: ``port 2``, or what a reserved one means."""
    return _PORTS.get(port, f"port {port}")


def value_text(name: str, value: Any) -> str:
    """The value of a match field: EtherTypes in hexadecimal, masks after a slash."""
    if isinstance(value, Mapping):
        return f"{value_text(name, value['value'])}/{value_text(name, value['mask'])}"
    return f"{value:#06x}" if name == "eth_type" else str(value)


def match_text(match: Mapping[str, Any]) -> str:
    """A match: ``in_port=1 eth_dst=00:00:00:00:00:03``."""
    return " ".join(f"{name}={value_text(name, value)}" for name, value in match.items()) or "any packet"


def action_text(action: Mapping[str, Any]) -> str:
    """One action, in its own words."""
    kind = action.get("type")
    if kind == "OUTPUT":
        return f"to {port_text(action['port'])}"
    if kind == "GROUP":
        return f"to group {action['group_id']}"
    if kind == "SET_FIELD":
        return f"set {action['field']}={value_text(action['field'], action['value'])}"
    rest = " ".join(str(value) for name, value in action.items() if name != "type")
    return f"{str(kind).lower().replace('_', ' ')} {rest}".strip()


def actions_text(actions: Iterable[Mapping[str, Any]]) -> str:
    """A list of actions; an empty one drops the packet."""
    return ", ".join(action_text(action) for action in actions) or "drop"


def rule_actions_text(rule: Rule) -> str:
    """What a rule does, the next table included."""
    words = [action_text(action) for action in rule.actions]
    words += [
        f"go to table {instruction['table_id']}"
        for instruction in rule.instructions
        if instruction.get("type") == "GOTO_TABLE"
    ]
    return ", ".join(words) or "drop"


def timeouts_text(rule: Rule) -> str:
    """When a rule goes by itself."""
    words = [
        f"{kind} {seconds} s" for kind, seconds in (("idle", rule.idle_timeout), ("hard", rule.hard_timeout)) if seconds
    ]
    return ", ".join(words) or "stays"


def duration_text(seconds: float) -> str:
    """A duration with the unit that suits it: ``312 µs``, ``4.2 ms``, ``1.3 s``."""
    if seconds < 0.001:
        return f"{seconds * 1e6:.0f} µs"
    if seconds < 1:
        return f"{seconds * 1e3:.{1 if seconds >= 0.01 else 2}f} ms"
    return f"{seconds:.1f} s"
