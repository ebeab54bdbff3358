"""Decisions in two stages: the second goes out when every switch has confirmed the first.

So no packet meets a path that is not there yet: the switch that asked, or the one that led traffic another way before,
gets its orders last. More packets of a flow whose path is on its way join its decision, and are released with them.

What a newer decision orders meanwhile stands: a second stage does not undo it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from math import inf

from controller.model import Decision, Install, Order, Packet, Remove
from controller.services.holdings import Identity, covers, identity_of

PATIENCE = 1.0
"""Seconds that a switch has to confirm, before the others do not wait for it any longer."""
MOST_JOINED = 64

FlowKey = tuple[int, int, int, bytes]
"""The application, and what its decisions about one flow have in common: switch, port, Ethernet addresses."""


@dataclass
class Stage:
    """A decision whose second stage waits; ``packets`` are the numbers of decisions and the packets to release."""

    number: int
    app: int
    decision: Decision
    due: float
    packets: list[tuple[int, Packet]]
    awaited: dict[int, int] = field(default_factory=dict)
    """How many barriers each switch has yet to answer."""
    overruled: set[Identity] = field(default_factory=set)
    """What newer decisions have ordered otherwise."""

    def orders(self) -> tuple[Order, ...]:
        """The orders of the second stage that still stand."""
        then = self.decision.then
        return tuple(order for order in then if identity_of(order) not in self.overruled) if self.overruled else then


class Stages:
    """The decisions that wait, by number."""

    def __init__(self) -> None:
        self._waiting: dict[int, Stage] = {}
        self._flows: dict[FlowKey, Stage] = {}
        self._latest: dict[Identity, Stage] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def join(self, number: int, app: int, decision: Decision, packet: Packet) -> bool:
        """Have a packet wait for the same decision about an earlier one; False when there is none.

        Beyond `MOST_JOINED` a packet is lost, as it would be in a full queue.
        """
        stage = self._flows.get(_flow_key(app, packet))
        if stage is None or (stage.decision.orders, stage.decision.then) != (decision.orders, decision.then):
            return False
        if stage.decision.release != decision.release:
            return False
        if len(stage.packets) < MOST_JOINED:
            stage.packets.append((number, packet))
        return True

    def begin(self, stage: Stage, awaited: Iterable[int]) -> None:
        """Have the decision wait for these switches."""
        stage.awaited = dict.fromkeys(awaited, 1)
        self._waiting[stage.number] = stage
        self.overrule(stage.decision.then)
        self._latest.update((identity, stage) for order in stage.decision.then if (identity := identity_of(order)))
        for _, packet in stage.packets:
            self._flows[_flow_key(stage.app, packet)] = stage

    def overrule(self, orders: Iterable[Order]) -> None:
        """A newer decision orders this: what waiting stages say of the same rules and groups holds no longer."""
        for order in orders:
            identity = identity_of(order)
            if identity in self._latest:
                self._latest[identity].overruled.add(identity)
            elif isinstance(order, Remove) and not order.strict:
                for waiting, stage in self._latest.items():
                    if any(_removes(order, each) and identity_of(each) == waiting for each in stage.decision.then):
                        stage.overruled.add(waiting)

    def ask_again(self, number: int, dpid: int) -> bool:
        """Have the decision wait for one barrier more of a switch; False when it is not waiting for that switch."""
        stage = self._waiting.get(number)
        if stage is None or dpid not in stage.awaited:
            return False
        stage.awaited[dpid] += 1
        return True

    def confirmed(self, number: int, dpid: int) -> Stage | None:
        """A switch has answered a barrier: the decision that was waiting for this alone, to be carried on."""
        stage = self._waiting.get(number)
        if stage is None or dpid not in stage.awaited:
            return None
        stage.awaited[dpid] -= 1
        if not stage.awaited[dpid]:
            del stage.awaited[dpid]
        return None if stage.awaited else self.end(number)

    def gone(self, dpid: int) -> list[Stage]:
        """A switch has left: the decisions that were waiting for it alone, to be carried on."""
        done = []
        for stage in [stage for stage in self._waiting.values() if dpid in stage.awaited]:
            del stage.awaited[dpid]
            if not stage.awaited:
                self.end(stage.number)
                done.append(stage)
        return done

    def overdue(self, now: float) -> list[Stage]:
        """The decisions that have waited for too long, to be carried on."""
        late = [stage for stage in self._waiting.values() if stage.due <= now]
        for stage in late:
            self.end(stage.number)
        return late

    @property
    def next_due(self) -> float:
        """When one will have waited for too long; infinity for never."""
        # In the order in which they began, all with the same patience.
        return next((stage.due for stage in self._waiting.values()), inf)

    def end(self, number: int) -> Stage | None:
        """Take a decision out, whatever it is waiting for."""
        stage = self._waiting.pop(number, None)
        if stage is not None:
            for _, packet in stage.packets[:1]:
                key = _flow_key(stage.app, packet)
                if self._flows.get(key) is stage:
                    del self._flows[key]
            for order in stage.decision.then:
                identity = identity_of(order)
                if identity is not None and self._latest.get(identity) is stage:
                    del self._latest[identity]
        return stage

    def concern(self, dpid: int) -> bool:
        """Whether orders for this switch are waiting."""
        return any(order.dpid == dpid for stage in self._waiting.values() for order in stage.decision.then)


def _flow_key(app: int, packet: Packet) -> FlowKey:
    return app, packet.dpid, packet.in_port, packet.frame[:12]


def _removes(order: Remove, other: Order) -> bool:
    return isinstance(other, Install) and other.dpid == order.dpid and covers(order, other.rule, order.cookie)
