"""What a packet-flow run found out, as one value: the reports are drawn from it, ``result.json`` is its plain form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

from experiments.story.exchanges import in_order, pair
from experiments.story.wiring import Wiring

if TYPE_CHECKING:
    from experiments.cold_starts import Measured, Sample
    from experiments.story import Pings, Rule, Story
    from experiments.story.values import Seen
    from experiments.story.wiring import Graph

SCHEMA = "flowpath/packet-flow/1"
"""The form of ``result.json`` (docs/results.md); the number grows when a name in it changes its meaning or goes."""


@dataclass(frozen=True)
class Row:
    """One captured message. ``at``: microseconds in the time of the story; ``number``: as in the story."""

    number: int
    at: float
    switch: str
    from_switch: bool
    name: str
    xid: int
    length: int
    fields: Mapping[str, Any]


@dataclass(frozen=True)
class Outcome:
    """A run's story, round trips and circumstances. ``decisions``: seconds from a query to the first order of it."""

    graph: Graph
    story: Story
    pings: Pings
    samples: tuple[Sample, ...]
    decisions: tuple[float, ...]
    before: Mapping[str, tuple[Rule, ...]]
    after: Mapping[str, tuple[Rule, ...]]
    messages: tuple[Row, ...]
    captured: int
    about: Mapping[str, Any]

    @classmethod
    def of(
        cls, graph: Graph, story: Story, measured: Measured, captured: Sequence[Seen], about: Mapping[str, Any]
    ) -> Outcome:
        """Put together what was measured and what was captured."""
        numbered = in_order(captured)
        wiring = Wiring(graph)
        rows = (
            Row(
                each.number,
                round((each.message.time - story.begin) * 1e6, 1),
                wiring.switch(each.message.dpid),
                each.message.from_switch,
                each.message.name,
                each.message.xid,
                each.message.length,
                each.message.fields,
            )
            for each in numbered
            if each.message.time <= measured.pings.end
        )
        decided = (
            exchange.orders[0].message.time - exchange.query.message.time
            for exchange in pair(numbered)
            if exchange.orders
        )
        return cls(
            graph=graph,
            story=story,
            pings=measured.pings,
            samples=measured.samples,
            decisions=tuple(decided),
            before=measured.before,
            after=measured.after,
            messages=tuple(rows),
            captured=len(numbered),
            about=about,
        )

    @property
    def first(self) -> list[float]:
        """Round trips of the first pings of cold starts, seconds."""
        return [sample.rtt for sample in self.samples if sample.ping == 1 and sample.rtt is not None]

    @property
    def cached(self) -> list[float]:
        """Round trips of all other pings, seconds."""
        return [sample.rtt for sample in self.samples if sample.ping > 1 and sample.rtt is not None]

    @property
    def lost(self) -> int:
        """Pings without a reply."""
        return sum(sample.rtt is None for sample in self.samples)

    @property
    def ratio(self) -> float | None:
        """How many times longer the median first ping takes than the median cached one."""
        return median(self.first) / median(self.cached) if self.first and self.cached else None

    @property
    def story_rtt(self) -> float | None:
        """The round trip of the story's own first ping, seconds."""
        return next((sample.rtt for sample in self.samples if (sample.start, sample.ping) == (1, 1)), None)

    def as_json(self) -> dict[str, Any]:
        """The plain form of it all."""
        return {
            "schema": SCHEMA,
            **self.about,
            "summary": {
                "complete": self.story.complete,
                "missing": list(self.story.missing),
                "first_median_s": median(self.first) if self.first else None,
                "first_samples": len(self.first),
                "cached_median_s": median(self.cached) if self.cached else None,
                "cached_samples": len(self.cached),
                "ratio": self.ratio,
                "lost": self.lost,
                "decision_median_s": median(self.decisions) if self.decisions else None,
                "decisions": len(self.decisions),
            },
            "network": {
                "nodes": [{"name": node, **about} for node, about in self.graph.nodes(data=True)],
                "links": [{"ends": [one, other], **about} for one, other, about in self.graph.edges(data=True)],
            },
            "pings": self.pings._asdict(),
            "story": asdict(self.story),
            "round_trips_s": [asdict(sample) for sample in self.samples],
            "decision_times_s": list(self.decisions),
            "flow_tables": {
                "before_second_ping": {
                    switch: [asdict(rule) for rule in rules] for switch, rules in self.before.items()
                },
                "after_second_ping": {switch: [asdict(rule) for rule in rules] for switch, rules in self.after.items()},
            },
            "messages_captured": self.captured,
            "messages": [asdict(row) for row in self.messages],
        }
