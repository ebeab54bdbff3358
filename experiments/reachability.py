"""The reachability experiment: does everybody reach everybody, by the shortest way, and does a broadcast come once?

Every host sends a datagram to every other and waits for the answer. Then the same again, now that everything is known,
and the way of each is read off from the switches' ports that it came in by. Then every host broadcasts numbered
frames, and the others count the copies. At last the ports are watched for what goes round after all that.

examples:
  flowpath run reachability --topology torus:3x3
  flowpath run reachability --topology fat-tree:4 --mode proactive
  flowpath run reachability --topology linear:5 --app learning_switch
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from statistics import median
from typing import TYPE_CHECKING

import networkx as nx

import topologies
from experiments import report, results
from experiments.capture import Recorder
from experiments.errors import Exit, UserError
from experiments.machine.controller_process import require_ports
from experiments.machine.links import SYSFS
from experiments.machine.session import Session
from experiments.options import MODES, add_common, controller_options
from experiments.report import sheet
from experiments.report.sheet import Claim, Sheet, Table
from experiments.traffic.broadcasts import FRAMES, copies
from experiments.traffic.echo import Echo, ask_all
from experiments.traffic.sightings import Port, Sightings, switch_ports
from experiments.traffic.sockets import PORT

if TYPE_CHECKING:
    from experiments.machine.network import Network
    from topologies.plan import Graph

EXPERIMENT = "reachability"

WATCH = 1.0
"""Seconds for which the ports are watched in the end."""

QUIET = 30
"""Packets a second that come in by a port at most when nobody sends: probes and the switches' own, not a storm."""

LISTED = 20
"""Pairs that the report lists at most."""


@dataclass(frozen=True)
class Pair:
    """What became of one host's datagram to another, cold (``tries``, 0 for never) and by which switches, settled."""

    source: str
    target: str
    tries: int
    rtt: float | None
    visits: tuple[Port, ...]
    shortest: int


