"""The link-failure experiment: a cable on the way of a stream fails, and what is lost until packets go another way.

UDP runs between two hosts far apart at an even rate. A cable of the way that it takes fails: announced (both ends go
down), or silently (one direction is dropped, the carrier stays up, so that only the controller's probes can tell).
Beside it runs a second stream by fast-failover groups that are written by hand, without any controller: it meets the
same failure at the same moment, and shows what the switches themselves take to notice.

examples:
  flowpath run link-failure --topology ring:6 --mode fast-failover --rate 1000
  flowpath run link-failure --topology torus:3x3 --modes reactive,proactive,fast-failover --repeat 20
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import networkx as nx

import topologies
from experiments import failure_report, report, results
from experiments.by_hand import Reference
from experiments.capture import Recorder
from experiments.errors import Exit, UserError
from experiments.failures import Kind, cables, fail, mend, without
from experiments.machine import wait
from experiments.machine.controller_process import require_ports
from experiments.machine.session import Session
from experiments.options import MODES, add_common
from experiments.ping import ping
from experiments.report import sheet
from experiments.traffic.sightings import Port, Sightings
from experiments.traffic.sockets import PORT
from experiments.traffic.stream import Stream, calm_since, outage
from experiments.wire_watch import Place, WireWatch

if TYPE_CHECKING:
    from experiments.machine.network import Network
    from topologies.plan import Graph

EXPERIMENT = "link-failure"
OURS, BY_HAND = PORT, PORT + 1
"""The UDP ports of the controller's stream and of the reference's."""

BEFORE = 0.3
"""Seconds without loss before a failure."""

CALM = 0.5
"""Seconds without loss after which a failure counts as overcome, and without an order after which the controller is
done."""

SAMPLE = 40
"""Packets that are sighted to learn the way of a stream."""

PATIENCE = 15.0
"""Seconds after which a failure counts as never overcome, and a cable as never found again."""

REST = 4.0
"""Seconds for which probes are counted at rest."""

Say = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """What to do."""

    topology: str
    source: str
    target: str
    modes: tuple[str, ...]
    kinds: tuple[Kind, ...]
    rate: float
    repeat: int
    out: Path | None = None
    wait: float = 0.0


@dataclass(frozen=True)
class Suffered:
    """What a stream lost by a failure, and (``lost_mending``) when the cable came back. None where it never ended."""

    lost: int | None
    silence: float | None
    lost_mending: int | None
    copies: int


@dataclass(frozen=True)
class Repetition:
    """One failure. Seconds after it: ``told`` (a switch told of a port), ``ordered`` (the controller's first order).

    ``probed`` is how long before the failure the last probe had been heard at the end that went deaf.
    """

    mode: str
    kind: Kind
    number: int
    way: tuple[str, ...]
    cable: str
    at: float
    ours: Suffered
    by_hand: Suffered
    told: float | None
    ordered: float | None
    probed: float | None


@dataclass(frozen=True)
class Probing:
    """How much a controller asks at rest: probes it sends, seconds between two at the end of a cable."""

    a_minute: float
    interval: float | None


@dataclass(frozen=True)
class Bench:
    """What a mode's failures are made on."""

    plan: Plan
    network: Network
    watch: WireWatch
    mode: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `Plan` holds."""
    add_common(parser, "ring:6")
    parser.add_argument("--from", dest="source", metavar="HOST", default="", help="who sends (default: the first host)")
    parser.add_argument(
        "--to", dest="target", metavar="HOST", default="", help="who receives (default: the host farthest from it)"
    )
    parser.add_argument("--mode", choices=MODES, help="routing's mode (default: fast-failover); or several:")
    parser.add_argument("--modes", metavar="MODE[,MODE...]", help=f"one after the other: {','.join(MODES)}")
    parser.add_argument(
        "--kinds", metavar="KIND[,KIND...]", default="announced,silent", help="how the cable fails (default: both)"
    )
    parser.add_argument("--rate", metavar="N", type=float, default=1000.0, help="packets a second (default: 1000)")
    parser.add_argument(
        "--repeat", metavar="N", type=int, default=10, help="failures of each kind in each mode (default: 10)"
    )


def run(args: argparse.Namespace) -> int:
    """Run the experiment and write the results; `Exit.NOT_SHOWN` when a failure was not overcome as it should be."""
    graph = topologies.build_graph(args.topology)
    plan = planned(args, graph)
    narrator = report.Narrator()
    started = datetime.now(UTC).isoformat(timespec="seconds")
    require_ports()
    directory = results.new_directory(EXPERIMENT, plan.out)
    found: list[Repetition] = []
    rest: dict[str, Probing] = {}
    for mode in plan.modes:
        with Session(EXPERIMENT, wait=plan.wait) as session:
            datapath = session.open_vswitch()
            with ExitStack() as recording:
                recorder = recording.enter_context(Recorder(path=directory / f"{mode}.pcap"))
                watch = recording.enter_context(WireWatch(recorder))
                controller = session.controller(["routing"], log=directory / f"{mode}.log", mode=mode)
                network = session.network(graph, controller)
                network.wait_ready()
                narrator.progress(f"{mode}: network is up")
                for kind in plan.kinds:
                    found += repetitions(Bench(plan, network, watch, mode), kind, narrator.progress)
                controller.check()
                rest[mode] = probing(network, watch)
    about = sheet.circumstances(
        EXPERIMENT, started=started, topology=plan.topology, hosts=f"{plan.source} to {plan.target}", rate=plan.rate,
        repetitions=plan.repeat, seed=None, datapath=str(datapath),
    )  # fmt: skip
    page = failure_report.told(found, rest, about)
    sheet.write(page, directory)
    results.finish(directory)
    sheet.show(page, directory)
    return Exit.FINE if page.holds else Exit.NOT_SHOWN


def planned(args: argparse.Namespace, graph: Graph) -> Plan:
    """The plan that the arguments make. Raises `UserError`."""
    hosts = [node for node, about in graph.nodes(data=True) if about["kind"] == "host"]
    if len(hosts) < 2:
        raise UserError(f"topology {args.topology!r} has fewer than two hosts; try ring:6")
    for host in filter(None, (args.source, args.target)):
        if host not in hosts:
            raise UserError(f"topology {args.topology!r} has no host {host!r} (hosts: {', '.join(hosts[:8])})")
    source = args.source or next(host for host in hosts if host != args.target)
    distance = nx.single_source_shortest_path_length(graph, source)
    target = args.target or max((host for host in hosts if host != source), key=lambda host: distance.get(host, -1))
    if args.mode and args.modes:
        raise UserError("--mode and --modes: say one of them")
    modes = tuple((args.modes or args.mode or "fast-failover").split(","))
    if unknown := set(modes) - set(MODES):
        raise UserError(f"there is no mode {min(unknown)!r}; there are {', '.join(MODES)}")
    if unknown := set(args.kinds.split(",")) - set(Kind):
        raise UserError(f"there is no kind of failure {min(unknown)!r}; there are {', '.join(Kind)}")
    if source == target or not survivable(graph, source, target):
        raise UserError(f"{source} and {target} have only one way in {args.topology!r}; try ring:6 or torus:3x3")
    if args.repeat < 1 or args.rate <= 0:
        raise UserError("--repeat and --rate: at least 1")
    kinds = tuple(Kind(word) for word in args.kinds.split(","))
    return Plan(args.topology, source, target, modes, kinds, args.rate, args.repeat, args.out, args.wait)


def survivable(graph: Graph, source: str, target: str) -> bool:
    """Whether there are two ways between the hosts' switches that share no cable."""
    one, other = (next(iter(graph.neighbors(host))) for host in (source, target))
    return one != other and nx.edge_connectivity(nx.Graph(graph), one, other) > 1


def probing(network: Network, watch: WireWatch) -> Probing:
    """Count the controller's probes while nothing happens. Raises `ControllerDied`."""
    begin = time.time()
    if network.controller.died_within(REST):
        network.controller.check()
    sent = [when for when in watch.probes_sent if when >= begin]
    gaps = [
        other - one
        for times in watch.probes.values()
        for one, other in pairwise(when for when in list(times) if when >= begin)
    ]
    return Probing(60 / REST * len(sent), median(gaps) if gaps else None)


def repetitions(bench: Bench, kind: Kind, say: Say) -> list[Repetition]:
    """Fail a cable again and again, each time the next one of the way then in use."""
    plan, network = bench.plan, bench.network
    meet(network, plan.source, plan.target)
    found = []
    for number in range(1, plan.repeat + 1):
        network.controller.check()
        one = repetition(bench, kind, number)
        lost = "not overcome" if one.ours.lost is None else f"{one.ours.lost} packets lost"
        say(f"{bench.mode}: {kind} failure {number} of {plan.repeat}, {one.cable}: {lost}")
        found.append(one)
    return found


def meet(network: Network, source: str, target: str) -> None:
    """Have two hosts known to each other and to the controller. Raises `UserError`."""
    replies = ping(network.host(source), network.host(target).ip, 3, 0.2)
    if replies[-1].rtt is None:
        raise UserError(f"{source} does not reach {target}; see {network.controller.log}")


def repetition(bench: Bench, kind: Kind, number: int) -> Repetition:
    """One failure of a cable of the way in use, overcome or not, and the cable mended again."""
    plan, network, watch = bench.plan, bench.network, bench.watch
    graph, ends = network.graph, (network.host(plan.source), network.host(plan.target))
    with ExitStack() as undo:
        ours = undo.enter_context(Stream(*ends, OURS, plan.rate))
        way = way_of(graph, ours)
        links = [link for link in cables(graph, way) if nx.has_path(without(graph, link), plan.source, plan.target)]
        if not links:
            raise UserError(f"no cable between {plan.source} and {plan.target} can fail without parting them")
        cable = links[(number - 1) % len(links)]
        reference = Reference(graph, way, cable, plan.target, BY_HAND)
        reference.install()
        undo.callback(reference.remove)
        hand = undo.enter_context(Stream(*ends, BY_HAND, plan.rate))
        if way_of(graph, hand) != way:
            raise UserError("the reference stream does not take the way of the controller's")
        steady(ours, hand)
        at = time.time()
        fail(cable, kind)
        undo_mending = undo.enter_context(ExitStack())
        undo_mending.callback(mend, cable, kind)
        overcome = wait.until(lambda: overcame(ours, at), PATIENCE)
        if kind is Kind.ANNOUNCED:
            wait.until(lambda: overcame(hand, at), PATIENCE)
        mended = time.time()
        undo_mending.close()
        places = [Place(graph.nodes[end.switch]["dpid"], end.number) for end in cable]
        if not watch.wait_heard(places, mended, PATIENCE):
            raise UserError(f"the controller did not probe {cable} again within {PATIENCE:g} s of its mending")
        if not watch.wait_calm(CALM, PATIENCE):
            raise UserError(f"the controller still changes rules {PATIENCE:g} s after {cable} was mended")
        steady(ours, hand)
        done = time.time()
        wait.until(lambda: all(stream.poll()[-1].sent >= done for stream in (ours, hand)), PATIENCE)
        losses = (
            suffered(ours, at, mended, done, overcome),
            suffered(hand, at, mended, done, kind is Kind.ANNOUNCED),
        )
    noticed = [when for when in watch.orders if at <= when < mended]
    told = [when for when in watch.port_news if at <= when < mended]
    heard = [when for when in watch.probes[places[1]] if when < at]
    return Repetition(
        bench.mode, kind, number, tuple(port.switch for port in way), str(cable), at, *losses,
        told[0] - at if told else None, noticed[0] - at if noticed else None, at - heard[-1] if heard else None,
    )  # fmt: skip


def way_of(graph: Graph, stream: Stream) -> list[Port]:
    """The way that the stream's packets take now, as the ports by which they come into switches.

    It waits until they all take one. Raises `UserError` when they do not, or do not arrive.
    """
    seen: dict[bytes, list[Port]] = {}
    ways: set[tuple[Port, ...]] = set()

    def settled() -> bool:
        nonlocal ways
        for payload, ports in sightings.take().items():
            seen.setdefault(payload, []).extend(ports)
        # The last ones are perhaps still on their way.
        ways = {tuple(way) for way in list(seen.values())[-SAMPLE : -SAMPLE // 4]}
        return len(stream.poll()) >= SAMPLE <= len(seen) and len(ways) == 1

    with Sightings(graph, stream.port) as sightings:
        if not wait.until(settled, PATIENCE):
            raise UserError(f"the stream to UDP port {stream.port} does not arrive, or takes many ways at a time")
    return list(ways.pop())


def steady(*streams: Stream) -> None:
    """Wait until streams have run without loss for a while. Raises `UserError`."""

    def well() -> bool:
        now = time.time()
        return all(overcame(stream, now - 2 * BEFORE, BEFORE) for stream in streams)

    if not wait.until(well, PATIENCE):
        raise UserError("the streams lose packets without any failure; is the machine too busy for this rate?")


def overcame(stream: Stream, since: float, calm: float = CALM) -> bool:
    """Whether packets have been coming for ``calm`` seconds without a gap, all sent after ``since``."""
    arrivals = stream.poll()
    begin = calm_since(arrivals[-20_000:], since)
    return begin is not None and arrivals[-1].sent - begin >= calm


def suffered(stream: Stream, at: float, mended: float, done: float, overcome: bool) -> Suffered:
    """What a stream lost until the cable was mended, and then until all was as before."""
    arrivals = stream.poll()
    if not overcome:
        return Suffered(None, None, None, 0)
    during, after = outage(arrivals, at, mended), outage(arrivals, mended, done)
    return Suffered(during.lost, during.silence, after.lost, during.copies + after.copies)
