"""Recording OpenFlow live: the kernel keeps, a process of its own writes, and only then does anybody decode.

The packet socket is open and filtering in the kernel before `Recorder` returns, with room for tens of thousands of
packets; the writer process only copies. So no message is lost while Python decodes, draws, or waits.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from experiments.capture.messages import OPENFLOW_PORT
from experiments.capture.pcap import Packet, packets
from experiments.errors import UserError

BUFFER = 64 << 20
"""Bytes that the kernel may keep for the writer, its own book-keeping included: some 50,000 small packets or more."""

_WRITER = Path(__file__).with_name("writer.py")
_STOP_TIMEOUT = 30.0

# Linux: packet(7), socket(7), netdevice(7).
_ETH_P_ALL = 3
_SOL_PACKET = 263
_PACKET_STATISTICS = 6
_PACKET_IGNORE_OUTGOING = 23
_SO_ATTACH_FILTER = 26
_SO_RCVBUFFORCE = 33
_SO_TIMESTAMPNS = 35
_SIOCGIFFLAGS = 0x8913
_SIOCGIFHWADDR = 0x8927
_IFF_UP = 0x1
_IFF_LOOPBACK = 0x8
_ETHERNET_LIKE = {1, 772}
"""ARPHRD_ETHER, ARPHRD_LOOPBACK: a frame begins with an Ethernet header."""

_PCAP_HEADER = struct.pack("=IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 1 << 18, 1)
"""pcap with nanoseconds, version 2.4, Ethernet."""


class Recorder:
    """Captures the TCP traffic of one port to a pcap file, as long as the ``with`` block lasts.

    When the block begins, capturing has begun; when it has ended, everything that was on the wire before is in the
    file. The writer process inherits the environment (and with it the run that it belongs to), and ends by itself
    when this process dies. Raises `UserError` without the right to capture, for an interface that is not there or
    not up, for a file that cannot be written, and at the end when the file could not be completed.
    """

    def __init__(
        self, interface: str = "lo", port: int = OPENFLOW_PORT, path: str | PathLike[str] = "openflow.pcap"
    ) -> None:
        self.interface = interface
        self.port = port
        self.path = Path(path)
        self.dropped = 0
        """Packets that the kernel could not keep; final when the block has ended."""

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as ours, contextlib.ExitStack() as lent:
            self._socket = ours.enter_context(_packet_socket(self.interface, self.port))
            file_fd = _create(self.path)
            lent.callback(os.close, file_fd)
            stop_read, self._stop_fd = os.pipe()
            lent.callback(os.close, stop_read)
            self._stopped = False
            ours.callback(self.stop)
            self._news_fd, news_write = os.pipe()
            lent.callback(os.close, news_write)
            ours.callback(os.close, self._news_fd)
            fds = (self._socket.fileno(), file_fd, stop_read, news_write)
            # A session of its own: Ctrl-C is for us, and we tell the writer when to end.
            self._writer = subprocess.Popen(
                [sys.executable, "-I", "-S", str(_WRITER), *map(str, fds)],
                pass_fds=fds,
                stdin=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
            self._ours = ours.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()
        with self._ours:
            try:
                _, complaint = self._writer.communicate(timeout=_STOP_TIMEOUT)
            except subprocess.TimeoutExpired:
                self._writer.kill()
                _, complaint = self._writer.communicate()
            _, self.dropped = struct.unpack("II", self._socket.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, 8))
        if self._writer.returncode and error is None:
            why = complaint.decode(errors="replace").strip().splitlines()
            raise UserError(
                f"the capture in {self.path} is not complete: {why[-1] if why else 'its writer was killed'}"
            )

    def stop(self) -> None:
        """Capture nothing more; `follow` ends when it has given out everything. May be called from a signal handler."""
        if not self._stopped:
            self._stopped = True
            os.close(self._stop_fd)

    def follow(self) -> Iterator[Packet]:
        """The packets as they come, until `stop`; reads what the writer wrote, so falling behind loses nothing."""
        with open(self.path, "rb", buffering=1 << 16) as file:
            yield from packets(_Growing(file, self._news_fd))


class _Growing:
    """A file that the writer still writes, as a file: a read waits until it can be answered in full."""

    def __init__(self, file: BinaryIO, news_fd: int) -> None:
        self.name = file.name
        self.close = file.close
        self._file = file
        self._news_fd = news_fd

    def read(self, size: int) -> bytes:
        """``size`` bytes; fewer only at the end, when the writer is gone."""
        data = self._file.read(size)
        while len(data) < size:
            writing = os.read(self._news_fd, 1 << 16)
            data += self._file.read(size - len(data))
            if not writing:
                break
        return data


def _create(path: Path) -> int:
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
        try:
            os.write(fd, _PCAP_HEADER)
        except OSError:
            os.close(fd)
            raise
    except OSError as error:
        raise UserError(f"cannot write the capture to {path}: {error.strerror}") from error
    return fd


def _packet_socket(interface: str, port: int) -> socket.socket:
    """A socket that receives the TCP packets of a port on an interface, from now on."""
    try:
        # Protocol 0 receives nothing: no packet comes before the filter.
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    except PermissionError as error:
        raise UserError("capturing packets needs root: run it with sudo") from error
    try:
        flags = _check_interface(sock, interface)
        _enlarge(sock)
        sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        if flags & _IFF_LOOPBACK:
            # The loopback shows every packet twice, when it leaves and when it arrives. Kernels before 4.20 cannot
            # be asked for one of them only; reassembly drops the copies.
            with contextlib.suppress(OSError):
                sock.setsockopt(_SOL_PACKET, _PACKET_IGNORE_OUTGOING, 1)
        _attach_filter(sock, port)
        sock.bind((interface, _ETH_P_ALL))
    except BaseException:
        sock.close()
        raise
    return sock


def _check_interface(sock: socket.socket, interface: str) -> int:
    """The interface's flags. Raises `UserError` when it is not there, not up, or not like Ethernet."""
    request = struct.pack("16s16x", interface.encode()[:15])
    try:
        (flags,) = struct.unpack_from("H", fcntl.ioctl(sock, _SIOCGIFFLAGS, request), 16)
        (hardware,) = struct.unpack_from("H", fcntl.ioctl(sock, _SIOCGIFHWADDR, request), 16)
    except OSError as error:
        there = ", ".join(name for _, name in socket.if_nameindex())
        raise UserError(f"there is no interface {interface!r} here; there are: {there}") from error
    if not flags & _IFF_UP:
        raise UserError(f"interface {interface} is down: ip link set {interface} up")
    if hardware not in _ETHERNET_LIKE:
        raise UserError(
            f"interface {interface} is of hardware type {hardware}; capturing works on Ethernet and loopback"
        )
    return int(flags)


