"""What a switch holds when it connects, and what becomes of it.

A switch keeps its tables when its controller dies, and goes on forwarding by them. So a controller that meets a switch
reads what is there and sends only what is different. That is known when links and hosts are: until then, but no longer
than `HOLDING` seconds, a switch with rules of ours (`controller.model.Cookie`) is left as it is, provided that it hands
up probes. What nobody has asked for by then stays for `SETTLING` seconds after the switch was read, and then goes.
"""

from __future__ import annotations

from collections.abc import MutableSequence
from dataclasses import dataclass, field

from controller.model import (
    ALL_TABLES,
    COOKIE_MARK,
    Cookie,
    Group,
    Install,
    Match,
    Meter,
    Order,
    Output,
    PortNo,
    Remove,
    RemoveGroup,
    RemoveMeter,
    Rule,
    SetGroup,
    SetMeter,
    ToGroup,
)
from controller.services.holdings import (
    ALL_GROUPS,
    Holdings,
    Key,
    actions_of,
    canonical_group,
    canonical_match,
    canonical_rule,
    covers,
    is_flow,
)
from controller.southbound import lldp, openflow
from controller.southbound.replies import FlowStats, MeterConfig, MultipartReply, MultipartType

SETTLING = 5.0
"""Seconds for which what is found stays, though nobody has asked for it."""

HOLDING = 1.0
"""Seconds for which a switch is left as it is while the network is being discovered."""

_LLDP = {"eth_type": lldp.ETHERTYPE, "eth_dst": lldp.DESTINATION}
_MARK, _MARK_MASK = COOKIE_MARK << 56, 0xFF << 56
_EXACT = 0xFFFFFFFFFFFFFFFF


