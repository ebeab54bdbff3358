"""Sockets on a host of the network, held by this process: a socket stays in the namespace in which it was opened."""

from __future__ import annotations

import ctypes
import os
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from experiments.machine.network import Host

PORT = 47_200
"""The UDP port of everything that experiments send (no service is registered for it)."""

ETHERTYPE = 0x88B5
"""IEEE 802, local experimental EtherType 1: frames that are nobody else's."""

BUFFER = 32 << 20
"""Bytes that a socket may keep for us: some 40,000 small datagrams. So nobody need read while time matters."""

_CLONE_NEWNET = 0x40000000
_SO_TIMESTAMPNS = 35
_SO_RCVBUFFORCE = 33
_libc = ctypes.CDLL(None, use_errno=True)


@contextmanager
def namespace_of(host: Host) -> Iterator[None]:
    """Have this thread live in the host's network namespace for the block (setns(2))."""
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        there = os.open(f"/proc/{host.pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        try:
            _enter(there)
            try:
                yield
            finally:
                _enter(home)
        finally:
            os.close(there)
    finally:
        os.close(home)


def _enter(namespace: int) -> None:
    if _libc.setns(namespace, _CLONE_NEWNET):
        number = ctypes.get_errno()
        raise OSError(number, f"setns: {os.strerror(number)}")


def udp_socket(host: Host, port: int = PORT) -> socket.socket:
    """A UDP socket on the host, bound to its address; the kernel stamps each datagram with its arrival."""
    with namespace_of(host):
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
    _enlarge(sock)
    sock.bind((host.ip, port))
    return sock


def frame_socket(host: Host) -> socket.socket:
    """A socket that sends and receives frames of our EtherType on the host's interface."""
    with namespace_of(host):
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETHERTYPE))
        _enlarge(sock)
        sock.bind((host.interface, ETHERTYPE))
    return sock


def arrival(ancillary: list[tuple[int, int, bytes]]) -> int:
    """The kernel's time of arrival, in nanoseconds since the epoch, from what recvmsg(2) returned beside the data."""
    for level, kind, data in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, _SO_TIMESTAMPNS):
            seconds, nanoseconds = struct.unpack("@qq", data)
            return int(seconds * 1_000_000_000 + nanoseconds)
    raise ValueError("the kernel did not stamp a datagram with its arrival")


def _enlarge(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, BUFFER)
