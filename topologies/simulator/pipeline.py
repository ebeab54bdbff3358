"""A packet's way through the tables of a switch (OpenFlow 1.3.5 §5.1, §5.6-§5.12)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import NamedTuple
from zlib import crc32

from topologies.simulator import actions as a
from topologies.simulator import fields as f
from topologies.simulator import groups as g
from topologies.simulator.groups import Bucket, Group
from topologies.simulator.headers import Reading, rewrite
from topologies.simulator.headers import replace as put
from topologies.simulator.ports import NO_FWD, NO_PACKET_IN, NO_RECV, Port
from topologies.simulator.tables import Entry, Table

NO_MATCH, ACTION = 0, 1
"""Why a packet is handed to the controller (OFPR_*)."""
NO_ENTRY = 0xFFFFFFFFFFFFFFFF
_FLOW = (f.ETH_SRC, f.ETH_DST, f.ETH_TYPE, f.VLAN_VID, f.IP_PROTO, f.IPV4_SRC, f.IPV4_DST, f.IPV6_SRC, f.IPV6_DST,
         f.TCP_SRC, f.TCP_DST, f.UDP_SRC, f.UDP_DST, f.SCTP_SRC, f.SCTP_DST)  # fmt: skip


class Question(NamedTuple):
    """A packet for the controller."""

    frame: bytes
    in_port: int
    metadata: int
    reason: int
    table: int
    cookie: int


class Step(NamedTuple):
    """A rule that a packet met, or the table that had none for it: what a failed check tells."""

    table: int
    entry: Entry | None


@dataclass
class Outcome:
    """What became of a packet: copies out of ports, questions to the controller, and which rules it met."""

    frames: list[tuple[int, bytes]] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)


@dataclass
class _Packet:
    """A packet on its way, with what the pipeline knows of it."""

    frame: bytes
    in_port: int
    metadata: int = 0
    written: dict[str, a.Action] = field(default_factory=dict)
    reading: Reading | None = None

    def read(self) -> Reading:
        if self.reading is None:
            self.reading = Reading(self.frame)
            self.reading.values[f.IN_PORT] = self.in_port
            self.reading.values[f.METADATA] = self.metadata
        return self.reading

    def become(self, frame: bytes) -> None:
        if frame != self.frame:
            self.frame, self.reading = frame, None

    def copy(self) -> _Packet:
        return replace(self, written={})


_ORDER = (a.PopVlan, a.PushVlan, a.SetTtl, a.SetField)
"""The kinds of an action set in the order of their execution; then the group, or else the output (§5.10)."""


class Pipeline:
    """The tables, groups and ports of a switch."""

    def __init__(self, ports: dict[int, Port], n_tables: int) -> None:
        self.ports = ports
        self.tables = [Table() for _ in range(n_tables)]
        self.groups: dict[int, Group] = {}

    # ------------------------------------------------------------ in

    def arrive(self, port: Port, frame: bytes, now: float) -> Outcome:
        """A frame came by a port."""
        outcome = Outcome()
        if not port.live:
            return outcome
        port.rx_packets += 1
        port.rx_bytes += len(frame)
        if port.config & NO_RECV:
            port.rx_dropped += 1
            return outcome
        self._traverse(_Packet(frame, port.number), now, outcome)
        if port.config & NO_PACKET_IN:
            outcome.questions.clear()
        return outcome

    def send(self, frame: bytes, in_port: int, actions: a.Actions, now: float) -> Outcome:
        """The controller had these actions applied to a frame."""
        outcome = Outcome()
        self._apply(_Packet(frame, in_port), actions, None, now, outcome)
        return outcome

    def _traverse(self, packet: _Packet, now: float, outcome: Outcome) -> None:
        number: int | None = 0
        entry: Entry | None = None
        while number is not None:
            table = self.tables[number]
            table.lookups += 1
            entry = table.find(packet.read().values)
            outcome.steps.append(Step(number, entry))
            if entry is None:
                return
            table.matched += 1
            entry.packets += 1
            entry.octets += len(packet.frame)
            entry.used = now
            program = entry.program
            self._apply(packet, program.apply, entry, now, outcome)
            if program.clear:
                packet.written.clear()
            for action in program.write:
                packet.written[_slot(action)] = action
            if program.metadata is not None:
                value, mask = program.metadata
                packet.metadata = packet.metadata & ~mask | value
                packet.reading = None
            number = program.goto
        self._apply(packet, _in_order(packet.written), entry, now, outcome)

    # ------------------------------------------------------------ actions

    def _apply(self, packet: _Packet, actions: a.Actions, entry: Entry | None, now: float, outcome: Outcome) -> None:
        for action in actions:
            match action:
                case a.Output(port):
                    self._output(packet, port, entry, now, outcome)
                case a.ToGroup(number):
                    self._group(packet.copy(), number, entry, now, outcome)
                case a.SetField(number, value):
                    packet.become(rewrite(packet.frame, packet.read(), number, value))
                case a.PushVlan(kind):
                    values = packet.read().values
                    tag = values[f.VLAN_VID] & 0xFFF | values.get(f.VLAN_PCP, 0) << 13
                    head = kind.to_bytes(2, "big") + tag.to_bytes(2, "big")
                    packet.become(packet.frame[:12] + head + packet.frame[12:])
                case a.PopVlan():
                    if packet.read().values.get(f.VLAN_VID):
                        packet.become(packet.frame[:12] + packet.frame[16:])
                case a.SetTtl(value):
                    if not _set_ttl(packet, value):
                        return

    def _output(self, packet: _Packet, number: int, entry: Entry | None, now: float, outcome: Outcome) -> None:
        if number == a.CONTROLLER:
            reason = NO_MATCH if entry is not None and entry.is_miss else ACTION
            table, cookie = (entry.table, entry.cookie) if entry is not None else (0, NO_ENTRY)
            asked = Question(packet.frame, packet.in_port, packet.metadata, reason, table, cookie)
            outcome.questions.append(asked)
        elif number == a.TABLE:
            self._traverse(_Packet(packet.frame, packet.in_port), now, outcome)
        elif number in (a.FLOOD, a.ALL):
            for port in list(self.ports.values()):
                if port.number != packet.in_port:
                    _leave(port, packet.frame, outcome)
        else:
            if number == a.IN_PORT:
                number = packet.in_port
            elif number == packet.in_port:
                return
            if number in self.ports:
                _leave(self.ports[number], packet.frame, outcome)

    # ------------------------------------------------------------ groups

    def _group(self, packet: _Packet, number: int, entry: Entry | None, now: float, outcome: Outcome) -> None:
        group = self.groups.get(number)
        if group is None:
            return
        group.packets += 1
        group.bytes += len(packet.frame)
        for index in self._chosen(group, packet):
            counts = group.counts[index]
            counts[0] += 1
            counts[1] += len(packet.frame)
            self._apply(packet.copy(), group.buckets[index].actions, entry, now, outcome)

    def _chosen(self, group: Group, packet: _Packet) -> list[int]:
        if group.kind in (g.ALL, g.INDIRECT):
            return list(range(len(group.buckets)))
        alive = [index for index, bucket in enumerate(group.buckets) if self.is_alive(bucket)]
        if group.kind == g.FAST_FAILOVER:
            return alive[:1]
        total = sum(group.buckets[index].weight for index in alive)
        if not total:
            return []
        values = packet.read().values
        point = crc32(repr([values.get(number) for number in _FLOW]).encode()) % total
        for index in alive:
            point -= group.buckets[index].weight
            if point < 0:
                return [index]
        return []

    def is_alive(self, bucket: Bucket) -> bool:
        """Whether what a bucket watches is alive; one that watches nothing is."""
        if bucket.watch_port == g.ANY and bucket.watch_group == g.ANY:
            return True
        port = self.ports.get(bucket.watch_port)
        if port is not None and port.live:
            return True
        group = self.groups.get(bucket.watch_group)
        return group is not None and any(self.is_alive(one) for one in group.buckets)


def _leave(port: Port, frame: bytes, outcome: Outcome) -> None:
    if not port.live or port.config & NO_FWD:
        port.tx_dropped += 1
        return
    port.tx_packets += 1
    port.tx_bytes += len(frame)
    outcome.frames.append((port.number, frame))


def _slot(action: a.Action) -> str:
    """What an action replaces in an action set: its like (§5.10)."""
    if isinstance(action, a.SetField):
        return f"SetField {action.field}"
    return type(action).__name__


def _in_order(written: dict[str, a.Action]) -> a.Actions:
    actions = [action for kind in _ORDER for action in written.values() if isinstance(action, kind)]
    last = written.get("ToGroup", written.get("Output"))
    return tuple(actions) if last is None else (*actions, last)


def _set_ttl(packet: _Packet, value: int | None) -> bool:
    """Change the TTL or hop limit; False when it has run out, and with it the packet's way."""
    reading = packet.read()
    kind = reading.values.get(f.ETH_TYPE)
    offset = {0x0800: 8, 0x86DD: 7}.get(kind or 0)
    if offset is None or f.IP_PROTO not in reading.values:
        return True
    at = reading.l3 + offset
    ttl = packet.frame[at] - 1 if value is None else value
    if value is None and ttl <= 0:
        return False
    packet.become(put(packet.frame, reading.sums, at, bytes((ttl,))))
    return True
