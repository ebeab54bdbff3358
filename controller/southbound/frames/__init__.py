"""What a frame says: Ethernet and the headers above it as values; frames to send; a frame in one line for people.

``parse`` takes any bytes. Where a frame ends before its headers do, or contradicts itself, it gives what could be
read and sets ``truncated``. Addresses are bytes, as in :mod:`controller.model`.
"""

from .building import arp_reply, arp_request, neighbour_advertisement, neighbour_solicitation
from .headers import (
    BROADCAST,
    LENGTH_FRAME,
    OFPVID_PRESENT,
    Arp,
    Dhcp,
    EtherType,
    Granularity,
    Headers,
    Icmp,
    Ip,
    Neighbour,
    Protocol,
    Sctp,
    Tcp,
    Udp,
    is_link_local,
    is_multicast,
)
from .reading import parse
from .telling import describe, describe_headers

__all__ = [
    "BROADCAST",
    "LENGTH_FRAME",
    "OFPVID_PRESENT",
    "Arp",
    "Dhcp",
    "EtherType",
    "Granularity",
    "Headers",
    "Icmp",
    "Ip",
    "Neighbour",
    "Protocol",
    "Sctp",
    "Tcp",
    "Udp",
    "arp_reply",
    "arp_request",
    "describe",
    "describe_headers",
    "is_link_local",
    "is_multicast",
    "neighbour_advertisement",
    "neighbour_solicitation",
    "parse",
]
