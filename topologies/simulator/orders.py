"""What a controller can change in a switch: FLOW_MOD, GROUP_MOD (OpenFlow 1.3.5 §6.4, §6.5, §7.3.4)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from struct import Struct

from topologies.simulator import actions as a
from topologies.simulator import fields as f
from topologies.simulator.actions import read_program, u16, u32
from topologies.simulator.errors import Fault, Refused
from topologies.simulator.groups import check_members, read_group
from topologies.simulator.pipeline import Pipeline
from topologies.simulator.tables import CHECK_OVERLAP, RESET_COUNTS, SEND_FLOW_REM, Entry, Filter, each

_FLOW_MOD = Struct("!QQBBHHHIIIH2x")
_ADD, _MODIFY, _MODIFY_STRICT, _DELETE, _DELETE_STRICT = range(5)
_KNOWN_FLAGS = 0x1F
_NO_BUFFER = 0xFFFFFFFF
ALL_GROUPS = 0xFFFFFFFC
IDLE, HARD, DELETED, GROUP_DELETED = range(4)
"""Why a rule went (OFPRR_*)."""

Removed = Callable[[Entry, int], None]
"""Told of every rule that goes, and why."""


def flow_mod(pipeline: Pipeline, message: bytes, capacity: int, now: float, removed: Removed) -> None:
    """Carry out a FLOW_MOD. Raises Refused, with nothing changed."""
    if len(message) < 56:
        raise Refused(Fault.BAD_LENGTH)
    cookie, mask, table, command, idle, hard, priority, buffer, out_port, out_group, flags = _FLOW_MOD.unpack_from(
        message, 8
    )
    terms, after = f.read_match(message, 48, len(message))
    if command > _DELETE_STRICT:
        raise Refused(Fault.FLOW_BAD_COMMAND)
    if flags & ~_KNOWN_FLAGS:
        raise Refused(Fault.FLOW_BAD_FLAGS)
    deleting = command in (_DELETE, _DELETE_STRICT)
    n_tables = len(pipeline.tables)
    if table >= n_tables and not (deleting and table == 0xFF):
        raise Refused(Fault.FLOW_BAD_TABLE_ID)
    strict = command in (_MODIFY_STRICT, _DELETE_STRICT)
    if deleting:
        wanted = Filter(terms, strict, priority, out_port, out_group, cookie, mask)
        remove(pipeline, each(pipeline.tables, table, lambda one: one.select(wanted)), DELETED, removed)
        return
    if buffer != _NO_BUFFER:
        raise Refused(Fault.BUFFER_UNKNOWN)
    program = read_program(message, after, len(message), table, n_tables)
    check_actions(pipeline, program.actions, terms)
    if command == _ADD:
        entry = Entry(table, priority, terms, program, cookie, idle, hard, flags, now, now)
        _add(pipeline, entry, capacity)
        return
    for entry in pipeline.tables[table].select(Filter(terms, strict, priority, cookie=cookie, cookie_mask=mask)):
        entry.program = program
        if flags & RESET_COUNTS:
            entry.packets = entry.octets = 0


def _add(pipeline: Pipeline, entry: Entry, capacity: int) -> None:
    table = pipeline.tables[entry.table]
    old = table.same(entry.priority, entry.terms)
    if entry.flags & CHECK_OVERLAP and table.overlaps(entry.priority, entry.terms):
        raise Refused(Fault.OVERLAP)
    if old is None and len(table) >= capacity:
        raise Refused(Fault.TABLE_FULL)
    if old is not None and not entry.flags & RESET_COUNTS:
        entry.packets, entry.octets = old.packets, old.octets
    table.add(entry)


def remove(pipeline: Pipeline, entries: Iterable[Entry], reason: int, removed: Removed) -> None:
    """Take rules out, and tell of those that are to be told of."""
    for entry in list(entries):
        pipeline.tables[entry.table].remove(entry)
        if entry.flags & SEND_FLOW_REM:
            removed(entry, reason)


def check_actions(pipeline: Pipeline, actions: a.Actions, terms: f.Terms) -> None:
    """Raise Refused when actions name a group that is not there, or a field that the packets need not have."""
    check_groups(pipeline, actions)
    known = {number: value for number, value, mask in terms if mask == f.full(number)}
    for action in actions:
        if isinstance(action, a.SetField):
            needs = f.KINDS[action.field].needs
            if any(known.get(field) not in values for field, values in needs):
                raise Refused(Fault.ACTION_INCONSISTENT)


def check_groups(pipeline: Pipeline, actions: a.Actions) -> None:
    """Raise Refused when actions name a group that is not there."""
    if any(isinstance(action, a.ToGroup) and action.group not in pipeline.groups for action in actions):
        raise Refused(Fault.ACTION_BAD_OUT_GROUP)


def group_mod(pipeline: Pipeline, message: bytes, now: float, removed: Removed) -> None:
    """Carry out a GROUP_MOD. Raises Refused, with nothing changed."""
    if len(message) < 16:
        raise Refused(Fault.BAD_LENGTH)
    command, number = u16(message, 8), u32(message, 12)
    if command > 2:
        raise Refused(Fault.GROUP_BAD_COMMAND)
    if command == 2:
        _remove_groups(pipeline, number, removed)
        return
    group = read_group(message, now)
    old = pipeline.groups.get(number)
    if command == 0 and old is not None:
        raise Refused(Fault.GROUP_EXISTS)
    if command == 1 and old is None:
        raise Refused(Fault.UNKNOWN_GROUP)
    check_members(group, pipeline.groups)
    if old is not None:
        group = replace(group, created=old.created)
    pipeline.groups[number] = group


def _remove_groups(pipeline: Pipeline, number: int, removed: Removed) -> None:
    gone = set(pipeline.groups) if number == ALL_GROUPS else {number} & set(pipeline.groups)
    if number != ALL_GROUPS and any(gone & group.members() for group in pipeline.groups.values()):
        raise Refused(Fault.CHAINED_GROUP)
    for one in gone:
        del pipeline.groups[one]
    for table in pipeline.tables:
        entries = [entry for entry in table if any(entry.sends_to(a.ANY, one) for one in gone)]
        remove(pipeline, entries, GROUP_DELETED, removed)
