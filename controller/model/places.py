"""Where things are: ports, their locations, links; and addresses as text, at the rim only."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from ipaddress import ip_address
from typing import NamedTuple


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


class Host(NamedTuple):
    """A station at an edge port, as it is known at one moment.

    ``addresses`` are its IPv4 (4 bytes) and IPv6 (16 bytes) addresses, ``vlan`` the VLAN id of its latest frames,
    0 for none. ``last_seen`` may be behind by the second or so at which it is kept.
    """

    mac: bytes
    location: Location
    addresses: tuple[bytes, ...]
    vlan: int
    first_seen: float
    last_seen: float


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
