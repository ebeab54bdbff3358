"""The headers of a frame as values, and the flow that a frame belongs to.

Addresses are bytes, as in :mod:`controller.model`.
"""

from __future__ import annotations

from enum import Enum, IntEnum
from typing import NamedTuple

from controller.model import Match, MatchFields

BROADCAST = b"\xff" * 6
LENGTH_FRAME = 0x05FF
"""``eth_type`` of an 802.3 frame that bears a length and no SNAP type, as a switch gives it (OpenFlow §7.2.3.7)."""

OFPVID_PRESENT = 0x1000


class EtherType(IntEnum):
    """EtherTypes that are understood here."""

    IPV4 = 0x0800
    ARP = 0x0806
    VLAN = 0x8100
    IPV6 = 0x86DD
    SERVICE_VLAN = 0x88A8
    LLDP = 0x88CC


class Protocol(IntEnum):
    """IP protocol numbers that are understood here."""

    ICMP = 1
    TCP = 6
    UDP = 17
    ICMPV6 = 58
    SCTP = 132


class Granularity(Enum):
    """Which frames are one flow; each includes the coarser one, since a switch forwards by Ethernet address."""

    MAC = "mac"
    """All between two MAC addresses, within one VLAN."""
    IP = "ip"
    """All between two IP addresses."""
    FLOW = "flow"
    """One transport connection (the 5-tuple), or one type of ICMP message."""


class Arp(NamedTuple):
    """ARP for IPv4 over Ethernet: op 1 asks, 2 answers; sender and target hardware and protocol addresses."""

    op: int
    sha: bytes
    spa: bytes
    tha: bytes
    tpa: bytes


class Ip(NamedTuple):
    """IPv4 or IPv6. ``proto`` is what follows the extension headers; ``hops`` is the TTL or hop limit.

    ``fragment`` is True for every piece of a divided packet, ``offset`` (bytes) is 0 in the first.
    """

    version: int
    src: bytes
    dst: bytes
    proto: int
    hops: int
    dscp: int
    ecn: int
    fragment: bool
    offset: int


class Tcp(NamedTuple):
    """TCP; ``flags`` are FIN 1, SYN 2, RST 4, PSH 8, ACK 16, URG 32, ECE 64, CWR 128."""

    src: int
    dst: int
    seq: int
    ack: int
    flags: int


class Udp(NamedTuple):
    """UDP; ``size`` is that of the payload in bytes."""

    src: int
    dst: int
    size: int


class Sctp(NamedTuple):
    """The ports of SCTP."""

    src: int
    dst: int


class Icmp(NamedTuple):
    """ICMP of either IP version; ``ident`` and ``seq`` have a meaning in echo messages only."""

    type: int
    code: int
    ident: int
    seq: int


class Neighbour(NamedTuple):
    """Neighbour discovery (RFC 4861): the address spoken of and the link-layer addresses given, b"" for none."""

    type: int
    target: bytes
    sll: bytes
    tll: bytes


class Dhcp(NamedTuple):
    """DHCP: ``your_ip`` is what the server gives to ``client`` (a MAC); ``message`` is option 53, 5 for ACK.

    Addresses are four zeros, ``requested_ip`` b"", where the message gives none; ``message`` is 0 in plain BOOTP.
    """

    message: int
    client: bytes
    your_ip: bytes
    client_ip: bytes
    requested_ip: bytes


class Ethernet(NamedTuple):
    """The frame's own header: ``vlans`` are the tags (TCI), the outermost first; ``eth_type`` is what follows them."""

    dst: bytes
    src: bytes
    type: int
    vlans: tuple[int, ...]


class Headers(NamedTuple):
    """The headers of one frame; None for those that it does not have, b"" for MACs that it is too short for.

    ``vlans`` are the tags (TCI), the outermost first; ``eth_type`` is what follows them.
    """

    eth_dst: bytes
    eth_src: bytes
    eth_type: int
    vlans: tuple[int, ...] = ()
    arp: Arp | None = None
    ip: Ip | None = None
    truncated: bool = False
    tcp: Tcp | None = None
    udp: Udp | None = None
    sctp: Sctp | None = None
    icmp: Icmp | None = None
    neighbour: Neighbour | None = None
    dhcp: Dhcp | None = None

    @property
    def is_broadcast(self) -> bool:
        """Whether it is for every host."""
        return self.eth_dst == BROADCAST

    @property
    def is_multicast(self) -> bool:
        """Whether it is for a group of hosts, broadcast included."""
        return is_multicast(self.eth_dst)

    @property
    def is_link_local(self) -> bool:
        """Whether it is for the neighbour only and no bridge may forward it."""
        return is_link_local(self.eth_dst)

    def match(self, by: Granularity, in_port: int | None = None) -> Match:
        """The match of the flow that this frame belongs to, as fine as ``by`` asks and the frame allows.

        A frame too short for Ethernet belongs to none: no switch can be given what comes out for it.
        """
        fields: MatchFields = {"eth_dst": self.eth_dst, "eth_src": self.eth_src}
        if in_port is not None:
            fields["in_port"] = in_port
        if self.vlans:
            fields["vlan_vid"] = OFPVID_PRESENT | self.vlans[0] & 0xFFF
        if by is not Granularity.MAC:
            fields["eth_type"] = self.eth_type
            if self.ip is not None:
                _add_ip(fields, self.ip)
                if by is Granularity.FLOW:
                    _add_transport(fields, self, self.ip)
        return Match(**fields)


def is_multicast(mac: bytes) -> bool:
    """Whether a MAC names a group of hosts; broadcast does."""
    return bool(mac) and bool(mac[0] & 1)


def is_link_local(mac: bytes) -> bool:
    """Whether a MAC is one of 01:80:c2:00:00:00 to :0f, which bridges keep to one link (IEEE 802.1Q, table 8-1)."""
    return mac[:5] == b"\x01\x80\xc2\x00\x00" and len(mac) == 6 and mac[5] < 16


def _add_ip(fields: MatchFields, ip: Ip) -> None:
    if ip.version == 4:
        fields["ipv4_src"], fields["ipv4_dst"] = ip.src, ip.dst
    else:
        fields["ipv6_src"], fields["ipv6_dst"] = ip.src, ip.dst


def _add_transport(fields: MatchFields, headers: Headers, ip: Ip) -> None:
    fields["ip_proto"] = ip.proto
    if ip.fragment:
        # Only the first piece bears the ports, and all pieces shall go one way.
        return
    if headers.tcp is not None:
        fields["tcp_src"], fields["tcp_dst"] = headers.tcp.src, headers.tcp.dst
    elif headers.udp is not None:
        fields["udp_src"], fields["udp_dst"] = headers.udp.src, headers.udp.dst
    elif headers.sctp is not None:
        fields["sctp_src"], fields["sctp_dst"] = headers.sctp.src, headers.sctp.dst
    elif headers.icmp is not None and ip.version == 4:
        fields["icmpv4_type"], fields["icmpv4_code"] = headers.icmp.type, headers.icmp.code
    elif headers.icmp is not None:
        fields["icmpv6_type"], fields["icmpv6_code"] = headers.icmp.type, headers.icmp.code
