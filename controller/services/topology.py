"""Which ports of the switches are cabled to each other, found by probes (`controller.southbound.lldp`).

What makes discovery fast is that a probe goes out at once when a port comes up, and at once the other way when a
probe is heard from a port that was not known: one round trip finds a cable. What makes it cheap is that only ports
with a switch behind them are probed often; ports without are asked ever more rarely, down to once in 15 s, because a
switch that appears behind one announces itself.

Figures, with the default settings:

- A silent failure (carrier up, data lost) is noticed at most ``interval + (retries + 1) * patience`` = 0.9 s after it,
  and the caller's tick: a port is probed every 0.75 s, and a probe unanswered for 50 ms is repeated twice at once
  before the link is given up. So three frames in a row must be lost, whatever the interval.
- 80 probes a minute per end of a link and 4 per edge port. Ryu's ``--observe-links`` sends 67 a minute on every port,
  edge or not, up to 1,200 altogether; with more than 18 ports each is probed more rarely, and a silent failure is
  noticed after 10 to 15 s at best. So up to 18 ports Flowpath sends fewer as soon as one port in five is an edge port
  (ring:6 with a host at each switch: 984 a minute against 1,200); beyond, it sends as many as it takes to notice in
  0.9 s on every network.
- The probes of one switch go out together (one batch, one write), those of different switches spread evenly over the
  interval, by the golden ratio, which stays even as switches come and go.

**Time.** Silence is counted in unanswered probes, not in seconds without an answer, so a controller that was paused for
two seconds finds its links up. A link whose probes take longer, because the controller is busy, is given more patience.

**Directions.** A cable is a link, in both directions, while probes cross it both ways. When one direction falls silent
both are taken out: TCP, ARP and the probing itself need both.

**Roles of a port.** A port that came up *listens* for 0.1 s; if no probe is heard, it is an *edge* port, else it is a
*link* port, and stays one until it goes down. Only so is a broadcast never sent into a cable whose other end is not
yet known, or was known and is silent and may heal at any time.

**Deceit.** Only the controller can write a probe (HMAC), and the sequence number is the time of its sending in
microseconds, so one that was kept is known by its age or by having been heard. A host may still carry fresh probes
from one port to another. Such a pair of ports becomes no link when a host was seen behind one of them, unless one end
has only just come up or the same two were linked before. Two silent hosts that relay between two ports from the
beginning cannot be told from a cable. A port that hears its own probes has a reflecting host or a loopback plug, and is
neither edge nor link.

A port has one partner. A segment with a third switch on it is reported, and the third is not linked.
"""

from __future__ import annotations

from collections.abc import Iterator, Set
from typing import NamedTuple

import networkx as nx

from controller import model
from controller.model import Event, Link, Location, Output, Packet, Send
from controller.services.alarms import AlarmLimiter
from controller.services.damping import FlapDamper
from controller.services.probing import Agenda, ProbedPort, Role, TopologySettings, even_phases, next_slot
from controller.southbound.lldp import Forged, Probe, ProbeKey, ProbeWriter, parse

__all__ = ["Role", "Topology", "TopologySettings", "Turn"]

Cable = frozenset[Location]

_HIGHEST_PORT = 0xFFFFFF00
_CAUTION = 4
"""How many times the slowest recent answer is waited for."""


class Turn(NamedTuple):
    """What a tick asks for: probes, one batch per switch, and the changes that time brought."""

    probes: dict[int, list[Send]]
    events: list[Event]


class _Switch:
    __slots__ = ("phase", "ports", "ready")

    def __init__(self, phase: float) -> None:
        self.phase = phase
        self.ready = False
        self.ports: dict[int, ProbedPort] = {}


