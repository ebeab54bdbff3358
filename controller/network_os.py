"""The network operating system: what is known, who is asked, what is ordered. No Ryu, no socket, no clock.

Bytes of the switches go in, bytes for the switches come out; the Ryu application drives it over TCP, a simulator or
a test drives it in memory.
"""

from __future__ import annotations

import logging
from collections import Counter, deque
from collections.abc import Callable, Sequence
from itertools import islice
from typing import NamedTuple

from controller.apps import App
from controller.model import (
    NO_BUFFER,
    Alarm,
    Decision,
    Event,
    FlowRemoved,
    Location,
    Packet,
    PortChanged,
    PortGone,
    SwitchDown,
    SwitchError,
    SwitchReady,
    SwitchUp,
    dpid_text,
)
from controller.services.inventory import Inventory
from controller.services.network import Network
from controller.services.rules import Outgoing, Rules
from controller.southbound import openflow
from controller.southbound.replies import BarrierReply

log = logging.getLogger("controller.network_os")

OWN = 0
"""The number that stands for the network operating system itself in a cookie; applications count from 1."""

LATE = 10.0
"""Seconds after which a switch that did not answer its first barrier is worth a line in the log."""

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

    def __init__(self, apps: Sequence[App], *, remembered: int = 1000) -> None:
        self.apps = tuple(apps)
        self.inventory = Inventory()
        self.rules = Rules()
        self.network = Network(self.inventory)
        self.failures: Counter[str] = Counter()
        self._decided: deque[Decided] = deque(maxlen=remembered)
        self._number = 0
        self._listeners: list[Listener] = []
        self._greeted: dict[int, int] = {}
        self._late: set[int] = set()
        self._refused: Counter[tuple[int, int, int]] = Counter()

    # ------------------------------------------------------------ from the switches

    def switch_greeted(self, dpid: int, now: float) -> Outgoing:
        """A switch has said who it is. Before anybody orders anything else, it is emptied of older rules."""
        decision = self.rules.clean_slate(dpid)
        self._greeted[dpid] = number = self._next_number()
        self._decided.append(Decided(number, "flowpath", decision, None, now))
        return self.rules.carry_out(number, OWN, decision)

    def switch_up(self, switch: SwitchUp, now: float) -> Outgoing:
        """A switch is ready for orders: the applications give their first rules, and a barrier ends them."""
        outgoing = [] if switch.dpid in self._greeted else self.switch_greeted(switch.dpid, now)
        outgoing += self.dispatch(switch, now)
        # The barrier bears the number of the decision with which the switch's life here began.
        outgoing.append((switch.dpid, openflow.barrier_request(self._greeted[switch.dpid])))
        return outgoing

    def switch_down(self, dpid: int, now: float) -> Outgoing:
        """A switch's connection is gone."""
        self._greeted.pop(dpid, None)
        self._late.discard(dpid)
        self.rules.forget(dpid)
        return self.dispatch(SwitchDown(dpid), now)

    def packet_in(self, dpid: int, message: bytes, now: float) -> Outgoing:
        """A switch asks about a packet. Raises Malformed when ``message`` is not a PACKET_IN."""
        packet = openflow.packet_in(dpid, message)
        for index, app in enumerate(self.apps, 1):
            try:
                decision = app.packet_in(packet, self.network, now)
                if decision is not None:
                    return self._carry_out(index, app, decision, packet, now)
            except Exception:
                self._failed(app, packet)
        return [] if packet.buffer_id == NO_BUFFER else self.rules.carry_out(0, OWN, Decision(""), packet)

    def message(self, dpid: int, message: bytes, now: float) -> Outgoing:
        """Whatever else a switch says. Raises Malformed when that is not OpenFlow 1.3."""
        value = openflow.decode(dpid, message)
        match value:
            case Packet():
                return self.packet_in(dpid, message, now)
            case BarrierReply(xid) if xid == self._greeted.get(dpid):
                switch = self.inventory.switch(dpid)
                return self.dispatch(SwitchReady(dpid), now) if switch and not switch.ready else []
            case PortChanged(_, port) if port == self.network.port(Location(dpid, port.number)):
                return []  # Switches say the same several times.
            case FlowRemoved() | PortChanged() | PortGone() | SwitchError():
                return self.dispatch(value, now)
        return []

    def tick(self, now: float) -> Outgoing:
        """Time has passed."""
        for switch in self.inventory:
            if not switch.ready and switch.dpid not in self._late and now - switch.since > LATE:
                self._late.add(switch.dpid)
                log.warning("switch %s has not carried out its first orders in %g s", dpid_text(switch.dpid), LATE)
        return []

    # ------------------------------------------------------------ everything that happens

    def listen(self, listener: Listener) -> None:
        """Have every event told to ``listener``, after services and applications; it must not raise or block."""
        self._listeners.append(listener)

    def dispatch(self, event: Event, now: float) -> Outgoing:
        """The one way of every event: services take it in, applications decide about it, listeners are told."""
        self._report(event)
        self.inventory.apply(event, now)
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
        self._number = self._number % 0xFFFFFFFF + 1
        return self._number

    def _carry_out(self, index: int, app: App, decision: Decision, about: Packet | Event, now: float) -> Outgoing:
        number = self._next_number()
        packet = about if isinstance(about, Packet) else None
        outgoing = self.rules.carry_out(number, index, decision, packet)
        self._decided.append(Decided(number, app.name, decision, about, now))
        if log.isEnabledFor(logging.DEBUG):
            log.debug("decision %d, %s: %s (%s)", number, app.name, decision.reason, about)
        return outgoing

    def _failed(self, app: App, about: Packet | Event) -> None:
        """An application raised: say which and about what in full the first time, in one line from then on."""
        self.failures[app.name] += 1
        count = self.failures[app.name]
        log.error("application %s failed (%d so far) about %s", app.name, count, about, exc_info=count == 1)

    def _report(self, event: Event) -> None:
        match event:
            case SwitchUp(dpid, ports, address):
                again = "again " if dpid in self.inventory else ""
                log.info("switch %s connected %sfrom %s:%d, %d ports", dpid_text(dpid), again, *address[:2], len(ports))
            case SwitchReady(dpid):
                log.info("switch %s is ready", dpid_text(dpid))
            case SwitchDown(dpid):
                log.info("switch %s left", dpid_text(dpid))
            case PortChanged(dpid, port):
                known = self.network.port(Location(dpid, port.number))
                if known is None or known.up != port.up:
                    state = "up" if port.up else "down"
                    log.info("switch %s port %d (%s) is %s", dpid_text(dpid), port.number, port.name, state)
            case PortGone(dpid, port):
                log.info("switch %s port %d (%s) was removed", dpid_text(dpid), port.number, port.name)
            case SwitchError(dpid, kind, code, xid) if xid <= self._number:
                self._refused[dpid, kind, code] += 1
                count = self._refused[dpid, kind, code]
                if count & (count - 1) == 0:  # the 1st, 2nd, 4th, 8th ...: an error seldom comes alone
                    text = "switch %s refused what decision %d ordered: error %d/%d, number %d of these"
                    log.warning(text, dpid_text(dpid), xid, kind, code, count)
            case Alarm(kind, location, text):
                log.warning("%s at %s: %s", kind, location, text)
