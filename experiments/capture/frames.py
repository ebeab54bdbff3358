"""The frame that a PACKET_IN or PACKET_OUT carries, as scapy reads it: one line for people, and the hosts in it."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Any

_HOSTS = {
    "Ether": ("src", "dst"),
    "ARP": ("hwsrc", "hwdst", "psrc", "pdst"),
    "IP": ("src", "dst"),
    "IPv6": ("src", "dst"),
    "ICMPv6ND_NS": ("tgt",),
    "ICMPv6ND_NA": ("tgt",),
}
"""The layers that name hosts, and where."""


@cache
def _ether() -> Any:
    """scapy's Ethernet layer, with those above it known to it."""
    from scapy.contrib import lldp  # noqa: F401, PLC0415  (a fifth of a second, for those who look into frames)
    from scapy.layers import inet, inet6  # noqa: F401, PLC0415
    from scapy.layers.l2 import Ether  # noqa: PLC0415

    return Ether


@lru_cache(maxsize=4096)  # a packet crosses several switches: the same frame comes many times
def describe(frame: bytes) -> str:
    """What a frame is: "ARP who has 10.0.0.2 says 10.0.0.1", "IP / ICMP 10.0.0.1 > 10.0.0.2 echo-request 0"."""
    words = str(_ether()(frame).summary()).split(" / ")
    while len(words) > 1 and words[-1] in {"Raw", "Padding"}:
        words.pop()
    return " / ".join(words[1:] or words)


@lru_cache(maxsize=4096)
def hosts(frame: bytes) -> frozenset[str]:
    """The MAC and IP addresses in a frame's headers."""
    found: set[str] = set()
    layer = _ether()(frame)
    while layer:
        found.update(str(getattr(layer, name)) for name in _HOSTS.get(type(layer).__name__, ()))
        layer = layer.payload
    return frozenset(found)
