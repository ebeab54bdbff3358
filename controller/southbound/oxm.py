"""Match fields on the wire: OXM (OpenFlow 1.3.5 §7.2.3).

Decoding is lenient about prerequisites and skips fields that this vocabulary has no name for; encoding accepts only
what a switch will. Fields go out in the order of their numbers, which puts every field behind its prerequisites.
"""

from __future__ import annotations

from struct import Struct
from typing import Final, NamedTuple

from controller.model import FieldValue, Masked, Match
from controller.southbound.wire import (
    BAD_MATCH_LENGTH,
    BAD_MATCH_MASK,
    BAD_MATCH_TYPE,
    BAD_MATCH_VALUE,
    DUPLICATE_MATCH_FIELD,
    Malformed,
    padded,
)

OPENFLOW_BASIC = 0x8000
"""The class of the fields of OpenFlow itself."""

_MATCH = Struct("!HH")
_OXM = Struct("!HBB")
_OXM_MATCH_TYPE = 1
_PADDING = tuple(bytes(-length & 7) for length in range(8))


class Field(NamedTuple):
    """One OXM field: ``size`` bytes on the wire, of which the low ``bits`` bits count; an address stays bytes."""

    name: str
    number: int
    bits: int
    size: int
    address: bool
    maskable: bool
    exact_header: bytes
    masked_header: bytes

    @property
    def all_ones(self) -> int | bytes:
        """The mask that selects every bit."""
        return b"\xff" * self.size if self.address else (1 << self.bits) - 1

    def octets(self, value: object) -> bytes:
        """``value`` in the bytes of the wire. Raises ValueError when it is no value of this field."""
        if self.address:
            if not isinstance(value, bytes) or len(value) != self.size:
                raise ValueError(f"{self.name} takes {self.size} bytes, not {value!r}")
            return value
        if not isinstance(value, int) or value >> self.bits:
            raise ValueError(f"{self.name} takes an integer of {self.bits} bits, not {value!r}")
        return value.to_bytes(self.size, "big")


def _table() -> dict[str, Field]:
    """The 40 fields of Table 12, in the order of their numbers: name, bits, then a for address and m for maskable."""
    rows = """
        in_port 32, in_phy_port 32, metadata 64 m, eth_dst 48 am, eth_src 48 am, eth_type 16, vlan_vid 13 m, vlan_pcp 3,
        ip_dscp 6, ip_ecn 2, ip_proto 8, ipv4_src 32 am, ipv4_dst 32 am, tcp_src 16, tcp_dst 16, udp_src 16, udp_dst 16,
        sctp_src 16, sctp_dst 16, icmpv4_type 8, icmpv4_code 8, arp_op 16, arp_spa 32 am, arp_tpa 32 am, arp_sha 48 am,
        arp_tha 48 am, ipv6_src 128 am, ipv6_dst 128 am, ipv6_flabel 20 m, icmpv6_type 8, icmpv6_code 8,
        ipv6_nd_target 128 a, ipv6_nd_sll 48 a, ipv6_nd_tll 48 a, mpls_label 20, mpls_tc 3, mpls_bos 1, pbb_isid 24 m,
        tunnel_id 64 m, ipv6_exthdr 9 m"""
    fields = {}
    for number, row in enumerate(rows.split(",")):
        name, width, *traits = row.split()
        bits, trait = int(width), "".join(traits)
        size = 4 if bits == 20 else (bits + 7) // 8
        exact = _OXM.pack(OPENFLOW_BASIC, number << 1, size)
        masked = _OXM.pack(OPENFLOW_BASIC, number << 1 | 1, 2 * size)
        fields[name] = Field(name, number, bits, size, "a" in trait, "m" in trait, exact, masked)
    return fields


FIELDS: Final = _table()
"""Every field of OpenFlow 1.3 by its name."""

_NUMBERS: Final = tuple(FIELDS.values())
_BY_HEADER: Final = {header: field for field in _NUMBERS for header in (field.exact_header, field.masked_header)}


# ---------------------------------------------------------------- encode


