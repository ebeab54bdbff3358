"""A visit's steps in words: the same on the terminal and on the page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from experiments.story.exchanges import decision_of
from experiments.story.tables import Rule
from experiments.story.values import Install, PacketStory, Query, Visit
from experiments.story.words import (
    actions_text,
    duration_text,
    match_text,
    port_text,
    rule_actions_text,
    timeouts_text,
)


class Step(NamedTuple):
    """One step: its phase, when (microseconds in the story; None for what no message shows), in words."""

    phase: str
    at: float | None
    text: str
    message: int | None = None


def steps(visit: Visit) -> Iterator[Step]:
    """The steps of a packet at a switch, as far as they were seen."""
    if visit.query is None:
        yield from _silent(visit)
        return
    yield Step("parse", visit.query.at, f"came by port {visit.in_port}; {_why_asked(visit.query)}")
    yield Step("query", visit.query.at, _query_text(visit.query), visit.query.message)
    if visit.decision:
        number = f"decision {visit.decision.number}, " if visit.decision.number is not None else ""
        took = duration_text(visit.decision.took / 1e6)
        why = f"; its reason: {visit.decision.why}" if visit.decision.why else ""
        yield Step("decide", visit.decision.at, f"{number}{took} later: {visit.decision.text}{why}")
    for install in visit.installs:
        yield Step("install", install.at, _install_text(install, visit.switch), install.message)
    for release in visit.deliveries if visit.release is None else (visit.release, *visit.deliveries):
        where = "" if release.switch == visit.switch else f" at {release.switch}"
        yield Step("release", release.at, f"{release.by}{where}: {actions_text(release.actions)}", release.message)
    if visit.cached:
        switches = list(dict.fromkeys(install.switch for install in visit.installs))
        rules = "the rule is" if len(visit.cached) == 1 else f"{len(visit.cached)} rules are"
        yield Step("cache", None, f"{rules} in the table of {', '.join(switches)}, by its own report")


def _silent(visit: Visit) -> Iterator[Step]:
    if not visit.hits:
        return
    rule = visit.hits[-1]
    ways = ", ".join(port_text(port) for port in visit.out_ports)
    yield Step("parse", None, f"came by port {visit.in_port}, meets {match_text(rule.match)}")
    yield Step("cache", None, f"to {ways}{_whose(rule)}; nobody is asked")


def _whose(rule: Rule) -> str:
    """What ordered a rule, where that is known."""
    marked = decision_of(rule.cookie)
    if marked:
        return f", as decision {marked[1]} ordered"
    return f", as message {rule.message} ordered" if rule.message is not None else ""


def _why_asked(query: Query) -> str:
    if query.reason == "NO_MATCH":
        return "only the table-miss rule matches"
    if query.reason == "ACTION":
        return f"a rule in table {query.table} says: ask the controller"
    return f"the switch asks because of {query.reason}"


def _query_text(query: Query) -> str:
    kept = "unbuffered" if query.buffer_id is None else f"buffer {query.buffer_id}"
    table = f"table {query.table}, " if query.table else ""
    return f"PACKET_IN {query.bytes} bytes (frame {query.frame_bytes}), {query.reason}, {table}{kept}, xid {query.xid}"


def _install_text(install: Install, asked: str) -> str:
    rule = install.rule
    where = "" if install.switch == asked else f" to {install.switch}"
    if install.command.startswith("DELETE"):
        return f"FLOW_MOD{where}: delete {match_text(rule.match)}"
    table = f"table {rule.table}, " if rule.table else ""
    return (
        f"FLOW_MOD{where}: {match_text(rule.match)} => {rule_actions_text(rule)}; {table}priority {rule.priority}, "
        f"{timeouts_text(rule)}, cookie {rule.cookie:#x}"
    )


def missing_at(visit: Visit) -> Iterator[str]:
    """The steps that were not seen, without the switch's name, which stands beside them."""
    for line in visit.missing:
        yield line.removeprefix(f"switch {visit.switch}: ")


def summary(packet: PacketStory) -> str:
    """A packet's way in one line."""
    if packet.answered_by_controller:
        return "the controller knows the answer" if packet.visits else "comes from the controller"
    asked = [visit.switch for visit in packet.visits if visit.asked]
    if not asked:
        return "no switch asks"
    if len(asked) == len(packet.visits):
        return "every switch on the way asks" if len(asked) > 1 else f"{asked[0]} asks"
    return f"{' and '.join(asked)} {'asks' if len(asked) == 1 else 'ask'}, the others know"
