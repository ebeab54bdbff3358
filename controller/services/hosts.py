"""Where every host is and which addresses it has, learned from the frames that switches hand up.

**Place.** A MAC is at the edge port where its latest frame came in; a move is followed with that frame. What comes in
by a link between switches says nothing. Multicast, broadcast and zero sources, and frames that bridges do not forward
(01-80-C2-00-00-0x), are not hosts'. A MAC has one place: one that is really at two ports (bonded without LACP) is
followed back and forth, as long as it changes less often than the flap rule allows. A host may have many addresses.

**Flapping.** A MAC that would move more than ``moves`` times within a second (a loop, a spoofer) is put back where it
was before, and held there for ``hold`` seconds; what it says elsewhere meanwhile is not believed.

**Addresses** come from claims (`controller.services.neighbours`). A firm claim takes an address from whoever had it,
since that is how a failover works; if that host spoke in the last ``contested`` seconds the conflict is reported. One
that changes hands too often stays where it is for ``hold`` seconds. What traffic suggests takes nothing from anybody: a
router sends other people's addresses.

**Ageing.** A host that is silent for ``idle`` seconds is asked, at its own port, and dropped if it does not answer; one
without an address cannot be asked and is dropped at once. Rules in the switches keep traffic away from the controller,
so a host that talks all the time is asked too, once in ``idle``; `refresh` spares it that.

**Ports and switches that go away** take their hosts with them only after a grace, so a flapping link forgets nobody
and a switch that reconnects finds its hosts known. When the port is back, its hosts are asked whether they are.

**Bounds.** At most ``capacity`` hosts are kept: a new one pushes out the longest silent. At most ``port_capacity`` of
them are behind one port: from then on no new ones are learned there, so nobody can push out everybody else's. Both are
reported. 100,000 hosts take about 46 MB.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from controller import model
from controller.model import (
    Event,
    Host,
    HostGone,
    HostMoved,
    HostSeen,
    Location,
    Packet,
    Send,
    ip_text,
    mac_text,
)
from controller.services.alarms import AlarmLimiter
from controller.services.host_ageing import Ageing
from controller.services.host_moves import Trails, Verdict
from controller.services.host_table import HostTable, Record
from controller.services.neighbours import Claim, plain_source, read
from controller.services.searches import AskingSettings, Searches
from controller.southbound.frames import is_link_local, is_multicast

_NOTHING: tuple[Event, ...] = ()


class Edges(Protocol):
    """What the topology knows of ports."""

    def is_edge(self, location: Location) -> bool:
        """Whether hosts may be behind this port."""

    def edge_ports(self, dpid: int) -> list[int]:
        """The edge ports of a switch."""


@dataclass(frozen=True, slots=True)
class HostSettings:
    """Times in seconds, numbers above 0. The time of a host's last frame is noted every ``grain`` seconds at most."""

    idle: float = 300.0
    grain: float = 1.0
    moves: int = 5
    hold: float = 10.0
    contested: float = 10.0
    port_grace: float = 5.0
    switch_grace: float = 60.0
    capacity: int = 262_144
    port_capacity: int = 65_536
    addresses: int = 16
    checks_per_tick: int = 2000
    asking: AskingSettings = field(default_factory=AskingSettings)


class HostTurn(NamedTuple):
    """What a tick brought: questions to send, and changes."""

    orders: list[Send]
    events: list[Event]