def _enlarge(sock: socket.socket) -> None:
    try:
        sock.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, BUFFER)
    except PermissionError:
        # A container may capture and yet not exceed net.core.rmem_max.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)


def _attach_filter(sock: socket.socket, port: int) -> None:
    program = port_filter(port)
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *instruction) for instruction in program))
    sock.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("HL", len(program), ctypes.addressof(code)))


def port_filter(port: int) -> list[tuple[int, int, int, int]]:
    """TCP from or to ``port``, as a classic BPF program: code, jump when true, jump when false, operand."""
    load_half, load_byte, load_half_x, load_ip_header_length = 0x28, 0x30, 0x48, 0xB1
    if_equal, if_any_bit, accept = 0x15, 0x45, 0x06
    return [
        (load_half, 0, 0, 12),
        (if_equal, 0, 6, 0x86DD),
        (load_byte, 0, 0, 20),
        (if_equal, 0, 15, 6),
        (load_half, 0, 0, 54),
        (if_equal, 12, 0, port),
        (load_half, 0, 0, 56),
        (if_equal, 10, 11, port),
        (if_equal, 0, 10, 0x0800),
        (load_byte, 0, 0, 23),
        (if_equal, 0, 8, 6),
        (load_half, 0, 0, 20),
        (if_any_bit, 6, 0, 0x1FFF),  # not the first fragment: no ports
        (load_ip_header_length, 0, 0, 14),
        (load_half_x, 0, 0, 14),
        (if_equal, 2, 0, port),
        (load_half_x, 0, 0, 16),
        (if_equal, 0, 1, port),
        (accept, 0, 0, 1 << 18),
        (accept, 0, 0, 0),
    ]
