"""Hosts under any sequence of frames, failures and time: the indexes agree, and the events tell the whole truth."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from controller.model import (
    Event,
    HostGone,
    HostMoved,
    HostSeen,
    Link,
    LinkUp,
    Location,
    Output,
    Port,
    PortChanged,
    SwitchDown,
    SwitchUp,
)
from controller.services.hosts import Hosts, HostSettings
from controller.services.searches import AskingSettings

from .host_frames import Ports, announce, at, ethernet, ipv4, ipv6, tagged

Known = dict[bytes, tuple[Location, tuple[bytes, ...]]]

SETTINGS = HostSettings(
    idle=20.0, moves=2, hold=3.0, capacity=6, port_capacity=4, addresses=2, switch_grace=8.0,
    asking=AskingSettings(rate=3, rest=4.0, searches=3),
)  # fmt: skip
DPIDS, PORT_NUMBERS = (1, 2, 3), (1, 2, 3)
LOCATIONS = [Location(dpid, number) for dpid in DPIDS for number in PORT_NUMBERS]
MACS = [bytes([2, 0, 0, 0, 0, number]) for number in range(8)] + [b"\xff" * 6, bytes(6)]
ADDRESSES = [bytes([10, 0, 0, number]) for number in range(5)] + [bytes(4), bytes.fromhex("fe80" + "00" * 13 + "07")]

locations = st.sampled_from(LOCATIONS)
macs = st.sampled_from(MACS)
addresses = st.sampled_from(ADDRESSES)


class HostsMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.ports = Ports({dpid: list(PORT_NUMBERS) for dpid in DPIDS})
        self.hosts = Hosts(self.ports, SETTINGS)
        self.now = 0.0
        self.told: Known = {}
        self.seen: set[bytes] = set()
        for dpid in DPIDS:
            self.hosts.apply(SwitchUp(dpid), self.now)

    def take(self, events: Iterable[Event]) -> None:
        """Keep a second account of the hosts, from the events alone."""
        for event in events:
            if isinstance(event, HostSeen):
                self.told[event.host.mac] = (event.host.location, event.host.addresses)
            elif isinstance(event, HostMoved):
                assert self.told[event.host.mac][0] == event.left != event.host.location
                self.told[event.host.mac] = (event.host.location, event.host.addresses)
            elif isinstance(event, HostGone):
                assert self.told.pop(event.host.mac) == (event.host.location, event.host.addresses)

    def known(self) -> Known:
        return {host.mac: (host.location, host.addresses) for host in self.hosts}

    @rule(location=locations, mac=macs, ip=addresses, vlan=st.sampled_from([0, 0, 7]), kind=st.integers(0, 2))
    def frame(self, location: Location, mac: bytes, ip: bytes, vlan: int, kind: int) -> None:
        if kind == 0:
            said = ethernet(mac)
        elif len(ip) == 16:
            said = ipv6(mac, ip)
        else:
            said = announce(mac, ip) if kind == 1 else ipv4(mac, ip)
        before = (self.hosts.generation, self.hosts.displacements, self.known())
        self.take(self.hosts.observe(at(location, tagged(said, vlan) if vlan else said), self.now))
        self.compare(*before)
        if self.ports.is_edge(location) and mac in self.known() and not self.hosts.is_held(mac, self.now):
            assert self.hosts.place(mac) == location

    def compare(self, generation: int, displacements: int, before: Known) -> None:
        """The counters rise exactly when there is a reason."""
        after = self.known()
        lost = any(
            mac not in after or after[mac][0] != place or not set(ips) <= set(after[mac][1])
            for mac, (place, ips) in before.items()
        )
        assert (self.hosts.generation > generation) == (after != before)
        assert (self.hosts.displacements > displacements) == lost

    @rule(location=locations, mac=macs, ip=addresses, kind=st.integers(0, 1))
    def twice(self, location: Location, mac: bytes, ip: bytes, kind: int) -> None:
        """The same frame again, later, is no news and changes nothing."""
        self.frame(location, mac, ip, 0, kind)
        self.now += 0.5
        before = self.hosts.generation
        if not self.hosts.is_held(mac, self.now) and len(self.known().get(mac, (0, ()))[1]) < SETTINGS.addresses:
            self.take(self.hosts.observe(at(location, ethernet(mac)), self.now))
            assert self.hosts.generation == before

    @rule(ip=addresses)
    def find(self, ip: bytes) -> None:
        for order in self.hosts.find(ip, self.now):
            numbers = [action.port for action in order.actions if isinstance(action, Output)]
            assert numbers
            assert all(self.ports.is_edge(Location(order.dpid, number)) for number in numbers)

    @rule(mac=macs)
    def refresh(self, mac: bytes) -> None:
        self.hosts.refresh(mac, self.now)

    @precondition(lambda self: len(self.ports.links) < 6)
    @rule(one=locations, other=locations)
    def cable(self, one: Location, other: Location) -> None:
        self.ports.links |= {one, other}
        self.take(self.hosts.apply(LinkUp(Link(one, other)), self.now))
        assert not self.hosts.at(one) + self.hosts.at(other)

    @rule(location=locations)
    def uncable(self, location: Location) -> None:
        self.ports.links.discard(location)

    @rule(location=locations, up=st.booleans())
    def carrier(self, location: Location, up: bool) -> None:
        event = PortChanged(location.dpid, Port(location.port, "", bytes(6), up))
        self.take(self.hosts.apply(event, self.now))

    @rule(dpid=st.sampled_from(DPIDS), up=st.booleans())
    def switch(self, dpid: int, up: bool) -> None:
        ports = tuple(Port(number, "", bytes(6), True) for number in PORT_NUMBERS)
        self.take(self.hosts.apply(SwitchUp(dpid, ports) if up else SwitchDown(dpid), self.now))

    @rule(seconds=st.sampled_from([0.01, 0.3, 1.0, 5.0, 25.0]))
    def time(self, seconds: float) -> None:
        self.now += seconds
        before = (self.hosts.generation, self.hosts.displacements, self.known())
        turn = self.hosts.tick(self.now)
        self.take(turn.events)
        self.compare(*before)
        for order in turn.orders:
            assert order.dpid in DPIDS

    @invariant()
    def the_indexes_agree(self) -> None:
        everybody = list(self.hosts)
        assert len(everybody) == len(self.hosts) == len({host.mac for host in everybody}) <= SETTINGS.capacity
        for host in everybody:
            assert self.hosts.by_mac(host.mac) == host
            assert self.hosts.place(host.mac) == host.location
            assert host in self.hosts.at(host.location)
            assert len(set(host.addresses)) == len(host.addresses) <= SETTINGS.addresses
            assert all(self.hosts.by_ip(ip) == host for ip in host.addresses)
            assert host.first_seen <= self.now
        placed = [host for location in LOCATIONS for host in self.hosts.at(location)]
        assert sorted(placed) == sorted(everybody)
        owned = [ip for ip in ADDRESSES if self.hosts.by_ip(ip) is not None]
        assert len(owned) == sum(len(host.addresses) for host in everybody)

    @invariant()
    def the_events_told_everything(self) -> None:
        assert self.told == self.known()

    @invariant()
    def nobody_is_a_host_who_cannot_be(self) -> None:
        assert not {b"\xff" * 6, bytes(6)} & set(self.known())
        assert self.hosts.by_ip(bytes(4)) is None

    def teardown(self) -> None:
        """Left alone, every host ages out and nothing of it remains."""
        for _ in range(60):
            self.now += 5.0
            self.take(self.hosts.tick(self.now).events)
        assert self.told == self.known() == {}


HostsMachine.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestHosts = HostsMachine.TestCase