def encode_field(name: str, value: FieldValue) -> bytes:
    """One OXM field. Raises ValueError, saying why, for an unknown name, a wrong width or a mask that cannot be."""
    field = FIELDS.get(name)
    if field is None:
        raise ValueError(f"no match field is called {name!r}")
    # The plain values of the hot path, without a call more.
    if field.address:
        if type(value) is bytes and len(value) == field.size:
            return field.exact_header + value
    elif type(value) is int and not value >> field.bits:
        return field.exact_header + value.to_bytes(field.size, "big")
    if not isinstance(value, Masked):
        return field.exact_header + field.octets(value)
    octets, mask = field.octets(value.value), field.octets(value.mask)
    if value.mask == field.all_ones:
        return field.exact_header + octets
    if not field.maskable:
        raise ValueError(f"{name} cannot be masked")
    if int.from_bytes(octets, "big") & ~int.from_bytes(mask, "big"):
        raise ValueError(f"{name} has bits that its mask leaves out: {value.value!r} under {value.mask!r}")
    return field.masked_header + octets + mask


def encode(match: Match) -> bytes:
    """An ofp_match with its padding. Raises ValueError as :func:`encode_field` does."""
    # Sorted as bytes they are sorted by number: class and number lead each field.
    fields = b"".join(sorted([encode_field(name, value) for name, value in match.fields]))
    length = 4 + len(fields)
    return _MATCH.pack(_OXM_MATCH_TYPE, length) + fields + _PADDING[length & 7]


# ---------------------------------------------------------------- decode


class Decoded(NamedTuple):
    """A match read at some place of a message, and where what follows it begins.

    ``whole`` is False when fields without a name here had to be left out, so that the match is wider than the rule's.
    """

    match: Match
    whole: bool
    end: int


def decode(data: bytes, start: int, limit: int) -> Decoded:
    """The ofp_match at ``start`` of ``data``, which may not pass ``limit``. Raises Malformed."""
    if start + _MATCH.size > limit:
        raise Malformed("no room for a match", BAD_MATCH_LENGTH)
    kind, length = _MATCH.unpack_from(data, start)
    if kind != _OXM_MATCH_TYPE:
        raise Malformed(f"match type {kind} is not OXM", BAD_MATCH_TYPE)
    end = start + padded(length)
    if length < _MATCH.size or end > limit:
        raise Malformed(f"match of {length} bytes in {limit - start}", BAD_MATCH_LENGTH)
    fields, whole = _decode_fields(data, start + _MATCH.size, start + length)
    return Decoded(Match.of(fields.items()), whole, end)


def decode_field(data: bytes, start: int, limit: int) -> tuple[str | None, FieldValue, int]:
    """The OXM field at ``start``: its name (None: not one of ours), its value, and where the next begins.

    Raises Malformed for a field that passes ``limit``, has a wrong width, or bears a mask that it cannot have.
    """
    head = data[start : start + 4]
    end = start + 4 + head[3] if len(head) == 4 else limit + 1
    if end > limit:
        raise Malformed("match field cut short", BAD_MATCH_LENGTH)
    field = _BY_HEADER.get(head)
    if field is None:
        number = head[2] >> 1
        if head[0] << 8 | head[1] == OPENFLOW_BASIC and number < len(_NUMBERS):
            raise Malformed(f"{_NUMBERS[number].name} of {head[3]} bytes", BAD_MATCH_LENGTH)
        return None, 0, end
    octets = data[start + 4 : start + 4 + field.size]
    number = int.from_bytes(octets, "big")
    if number >> field.bits:
        raise Malformed(f"{field.name} of {number} has more than {field.bits} bits", BAD_MATCH_VALUE)
    if head[2] & 1:
        return field.name, _masked(field, number, int.from_bytes(data[start + 4 + field.size : end], "big")), end
    return field.name, octets if field.address else number, end


def _decode_fields(data: bytes, start: int, limit: int) -> tuple[dict[str, FieldValue], bool]:
    fields: dict[str, FieldValue] = {}
    whole = True
    while start < limit:
        name, value, start = decode_field(data, start, limit)
        if name is None:
            whole = False
        elif name in fields:
            raise Malformed(f"{name} twice in one match", DUPLICATE_MATCH_FIELD)
        else:
            fields[name] = value
    return fields, whole


def _masked(field: Field, number: int, mask: int) -> FieldValue:
    every = (1 << field.bits) - 1
    mask &= every
    if mask != every and not field.maskable:
        raise Malformed(f"{field.name} under a mask", BAD_MATCH_MASK)
    value = number & mask
    if field.address:
        octets = value.to_bytes(field.size, "big")
        return octets if mask == every else Masked(octets, mask.to_bytes(field.size, "big"))
    return value if mask == every else Masked(value, mask)
