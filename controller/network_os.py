"""The network operating system: what is known, who is asked, what is ordered. No Ryu, no socket, no clock.

Bytes of the switches go in, bytes for the switches come out; the Ryu application drives it over TCP, a simulator or
a test drives it in memory.
"""

from __future__ import annotations

import logging
import secrets
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from math import inf
from typing import NamedTuple

from controller.apps import App
from controller.model import (
    NO_BUFFER,
    Decision,
    Event,
    FlowRemoved,
    Location,
    Order,
    Packet,
    PortChanged,
    PortGone,
    RoutesChanged,
    SwitchDown,
    SwitchError,
    SwitchReady,
    SwitchSettled,
    SwitchUp,
    TreeChanged,
    dpid_text,
)
from controller.services.event_log import EventLog
from controller.services.flooding import FloodTree
from controller.services.guard import Guard
from controller.services.hosts import Hosts
from controller.services.inventory import Inventory
from controller.services.network import Network
from controller.services.paths import Paths
from controller.services.rules import Outgoing, Rules
from controller.services.statistics import Statistics
from controller.services.topology import Topology
from controller.southbound import lldp, openflow
from controller.southbound.replies import BarrierReply, MultipartReply

log = logging.getLogger("controller.network_os")

OWN = 0
"""The number that stands for the network operating system itself in a cookie; applications count from 1."""

LATE = 10.0
"""Seconds after which a switch that did not answer its first barrier is worth a line in the log."""

HOSTS_TICK = 1.0
"""Seconds between two looks at the hosts: who is silent, who is searched for."""

LLDP = lldp.ETHERTYPE.to_bytes(2)
LOCAL_EXPERIMENT = b"\x88\xb5"
"""An EtherType that says nothing of addresses (IEEE 802 §9.2.3)."""

Listener = Callable[[Event, float], None]


class Decided(NamedTuple):
    """One decision as it is remembered, about the packet that asked or the change that was told."""

    number: int
    app: str
    decision: Decision
    about: Packet | Event | None
    time: float


