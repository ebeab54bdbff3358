"""What the captured orders make of a switch: its flow tables, and what they do with a packet.

A switch that has a rule for a packet says nothing about it, so nothing about it is in the capture. These tables are
rebuilt from the FLOW_MODs and GROUP_MODs on the wire, as OpenFlow 1.3.5 §6.4 and §5 tell a switch to keep them; from
them follows by which rule a packet crossed in silence. They are never taken from the controller's own books.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any

from experiments.story.frame import Headers

CONTROLLER, FLOOD, ALL, IN_PORT, TABLE, LOCAL, ANY = (
    0xFFFFFFFD,
    0xFFFFFFFB,
    0xFFFFFFFC,
    0xFFFFFFF8,
    0xFFFFFFF9,
    0xFFFFFFFE,
    0xFFFFFFFF,
)
ALL_TABLES = 0xFF

NOT_IN_FRAME = frozenset({"metadata", "in_phy_port", "tunnel_id"})
"""Match fields that no frame can answer; here they never hinder a match."""

Fields = Mapping[str, Any]


@dataclass(frozen=True)
class Rule:
    """A flow entry as an order or a report shows it; ``message`` is the number of the FLOW_MOD that put it there."""

    table: int
    priority: int
    match: Fields
    instructions: tuple[Fields, ...]
    cookie: int = 0
    idle_timeout: int = 0
    hard_timeout: int = 0
    packets: int | None = None
    message: int | None = None

    @property
    def identity(self) -> tuple[int, int, str]:
        """What makes it this rule and no other on its switch (§6.4)."""
        return self.table, self.priority, repr(sorted(self.match.items()))

    @property
    def is_table_miss(self) -> bool:
        """Whether it is what is left when nothing else matches (§5.4)."""
        return self.priority == 0 and not self.match

    @property
    def actions(self) -> tuple[Fields, ...]:
        """All actions of all its instructions, in order."""
        return tuple(action for instruction in self.instructions for action in instruction.get("actions", ()))


def rule_of(fields: Fields, message: int | None = None) -> Rule:
    """The rule in a decoded FLOW_MOD, or in one entry of a decoded flow statistics reply."""
    return Rule(
        table=fields.get("table_id", 0),
        priority=fields.get("priority", 0),
        match=fields.get("match", {}),
        instructions=tuple(fields.get("instructions", ())),
        cookie=fields.get("cookie", 0),
        idle_timeout=fields.get("idle_timeout", 0),
        hard_timeout=fields.get("hard_timeout", 0),
        packets=fields.get("packet_count"),
        message=message,
    )


def fits(match: Fields, headers: Headers) -> bool:
    """Whether a packet with these headers (``in_port`` among them) meets a match."""
    return all(_same(headers.get(name), wanted) for name, wanted in match.items() if name not in NOT_IN_FRAME)


def _same(value: Any, wanted: Any) -> bool:
    if value is None:
        return False
    if not isinstance(wanted, Mapping):
        return bool(value == wanted)
    mask = _number(wanted["mask"])
    return _number(value) & mask == _number(wanted["value"]) & mask


def _number(value: Any) -> int:
    if isinstance(value, int):
        return value
    if value.count(":") == 5 and len(value) == 17:
        return int(value.replace(":", ""), 16)
    return int(ip_address(value))


@dataclass
class Passage:
    """What a switch does with a packet: the ports that it leaves by, and the rules that it met, table by table."""

    outputs: list[int] = field(default_factory=list)
    rules: list[Rule] = field(default_factory=list)

    @property
    def asks(self) -> bool:
        """Whether a copy goes to the controller."""
        return CONTROLLER in self.outputs

    @property
    def forwards(self) -> bool:
        """Whether the packet goes on without the controller."""
        return any(port != CONTROLLER for port in self.outputs)


class Tables:
    """The flow tables and groups of one switch."""

    def __init__(self, rules: Iterable[Rule] = ()) -> None:
        self._rules: dict[tuple[int, int, str], Rule] = {rule.identity: rule for rule in rules}
        self._groups: dict[int, list[Fields]] = {}

    def holding(self, rules: Iterable[Rule]) -> Tables:
        """Tables with these rules and this switch's groups."""
        other = Tables(rules)
        other._groups = self._groups
        return other

    def __iter__(self) -> Iterator[Rule]:
        return iter(self._rules.values())

    def apply(self, name: str, fields: Fields, message: int | None = None) -> None:
        """Carry out a message between switch and controller; those that change no table are nothing to do."""
        if name == "FLOW_MOD":
            self._flow_mod(fields, message)
        elif name == "GROUP_MOD" and fields.get("command") == "DELETE":
            self._groups.pop(fields["group_id"], None)
        elif name == "GROUP_MOD":
            self._groups[fields["group_id"]] = list(fields.get("buckets", ()))
        elif name == "FLOW_REMOVED":
            self._rules.pop(rule_of(fields).identity, None)

    def _flow_mod(self, fields: Fields, message: int | None) -> None:
        rule = rule_of(fields, message)
        command = fields.get("command")
        if command == "ADD":
            self._rules[rule.identity] = rule
            return
        for old in [old for old in self._rules.values() if _concerns(fields, rule, old)]:
            if command in ("DELETE", "DELETE_STRICT"):
                del self._rules[old.identity]
            else:
                self._rules[old.identity] = Rule(
                    old.table, old.priority, old.match, rule.instructions, old.cookie, old.idle_timeout,
                    old.hard_timeout, old.packets, message,
                )  # fmt: skip

    def passage(self, headers: Headers) -> Passage:
        """What becomes of a packet with these headers, ``in_port`` among them, from table 0 on (§5.1)."""
        passage = Passage()
        action_set: dict[str, Fields] = {}
        table: int | None = 0
        while table is not None:
            rule = self._lookup(table, headers)
            table = None
            if rule is None:
                break
            passage.rules.append(rule)
            for instruction in rule.instructions:
                kind = instruction.get("type")
                if kind == "APPLY_ACTIONS":
                    self._outputs(instruction["actions"], passage.outputs)
                elif kind == "WRITE_ACTIONS":
                    action_set.update({action["type"]: action for action in instruction["actions"]})
                elif kind == "CLEAR_ACTIONS":
                    action_set.clear()
                elif kind == "GOTO_TABLE":
                    table = instruction["table_id"]
        if "GROUP" in action_set:
            action_set.pop("OUTPUT", None)  # §5.10: a group in the action set takes the place of an output
        self._outputs(action_set.values(), passage.outputs)
        return passage

    def outputs(self, actions: Iterable[Fields]) -> list[int]:
        """The ports that a list of actions sends to, reserved ones as they are written."""
        ports: list[int] = []
        self._outputs(actions, ports)
        return ports

    def _lookup(self, table: int, headers: Headers) -> Rule | None:
        matching = [rule for rule in self._rules.values() if rule.table == table and fits(rule.match, headers)]
        return max(matching, key=lambda rule: rule.priority, default=None)

    def _outputs(self, actions: Iterable[Fields], into: list[int]) -> None:
        for action in actions:
            if action["type"] == "OUTPUT":
                into.append(action["port"])
            elif action["type"] == "GROUP":
                for bucket in self._groups.get(action["group_id"], ()):
                    self._outputs(bucket.get("actions", ()), into)


def _concerns(fields: Fields, rule: Rule, old: Rule) -> bool:
    """Whether a modify or delete means an existing rule (§6.4)."""
    if fields.get("table_id") not in (old.table, ALL_TABLES):
        return False
    mask = fields.get("cookie_mask", 0)
    if old.cookie & mask != rule.cookie & mask:
        return False
    if str(fields.get("command")).endswith("_STRICT"):
        return old.priority == rule.priority and old.match == rule.match
    return all(old.match.get(name) == value for name, value in rule.match.items())
