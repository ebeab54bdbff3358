"""Frames of hosts and the ports they come by, for the tests of what is learned from them."""

from __future__ import annotations

from collections.abc import Iterable

from controller.model import Alarm, Event, Location, Packet, Port
from controller.southbound.frames import arp_reply, arp_request

A, B, C = (bytes([2, 0, 0, 0, 0, number]) for number in (0xA, 0xB, 0xC))
IP_A, IP_B, IP_C = (bytes([10, 0, 0, number]) for number in (0xA, 0xB, 0xC))
IP6_A = bytes.fromhex("20010db8000000000000000000000aaa")
HERE, THERE, ELSEWHERE = Location(1, 1), Location(2, 1), Location(3, 1)
SOMEBODY = b"\x02\xee\xee\xee\xee\xee"


class Ports:
    """A topology in which every port is an edge port, except those that a test says lead to switches."""

    def __init__(self, ports: dict[int, list[int]] | None = None) -> None:
        self.links: set[Location] = set()
        self.ports = ports or {}

    def is_edge(self, location: Location) -> bool:
        return location not in self.links

    def edge_ports(self, dpid: int) -> list[int]:
        return [port for port in self.ports.get(dpid, []) if self.is_edge(Location(dpid, port))]


def at(location: Location, frame: bytes) -> Packet:
    return Packet(location.dpid, location.port, frame)


def ethernet(mac: bytes, *, dst: bytes = SOMEBODY, eth_type: int = 0x88B5, payload: bytes = bytes(46)) -> bytes:
    """A frame that says nothing but where its sender is."""
    return dst + mac + eth_type.to_bytes(2, "big") + payload


def ipv4(mac: bytes, src: bytes, dst: bytes = IP_C, *, proto: int = 6, above: bytes = bytes(20)) -> bytes:
    size = (20 + len(above)).to_bytes(2, "big")
    header = b"\x45\x00" + size + bytes(4) + bytes([64, proto]) + bytes(2) + src + dst
    return ethernet(mac, eth_type=0x0800, payload=header + above)


def ipv6(mac: bytes, src: bytes, dst: bytes = IP6_A, *, proto: int = 6, above: bytes = bytes(20)) -> bytes:
    header = b"\x60\x00\x00\x00" + len(above).to_bytes(2, "big") + bytes([proto, 64]) + src + dst
    return ethernet(mac, eth_type=0x86DD, payload=header + above)


def announce(mac: bytes, ip: bytes) -> bytes:
    """Gratuitous ARP (RFC 5227 §3)."""
    return arp_request(mac, ip, ip)


def answer(mac: bytes, ip: bytes, asker: bytes = SOMEBODY) -> bytes:
    return arp_reply(mac, ip, asker, bytes(4))


def tagged(frame: bytes, vlan: int, eth_type: int = 0x8100) -> bytes:
    return frame[:12] + eth_type.to_bytes(2, "big") + vlan.to_bytes(2, "big") + frame[12:]


def kinds(events: Iterable[Event]) -> list[str]:
    return [event.kind if isinstance(event, Alarm) else type(event).__name__ for event in events]


def port(number: int, *, up: bool = True) -> Port:
    return Port(number, f"eth{number}", bytes(6), up)
