"""What one switch holds, as far as it was ordered and not refused: the desired state that orders are compared with.

Rules without a timeout, groups and meters are kept; a switch has as many of these as there are destinations, not flows.
Rules that give themselves up when nobody uses them (reactive flows) belong to the switch: only the latest of them are
remembered, by which some can be evicted when a table is full.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from controller.model import (
    ALL_TABLES,
    Action,
    Apply,
    Bucket,
    Clear,
    Goto,
    Group,
    Install,
    Instruction,
    Masked,
    Match,
    Meter,
    Order,
    Output,
    PortNo,
    Remove,
    RemoveGroup,
    RemoveMeter,
    Rule,
    Send,
    SetGroup,
    SetMeter,
    ToGroup,
    UseMeter,
    Write,
    WriteMetadata,
)

ALL_GROUPS = 0xFFFFFFFC
ALL_METERS = 0xFFFFFFFF
"""OFPG_ALL (§7.3.4.2), OFPM_ALL (§7.3.4.4)."""

REMEMBERED_FLOWS = 4096

Key = tuple[int, int, Match]
"""Table, priority and match: what makes a rule the same rule on a switch (§5.2)."""

Identity = tuple[int, Key | tuple[str, int]]
"""A switch, and which of its rules (`Key`), groups or meters an order is about."""

_EXECUTION: dict[type, int] = {UseMeter: 0, Apply: 1, Clear: 2, Write: 3, WriteMetadata: 4, Goto: 5}
_NO_MAX_LEN = 0


class Held(NamedTuple):
    """A rule, and the cookie that says which decision put it there."""

    rule: Rule
    cookie: int


class Holdings:
    """Of one connected switch. ``open`` is False while it is being read: nothing is known of it yet."""

    __slots__ = ("flows", "groups", "meters", "open", "rules", "unconfirmed")

    def __init__(self) -> None:
        self.open = False
        self.unconfirmed = False
        self.rules: dict[Key, Held] = {}
        self.groups: dict[int, tuple[Group, int]] = {}
        self.meters: dict[int, tuple[Meter, int]] = {}
        self.flows: deque[Rule] = deque(maxlen=REMEMBERED_FLOWS)

    def has(self, order: Order) -> bool:
        """Whether the switch holds already what the order asks for."""
        match order:
            case Install(_, rule) if not is_flow(rule):
                held = self.rules.get(key_of(rule))
                return held is not None and held.rule == rule
            case SetGroup(_, group):
                return self.groups.get(group.group_id, _NOTHING)[0] == group
            case SetMeter(_, meter):
                return self.meters.get(meter.meter_id, _NOTHING)[0] == meter
        return False

    def take_in(self, order: Order, cookie: int) -> None:
        """The order is given under this cookie."""
        match order:
            case Install(_, rule):
                if is_flow(rule):
                    self.flows.append(rule)
                    return
                self.rules[key_of(rule)] = Held(rule, cookie)
            case Remove():
                self._remove(order)
            case SetGroup(_, group):
                self.groups[group.group_id] = group, cookie
            case RemoveGroup(_, group_id):
                for each in [*self.groups] if group_id == ALL_GROUPS else [group_id]:
                    self.groups.pop(each, None)
                    self._forget_users(ToGroup(each))
            case SetMeter(_, meter):
                self.meters[meter.meter_id] = meter, cookie
            case RemoveMeter(_, meter_id):
                for each in [*self.meters] if meter_id == ALL_METERS else [meter_id]:
                    self.meters.pop(each, None)
                    self._forget_users(UseMeter(each))
            case Send():
                return
        self.unconfirmed = True

    def forget(self, order: Order) -> None:
        """The order was refused."""
        match order:
            case Install(_, rule) if not is_flow(rule):
                self.rules.pop(key_of(rule), None)
            case SetGroup(_, group):
                self.groups.pop(group.group_id, None)
            case SetMeter(_, meter):
                self.meters.pop(meter.meter_id, None)

    def least_used(self) -> list[Rule]:
        """Some flows to be evicted, those that have been there longest, which are remembered no longer."""
        return [self.flows.popleft() for _ in range(min(len(self.flows), max(8, len(self.flows) // 8)))]

    def _remove(self, order: Remove) -> None:
        if order.strict and order.table != ALL_TABLES:
            key = (order.table, order.priority, order.match)
            held = self.rules.get(key)
            if held is not None and covers(order, *held):
                del self.rules[key]
            return
        for key in [key for key, held in self.rules.items() if covers(order, *held)]:
            del self.rules[key]

    def _forget_users(self, user: Action | Instruction) -> None:
        for key in [key for key, held in self.rules.items() if uses(held.rule, user)]:
            del self.rules[key]


_NOTHING = (None, 0)


def is_flow(rule: Rule) -> bool:
    """Whether the switch gives the rule up by itself, so that nobody else knows when."""
    return bool(rule.idle_timeout or rule.hard_timeout)


def key_of(rule: Rule) -> Key:
    """What identifies a rule on its switch."""
    return rule.table, rule.priority, rule.match


def identity_of(order: Order) -> Identity | None:
    """What an order is about; None when that is not one thing."""
    match order:
        case Install(dpid, rule):
            return dpid, key_of(rule)
        case Remove(dpid, match, table, strict=True, priority=priority):
            return dpid, (table, priority, match)
        case SetGroup(dpid, group):
            return dpid, ("group", group.group_id)
        case RemoveGroup(dpid, group_id):
            return dpid, ("group", group_id)
        case SetMeter(dpid, meter):
            return dpid, ("meter", meter.meter_id)
        case RemoveMeter(dpid, meter_id):
            return dpid, ("meter", meter_id)
    return None


def actions_of(rule: Rule) -> Iterator[Action]:
    """The actions of a rule, applied or written."""
    for instruction in rule.instructions:
        if isinstance(instruction, Apply | Write):
            yield from instruction.actions


def uses(rule: Rule, user: Action | Instruction) -> bool:
    """Whether a rule goes through this group or meter."""
    return any(user == each for each in (*rule.instructions, *actions_of(rule)))


def covers(order: Remove, rule: Rule, cookie: int) -> bool:
    """Whether a delete removes a rule (§6.4)."""
    if order.table not in (ALL_TABLES, rule.table) or (cookie ^ order.cookie) & order.cookie_mask:
        return False
    if order.out_port != PortNo.ANY and not any(
        isinstance(action, Output) and action.port == order.out_port for action in actions_of(rule)
    ):
        return False
    if order.strict:
        return (rule.priority, rule.match) == (order.priority, order.match)
    return all(_within(rule.match.get(name), *_masked(value)) for name, value in order.match)


def _within(value: int | bytes | Masked | None, wanted: int, mask: int | None) -> bool:
    """Whether all that a rule's field lets through is what the delete asks for; a mask of None is of ones only."""
    if value is None:
        return False
    number, own_mask = _masked(value)
    if mask is None:
        return own_mask is None and number == wanted
    return (own_mask is None or own_mask & mask == mask) and (number ^ wanted) & mask == 0


