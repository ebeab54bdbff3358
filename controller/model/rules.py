"""What a switch holds: rules with their actions and instructions, groups, meters, and what a cookie says."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from .matches import Match
from .places import PortNo

COOKIE_MARK = 0xF1
"""Top byte of every cookie that Flowpath writes."""


# actions (§7.2.4)


@dataclass(frozen=True, slots=True)
class Output:
    """Send the packet out of ``port``; ``max_len`` bytes of it when the port is CONTROLLER (0xFFFF: all of it)."""

    port: int
    max_len: int = 0xFFFF


@dataclass(frozen=True, slots=True)
class ToGroup:
    """Process the packet by a group."""

    group_id: int


@dataclass(frozen=True, slots=True)
class SetField:
    """Rewrite one header field, named as in :class:`MatchFields`."""

    name: str
    value: int | bytes


@dataclass(frozen=True, slots=True)
class PushVlan:
    """Push a VLAN tag of this EtherType."""

    eth_type: int = 0x8100


@dataclass(frozen=True, slots=True)
class PopVlan:
    """Pop the outermost VLAN tag."""


@dataclass(frozen=True, slots=True)
class SetQueue:
    """Choose the queue of the output port."""

    queue_id: int


@dataclass(frozen=True, slots=True)
class DecTtl:
    """Decrement the IP TTL or hop limit."""


@dataclass(frozen=True, slots=True)
class RawAction:
    """An action that this vocabulary has no word for, as its bytes on the wire (header included)."""

    data: bytes


Action = Output | ToGroup | SetField | PushVlan | PopVlan | SetQueue | DecTtl | RawAction


# instructions (§7.2.3)


@dataclass(frozen=True, slots=True)
class Apply:
    """Apply these actions at once, in order."""

    actions: tuple[Action, ...]


@dataclass(frozen=True, slots=True)
class Write:
    """Merge these actions into the action set, executed at the end of the pipeline."""

    actions: tuple[Action, ...]


@dataclass(frozen=True, slots=True)
class Clear:
    """Empty the action set."""


@dataclass(frozen=True, slots=True)
class Goto:
    """Go on in a later table."""

    table: int


@dataclass(frozen=True, slots=True)
class WriteMetadata:
    """Write the bits of ``value`` that ``mask`` selects into the metadata."""

    value: int
    mask: int = 0xFFFFFFFFFFFFFFFF


@dataclass(frozen=True, slots=True)
class UseMeter:
    """Pass the packet through a meter first."""

    meter_id: int


Instruction = Apply | Write | Clear | Goto | WriteMetadata | UseMeter


# entries (§5.2, §5.6, §5.7)


@dataclass(frozen=True, slots=True)
class Rule:
    """A flow entry (§5.2). Timeouts in seconds, 0 for never; ``notify`` asks for FLOW_REMOVED.

    (table, priority, match) is its identity on a switch. An application leaves ``cookie`` 0:
    the network operating system stamps it with the application and the decision (see :class:`Cookie`).
    No instructions: the packet is dropped.
    """

    match: Match
    instructions: tuple[Instruction, ...] = ()
    priority: int = 1
    table: int = 0
    idle_timeout: int = 0
    hard_timeout: int = 0
    notify: bool = False
    cookie: int = 0


class GroupType(IntEnum):
    """Group types (§7.3.4.2)."""

    ALL = 0
    SELECT = 1
    INDIRECT = 2
    FAST_FAILOVER = 3


@dataclass(frozen=True, slots=True)
class Bucket:
    """One way through a group; a FAST_FAILOVER bucket is live while ``watch_port`` (or ``watch_group``) is."""

    actions: tuple[Action, ...]
    weight: int = 0
    watch_port: int = PortNo.ANY
    watch_group: int = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Group:
    """A group entry (§5.6)."""

    group_id: int
    type: GroupType
    buckets: tuple[Bucket, ...]


@dataclass(frozen=True, slots=True)
class Meter:
    """A meter that drops above ``rate`` (kbit/s, or packets/s when ``packets``), with a burst of ``burst``."""

    meter_id: int
    rate: int
    burst: int = 0
    packets: bool = False


class Cookie(NamedTuple):
    """What a rule's 64-bit cookie says: one of ours (the top byte is COOKIE_MARK), which application, which decision.

    ``decision`` counts up from 1 in a run of the controller; every order of one decision bears it as xid too,
    so one number finds the whole decision in a capture.
    """

    app: int
    decision: int

    def pack(self) -> int:
        """The cookie on the wire: COOKIE_MARK (8 bits), application (8), zero (16), decision (32)."""
        return COOKIE_MARK << 56 | self.app << 48 | self.decision

    @classmethod
    def unpack(cls, cookie: int) -> Cookie | None:
        """The meaning of a cookie found on a switch, or None when Flowpath did not write it."""
        if cookie >> 56 != COOKIE_MARK:
            return None
        return cls(cookie >> 48 & 0xFF, cookie & 0xFFFFFFFF)
