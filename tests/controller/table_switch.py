"""Switches in memory that hold tables and forward by them, and the cables between: a network on a virtual clock.

A switch reads what it is told from the specification's structures by itself (OpenFlow 1.3.5 §7.3), keeps rules by the
bytes of their matches, and answers barriers and questions. It knows as much as the tests need: exact matches and bit
masks, output and groups, the errors of full tables and of unknown groups.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import count
from struct import pack, unpack_from

from controller.model import Link, Location, Match, Port, SwitchUp
from controller.network_os import NetworkOS
from controller.services.rules import Outgoing
from tests.southbound import switch_words

Fields = dict[int, tuple[bytes, bytes]]
"""OXM field -> value and mask."""

_IN_PORT, _ETH_DST, _ETH_SRC, _ETH_TYPE = 0, 3, 4, 5
_ADD, _DELETE_STRICT = 0, 4
_GROUP_MODIFY, _GROUP_DELETE = 1, 2
FLOW_MOD = 14
ERROR, PACKET_IN = 1, 10
CONTROLLER, IN_PORT, ANY, ALL_GROUPS, ALL_TABLES = 0xFFFFFFFD, 0xFFFFFFF8, 0xFFFFFFFF, 0xFFFFFFFC, 0xFF


@dataclass
class Entry:
    """A flow entry, its match and instructions as they came."""

    table: int
    priority: int
    match: bytes
    instructions: bytes
    cookie: int
    timeouts: tuple[int, int]
    flags: int
    fields: Fields = field(init=False)

    def __post_init__(self) -> None:
        self.fields = _fields(self.match)

    @property
    def identity(self) -> tuple[int, int, tuple[tuple[int, tuple[bytes, bytes]], ...]]:
        return self.table, self.priority, tuple(sorted(self.fields.items()))

    def outputs(self) -> Iterator[tuple[int, int]]:
        """(type, argument) of its actions, of what it applies and writes."""
        for kind, body in _records(self.instructions, 0):
            if kind in (3, 4):
                yield from _actions(body[8:])


class TableSwitch:
    """One switch. It survives its controllers; `told` counts the messages by type since `forget`."""

    def __init__(self, dpid: int, ports: Iterable[int], room: int = 1_000_000) -> None:
        self.dpid = dpid
        self.ports = dict.fromkeys(ports, True)
        self.room = room
        self.entries: dict[object, Entry] = {}
        self.groups: dict[int, tuple[int, bytes]] = {}
        self.told: list[tuple[int, int]] = []
        self.flow_mods: list[tuple[int, bytes]] = []

    def descriptions(self) -> tuple[Port, ...]:
        return tuple(
            Port(number, f"s{self.dpid}-eth{number}", _mac(self.dpid, number), up) for number, up in self.ports.items()
        )

    def dump(self) -> set[tuple[object, ...]]:
        """Its rules and groups, cookies aside."""
        rules = {(*entry.identity, entry.instructions, entry.timeouts, entry.flags) for entry in self.entries.values()}
        return rules | {("group", number, *group) for number, group in self.groups.items()}

    # ------------------------------------------------------------ what it is told

    def tell(self, message: bytes) -> tuple[list[bytes], list[tuple[int, bytes]]]:
        """Take in a message: what it answers, and the frames that leave by ports."""
        _, kind, _, xid = unpack_from("!BBHI", message)
        self.told.append((kind, xid))
        match kind:
            case 14:  # FLOW_MOD
                return self._flow_mod(message, xid), []
            case 15:  # GROUP_MOD
                return self._group_mod(message, xid), []
            case 18:  # MULTIPART_REQUEST
                return self._multipart(message, xid), []
            case 20:  # BARRIER_REQUEST
                return [switch_words.message(21, xid=xid)], []
            case 13:  # PACKET_OUT
                return self._packet_out(message)
        return [], []

    def _flow_mod(self, message: bytes, xid: int) -> list[bytes]:
        cookie, mask, table, command, idle, hard, priority = unpack_from("!QQBBHHH", message, 8)
        out_port, _, flags = unpack_from("!IIH", message, 36)
        self.flow_mods.append((command, message))
        length = int.from_bytes(message[50:52])
        end = 48 + (length + 7 & ~7)
        entry = Entry(table, priority, message[48:end], message[end:], cookie, (idle, hard), flags)
        if command == _ADD:
            if any(kind == 22 and number not in self.groups for kind, number in entry.outputs()):
                return [_error(2, 9, message, xid)]
            if entry.identity not in self.entries and len(self.entries) >= self.room:
                return [_error(5, 1, message, xid)]
            self.entries[entry.identity] = entry
            return []
        for key, there in list(self.entries.items()):
            if table not in (ALL_TABLES, there.table) or (there.cookie ^ cookie) & mask:
                continue
            if out_port != ANY and (0, out_port) not in there.outputs():
                continue
            if there.identity == entry.identity if command == _DELETE_STRICT else _covers(entry.fields, there.fields):
                del self.entries[key]
        return []

    def _group_mod(self, message: bytes, xid: int) -> list[bytes]:
        command, kind, number = unpack_from("!HBxI", message, 8)
        if command == _GROUP_DELETE:
            for each in list(self.groups) if number == ALL_GROUPS else [number]:
                self.groups.pop(each, None)
                for key in [key for key, entry in self.entries.items() if (22, each) in entry.outputs()]:
                    del self.entries[key]
        elif (number in self.groups) != (command == _GROUP_MODIFY):
            return [_error(6, 8 if command == _GROUP_MODIFY else 0, message, xid)]
        else:
            self.groups[number] = kind, message[16:]
        return []

    def _multipart(self, message: bytes, xid: int) -> list[bytes]:
        (kind,) = unpack_from("!H", message, 8)
        bodies = [b""]
        if kind == 1:
            bodies = [self._stats(entry) for entry in self.entries.values()] or [b""]
        elif kind == 7:
            bodies = [pack("!HBxI", 8 + len(body), of, number) + body for number, (of, body) in self.groups.items()]
        # One part for each, as a switch with much to tell does.
        return [
            switch_words.message(19, pack("!HH4x", kind, index < len(bodies) - 1) + body, xid=xid)
            for index, body in enumerate(bodies or [b""])
        ]

    def _stats(self, entry: Entry) -> bytes:
        body = entry.match + entry.instructions
        numbers = (entry.priority, *entry.timeouts, entry.flags, entry.cookie, 1000, 64000)
        return pack("!HBxIIHHHH4xQQQ", 48 + len(body), entry.table, 12, 0, *numbers) + body

    # ------------------------------------------------------------ packets

    def _packet_out(self, message: bytes) -> tuple[list[bytes], list[tuple[int, bytes]]]:
        _, in_port, length = unpack_from("!IIH", message, 8)
        outputs = _actions(message[24 : 24 + length])
        return self._perform(outputs, in_port, message[24 + length :])

    def receive(self, in_port: int, frame: bytes) -> tuple[list[bytes], list[tuple[int, bytes]]]:
        """A frame comes in by a port: what the controller is asked, and the frames that leave."""
        asked: list[bytes] = []
        left: list[tuple[int, bytes]] = []
        table: int | None = 0
        while table is not None:
            entry = self._lookup(table, in_port, frame)
            table = None
            for kind, body in _records(entry.instructions, 0) if entry else ():
                if kind == 1:
                    table = body[4]
                elif kind in (3, 4):
                    more, out = self._perform(_actions(body[8:]), in_port, frame)
                    asked += more
                    left += out
        return asked, left

    def _lookup(self, table: int, in_port: int, frame: bytes) -> Entry | None:
        seen = {_IN_PORT: pack("!I", in_port), _ETH_DST: frame[:6], _ETH_SRC: frame[6:12], _ETH_TYPE: frame[12:14]}
        found = [
            entry
            for entry in self.entries.values()
            if entry.table == table
            and all(name in seen and _and(seen[name], mask) == value for name, (value, mask) in entry.fields.items())
        ]
        return max(found, key=lambda entry: entry.priority, default=None)

    def _perform(
        self, outputs: Iterable[tuple[int, int]], in_port: int, frame: bytes
    ) -> tuple[list[bytes], list[tuple[int, bytes]]]:
        asked: list[bytes] = []
        left: list[tuple[int, bytes]] = []
        for kind, number in outputs:
            if kind == 22 and number in self.groups:
                more, out = self._perform(self._bucket(number), in_port, frame)
                asked += more
                left += out
            elif kind == 0 and number == CONTROLLER:
                asked.append(switch_words.packet_in(Match(in_port=in_port), frame))
            elif kind == 0:
                port = in_port if number == IN_PORT else number
                if self.ports.get(port) and (number == IN_PORT or port != in_port):
                    left.append((port, frame))
        return asked, left

    def _bucket(self, number: int) -> list[tuple[int, int]]:
        """The actions of a group that are carried out: all buckets' of ALL, else those of the first live bucket."""
        kind, body = self.groups[number]
        performed: list[tuple[int, int]] = []
        at = 0
        while at < len(body):
            length, _, watched = unpack_from("!HHI", body, at)
            if kind != 3 or self.ports.get(watched):
                performed += _actions(body[at + 16 : at + length])
                if kind != 0:
                    break
            at += length
        return performed


