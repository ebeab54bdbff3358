"""The tables of a switch under routing, and the rules that every switch has.

Table 0 *guard* sorts out what is for the controller or for nobody. Table 1 *source* lets a known host at its place pass
and, in the proactive modes, sends the frames of an unknown one to the controller. Table 2 *destination* sends known
destinations out of a port or through a group, broadcast along the loop-free flood tree, the unknown as the mode has it.
"""

from __future__ import annotations

from collections.abc import Iterator

from controller.model import Apply, Goto, Install, Masked, Match, Order, Output, PortNo, Remove, Rule
from controller.southbound.frames import BROADCAST, EtherType

GUARD, SOURCE, DESTINATION = range(3)

# Priorities, the greatest first. What a table's own rules leave is priority 0.
PROBES = 100
LINK_LOCAL = 90
ANSWERS = 80
FROM_SWITCH = 40
QUESTIONS = 30
DETOUR = 20
KNOWN = 10
OFF_TREE = 4
ALONG_TREE = 2

ASK = Apply((Output(PortNo.CONTROLLER),))
PASS_ON = (Output(PortNo.TABLE),)
"""Have a packet go through the tables again."""
LLDP = bytes.fromhex("0180c200000e")
GROUP_BIT = Masked(b"\x01" + bytes(5), b"\x01" + bytes(5))
"""Matches multicast and broadcast."""

_LINK_LOCAL = Masked(bytes.fromhex("0180c2000000"), bytes.fromhex("fffffffffff0"))
_SOLICITATION = 135


def base(dpid: int, asker: bytes, *, learn: bool) -> Iterator[Order]:
    """What a switch needs before it knows anybody. ``asker`` is the MAC from which the controller asks hosts.

    With ``learn``, frames of unknown sources are for the controller; without, only what no rule sends is.
    """
    yield _install(dpid, GUARD, PROBES, Match(eth_dst=LLDP, eth_type=EtherType.LLDP), ASK)
    yield _install(dpid, GUARD, LINK_LOCAL, Match(eth_dst=_LINK_LOCAL))
    yield _install(dpid, GUARD, ANSWERS, Match(eth_dst=asker), ASK)
    yield _install(dpid, GUARD, 0, Match(), Goto(SOURCE))
    yield _install(dpid, SOURCE, QUESTIONS, Match(eth_dst=BROADCAST, eth_type=EtherType.ARP), ASK)
    solicitation = Match(eth_dst=GROUP_BIT, eth_type=EtherType.IPV6, ip_proto=58, icmpv6_type=_SOLICITATION)
    yield _install(dpid, SOURCE, QUESTIONS, solicitation, ASK)
    yield _install(dpid, SOURCE, 0, Match(), ASK if learn else Goto(DESTINATION))
    if not learn:
        yield _install(dpid, DESTINATION, 0, Match(), ASK)


def from_switch(dpid: int, port: int) -> Install:
    """What comes from another switch has been asked about there."""
    return _install(dpid, SOURCE, FROM_SWITCH, Match(in_port=port), Goto(DESTINATION))


def known_source(dpid: int, port: int, mac: bytes) -> Install:
    """A host at its place is let pass."""
    return _install(dpid, SOURCE, KNOWN, Match(in_port=port, eth_src=mac), Goto(DESTINATION))


def remove(install: Install) -> Remove:
    """The order that takes exactly this rule away."""
    rule = install.rule
    return Remove(install.dpid, rule.match, rule.table, strict=True, priority=rule.priority)


def _install(dpid: int, table: int, priority: int, match: Match, *instructions: Apply | Goto) -> Install:
    return Install(dpid, Rule(match, instructions, priority, table))
