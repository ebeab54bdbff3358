"""The ports of a switch (OpenFlow 1.3.5 §7.2.1)."""

from __future__ import annotations

import struct
from dataclasses import dataclass

PORT_DOWN, NO_RECV, NO_FWD, NO_PACKET_IN = 1, 4, 32, 64
CONFIGURABLE = PORT_DOWN | NO_RECV | NO_FWD | NO_PACKET_IN
LINK_DOWN, LIVE = 1, 4
_COPPER_10G = 0x840
"""10 Gbit/s full duplex over copper."""
_SPEED = 10_000_000


@dataclass
class Port:
    """A port with its counters; ``linked`` says whether its cable carries a signal."""

    number: int
    name: str
    mac: bytes
    linked: bool = True
    config: int = 0
    since: float = 0.0
    rx_packets: int = 0
    rx_bytes: int = 0
    rx_dropped: int = 0
    tx_packets: int = 0
    tx_bytes: int = 0
    tx_dropped: int = 0

    @property
    def live(self) -> bool:
        """Whether packets can go through it, for all that the switch knows."""
        return self.linked and not self.config & PORT_DOWN

    def describe(self) -> bytes:
        """It as an ofp_port."""
        state = LIVE if self.live else 0 if self.linked else LINK_DOWN
        name = self.name.encode()[:15]
        speeds = (_COPPER_10G,) * 3 + (0, _SPEED, _SPEED)
        return struct.pack("!I4x6s2x16sII6I", self.number, self.mac, name, self.config, state, *speeds)

    def tell(self, now: float) -> bytes:
        """Its counters as an ofp_port_stats."""
        counters = (self.rx_packets, self.tx_packets, self.rx_bytes, self.tx_bytes, self.rx_dropped, self.tx_dropped)
        return struct.pack("!I4x12QII", self.number, *counters, *(0,) * 6, *duration(now - self.since))


def duration(seconds: float) -> tuple[int, int]:
    """Whole seconds and the nanoseconds beyond."""
    nano = round(max(seconds, 0.0) * 1e9)
    return nano // 1_000_000_000, nano % 1_000_000_000
