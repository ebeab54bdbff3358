"""Values as people and programs write them, into the units of :mod:`topologies.plan`.

A number is in the unit itself (bit/s, seconds, a share); a text bears its unit: "100 Mbit/s", "5 ms", "0.1 %".
Each function raises `TopologyError` with what was expected; its caller knows the place.
"""

from __future__ import annotations

import math
import re
from ipaddress import IPv4Address, IPv4Interface
from typing import Any

from topologies.errors import TopologyError

BANDWIDTHS = {
    "bit/s": 1.0, "bps": 1.0,
    "kbit/s": 1e3, "kbps": 1e3, "kbit": 1e3,
    "mbit/s": 1e6, "mbps": 1e6, "mbit": 1e6,
    "gbit/s": 1e9, "gbps": 1e9, "gbit": 1e9,
    "tbit/s": 1e12, "tbps": 1e12, "tbit": 1e12,
}  # fmt: skip
DELAYS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
LOSSES = {"%": 0.01}

LONGEST_LABEL = 60


def bandwidth(value: Any) -> float:
    """Bit/s, more than none."""
    rate = measure(value, BANDWIDTHS, "a bandwidth such as 100 Mbit/s")
    if rate <= 0:
        raise TopologyError(f"a bandwidth of {shown(value)} would carry nothing; leave the link out")
    return rate


def delay(value: Any) -> float:
    """Seconds one way, up to a minute."""
    seconds = measure(value, DELAYS, "a delay such as 5 ms")
    if not 0 <= seconds <= 60:
        raise TopologyError(f"a delay of {shown(value)} should be from 0 s to 60 s")
    return seconds


def loss(value: Any) -> float:
    """The share of frames lost, 0 to 1."""
    share = measure(value, LOSSES, "a loss such as 0.1 %")
    if not 0 <= share <= 1:
        raise TopologyError(f"a loss of {shown(value)} should be from 0 % to 100 %")
    return share


def measure(value: Any, units: dict[str, float], wanted: str) -> float:
    """A number, or a text of a number and one of the units."""
    if isinstance(value, str):
        found = re.fullmatch(r"\s*([0-9]+(?:\.[0-9]+)?(?:e[+-]?[0-9]{1,2})?)\s*([A-Za-zµ/%]+)\s*", value)
        if found is None or found[2].lower() not in units:
            raise TopologyError(f"{shown(value)} should be {wanted}")
        # To fifteen digits: 0.3 ms is 0.0003 s, not 0.00029999999999999997.
        return float(f"{real(found[1], wanted) * units[found[2].lower()]:.15g}")
    return real(value, wanted)


def real(value: Any, wanted: str) -> float:
    """A finite number."""
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise TopologyError(f"{shown(value)} should be {wanted}")
    return number


def latitude(value: Any) -> float:
    """Degrees north."""
    return angle(value, 90, "a latitude from -90 to 90 degrees")


def longitude(value: Any) -> float:
    """Degrees east."""
    return angle(value, 180, "a longitude from -180 to 180 degrees")


def angle(value: Any, most: float, wanted: str) -> float:
    """Degrees, at most so many either way."""
    degrees = real(value, wanted)
    if abs(degrees) > most:
        raise TopologyError(f"{shown(value)} should be {wanted}")
    return degrees


def dpid(value: Any) -> int:
    """A datapath id: a number, or text in decimal or in 16 hexadecimal digits."""
    text = str(value)
    if re.fullmatch(r"(0x)?[0-9a-fA-F]{16}|0x[0-9a-fA-F]{1,16}", text):
        number = int(text, 16)
    elif re.fullmatch(r"[0-9]{1,20}", text):
        number = int(text)
    else:
        number = 0
    if not 0 < number < 2**64:
        raise TopologyError(f"{shown(value)} should be a datapath id, a number from 1 or 16 hexadecimal digits")
    return number


def mac(value: Any) -> str:
    """The address of one interface, in lower case with colons."""
    text = value.lower().replace("-", ":") if isinstance(value, str) else ""
    if not re.fullmatch(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}", text):
        raise TopologyError(f"{shown(value)} should be a MAC address such as 00:00:00:00:00:01")
    if int(text[:2], 16) & 1 or text == "00:00:00:00:00:00":
        raise TopologyError(f"{shown(value)} is no MAC address of one interface, for example 00:00:00:00:00:01")
    return text


def ip(value: Any) -> tuple[str, int | None]:
    """An IPv4 address, and its prefix length if it was written."""
    text = str(value)
    try:
        if "/" in text:
            network = IPv4Interface(text)
            address, prefix = network.ip, network.network.prefixlen
        else:
            address, prefix = IPv4Address(text), None
    except ValueError:
        raise TopologyError(f"{shown(value)} should be an IPv4 address such as 10.0.0.1 or 10.0.0.1/8") from None
    if address.is_multicast or address.is_loopback or address.is_unspecified or address == IPv4Address(2**32 - 1):
        raise TopologyError(f"{shown(value)} is no address that a host can have; write one such as 10.0.0.1")
    return str(address), prefix


def whole(value: Any, least: int, most: int, wanted: str) -> int:
    """A whole number in a range."""
    if isinstance(value, bool) or not re.fullmatch(r"-?[0-9]{1,9}", str(value)) or not least <= int(value) <= most:
        raise TopologyError(f"{shown(value)} should be {wanted}")
    return int(value)


def vlan(value: Any) -> int:
    """A VLAN id (IEEE 802.1Q)."""
    return whole(value, 1, 4094, "a VLAN, a number from 1 to 4094")


def vlans(value: Any) -> tuple[int, ...]:
    """Several VLAN ids."""
    if not isinstance(value, (list, tuple)):
        raise TopologyError(f"{shown(value)} should be a list of VLANs such as [10, 20]")
    return tuple(sorted({vlan(one) for one in value}))


def layer(value: Any) -> int:
    """A storey, 0 the top."""
    return whole(value, 0, 99, "a layer, a number from 0 (the top) to 99")


def label(value: Any) -> str:
    """A name for people, on one line."""
    words = " ".join("".join(char if char.isprintable() else " " for char in str(value)).split())
    return words if len(words) <= LONGEST_LABEL else words[: LONGEST_LABEL - 3] + "..."


def shown(value: Any) -> str:
    """A value as it stands in a message: one line, not too long."""
    text = repr(value)
    return text if len(text) <= LONGEST_LABEL else text[: LONGEST_LABEL - 3] + "..."
