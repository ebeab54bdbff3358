"""What the packet-in-rate experiment found, as a sheet: claims, a table for each task, plots, every sample."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from statistics import median
from typing import Any, NamedTuple

from experiments.packet_ins.contenders import BARE, FLOWPATH, RYU, TESTCONTROLLER
from experiments.packet_ins.generator import Result
from experiments.report import strips
from experiments.report.sheet import Cell, Claim, Picture, Sheet, Table, ranged, text_of

BUSY = 0.9
"""A process with this share of its core has no time left; below it, it has waited for the other."""

WANTED: Mapping[tuple[str, str], Mapping[str, float]] = {
    ("throughput", "pairs"): {RYU: 60, TESTCONTROLLER: 3, BARE: 0.7},
    ("throughput", "fresh-source"): {RYU: 20},
    ("latency", "pairs"): {RYU: 5},
    ("fairness", "pairs"): {RYU: 10},
}
"""Mode and pattern -> how many times better than whom Flowpath shall be."""


class Task(NamedTuple):
    """What is measured. ``window``: questions of a switch that may wait."""

    mode: str
    pattern: str
    switches: int
    window: int

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.mode}, {self.pattern}"

    @property
    def better(self) -> str:
        """What a controller is compared by: the rate, or a percentile of the latency."""
        return {"throughput": "answers/s", "latency": "p50 us", "fairness": "p99 us of the quiet switch"}[self.mode]


class Sample(NamedTuple):
    """One measurement: of whom, of what, which repetition, how many switches asked, and the result."""

    controller: str
    task: Task
    number: int
    switches: int
    result: Result

    @property
    def latency(self) -> Mapping[str, float]:
        """Of the switches that the task is about."""
        return self.result.quiet_latency if self.task.mode == "fairness" else self.result.latency

    @property
    def figure(self) -> float | None:
        """What the task is about (`Task.better`); None when there was no answer."""
        if self.task.mode == "throughput":
            return self.result.rate
        return self.latency.get("p50" if self.task.mode == "latency" else "p99")

    @property
    def generator_bound(self) -> bool:
        """Whether the generator was the limit: it had no time left, and the controller had."""
        result = self.result
        return result.generator_cpu >= BUSY and (result.controller_cpu or 0.0) < BUSY

    def told(self) -> str:
        """In a line."""
        bound = "; the generator was the limit" if self.generator_bound else ""
        wrong = f"; WRONG: {faults(self.result)}" if not self.result.right else ""
        return f"{text_of(self.figure)} {self.task.better}{bound}{wrong}"


def faults(result: Result) -> str:
    """What was wrong with the answers, in a few words."""
    counts = [f"{count} {what}" for what, count in sorted(result.wrong.items())]
    lost = [f"{result.lost} lost"] if result.lost else []
    return ", ".join([*counts, *lost, *([result.example] if result.example else [])]) or "no answer"


Groups = Mapping[Task, Mapping[str, Sequence[Sample]]]


def told(samples: Sequence[Sample], about: Mapping[str, Any]) -> Sheet:
    """The result as a sheet."""
    groups: dict[Task, dict[str, list[Sample]]] = {}
    for each in samples:
        groups.setdefault(each.task, {}).setdefault(each.controller, []).append(each)
    pictures = [
        Picture(
            f"{task.name}: {task.better}",
            strips.draw({name: figures(each) for name, each in group.items()}, task.better, task.name),
            "Every dot is one measurement; lines mark medians.",
        )
        for task, group in groups.items()
    ]
    return Sheet(
        "packet-in-rate",
        "How fast switches are answered",
        f"Emulated switches ask controllers, which take turns; Flowpath runs {about['application']}. Every answer is "
        "checked against its question, by a reading of OpenFlow that shares nothing with the controller's.",
        (*correct(groups), *reached(groups)),
        (*(summary(task, group) for task, group in groups.items()), load(groups), every(samples)),
        about,
        {"samples": [raw(each) for each in samples]},
        tuple(pictures),
    )


def raw(sample: Sample) -> dict[str, Any]:
    """A sample for result.json."""
    task = sample.task._asdict() | {"switches": sample.switches}
    own = {"generator_bound": sample.generator_bound, **asdict(sample.result)}
    return {"controller": sample.controller, "repetition": sample.number, **task, **own}


def correct(groups: Groups) -> Iterator[Claim]:
    """Whether the answers were right, and the generator fast enough."""
    samples = [each for group in groups.values() for some in group.values() for each in some]
    for name in dict.fromkeys(each.controller for each in samples):
        of_it = [each.result for each in samples if each.controller == name]
        wrong = [faults(result) for result in of_it if not result.right]
        checked = sum(result.verified for result in of_it)
        yield Claim(f"{name}: every answer is right and none is lost", not wrong, "; ".join(wrong) or f"{checked:,}")
    bound = [f"{each.controller} ({each.task.name})" for each in samples if each.generator_bound]
    most = max(each.result.generator_cpu for each in samples)
    figure = ", ".join(dict.fromkeys(bound)) or f"it used at most {most:.0%} of its core"
    yield Claim("the generator is never the limit", not bound, figure)


def reached(groups: Groups) -> Iterator[Claim]:
    """Whether Flowpath is as much better as it should be."""
    for task, group in groups.items():
        for other, factor in WANTED.get((task.mode, task.pattern), {}).items():
            found = ratios(task, group, other)
            if found:
                yield Claim(
                    f"{task.name}: {task.better} at least {factor:g} times better than {other}",
                    median(found) >= factor,
                    f"{ranged(found)} times",
                )


def ratios(task: Task, group: Mapping[str, Sequence[Sample]], other: str) -> list[float]:
    """How many times better Flowpath was than another one, repetition by repetition."""
    ours, theirs = figures(group.get(FLOWPATH, ())), figures(group.get(other, ()))
    if len(ours) != len(theirs):
        return []
    return [a / b if task.mode == "throughput" else b / a for a, b in zip(ours, theirs, strict=True)]


def figures(samples: Sequence[Sample]) -> list[float]:
    """What the task is about, where there was an answer."""
    return [each.figure for each in samples if each.figure is not None]


def summary(task: Task, group: Mapping[str, Sequence[Sample]]) -> Table:
    """A line for each controller."""
    rows: list[tuple[Cell, ...]] = []
    for name, samples in group.items():
        found = ratios(task, group, name) if name != FLOWPATH else []
        latency = [milliseconds(middle([each.latency.get(p) for each in samples])) for p in ("p50", "p99", "p99.9")]
        rates = [each.result.rate for each in samples]
        ratio = (median(found), min(found), max(found)) if found else (None, None, None)
        rows.append((name, median(rates), min(rates), max(rates), *latency, *ratio))
    columns = (
        "controller", "answers/s", "least", "most", "p50 ms", "p99 ms", "p99.9 ms", "ratio", "least", "most"
    )  # fmt: skip
    fewer = [
        f"{name} takes only {some[0].switches}" for name, some in group.items() if some[0].switches < task.switches
    ]
    whose = "Latencies are those of the quiet switch. " if task.mode == "fairness" else ""
    note = (
        f"{whose}Ratio: how many times better Flowpath is, in {task.better}, repetition by repetition. Medians, least "
        "and most of all repetitions." + "".join(f" Of the switches that flood, {each}." for each in fewer)
    )
    return Table(
        f"{task.name}: {task.switches} switch{'es' if task.switches > 1 else ''}, {task.window} waiting in each",
        columns,
        tuple(rows),
        note,
    )


def load(groups: Groups) -> Table:
    """What answering costs."""
    rows = tuple(
        (
            f"{task.name}: {name}",
            middle([each.result.controller_cpu for each in samples]),
            middle([each.result.per_processor_second for each in samples]),
            middle([each.result.generator_cpu for each in samples]),
            middle([None if each.result.resident is None else each.result.resident / 1e6 for each in samples]),
            middle([each.result.rules_per_answer for each in samples]),
        )
        for task, group in groups.items()
        for name, samples in group.items()
    )
    columns = ("measured", "its cores", "per core s", "generator", "its MB", "rules/answer")
    note = (
        "Medians. Processor time as a share of one core. Answers per second of the controller's processor time leave "
        "out what else the machine does. Memory: resident, at the end."
    )
    return Table("What it took", columns, rows, note)


def every(samples: Sequence[Sample]) -> Table:
    """Every measurement."""
    rows = tuple(
        (
            f"{each.task.name}: {each.controller} {each.number}",
            each.result.rate, milliseconds(each.latency.get("p50")), milliseconds(each.latency.get("p99")),
            each.result.verified, each.result.sampled, "right" if each.result.right else "WRONG",
        )
        for each in samples
    )  # fmt: skip
    columns = ("measurement", "answers/s", "p50 ms", "p99 ms", "checked", "in full", "answers")
    return Table("Every measurement", columns, rows)


def milliseconds(microseconds: float | None) -> float | None:
    """As tables show long times."""
    return None if microseconds is None else microseconds / 1000


def middle(values: Sequence[float | None]) -> float | None:
    """The median of what is known."""
    known = [value for value in values if value is not None]
    return median(known) if known else None