def _masked(value: int | bytes | Masked) -> tuple[int, int | None]:
    if isinstance(value, Masked):
        return _number(value.value), _number(value.mask)
    return _number(value), None


def _number(value: int | bytes) -> int:
    return value if isinstance(value, int) else int.from_bytes(value)


# ---------------------------------------------------------------- as a switch tells it


def canonical_rule(rule: Rule) -> Rule:
    """A rule in the one form in which what was ordered and what a switch tells of it are the same value."""
    instructions = sorted(map(_canonical_instruction, rule.instructions), key=lambda each: _EXECUTION[type(each)])
    return Rule(
        canonical_match(rule.match),
        tuple(instructions),
        rule.priority,
        rule.table,
        rule.idle_timeout,
        rule.hard_timeout,
        rule.notify,
    )


def canonical_match(match: Match) -> Match:
    """Without bits that do not count, and without masks of ones only."""
    return Match.of((name, _canonical_value(value)) for name, value in match)


def canonical_group(group: Group) -> Group:
    """A group in the form in which it can be compared."""
    return Group(group.group_id, group.type, tuple(_canonical_bucket(bucket) for bucket in group.buckets))


def _canonical_value(value: int | bytes | Masked) -> int | bytes | Masked:
    if not isinstance(value, Masked):
        return value
    if isinstance(value.value, bytes) and isinstance(value.mask, bytes):
        if all(octet == 0xFF for octet in value.mask):
            return value.value
        return Masked(bytes(octet & mask for octet, mask in zip(value.value, value.mask, strict=True)), value.mask)
    return Masked(_number(value.value) & _number(value.mask), value.mask)


def _canonical_instruction(instruction: Instruction) -> Instruction:
    match instruction:
        case Apply(actions):
            return Apply(tuple(_canonical_actions(actions)))
        case Write(actions):
            return Write(tuple(_canonical_actions(actions)))
    return instruction


def _canonical_bucket(bucket: Bucket) -> Bucket:
    return Bucket(tuple(_canonical_actions(bucket.actions)), bucket.weight, bucket.watch_port, bucket.watch_group)


def _canonical_actions(actions: Iterable[Action]) -> Iterator[Action]:
    """How much of a packet goes to a port means something for the controller's only (§7.2.5)."""
    for action in actions:
        if isinstance(action, Output) and action.port != PortNo.CONTROLLER:
            yield Output(action.port, _NO_MAX_LEN)
        else:
            yield action
