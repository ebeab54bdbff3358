"""What the link-failure experiment found, as a sheet: claims, a table per mode and kind, a plot, every sample."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from statistics import median
from typing import TYPE_CHECKING, Any

from experiments.failures import Kind
from experiments.report import strips
from experiments.report.sheet import Cell, Claim, Picture, Sheet, Table

if TYPE_CHECKING:
    from experiments.link_failure import Probing, Repetition, Suffered

REPAIR = 0.030
"""Seconds that the controller may take to lead packets around an announced failure, the switches' own part included."""

NOTICED = 1.0
"""Seconds within which a silent failure is to be noticed."""

INTERVALS = (3.0, 1.5, 0.5, 0.25, 0.1)
"""Seconds between probes that are reckoned with."""

Groups = Mapping[tuple[str, Kind], Sequence["Repetition"]]


def told(found: Sequence[Repetition], rest: Mapping[str, Probing], about: Mapping[str, Any]) -> Sheet:
    """The result as a sheet. ``rest``: the probes at rest, by mode."""
    groups: dict[tuple[str, Kind], list[Repetition]] = {}
    for each in found:
        groups.setdefault((each.mode, each.kind), []).append(each)
    announced = [each for each in found if each.kind is Kind.ANNOUNCED]
    plotted = {f"{mode}, {kind}": silences(each.ours for each in group) for (mode, kind), group in groups.items()}
    plotted["by hand, announced"] = silences(each.by_hand for each in announced)
    title = "The longest silence at the receiver, for each failure"
    return Sheet(
        "link-failure",
        f"A cable fails under {about['rate']:g} packets a second through {about['topology']}",
        "Beside the stream that the controller leads runs one by fast-failover groups written by hand, without any "
        "controller; both meet the same failure at the same moment. What that one loses is what the switches need to "
        "notice.",
        tuple(claims(groups)),
        (summary(groups, announced), times(groups), *costs(groups, rest), every(found)),
        about,
        {
            "repetitions": [asdict(each) for each in found],
            "probes_at_rest": {mode: asdict(each) for mode, each in rest.items()},
        },
        (
            Picture(
                "How long nothing came",
                strips.draw(plotted, "longest silence, ms", title),
                title + "; lines mark medians.",
            ),
        ),
        {f"{mode}.pcap": f"OpenFlow messages of {mode}" for mode in rest} | {f"{mode}.log": "its log" for mode in rest},
    )


def claims(groups: Groups) -> Iterable[Claim]:
    """What the run should show."""
    for (mode, kind), group in groups.items():
        overcome = [each for each in group if each.ours.lost is not None]
        yield Claim(
            f"{mode}: every {kind} failure is overcome", len(overcome) == len(group), f"{len(overcome)} of {len(group)}"
        )
        if kind is Kind.SILENT:
            times = [each.ordered for each in group if each.ordered is not None]
            yield Claim(
                f"{mode}: a silent failure is noticed within {NOTICED:g} s",
                len(times) == len(group) and max(times) <= NOTICED,
                f"at most {max(times) * 1000:.0f} ms" if times else "never",
            )
        elif mode == "fast-failover":
            more = [
                each.ours.lost - each.by_hand.lost
                for each in overcome
                if each.ours.lost is not None and each.by_hand.lost is not None
            ]
            yield Claim(
                f"{mode}: an announced failure costs no more packets than with groups written by hand",
                bool(more) and median(more) <= 0,
                f"more, median: {median(more):g} ({min(more)} to {max(more)})" if more else "",
            )
        elif mode == "proactive" and overcome:
            middle = median(silences(each.ours for each in overcome))
            yield Claim(
                f"{mode}: the controller leads packets around an announced failure within {REPAIR * 1000:g} ms",
                middle <= REPAIR * 1000,
                f"median {middle:.1f} ms",
            )


