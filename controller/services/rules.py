"""From a decision to the messages that carry it out: who gets what, in which order, under which number.

**Differences.** What each switch was ordered to hold is known (`controller.services.holdings`); an order for what is
there already costs nothing. A switch that connects is read first and given the differences only
(`controller.services.adoption`).

**Order.** Within a decision: meters and groups, then rules as the application listed them (it lists from the
destination back to the source), then groups and meters that go, then packets. A second stage waits until the first is
confirmed (`controller.services.stages`).

**Numbers.** The number of the decision is the xid of every message and the low half of every cookie. By it a refused
message is traced back to its decision; what was refused does not count as held. When a table is full, flows that have
been there longest are evicted and the refused rule is tried once more.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from controller.model import (
    NO_BUFFER,
    Alarm,
    Cookie,
    Decision,
    Event,
    Install,
    Location,
    Order,
    Packet,
    Remove,
    RemoveGroup,
    RemoveMeter,
    RulesFound,
    Send,
    SetGroup,
    SetMeter,
    SwitchError,
)
from controller.services.adoption import HOLDING, SETTLING, Adoption
from controller.services.alarms import AlarmLimiter
from controller.services.holdings import Holdings, is_flow
from controller.services.stages import PATIENCE, Stage, Stages
from controller.southbound import openflow
from controller.southbound.errors import TABLE_FULL, error_name
from controller.southbound.replies import MultipartReply

Outgoing = list[tuple[int, bytes]]
"""Messages and the switches that they are for (dpid, bytes), in the order in which they must be sent."""

_FIRST: tuple[type, ...] = (SetMeter, SetGroup)
_RULES: tuple[type, ...] = (Install, Remove)
_AFTERWARDS: tuple[type, ...] = (RemoveGroup, RemoveMeter)
_REMOVALS: tuple[type, ...] = (Remove, RemoveGroup, RemoveMeter)

_REMEMBERED = 4096
_NUMBER = 0xFFFFFFFF


class Turn(NamedTuple):
    """What an answer or the time brought."""

    outgoing: Outgoing
    events: list[Event]


class _Given(NamedTuple):
    number: int
    app: int
    decision: Decision


class Rules:
    """What each switch shall hold, and the way there. Time is seconds, never running back.

    ``names`` are those of the applications, by their numbers in cookies; ``keep_foreign`` leaves alone what bears no
    mark of ours.
    """

    def __init__(self, names: Sequence[str] = (), *, keep_foreign: bool = False) -> None:
        self._names = names
        self._keep_foreign = keep_foreign
        self._switches: dict[int, Holdings] = {}
        self._adoptions: dict[int, Adoption] = {}
        self._held: dict[int, float] = {}
        self._settling: dict[int, float] = {}
        self._stages = Stages()
        # Decisions that may still be refused, each in its place of a ring.
        self._given: list[_Given | None] = [None] * _REMEMBERED
        self._retried: deque[tuple[int, int]] = deque(maxlen=_REMEMBERED)
        self._alarms = AlarmLimiter()

    # ------------------------------------------------------------ decisions

    def carry_out(
        self, number: int, app: int, decision: Decision, packet: Packet | None = None, now: float = 0.0
    ) -> Outgoing:
        """The messages of decision ``number`` of application ``app``; ``packet`` is the one that asked, if one did.

        Raises ValueError for an order that no switch could read; nothing of the decision is carried out then.
        """
        if self._stages:
            self._stages.overrule(decision.orders or decision.then)
        if decision.then and decision.orders:
            return self._in_two_stages(number, app, decision, packet, now)
        outgoing = self._order(number, app, decision, decision.orders or decision.then)
        if packet is not None:
            _release(outgoing, number, decision, packet)
        return outgoing

    def _in_two_stages(self, number: int, app: int, decision: Decision, packet: Packet | None, now: float) -> Outgoing:
        if packet is not None and self._stages.join(number, app, decision, packet):
            return []
        for order in decision.then:
            openflow.encode(order, number)  # What cannot be carried out to its end is not begun.
        outgoing = self._order(number, app, decision, decision.orders)
        stage = Stage(number, app, decision, now + PATIENCE, [(number, packet)] if packet else [])
        # Also those that were ordered the same before: whether they have done it is not known.
        awaited = [dpid for dpid in dict.fromkeys(order.dpid for order in decision.orders) if dpid in self._switches]
        if not awaited:
            return outgoing + self._carry_on(stage)
        self._stages.begin(stage, awaited)
        return outgoing + [(dpid, openflow.barrier_request(number)) for dpid in awaited]

    def _carry_on(self, stage: Stage) -> Outgoing:
        outgoing = self._order(stage.number, stage.app, stage.decision, stage.orders())
        for number, packet in stage.packets:
            _release(outgoing, number, stage.decision, packet)
        return outgoing

    def _order(self, number: int, app: int, decision: Decision, orders: tuple[Order, ...]) -> Outgoing:
        """The messages of these orders of a decision, as far as they make a difference."""
        if not orders:
            return []
        cookie = Cookie(app, number).pack()
        first = orders[0]
        if len(orders) == 1 and type(first) is Install and is_flow(first.rule):
            # The way of nearly every packet that a switch asks about.
            holdings = self._switches.get(first.dpid)
            message = openflow.encode(first, number, cookie=cookie)
            self._given[number % _REMEMBERED] = _Given(number, app, decision)
            if holdings is not None:
                holdings.flows.append(first.rule)
            return [(first.dpid, message)]
        given: list[tuple[Order, Holdings | None, bytes]] = []
        removing = False
        for order in orders if len(orders) == 1 else _in_order(orders):
            holdings = self._switches.get(order.dpid)
            removing |= isinstance(order, _REMOVALS)
            if holdings is None or removing or not holdings.has(order):
                given.append((order, holdings, self._encode(order, holdings, number, cookie)))
        # Nothing raises from here on.
        self._given[number % _REMEMBERED] = _Given(number, app, decision)
        outgoing: Outgoing = []
        for order, holdings, message in given:
            if holdings is None or self._take_in(order, holdings, cookie):
                outgoing.append((order.dpid, message))
            elif isinstance(order, Remove):
                flows = self._adoptions[order.dpid].remove_flows(order, holdings)
                outgoing += [(order.dpid, openflow.encode(flow, number)) for flow in flows]
        return outgoing

    def _encode(self, order: Order, holdings: Holdings | None, number: int, cookie: int) -> bytes:
        if type(order) is Install:
            return openflow.encode(order, number, cookie=cookie)
        modify = False
        if holdings is not None and isinstance(order, _FIRST):
            modify = self._is_there(order, holdings)
        return openflow.encode(order, number, modify=modify)

    def _is_there(self, order: Order, holdings: Holdings) -> bool:
        """Whether the switch has a group or meter of that number."""
        adoption = self._adoptions.get(order.dpid)
        match order:
            case SetGroup(_, group) if group.group_id in holdings.groups:
                return True
            case SetMeter(_, meter) if meter.meter_id in holdings.meters:
                return True
        return adoption is not None and adoption.holds(order)

    def _take_in(self, order: Order, holdings: Holdings, cookie: int) -> bool:
        """Note what a switch shall hold; whether there is something to be said to it."""
        holdings.take_in(order, cookie)
        adoption = self._adoptions.get(order.dpid) if self._adoptions else None
        if adoption is None:
            return True
        if not holdings.open:
            # Flows and packets do not wait until it is known what the switch shall hold; all else does.
            return isinstance(order, Send) or (isinstance(order, Install) and is_flow(order.rule))
        adoption.removed(order)
        return not adoption.claim(order)

    # ------------------------------------------------------------ switches come and go

    def connect(self, dpid: int, number: int) -> Outgoing:
        """A switch is there: read what it holds. Until that is known, what it shall hold is only noted."""
        self._switches[dpid] = Holdings()
        self._adoptions[dpid] = adoption = Adoption(number)
        self._held.pop(dpid, None)
        self._settling.pop(dpid, None)
        return [(dpid, request) for request in adoption.requests()]

    def disconnect(self, dpid: int) -> Outgoing:
        """A switch has left. Nobody waits for it any longer, and nothing is known of what it holds."""
        self._switches.pop(dpid, None)
        self._adoptions.pop(dpid, None)
        self._held.pop(dpid, None)
        self._settling.pop(dpid, None)
        return [message for stage in self._stages.gone(dpid) for message in self._carry_on(stage)]

    def found(self, dpid: int, reply: MultipartReply) -> bool:
        """Part of what a switch holds; False when that was not asked for here."""
        adoption = self._adoptions.get(dpid)
        if adoption is None or reply.xid != adoption.number or adoption.read:
            return False
        adoption.receive(reply)
        return True

    def confirmed(self, dpid: int, number: int, now: float) -> Turn:
        """A switch has answered the barrier of this decision."""
        stage = self._stages.confirmed(number, dpid)
        if stage is not None:
            return Turn(self._carry_on(stage), [])
        adoption = self._adoptions.get(dpid)
        if adoption is None or adoption.read or number != adoption.number:
            return Turn([], [])
        adoption.read = True
        self._settling[dpid] = now + SETTLING
        outgoing = [(dpid, openflow.encode(order, number)) for order in adoption.flows_removed(dpid)]
        events: list[Event] = [RulesFound(dpid, tuple(adoption.flows))] if adoption.flows else []
        if adoption.hands_up_probes():
            self._held[dpid] = now + HOLDING
            return Turn(outgoing, events)
        return Turn(outgoing + self._open(dpid), events)

    def _open(self, dpid: int) -> Outgoing:
        """Give a switch what it does not hold yet of what it shall hold; from now on it gets all orders at once."""
        holdings, adoption = self._switches[dpid], self._adoptions[dpid]
        holdings.open = holdings.unconfirmed = True
        outgoing = []
        for order, cookie, modify in adoption.compare(dpid, holdings, keep_foreign=self._keep_foreign):
            message = openflow.encode(order, cookie & _NUMBER, modify=modify, cookie=cookie)
            outgoing.append((dpid, message))
        outgoing += [(dpid, openflow.encode(order, adoption.number)) for order in adoption.rules_removed(dpid)]
        return outgoing

    @property
    def holds_back(self) -> bool:
        """Whether switches are left as they are until the network is known."""
        return bool(self._held)

    def let_go(self) -> Outgoing:
        """The network is known: what applications ordered of the switches meanwhile is what they shall hold."""
        outgoing = [message for dpid in self._held for message in self._open(dpid)]
        self._held.clear()
        return outgoing

    def sources(self, dpid: int) -> Iterator[tuple[int, bytes]]:
        """Port and MAC of the hosts that rules of ours, found on a switch when it connected, speak of."""
        adoption = self._adoptions.get(dpid)
        if adoption is None:
            return
        # Of a flow's switches only the one that tells of its end is where the host is; the others see it pass.
        flows = [rule for rule in adoption.flows if rule.notify]
        for rule in [*adoption.rules.values(), *flows]:
            port, mac = rule.match.get("in_port"), rule.match.get("eth_src")
            if isinstance(port, int) and isinstance(mac, bytes):
                yield port, mac

    def is_read(self, dpid: int) -> bool:
        """Whether it is known what the switch holds."""
        adoption = self._adoptions.get(dpid)
        return dpid in self._switches and (adoption is None or adoption.read)

    def ask_whether_done(self, dpid: int, number: int) -> Outgoing:
        """A barrier, to be told when the switch has done everything that it was ordered so far."""
        self._switches[dpid].unconfirmed = False
        return [(dpid, openflow.barrier_request(number))]

    def is_done(self, dpid: int) -> bool:
        """Whether nothing was ordered since `ask_whether_done`, and nothing waits to be."""
        holdings = self._switches.get(dpid)
        return holdings is not None and not holdings.unconfirmed and not self.concern(dpid)

    def concern(self, dpid: int) -> bool:
        """Whether orders for this switch are being held back, or wait as a second stage."""
        return dpid in self._held or self._stages.concern(dpid)

    # ------------------------------------------------------------ time

    @property
    def next_due(self) -> float:
        """When `tick` has something to do next; infinity for never."""
        due = self._stages.next_due
        if self._held or self._settling:
            due = min(due, *self._held.values(), *self._settling.values())
        return due

    def tick(self, now: float) -> Outgoing:
        """Carry on what has waited for too long, and remove what nobody has asked for after a switch connected."""
        outgoing = [message for stage in self._stages.overdue(now) for message in self._carry_on(stage)]
        for dpid in [dpid for dpid, due in self._held.items() if due <= now]:
            del self._held[dpid]
            outgoing += self._open(dpid)
        for dpid in [dpid for dpid, due in self._settling.items() if due <= now]:
            del self._settling[dpid]
            adoption = self._adoptions.pop(dpid)
            orders = adoption.left_over(dpid, keep_foreign=self._keep_foreign)
            outgoing += [(dpid, openflow.encode(order, adoption.number)) for order in orders]
        return outgoing

    # ------------------------------------------------------------ refusals

    def refused(self, error: SwitchError, now: float) -> Turn:
        """A switch refused a message. What it was, which decision ordered it, and what can be done about it."""
        given = self._given[error.xid % _REMEMBERED]
        holdings = self._switches.get(error.dpid)
        if given is None or given.number != error.xid or holdings is None:
            return Turn([], [])
        orders = self._quoted(given, error)
        if (error.type, error.code) in TABLE_FULL and (error.dpid, error.xid) not in self._retried:
            installs = [order for order in orders if isinstance(order, Install)]
            if installs and holdings.flows:
                return self._make_room(given, holdings, installs, error.dpid, now)
        for order in orders:
            holdings.forget(order)
        self._stages.end(error.xid)
        return Turn([], self._complain(given, orders, error, now))

    def _quoted(self, given: _Given, error: SwitchError) -> list[Order]:
        """The orders of a decision that the refused message may have been; where its quote is short, several."""
        cookie = Cookie(given.app, given.number).pack()
        quote = error.data
        return [
            order
            for order in (*given.decision.orders, *given.decision.then)
            if order.dpid == error.dpid and _begins_alike(order, given.number, cookie, quote)
        ]

    def _make_room(self, given: _Given, holdings: Holdings, installs: list[Install], dpid: int, now: float) -> Turn:
        """Evict some flows and try once more."""
        self._retried.append((dpid, given.number))
        cookie = Cookie(given.app, given.number).pack()
        tables = {install.rule.table for install in installs}
        evicted = [
            rule
            for rule in holdings.least_used()
            if rule.table in tables and all(rule != install.rule for install in installs)
        ]
        orders: list[Order] = [
            Remove(dpid, rule.match, rule.table, strict=True, priority=rule.priority) for rule in evicted
        ]
        outgoing = [(dpid, openflow.encode(order, given.number)) for order in orders]
        outgoing += [(dpid, openflow.encode(install, given.number, cookie=cookie)) for install in installs]
        if self._stages.ask_again(given.number, dpid):
            outgoing.append((dpid, openflow.barrier_request(given.number)))
        events: list[Event] = []
        if self._alarms.due("table-full", dpid, now):
            text = f"a flow table is full: the {len(evicted)} flows that have been there longest are evicted"
            events.append(Alarm("table-full", Location(dpid, 0), text))
        return Turn(outgoing, events)

    def _complain(self, given: _Given, orders: list[Order], error: SwitchError, now: float) -> list[Event]:
        name = error_name(error.type, error.code)
        if not self._alarms.due("refused", (error.dpid, given.app, name), now):
            return []
        app = self._names[given.app] if given.app < len(self._names) else f"application {given.app}"
        what = f": {orders[0]}" if orders else ""
        text = f"{name}: refused what {app} ordered by decision {given.number} ({given.decision.reason}){what}"
        return [Alarm("refused", Location(error.dpid, 0), text)]


def _release(outgoing: Outgoing, number: int, decision: Decision, packet: Packet) -> None:
    # Dropping a packet that the switch keeps needs an order too: only so is its buffer free again.
    if decision.release or packet.buffer_id != NO_BUFFER:
        release = Send(packet.dpid, decision.release, packet.frame, packet.in_port, packet.buffer_id)
        outgoing.append((packet.dpid, openflow.encode(release, number)))


def _in_order(orders: tuple[Order, ...]) -> list[Order]:
    kinds = (_FIRST, _RULES, _AFTERWARDS, (Send,))
    return [order for kind in kinds for order in orders if isinstance(order, kind)]


def _begins_alike(order: Order, number: int, cookie: int, quote: bytes) -> bool:
    for modify in (False, True):
        message = openflow.encode(order, number, modify=modify, cookie=cookie)
        if message[: len(quote)] == quote[: len(message)]:
            return True
    return False
