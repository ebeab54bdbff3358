"""The vocabulary of the network operating system, as values.

Everything that crosses a wall between two rooms is one of these: a packet that a switch asked about,
the decision of an application, the orders it is translated to, the events that change what is known.
Addresses are the bytes of the wire (6 for a MAC, 4 or 16 for an IP) and datapath ids are ints: text is made
only at the rim, by the functions at the end of this file. Times are seconds as a float.

Names follow the OpenFlow Switch Specification 1.3.5; section numbers below (§) are its.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from ipaddress import ip_address
from typing import NamedTuple, TypedDict, Unpack

NO_BUFFER = 0xFFFFFFFF
"""``buffer_id`` of a packet that the switch did not keep (§7.3.4)."""

ALL_TABLES = 0xFF
"""``OFPTT_ALL``: every table, in a delete (§7.3.4.1)."""


COOKIE_MARK = 0xF1
"""Top byte of every cookie that Flowpath writes."""


class PortNo(IntEnum):
    """Reserved port numbers (§7.2.1)."""

    IN_PORT = 0xFFFFFFF8
    TABLE = 0xFFFFFFF9
    NORMAL = 0xFFFFFFFA
    FLOOD = 0xFFFFFFFB
    ALL = 0xFFFFFFFC
    CONTROLLER = 0xFFFFFFFD
    LOCAL = 0xFFFFFFFE
    ANY = 0xFFFFFFFF


# ---------------------------------------------------------------- places


class Location(NamedTuple):
    """A port of a switch: where a host is attached, or one end of a link."""

    dpid: int
    port: int

    def __str__(self) -> str:
        return f"{dpid_text(self.dpid)}:{self.port}"


class Link(NamedTuple):
    """One direction of a cable between two switches."""

    source: Location
    target: Location


@dataclass(frozen=True, slots=True)
class Port:
    """A port as the switch describes it (§7.2.1); speeds in kbit/s, 0 where the switch does not say."""

    number: int
    name: str
    mac: bytes
    up: bool
    config: int = 0
    state: int = 0
    curr_speed: int = 0
    max_speed: int = 0


@dataclass(frozen=True, slots=True)
class Host:
    """A station at an edge port, as it is known at one moment.

    ``addresses`` are its IPv4 (4 bytes) and IPv6 (16 bytes) addresses, ``vlan`` the VLAN id of its latest tagged frame,
    0 for none. ``last_seen`` may be behind by the second or so at which it is kept.
    """

    mac: bytes
    location: Location
    addresses: tuple[bytes, ...]
    vlan: int
    first_seen: float
    last_seen: float


# ---------------------------------------------------------------- packets


class Packet:
    """A frame that a switch asked about (PACKET_IN, §7.4.1).

    ``frame`` may be shorter than ``total_len`` when the switch kept the rest (``buffer_id``).
    Only Ethernet addresses are cut here; what lies above is parsed on demand by
    :func:`controller.southbound.frames.parse`, so nobody pays for a header that no application reads.
    """

    __slots__ = ("buffer_id", "cookie", "dpid", "frame", "in_port", "reason", "table", "total_len", "xid")

    def __init__(
        self,
        dpid: int,
        in_port: int,
        frame: bytes,
        *,
        buffer_id: int = NO_BUFFER,
        total_len: int | None = None,
        reason: int = 0,
        table: int = 0,
        cookie: int = 0,
        xid: int = 0,
    ) -> None:
        self.dpid = dpid
        self.in_port = in_port
        self.frame = frame
        self.buffer_id = buffer_id
        self.total_len = len(frame) if total_len is None else total_len
        self.reason = reason
        self.table = table
        self.cookie = cookie
        self.xid = xid

    @property
    def eth_dst(self) -> bytes:
        """Destination MAC (6 bytes)."""
        return self.frame[0:6]

    @property
    def eth_src(self) -> bytes:
        """Source MAC (6 bytes)."""
        return self.frame[6:12]

    @property
    def location(self) -> Location:
        """The port by which the packet arrived."""
        return Location(self.dpid, self.in_port)

    def __repr__(self) -> str:
        way = f"{mac_text(self.eth_src)} -> {mac_text(self.eth_dst)}" if len(self.frame) >= 12 else "runt"
        return f"Packet({self.location} {way}, {self.total_len} bytes)"


# ---------------------------------------------------------------- matches


class Masked(NamedTuple):
    """A value of which only the bits set in ``mask`` count (§7.2.3.5)."""

    value: int | bytes
    mask: int | bytes


FieldValue = int | bytes | Masked


class MatchFields(TypedDict, total=False):
    """The OXM fields of OpenFlow 1.3 (§7.2.3.7) under the specification's names.

    MAC, IPv4 and IPv6 addresses are bytes, everything else int. ``vlan_vid`` includes OFPVID_PRESENT (0x1000).
    """

    in_port: FieldValue
    in_phy_port: FieldValue
    metadata: FieldValue
    eth_dst: FieldValue
    eth_src: FieldValue
    eth_type: FieldValue
    vlan_vid: FieldValue
    vlan_pcp: FieldValue
    ip_dscp: FieldValue
    ip_ecn: FieldValue
    ip_proto: FieldValue
    ipv4_src: FieldValue
    ipv4_dst: FieldValue
    tcp_src: FieldValue
    tcp_dst: FieldValue
    udp_src: FieldValue
    udp_dst: FieldValue
    sctp_src: FieldValue
    sctp_dst: FieldValue
    icmpv4_type: FieldValue
    icmpv4_code: FieldValue
    arp_op: FieldValue
    arp_spa: FieldValue
    arp_tpa: FieldValue
    arp_sha: FieldValue
    arp_tha: FieldValue
    ipv6_src: FieldValue
    ipv6_dst: FieldValue
    ipv6_flabel: FieldValue
    icmpv6_type: FieldValue
    icmpv6_code: FieldValue
    ipv6_nd_target: FieldValue
    ipv6_nd_sll: FieldValue
    ipv6_nd_tll: FieldValue
    mpls_label: FieldValue
    mpls_tc: FieldValue
    mpls_bos: FieldValue
    pbb_isid: FieldValue
    tunnel_id: FieldValue
    ipv6_exthdr: FieldValue


class Match:
    """What a rule asks of a packet: ``Match(in_port=1, eth_dst=mac)``; no field at all matches everything.

    Immutable and hashable; two matches are equal when they have the same fields, in whatever order they were named.
    """

    __slots__ = ("fields",)
    fields: tuple[tuple[str, FieldValue], ...]

    def __init__(self, **fields: Unpack[MatchFields]) -> None:
        object.__setattr__(self, "fields", tuple(sorted(fields.items())))

    @classmethod
    def of(cls, fields: Iterable[tuple[str, FieldValue]]) -> Match:
        """A match of (name, value) pairs, as a decoder has them."""
        match = cls()
        object.__setattr__(match, "fields", tuple(sorted(fields)))
        return match

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("a Match does not change; make another")

    def get(self, name: str) -> FieldValue | None:
        """The value asked of field ``name``, or None where the match does not look at it."""
        for key, value in self.fields:
            if key == name:
                return value
        return None

    def __iter__(self) -> Iterator[tuple[str, FieldValue]]:
        return iter(self.fields)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Match) and self.fields == other.fields

    def __hash__(self) -> int:
        return hash(self.fields)

    def __repr__(self) -> str:
        return f"Match({', '.join(f'{name}={value!r}' for name, value in self.fields)})"


# ---------------------------------------------------------------- actions (§7.2.4) and instructions (§7.2.3)


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


# ---------------------------------------------------------------- what a switch holds


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


# ---------------------------------------------------------------- decisions and orders


@dataclass(frozen=True, slots=True)
class Install:
    """Have ``rule`` on the switch (FLOW_MOD add, which replaces a rule of the same identity)."""

    dpid: int
    rule: Rule


@dataclass(frozen=True, slots=True)
class Remove:
    """Remove rules (FLOW_MOD delete): all that ``match`` covers, or exactly one with ``strict``.

    ``out_port`` and the cookie (under its mask) narrow it further.
    """

    dpid: int
    match: Match = field(default_factory=Match)
    table: int = ALL_TABLES
    strict: bool = False
    priority: int = 0
    out_port: int = PortNo.ANY
    cookie: int = 0
    cookie_mask: int = 0


@dataclass(frozen=True, slots=True)
class SetGroup:
    """Have ``group`` on the switch, whether or not one of that id is there."""

    dpid: int
    group: Group


@dataclass(frozen=True, slots=True)
class RemoveGroup:
    """Remove a group and the rules that use it."""

    dpid: int
    group_id: int


@dataclass(frozen=True, slots=True)
class SetMeter:
    """Have ``meter`` on the switch."""

    dpid: int
    meter: Meter


@dataclass(frozen=True, slots=True)
class RemoveMeter:
    """Remove a meter and the rules that use it."""

    dpid: int
    meter_id: int


@dataclass(frozen=True, slots=True)
class Send:
    """Send a frame out of a switch (PACKET_OUT, §7.3.7), as if it had come by ``in_port``."""

    dpid: int
    actions: tuple[Action, ...]
    frame: bytes
    in_port: int = PortNo.CONTROLLER
    buffer_id: int = NO_BUFFER


Order = Install | Remove | SetGroup | RemoveGroup | SetMeter | RemoveMeter | Send


@dataclass(frozen=True, slots=True)
class Decision:
    """What an application decided: why, what to order, and what to do with the packet that asked.

    ``reason`` is one line for people (the story shows it). ``orders`` may go to any switch; ``release`` are the
    actions for the asking packet on the switch that asked, empty to drop it.
    """

    reason: str
    orders: tuple[Order, ...] = ()
    release: tuple[Action, ...] = ()


# ---------------------------------------------------------------- events: every change of what is known


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
class HostSeen:
    """A host was seen for the first time, or at an address that was not known to be its own."""

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
    | SwitchDown
    | PortChanged
    | PortGone
    | FlowRemoved
    | SwitchError
    | LinkUp
    | LinkDown
    | HostSeen
    | HostMoved
    | HostGone
    | SearchEnded
    | Alarm
)


# ---------------------------------------------------------------- text, at the rim only


def dpid_text(dpid: int) -> str:
    """A datapath id as 16 hex digits."""
    return f"{dpid:016x}"


def mac_text(mac: bytes) -> str:
    """A MAC address as aa:bb:cc:dd:ee:ff."""
    return mac.hex(":")


def mac_bytes(text: str) -> bytes:
    """The bytes of a MAC address written with colons or dashes. Raises ValueError for anything else."""
    mac = bytes.fromhex(text.replace("-", ":").replace(":", ""))
    if len(mac) != 6:
        raise ValueError(f"not a MAC address: {text!r}")
    return mac


def ip_text(ip: bytes) -> str:
    """An IPv4 (4 bytes) or IPv6 (16 bytes) address in its usual form."""
    return str(ip_address(ip))
