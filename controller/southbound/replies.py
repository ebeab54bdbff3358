"""What a switch answers, as values. Times are seconds as float, speeds and counters as the switch gives them.

Events that a switch tells unasked are in :mod:`controller.model`. Sections (§) are of OpenFlow 1.3.5.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from controller.model import Group, Meter, Port, Rule


class Role(IntEnum):
    """OFPCR_ROLE_* (§7.3.9)."""

    NOCHANGE = 0
    EQUAL = 1
    MASTER = 2
    SLAVE = 3


class MultipartType(IntEnum):
    """OFPMP_*, those asked for here (§7.3.5)."""

    DESC = 0
    FLOW = 1
    AGGREGATE = 2
    TABLE = 3
    PORT_STATS = 4
    GROUP = 6
    GROUP_DESC = 7
    METER = 9
    METER_CONFIG = 10
    PORT_DESC = 13


# ---------------------------------------------------------------- single messages


@dataclass(frozen=True, slots=True)
class Hello:
    """The first message of either side (§7.5.1): the wire versions that it speaks, 4 being OpenFlow 1.3."""

    versions: frozenset[int]
    xid: int


@dataclass(frozen=True, slots=True)
class EchoRequest:
    """To be answered with the same data and xid (§7.5.2)."""

    data: bytes
    xid: int


@dataclass(frozen=True, slots=True)
class EchoReply:
    """The answer to our echo request (§7.5.3)."""

    data: bytes
    xid: int


@dataclass(frozen=True, slots=True)
class Features:
    """What a switch is (§7.3.1). ``auxiliary`` is 0 on its main connection."""

    dpid: int
    n_buffers: int
    n_tables: int
    auxiliary: int
    capabilities: int
    xid: int


@dataclass(frozen=True, slots=True)
class SwitchConfig:
    """How a switch handles fragments and how much of a packet it sends by default (§7.3.2)."""

    flags: int
    miss_send_len: int
    xid: int


@dataclass(frozen=True, slots=True)
class BarrierReply:
    """Everything sent before the barrier of this xid has been processed (§7.3.8)."""

    xid: int


@dataclass(frozen=True, slots=True)
class RoleReply:
    """The role that the switch gives this controller (§7.3.9)."""

    role: Role
    generation_id: int
    xid: int


# ---------------------------------------------------------------- parts of multipart replies


@dataclass(frozen=True, slots=True)
class SwitchDescription:
    """Who made the switch, and what it calls itself (§7.3.5.1)."""

    manufacturer: str
    hardware: str
    software: str
    serial: str
    datapath: str


@dataclass(frozen=True, slots=True)
class FlowStats:
    """A rule that the switch holds and what it has counted (§7.3.5.2).

    ``whole`` is False when the switch's rule asks or does something that ``rule`` has no word for.
    """

    rule: Rule
    packets: int
    bytes: int
    duration: float
    whole: bool = True


@dataclass(frozen=True, slots=True)
class AggregateStats:
    """Counters of many rules together (§7.3.5.3)."""

    packets: int
    bytes: int
    flows: int


@dataclass(frozen=True, slots=True)
class TableStats:
    """Use of one flow table (§7.3.5.4)."""

    table: int
    active: int
    lookups: int
    matched: int


@dataclass(frozen=True, slots=True)
class PortStats:
    """Counters of one port since it was made, ``duration`` seconds ago (§7.3.5.6).

    A counter that the switch does not keep is 2**64 - 1.
    """

    port: int
    rx_packets: int
    tx_packets: int
    rx_bytes: int
    tx_bytes: int
    rx_dropped: int
    tx_dropped: int
    rx_errors: int
    tx_errors: int
    rx_frame_errors: int
    rx_overruns: int
    rx_crc_errors: int
    collisions: int
    duration: float


@dataclass(frozen=True, slots=True)
class GroupStats:
    """Counters of one group; ``buckets`` are (packets, bytes) in the order of the group's buckets (§7.3.5.9)."""

    group_id: int
    references: int
    packets: int
    bytes: int
    duration: float
    buckets: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class MeterStats:
    """Counters of one meter; ``bands`` are (packets, bytes) that each band caught (§7.3.5.12)."""

    meter_id: int
    flows: int
    packets: int
    bytes: int
    duration: float
    bands: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class MeterConfig:
    """A meter that the switch holds (§7.3.5.13); ``meter`` is None where it is more than one band that drops."""

    meter_id: int
    flags: int
    meter: Meter | None


Part = (
    SwitchDescription
    | FlowStats
    | AggregateStats
    | TableStats
    | PortStats
    | GroupStats
    | Group
    | MeterStats
    | MeterConfig
    | Port
)


@dataclass(frozen=True, slots=True)
class MultipartReply:
    """One message of an answer in several; ``more`` says that the next bears the same xid (§7.3.5)."""

    type: MultipartType
    parts: tuple[Part, ...]
    more: bool
    xid: int
