"""A frame in one line, for people."""

from __future__ import annotations

from controller.model import ip_text, mac_text
from controller.southbound.frames.headers import LENGTH_FRAME, Arp, Dhcp, EtherType, Headers, Icmp, Ip, Neighbour
from controller.southbound.frames.reading import parse

_TCP_FLAGS = ("FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR")
_DHCP_MESSAGES = ("BOOTP", "discover", "offer", "request", "decline", "ACK", "NAK", "release", "inform")
_ECHO = {(4, 8): "echo request", (4, 0): "echo reply", (6, 128): "echo request", (6, 129): "echo reply"}
_ICMP_TYPES = {
    (4, 3): "destination unreachable",
    (4, 5): "redirect",
    (4, 11): "time exceeded",
    (6, 1): "destination unreachable",
    (6, 2): "packet too big",
    (6, 3): "time exceeded",
    (6, 130): "multicast listener query",
    (6, 131): "multicast listener report",
    (6, 132): "multicast listener done",
    (6, 143): "multicast listener report",
}


def describe(frame: bytes) -> str:
    """One line such as ``ICMP echo request 10.0.0.1 -> 10.0.0.2 seq 1``."""
    return describe_headers(parse(frame))


def describe_headers(headers: Headers) -> str:
    """:func:`describe` of a frame that is parsed already."""
    tags = "".join(f"VLAN {tag & 0xFFF} " for tag in headers.vlans)
    return tags + _tell(headers) + (" (truncated)" if headers.truncated else "")


def _tell(headers: Headers) -> str:
    if headers.arp is not None:
        return _tell_arp(headers.arp)
    if headers.dhcp is not None:
        return _tell_dhcp(headers.dhcp)
    if headers.ip is not None:
        return _tell_ip(headers, headers.ip)
    if not headers.eth_src:
        return "a frame too short for Ethernet"
    way = f"{mac_text(headers.eth_src)} -> {mac_text(headers.eth_dst)}"
    if headers.eth_type == EtherType.LLDP:
        return f"LLDP {way}"
    if headers.eth_type == LENGTH_FRAME:
        return f"802.3 {way}"
    return f"Ethernet type 0x{headers.eth_type:04x} {way}"


def _tell_arp(arp: Arp) -> str:
    if arp.op == 1:
        return f"ARP who-has {ip_text(arp.tpa)} tell {ip_text(arp.spa)}"
    if arp.op == 2:
        return f"ARP {ip_text(arp.spa)} is-at {mac_text(arp.sha)}"
    return f"ARP operation {arp.op} from {mac_text(arp.sha)}"


def _tell_dhcp(dhcp: Dhcp) -> str:
    name = _DHCP_MESSAGES[dhcp.message] if dhcp.message < len(_DHCP_MESSAGES) else f"message {dhcp.message}"
    if any(dhcp.your_ip):
        return f"DHCP {name} {ip_text(dhcp.your_ip)} for {mac_text(dhcp.client)}"
    return f"DHCP {name} from {mac_text(dhcp.client)}"


def _tell_ip(headers: Headers, ip: Ip) -> str:
    way = f"{ip_text(ip.src)} -> {ip_text(ip.dst)}"
    if headers.tcp is not None:
        flags = "+".join(name for bit, name in enumerate(_TCP_FLAGS) if headers.tcp.flags >> bit & 1)
        return f"TCP {_ends(ip, headers.tcp.src, headers.tcp.dst)} {flags}".rstrip()
    if headers.udp is not None:
        return f"UDP {_ends(ip, headers.udp.src, headers.udp.dst)} {headers.udp.size} bytes"
    if headers.sctp is not None:
        return f"SCTP {_ends(ip, headers.sctp.src, headers.sctp.dst)}"
    if headers.neighbour is not None:
        return f"ICMPv6 {_tell_neighbour(headers.neighbour, ip)}"
    if headers.icmp is not None:
        return f"{'ICMP' if ip.version == 4 else 'ICMPv6'} {_tell_icmp(headers.icmp, ip.version, way)}"
    return f"IPv{ip.version} protocol {ip.proto} {way}" + (f" fragment at {ip.offset}" if ip.fragment else "")


def _tell_icmp(icmp: Icmp, version: int, way: str) -> str:
    echo = _ECHO.get((version, icmp.type))
    if echo is not None:
        return f"{echo} {way} seq {icmp.seq}"
    return f"{_ICMP_TYPES.get((version, icmp.type), f'type {icmp.type} code {icmp.code}')} {way}"


def _tell_neighbour(said: Neighbour, ip: Ip) -> str:
    match said.type:
        case 133:
            return f"router solicitation from {ip_text(ip.src)}"
        case 134:
            return f"router advertisement from {ip_text(ip.src)}"
        case 135:
            return f"who-has {ip_text(said.target)} tell {ip_text(ip.src)}"
        case 136:
            return (
                f"{ip_text(said.target)} is-at {mac_text(said.tll)}" if said.tll else f"{ip_text(said.target)} is here"
            )
    return f"redirect from {ip_text(ip.src)} to {ip_text(said.target)}"


def _ends(ip: Ip, src: int, dst: int) -> str:
    template = "{}:{} -> {}:{}" if ip.version == 4 else "[{}]:{} -> [{}]:{}"
    return template.format(ip_text(ip.src), src, ip_text(ip.dst), dst)
