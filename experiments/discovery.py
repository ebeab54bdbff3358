"""The discovery experiment: how soon a controller knows every cable, and what knowing costs; against Ryu's own.

One network, several controllers, one after the other and by turns. Each is started, all switches are told of it at
once, and from the captured OpenFlow messages alone it is read when a probe had come in at both ends of every cable, and
how many probes are sent per minute once nothing is left to be found.

examples:
  flowpath run discovery --topology torus:3x3
  flowpath run discovery --topology fat-tree:4 --repeat 3 --rest 30
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import topologies
from experiments import report, results
from experiments.capture import Message, Recorder, read
from experiments.errors import Exit, UserError
from experiments.machine import ovs, wait
from experiments.machine.controller_process import Controller, require_ports
from experiments.machine.session import Session
from experiments.options import add_common
from experiments.report import sheet, strips
from experiments.report.sheet import Claim, Picture, Sheet, Table, ranged
from experiments.wire_watch import Place, WireWatch, is_probe

if TYPE_CHECKING:
    from experiments.machine.network import Network
    from topologies.plan import Graph

EXPERIMENT = "discovery"
FLOWPATH, RYU = "Flowpath", "Ryu --observe-links"

FASTER = 5
"""How many times faster than Ryu Flowpath shall be."""

PATIENCE = 60.0
"""Seconds after which a controller counts as unable to find every cable."""

SETTLING = 2.0
"""Seconds after the last cable was found that do not count as rest yet."""


@dataclass(frozen=True)
class Sample:
    """One start of a controller. ``took``: seconds from the last switch's connection to the complete graph.

    ``probes``: PACKET_OUTs with probes until then; ``heard``: PACKET_INs with probes; both per minute at rest too.
    """

    controller: str
    number: int
    took: float
    probes: int
    heard: int
    probes_a_minute: float
    heard_a_minute: float


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The network, how often, how long."""
    add_common(parser, "torus:3x3")
    parser.add_argument(
        "--repeat", metavar="N", type=int, default=5, help="starts of each controller, by turns (default: 5)"
    )
    parser.add_argument(
        "--rest", metavar="SECONDS", type=float, default=15.0,
        help="how long probes are counted once all is found (default: 15)",
    )  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Run the experiment and write the results; `Exit.NOT_SHOWN` when Flowpath is not clearly better."""
    if args.repeat < 1 or args.rest <= 0:
        raise UserError("--repeat and --rest: more than 0")
    graph = topologies.build_graph(args.topology)
    places = cable_ends(graph)
    if not places:
        raise UserError(f"topology {args.topology!r} has no cable between switches; try torus:3x3")
    narrator = report.Narrator()
    started = datetime.now(UTC).isoformat(timespec="seconds")
    samples: list[Sample] = []
    with Session(EXPERIMENT, wait=args.wait) as session:
        datapath = session.open_vswitch()
        require_ports()
        directory = results.new_directory(EXPERIMENT, args.out)
        network = session.network(graph, Controller(log=directory / "none.log"))
        narrator.progress(f"network is up: {len(network.switches)} switches, {len(places) // 2} cables between them")
        for number in range(1, args.repeat + 1):
            for name, start in controllers(session).items():
                stem = f"{name.split()[0].lower()}-{number}"
                capture = directory / f"{stem}.pcap"
                observe(network, capture, partial(start, directory / f"{stem}.log"), args.rest)
                samples.append(measured(name, number, list(read(capture)), places, args.rest))
                narrator.progress(f"{name}: all found in {samples[-1].took:.3f} s")
    about = sheet.circumstances(
        EXPERIMENT, started=started, topology=args.topology, repetitions=args.repeat, rest_s=args.rest, seed=None,
        datapath=str(datapath),
    )  # fmt: skip
    page = told(samples, places, about)
    sheet.write(page, directory)
    results.finish(directory)
    sheet.show(page, directory)
    return Exit.FINE if page.holds else Exit.NOT_SHOWN


def controllers(session: Session) -> Mapping[str, Callable[[Path], Controller]]:
    """Who is compared, and how each is started."""
    return {
        FLOWPATH: lambda log: session.controller(["routing"], log=log),
        RYU: lambda log: session.controller(ryu_apps=["--observe-links", "ryu.app.rest_topology"], log=log),
    }


def cable_ends(graph: Graph) -> list[Place]:
    """Both ends of every cable between two switches."""
    return [
        Place(graph.nodes[node]["dpid"], edge["ports"][node])
        for one, other, edge in graph.edges(data=True)
        if graph.nodes[one]["kind"] == graph.nodes[other]["kind"] == "switch"
        for node in (one, other)
    ]


def observe(network: Network, capture: Path, start: Callable[[], Controller], rest: float) -> None:
    """Have a controller find everything, and then rest, while its messages are captured. Raises `UserError`."""
    places = cable_ends(network.graph)
    # Left to themselves, switches knock at a missing controller at times of their own, up to a second apart.
    to_all(network, "del-controller")
    with ExitStack() as stack:
        recorder = stack.enter_context(Recorder(path=capture))
        watch = stack.enter_context(WireWatch(recorder))
        controller = start()
        stack.callback(controller.stop)
        to_all(network, "set-controller", "tcp:{}:{}".format(*controller.address))

        def complete() -> bool:
            controller.check()
            return all(watch.probes.get(place) for place in places)

        if not wait.until(complete, PATIENCE):
            missing = sum(not watch.probes.get(place) for place in places)
            raise UserError(
                f"after {PATIENCE:g} s, {missing} of {len(places)} cable ends have heard no probe; see {controller.log}"
            )
        if controller.died_within(SETTLING + rest):
            controller.check()


def to_all(network: Network, *order: str) -> None:
    """Give every bridge the same order, all in one transaction."""
    command, *rest = order
    ovs.vsctl(*(word for switch in network.switches for word in ("--", command, switch.name, *rest)))


def measured(name: str, number: int, captured: Sequence[Message], places: Sequence[Place], rest: float) -> Sample:
    """What a capture says of one start."""
    connected: dict[int, float] = {}
    heard: list[tuple[float, Place]] = []
    sent: list[float] = []
    for message in captured:
        if message.from_switch and message.dpid is not None:
            connected.setdefault(message.dpid, message.time)
        if is_probe(message):
            if message.name == "PACKET_OUT":
                sent.append(message.time)
            elif message.dpid is not None:
                heard.append((message.time, Place(message.dpid, message.fields["match"]["in_port"])))
    first: dict[Place, float] = {}
    for when, place in heard:
        first.setdefault(place, when)
    complete = max(first[place] for place in places)
    begin = complete + SETTLING
    return Sample(
        name,
        number,
        complete - max(connected.values()),
        sum(when <= complete for when in sent),
        sum(when <= complete for when, _ in heard),
        60 / rest * sum(begin <= when < begin + rest for when in sent),
        60 / rest * sum(begin <= when < begin + rest for when, _ in heard),
    )


def told(samples: Sequence[Sample], places: Sequence[Place], about: Mapping[str, Any]) -> Sheet:
    """The result as a sheet."""
    ours, theirs = ([each for each in samples if each.controller == name] for name in (FLOWPATH, RYU))
    faster = median(each.took for each in theirs) / median(each.took for each in ours)
    asking, they_ask = (median(each.probes_a_minute for each in group) for group in (ours, theirs))
    claims = (
        Claim(
            f"Flowpath knows every cable at least {FASTER} times sooner",
            faster >= FASTER,
            f"{faster:.1f} times, by the medians",
        ),
        Claim(
            "and sends fewer probes per minute at rest",
            asking < they_ask,
            f"{asking:,.0f} and {they_ask:,.0f}, medians",
        ),
    )
    rows = tuple(
        (
            name,
            ranged([each.took * 1000 for each in group]),
            ranged([each.probes for each in group]),
            ranged([each.probes_a_minute for each in group]),
            ranged([each.heard_a_minute for each in group]),
        )
        for name, group in ((FLOWPATH, ours), (RYU, theirs))
    )
    table = Table(
        "From the last switch's connection to the complete graph, and then at rest: median (least to most)",
        ("controller", "ms until complete", "probes until then", "probes/min at rest", "probes heard/min"),
        rows,
        "Complete: a probe has come in as PACKET_IN at both ends of every cable. Probes: PACKET_OUTs that carry LLDP.",
    )
    every = Table(
        "Every start",
        ("controller", "ms until complete", "probes until then", "probes/min at rest"),
        tuple((f"{s.controller} {s.number}", s.took * 1000, s.probes, s.probes_a_minute) for s in samples),
    )
    title = "Time to the complete graph"
    plotted = {name: [each.took * 1000 for each in group] for name, group in ((FLOWPATH, ours), (RYU, theirs))}
    return Sheet(
        EXPERIMENT,
        f"Who knows the {len(places) // 2} cables of {about['topology']} first",
        "The same network, and by turns another controller: Flowpath, and Ryu with its own ryu.topology.switches. What "
        "each had found, and when, is read from the captured OpenFlow messages alone.",
        claims,
        (table, every),
        about,
        {"samples": [asdict(each) for each in samples]},
        (
            Picture(
                title, strips.draw(plotted, "ms until complete", title), "Every dot is one start; lines mark medians."
            ),
        ),
        {"flowpath-1.pcap": "messages of the first start", "ryu-1.pcap": "Ryu's"},
    )