class NetworkOS:
    """Switches on one side, applications on the other, services between.

    What comes from a switch returns the messages that it causes. Times (``now``) are seconds and never run back.
    """

    def __init__(
        self,
        apps: Sequence[App],
        *,
        remembered: int = 1000,
        secret: bytes | None = None,
        keep_foreign: bool = False,
        earlier: Callable[[], None] = lambda: None,
    ) -> None:
        """``secret`` signs the probes, random if None; ``keep_foreign`` leaves rules alone that somebody else wrote.

        ``earlier`` is called when `next_due` came nearer by itself.
        """
        self.apps = tuple(apps)
        self.inventory = Inventory()
        self.rules = Rules(("flowpath", *(app.name for app in apps)), keep_foreign=keep_foreign)
        topology = Topology(secret or secrets.token_bytes(32))
        self.network = Network(
            inventory=self.inventory,
            topology=topology,
            paths=Paths(),
            tree=FloodTree(),
            hosts=Hosts(topology),
            statistics=Statistics(),
        )
        self._log = EventLog(self.network)
        self.guard = Guard(topology.is_edge)
        self.failures: Counter[str] = Counter()
        self._topology = topology
        self._hosts = self.network.hosts
        self._decided: deque[Decided] = deque(maxlen=remembered)
        self._number = 0
        self._listeners: list[Listener] = []
        self._connected: dict[int, int] = {}
        self._settling: set[int] = set()
        self._late: set[int] = set()
        self._hosts_due = 0.0
        self._earlier = earlier
        self._announced = 0.0

    # ------------------------------------------------------------ from the switches

    def switch_up(self, switch: SwitchUp, now: float) -> Outgoing:
        """A switch is ready for orders. It is read first; what applications order meanwhile it gets afterwards."""
        self._connected[switch.dpid] = number = self._next_number()
        self._decided.append(Decided(number, "flowpath", Decision("a switch is asked what it holds"), switch, now))
        return self.rules.connect(switch.dpid, number) + self.dispatch(switch, now)

    def switch_down(self, dpid: int, now: float) -> Outgoing:
        """A switch's connection is gone."""
        self._connected.pop(dpid, None)
        self._late.discard(dpid)
        self._settling.discard(dpid)
        return self.rules.disconnect(dpid) + self.dispatch(SwitchDown(dpid), now)

    def packet_in(self, dpid: int, message: bytes, now: float) -> Outgoing:
        """A switch asks about a packet. Raises Malformed when ``message`` is not a PACKET_IN."""
        packet = openflow.packet_in(dpid, message)
        if packet.frame[12:14] == LLDP:
            return self._hear_probe(packet, now)
        if not self.guard.admit(dpid, packet.in_port):
            return self._drop(packet)
        seen = self._hosts.observe(packet, now)
        outgoing = self._dispatch(seen, now) if seen else []
        for index, app in enumerate(self.apps, 1):
            try:
                decision = app.packet_in(packet, self.network, now)
                if decision is not None:
                    ordered = self._carry_out(index, app, decision, packet, now)
                    return outgoing + ordered if outgoing else ordered
            except Exception:
                self._failed(app, packet)
        return outgoing + self._drop(packet)

    def _hear_probe(self, packet: Packet, now: float) -> Outgoing:
        outgoing = self._dispatch(self._topology.receive(packet, now), now)
        return outgoing + self._drop(packet)

    def _drop(self, packet: Packet) -> Outgoing:
        return [] if packet.buffer_id == NO_BUFFER else self.rules.carry_out(0, OWN, Decision(""), packet)

    def message(self, dpid: int, message: bytes, now: float) -> Outgoing:
        """Whatever else a switch says. Raises Malformed when that is not OpenFlow 1.3."""
        value = openflow.decode(dpid, message)
        match value:
            case Packet():
                return self.packet_in(dpid, message, now)
            case BarrierReply(xid):
                return self._done(dpid, xid, now)
            case MultipartReply():
                if not self.rules.found(dpid, value):
                    self.network.statistics.receive(dpid, value, now)
                return []
            case SwitchError():
                turn = self.rules.refused(value, now)
                return turn.outgoing + self._dispatch((value, *turn.events), now)
            case PortChanged(_, port) if port == self.network.port(Location(dpid, port.number)):
                return []  # Switches say the same several times.
            case FlowRemoved() | PortChanged() | PortGone():
                return self.dispatch(value, now)
        return []

    def _done(self, dpid: int, number: int, now: float) -> Outgoing:
        """A switch has done all that it was ordered up to this barrier."""
        read_before = self.rules.is_read(dpid)
        turn = self.rules.confirmed(dpid, number, now)
        outgoing = turn.outgoing
        switch = self.inventory.switch(dpid)
        if switch is None or number != self._connected.get(dpid):
            return outgoing + self._dispatch(turn.events, now)
        if not read_before:
            # The barrier bears the number of the decision with which the switch's life here began.
            outgoing += self.rules.ask_whether_done(dpid, number)
            return outgoing + self._dispatch(turn.events, now)
        if not switch.ready:
            return outgoing + self.dispatch(SwitchReady(dpid), now)
        if not switch.settled and self._topology.is_settled(dpid):
            if self.rules.is_done(dpid):
                return outgoing + self.dispatch(SwitchSettled(dpid), now)
            self._settling.add(dpid)
        return outgoing + self._dispatch((), now)

    # ------------------------------------------------------------ time

    @property
    def next_due(self) -> float:
        """When `tick` has something to do next; it may turn out to be nothing."""
        services = (self._topology, self.network.statistics, self.rules, self.guard)
        return min(self._hosts_due, *(service.next_due for service in services))

    def tick(self, now: float, busy: float = 0.0, backlog: int = 0) -> Outgoing:
        """Time has passed. ``busy`` is the share of it in which the caller was, ``backlog`` the packets that wait."""
        self._announced = -inf  # Who is awake need not be called.
        outgoing = self.rules.tick(now)
        outgoing += self._dispatch((), now)
        outgoing += self.network.statistics.tick(now)
        if now >= self._hosts_due:
            self._hosts_due = now + HOSTS_TICK
            hosts = self._hosts.tick(now)
            outgoing += self._order("a silent host is asked", hosts.orders, now)
            outgoing += self._dispatch(hosts.events, now)
            self._find_late(now)
        guard = self.guard.tick(now, busy, backlog)
        outgoing += self._order("the port asks too much", guard.orders, now)
        outgoing += self._dispatch(guard.events, now)
        self._announced = self.next_due
        return outgoing

    def _order(self, reason: str, orders: Sequence[Order], now: float) -> Outgoing:
        """Orders of the network operating system itself."""
        if not orders:
            return []
        decision = Decision(reason, tuple(orders))
        number = self._next_number()
        self._decided.append(Decided(number, "flowpath", decision, None, now))
        return self.rules.carry_out(number, OWN, decision)

    def _find_late(self, now: float) -> None:
        for switch in self.inventory:
            if not switch.ready and switch.dpid not in self._late and now - switch.since > LATE:
                self._late.add(switch.dpid)
                log.warning("switch %s has not carried out its first orders in %g s", dpid_text(switch.dpid), LATE)

    # ------------------------------------------------------------ everything that happens

    def listen(self, listener: Listener) -> None:
        """Have every event told to ``listener``, after services and applications; it must not raise or block."""
        self._listeners.append(listener)

    def dispatch(self, event: Event, now: float) -> Outgoing:
        """The one way of every event: services take it in, applications decide about it, listeners are told.

        What services conclude from it goes the same way, after it.
        """
        return self._dispatch((event,), now)

    def _dispatch(self, events: Iterable[Event], now: float) -> Outgoing:
        outgoing: Outgoing = []
        touched: dict[int, frozenset[int]] = {}
        flooding: set[int] = set()
        pending = list(events)
        discovered = any(isinstance(event, SwitchReady) for event in pending)
        while True:
            concluded = self._take_in(pending, touched, flooding, now)
            for event in pending:
                outgoing += self._tell(event, now)
            if self._topology.next_due <= now:
                turn = self._topology.tick(now)
                concluded += turn.events
                outgoing += [
                    (dpid, openflow.encode(send, 0)) for dpid, probes in turn.probes.items() for send in probes
                ]
            flooding |= self._topology.take_role_changes()
            if not concluded and touched:
                concluded, touched = [RoutesChanged(touched)], {}
            if not concluded and flooding:
                concluded, flooding = [TreeChanged(frozenset(flooding))], set()
                discovered = True
            if not concluded:
                break
            pending = concluded
        if discovered and self.rules.holds_back and self._is_discovered():
            outgoing += self.rules.let_go()
        for dpid in [dpid for dpid in self._settling if not self.rules.concern(dpid)]:
            self._settling.discard(dpid)
            outgoing += self.rules.ask_whether_done(dpid, self._connected[dpid])
        self._come_earlier()
        return outgoing

    def _is_discovered(self) -> bool:
        """Whether it is known of every port what it leads to."""
        return all(self._topology.is_settled(switch.dpid) for switch in self.inventory)

    def _come_earlier(self) -> None:
        due = self.next_due
        if due < self._announced:
            self._announced = due
            self._earlier()

    def _take_in(
        self, events: Sequence[Event], touched: dict[int, frozenset[int]], flooding: set[int], now: float
    ) -> list[Event]:
        """Have the services know what happened, and tell what they conclude from it."""
        concluded: list[Event] = []
        network = self.network
        for event in events:
            self._log.tell(event, self._number)
            self.inventory.apply(event, now)
            concluded += self._topology.apply(event, now)
            concluded += self._hosts.apply(event, now)
            network.statistics.apply(event, now)
            self.guard.apply(event)
            flooding |= network.tree.apply(event)
            concluded += self._look_for_settled(event, now)
        for dpid, switches in network.paths.apply(*events).items():
            touched[dpid] = touched.get(dpid, frozenset()) | switches
        return concluded

    def _look_for_settled(self, event: Event, now: float) -> list[Event]:
        """The switches of which everything is known by this will be asked whether they have carried out everything.

        The hosts of which their rules speak are taken for known: nobody has to say a word after a restart.
        """
        match event:
            case SwitchReady(dpid):
                candidates: Iterable[int] = (dpid,)
            case TreeChanged(switches):
                candidates = switches
            case _:
                return []
        seen: list[Event] = []
        for dpid in candidates:
            switch = self.inventory.switch(dpid)
            if switch is not None and switch.ready and not switch.settled and self._topology.is_settled(dpid):
                self._settling.add(dpid)
                for port, mac in self.rules.sources(dpid):
                    if self._hosts.place(mac) is None:
                        seen += self._hosts.observe(Packet(dpid, port, mac + mac + LOCAL_EXPERIMENT), now)
        return seen

    def _tell(self, event: Event, now: float) -> Outgoing:
        """Ask the applications about an event, and tell the listeners."""
        outgoing: Outgoing = []
        for index, app in enumerate(self.apps, 1):
            try:
                decision = app.event(event, self.network, now)
                if decision is not None:
                    outgoing += self._carry_out(index, app, decision, event, now)
            except Exception:
                self._failed(app, event)
        for listener in self._listeners:
            listener(event, now)
        return outgoing

    def recent(self, last: int) -> list[Decided]:
        """The latest decisions, at most ``last`` of them, the oldest first."""
        return list(islice(reversed(self._decided), last))[::-1]

    # ------------------------------------------------------------ decisions

    def _next_number(self) -> int:
        self._number = self._number % 0x7FFFFFFF + 1  # The upper half belongs to the statistics.
        return self._number

    def _carry_out(self, index: int, app: App, decision: Decision, about: Packet | Event, now: float) -> Outgoing:
        number = self._next_number()
        packet = about if isinstance(about, Packet) else None
        outgoing = self.rules.carry_out(number, index, decision, packet, now)
        self._decided.append(Decided(number, app.name, decision, about, now))
        if decision.then:
            self._come_earlier()
        if log.isEnabledFor(logging.DEBUG):
            log.debug("decision %d, %s: %s (%s)", number, app.name, decision.reason, about)
        return outgoing

    def _failed(self, app: App, about: Packet | Event) -> None:
        """An application raised: say which and about what in full the first time, in one line from then on."""
        self.failures[app.name] += 1
        count = self.failures[app.name]
        log.error("application %s failed (%d so far) about %s", app.name, count, about, exc_info=count == 1)