# ---------------------------------------------------------------- the network


class TableNetwork:
    """Switches, the cables between them, hosts at the other ports, and a controller; time passes in `run`."""

    def __init__(self, wires: Iterable[Link], hosts: Iterable[Location], start: Callable[[], NetworkOS]) -> None:
        self.far_end = {link.source: link.target for wire in wires for link in (wire, Link(wire.target, wire.source))}
        self.hosts = list(hosts)
        ends = sorted({*self.far_end, *self.hosts})
        self.switches = {
            dpid: TableSwitch(dpid, [end.port for end in ends if end.dpid == dpid])
            for dpid in sorted({end.dpid for end in ends})
        }
        self.start = start
        self.network_os = start()
        self.now = 1000.0
        self.delay = 0.001
        self.received: dict[Location, list[bytes]] = {host: [] for host in self.hosts}
        self.asked = 0
        self._happening: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()

    # ------------------------------------------------------------ the controller's side

    def connect(self, *dpids: int) -> None:
        """Have switches connect, all if none is named."""
        for dpid in dpids or self.switches:
            self.deliver(self.network_os.switch_up(SwitchUp(dpid, self.switches[dpid].descriptions()), self.now))

    def disconnect(self, dpid: int) -> None:
        self.deliver(self.network_os.switch_down(dpid, self.now))

    def restart_controller(self) -> None:
        """The controller is killed, and a new one started; what was under way to and from the old one is lost."""
        self.network_os = self.start()
        self.connect()

    def deliver(self, outgoing: Outgoing) -> None:
        for dpid, message in outgoing:
            self._later(lambda dpid=dpid, message=message: self._tell(dpid, message))  # type: ignore[misc]

    def set_cable(self, end: Location, up: bool) -> None:
        """Plug or unplug a cable: both ends say so."""
        for here in (end, self.far_end[end]):
            switch = self.switches[here.dpid]
            switch.ports[here.port] = up
            port = next(port for port in switch.descriptions() if port.number == here.port)
            config, state = 0, 0 if up else 1
            body = pack("!I4x6s2x16sII16xII", port.number, port.mac, port.name.encode(), config, state, 0, 0)
            self._answer(here.dpid, [switch_words.message(12, pack("!B7x", 2) + body)])

    # ------------------------------------------------------------ the hosts' side

    def send(self, host: Location, target: bytes, payload: bytes = b"\x88\xb5hello") -> None:
        """Have a host send a frame."""
        frame = target + mac(host) + payload
        self._later(lambda: self._receive(host, frame))

    def run(self, seconds: float, most: int = 100_000) -> None:
        """Let time pass. More than ``most`` happenings are a storm."""
        end = self.now + seconds
        for _ in range(most):
            soonest = min(self._happening[0][0] if self._happening else end + 1, self.network_os.next_due)
            if soonest > end:
                self.now = end
                return
            self.now = max(self.now, soonest)
            if self._happening and self._happening[0][0] <= self.now:
                heapq.heappop(self._happening)[2]()
            else:
                self.deliver(self.network_os.tick(self.now))
                self.now += 0.0001
        raise AssertionError("a storm")

    # ------------------------------------------------------------ inside

    def _later(self, happening: Callable[[], None]) -> None:
        heapq.heappush(self._happening, (self.now + self.delay, next(self._order), happening))

    def _tell(self, dpid: int, message: bytes) -> None:
        answers, frames = self.switches[dpid].tell(message)
        self._answer(dpid, answers)
        self._forward(dpid, frames)

    def _answer(self, dpid: int, answers: Iterable[bytes]) -> None:
        controller = self.network_os
        for message in answers:
            self._later(lambda message=message: self._hear(controller, dpid, message))  # type: ignore[misc]

    def _hear(self, controller: NetworkOS, dpid: int, message: bytes) -> None:
        if controller is not self.network_os or dpid not in controller.inventory:
            return
        if message[1] == PACKET_IN:
            self.deliver(controller.packet_in(dpid, message, self.now))
        else:
            self.deliver(controller.message(dpid, message, self.now))

    def _forward(self, dpid: int, frames: Iterable[tuple[int, bytes]]) -> None:
        for port, frame in frames:
            here = Location(dpid, port)
            there = self.far_end.get(here)
            if there is not None:
                self._later(lambda there=there, frame=frame: self._receive(there, frame))  # type: ignore[misc]
            elif here in self.received and frame[12:14] != b"\x88\xcc":
                self.received[here].append(frame)

    def _receive(self, there: Location, frame: bytes) -> None:
        if not self.switches[there.dpid].ports[there.port]:
            return
        asked, left = self.switches[there.dpid].receive(there.port, frame)
        if frame[12:14] != b"\x88\xcc":
            self.asked += len(asked)
        self._answer(there.dpid, asked)
        self._forward(there.dpid, left)