class Hosts:
    """The hosts, kept true by packets, events and time (seconds, never running back).

    `generation` rises with every change of who is where and has which address: an answer that was worked out under
    one generation holds as long as it stands. `displacements` rises only when a host that was known leaves its place
    or loses an address: an answer about two known hosts holds as long as that stands, however many new ones come.
    """

    def __init__(self, edges: Edges, settings: HostSettings | None = None) -> None:
        self.settings = settings or HostSettings()
        self._edges = edges
        self._table = HostTable(self.settings.addresses)
        self._records = self._table.records
        self._grain = self.settings.grain
        self._never = (bytes(6), self.settings.asking.asker)
        self._switches: set[int] = set()
        self._ageing = Ageing(
            self._table,
            self.settings.asking,
            idle=self.settings.idle,
            grain=self.settings.grain,
            checks=self.settings.checks_per_tick,
        )
        self._searches = Searches(self._edge_ports, self.settings.asking)
        self._alarms = AlarmLimiter()
        self._trails: Trails[Location] = Trails(self.settings.moves, self.settings.hold)
        self._claimed: Trails[bytes] = Trails(self.settings.moves, self.settings.hold)
        self._ports_away: dict[Location, float] = {}
        self._switches_away: dict[int, float] = {}

    # ------------------------------------------------------------ what is known

    @property
    def generation(self) -> int:
        """Counts the changes of places and addresses; a host that is seen again changes nothing."""
        return self._table.generation

    @property
    def displacements(self) -> int:
        """Counts the hosts that left their place or lost an address."""
        return self._table.displacements

    def place(self, mac: bytes) -> Location | None:
        """Where a MAC is."""
        record = self._records.get(mac)
        return None if record is None else record.location

    def by_mac(self, mac: bytes) -> Host | None:
        """The host with this MAC."""
        record = self._records.get(mac)
        return None if record is None else record.host()

    def by_ip(self, ip: bytes) -> Host | None:
        """The host that has this IPv4 (4 bytes) or IPv6 (16 bytes) address."""
        record = self._table.owner(ip)
        return None if record is None else record.host()

    def at(self, location: Location) -> list[Host]:
        """The hosts behind a port, by MAC."""
        return [record.host() for record in self._table.at(location)]

    def is_held(self, mac: bytes, now: float) -> bool:
        """Whether the MAC moved too often and is not believed to be elsewhere for the time being."""
        return self._trails.is_held(mac, now)

    def __iter__(self) -> Iterator[Host]:
        """Every host, the longest silent first."""
        return (record.host() for record in self._table.in_order())

    def __len__(self) -> int:
        return len(self._records)

    # ------------------------------------------------------------ packets

    def observe(self, packet: Packet, now: float) -> Sequence[Event]:
        """Learn from a packet that a switch handed up, before anybody decides about it."""
        frame = packet.frame
        record = self._records.get(frame[6:12])
        if record is not None and record.port == packet.in_port and record.dpid == packet.dpid:
            if now - record.last_seen >= self._grain:
                self._table.seen(record, now)
                record.vlan = 0  # A tagged frame tells it again below.
            source = plain_source(frame)
            if source == b"" or source in record.addresses:
                return _NOTHING
        return self._learn(packet, record, now)

    def refresh(self, mac: bytes, now: float) -> None:
        """The host is known to talk, from a counter or a rule that ended, though its packet was not seen here."""
        record = self._records.get(mac)
        if record is not None:
            self._table.seen(record, now)

    def _learn(self, packet: Packet, record: Record | None, now: float) -> Sequence[Event]:
        frame, location = packet.frame, packet.location
        mac = frame[6:12]
        if len(frame) < 14 or is_multicast(mac) or mac in self._never:
            return _NOTHING
        if is_link_local(frame[:6]) or not self._edges.is_edge(location):
            return _NOTHING
        events: list[Event] = []
        new = record is None
        if record is None:
            record = self._admit(mac, location, now, events)
            if record is None:
                return events
        elif record.location != location and not self._follow(record, location, now, events):
            return events
        vlan, claims = read(frame)
        record.vlan = vlan
        told: list[bytes] = []
        for claim in claims:
            self._hear(claim, location, now, events, told)
        if new and mac not in told:
            told.insert(0, mac)
        events += [HostSeen(self._records[each].host()) for each in told]
        for claim in claims:
            if claim.ip in self._searches:
                events += self._found(claim.ip)
        return events

    def _admit(self, mac: bytes, location: Location, now: float, events: list[Event]) -> Record | None:
        """A new host, if there is room behind the port."""
        settings = self.settings
        if self._table.count_at(location) >= settings.port_capacity:
            if self._alarms.due("too-many-hosts", location, now):
                text = f"more than {settings.port_capacity} hosts behind one port: new ones are not learned there"
                events.append(model.Alarm("too-many-hosts", location, text))
            return None
        if len(self._records) >= settings.capacity:
            if self._alarms.due("host-table-full", location, now):
                text = f"{settings.capacity} hosts are known: each new one pushes out the longest silent"
                events.append(model.Alarm("host-table-full", location, text))
            self._drop(self._ageing.longest_silent(), "pushed out of the full table", events)
        return self._table.add(mac, location, now)

    # ------------------------------------------------------------ moves

    def _follow(self, record: Record, location: Location, now: float, events: list[Event]) -> bool:
        """A known host is seen elsewhere. Move it there unless it moves too often; say whether it is there now."""
        verdict = self._trails.judge(record.mac, record.location, now)
        if verdict is Verdict.FOLLOW:
            self._move(record, location, now, events)
            return True
        if verdict is Verdict.HOLD:
            home = self._trails.before(record.mac)[0]
            if home != record.location and self._edges.is_edge(home):
                self._move(record, home, now, events)
        self._report_flapping(record, location, now, events)
        return record.location == location

    def _move(self, record: Record, location: Location, now: float, events: list[Event]) -> None:
        left = record.location
        self._table.move(record, location)
        self._table.seen(record, now)
        events.append(HostMoved(record.host(), left))

    def _report_flapping(self, record: Record, location: Location, now: float, events: list[Event]) -> None:
        if self._alarms.due("flapping-host", record.mac, now):
            text = (
                f"{mac_text(record.mac)} moves more than {self.settings.moves} times a second: "
                f"held at {record.location} for {self.settings.hold:g} s"
            )
            events.append(model.Alarm("flapping-host", location, text))

    # ------------------------------------------------------------ addresses

    def _hear(self, claim: Claim, location: Location, now: float, events: list[Event], told: list[bytes]) -> None:
        """Believe a claim or not; ``told`` are the hosts whose addresses changed."""
        record = self._records.get(claim.mac)
        if record is None:
            return
        table = self._table
        owner = table.owner(claim.ip)
        if owner is record:
            if claim.firm:
                table.hearsay.discard(claim.ip)
            return
        if not claim.firm and (owner is not None or len(record.addresses) >= self.settings.addresses):
            return
        if owner is not None:
            if claim.ip not in table.hearsay and now - owner.last_seen < self.settings.contested:
                self._report_conflict(claim, owner, location, now, events)
            if self._claimed.judge(claim.ip, owner.mac, now) is not Verdict.FOLLOW:
                return
            told += [owner.mac] * (owner.mac not in told)
        table.assign(record, claim.ip, firm=claim.firm)
        told += [record.mac] * (record.mac not in told)

    def _report_conflict(
        self, claim: Claim, owner: Record, location: Location, now: float, events: list[Event]
    ) -> None:
        if self._alarms.due("address-conflict", claim.ip, now):
            text = f"{mac_text(claim.mac)} claims {ip_text(claim.ip)} of {mac_text(owner.mac)} at {owner.location}"
            events.append(model.Alarm("address-conflict", location, text))

    def find(self, ip: bytes, now: float, packet: Packet | None = None, vlan: int = 0) -> list[Send]:
        """Look for the host that has ``ip``; what is to be sent for it. Nothing to do where it is known.

        The search ends with a SearchEnded, from `observe` or `tick`, that brings back the ``packet`` that waits.
        """
        return [] if self._table.owner(ip) is not None else self._searches.find(ip, now, packet, vlan)

    def _found(self, ip: bytes) -> list[Event]:
        owner = self._table.owner(ip)
        return [] if owner is None else [self._searches.found(ip, owner.host())]

    def _edge_ports(self) -> Iterator[tuple[int, list[int]]]:
        return ((dpid, self._edges.edge_ports(dpid)) for dpid in sorted(self._switches))

    # ------------------------------------------------------------ switches, ports, links

    def apply(self, event: Event, now: float) -> list[Event]:
        """Take in what happened to a switch, port or link, and tell what follows for the hosts."""
        events: list[Event] = []
        match event:
            case model.SwitchUp(dpid=dpid, ports=ports):
                self._switches.add(dpid)
                self._switches_away.pop(dpid, None)
                up = {port.number for port in ports if port.up}
                for number in self._table.ports_with_hosts(dpid):
                    self._port_changed(Location(dpid, number), number in up, now)
            case model.SwitchDown(dpid=dpid):
                self._switches.discard(dpid)
                self._switches_away[dpid] = now + self.settings.switch_grace
            case model.PortChanged(dpid=dpid, port=port):
                self._port_changed(Location(dpid, port.number), port.up, now)
            case model.PortGone(dpid=dpid, port=port):
                self._port_changed(Location(dpid, port.number), False, now)
            case model.LinkUp(link=link):
                self._clear(link.source, now, events)
                self._clear(link.target, now, events)
        return events

    def _port_changed(self, location: Location, up: bool, now: float) -> None:
        if not up:
            if self._table.count_at(location):
                self._ports_away.setdefault(location, now + self.settings.port_grace)
        elif self._ports_away.pop(location, None) is not None:
            for record in self._table.at(location):
                self._ageing.doubt(record, now)

    def _clear(self, location: Location, now: float, events: list[Event]) -> None:
        """The port leads to a switch: whoever was learned there is where it was before, or nobody knows where."""
        for record in self._table.at(location):
            before = reversed(self._trails.before(record.mac))
            home = next((left for left in before if left != location and self._edges.is_edge(left)), None)
            if home is None:
                self._drop(record, "its port leads to a switch", events)
            else:
                self._move(record, home, now, events)

    # ------------------------------------------------------------ time

    def tick(self, now: float) -> HostTurn:
        """What time brings: questions to silent hosts, hosts that are gone, searches. Called every second or so."""
        turn = HostTurn([], [])
        self._give_up_places(now, turn.events)
        for record in self._ageing.tick(now, turn.orders):
            self._drop(record, "silent", turn.events)
        self._searches.tick(now, turn.orders, turn.events)
        self._trails.expire(now)
        self._claimed.expire(now)
        self._alarms.forget(now)
        return turn

    def _give_up_places(self, now: float, events: list[Event]) -> None:
        for location in [location for location, until in self._ports_away.items() if until <= now]:
            del self._ports_away[location]
            for record in self._table.at(location):
                self._drop(record, "its port went down", events)
        for dpid in [dpid for dpid, until in self._switches_away.items() if until <= now]:
            del self._switches_away[dpid]
            for number in self._table.ports_with_hosts(dpid):
                for record in self._table.at(Location(dpid, number)):
                    self._drop(record, "its switch left", events)

    def _drop(self, record: Record, reason: str, events: list[Event]) -> None:
        events.append(HostGone(record.host(), reason))
        self._table.remove(record)
        self._trails.forget(record.mac)
        self._ageing.forget(record.mac)
