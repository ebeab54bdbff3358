"""Reading capture files (pcap and pcapng, plain or gzipped), with scapy's reader."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from os import PathLike
from typing import Any, NamedTuple, Protocol

from experiments.errors import UserError


class Packet(NamedTuple):
    """A captured packet: when (seconds since the epoch), what its first header is (LINKTYPE_*), its bytes."""

    time: float
    linktype: int
    data: bytes


class Source(Protocol):
    """An open file, as far as it is needed."""

    def read(self, size: int, /) -> bytes:
        """The next ``size`` bytes."""


_LARGEST = 1 << 20
"""Loopback segments with segmentation offload exceed 65,535 bytes, where scapy's reader cuts by default."""


def packets(source: str | PathLike[str] | Source) -> Iterator[Packet]:
    """The packets of a capture file (or of a file that is already open), in its order.

    A last packet that is not whole, as a killed capture leaves it, is left out.
    Raises `UserError` for a file that cannot be read or is no capture.
    """
    from scapy.error import Scapy_Exception  # noqa: PLC0415  (a fifth of a second, for those who read captures)
    from scapy.utils import RawPcapReader  # noqa: PLC0415

    logging.getLogger("scapy.runtime").setLevel(logging.ERROR)
    name = source if isinstance(source, (str, PathLike)) else getattr(source, "name", "the capture")
    try:
        reader = RawPcapReader(str(source) if isinstance(source, PathLike) else source)
    except OSError as error:
        raise UserError(f"cannot read {name}: {error.strerror or error}") from error
    except (Scapy_Exception, EOFError) as error:
        raise UserError(f"{name} is no capture file: pcap or pcapng is needed (tcpdump -w, Wireshark)") from error
    with reader:
        is_pcapng = not hasattr(reader, "linktype")
        yield from _pcapng(reader) if is_pcapng else _pcap(reader)


def _pcap(reader: Any) -> Iterator[Packet]:
    linktype = reader.linktype & 0xFFFF
    fraction = 1e-9 if reader.nano else 1e-6
    while True:
        try:
            data, record = reader._read_packet(_LARGEST)
        except EOFError:
            return
        if len(data) < record.caplen:
            return
        yield Packet(record.sec + record.usec * fraction, linktype, data)


def _pcapng(reader: Any) -> Iterator[Packet]:
    while True:
        try:
            data, record = reader._read_packet(_LARGEST)
        except EOFError:
            return
        # A simple packet block has no time.
        ticks = 0 if record.tshigh is None else record.tshigh << 32 | record.tslow
        yield Packet(ticks / record.tsresol, record.linktype, data)
