"""What an emulated switch asks: PACKET_INs that are made once and marked anew in each lap.

A switch goes through its block of questions over and over. What must differ from lap to lap (the mark that tells one
question from all others; a fresh source's addresses) lies at the same place in each, so that marking a lap takes a
few slice assignments for the whole block instead of work for each question.

======== ==========================================================================================
pairs    known hosts talk to known hosts: IPv4 over UDP, 64 bytes
fresh    the same, but each question comes from a host that was never seen before
arp      known hosts ask for known hosts' addresses by broadcast
======== ==========================================================================================
"""

from __future__ import annotations

from struct import Struct

from experiments.packet_ins import wire

PATTERNS = ("pairs", "fresh-source", "arp")

PORTS = 16
HOSTS = 32
"""Of each switch, two behind each port."""
SIZE = 256
"""Questions in a block, and the most that may wait for an answer: of two laps both are at hand."""
LAPS = 1 << 16
"""Then marks, and fresh sources, begin anew."""
MOST_SWITCHES = 200

FRAME = 64
MARK_AT = 42
"""Behind the headers of UDP over IPv4, and behind an ARP body."""
MAGIC = b"FP"
_BROADCAST = b"\xff" * 6
_STRIDE = wire.FRAME_AT + FRAME


def host_mac(switch: int, serial: int, host: int) -> bytes:
    """A known host. ``serial`` tells the hosts of one measurement from those of another."""
    return bytes((0x02, switch, serial, 0, 0, host))


def host_ip(switch: int, host: int) -> bytes:
    """Its address: 10.<switch>.0.<host>."""
    return bytes((10, switch, 0, host + 1))


def host_port(host: int) -> int:
    """The port that it is behind."""
    return host % PORTS + 1


def announcement(switch: int, serial: int, host: int) -> bytes:
    """The PACKET_IN by which a controller learns a host: ARP for its own address."""
    mac, ip = host_mac(switch, serial, host), host_ip(switch, host)
    return wire.packet_in(host_port(host), _arp(mac, ip, ip).ljust(FRAME, b"\0"))


def _arp(mac: bytes, ip: bytes, target: bytes) -> bytes:
    return _BROADCAST + mac + bytes.fromhex("08060001080006040001") + mac + ip + bytes(6) + target


