"""The page: an outcome as one HTML file that loads nothing, in light or dark as the reader's system is."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from experiments.report import drawing, plot, sequence
from experiments.report.phases import PHASES
from experiments.report.steps import missing_at, steps, summary
from experiments.story import rule_of
from experiments.story.frame import describe, read_frame
from experiments.story.words import actions_text, duration_text, match_text, rule_actions_text, timeouts_text

if TYPE_CHECKING:
    from experiments.outcome import Outcome, Row

HERE = Path(__file__).parent

ROUTINE = frozenset({"HELLO", "ECHO_REQUEST", "ECHO_REPLY"})


def render(outcome: Outcome) -> str:
    """The whole page."""
    environment = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update(
        duration=duration_text, match=match_text, rule_actions=rule_actions_text, timeouts=timeouts_text,
        steps=steps, missing_at=missing_at, summary=summary,
    )  # fmt: skip
    story = outcome.story
    template = environment.get_template("page.html.j2")
    return template.render(
        outcome=outcome,
        story=story,
        about=outcome.about,
        phases=PHASES,
        css=(HERE / "page.css").read_text(encoding="utf-8"),
        network=drawing.draw(outcome.graph, story),
        sequence=sequence.draw(story),
        plot=plot.draw(outcome.samples),
        first=_spread(outcome.first),
        cached=_spread(outcome.cached),
        decided=_spread(outcome.decisions),
        parts=_parts(outcome),
        tables=_tables(outcome),
        messages=[_message(row) for row in outcome.messages],
        told=_told(outcome),
    )


def _spread(values: Sequence[float]) -> dict[str, Any] | None:
    """What a row of samples comes to; None without any."""
    if not values:
        return None
    return {"median": median(values), "least": min(values), "most": max(values), "count": len(values)}


def _parts(outcome: Outcome) -> list[dict[str, Any]]:
    """Where the first ping's time went: at switches waiting for each packet's release, and everything else."""
    first = outcome.story_rtt
    if first is None:
        return []
    waits = [(packet.name, packet.queries, packet.waited / 1e6) for packet in outcome.story.first if packet.waited]
    rest = max(0.0, first - sum(wait for _, _, wait in waits))
    parts = [*waits, ("on the way: hosts, switches, links", 0, rest)]
    return [
        {"name": name, "asked": asked, "seconds": seconds, "share": seconds / first} for name, asked, seconds in parts
    ]


def _tables(outcome: Outcome) -> dict[str, list[dict[str, Any]]]:
    """Each switch's rules after the second ping, with the counts of before, the miss rule last."""
    used = {(use.switch, use.rule.identity) for use in outcome.story.cache}
    tables: dict[str, list[dict[str, Any]]] = {}
    for switch, rules in outcome.after.items():
        before = {rule.identity: rule.packets for rule in outcome.before.get(switch, ())}
        ordered = sorted(rules, key=lambda rule: (rule.table, -rule.priority))
        tables[switch] = [
            {"rule": rule, "before": before.get(rule.identity), "used": (switch, rule.identity) in used}
            for rule in ordered
        ]
    return tables


def _told(outcome: Outcome) -> set[int]:
    """The numbers of the messages that the story cites."""
    return {
        step.message
        for packet in (*outcome.story.first, *outcome.story.second)
        for visit in (*packet.visits, *packet.elsewhere)
        for step in steps(visit)
        if step.message is not None
    }


def _message(row: Row) -> dict[str, Any]:
    return {
        "row": row,
        "summary": _summary(row.name, row.fields),
        "fields": json.dumps(row.fields, indent=2, ensure_ascii=False),
        "routine": row.name in ROUTINE,
    }


def _summary(name: str, fields: Mapping[str, Any]) -> str:
    """A message in a few words."""
    if name in ("PACKET_IN", "PACKET_OUT"):
        frame = describe(read_frame(bytes.fromhex(fields.get("data", ""))))
        return frame if name == "PACKET_IN" else f"{frame}; {actions_text(fields.get('actions', ()))}"
    if name == "FLOW_MOD":
        rule = rule_of(fields)
        return (
            f"{fields.get('command', '')} {match_text(rule.match)}; {rule_actions_text(rule)}; priority {rule.priority}"
        )
    if name in ("MULTIPART_REQUEST", "MULTIPART_REPLY", "ERROR"):
        return str(fields.get("type", ""))
    return ""
