"""Actions (§7.2.5), instructions (§7.2.4) and the buckets of a group (§7.3.4.2)."""

from __future__ import annotations

import struct
from collections.abc import Callable

from experiments.capture import names, oxm
from experiments.capture.layout import Cursor, Fields, Layout, Malformed, children

_HEADER = struct.Struct("!HH")

Body = Callable[[Cursor, Fields], None]


def read_items(
    at: Cursor, into: list[Fields], what: str, kinds: names.Names, bodies: dict[int, Body], *, padded: bool = False
) -> None:
    """A list of structures that begin with type and length, which counts this header.

    ``padded``: padding to a multiple of 8 bytes follows each, not counted.
    Every item is {"type": name, ...}; of a type without a known body, ``data`` is its bytes in hexadecimal.
    Raises `Malformed` after the items (and the part of the last item) that could be read.
    """
    while at.left:
        if at.left < _HEADER.size:
            raise Malformed(f"{at.left} bytes at byte {at.pos} are too few for another {what}")
        kind, length = _HEADER.unpack_from(at.data, at.pos)
        item: Fields = {"type": kinds.get(kind, kind)}
        into.append(item)
        if length < _HEADER.size:
            raise Malformed(f"the {what} at byte {at.pos} says that it is {length} bytes long")
        cut = length > at.left
        body = at.take(min(length, at.left), what)
        body.pos += _HEADER.size
        if kind in bodies:
            bodies[kind](body, item)
        else:
            item["data"] = body.rest().hex()
        if cut:
            raise Malformed(f"the {what} ends at byte {at.end}, before its {length} bytes are whole")
        if padded:
            at.skip_padding(-length % 8)


def _set_field(at: Cursor, into: Fields) -> None:
    into["field"], into["value"] = oxm.read_field(at)


def experimenter(at: Cursor, into: Fields) -> None:
    """Whose extension it is, and its bytes, which only its owner can read."""
    _EXPERIMENTER.read(at, into)
    into["data"] = at.rest().hex()


_EXPERIMENTER = Layout("experimenter header", "experimenter:I")
_NOTHING = Layout("padding", "")
_ETHERTYPE = Layout("action", "ethertype:H 2x").read

_ACTIONS: dict[int, Body] = {
    0: Layout("OUTPUT", "port:I max_len:H 6x").read,
    11: _NOTHING.read,
    12: _NOTHING.read,
    15: Layout("SET_MPLS_TTL", "mpls_ttl:B 3x").read,
    16: _NOTHING.read,
    17: _ETHERTYPE,
    18: _NOTHING.read,
    19: _ETHERTYPE,
    20: _ETHERTYPE,
    21: Layout("SET_QUEUE", "queue_id:I").read,
    22: Layout("GROUP", "group_id:I").read,
    23: Layout("SET_NW_TTL", "nw_ttl:B 3x").read,
    24: _NOTHING.read,
    25: _set_field,
    26: _ETHERTYPE,
    27: _NOTHING.read,
    0xFFFF: experimenter,
}


def read_actions(at: Cursor, into: list[Fields]) -> None:
    """A list of actions."""
    read_items(at, into, "action", names.ACTION, _ACTIONS)


def _actions_instruction(at: Cursor, into: Fields) -> None:
    actions = children(into, "actions")
    at.take(4, "instruction padding")
    read_actions(at, actions)


_INSTRUCTIONS: dict[int, Body] = {
    1: Layout("GOTO_TABLE", "table_id:B 3x").read,
    2: Layout("WRITE_METADATA", "4x metadata:Q metadata_mask:Q").read,
    3: _actions_instruction,
    4: _actions_instruction,
    5: _NOTHING.read,
    6: Layout("METER", "meter_id:I").read,
    0xFFFF: experimenter,
}


def read_instructions(at: Cursor, into: list[Fields]) -> None:
    """A list of instructions."""
    read_items(at, into, "instruction", names.INSTRUCTION, _INSTRUCTIONS)


_BUCKET = Layout("bucket", "weight:H watch_port:I watch_group:I 4x")


def read_buckets(at: Cursor, into: list[Fields]) -> None:
    """The buckets of a group."""
    read_records(at, into, "bucket", _bucket)


def _bucket(at: Cursor, into: Fields) -> None:
    _BUCKET.read(at, into)
    actions = children(into, "actions")
    read_actions(at, actions)


_LENGTH = struct.Struct("!H")


def read_records(at: Cursor, into: list[Fields], what: str, body: Body, length_at: int = 0) -> None:
    """A list of structures that hold their own length, ``length_at`` bytes after their beginning.

    ``body`` starts behind the length when the structure begins with it, and at the beginning otherwise.
    """
    while at.left:
        if at.left < length_at + _LENGTH.size:
            raise Malformed(f"{at.left} bytes at byte {at.pos} are too few for another {what}")
        (length,) = _LENGTH.unpack_from(at.data, at.pos + length_at)
        if length < length_at + _LENGTH.size:
            raise Malformed(f"the {what} at byte {at.pos} says that it is {length} bytes long")
        record: Fields = {}
        into.append(record)
        cut = length > at.left
        inner = at.take(min(length, at.left), what)
        if not length_at:
            inner.pos += _LENGTH.size
        body(inner, record)
        if cut:
            raise Malformed(f"the {what} ends at byte {at.end}, before its {length} bytes are whole")
