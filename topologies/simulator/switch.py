"""A simulated OpenFlow 1.3 switch: bytes and frames in, bytes and frames out. No socket, no clock.

It reads and writes the protocol by itself, sharing no code with the controller: two readings of the specification that
check each other. It is told the time (``now``, seconds) and hands back, in an `Effects`, what it says and sends.

Not modelled, and refused with the error that the specification has for it:

- meters (METER_MOD: OFPMMFC_OUT_OF_METERS; the instruction: OFPBIC_UNSUP_INST), queues (OFPBAC_BAD_QUEUE);
- MPLS, PBB and the copying of TTLs (OFPBAC_BAD_TYPE); match fields of these, of tunnels, of IPv6 extension headers and
  IN_PHY_PORT (OFPBMC_BAD_FIELD);
- the ports NORMAL and LOCAL (OFPBAC_BAD_OUT_PORT), table features and experimenters (OFPBRC_BAD_MULTIPART,
  OFPBRC_BAD_EXPERIMENTER), bundles, auxiliary connections.

It keeps no packets for the controller: every PACKET_IN bears the whole frame, as §7.4.1 wants of a switch without
buffers, whatever max_len is. Fragments are treated as any packet (OFPC_FRAG_NORMAL).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from topologies.simulator import fields as f
from topologies.simulator import orders
from topologies.simulator import ports as p
from topologies.simulator.actions import CONTROLLER, HIGHEST_PORT, read_actions, u16, u32
from topologies.simulator.answers import answer
from topologies.simulator.errors import Fault, Refused
from topologies.simulator.pipeline import Outcome, Pipeline, Question, Step
from topologies.simulator.ports import Port, duration
from topologies.simulator.tables import Entry

VERSION = 4
(HELLO, ERROR, ECHO_REQUEST, ECHO_REPLY, EXPERIMENTER, FEATURES_REQUEST, FEATURES_REPLY, GET_CONFIG_REQUEST,
 GET_CONFIG_REPLY, SET_CONFIG, PACKET_IN, FLOW_REMOVED, PORT_STATUS, PACKET_OUT, FLOW_MOD, GROUP_MOD, PORT_MOD,
 TABLE_MOD, MULTIPART_REQUEST, MULTIPART_REPLY, BARRIER_REQUEST, BARRIER_REPLY) = range(22)  # fmt: skip
ROLE_REQUEST, ROLE_REPLY, GET_ASYNC_REQUEST, GET_ASYNC_REPLY, SET_ASYNC, METER_MOD = range(24, 30)

_NO_CHANGE, _EQUAL, _MASTER, _SLAVE = range(4)
_ADDED, _DELETED, _MODIFIED = range(3)
_FLOW_STATS, _TABLE_STATS, _PORT_STATS, _GROUP_STATS = 1, 2, 4, 8
_CHANGES = (PACKET_OUT, FLOW_MOD, GROUP_MOD, PORT_MOD, TABLE_MOD, METER_MOD)
_QUOTE = 64
_NO_BUFFER = 0xFFFFFFFF


@dataclass
class Effects:
    """What a switch says, and to which connection, what it sends and out of which port, and which rules it went by."""

    messages: list[tuple[int, bytes]] = field(default_factory=list)
    frames: list[tuple[int, bytes]] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)


@dataclass
class _Connection:
    """A controller's connection: its role and what it wants to hear of."""

    role: int = _EQUAL
    wants: list[int] = field(default_factory=lambda: [3, 0, 7, 7, 15, 0])
    """Masks of reasons for PACKET_IN, PORT_STATUS, FLOW_REMOVED, each as master or equal, then as slave."""
    miss_send_len: int = 128
    flags: int = 0

    def hears(self, kind: int, reason: int) -> bool:
        """Whether it wants such a message; ``kind`` 0 PACKET_IN, 1 PORT_STATUS, 2 FLOW_REMOVED."""
        return bool(self.wants[2 * kind + (self.role == _SLAVE)] >> reason & 1)


