"""The way that packets really take: each is sighted wherever it comes into a switch.

The switches' ports are interfaces of the root namespace, and a packet socket sees what comes in by them, whichever
datapath forwards it then. Nothing is asked of switches or controller, and nothing is added to the packets.
"""

from __future__ import annotations

import ctypes
import socket
import struct
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple, Self

from experiments.traffic.sockets import BUFFER
from topologies.plan import interface

if TYPE_CHECKING:
    from topologies.plan import Graph

# Linux: packet(7), socket(7).
_ETH_P_IP = 0x0800
_SOL_PACKET = 263
_PACKET_IGNORE_OUTGOING = 23
_PACKET_OUTGOING = 4
_SO_ATTACH_FILTER = 26
_SO_RCVBUFFORCE = 33

_NOTHING = [(0x06, 0, 0, 0)]
_UDP_PAYLOAD = 14 + 20 + 8


class Port(NamedTuple):
    """A port of a switch, by name and number."""

    switch: str
    number: int


class Sightings:
    """Sights UDP datagrams to one of ``ports`` at every port of the graph's switches, from now on."""

    def __init__(self, graph: Graph, *ports: int) -> None:
        self._places = switch_ports(graph)
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_IP))
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, BUFFER)
            with suppress(OSError):  # kernels before 4.20 cannot leave them out; `take` does
                self._socket.setsockopt(_SOL_PACKET, _PACKET_IGNORE_OUTGOING, 1)
            # Bound to no interface it listens to all, from its making on: what came before the filter is thrown away.
            _attach(self._socket, _NOTHING)
            with suppress(BlockingIOError):
                while True:
                    self._socket.recv(1, socket.MSG_DONTWAIT)
            _attach(self._socket, udp_filter(ports))
        except BaseException:
            self._socket.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def take(self) -> dict[bytes, list[Port]]:
        """Payload -> the ports by which it came into switches, in order of time; all since the last call."""
        found: dict[bytes, list[Port]] = defaultdict(list)
        while True:
            try:
                frame, (interface, _, kind, *_) = self._socket.recvfrom(2048, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return dict(found)
            place = self._places.get(interface)
            if place is not None and kind != _PACKET_OUTGOING:
                (length,) = struct.unpack_from("!H", frame, _UDP_PAYLOAD - 4)
                found[frame[_UDP_PAYLOAD : _UDP_PAYLOAD - 8 + length]].append(place)


def switch_ports(graph: Graph) -> Mapping[str, Port]:
    """Interface -> the switch's port that it is."""
    return {
        interface(node, edge["ports"][node]): Port(node, edge["ports"][node])
        for one, other, edge in graph.edges(data=True)
        for node in (one, other)
        if graph.nodes[node]["kind"] == "switch"
    }


def udp_filter(ports: Sequence[int]) -> list[tuple[int, int, int, int]]:
    """UDP over IPv4 to one of ``ports``, as a classic BPF program: code, jump when true, jump when false, operand."""
    load_half, load_byte, load_half_x, load_ip_header_length = 0x28, 0x30, 0x48, 0xB1
    if_equal, keep_bytes = 0x15, 0x06
    n = len(ports)
    return [
        (load_half, 0, 0, 12),
        (if_equal, 0, 4 + n, _ETH_P_IP),
        (load_byte, 0, 0, 23),
        (if_equal, 0, 2 + n, socket.IPPROTO_UDP),
        (load_ip_header_length, 0, 0, 14),
        (load_half_x, 0, 0, 16),
        *((if_equal, n - i, 0, port) for i, port in enumerate(ports)),
        (keep_bytes, 0, 0, 0),
        (keep_bytes, 0, 0, 1 << 18),
    ]


def _attach(sock: socket.socket, program: list[tuple[int, int, int, int]]) -> None:
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *instruction) for instruction in program))
    sock.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("HL", len(program), ctypes.addressof(code)))