class Topology:
    """Switches and the links between them, kept true by events, probes and time (seconds, never running back).

    ``graph`` is read by everyone and changed here only: nodes are dpids, the key of an edge is its `Link`, parallel
    links and links of a switch to itself included. ``generation`` rises with every change of graph or role of a port.
    After `apply` and `receive`, and whenever `next_due` has come, `tick` has probes to send.
    """

    def __init__(self, secret: bytes, settings: TopologySettings | None = None) -> None:
        self.graph: nx.MultiDiGraph[int] = nx.MultiDiGraph()
        self.generation = 0
        self.settings = settings or TopologySettings()
        self._key = ProbeKey(secret)
        self._switches: dict[int, _Switch] = {}
        self._damper: FlapDamper[Cable] = FlapDamper(self.settings.damping)
        self._agenda = Agenda()
        self._roles_changed: set[int] = set()
        self._switch_phases, self._port_phases = even_phases(), even_phases()
        self._alarms = AlarmLimiter(self.settings.alarm_interval)

    # ------------------------------------------------------------ what is known

    def links(self) -> Iterator[Link]:
        """Every link in service, each direction by itself."""
        for _, _, link in self.graph.edges(keys=True):
            yield link

    def is_edge(self, location: Location) -> bool:
        """Whether hosts may be behind this port: it is up and no switch was ever heard there."""
        port = self._port(location)
        return port is not None and port.role is Role.EDGE

    def edge_ports(self, dpid: int) -> list[int]:
        """The edge ports of a switch, in ascending order."""
        return self._ports_in(Role.EDGE, dpid)

    def link_ports(self, dpid: int) -> list[int]:
        """The ports of a switch that lead to switches, in ascending order, whether or not the link is in service."""
        return self._ports_in(Role.LINK, dpid)

    def speed(self, link: Link) -> int:
        """What the slower of the link's two ports says it runs at, in kbit/s; 0 when neither says."""
        ends = (self._port(link.source), self._port(link.target))
        return min((end.description.curr_speed for end in ends if end and end.description.curr_speed), default=0)

    def is_settled(self, dpid: int) -> bool:
        """Whether the roles of all ports of a switch are known, and its cables as far as they will be soon."""
        switch = self._switches.get(dpid)
        return switch is not None and not any(
            port.role is Role.LISTENING or port.is_pending(self.settings) for port in switch.ports.values()
        )

    def take_role_changes(self) -> Set[int]:
        """The switches on which a port took on a role or lost it, since this was asked last."""
        changed, self._roles_changed = self._roles_changed, set()
        return changed

    # ------------------------------------------------------------ events

    def apply(self, event: Event, now: float) -> list[Event]:
        """Take in what happened to a switch, port or host, and tell what follows for the links."""
        events: list[Event] = []
        match event:
            case model.SwitchUp(dpid=dpid, ports=ports):
                self._switch_up(dpid, ports, now, events)
            case model.SwitchReady(dpid=dpid) if dpid in self._switches:
                self._switch_ready(self._switches[dpid], now)
            case model.SwitchDown(dpid=dpid) if dpid in self._switches:
                for number in list(self._switches[dpid].ports):
                    self._port_down(Location(dpid, number), "the switch left", now, events, flap=False)
                del self._switches[dpid]
                self._roles_changed.discard(dpid)
                self.graph.remove_node(dpid)
                self.generation += 1
            case model.PortChanged(dpid=dpid, port=port) if dpid in self._switches:
                if port.up:
                    self._port_up(dpid, port, now)
                else:
                    self._port_down(Location(dpid, port.number), "the port went down", now, events)
            case model.PortGone(dpid=dpid, port=port) if dpid in self._switches:
                self._port_down(Location(dpid, port.number), "the port was removed", now, events)
            case model.HostSeen(host=host) | model.HostMoved(host=host):
                place = self._port(host.location)
                if place is not None and place.role is Role.EDGE:
                    place.host = True
        return events

    def receive(self, packet: Packet, now: float) -> list[Event]:
        """Take in an LLDP frame that a switch handed up. Whatever is not a probe of ours is left alone."""
        reading = parse(packet.frame, self._key)
        if isinstance(reading, Probe):
            return self._probed(reading, packet.location, now)
        if isinstance(reading, Forged):
            claim = Location(reading.claim.dpid, reading.claim.port)
            return self._alarm("forged-probe", packet.location, now, f"a forged probe that claims to be from {claim}")
        return []

    # ------------------------------------------------------------ time

    @property
    def next_due(self) -> float:
        """When `tick` has something to do next; infinity for never. It may turn out to be nothing."""
        return self._agenda.next_due

    def tick(self, now: float) -> Turn:
        """The probes that are due, and the links that fell silent."""
        turn = Turn({}, [])
        for due, location in self._agenda.due(now):
            port = self._port(location)
            if port is None or port.due != due:
                continue
            if port.unanswered > self.settings.retries:
                self._fall_silent(port, now, turn.events)
            turn.probes.setdefault(location.dpid, []).append(self._probe(port, now))
            self._agenda.plan(port, self._next_turn(port, now))
        return turn

    def _probe(self, port: ProbedPort, now: float) -> Send:
        if port.writer is None:
            description = port.description
            port.writer = ProbeWriter(self._key, *port.location, description.mac, description.name)
        port.sequence = max(port.sequence + 1, int(now * 1e6))
        port.unanswered += port.answered
        if port.is_pending(self.settings):
            port.trials += 1
            if port.trials == self.settings.trials:
                self._roles_changed.add(port.location.dpid)
        return Send(port.location.dpid, (Output(port.location.port),), port.writer.write(port.sequence))

    def _next_turn(self, port: ProbedPort, now: float) -> float:
        """When a port that was just probed is looked at again."""
        settings = self.settings
        if port.is_pending(settings):
            return now + settings.patience
        if port.unanswered:
            slow = min(_CAUTION * port.answer_time, settings.interval)
            return now + max(settings.patience, slow)
        if port.role is Role.LISTENING:
            if now < port.since + settings.listening:
                return min(now + settings.patience, port.since + settings.listening)
            self._set_role(port, Role.EDGE)
        if port.role is Role.EDGE:
            port.gap *= 2
            if port.gap >= settings.edge_interval:
                return next_slot(now, settings.edge_interval, port.phase)
        wait = 0.0 if port.role is Role.LINK else port.gap
        return next_slot(now + wait, settings.interval, self._switches[port.location.dpid].phase)

    def _set_role(self, port: ProbedPort, role: Role) -> None:
        if port.role is not role:
            port.role = role
            self.generation += 1
            self._roles_changed.add(port.location.dpid)

    # ------------------------------------------------------------ switches and ports

    def _port(self, location: Location) -> ProbedPort | None:
        switch = self._switches.get(location.dpid)
        return switch.ports.get(location.port) if switch else None

    def _ports_in(self, role: Role, dpid: int) -> list[int]:
        switch = self._switches.get(dpid)
        return sorted(number for number, port in switch.ports.items() if port.role is role) if switch else []

    def _switch_up(self, dpid: int, ports: tuple[model.Port, ...], now: float, events: list[Event]) -> None:
        """A switch that was known and connects anew keeps the links of its ports that are still up."""
        if dpid not in self._switches:
            self._switches[dpid] = _Switch(next(self._switch_phases))
            self.graph.add_node(dpid)
        up = {port.number: port for port in ports if port.up}
        for number in [number for number in self._switches[dpid].ports if number not in up]:
            self._port_down(Location(dpid, number), "the port went down", now, events)
        for port in up.values():
            self._port_up(dpid, port, now)
        self._switches[dpid].ready = False
        self.generation += 1

    def _switch_ready(self, switch: _Switch, now: float) -> None:
        """Only now does the switch hand up what it hears."""
        switch.ready = True
        for port in switch.ports.values():
            if port.role is Role.LISTENING:
                port.since = now
            self._agenda.plan(port, now)

    def _port_up(self, dpid: int, description: model.Port, now: float) -> None:
        location = Location(dpid, description.number)
        if description.number >= _HIGHEST_PORT:
            return
        known = self._port(location)
        if known is not None:
            if known.description != description:
                known.description, known.writer = description, None
            return
        port = ProbedPort(location, description, now, next(self._port_phases), self.settings.interval / 2)
        switch = self._switches[dpid]
        switch.ports[description.number] = port
        if switch.ready:
            self._agenda.plan(port, now)
        self.generation += 1

    def _port_down(
        self, location: Location, reason: str, now: float, events: list[Event], *, flap: bool = True
    ) -> None:
        port = self._switches[location.dpid].ports.get(location.port)
        if port is None:
            return
        if port.partner is not None:
            self._part(port, f"{reason} ({location})", now, events, flap=flap)
        del self._switches[location.dpid].ports[location.port]
        self._roles_changed.add(location.dpid)
        self.generation += 1

    # ------------------------------------------------------------ links

    def _probed(self, probe: Probe, target: Location, now: float) -> list[Event]:
        """A genuine probe came up from a port: believe it, or say why not."""
        source = Location(probe.dpid, probe.port)
        if now - probe.sequence / 1e6 > self.settings.oldest:
            return self._alarm("replayed-probe", target, now, f"a probe of {source} that was sent long ago")
        sender, hearer = self._port(source), self._port(target)
        if sender is None or hearer is None or probe.sequence < int(sender.since * 1e6):
            return []  # Sent or heard before a port went down.
        if source == target:
            self._set_role(hearer, Role.LINK)
            return self._alarm("reflected-probe", target, now, "the port hears its own probes")
        if sender.partner not in (None, target) or hearer.partner not in (None, source):
            known = f"{source} is linked to {sender.partner}" if sender.partner else f"it is linked to {hearer.partner}"
            return self._alarm("shared-segment", target, now, f"a probe of {source} is heard, but {known}")
        if probe.sequence <= sender.heard:
            return self._alarm("replayed-probe", target, now, f"a probe of {source} that was heard before")
        if sender.partner is None and self._is_suspicious(sender, hearer, now):
            where = sender.location if sender.host else target
            text = f"a probe of {source}, carried here by a host, it seems: one was seen behind {where}"
            return self._alarm("relayed-probe", target, now, text)
        self._heard(sender, hearer, probe.sequence, now)
        events: list[Event] = []
        if hearer.answered and not self._in_service(sender):
            self._take_into_service(sender, hearer, now, events)
        return events

    def _is_suspicious(self, sender: ProbedPort, hearer: ProbedPort, now: float) -> bool:
        if sender.former == hearer.location or now < max(sender.since, hearer.since) + self.settings.settled:
            return False
        return sender.host or hearer.host

    def _heard(self, sender: ProbedPort, hearer: ProbedPort, sequence: int, now: float) -> None:
        sender.heard = sequence
        if sender.is_pending(self.settings):
            self._roles_changed.add(sender.location.dpid)
        sender.answered = True
        sender.trials = self.settings.trials
        sender.unanswered = 0
        sender.answer_time = max(now - sequence / 1e6, 0.8 * sender.answer_time)
        if sender.partner is None:
            sender.partner, hearer.partner = hearer.location, sender.location
            sender.former, hearer.former = sender.partner, hearer.partner
            self._set_role(sender, Role.LINK)
            self._set_role(hearer, Role.LINK)
            self.generation += 1
            self._agenda.plan(hearer, now)
        self._agenda.plan(sender, self._next_turn(sender, now))

    def _in_service(self, port: ProbedPort) -> bool:
        if port.partner is None:
            return False
        return self.graph.has_edge(port.location.dpid, port.partner.dpid, Link(port.location, port.partner))

    def _take_into_service(self, port: ProbedPort, partner: ProbedPort, now: float, events: list[Event]) -> None:
        if self._damper.held(frozenset((port.location, partner.location)), now):
            return
        for link in _both_ways(port.location, partner.location):
            self.graph.add_edge(link.source.dpid, link.target.dpid, link)
            events.append(model.LinkUp(link))
        self.generation += 1

    def _fall_silent(self, port: ProbedPort, now: float, events: list[Event]) -> None:
        """No probe from this port came through. The partners part when the other direction is silent, too."""
        partner = self._port(port.partner) if port.partner else None
        reason = f"no probe comes through from {port.location}"
        port.unanswered = 0
        if partner is not None and partner.answered:
            self._disrupt(port, partner, reason, now, events, flap=True)
            port.answered = False
        else:
            self._part(port, reason, now, events, flap=True)

    def _part(self, port: ProbedPort, reason: str, now: float, events: list[Event], *, flap: bool) -> None:
        partner = self._port(port.partner) if port.partner else None
        if partner is None:
            return
        if port.answered and partner.answered:
            self._disrupt(port, partner, reason, now, events, flap=flap)
        for end in (port, partner):
            end.partner = None
            end.answered = False
            end.unanswered = 0
        self._agenda.plan(partner, self._next_turn(partner, now))
        self.generation += 1

    def _disrupt(
        self, port: ProbedPort, partner: ProbedPort, reason: str, now: float, events: list[Event], *, flap: bool
    ) -> None:
        """A cable that carried probes both ways does so no longer."""
        if self._in_service(port):
            for link in _both_ways(port.location, partner.location):
                self.graph.remove_edge(link.source.dpid, link.target.dpid, link)
                events.append(model.LinkDown(link, reason))
            self.generation += 1
        if flap and self._damper.failed(frozenset((port.location, partner.location)), now):
            text = f"the link to {partner.location} fails again and again; it is held down for a while"
            events.extend(self._alarm("flapping-link", port.location, now, text))

    def _alarm(self, kind: str, location: Location, now: float, text: str) -> list[Event]:
        return [model.Alarm(kind, location, text)] if self._alarms.due(kind, location, now) else []


def _both_ways(one: Location, other: Location) -> tuple[Link, Link]:
    first, second = sorted((one, other))
    return Link(first, second), Link(second, first)
