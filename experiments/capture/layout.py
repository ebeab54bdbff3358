"""Reading fixed structures of the specification from bytes, by a one-line description of each.

A description lists the fields in their order on the wire, ``name:code`` or ``name:code:KIND``, separated by spaces.
Codes are those of `struct` (B, H, I, Q), a number with ``x`` for padding (no name), or a number with ``s``. Kinds turn
a number or bytes to what people read: the name of an enumerated value, the names of set bits, a MAC address, a text.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, NoReturn

from experiments.capture.names import Names

Fields = dict[str, Any]
Convert = Callable[[Any], Any]


class Malformed(Exception):
    """The bytes end too early or contradict themselves; the text says where."""


class Cursor:
    """A place in a message, and the end of the structure that is being read."""

    __slots__ = ("data", "end", "pos")

    def __init__(self, data: bytes, pos: int, end: int) -> None:
        self.data = data
        self.pos = pos
        self.end = end

    @property
    def left(self) -> int:
        """How many bytes the structure still has."""
        return self.end - self.pos

    def take(self, length: int, what: str) -> Cursor:
        """The next ``length`` bytes as a structure of their own. Raises `Malformed` when there are fewer."""
        if length > self.end - self.pos:
            raise Malformed(f"{what} needs {length} bytes at byte {self.pos}, {self.end - self.pos} are there")
        inner = Cursor(self.data, self.pos, self.pos + length)
        self.pos += length
        return inner

    def rest(self) -> bytes:
        """What is left of the structure."""
        start, self.pos = self.pos, self.end
        return self.data[start : self.end]

    def skip_padding(self, length: int) -> None:
        """Pass over padding; that the last structure of a message lacks it harms nobody."""
        self.pos = min(self.pos + length, self.end)


class Layout:
    """A fixed structure: what its bytes mean. Reads all fields at once, or as many as there are."""

    __slots__ = ("_converts", "_fields", "_names", "_struct", "size", "what")

    def __init__(self, what: str, description: str, **kinds: Convert) -> None:
        self.what = what
        self._fields: list[tuple[str, struct.Struct]] = []
        codes = ""
        converts: list[tuple[str, Convert]] = []
        for entry in description.split():
            name, code, kind = [*entry.split(":"), "", ""][:3] if ":" in entry else ("", entry, "")
            codes += code
            self._fields.append((name, struct.Struct("!" + code)))
            if kind:
                converts.append((name, kinds.get(kind) or KINDS[kind]))
        self._names = [name for name, _ in self._fields if name]
        self._converts = converts
        self._struct = struct.Struct("!" + codes)
        self.size = self._struct.size

    def read(self, at: Cursor, into: Fields) -> None:
        """Put the fields at the cursor into ``into``. Raises `Malformed` after the last field that is whole."""
        if at.pos + self.size > at.end:
            self._read_part(at, into)
        into.update(zip(self._names, self._struct.unpack_from(at.data, at.pos), strict=True))
        for name, convert in self._converts:
            into[name] = convert(into[name])
        at.pos += self.size

    def _read_part(self, at: Cursor, into: Fields) -> NoReturn:
        converts = dict(self._converts)
        for name, field in self._fields:
            if at.pos + field.size > at.end:
                raise Malformed(f"{self.what} ends at byte {at.end}, before {name or 'its padding'} is whole")
            if name:
                (value,) = field.unpack_from(at.data, at.pos)
                into[name] = converts[name](value) if name in converts else value
            at.pos += field.size
        raise AssertionError("a structure that fits was read as one that does not")


def child(into: Fields, name: str) -> Fields:
    """A structure inside a structure: in its place before it is read, so that a malformed one shows what it had."""
    inner: Fields = {}
    into[name] = inner
    return inner


def children(into: Fields, name: str) -> list[Fields]:
    """A list inside a structure, in its place before it is read."""
    items: list[Fields] = []
    into[name] = items
    return items


def one_of(names: Names) -> Convert:
    """The name of an enumerated value; a number that the specification does not name stays a number."""
    return lambda value: names.get(value, value)


def flags_of(names: Names) -> Convert:
    """The names of the set bits; bits without a name come last, together, in hexadecimal."""
    known = sum(names)

    def convert(value: int) -> list[str]:
        words = [name for bit, name in names.items() if value & bit]
        return [*words, hex(value & ~known)] if value & ~known else words

    return convert


def mac(value: bytes) -> str:
    """A MAC address as text."""
    return value.hex(":")


def text(value: bytes) -> str:
    """A zero-terminated text; bytes that are no UTF-8 show as escapes."""
    return value.partition(b"\0")[0].decode("utf-8", "backslashreplace")


KINDS: dict[str, Convert] = {"mac": mac, "text": text}
