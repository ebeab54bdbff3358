"""What a rule asks of a packet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple, TypedDict, Unpack


class Masked(NamedTuple):
    """A value of which only the bits set in ``mask`` count (§7.2.3.5)."""

    value: int | bytes
    mask: int | bytes


FieldValue = int | bytes | Masked


class MatchFields(TypedDict, total=False):
    """The OXM fields of OpenFlow 1.3 (§7.2.3.7) under the specification's names.

    MAC, IPv4 and IPv6 addresses are bytes, everything else int. ``vlan_vid`` includes OFPVID_PRESENT (0x1000).
    """

    in_port: FieldValue
    in_phy_port: FieldValue
    metadata: FieldValue
    eth_dst: FieldValue
    eth_src: FieldValue
    eth_type: FieldValue
    vlan_vid: FieldValue
    vlan_pcp: FieldValue
    ip_dscp: FieldValue
    ip_ecn: FieldValue
    ip_proto: FieldValue
    ipv4_src: FieldValue
    ipv4_dst: FieldValue
    tcp_src: FieldValue
    tcp_dst: FieldValue
    udp_src: FieldValue
    udp_dst: FieldValue
    sctp_src: FieldValue
    sctp_dst: FieldValue
    icmpv4_type: FieldValue
    icmpv4_code: FieldValue
    arp_op: FieldValue
    arp_spa: FieldValue
    arp_tpa: FieldValue
    arp_sha: FieldValue
    arp_tha: FieldValue
    ipv6_src: FieldValue
    ipv6_dst: FieldValue
    ipv6_flabel: FieldValue
    icmpv6_type: FieldValue
    icmpv6_code: FieldValue
    ipv6_nd_target: FieldValue
    ipv6_nd_sll: FieldValue
    ipv6_nd_tll: FieldValue
    mpls_label: FieldValue
    mpls_tc: FieldValue
    mpls_bos: FieldValue
    pbb_isid: FieldValue
    tunnel_id: FieldValue
    ipv6_exthdr: FieldValue


class Match:
    """What a rule asks of a packet: ``Match(in_port=1, eth_dst=mac)``; no field at all matches everything.

    Immutable and hashable; two matches are equal when they have the same fields, in whatever order they were named.
    """

    __slots__ = ("fields",)
    fields: tuple[tuple[str, FieldValue], ...]

    def __init__(self, **fields: Unpack[MatchFields]) -> None:
        object.__setattr__(self, "fields", tuple(sorted(fields.items())))

    @classmethod
    def of(cls, fields: Iterable[tuple[str, FieldValue]]) -> Match:
        """A match of (name, value) pairs, as a decoder has them."""
        match = cls()
        object.__setattr__(match, "fields", tuple(sorted(fields)))
        return match

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("a Match does not change; make another")

    def get(self, name: str) -> FieldValue | None:
        """The value asked of field ``name``, or None where the match does not look at it."""
        for key, value in self.fields:
            if key == name:
                return value
        return None

    def __iter__(self) -> Iterator[tuple[str, FieldValue]]:
        return iter(self.fields)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Match) and self.fields == other.fields

    def __hash__(self) -> int:
        return hash(self.fields)

    def __repr__(self) -> str:
        return f"Match({', '.join(f'{name}={value!r}' for name, value in self.fields)})"