class Switch:
    """One switch. Connections are numbered by `connect`."""

    def __init__(self, dpid: int, ports: Iterable[Port] = (), *, n_tables: int = 16, capacity: int = 1_000_000) -> None:
        """``capacity`` is the number of rules that each table has room for."""
        self.dpid = dpid
        self.capacity = capacity
        self.pipeline = Pipeline({port.number: port for port in ports}, n_tables)
        self._connections: dict[int, _Connection] = {}
        self._numbers = 0
        self._generation: int | None = None
        self._xid = 0

    # ------------------------------------------------------------ connections

    def connect(self) -> tuple[int, Effects]:
        """A connection to a controller is there; its number, and how the switch greets."""
        self._numbers += 1
        self._connections[self._numbers] = _Connection()
        greeting = struct.pack("!HHI", 1, 8, 1 << VERSION)
        return self._numbers, Effects([(self._numbers, self._message(HELLO, 0, greeting))])

    def disconnect(self, connection: int) -> None:
        """A connection is gone. The tables stay (fail secure)."""
        self._connections.pop(connection, None)

    def receive(self, connection: int, message: bytes, now: float) -> Effects:
        """Carry out one whole message of a controller, or refuse it."""
        effects = Effects()
        if connection not in self._connections:
            return effects
        try:
            self._obey(connection, message, now, effects)
        except Refused as refused:
            kind, code = refused.fault.value
            body = struct.pack("!HH", kind, code) + message[:_QUOTE]
            effects.messages.append((connection, self._message(ERROR, u32(message, 4), body)))
        return effects

    def _obey(self, connection: int, message: bytes, now: float, effects: Effects) -> None:
        kind = message[1]
        if kind == HELLO:
            _check_hello(message)
            return
        if message[0] != VERSION:
            raise Refused(Fault.BAD_VERSION)
        handler = _HANDLERS.get(kind)
        if handler is None:
            raise Refused(_UNHANDLED.get(kind, Fault.BAD_TYPE))
        if kind in _CHANGES and self._connections[connection].role == _SLAVE:
            raise Refused(Fault.IS_SLAVE)
        handler(self, connection, message, now, effects)

    # ------------------------------------------------------------ frames, cables, time

    def arrive(self, port: int, frame: bytes, now: float) -> Effects:
        """A frame came by a port."""
        there = self.pipeline.ports.get(port)
        return self._effects(self.pipeline.arrive(there, frame, now)) if there is not None else Effects()

    def set_link(self, port: int, linked: bool) -> Effects:
        """The cable at a port came or went; the controller is told."""
        there = self.pipeline.ports[port]
        effects = Effects()
        if there.linked != linked:
            there.linked = linked
            self._tell_port(_MODIFIED, there, effects)
        return effects

    def add_port(self, port: Port) -> Effects:
        """A new port; the controller is told."""
        effects = Effects()
        self.pipeline.ports[port.number] = port
        self._tell_port(_ADDED, port, effects)
        return effects

    def remove_port(self, port: int) -> Effects:
        """A port is taken away; the controller is told."""
        effects = Effects()
        self._tell_port(_DELETED, self.pipeline.ports.pop(port), effects)
        return effects

    @property
    def next_due(self) -> float:
        """When the next rule times out, if it is not used before; infinity for never."""
        ends = (entry.deadline for table in self.pipeline.tables for entry in table)
        return min((end for end in ends if end is not None), default=float("inf"))

    def tick(self, now: float) -> Effects:
        """Give up the rules whose time is over."""
        effects = Effects()
        for table in self.pipeline.tables:
            for entry in [one for one in table if one.deadline is not None and one.deadline <= now]:
                hard = entry.hard_timeout and entry.created + entry.hard_timeout <= now
                reason = orders.HARD if hard else orders.IDLE
                orders.remove(self.pipeline, [entry], reason, self._removal(effects, now))
        return effects

    # ------------------------------------------------------------ what the switch says

    def _message(self, kind: int, xid: int, body: bytes = b"") -> bytes:
        return struct.pack("!BBHI", VERSION, kind, 8 + len(body), xid) + body

    def _effects(self, outcome: Outcome) -> Effects:
        effects = Effects(frames=outcome.frames, steps=outcome.steps)
        for question in outcome.questions:
            self._ask(question, effects)
        return effects

    def _tell_all(self, kind: int, reason: int, message: bytes, effects: Effects) -> None:
        for number, connection in self._connections.items():
            if connection.hears(kind, reason):
                effects.messages.append((number, message))

    def _ask(self, question: Question, effects: Effects) -> None:
        terms = [(f.IN_PORT, question.in_port, f.full(f.IN_PORT))]
        if question.metadata:
            terms.append((f.METADATA, question.metadata, f.full(f.METADATA)))
        size, reason = len(question.frame), question.reason
        fixed = struct.pack("!IHBBQ", _NO_BUFFER, size, reason, question.table, question.cookie)
        body = fixed + f.write_match(tuple(terms)) + bytes(2) + question.frame
        self._tell_all(0, reason, self._message(PACKET_IN, 0, body), effects)

    def _tell_port(self, reason: int, port: Port, effects: Effects) -> None:
        body = struct.pack("!B7x", reason) + port.describe()
        self._tell_all(1, reason, self._message(PORT_STATUS, 0, body), effects)

    def _removal(self, effects: Effects, now: float) -> Callable[[Entry, int], None]:
        def tell(entry: Entry, reason: int) -> None:
            body = struct.pack(
                "!QHBBIIHHQQ", entry.cookie, entry.priority, reason, entry.table, *duration(now - entry.created),
                entry.idle_timeout, entry.hard_timeout, entry.packets, entry.octets,
            ) + f.write_match(entry.terms)  # fmt: skip
            self._tell_all(2, reason, self._message(FLOW_REMOVED, 0, body), effects)

        return tell

    # ------------------------------------------------------------ what the controller says

    def _reply(self, connection: int, kind: int, message: bytes, effects: Effects, body: bytes = b"") -> None:
        effects.messages.append((connection, self._message(kind, u32(message, 4), body)))

    def _echo(self, connection: int, message: bytes, _now: float, effects: Effects) -> None:
        self._reply(connection, ECHO_REPLY, message, effects, message[8:])

    def _features(self, connection: int, message: bytes, _now: float, effects: Effects) -> None:
        capabilities = _FLOW_STATS | _TABLE_STATS | _PORT_STATS | _GROUP_STATS
        body = struct.pack("!QIBB2xII", self.dpid, 0, len(self.pipeline.tables), 0, capabilities, 0)
        self._reply(connection, FEATURES_REPLY, message, effects, body)

    def _get_config(self, connection: int, message: bytes, _now: float, effects: Effects) -> None:
        known = self._connections[connection]
        body = struct.pack("!HH", known.flags, known.miss_send_len)
        self._reply(connection, GET_CONFIG_REPLY, message, effects, body)

    def _set_config(self, connection: int, message: bytes, _now: float, _effects: Effects) -> None:
        _require(message, 12)
        known = self._connections[connection]
        known.flags, known.miss_send_len = u16(message, 8), u16(message, 10)

    def _barrier(self, connection: int, message: bytes, _now: float, effects: Effects) -> None:
        self._reply(connection, BARRIER_REPLY, message, effects)

    def _multipart(self, connection: int, message: bytes, now: float, effects: Effects) -> None:
        for part in answer(self.pipeline, message, self.capacity, now):
            self._reply(connection, MULTIPART_REPLY, message, effects, part)

    def _flow_mod(self, _connection: int, message: bytes, now: float, effects: Effects) -> None:
        orders.flow_mod(self.pipeline, message, self.capacity, now, self._removal(effects, now))

    def _group_mod(self, _connection: int, message: bytes, now: float, effects: Effects) -> None:
        orders.group_mod(self.pipeline, message, now, self._removal(effects, now))

    def _packet_out(self, _connection: int, message: bytes, now: float, effects: Effects) -> None:
        _require(message, 24)
        buffer, in_port, size = u32(message, 8), u32(message, 12), u16(message, 16)
        if buffer != _NO_BUFFER:
            raise Refused(Fault.BUFFER_UNKNOWN)
        if in_port != CONTROLLER and not 0 < in_port <= HIGHEST_PORT:
            raise Refused(Fault.BAD_PORT)
        if 24 + size > len(message):
            raise Refused(Fault.BAD_LENGTH)
        actions = read_actions(message, 24, 24 + size)
        orders.check_groups(self.pipeline, actions)
        told = self._effects(self.pipeline.send(message[24 + size :], in_port, actions, now))
        effects.messages += told.messages
        effects.frames += told.frames
        effects.steps += told.steps

    def _port_mod(self, _connection: int, message: bytes, _now: float, effects: Effects) -> None:
        _require(message, 40)
        port = self.pipeline.ports.get(u32(message, 8))
        config, mask = u32(message, 24), u32(message, 28)
        if port is None:
            raise Refused(Fault.PORT_MOD_BAD_PORT)
        if port.mac != message[16:22]:
            raise Refused(Fault.PORT_MOD_BAD_ADDRESS)
        if mask & ~p.CONFIGURABLE:
            raise Refused(Fault.PORT_MOD_BAD_CONFIG)
        before, port.config = port.config, port.config & ~mask | config & mask
        if port.config != before:
            self._tell_port(_MODIFIED, port, effects)

    def _role(self, connection: int, message: bytes, _now: float, effects: Effects) -> None:
        _require(message, 24)
        role, generation = u32(message, 8), int.from_bytes(message[16:24], "big")
        known = self._connections[connection]
        if role > _SLAVE:
            raise Refused(Fault.BAD_ROLE)
        if role in (_MASTER, _SLAVE):
            if self._generation is not None and (generation - self._generation) & 1 << 63:
                raise Refused(Fault.STALE_ROLE)
            self._generation = generation
        if role == _MASTER:
            for other in self._connections.values():
                if other.role == _MASTER:
                    other.role = _SLAVE
        known.role = role or known.role
        told = 0xFFFFFFFFFFFFFFFF if self._generation is None else self._generation
        self._reply(connection, ROLE_REPLY, message, effects, struct.pack("!I4xQ", known.role, told))

    def _get_async(self, connection: int, message: bytes, _now: float, effects: Effects) -> None:
        body = struct.pack("!6I", *self._connections[connection].wants)
        self._reply(connection, GET_ASYNC_REPLY, message, effects, body)

    def _set_async(self, connection: int, message: bytes, _now: float, _effects: Effects) -> None:
        _require(message, 32)
        self._connections[connection].wants = list(struct.unpack_from("!6I", message, 8))

    def _ignore(self, _connection: int, _message: bytes, _now: float, _effects: Effects) -> None:
        """An answer or a complaint of the controller asks for nothing."""


