"""Probes that find the links between switches: LLDP frames (IEEE 802.1AB) which only this controller can write.

A probe leaves a switch by a port and comes back in a PACKET_IN of the switch at the other end of the cable. Any LLDP
tool reads where it came from (chassis ID: the dpid; port ID: the port number; port description: the port's name). What
the controller itself believes is one organisationally specific TLV (§8.6):

    OUI 02-46-50 (locally administered), subtype 1
    controller  8 bytes   whose probe it is: a digest of the key, so that other controllers' probes are told apart
    dpid        8 bytes
    port        4 bytes
    sequence    8 bytes   rises with every probe of a port; what it counts is the sender's business
    tag        16 bytes   HMAC-SHA-256 over every byte of the frame before it, truncated to 128 bits (RFC 2104 §5)

The tag covers the whole frame, so nothing in it can be changed; it cannot tell a genuine probe that was carried
elsewhere or kept for later. That takes memory, and is the topology service's part.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from struct import Struct
from typing import NamedTuple

from controller.model import dpid_text

ETHERTYPE = 0x88CC
DESTINATION = bytes.fromhex("0180c200000e")
"""Nearest bridge (§7.1): no conforming bridge forwards it, so a probe crosses one cable and no more."""

TAG_LENGTH = 16
TIME_TO_LIVE = 120
"""Seconds for which an LLDP listener may believe the frame (§8.5.4): msgTxHold x msgTxInterval by default."""

_END, _CHASSIS_ID, _PORT_ID, _TTL, _PORT_DESCRIPTION, _SYSTEM_NAME, _SPECIFIC = 0, 1, 2, 3, 4, 5, 127
_LOCALLY_ASSIGNED = b"\x07"
_MARK = bytes.fromhex("024650") + b"\x01"
_ETHERTYPE_BYTES = ETHERTYPE.to_bytes(2)
_ORIGIN = Struct("!QI")
_SEQUENCE = Struct("!Q")
_OURS = Struct("!4s8sQIQ16s")


class Probe(NamedTuple):
    """One of this controller's own, unchanged since it was written: who sent it, by which port."""

    dpid: int
    port: int
    sequence: int


@dataclass(frozen=True, slots=True)
class Forged:
    """It claims to be this controller's and is not; ``claim`` is what it says."""

    claim: Probe


@dataclass(frozen=True, slots=True)
class Foreign:
    """Somebody else's well-formed LLDP: a host's, a bridge's or another controller's.

    The identifiers begin with their subtype byte, as on the wire (§8.5.2, §8.5.3).
    """

    chassis_id: bytes
    port_id: bytes
    system_name: str


@dataclass(frozen=True, slots=True)
class Garbage:
    """Not LLDP, or broken; ``reason`` says where."""

    reason: str


class ProbeKey:
    """The secret of one controller, at least 16 bytes, and the public name that follows from it.

    Raises ValueError for a shorter secret.
    """

    __slots__ = ("controller", "secret")

    def __init__(self, secret: bytes) -> None:
        if len(secret) < 16:
            raise ValueError("a probe key has at least 16 bytes")
        self.secret = secret
        self.controller = hmac.digest(secret, b"flowpath controller", "sha256")[:8]

    def tag(self, covered: bytes) -> bytes:
        """The authentication tag of the bytes that it covers."""
        return hmac.digest(self.secret, covered, "sha256")[:TAG_LENGTH]


class ProbeWriter:
    """Writes the probes of one port: everything but sequence and tag is laid out once."""

    __slots__ = ("_head", "_key")

    def __init__(self, key: ProbeKey, dpid: int, port: int, mac: bytes, name: str = "") -> None:
        self._key = key
        ours = _MARK + key.controller + _ORIGIN.pack(dpid, port)
        self._head = b"".join(
            (
                DESTINATION,
                mac,
                _ETHERTYPE_BYTES,
                _tlv(_CHASSIS_ID, _LOCALLY_ASSIGNED + dpid_text(dpid).encode()),
                _tlv(_PORT_ID, _LOCALLY_ASSIGNED + str(port).encode()),
                _tlv(_TTL, TIME_TO_LIVE.to_bytes(2)),
                _tlv(_PORT_DESCRIPTION, name.encode()[:255]),
                _tlv(_SYSTEM_NAME, b"flowpath-" + dpid_text(dpid).encode()),
                _tlv_header(_SPECIFIC, _OURS.size),
                ours,
            )
        )

    def write(self, sequence: int) -> bytes:
        """The whole frame of one probe."""
        covered = self._head + _SEQUENCE.pack(sequence)
        return covered + self._key.tag(covered) + b"\0\0"


def parse(frame: bytes, key: ProbeKey) -> Probe | Forged | Foreign | Garbage:
    """What an LLDP frame from the network is. Takes any bytes and never raises."""
    if frame[12:14] != _ETHERTYPE_BYTES:
        return Garbage("not an untagged LLDP frame")
    mandatory: list[bytes] = []
    name = b""
    offset, end = 14, len(frame)
    while offset < end:
        header = int.from_bytes(frame[offset : offset + 2])
        kind, start = header >> 9, offset + 2
        offset = start + (header & 0x1FF)
        if start > end or offset > end:
            return Garbage("a TLV runs past the end of the frame")
        if kind == _END:
            break
        if len(mandatory) < 3:
            if kind != len(mandatory) + 1:
                return Garbage("chassis ID, port ID and time to live do not come first, in this order")
            mandatory.append(frame[start:offset])
        elif kind == _SYSTEM_NAME:
            name = frame[start:offset]
        elif kind == _SPECIFIC and offset - start == _OURS.size:
            mark, controller, dpid, port, sequence, tag = _OURS.unpack_from(frame, start)
            if mark == _MARK and controller == key.controller:
                probe = Probe(dpid, port, sequence)
                genuine = hmac.compare_digest(tag, key.tag(frame[: offset - TAG_LENGTH]))
                return probe if genuine else Forged(probe)
    if len(mandatory) < 3:
        return Garbage("chassis ID, port ID or time to live is missing")
    return Foreign(mandatory[0], mandatory[1], name.decode(errors="replace"))


def _tlv_header(kind: int, length: int) -> bytes:
    return (kind << 9 | length).to_bytes(2)


def _tlv(kind: int, value: bytes) -> bytes:
    return _tlv_header(kind, len(value)) + value