class Questions:
    """The block of one switch (its number, from 1), of a pattern. ``serial``: below 256, see `host_mac`."""

    def __init__(self, switch: int, pattern: str, serial: int = 0) -> None:
        self.switch = switch
        self.pattern = pattern
        self.serial = serial
        pairs = [(i % HOSTS, (i + 1 + i // HOSTS) % HOSTS) for i in range(SIZE)]
        self.in_ports = [host_port(source) for source, _ in pairs]
        self.out_ports = [host_port(target) for _, target in pairs]
        block = b"".join(self._question(i, *pair) for i, pair in enumerate(pairs))
        self._blocks = (bytearray(block), bytearray(block))
        self._replies = {
            (host_mac(switch, serial, source), host_ip(switch, target)): (i, host_mac(switch, serial, target))
            for i, (source, target) in enumerate(pairs)
        }
        self._marked = -1
        self.mark(0)

    def _question(self, index: int, source: int, target: int) -> bytes:
        mac, to = (host_mac(self.switch, self.serial, host) for host in (source, target))
        ip, to_ip = host_ip(self.switch, source), host_ip(self.switch, target)
        if self.pattern == "arp":
            frame = _arp(mac, ip, to_ip)
        else:
            if self.pattern == "fresh-source":
                mac = bytes((0x06, self.switch, self.serial, 0, 0, index))
                ip = bytes((self.switch + 20, index, 0, 0))
            frame = to + mac + b"\x08\x00" + _udp(ip, to_ip)
        mark = MAGIC + bytes((self.switch, self.serial, 0, 0, index))
        return wire.packet_in(self.in_ports[index], (frame + mark).ljust(FRAME, b"\0"))

    def mark(self, lap: int) -> bytearray:
        """The block of a lap, which overwrites that of the lap before the last."""
        block = self._blocks[lap & 1]
        if lap > self._marked:
            self._marked = lap
            places = [MARK_AT + 4]
            if self.pattern == "fresh-source":
                # With its complement as the datagram's identification, an address leaves the checksum as it is.
                places += [9, 28]
                self._write(block, 18, LAPS - 1 - lap % LAPS)
            for place in places:
                self._write(block, place, lap % LAPS)
        return block

    @staticmethod
    def _write(block: bytearray, place: int, number: int) -> None:
        for at, byte in enumerate(number.to_bytes(2, "big"), wire.FRAME_AT + place):
            block[at::_STRIDE] = bytes((byte,)) * SIZE

    def block(self, lap: int) -> bytearray:
        """The block of the latest lap or the one before."""
        return self._blocks[lap & 1]

    def frame(self, sequence: int) -> bytes:
        """The frame of a question of the latest two laps."""
        at = sequence % SIZE * _STRIDE + wire.FRAME_AT
        return bytes(self.block(sequence // SIZE)[at : at + FRAME])

    def heads(self, index: int) -> frozenset[bytes]:
        """The first bytes after its header of the plainest right answers: buffer, port of entry, one OUTPUT."""
        head = Struct("!IIH6xHHI")
        right = (wire.FLOOD, wire.ALL) if self.pattern == "arp" else (self.out_ports[index],)
        return frozenset(head.pack(wire.NO_BUFFER, self.in_ports[index], 16, 0, 16, port) for port in right)

    def whose(self, frame: bytes) -> tuple[int, int] | None:
        """Switch number and sequence (within `LAPS` laps) of the question that a frame is or answers; else None."""
        if frame[MARK_AT : MARK_AT + 2] == MAGIC and len(frame) == FRAME:
            switch, serial, high, low, index = frame[MARK_AT + 2 : MARK_AT + 7]
            return (switch, (high << 8 | low) * SIZE + index) if serial == self.serial else None
        found = self._replies.get((frame[:6], frame[28:32]))
        if self.pattern == "arp" and found and frame[12:14] == b"\x08\x06":
            return self.switch, found[0]
        return None

    def is_right(self, sequence: int, out: wire.PacketOut) -> str:
        """What is wrong with an answer to a question; an empty string when nothing is."""
        index = sequence % SIZE
        here, there = self.in_ports[index], self.out_ports[index]
        asked = self.frame(sequence)
        ports = {here if port == wire.IN_PORT else port for port in out.outputs}
        if len(ports) < len(out.outputs) or not ports:
            return "port"
        if self.pattern == "arp" and out.frame[20:22] == b"\x00\x02":
            mac, ip = asked[6:12], asked[28:32]
            _, owner = self._replies[mac, asked[38:42]]
            reply = mac + owner + asked[12:20] + b"\x00\x02" + owner + asked[38:42] + mac + ip
            return "frame" if out.frame[: len(reply)] != reply else "" if ports == {here} else "port"
        if out.frame != asked:
            return "frame"
        if ports == {there}:
            return ""
        floods = ({wire.FLOOD}, {wire.ALL}, set(range(1, PORTS + 1)) - {here})
        if ports not in floods or (out.in_port != here and len(ports) == 1):
            return "port"
        return "" if self.pattern == "arp" else "flooded"


def _udp(source: bytes, target: bytes) -> bytes:
    """Headers of a datagram that fills the frame; its identification makes up for the lap's part of the address."""
    length = FRAME - 14
    header = bytes.fromhex("4500") + length.to_bytes(2, "big") + b"\xff\xff" + bytes.fromhex("00004011") + bytes(2)
    header += source + target
    total = sum(int.from_bytes(header[at : at + 2], "big") for at in range(0, 20, 2))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    checksum = (~total & 0xFFFF).to_bytes(2, "big")
    # A UDP checksum of 0 says that there is none (RFC 768).
    return header[:10] + checksum + header[12:] + Struct("!HHHH").pack(9, 9, length - 20, 0)
