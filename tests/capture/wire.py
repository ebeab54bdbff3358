"""Captures made by hand: a TCP connection of which every segment is chosen, and the file that holds it."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import ip_address
from itertools import pairwise
from pathlib import Path

from experiments.capture.messages import Message, messages
from experiments.capture.pcap import Packet
from experiments.capture.streams import Gap

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
ETHERNET = bytes.fromhex("02000000000b02000000000a")


@dataclass
class Wire:
    """A switch and its controller: packets of their connection, in whatever order the test wants them."""

    switch: tuple[str, int] = ("127.0.0.1", 40000)
    controller: tuple[str, int] = ("127.0.0.1", 6653)
    isn: dict[bool, int] = field(default_factory=lambda: {True: 1000, False: 5000})

    def packet(
        self, *, from_switch: bool, at: int, data: bytes = b"", time: float = 0.0, flags: int = ACK, ack: int = 0
    ) -> Packet:
        """A segment whose first byte is byte number ``at`` of its direction (-1: the SYN)."""
        source, target = (self.switch, self.controller) if from_switch else (self.controller, self.switch)
        seq = (self.isn[from_switch] + 1 + at) % 2**32
        ack_number = (self.isn[not from_switch] + 1 + ack) % 2**32
        tcp = struct.pack("!HHIIBBHHH", source[1], target[1], seq, ack_number, 5 << 4, flags, 65535, 0, 0) + data
        return Packet(time, 1, ETHERNET + ip_packet(source[0], target[0], tcp))

    def opening(self, time: float = 0.0) -> list[Packet]:
        """The handshake."""
        return [
            self.packet(from_switch=True, at=-1, time=time, flags=SYN),
            self.packet(from_switch=False, at=-1, time=time, flags=SYN | ACK),
        ]

    def stream(self, data: bytes, cuts: Iterable[int], *, from_switch: bool, time: float = 0.0) -> list[Packet]:
        """The bytes of a direction in segments cut at these places."""
        places = [0, *sorted(set(cuts)), len(data)]
        return [
            self.packet(from_switch=from_switch, at=start, data=data[start:end], time=time)
            for start, end in pairwise(places)
            if end > start
        ]


def ip_packet(source: str, target: str, tcp: bytes) -> bytes:
    """EtherType and IP header before a TCP segment."""
    ends = ip_address(source).packed + ip_address(target).packed
    if len(ends) == 8:
        return b"\x08\x00" + struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(tcp), 0, 0x4000, 64, 6, 0) + ends + tcp
    return b"\x86\xdd" + struct.pack("!IHBB", 6 << 28, len(tcp), 6, 64) + ends + tcp


def heard(packets: Iterable[Packet]) -> tuple[list[Message], list[Gap]]:
    """What the messages and gaps in these packets are."""
    gaps: list[Gap] = []
    return list(messages(packets, on_gap=gaps.append)), gaps


def write_pcap(path: Path, packets: Iterable[Packet]) -> None:
    """A pcap file (nanoseconds, Ethernet) of these packets."""
    with path.open("wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 1 << 18, 1))
        for packet in packets:
            seconds = int(packet.time)
            nanoseconds = round((packet.time - seconds) * 1e9)
            file.write(struct.pack("<IIII", seconds, nanoseconds, len(packet.data), len(packet.data)) + packet.data)
