"""Every change of what is known, as one small value each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .packets import Packet
from .places import Host, Link, Location, Port
from .rules import Rule


@dataclass(frozen=True, slots=True)
class SwitchUp:
    """A switch finished its handshake and is ready for orders."""

    dpid: int
    ports: tuple[Port, ...] = ()
    address: tuple[str, int] = ("", 0)
    n_tables: int = 254
    n_buffers: int = 0
    capabilities: int = 0


@dataclass(frozen=True, slots=True)
class SwitchReady:
    """A switch has carried out the orders that it was given when it came up (its barrier was answered)."""

    dpid: int


@dataclass(frozen=True, slots=True)
class SwitchSettled:
    """A switch is ready, what each of its ports leads to is known, and no order that it was given is unconfirmed."""

    dpid: int


@dataclass(frozen=True, slots=True)
class SwitchDown:
    """A switch's connection is gone."""

    dpid: int


@dataclass(frozen=True, slots=True)
class PortChanged:
    """A port was added or changed (§7.4.3); ``port.up`` says whether it carries traffic."""

    dpid: int
    port: Port


@dataclass(frozen=True, slots=True)
class PortGone:
    """A port was removed."""

    dpid: int
    port: Port


@dataclass(frozen=True, slots=True)
class FlowRemoved:
    """A switch gave up a rule by itself or by order (§7.4.2); ``reason`` is OFPRR_*, ``duration`` in seconds."""

    dpid: int
    rule: Rule
    reason: int
    packets: int
    bytes: int
    duration: float


@dataclass(frozen=True, slots=True)
class SwitchError:
    """A switch refused a message (OFPT_ERROR, §7.4.4); ``data`` is the start of the refused message."""

    dpid: int
    type: int
    code: int
    xid: int
    data: bytes


@dataclass(frozen=True, slots=True)
class LinkUp:
    """A link between two switches carries traffic; each direction of a cable is announced by itself."""

    link: Link


@dataclass(frozen=True, slots=True)
class LinkDown:
    """A link carries no traffic any more; ``reason`` is one short text for people."""

    link: Link
    reason: str


@dataclass(frozen=True, slots=True)
class RoutesChanged:
    """Shortest paths changed: destination (dpid) -> the switches whose next hops to it may be others than before."""

    touched: Mapping[int, frozenset[int]]


@dataclass(frozen=True, slots=True)
class TreeChanged:
    """The ports along which these switches flood may be others than before: links of the tree, or edge ports."""

    switches: frozenset[int]


@dataclass(frozen=True, slots=True)
class RulesFound:
    """A switch that connected held these rules of ours that give themselves up when nobody uses them.

    They stay; what of them is not right any more, the application that ordered them has to remove.
    """

    dpid: int
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class HostSeen:
    """A host was seen for the first time, or its addresses changed."""

    host: Host


@dataclass(frozen=True, slots=True)
class HostMoved:
    """A host is at another port than before."""

    host: Host
    left: Location


@dataclass(frozen=True, slots=True)
class HostGone:
    """A host is not known any more; ``host`` is what was known of it, ``reason`` one short text for people."""

    host: Host
    reason: str


@dataclass(frozen=True, slots=True)
class SearchEnded:
    """The host with this address was looked for and found, or is silent (None); ``waiting`` are the packets for it."""

    ip: bytes
    host: Host | None
    waiting: tuple[Packet, ...] = ()


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something that a person should know of: ``kind`` is a fixed short name ("forged-probe"), ``text`` one line."""

    kind: str
    location: Location
    text: str


Event = (
    SwitchUp
    | SwitchReady
    | SwitchSettled
    | SwitchDown
    | PortChanged
    | PortGone
    | FlowRemoved
    | SwitchError
    | LinkUp
    | LinkDown
    | RoutesChanged
    | TreeChanged
    | RulesFound
    | HostSeen
    | HostMoved
    | HostGone
    | SearchEnded
    | Alarm
)
