"""A frame that a switch asked about."""

from __future__ import annotations

from .places import Location, mac_text

NO_BUFFER = 0xFFFFFFFF
"""``buffer_id`` of a packet that the switch did not keep (§7.3.4)."""


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
