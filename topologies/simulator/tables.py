"""Flow tables: rules by priority, found fast, aged and counted (OpenFlow 1.3.5 §5.2-5.5, §6.4)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from topologies.simulator import fields as f
from topologies.simulator.actions import Output, Program, ToGroup
from topologies.simulator.fields import Terms

ANY = 0xFFFFFFFF
SEND_FLOW_REM, CHECK_OVERLAP, RESET_COUNTS = 1, 2, 4


@dataclass(eq=False)
class Entry:
    """A rule in a table, with its counters. Times in seconds."""

    table: int
    priority: int
    terms: Terms
    program: Program
    cookie: int
    idle_timeout: int
    hard_timeout: int
    flags: int
    created: float
    used: float
    packets: int = 0
    octets: int = 0

    @property
    def is_miss(self) -> bool:
        """Whether this is the table-miss entry (§5.4)."""
        return self.priority == 0 and not self.terms

    @property
    def deadline(self) -> float | None:
        """When it times out unless it is used, None for never."""
        ends = []
        if self.idle_timeout:
            ends.append(self.used + self.idle_timeout)
        if self.hard_timeout:
            ends.append(self.created + self.hard_timeout)
        return min(ends) if ends else None

    def sends_to(self, port: int, group: int) -> bool:
        """Whether its actions name this port and this group; ANY asks nothing."""
        actions = self.program.actions
        if port != ANY and not any(isinstance(action, Output) and action.port == port for action in actions):
            return False
        return group == ANY or any(isinstance(action, ToGroup) and action.group == group for action in actions)


class Filter(NamedTuple):
    """Which rules a FLOW_MOD or a question is about."""

    terms: Terms
    strict: bool = False
    priority: int = 0
    out_port: int = ANY
    out_group: int = ANY
    cookie: int = 0
    cookie_mask: int = 0

    def admits(self, entry: Entry) -> bool:
        """Whether this rule is meant."""
        if (entry.cookie ^ self.cookie) & self.cookie_mask:
            return False
        if self.strict:
            named = entry.priority == self.priority and entry.terms == self.terms
        else:
            named = f.covers(self.terms, entry.terms)
        return named and entry.sends_to(self.out_port, self.out_group)


Shape = tuple[tuple[int, int], ...]


@dataclass
class _Sort:
    """The rules that look at the same bits of the same fields, by what they want to see there."""

    shape: Shape
    by_values: dict[tuple[int, ...], list[Entry]] = field(default_factory=dict)
    highest: int = -1


class Table:
    """One flow table.

    Rules that look at the same bits are found by one look-up (tuple space search: V. Srinivasan et al., "Packet
    classification using tuple space search", SIGCOMM 1999), so a table may hold very many of them.
    """

    def __init__(self) -> None:
        self.lookups = 0
        self.matched = 0
        self._entries: dict[tuple[int, Terms], Entry] = {}
        self._sorts: dict[Shape, _Sort] = {}
        self._ranked: list[_Sort] = []

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries.values())

    def find(self, values: Mapping[int, int]) -> Entry | None:
        """The rule of the highest priority that fits; of equals the one that has been there longest."""
        best: Entry | None = None
        for sort in self._ranked:
            if best is not None and sort.highest <= best.priority:
                break
            try:
                found = sort.by_values.get(tuple([values[number] & mask for number, mask in sort.shape]))
            except KeyError:  # The packet has no such field.
                continue
            if found and (best is None or found[0].priority > best.priority):
                best = found[0]
        return best

    def same(self, priority: int, terms: Terms) -> Entry | None:
        """The rule of exactly this priority and match."""
        return self._entries.get((priority, terms))

    def select(self, wanted: Filter) -> list[Entry]:
        """The rules that are meant."""
        if wanted.strict:
            entry = self.same(wanted.priority, wanted.terms)
            return [entry] if entry is not None and wanted.admits(entry) else []
        return [entry for entry in self._entries.values() if wanted.admits(entry)]

    def overlaps(self, priority: int, terms: Terms) -> bool:
        """Whether another rule of this priority fits some of the same packets."""
        return any(entry.priority == priority and f.overlap(entry.terms, terms) for entry in self._entries.values())

    def add(self, entry: Entry) -> None:
        """Put a rule in, in place of one of the same priority and match."""
        old = self.same(entry.priority, entry.terms)
        if old is not None:
            self.remove(old)
        self._entries[entry.priority, entry.terms] = entry
        shape = tuple((number, mask) for number, _, mask in entry.terms)
        sort = self._sorts.setdefault(shape, _Sort(shape))
        found = sort.by_values.setdefault(_values(entry), [])
        found.append(entry)
        found.sort(key=lambda one: -one.priority)
        if entry.priority > sort.highest:
            sort.highest = entry.priority
            self._rank()

    def remove(self, entry: Entry) -> None:
        """Take a rule out."""
        del self._entries[entry.priority, entry.terms]
        shape = tuple((number, mask) for number, _, mask in entry.terms)
        sort = self._sorts[shape]
        found = sort.by_values[_values(entry)]
        found.remove(entry)
        if not found:
            del sort.by_values[_values(entry)]
            if not sort.by_values:
                del self._sorts[shape]
                self._rank()

    def _rank(self) -> None:
        # That a sort's highest rule may have gone since does not matter: it only says in which order to look.
        self._ranked = sorted(self._sorts.values(), key=lambda sort: -sort.highest)


def _values(entry: Entry) -> tuple[int, ...]:
    return tuple(value for _, value, _ in entry.terms)


def each(tables: list[Table], number: int, chosen: Callable[[Table], list[Entry]]) -> list[Entry]:
    """What is chosen in one table, or in all (``number`` 0xFF)."""
    asked = tables if number == 0xFF else tables[number : number + 1]
    return [entry for table in asked for entry in chosen(table)]