def summary(groups: Groups, announced: Sequence[Repetition]) -> Table:
    """Losses and silences by mode and kind, the reference last."""
    rows = [(f"{mode}, {kind}", *losses([each.ours for each in group])) for (mode, kind), group in groups.items()] + [
        ("by hand, announced", *losses([each.by_hand for each in announced]))
    ] * bool(announced)
    return Table(
        "Packets lost and the longest silence, per failure",
        ("mode and failure", "failures", "never over", "lost", "max", "silence ms", "max", "mending"),
        tuple(rows),
        "Medians and the greatest. Mending: the most that were lost when the cable came back. "
        "By hand: fast-failover groups written with ovs-ofctl for the same way, under the same failures. Silent "
        "failures they cannot notice: the carrier stays up.",
    )  # fmt: skip


def losses(streams: Sequence[Suffered]) -> tuple[Cell, ...]:
    """The figures of a row."""
    lost = [each.lost for each in streams if each.lost is not None]
    quiet = silences(streams)
    mending = [each.lost_mending for each in streams if each.lost_mending is not None]
    if not lost:
        return len(streams), len(streams), None, None, None, None, None
    return (
        len(streams), len(streams) - len(lost), float(median(lost)), max(lost), median(quiet), max(quiet), max(mending),
    )  # fmt: skip


def times(groups: Groups) -> Table:
    """When the controller knew."""

    def figures(group: Sequence[Repetition], pick: Callable[[Repetition], float | None]) -> tuple[Cell, Cell]:
        values = [value * 1000 for value in map(pick, group) if value is not None]
        return (median(values), max(values)) if values else (None, None)

    rows = tuple(
        (
            f"{mode}, {kind}",
            *figures(group, lambda each: each.told),
            *figures(group, lambda each: each.ordered),
            *figures(group, since_probe),
        )
        for (mode, kind), group in groups.items()
    )
    return Table(
        "When the controller knew (ms after the failure)",
        ("mode and failure", "told", "max", "first order", "max", "from last probe", "max"),
        rows,
        "Medians and the greatest. Told: a switch says that a port is gone. First order: the controller changes a rule "
        "or a group. From the last probe: from when a probe was last heard at the end that went deaf to the first "
        "order. All as captured.",
    )  # fmt: skip


def costs(groups: Groups, rest: Mapping[str, Probing]) -> Iterable[Table]:
    """What noticing silent failures sooner would cost in probes, where both were measured."""
    for (mode, kind), group in groups.items():
        waits = [wait for wait in map(since_probe, group) if wait is not None]
        probing = rest[mode]
        if kind is Kind.ANNOUNCED or not waits or not probing.interval:
            continue
        beyond = median(waits) - probing.interval
        yield Table(
            f"What noticing sooner would cost ({mode})",
            ("seconds between probes", "noticed after, ms", "probes/min", ""),
            (
                (f"{probing.interval:.2f}", median(waits) * 1000, probing.a_minute, "measured"),
                *(
                    (f"{each:.2f}", (each + beyond) * 1000, probing.a_minute * probing.interval / each, "reckoned")
                    for each in INTERVALS
                ),
            ),
            "From the last probe that came through, median. The other rows follow: probes grow as "
            "the time between them shrinks, what is waited beyond it for repeated probes stays.",
        )


def every(found: Sequence[Repetition]) -> Table:
    """Every sample."""
    rows = tuple(
        (
            f"{each.mode}, {each.kind} {each.number}", " ".join(each.way), each.cable,
            each.ours.lost, milliseconds(each.ours.silence), each.by_hand.lost, milliseconds(each.by_hand.silence),
        )
        for each in found
    )  # fmt: skip
    columns = ("failure", "way", "cable", "lost", "silence ms", "by hand: lost", "silence ms")
    return Table("Every failure", columns, rows)


def since_probe(each: Repetition) -> float | None:
    """Seconds from the last probe that came through to the controller's first order."""
    return None if each.ordered is None or each.probed is None else each.ordered + each.probed


def silences(streams: Iterable[Suffered]) -> list[float]:
    """The longest silence of each failure that was overcome, in milliseconds."""
    return [each.silence * 1000 for each in streams if each.silence is not None]


def milliseconds(seconds: float | None) -> float | None:
    """Seconds as people read short times."""
    return None if seconds is None else seconds * 1000
