"""ARP and neighbour discovery without broadcast: answered by the controller when it knows, else asked at edge ports.

A question that nobody here can answer goes out of every edge port but the one it came by, never over a link, and not
faster than the network bears it. What is for an unknown station goes the same way.
"""

from __future__ import annotations

from typing import NamedTuple

from controller.model import Decision, Host, Output, Packet, Send, ip_text, mac_text
from controller.services.network import Network
from controller.services.searches import Budget
from controller.southbound.frames import Headers, arp_reply, neighbour_advertisement

_ASK = 1
_SOLICITATION = 135
_NOBODY = (bytes(4), bytes(16))

PATIENCE = 0.5
"""Seconds before the same question of the same station is carried through the network again."""
PORTS_PER_SECOND = 4000.0
REMEMBERED = 4096


class Question(NamedTuple):
    """Who has ``target``? asked by the station ``mac``, which has ``ip``."""

    target: bytes
    mac: bytes
    ip: bytes


def question(headers: Headers) -> Question | None:
    """What an ARP request or a neighbour solicitation asks; None of any other frame."""
    arp, neighbour, ip = headers.arp, headers.neighbour, headers.ip
    if arp is not None and arp.op == _ASK:
        return Question(arp.tpa, headers.eth_src, arp.spa)
    if neighbour is not None and ip is not None and neighbour.type == _SOLICITATION:
        return Question(neighbour.target, headers.eth_src, ip.src)
    return None


class Asking:
    """Who asked for what lately, and how much of the network's patience is left."""

    def __init__(self) -> None:
        self._lately: dict[bytes, float] = {}
        self._budget = Budget(PORTS_PER_SECOND)

    def decide(self, asked: Question, packet: Packet, headers: Headers, network: Network, now: float) -> Decision:
        """Answer a question, or carry it to where it may be answered."""
        name = ip_text(asked.target)
        known = network.hosts.by_ip(asked.target)
        if asked.ip in _NOBODY or asked.ip == asked.target:
            return self.carry(packet, network, now, f"{mac_text(asked.mac)} announces {name}")
        if known is None or known.mac == asked.mac:
            return self.carry(packet, network, now, f"nobody knows yet who has {name}")
        if known.location == packet.location:
            return Decision(f"{name} hears the question itself", release=())
        if network.paths.distance(packet.dpid, known.location.dpid) is None:
            return Decision(f"{name} is behind {known.location}, and no way leads there: no answer")
        reply = Send(packet.dpid, (Output(packet.in_port),), _reply(known, asked, headers))
        return Decision(f"{name} is {mac_text(known.mac)}: the controller answers for it", (reply,))

    def carry(self, packet: Packet, network: Network, now: float, why: str) -> Decision:
        """Send a frame out of every edge port but its own, unless that has just been done."""
        key = packet.frame[:64]
        if self._lately.get(key, now) > now:
            return Decision(f"{why}; asked a moment ago, the answer is on its way")
        sends = []
        for switch in network.switches():
            ports = network.topology.edge_ports(switch.dpid)
            outputs = tuple(Output(port) for port in ports if (switch.dpid, port) != packet.location)
            if outputs:
                sends.append(Send(switch.dpid, outputs, packet.frame))
        if not self._budget.spend(sum(len(send.actions) for send in sends), now):
            return Decision(f"{why}; too many ask that, not carried further")
        while len(self._lately) >= REMEMBERED:
            del self._lately[next(iter(self._lately))]
        self._lately[key] = now + PATIENCE
        return Decision(f"{why}: ask at every edge port, and nowhere else", tuple(sends))


def _reply(known: Host, asked: Question, headers: Headers) -> bytes:
    if len(asked.target) == 4:
        reply = arp_reply(known.mac, asked.target, asked.mac, asked.ip)
    else:
        reply = neighbour_advertisement(known.mac, asked.target, asked.mac, asked.ip)
    if not headers.vlans:
        return reply
    tags = b"".join(b"\x81\x00" + tag.to_bytes(2, "big") for tag in headers.vlans)
    return reply[:12] + tags + reply[12:]