@dataclass
class Adoption:
    """What was found on a switch that connected. ``number`` is the decision under which it is read and compared."""

    number: int
    read: bool = False
    """Whether all answers are here."""
    known: bool = False
    """Whether it has told its rules; one that does not is emptied."""
    rules: dict[Key, Rule] = field(default_factory=dict)
    groups: dict[int, Group] = field(default_factory=dict)
    meters: dict[int, Meter] = field(default_factory=dict)
    flows: list[Rule] = field(default_factory=list)
    foreign: set[tuple[int, int]] = field(default_factory=set)
    """Table and cookie of the rules that somebody else wrote."""
    removals: list[Remove] = field(default_factory=list)
    """What applications had removed while the switch was left as it is."""

    def requests(self) -> list[bytes]:
        """The questions, and the barrier whose answer says that nothing more comes."""
        asked = (openflow.flow_request, openflow.group_request, openflow.meter_request, openflow.barrier_request)
        return [request(self.number) for request in asked]

    def receive(self, reply: MultipartReply) -> None:
        """Part of an answer."""
        self.known |= reply.type is MultipartType.FLOW
        for part in reply.parts:
            match part:
                case FlowStats(rule, whole=whole):
                    self._found(rule, whole)
                case Group():
                    self.groups[part.group_id] = canonical_group(part)
                case MeterConfig(meter_id, meter=meter):
                    self.meters[meter_id] = meter or Meter(meter_id, 0)

    def _found(self, rule: Rule, whole: bool) -> None:
        if not whole or Cookie.unpack(rule.cookie) is None:
            self.foreign.add((rule.table, rule.cookie))
        elif is_flow(rule):
            self.flows.append(rule)
        else:
            self.rules[rule.table, rule.priority, canonical_match(rule.match)] = rule

    def hands_up_probes(self) -> bool:
        """Whether links can be found with the rules that are there."""
        return any(
            rule.table == 0
            and all(_LLDP.get(name) == value for name, value in rule.match)
            and any(isinstance(action, Output) and action.port == PortNo.CONTROLLER for action in actions_of(rule))
            for rule in self.rules.values()
        )

    def claim(self, order: Order) -> bool:
        """An application asks for something: whether exactly that was found. If so, it has an owner again."""
        match order:
            case Install(_, rule) if self.rules and not is_flow(rule):
                found = self.rules.pop((rule.table, rule.priority, canonical_match(rule.match)), None)
                return found is not None and canonical_rule(found) == canonical_rule(rule)
            case SetGroup(_, group):
                return self.groups.pop(group.group_id, None) == canonical_group(group)
            case SetMeter(_, meter):
                return self.meters.pop(meter.meter_id, None) == meter
        return False

    def removed(self, order: Order) -> None:
        """An application has a group or meter removed: it is not there any more."""
        match order:
            case RemoveGroup(_, group_id):
                self.groups.pop(group_id, None)
            case RemoveMeter(_, meter_id):
                self.meters.pop(meter_id, None)

    def remove_flows(self, order: Remove, wanted: Holdings) -> list[Order]:
        """While the switch is left as it is, a delete takes away flows only: the rules may be wanted again."""
        self.removals.append(order)
        return [
            *self.flows_removed(order.dpid),
            *(_strictly(order.dpid, flow) for flow in _take_covered(wanted.flows, order)),
        ]

    def flows_removed(self, dpid: int) -> list[Order]:
        """The found flows that applications had removed."""
        return [_strictly(dpid, flow) for order in self.removals for flow in _take_covered(self.flows, order)]

    def rules_removed(self, dpid: int) -> list[Order]:
        """The found rules that applications had removed and do not want after all."""
        gone = [
            key for key, rule in self.rules.items() if any(covers(order, rule, rule.cookie) for order in self.removals)
        ]
        return [_strictly(dpid, self.rules.pop(key)) for key in gone]

    def compare(self, dpid: int, wanted: Holdings, *, keep_foreign: bool) -> list[tuple[Order, int, bool]]:
        """What to order so that the switch holds what is wanted: (order, cookie, whether to modify what is there)."""
        different: list[tuple[Order, int, bool]] = []
        if not self.known:
            mask = _MARK_MASK if keep_foreign else 0
            different.append(
                (Remove(dpid, table=ALL_TABLES, cookie=_MARK & mask, cookie_mask=mask), self.number, False)
            )
            if not keep_foreign:
                different.append((RemoveGroup(dpid, ALL_GROUPS), self.number, False))
        elif not keep_foreign:
            different += [(_by_cookie(dpid, *found), self.number, False) for found in sorted(self.foreign)]
        orders: list[tuple[Order, int]] = []
        orders += [(SetMeter(dpid, meter), cookie) for meter, cookie in wanted.meters.values()]
        orders += [(SetGroup(dpid, group), cookie) for group, cookie in wanted.groups.values()]
        orders += [(Install(dpid, held.rule), held.cookie) for held in wanted.rules.values()]
        for order, cookie in orders:
            there = self.holds(order)
            if not self.claim(order):
                different.append((order, cookie, there))
        return different

    def holds(self, order: Order) -> bool:
        """Whether the switch was found to hold a group or meter of this number, whatever it looks like."""
        match order:
            case SetGroup(_, group):
                return group.group_id in self.groups
            case SetMeter(_, meter):
                return meter.meter_id in self.meters
        return False

    def left_over(self, dpid: int, *, keep_foreign: bool) -> list[Order]:
        """What to remove of what was found: nobody has asked for it. Groups and meters bear no mark: beside others,
        only those go that rules of ours used."""
        used = {
            action.group_id
            for rule in self.rules.values()
            for action in actions_of(rule)
            if isinstance(action, ToGroup)
        }
        orders: list[Order] = [_strictly(dpid, rule) for rule in self.rules.values()]
        orders += [RemoveGroup(dpid, number) for number in self.groups if number in used or not keep_foreign]
        if not keep_foreign:
            orders += [RemoveMeter(dpid, number) for number in self.meters]
        return orders


def _by_cookie(dpid: int, table: int, cookie: int) -> Remove:
    return Remove(dpid, Match(), table, cookie=cookie, cookie_mask=_EXACT)


def _strictly(dpid: int, rule: Rule) -> Remove:
    return Remove(dpid, rule.match, rule.table, strict=True, priority=rule.priority)


def _take_covered(flows: MutableSequence[Rule], order: Remove) -> list[Rule]:
    """Take out the flows that a delete covers; whose they are, nobody asks."""
    covered = [flow for flow in flows if covers(order, flow, order.cookie)]
    for flow in covered:
        flows.remove(flow)
    return covered
