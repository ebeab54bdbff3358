"""Actions and instructions as a switch reads them (OpenFlow 1.3.5 §7.2.4, §7.2.5).

Not modelled, and refused: MPLS and PBB actions, copying of TTLs, queues, meters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from topologies.simulator import fields as f
from topologies.simulator.errors import Fault, Refused

IN_PORT, TABLE, NORMAL, FLOOD, ALL, CONTROLLER, LOCAL, ANY = range(0xFFFFFFF8, 0x100000000)
HIGHEST_PORT = 0xFFFFFF00
HIGHEST_GROUP = 0xFFFFFF00


class Output(NamedTuple):
    """To a port, or to what a reserved number stands for."""

    port: int
    max_len: int


class ToGroup(NamedTuple):
    """To a group."""

    group: int


class SetField(NamedTuple):
    """Another value for a field."""

    field: int
    value: int


class PushVlan(NamedTuple):
    """A new outermost tag."""

    kind: int


class PopVlan(NamedTuple):
    """Without the outermost tag."""


class SetTtl(NamedTuple):
    """Another TTL or hop limit; one less than it is, if None."""

    value: int | None


Action = Output | ToGroup | SetField | PushVlan | PopVlan | SetTtl
Actions = tuple[Action, ...]


@dataclass(frozen=True)
class Program:
    """The instructions of a rule, in the order of their execution; ``octets`` as they came, to be told again."""

    octets: bytes = b""
    apply: Actions = ()
    clear: bool = False
    write: Actions = ()
    metadata: tuple[int, int] | None = None
    goto: int | None = None

    @property
    def actions(self) -> Actions:
        """All actions, applied and written."""
        return self.apply + self.write


def u16(data: bytes, at: int) -> int:
    """Two bytes as a number."""
    return int.from_bytes(data[at : at + 2], "big")


def u32(data: bytes, at: int) -> int:
    """Four bytes as a number."""
    return int.from_bytes(data[at : at + 4], "big")


def _pieces(data: bytes, at: int, end: int, least: int, short: Fault) -> Iterator[tuple[int, int, int]]:
    """(type, start, end) of structures that begin with their type and length. Raises Refused."""
    while at < end:
        length = u16(data, at + 2)
        if at + least > end or length < least or at + length > end or length % 8:
            raise Refused(short)
        yield u16(data, at), at, at + length
        at += length


# ---------------------------------------------------------------- actions


def read_actions(data: bytes, at: int, end: int) -> Actions:
    """A list of actions. Raises Refused."""
    found = []
    for kind, start, stop in _pieces(data, at, end, 8, Fault.ACTION_BAD_LENGTH):
        reader = _READERS.get(kind)
        if reader is None:
            raise Refused(_UNREAD.get(kind, Fault.ACTION_BAD_TYPE))
        found.append(reader(data, start, stop))
    return tuple(found)


def _sized(size: int, start: int, stop: int) -> None:
    if stop - start != size:
        raise Refused(Fault.ACTION_BAD_LENGTH)


def _output(data: bytes, start: int, stop: int) -> Output:
    _sized(16, start, stop)
    port = u32(data, start + 4)
    if port in (0, NORMAL, LOCAL, ANY) or HIGHEST_PORT < port < IN_PORT:
        raise Refused(Fault.ACTION_BAD_OUT_PORT)
    return Output(port, u16(data, start + 8))


def _group(data: bytes, start: int, stop: int) -> ToGroup:
    _sized(8, start, stop)
    return ToGroup(u32(data, start + 4))


def _push_vlan(data: bytes, start: int, stop: int) -> PushVlan:
    _sized(8, start, stop)
    kind = u16(data, start + 4)
    if kind not in (0x8100, 0x88A8):
        raise Refused(Fault.ACTION_BAD_ARGUMENT)
    return PushVlan(kind)


def _pop_vlan(_data: bytes, start: int, stop: int) -> PopVlan:
    _sized(8, start, stop)
    return PopVlan()


def _set_ttl(data: bytes, start: int, stop: int) -> SetTtl:
    _sized(8, start, stop)
    return SetTtl(data[start + 4])


def _less_ttl(_data: bytes, start: int, stop: int) -> SetTtl:
    _sized(8, start, stop)
    return SetTtl(None)


_FIXED = (f.IN_PORT, f.METADATA, f.ETH_TYPE, f.IP_PROTO, f.IPV6_LABEL)
"""Fields that are no header field, that would make another packet of it, or whose rewriting is not modelled."""


def _set_field(data: bytes, start: int, stop: int) -> SetField:
    try:
        number, value, mask, after = f.read_oxm(data, start + 4, stop)
    except Refused as refused:
        length = refused.fault is Fault.MATCH_BAD_LENGTH
        raise Refused(Fault.ACTION_BAD_SET_LENGTH if length else Fault.ACTION_BAD_SET_TYPE) from None
    if mask is not None or number in _FIXED:
        raise Refused(Fault.ACTION_BAD_SET_TYPE)
    if (after - start + 7) // 8 * 8 != stop - start:
        raise Refused(Fault.ACTION_BAD_SET_LENGTH)
    if value & ~f.full(number) or (number == f.VLAN_VID and not value & f.TAGGED):
        raise Refused(Fault.ACTION_BAD_SET_ARGUMENT)
    return SetField(number, value)


_READERS: dict[int, Callable[[bytes, int, int], Action]] = {
    0: _output, 17: _push_vlan, 18: _pop_vlan, 22: _group, 23: _set_ttl, 24: _less_ttl, 25: _set_field,
}  # fmt: skip
_UNREAD = {21: Fault.ACTION_BAD_QUEUE, 0xFFFF: Fault.ACTION_BAD_EXPERIMENTER}


# ---------------------------------------------------------------- instructions


def read_program(data: bytes, at: int, end: int, table: int, n_tables: int) -> Program:
    """The instructions of a rule for ``table``. Raises Refused."""
    apply: Actions = ()
    write: Actions = ()
    clear = False
    metadata: tuple[int, int] | None = None
    goto: int | None = None
    seen = set()
    for kind, start, stop in _pieces(data, at, end, 8, Fault.INSTRUCTION_BAD_LENGTH):
        if kind in seen:
            raise Refused(Fault.UNKNOWN_INSTRUCTION)
        seen.add(kind)
        size = {1: 8, 2: 24, 5: 8}.get(kind, stop - start)
        if stop - start != size:
            raise Refused(Fault.INSTRUCTION_BAD_LENGTH)
        match kind:
            case 1:
                goto = data[start + 4]
                if not table < goto < n_tables:
                    raise Refused(Fault.GOTO_BAD_TABLE_ID)
            case 2:
                value, mask = (int.from_bytes(data[start + i : start + i + 8], "big") for i in (8, 16))
                metadata = value & mask, mask
            case 3:
                write = read_actions(data, start + 8, stop)
            case 4:
                apply = read_actions(data, start + 8, stop)
            case 5:
                clear = True
            case 6:
                raise Refused(Fault.UNSUPPORTED_INSTRUCTION)
            case _:
                raise Refused(Fault.UNKNOWN_INSTRUCTION)
    return Program(data[at:end], apply, clear, write, metadata, goto)
