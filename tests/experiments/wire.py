"""OpenFlow messages made by hand: a learning-switch controller and its switches on paper, message by message."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address
from itertools import pairwise
from typing import Any

from experiments.story import Pings, Rule, Story, rule_of, tell
from experiments.story.exchanges import COOKIE_MARK
from experiments.story.tables import FLOOD
from experiments.story.wiring import Place, Wiring

NO_BUFFER = 0xFFFFFFFF
BEGIN = 1_700_000_000.0
SECOND = BEGIN + 1.0
END = BEGIN + 2.0
BROADCAST = b"\xff" * 6


@dataclass(frozen=True)
class Made:
    """A message as `experiments.story.values.Seen` asks for it."""

    time: float
    dpid: int
    from_switch: bool
    name: str
    xid: int
    fields: Mapping[str, Any]
    length: int = 100


def mac(text: str) -> bytes:
    return bytes.fromhex(text.replace(":", ""))


def arp(operation: int, source: tuple[str, str], target: tuple[str, str]) -> bytes:
    """An ARP frame between (mac, ip) pairs; a request goes to everyone."""
    asking = operation == 1
    ethernet = (BROADCAST if asking else mac(target[0])) + mac(source[0]) + struct.pack("!H", 0x0806)
    body = struct.pack("!HHBBH", 1, 0x0800, 6, 4, operation) + mac(source[0]) + IPv4Address(source[1]).packed
    return ethernet + body + (b"\0" * 6 if asking else mac(target[0])) + IPv4Address(target[1]).packed


def echo(kind: int, source: tuple[str, str], target: tuple[str, str], sequence: int = 1) -> bytes:
    """An ICMP echo frame, checksums left out."""
    ethernet = mac(target[0]) + mac(source[0]) + struct.pack("!H", 0x0800)
    icmp = struct.pack("!BBHHH", kind, 0, 0, 77, sequence) + b"\0" * 48
    addresses = IPv4Address(source[1]).packed + IPv4Address(target[1]).packed
    return ethernet + struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(icmp), 0, 0, 64, 1, 0) + addresses + icmp


@dataclass
class Wire:
    """A network whose switches ask about every packet that they have no rule for, and the controller that answers.

    ``ours``: orders bear decision numbers as Flowpath's do; otherwise xids and cookies say nothing. What a test changes
    is ``messages``, before it asks for the `story`.
    """

    graph: Any
    ours: bool = True
    buffers: bool = False
    source: str = "h1"
    target: str = "h3"
    messages: list[Made] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.wiring = Wiring(self.graph)
        self.now = BEGIN - 0.5
        self.decision = 0
        self.rules: dict[str, dict[Any, Rule]] = {}
        self.seen: dict[str, dict[bytes, int]] = {}
        for node, about in self.graph.nodes(data=True):
            if about["kind"] == "switch":
                self.rules[node], self.seen[node] = {}, {}
                cookie = COOKIE_MARK << 56 if self.ours else 0
                self.flow_mod(node, {}, 0xFFFFFFFD, priority=0, cookie=cookie)
        self.now = BEGIN
        self.ping()
        self.before = self.report()
        self.now = SECOND
        self.ping(arp_first=False)
        self.after = self.report()

    # ------------------------------------------------------------ what happens

    def ping(self, *, arp_first: bool = True) -> None:
        here, there = ((self.wiring.mac(name), self.wiring.ip(name)) for name in (self.source, self.target))
        if arp_first:
            self.send(self.source, arp(1, here, there))
            self.send(self.target, arp(2, there, here))
        self.send(self.source, echo(8, here, there))
        self.send(self.target, echo(0, there, here))

    def send(self, host: str, frame: bytes) -> None:
        """A frame from a host, handed on until nobody has it any more."""
        waiting = [self.wiring.access(host)]
        while waiting:
            place = waiting.pop(0)
            for port in self.arrive(place, frame):
                peer = self.wiring.peer(place.node, port)
                if peer and self.wiring.is_switch(peer.node):
                    waiting.append(peer)

    def arrive(self, place: Place, frame: bytes) -> list[int]:
        """A frame at a switch; the ports that it leaves by."""
        key = (place.port, frame[0:6].hex(":"), frame[6:12].hex(":"))
        if key in self.rules[place.node]:
            rule = self.rules[place.node][key]
            self.rules[place.node][key] = replace(rule, packets=(rule.packets or 0) + 1)
            return [action["port"] for action in rule.actions]
        return self.ask(place, frame)

    def ask(self, place: Place, frame: bytes) -> list[int]:
        switch, in_port = place
        buffer = 256 + len(self.messages) if self.buffers else NO_BUFFER
        self.packet_in(switch, in_port, frame, buffer)
        self.decision += 1
        known = self.seen[switch]
        known[frame[6:12]] = in_port
        out = known.get(frame[0:6])
        data = "" if self.buffers else frame.hex()
        if out is not None:
            match = {"in_port": in_port, "eth_dst": frame[0:6].hex(":"), "eth_src": frame[6:12].hex(":")}
            cookie = COOKIE_MARK << 56 | 1 << 48 | self.decision if self.ours else 0
            rule = self.flow_mod(switch, match, out, cookie=cookie)
            self.rules[switch][in_port, match["eth_dst"], match["eth_src"]] = rule
        self.packet_out(switch, in_port, FLOOD if out is None else out, data, buffer)
        if out is None:
            return [port for port in self.wiring.ports(switch) if port != in_port]
        return [out]

    # ------------------------------------------------------------ what is said

    def say(self, switch: str, name: str, fields: Mapping[str, Any], *, xid: int, from_switch: bool = False) -> None:
        self.now += 0.0001
        self.messages.append(Made(self.now, self.wiring.dpid(switch), from_switch, name, xid, fields))

    def packet_in(self, switch: str, in_port: int, frame: bytes, buffer: int = NO_BUFFER) -> None:
        fields = {
            "buffer_id": buffer, "total_len": len(frame), "reason": "NO_MATCH", "table_id": 0, "cookie": 0,
            "match": {"in_port": in_port}, "data": frame.hex(),
        }  # fmt: skip
        self.say(switch, "PACKET_IN", fields, xid=0, from_switch=True)

    def flow_mod(self, switch: str, match: Mapping[str, Any], out: int, priority: int = 1, cookie: int = 0) -> Rule:
        fields = {
            "command": "ADD", "table_id": 0, "priority": priority, "idle_timeout": 60, "hard_timeout": 0,
            "cookie": cookie, "buffer_id": NO_BUFFER, "match": dict(match), "instructions": applying(out),
        }  # fmt: skip
        self.say(switch, "FLOW_MOD", fields, xid=self.decision if self.ours else 4711)
        return replace(rule_of(fields), packets=0)

    def packet_out(self, switch: str, in_port: int, out: int, data: str, buffer: int = NO_BUFFER) -> None:
        actions = [{"type": "OUTPUT", "port": out, "max_len": 0}]
        fields = {"buffer_id": buffer, "in_port": in_port, "actions": actions, "data": data}
        self.say(switch, "PACKET_OUT", fields, xid=self.decision if self.ours else 4712)

    def report(self) -> dict[str, tuple[Rule, ...]]:
        return {switch: tuple(rules.values()) for switch, rules in self.rules.items()}

    # ------------------------------------------------------------ what a test asks

    def pick(self, name: str, switch: str, kind: str = "ICMP echo request") -> Made:
        """The message of this name between the controller and a switch that is about a packet of the first ping."""
        frame = self._frame(kind)
        at = None
        for message in self.messages:
            if message.dpid != self.wiring.dpid(switch) or message.time < BEGIN:
                continue
            if message.name == "PACKET_IN":
                at = message if message.fields["data"] == frame.hex() else None
            if at and message.name == name:
                return message
        raise LookupError(f"no {name} about the {kind} at {switch}")

    def without(self, *messages: Made) -> Story:
        """The story of a capture that lacks these messages."""
        return self.story([message for message in self.messages if message not in messages])

    def story(self, messages: Iterable[Made] | None = None) -> Story:
        pings = Pings(self.source, self.target, BEGIN - 0.1, SECOND, END)
        return tell(self.messages if messages is None else messages, self.graph, pings, self.before, self.after)

    def _frame(self, kind: str) -> bytes:
        here, there = ((self.wiring.mac(name), self.wiring.ip(name)) for name in (self.source, self.target))
        frames = {
            "ARP request": arp(1, here, there),
            "ARP reply": arp(2, there, here),
            "ICMP echo request": echo(8, here, there),
            "ICMP echo reply": echo(0, there, here),
        }
        return frames[kind]


def applying(*ports: int) -> list[dict[str, Any]]:
    """Instructions that send a packet to these ports."""
    return [{"type": "APPLY_ACTIONS", "actions": [{"type": "OUTPUT", "port": port, "max_len": 0} for port in ports]}]


@dataclass
class Routed(Wire):
    """A controller that knows the network: it answers ARP itself, and gives a whole way its rules at one query."""

    way: tuple[str, ...] = ()
    answers_arp: bool = True

    def ping(self, *, arp_first: bool = True) -> None:
        here, there = ((self.wiring.mac(name), self.wiring.ip(name)) for name in (self.source, self.target))
        if not arp_first:
            for rules in self.rules.values():
                rules.update({key: replace(rule, packets=(rule.packets or 0) + 1) for key, rule in rules.items()})
            return
        asking = self.wiring.access(self.source)
        self.packet_in(*asking, arp(1, here, there))
        self.decision += 1
        if self.answers_arp:
            self.packet_out(asking.node, 0xFFFFFFFD, asking.port, arp(2, there, here).hex())
        else:
            edges = [node for node in self.graph if self.wiring.is_switch(node) and node != asking.node]
            for switch in edges:
                self.packet_out(switch, 0xFFFFFFFD, 1, arp(1, here, there).hex())
            self.route((self.target, *reversed(self.way), self.source), arp(2, there, here))
        self.route((self.source, *self.way, self.target), echo(8, here, there))
        self.route((self.target, *reversed(self.way), self.source), echo(0, there, here))

    def route(self, path: tuple[str, ...], frame: bytes) -> None:
        """The first switch asks; rules go out from the last switch to the first, then the packet is released."""
        in_port = self.wiring.access(path[0]).port
        self.packet_in(path[1], in_port, frame)
        self.decision += 1
        cookie = COOKIE_MARK << 56 | 2 << 48 | self.decision if self.ours else 0
        match = {"eth_src": frame[6:12].hex(":"), "eth_dst": frame[0:6].hex(":")}
        for switch, following in reversed(list(pairwise(path[1:]))):
            out = next(port for port in self.wiring.ports(switch) if self.wiring.peer(switch, port)[0] == following)
            self.rules[switch][match["eth_dst"]] = self.flow_mod(switch, match, out, cookie=cookie)
        self.packet_out(path[1], in_port, out, frame.hex())
