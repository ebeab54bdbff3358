"""Match fields: which there are, what the wire says of them, what a rule asks (OpenFlow 1.3.5 §7.2.3).

A field is its OXM number, its value an integer. MPLS, PBB, tunnels, IPv6 extension headers and IN_PHY_PORT are not
modelled: a rule that asks about them is refused with OFPBMC_BAD_FIELD.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from topologies.simulator.errors import Fault, Refused

IN_PORT, METADATA, ETH_DST, ETH_SRC, ETH_TYPE, VLAN_VID, VLAN_PCP, IP_DSCP, IP_ECN, IP_PROTO = 0, *range(2, 11)
IPV4_SRC, IPV4_DST, TCP_SRC, TCP_DST, UDP_SRC, UDP_DST, SCTP_SRC, SCTP_DST, ICMP_TYPE, ICMP_CODE = range(11, 21)
ARP_OP, ARP_SPA, ARP_TPA, ARP_SHA, ARP_THA, IPV6_SRC, IPV6_DST, IPV6_LABEL, ICMP6_TYPE, ICMP6_CODE = range(21, 31)
ND_TARGET, ND_SLL, ND_TLL = range(31, 34)

TAGGED = 0x1000
"""``OFPVID_PRESENT``."""


class Kind(NamedTuple):
    """One field: bits that count, bytes on the wire, may it be masked, and of which packets it can be asked."""

    bits: int
    size: int
    maskable: bool = False
    needs: tuple[tuple[int, tuple[int, ...]], ...] = ()


_IP = ((ETH_TYPE, (0x0800, 0x86DD)),)
_IPV4, _IPV6, _ARP = ((ETH_TYPE, (0x0800,)),), ((ETH_TYPE, (0x86DD,)),), ((ETH_TYPE, (0x0806,)),)
_TCP, _UDP, _SCTP = ((IP_PROTO, (6,)),), ((IP_PROTO, (17,)),), ((IP_PROTO, (132,)),)
_ICMP = ((IP_PROTO, (1,)), *_IPV4)
_ICMP6 = ((IP_PROTO, (58,)), *_IPV6)
_ASK, _SAY = ((ICMP6_TYPE, (135,)),), ((ICMP6_TYPE, (136,)),)

KINDS: Mapping[int, Kind] = {
    IN_PORT: Kind(32, 4), METADATA: Kind(64, 8, True),
    ETH_DST: Kind(48, 6, True), ETH_SRC: Kind(48, 6, True), ETH_TYPE: Kind(16, 2),
    VLAN_VID: Kind(13, 2, True), VLAN_PCP: Kind(3, 1),
    IP_DSCP: Kind(6, 1, False, _IP), IP_ECN: Kind(2, 1, False, _IP), IP_PROTO: Kind(8, 1, False, _IP),
    IPV4_SRC: Kind(32, 4, True, _IPV4), IPV4_DST: Kind(32, 4, True, _IPV4),
    TCP_SRC: Kind(16, 2, False, _TCP), TCP_DST: Kind(16, 2, False, _TCP),
    UDP_SRC: Kind(16, 2, False, _UDP), UDP_DST: Kind(16, 2, False, _UDP),
    SCTP_SRC: Kind(16, 2, False, _SCTP), SCTP_DST: Kind(16, 2, False, _SCTP),
    ICMP_TYPE: Kind(8, 1, False, _ICMP), ICMP_CODE: Kind(8, 1, False, _ICMP),
    ARP_OP: Kind(16, 2, False, _ARP), ARP_SPA: Kind(32, 4, True, _ARP), ARP_TPA: Kind(32, 4, True, _ARP),
    ARP_SHA: Kind(48, 6, True, _ARP), ARP_THA: Kind(48, 6, True, _ARP),
    IPV6_SRC: Kind(128, 16, True, _IPV6), IPV6_DST: Kind(128, 16, True, _IPV6), IPV6_LABEL: Kind(20, 4, True, _IPV6),
    ICMP6_TYPE: Kind(8, 1, False, _ICMP6), ICMP6_CODE: Kind(8, 1, False, _ICMP6),
    ND_TARGET: Kind(128, 16, False, (*_ASK, *_SAY)), ND_SLL: Kind(48, 6, False, _ASK),
    ND_TLL: Kind(48, 6, False, _SAY),
}  # fmt: skip

Terms = tuple[tuple[int, int, int], ...]
"""A match: (field, value, mask), by field; a mask of all ones where the whole field counts."""


def full(field: int) -> int:
    """The mask that leaves nothing out."""
    return (1 << KINDS[field].bits) - 1


def read_oxm(data: bytes, at: int, end: int) -> tuple[int, int, int | None, int]:
    """The field at ``at``: number, value, mask (None for none), and where the next begins. Raises Refused."""
    if at + 4 > end:
        raise Refused(Fault.MATCH_BAD_LENGTH)
    number, masked, length = data[at + 2] >> 1, data[at + 2] & 1, data[at + 3]
    after = at + 4 + length
    if after > end:
        raise Refused(Fault.MATCH_BAD_LENGTH)
    kind = KINDS.get(number)
    if data[at : at + 2] != b"\x80\x00" or kind is None:
        raise Refused(Fault.MATCH_BAD_FIELD)
    if length != kind.size << masked:
        raise Refused(Fault.MATCH_BAD_LENGTH)
    value = int.from_bytes(data[at + 4 : at + 4 + kind.size], "big")
    mask = int.from_bytes(data[at + 4 + kind.size : after], "big") if masked else None
    return number, value, mask, after


def read_match(data: bytes, at: int, end: int) -> tuple[Terms, int]:
    """The ofp_match at ``at``, and where what follows its padding begins. Raises Refused."""
    if at + 4 > end:
        raise Refused(Fault.MATCH_BAD_LENGTH)
    kind, length = int.from_bytes(data[at : at + 2], "big"), int.from_bytes(data[at + 2 : at + 4], "big")
    if kind != 1:
        raise Refused(Fault.MATCH_BAD_TYPE)
    after = at + (length + 7) // 8 * 8
    if length < 4 or after > end:
        raise Refused(Fault.MATCH_BAD_LENGTH)
    terms: dict[int, tuple[int, int]] = {}
    here, stop = at + 4, at + length
    while here < stop:
        number, value, mask, here = read_oxm(data, here, stop)
        if number in terms:
            raise Refused(Fault.MATCH_DUPLICATE_FIELD)
        every = full(number)
        if value & ~every:
            raise Refused(Fault.MATCH_BAD_VALUE)
        if mask is None:
            mask = every
        elif (not KINDS[number].maskable and mask != every) or value & ~mask:
            raise Refused(Fault.MATCH_BAD_MASK)
        _require(number, terms)
        terms[number] = value, mask & every
    asked = sorted((number, value, mask) for number, (value, mask) in terms.items())
    return tuple(term for term in asked if term[2]), after


def _require(number: int, terms: Mapping[int, tuple[int, int]]) -> None:
    """A field can be asked only of packets that have it: what says so comes before it (§7.2.3.6)."""
    if number == VLAN_PCP:
        if not terms.get(VLAN_VID, (0, 0))[0] & TAGGED:
            raise Refused(Fault.MATCH_BAD_PREREQUISITE)
        return
    needs = KINDS[number].needs
    if not needs:
        return
    met = [field in terms and terms[field] in [(value, full(field)) for value in values] for field, values in needs]
    # Neighbour discovery is asked of one type or the other, all else needs everything it names.
    if not (any(met) if number == ND_TARGET else all(met)):
        raise Refused(Fault.MATCH_BAD_PREREQUISITE)


def write_match(terms: Terms) -> bytes:
    """A match as an ofp_match with its padding."""
    body = b""
    for number, value, mask in terms:
        size = KINDS[number].size
        exact = mask == full(number)
        body += bytes((0x80, 0, number << 1 | (not exact), size if exact else 2 * size)) + value.to_bytes(size, "big")
        if not exact:
            body += mask.to_bytes(size, "big")
    length = 4 + len(body)
    return b"\x00\x01" + length.to_bytes(2, "big") + body + bytes(-length % 8)


def covers(wide: Terms, narrow: Terms) -> bool:
    """Whether every packet that ``narrow`` asks for is one that ``wide`` asks for."""
    asked = {number: (value, mask) for number, value, mask in narrow}
    for number, value, mask in wide:
        theirs = asked.get(number)
        if theirs is None or mask & ~theirs[1] or (theirs[0] ^ value) & mask:
            return False
    return True


def overlap(one: Terms, other: Terms) -> bool:
    """Whether some packet fits both."""
    asked = {number: (value, mask) for number, value, mask in one}
    for number, value, mask in other:
        mine = asked.get(number)
        if mine is not None and (mine[0] ^ value) & mine[1] & mask:
            return False
    return True
