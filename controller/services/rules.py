"""From a decision to the messages that carry it out: who gets what, in which order, under which number.

The order within a decision, so that no packet meets half of it: meters and groups, then rules as the application
listed them (it lists from the destination back to the source), then groups and meters that go, then packets.
The number of the decision is the xid of every message and the low half of every cookie.
"""

from __future__ import annotations

from dataclasses import replace

from controller.model import (
    ALL_TABLES,
    NO_BUFFER,
    Cookie,
    Decision,
    Install,
    Order,
    Packet,
    Remove,
    RemoveGroup,
    RemoveMeter,
    Send,
    SetGroup,
    SetMeter,
)
from controller.southbound import openflow

Outgoing = list[tuple[int, bytes]]
"""Messages and the switches that they are for (dpid, bytes), in the order in which they must be sent."""

ALL_GROUPS = 0xFFFFFFFC
"""OFPG_ALL (§7.3.4.2)."""

_FIRST: tuple[type, ...] = (SetMeter, SetGroup)
_RULES: tuple[type, ...] = (Install, Remove)
_AFTERWARDS: tuple[type, ...] = (RemoveGroup, RemoveMeter)


class Rules:
    """What each switch has been ordered to hold, as far as later orders depend on it."""

    def __init__(self) -> None:
        # GROUP_MOD and METER_MOD need to know whether the switch has one of that id already.
        self._groups: dict[int, set[int]] = {}
        self._meters: dict[int, set[int]] = {}

    def clean_slate(self, dpid: int) -> Decision:
        """What empties a switch of the rules and groups that somebody left there."""
        self.forget(dpid)
        return Decision("a switch begins empty", (Remove(dpid, table=ALL_TABLES), RemoveGroup(dpid, ALL_GROUPS)))

    def forget(self, dpid: int) -> None:
        """The switch is gone, and nothing is known of what it holds."""
        self._groups.pop(dpid, None)
        self._meters.pop(dpid, None)

    def carry_out(self, number: int, app: int, decision: Decision, packet: Packet | None = None) -> Outgoing:
        """The messages of decision ``number`` of application ``app``; ``packet`` is the one that asked, if one did.

        Raises ValueError for an order that no switch could read; nothing of the decision is carried out then.
        """
        outgoing: Outgoing = []
        if decision.orders:
            cookie = Cookie(app, number).pack()
            for order in _in_order(decision.orders):
                outgoing.append((order.dpid, self._encode(order, number, cookie)))
            for order in decision.orders:
                self._remember(order)
        # Dropping a packet that the switch keeps needs an order too: only so is its buffer free again.
        if packet is not None and (decision.release or packet.buffer_id != NO_BUFFER):
            release = Send(packet.dpid, decision.release, packet.frame, packet.in_port, packet.buffer_id)
            outgoing.append((packet.dpid, openflow.encode(release, number)))
        return outgoing

    def _encode(self, order: Order, number: int, cookie: int) -> bytes:
        match order:
            case Install(dpid, rule):
                return openflow.encode(Install(dpid, replace(rule, cookie=cookie)), number)
            case SetGroup(dpid, group):
                return openflow.encode(order, number, modify=group.group_id in self._groups.get(dpid, ()))
            case SetMeter(dpid, meter):
                return openflow.encode(order, number, modify=meter.meter_id in self._meters.get(dpid, ()))
        return openflow.encode(order, number)

    def _remember(self, order: Order) -> None:
        match order:
            case SetGroup(dpid, group):
                self._groups.setdefault(dpid, set()).add(group.group_id)
            case RemoveGroup(dpid, group_id):
                self._groups.get(dpid, set()).discard(group_id)
            case SetMeter(dpid, meter):
                self._meters.setdefault(dpid, set()).add(meter.meter_id)
            case RemoveMeter(dpid, meter_id):
                self._meters.get(dpid, set()).discard(meter_id)


def _in_order(orders: tuple[Order, ...]) -> list[Order]:
    if len(orders) == 1:
        return list(orders)
    kinds = (_FIRST, _RULES, _AFTERWARDS, (Send,))
    return [order for kind in kinds for order in orders if isinstance(order, kind)]
