"""What the tests of the rules service share: a few orders, and switches that are connected and read."""

from __future__ import annotations

from controller.model import (
    Apply,
    Bucket,
    Decision,
    Group,
    GroupType,
    Match,
    Order,
    Output,
    Packet,
    Rule,
    RulesFound,
    ToGroup,
)
from controller.services.rules import Outgoing, Rules
from controller.southbound import openflow
from controller.southbound.replies import MultipartReply
from tests.southbound import switch_words

FLOW_MOD, GROUP_MOD, PACKET_OUT, BARRIER, METER_MOD = 14, 15, 13, 20, 29
MAC = b"\2\0\0\0\0\1"
HARD = Rule(Match(eth_dst=MAC), (Apply((Output(2),)),), priority=5, table=2)
FLOW = Rule(Match(in_port=1, eth_dst=MAC), (Apply((Output(2),)),), idle_timeout=60)
GROUP = Group(9, GroupType.SELECT, (Bucket((Output(1),), 1), Bucket((Output(2),), 1)))
USER = Rule(Match(eth_src=MAC), (Apply((ToGroup(9),)),))
PACKET = Packet(1, 3, b"\2\0\0\0\0\1\2\0\0\0\0\2\x08\0")


def connected(*dpids: int, rules: Rules | None = None, now: float = 0.0) -> Rules:
    """Switches that told that they are empty."""
    rules = rules or Rules(("flowpath", "an app"))
    for dpid in dpids:
        tell(rules, dpid, now=now)
    return rules


def tell(rules: Rules, dpid: int, *found: bytes, groups: bytes = b"", now: float = 0.0) -> Outgoing:
    """A switch connects and tells these flow stats and group descriptions; what it is ordered."""
    number = 1000 + dpid
    rules.connect(dpid, number)
    for kind, body in ((1, b"".join(found)), (7, groups)):
        message = switch_words.multipart(kind, body)
        reply = openflow.decode(dpid, message[:4] + number.to_bytes(4) + message[8:])
        assert isinstance(reply, MultipartReply)
        assert rules.found(dpid, reply)
    turn = rules.confirmed(dpid, number, now)
    assert all(isinstance(event, RulesFound) for event in turn.events)
    return turn.outgoing


def kinds(outgoing: Outgoing) -> list[tuple[int, int]]:
    return [(dpid, message[1]) for dpid, message in outgoing]


def command(message: bytes) -> int:
    """Of a FLOW_MOD."""
    return message[25]


def order(rules: Rules, number: int, *orders: Order, then: tuple[Order, ...] = (), now: float = 0.0) -> Outgoing:
    return rules.carry_out(number, 1, Decision("why", orders, then=then), now=now)
