"""Groups: several ways for a packet, or the first that is alive (OpenFlow 1.3.5 §5.6, §7.3.4.2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from topologies.simulator.actions import HIGHEST_GROUP, Actions, ToGroup, read_actions, u16, u32
from topologies.simulator.errors import Fault, Refused

ALL, SELECT, INDIRECT, FAST_FAILOVER = range(4)
ANY = 0xFFFFFFFF


class Bucket(NamedTuple):
    """One way through a group."""

    weight: int
    watch_port: int
    watch_group: int
    actions: Actions


@dataclass
class Group:
    """A group with its counters; ``octets`` are its buckets as they came, to be told again."""

    number: int
    kind: int
    buckets: tuple[Bucket, ...]
    octets: bytes
    created: float
    packets: int = 0
    bytes: int = 0
    counts: list[list[int]] = field(default_factory=list)
    """Packets and bytes of each bucket."""

    def __post_init__(self) -> None:
        self.counts = [[0, 0] for _ in self.buckets]

    def members(self) -> set[int]:
        """The groups that its buckets send to or watch."""
        sent = {action.group for one in self.buckets for action in one.actions if isinstance(action, ToGroup)}
        return sent | {bucket.watch_group for bucket in self.buckets if bucket.watch_group != ANY}


def read_group(message: bytes, now: float) -> Group:
    """The group of a GROUP_MOD that adds or changes one. Raises Refused."""
    kind, number = message[10], u32(message, 12)
    if number > HIGHEST_GROUP:
        raise Refused(Fault.INVALID_GROUP)
    if kind > FAST_FAILOVER:
        raise Refused(Fault.GROUP_BAD_TYPE)
    buckets = []
    at = 16
    while at < len(message):
        length = u16(message, at)
        if length < 16 or length % 8 or at + length > len(message):
            raise Refused(Fault.BAD_BUCKET)
        actions = read_actions(message, at + 16, at + length)
        bucket = Bucket(u16(message, at + 2), u32(message, at + 4), u32(message, at + 8), actions)
        if kind == FAST_FAILOVER and bucket.watch_port == ANY and bucket.watch_group == ANY:
            raise Refused(Fault.BAD_WATCH)
        if kind != SELECT and bucket.weight:
            raise Refused(Fault.INVALID_GROUP)
        buckets.append(bucket)
        at += length
    if kind == INDIRECT and len(buckets) != 1:
        raise Refused(Fault.INVALID_GROUP)
    return Group(number, kind, tuple(buckets), message[16:], now)


def check_members(group: Group, groups: Mapping[int, Group]) -> None:
    """Raise Refused if a group sends to one that is not there, or, through others, to itself."""
    ahead, seen = list(group.members()), set()
    while ahead:
        number = ahead.pop()
        if number == group.number:
            raise Refused(Fault.GROUP_LOOP)
        if number not in groups:
            raise Refused(Fault.ACTION_BAD_OUT_GROUP)
        if number not in seen:
            seen.add(number)
            ahead += groups[number].members()
