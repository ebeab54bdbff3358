"""What a frame says of itself, and how one field of it is rewritten.

Fields are OXM numbers (`topologies.simulator.fields`). A header that is cut short says nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from topologies.simulator import fields as f

_TAGS = (0x8100, 0x88A8)
_PORTS = {6: (f.TCP_SRC, f.TCP_DST, 16), 17: (f.UDP_SRC, f.UDP_DST, 6), 132: (f.SCTP_SRC, f.SCTP_DST, None)}
_EXTENSIONS = (0, 43, 60)


class Place(NamedTuple):
    """Where a field is in the frame: first byte, bytes, and how far its lowest bit is from theirs."""

    at: int
    size: int
    shift: int = 0


class Reading:
    """The fields of a frame, where they are, and where the checksums are that cover them."""

    __slots__ = ("l3", "places", "sums", "values")

    def __init__(self, frame: bytes) -> None:
        self.values: dict[int, int] = {}
        self.places: dict[int, Place] = {}
        self.sums: list[tuple[int, int, int]] = []
        """(checksum, from, to): it covers what lies between."""
        self.l3 = 0
        if len(frame) >= 14:
            self._ethernet(frame)

    def _take(self, frame: bytes, field: int, at: int, size: int, shift: int = 0) -> int:
        value = int.from_bytes(frame[at : at + size], "big") >> shift & f.full(field)
        self.values[field] = value
        self.places[field] = Place(at, size, shift)
        return value

    def _ethernet(self, frame: bytes) -> None:
        self._take(frame, f.ETH_DST, 0, 6)
        self._take(frame, f.ETH_SRC, 6, 6)
        at = 12
        kind = int.from_bytes(frame[12:14], "big")
        self.values[f.VLAN_VID] = 0
        if kind in _TAGS and len(frame) >= 18:
            tag = int.from_bytes(frame[14:16], "big")
            self.values[f.VLAN_VID] = tag & 0xFFF | f.TAGGED
            self.values[f.VLAN_PCP] = tag >> 13
            while kind in _TAGS and len(frame) >= at + 6:
                at += 4
                kind = int.from_bytes(frame[at : at + 2], "big")
        self._take(frame, f.ETH_TYPE, at, 2)
        self.l3 = at + 2
        if kind == 0x0800:
            self._ipv4(frame, self.l3)
        elif kind == 0x86DD:
            self._ipv6(frame, self.l3)
        elif kind == 0x0806:
            self._arp(frame, self.l3)

    def _arp(self, frame: bytes, at: int) -> None:
        if len(frame) < at + 28 or frame[at : at + 6] != b"\x00\x01\x08\x00\x06\x04":
            return
        for field, offset, size in (
            (f.ARP_OP, 6, 2), (f.ARP_SHA, 8, 6), (f.ARP_SPA, 14, 4), (f.ARP_THA, 18, 6), (f.ARP_TPA, 24, 4)
        ):  # fmt: skip
            self._take(frame, field, at + offset, size)

    def _ipv4(self, frame: bytes, at: int) -> None:
        if len(frame) < at + 20 or frame[at] >> 4 != 4:
            return
        size = (frame[at] & 15) * 4
        if size < 20 or len(frame) < at + size:
            return
        self._take(frame, f.IP_DSCP, at + 1, 1, 2)
        self._take(frame, f.IP_ECN, at + 1, 1)
        proto = self._take(frame, f.IP_PROTO, at + 9, 1)
        self._take(frame, f.IPV4_SRC, at + 12, 4)
        self._take(frame, f.IPV4_DST, at + 16, 4)
        self.sums.append((at + 10, at, at + size))
        if int.from_bytes(frame[at + 6 : at + 8], "big") & 0x1FFF == 0:
            self._transport(frame, proto, at + size, (at + 12, at + 20))

    def _ipv6(self, frame: bytes, at: int) -> None:
        if len(frame) < at + 40 or frame[at] >> 4 != 6:
            return
        self._take(frame, f.IP_DSCP, at, 2, 6)
        self._take(frame, f.IP_ECN, at, 2, 4)
        self._take(frame, f.IPV6_LABEL, at, 4)
        self._take(frame, f.IPV6_SRC, at + 8, 16)
        self._take(frame, f.IPV6_DST, at + 24, 16)
        proto, where, after = frame[at + 6], at + 6, at + 40
        while proto in _EXTENSIONS and len(frame) >= after + 8:
            where, proto, after = after, frame[after], after + 8 + frame[after + 1] * 8
        self._take(frame, f.IP_PROTO, where, 1)
        self._transport(frame, proto, after, (at + 8, at + 40))

    def _transport(self, frame: bytes, proto: int, at: int, addresses: tuple[int, int]) -> None:
        if proto in _PORTS and len(frame) >= at + 8:
            source, target, checksum = _PORTS[proto]
            self._take(frame, source, at, 2)
            self._take(frame, target, at + 2, 2)
            if checksum is not None and len(frame) >= at + checksum + 2 and (proto == 6 or any(frame[at + 6 : at + 8])):
                self.sums += [(at + checksum, *addresses), (at + checksum, at, len(frame))]
        elif proto == 1 and len(frame) >= at + 4:
            self._take(frame, f.ICMP_TYPE, at, 1)
            self._take(frame, f.ICMP_CODE, at + 1, 1)
            self.sums.append((at + 2, at, len(frame)))
        elif proto == 58 and len(frame) >= at + 4:
            self.sums += [(at + 2, *addresses), (at + 2, at, len(frame))]
            kind = self._take(frame, f.ICMP6_TYPE, at, 1)
            self._take(frame, f.ICMP6_CODE, at + 1, 1)
            if kind in (135, 136) and len(frame) >= at + 24:
                self._take(frame, f.ND_TARGET, at + 8, 16)
                self._options(frame, at + 24)

    def _options(self, frame: bytes, at: int) -> None:
        while at + 8 <= len(frame) and frame[at + 1]:
            if frame[at] in (1, 2) and frame[at + 1] == 1:
                self._take(frame, f.ND_SLL if frame[at] == 1 else f.ND_TLL, at + 2, 6)
            at += frame[at + 1] * 8


def rewrite(frame: bytes, reading: Reading, field: int, value: int) -> bytes:
    """The frame with another value in a field, its checksums kept right; the same where it has no such field."""
    if field in (f.VLAN_VID, f.VLAN_PCP):
        if f.VLAN_PCP not in reading.values:
            return frame
        tag = int.from_bytes(frame[14:16], "big")
        tag = tag & 0xF000 | value & 0xFFF if field == f.VLAN_VID else tag & 0x1FFF | value << 13
        return frame[:14] + tag.to_bytes(2, "big") + frame[16:]
    place = reading.places.get(field)
    if place is None:
        return frame
    at, end = place.at, place.at + place.size
    old = int.from_bytes(frame[at:end], "big")
    new = old & ~(f.full(field) << place.shift) | value << place.shift
    return replace(frame, reading.sums, at, new.to_bytes(place.size, "big"))


def replace(frame: bytes, sums: list[tuple[int, int, int]], at: int, octets: bytes) -> bytes:
    """The frame with these octets at ``at``, and every checksum that covers them brought up to date (RFC 1624)."""
    changed = bytearray(frame)
    changed[at : at + len(octets)] = octets
    for checksum, start, end in sums:
        if not start <= at < end:
            continue
        total = ~int.from_bytes(changed[checksum : checksum + 2], "big") & 0xFFFF
        for here in range(at - (at - start) % 2, at + len(octets), 2):
            total += ~_word(frame, here) & 0xFFFF
            total += _word(changed, here)
        while total >> 16:
            total = (total & 0xFFFF) + (total >> 16)
        changed[checksum : checksum + 2] = (~total & 0xFFFF).to_bytes(2, "big")
    return bytes(changed)


def _word(data: bytes | bytearray, at: int) -> int:
    return int.from_bytes(data[at : at + 2].ljust(2, b"\0"), "big")


def fits(values: Mapping[int, int], terms: f.Terms) -> bool:
    """Whether a packet is one of those that a match asks for."""
    return all(number in values and values[number] & mask == value for number, value, mask in terms)