def _require(message: bytes, size: int) -> None:
    if len(message) < size:
        raise Refused(Fault.BAD_LENGTH)


def _check_hello(message: bytes) -> None:
    """Version 1.3 must be among those that are offered (§6.3.1)."""
    offered = message[0] >= VERSION
    if len(message) >= 16 and u16(message, 8) == 1:
        offered = bool(u32(message, 12) >> VERSION & 1)
    if not offered:
        raise Refused(Fault.HELLO_INCOMPATIBLE)


_HANDLERS: dict[int, Callable[[Switch, int, bytes, float, Effects], None]] = {
    ERROR: Switch._ignore, ECHO_REQUEST: Switch._echo, ECHO_REPLY: Switch._ignore,
    FEATURES_REQUEST: Switch._features, GET_CONFIG_REQUEST: Switch._get_config, SET_CONFIG: Switch._set_config,
    PACKET_OUT: Switch._packet_out, FLOW_MOD: Switch._flow_mod, GROUP_MOD: Switch._group_mod,
    PORT_MOD: Switch._port_mod, MULTIPART_REQUEST: Switch._multipart, BARRIER_REQUEST: Switch._barrier,
    ROLE_REQUEST: Switch._role, GET_ASYNC_REQUEST: Switch._get_async, SET_ASYNC: Switch._set_async,
}  # fmt: skip
_UNHANDLED = {EXPERIMENTER: Fault.BAD_EXPERIMENTER, METER_MOD: Fault.OUT_OF_METERS}