def mac(host: Location) -> bytes:
    """The address of the host at a port."""
    return b"\x02\0" + host.dpid.to_bytes(2) + host.port.to_bytes(2)


def ring(size: int) -> list[Link]:
    """Switches 1 .. size in a ring, by their ports 1 (to the next) and 2."""
    return [Link(Location(dpid, 1), Location(dpid % size + 1, 2)) for dpid in range(1, size + 1)]


def _mac(dpid: int, number: int) -> bytes:
    return b"\x0a\0" + dpid.to_bytes(2) + number.to_bytes(2)


def _error(kind: int, code: int, message: bytes, xid: int) -> bytes:
    return switch_words.message(ERROR, pack("!HH", kind, code) + message[:64], xid=xid)


def _records(data: bytes, at: int) -> Iterator[tuple[int, bytes]]:
    """Type and whole bytes of instructions or actions."""
    while at < len(data):
        kind, length = unpack_from("!HH", data, at)
        yield kind, data[at : at + length]
        at += length


def _actions(data: bytes) -> list[tuple[int, int]]:
    return [(kind, int.from_bytes(body[4:8])) for kind, body in _records(data, 0)]


def _fields(match: bytes) -> Fields:
    found: Fields = {}
    at, end = 4, int.from_bytes(match[2:4])
    while at < end:
        name, length = match[at + 2] >> 1, match[at + 3]
        value = match[at + 4 : at + 4 + length]
        if match[at + 2] & 1:
            value, mask = value[: length // 2], value[length // 2 :]
        else:
            mask = b"\xff" * length
        found[name] = _and(value, mask), mask
        at += 4 + length
    return found


def _and(value: bytes, mask: bytes) -> bytes:
    return bytes(octet & bits for octet, bits in zip(value, mask, strict=True))


def _covers(wanted: Fields, there: Fields) -> bool:
    return all(
        name in there and _and(there[name][1], mask) == mask and _and(there[name][0], mask) == value
        for name, (value, mask) in wanted.items()
    )