@dataclass(frozen=True)
class Found:
    """What a run measured: the pairs, copies by (sender, receiver) and number, packets a second by port."""

    pairs: tuple[Pair, ...]
    copies: Mapping[tuple[str, str], tuple[int, ...]]
    rates: Mapping[str, float]
    asking_took: float


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The network, the application, its mode."""
    add_common(parser, "torus:3x3")
    parser.add_argument(
        "--app", metavar="NAME", default="routing", help="Flowpath's application: routing (default), learning_switch"
    )
    parser.add_argument("--mode", choices=MODES, default="reactive", help="routing's mode (default: reactive)")


def run(args: argparse.Namespace) -> int:
    """Run the experiment and write the results; `Exit.NOT_SHOWN` when somebody is not reached as he should be."""
    graph = topologies.build_graph(args.topology)
    if sum(about["kind"] == "host" for _, about in graph.nodes(data=True)) < 2:
        raise UserError(f"topology {args.topology!r} has fewer than two hosts; try torus:3x3")
    narrator = report.Narrator()
    started = datetime.now(UTC).isoformat(timespec="seconds")
    with Session(EXPERIMENT, wait=args.wait) as session:
        datapath = session.open_vswitch()
        require_ports()
        directory = results.new_directory(EXPERIMENT, args.out)
        with Recorder(path=directory / "openflow.pcap"):
            controller = session.controller(
                [args.app], log=directory / "controller.log", **controller_options(args.app, args.mode)
            )
            network = session.network(graph, controller)
            network.wait_ready()
            narrator.progress(f"network is up: {len(network.switches)} switches, {len(network.hosts)} hosts")
            found = measure(network, narrator.progress)
            controller.check()
        about = sheet.circumstances(
            EXPERIMENT, started=started, topology=args.topology, application=args.app,
            mode=args.mode if args.app == "routing" else None, seed=None, datapath=str(datapath),
        )  # fmt: skip
    page = told(found, graph, about)
    sheet.write(page, directory)
    results.finish(directory)
    sheet.show(page, directory)
    return Exit.FINE if page.holds else Exit.NOT_SHOWN


def measure(network: Network, say: Callable[[str], None]) -> Found:
    """Ask, ask again and trace, broadcast, watch."""
    pairs = [(one, other) for one in network.hosts for other in network.hosts if one != other]
    with ExitStack() as resources:
        began = time.monotonic()
        cold = ask_all(network.hosts, pairs)
        took = time.monotonic() - began
        say(f"{sum(echo.tries > 0 for echo in cold)} of {len(pairs)} pairs reach each other ({took:.1f} s)")
        sightings = resources.enter_context(Sightings(network.graph, PORT))
        settled = ask_all(network.hosts, pairs)
        ways = sightings.take()
        say("the way of each is known")
        counted = copies(network.hosts)
        say(f"{FRAMES} broadcasts of each host are counted")
        rates = watch(network.graph)
    found = [pair(network.graph, *both, ways) for both in zip(cold, settled, strict=True)]
    return Found(tuple(found), counted, rates, took)


def pair(graph: Graph, cold: Echo, settled: Echo, ways: Mapping[bytes, Sequence[Port]]) -> Pair:
    """Put together what is known of a pair."""
    visits = ways.get(settled.request, ())
    return Pair(cold.source, cold.target, cold.tries, settled.rtt, tuple(visits), shortest(graph, cold))


def shortest(graph: Graph, echo: Echo) -> int:
    """The least number of switches between two hosts."""
    return int(nx.shortest_path_length(graph, echo.source, echo.target)) - 1


def watch(graph: Graph) -> dict[str, float]:
    """Packets a second that come in by each port of a switch, while nobody sends."""
    began, before = time.monotonic(), received(graph)
    time.sleep(WATCH)
    after, took = received(graph), time.monotonic() - began
    return {name: (after[name] - count) / took for name, count in before.items()}


def received(graph: Graph) -> dict[str, int]:
    """Packets that each port of a switch has received, as its interface counts them."""
    return {name: int((SYSFS / name / "statistics" / "rx_packets").read_text()) for name in switch_ports(graph)}


def told(found: Found, graph: Graph, about: Mapping[str, object]) -> Sheet:
    """The result as a sheet."""
    pairs = found.pairs
    routed = about["mode"] is not None  # A learning switch learns from what comes along the tree, and keeps to it.
    reached = [each for each in pairs if each.tries]
    longer = [each for each in pairs if routed and len(each.visits) != each.shortest]
    looping = [each for each in pairs if len(set(each.visits)) < len(each.visits)]
    counts = Counter(count for each in found.copies.values() for count in each)
    busiest = max(found.rates, key=lambda name: found.rates[name])
    rtts = [each.rtt * 1000 for each in pairs if each.rtt is not None]
    first = sum(each.tries == 1 for each in pairs)
    frames = sum(counts.values())
    claims = (
        Claim("every host reaches every other", len(reached) == len(pairs), f"{len(reached)} of {len(pairs)} pairs"),
        *[Claim("by the shortest way", not longer, f"{len(pairs) - len(longer)} of {len(pairs)} pairs")] * routed,
        Claim("no packet comes into a switch twice by the same port", not looping, f"{len(looping)} packets did"),
        Claim(
            "each broadcast frame comes to each host exactly once", set(counts) == {1},
            f"{counts[1]:,} of {frames:,} did",
        ),
        Claim(
            "nothing goes round afterwards", found.rates[busiest] <= QUIET,
            f"busiest port {busiest}: {found.rates[busiest]:.0f} packets/s",
        ),
    )  # fmt: skip
    lengths = Counter((each.shortest, len(each.visits)) for each in pairs)
    tables = [
        Table(
            "Pairs of hosts",
            ("switches on the shortest way", "on the way taken", "pairs"),
            tuple((str(least), taken, count) for (least, taken), count in sorted(lengths.items())),
            "Switches that the datagram came into, as sighted at their ports in the second round, when all was known.",
        ),
        Table(
            "Copies of a broadcast frame",
            ("copies", "times"),
            tuple((str(copy), count) for copy, count in sorted(counts.items())),
            f"{FRAMES} numbered frames of each host, counted at each other host.",
        ),
    ]
    if wrong := [each for each in pairs if not each.tries or each in longer][:LISTED]:
        rows = (
            (f"{each.source} to {each.target}", each.tries, " ".join(p.switch for p in each.visits)) for each in wrong
        )
        tables.append(Table("Not as they should be", ("pair", "tries", "switches visited"), tuple(rows)))
    lead = (
        f"{len(pairs)} ordered pairs of hosts; {first} of them got through at the first try, all asked in "
        f"{found.asking_took:.1f} s. Once everything is known, a round trip takes "
        f"{median(rtts) if rtts else float('nan'):.2f} ms (median)."
    )
    data = {
        "pairs": [asdict(each) | {"visits": [f"{p.switch}:{p.number}" for p in each.visits]} for each in pairs],
        "broadcast_copies": [
            {"from": source, "to": target, "copies": list(each)} for (source, target), each in found.copies.items()
        ],
        "port_rates_when_quiet": dict(found.rates),
        "asking_took_s": found.asking_took,
    }
    files = {"openflow.pcap": "for Wireshark", "controller.log": "what the controller said"}
    title = f"Everybody reaches everybody through {about['topology']}"
    return Sheet(EXPERIMENT, title, lead, claims, tuple(tables), about, data, files=files)
