"""Ryu 4.34's parsers do not always end, and with them would stand the controller and every other switch.

They go on by lengths that they read in the message, and some lengths are 0, or are no longer looked at once an action
has an unusual size: a reply about flows, groups, table features or queues can do it. So Ryu gets a limit of processor
time for one message. A HELLO with an element that is no version bitmap does it too, but is right (§7.5.1 has such
elements ignored): Ryu gets one without.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from struct import unpack_from
from types import FrameType
from typing import NoReturn, TypeVar

from controller.southbound.openflow import hello
from controller.southbound.wire import MessageType

PARSE_TIME = 0.5
"""Seconds of processor time; the largest message there can be takes Ryu a tenth of that."""

Parsed = TypeVar("Parsed")


class Endless(Exception):
    """A parser was stopped."""


def watch() -> None:
    """Make `limited` work; to be called once, in the main thread."""
    signal.signal(signal.SIGVTALRM, _stop)


def limited(parse: Callable[..., Parsed], *arguments: object) -> Parsed:
    """What ``parse`` makes of ``arguments``. Raises Endless when it takes too long, and whatever it raises."""
    # Again and again, in case the parser itself catches everything.
    signal.setitimer(signal.ITIMER_VIRTUAL, PARSE_TIME, PARSE_TIME)
    try:
        return parse(*arguments)
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


def _stop(_number: int, _frame: FrameType | None) -> NoReturn:
    raise Endless


def plain(message: bytes) -> bytes:
    """The message itself, or a HELLO with the same versions and nothing else. The codec has accepted it before."""
    if message[1] != MessageType.HELLO or len(message) == 8:
        return message
    versions: set[int] = set()
    at = 8
    while at + 8 <= len(message):
        kind, length, bitmap = unpack_from("!HHI", message, at)
        if kind == 1:
            versions |= {version for version in range(32) if bitmap >> version & 1}
        at += max(length + 7 & ~7, 8)
    bare = message[:2] + b"\0\x08" + message[4:8]
    return hello(int.from_bytes(message[4:8], "big"), versions) if versions else bare
