"""The controller's own words for its decisions, put beside what the wire shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from experiments.story.values import PacketStory, Story, Visit


def explained(story: Story, reasons: Mapping[int, str]) -> Story:
    """The story with the reason of each decision whose number is in ``reasons``."""

    def packet(told: PacketStory) -> PacketStory:
        return replace(told, visits=tuple(map(visit, told.visits)), elsewhere=tuple(map(visit, told.elsewhere)))

    def visit(told: Visit) -> Visit:
        decision = told.decision
        if decision is None or decision.number is None:
            return told
        return replace(told, decision=replace(decision, why=reasons.get(decision.number, "")))

    return replace(story, first=tuple(map(packet, story.first)), second=tuple(map(packet, story.second)))
