"""Simulated hosts: they ask for addresses, answer, ping, and count what they get."""

from __future__ import annotations

import struct
from collections import Counter
from dataclasses import dataclass, field
from ipaddress import IPv4Address

BROADCAST = b"\xff" * 6
_ARP, _IPV4 = b"\x08\x06", b"\x08\x00"
LOCAL_EXPERIMENT = b"\x88\xb5"
"""An EtherType that nobody answers (IEEE 802 §9.2.3)."""


@dataclass
class Host:
    """A station with one interface. What it sends in answer it returns, as frames."""

    name: str
    mac: bytes
    ip: bytes
    received: Counter[bytes] = field(default_factory=Counter)
    """How many copies of each frame came."""
    answered: set[int] = field(default_factory=set)
    """The numbers of the pings that were answered."""
    neighbours: dict[bytes, bytes] = field(default_factory=dict)
    waiting: dict[bytes, list[bytes]] = field(default_factory=dict)
    """IP packets that wait for the MAC of their destination, by its address."""

    def ping(self, ip: bytes, number: int) -> list[bytes]:
        """An echo request, or the question that must be answered first."""
        body = struct.pack("!BBHHH", 8, 0, 0, number >> 16, number & 0xFFFF) + b"flowpath"
        return self._to(ip, _ipv4(self.ip, ip, _with_checksum(body, 2), number))

    def broadcast(self, number: int) -> bytes:
        """A frame for everybody, unlike any other."""
        return BROADCAST + self.mac + LOCAL_EXPERIMENT + struct.pack("!I", number).ljust(46, b"\0")

    def announce(self) -> bytes:
        """A gratuitous ARP request."""
        return self._arp(1, BROADCAST, bytes(6), self.ip)

    def receive(self, frame: bytes) -> list[bytes]:
        """Take a frame in, and answer."""
        self.received[frame] += 1
        if frame[:6] not in (self.mac, BROADCAST) or frame[6:12] == self.mac:
            return []
        if frame[12:14] == _ARP:
            return self._receive_arp(frame)
        if frame[12:14] == _IPV4 and frame[23] == 1 and frame[30:34] == self.ip:
            return self._receive_icmp(frame)
        return []

    def _to(self, ip: bytes, packet: bytes) -> list[bytes]:
        mac = self.neighbours.get(ip)
        if mac is not None:
            return [mac + self.mac + _IPV4 + packet]
        self.waiting.setdefault(ip, []).append(packet)
        return [self._arp(1, BROADCAST, bytes(6), ip)]

    def _arp(self, op: int, target: bytes, target_mac: bytes, target_ip: bytes) -> bytes:
        body = struct.pack("!HHBBH6s4s6s4s", 1, 0x0800, 6, 4, op, self.mac, self.ip, target_mac, target_ip)
        return target + self.mac + _ARP + body.ljust(46, b"\0")

    def _receive_arp(self, frame: bytes) -> list[bytes]:
        op, mac, ip, _, target = struct.unpack_from("!H6s4s6s4s", frame, 20)
        if ip in self.neighbours or target == self.ip:
            self.neighbours[ip] = mac
        if op == 1 and target == self.ip:
            return [self._arp(2, mac, mac, ip)]
        if op == 2:
            return [mac + self.mac + _IPV4 + packet for packet in self.waiting.pop(ip, [])]
        return []

    def _receive_icmp(self, frame: bytes) -> list[bytes]:
        kind, _, _, high, low = struct.unpack_from("!BBHHH", frame, 34)
        if kind == 0:
            self.answered.add(high << 16 | low)
            return []
        if kind != 8:
            return []
        body = bytes(4) + frame[38:]
        packet = _ipv4(self.ip, frame[26:30], _with_checksum(body, 2), high << 16 | low)
        return [frame[6:12] + self.mac + _IPV4 + packet]


def address(text: str) -> bytes:
    """The bytes of an IPv4 address."""
    return IPv4Address(text).packed


def _ipv4(source: bytes, target: bytes, body: bytes, number: int) -> bytes:
    header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(body), number & 0xFFFF, 0, 64, 1, 0, source, target)
    return _with_checksum(header, 10) + body


def _with_checksum(octets: bytes, at: int) -> bytes:
    """The octets with their Internet checksum (RFC 1071) in the two zero bytes at ``at``."""
    total = sum(struct.unpack(f"!{(len(octets) + 1) // 2}H", octets + bytes(len(octets) % 2)))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return octets[:at] + struct.pack("!H", ~total & 0xFFFF) + octets[at + 2 :]
