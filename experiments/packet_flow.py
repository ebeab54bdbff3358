"""The packet-flow experiment: one host pings another, twice, and the packets tell how it went.

A network is built from real switches, a controller of its own is started, and everything that they say to each other
is captured. From the capture alone comes the story: what each switch asked, what was decided, which rules it was given,
and that nobody asks about the second ping. More cold starts after that show what asking costs.

examples:
  flowpath run packet-flow --topology linear:5
  flowpath run packet-flow --topology tree:2x3 --from h1 --to h9
  flowpath run packet-flow --ryu-app ryu.app.simple_switch_13   another controller's story
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import networkx as nx

import topologies
from experiments import report, results
from experiments.capture import Recorder, read
from experiments.cold_starts import PINGS, measure
from experiments.errors import Exit, UserError
from experiments.machine.controller_process import require_ports
from experiments.machine.session import Session
from experiments.outcome import Outcome
from experiments.story import explained, tell

if TYPE_CHECKING:
    from topologies.plan import Graph

EXPERIMENT = "packet-flow"
OWN_APP = "controller.app"
Say = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """What to do: between which hosts, how many cold starts, with which Ryu application."""

    topology: str = "linear:3"
    source: str = ""
    target: str = ""
    samples: int = 10
    apps: str = ""
    ryu_app: str = OWN_APP
    out: Path | None = None
    keep: bool = False
    wait: float = 0.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `Plan` holds."""
    parser.add_argument(
        "--topology", metavar="SPEC", default="linear:3",
        help="the network: linear:5, tree:2x3, ring:6, fat-tree:4 ... (default: linear:3)",
    )  # fmt: skip
    parser.add_argument("--from", dest="source", metavar="HOST", default="", help="who pings (default: the first host)")
    parser.add_argument(
        "--to", dest="target", metavar="HOST", default="", help="who is pinged (default: the last host)"
    )
    parser.add_argument(
        "--samples", metavar="N", type=int, default=10,
        help="cold starts to measure, the story's own among them (default: 10)",
    )  # fmt: skip
    parser.add_argument(
        "--apps", metavar="NAME[,NAME...]", default="",
        help="Flowpath's applications, in the order in which they are asked (default: routing)",
    )  # fmt: skip
    parser.add_argument(
        "--ryu-app", metavar="MODULE", default=OWN_APP,
        help="another Ryu application instead of Flowpath's controller; it must speak OpenFlow 1.3",
    )  # fmt: skip
    parser.add_argument(
        "--out", metavar="DIR", type=Path,
        help="where results go, in packet-flow/<UTC time>/ (default: results, or $FLOWPATH_RESULTS)",
    )  # fmt: skip
    parser.add_argument("--keep", action="store_true", help="keep the network up afterwards, until Enter or Ctrl-C")
    parser.add_argument(
        "--wait", metavar="SECONDS", type=float, default=0.0,
        help="wait so long for another run on this machine to end (default: do not wait)",
    )  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Run the experiment, tell the story, write the results; `Exit.NOT_SHOWN` when a step was not seen."""
    fields = ("topology", "source", "target", "samples", "apps", "ryu_app", "out", "keep", "wait")
    plan = Plan(**{name: getattr(args, name) for name in fields})
    narrator = report.Narrator()
    graph = topologies.build_graph(plan.topology)
    plan = checked(plan, graph)
    narrator.opening(graph, plan.source, plan.target)
    outcome, directory = perform(plan, graph, narrator.progress, narrator.tell)
    narrator.closing(outcome, directory)
    return Exit.FINE if outcome.story.complete else Exit.NOT_SHOWN


def checked(plan: Plan, graph: Graph) -> Plan:
    """The plan with its hosts chosen. Raises `UserError` for hosts that there are not, and for too few samples."""
    hosts = [node for node, about in graph.nodes(data=True) if about["kind"] == "host"]
    if len(hosts) < 2:
        raise UserError(f"topology {plan.topology!r} has {len(hosts)} host, and a ping needs two; try linear:3")
    source = plan.source or (hosts[0] if plan.target != hosts[0] else hosts[-1])
    target = plan.target or (hosts[-1] if source != hosts[-1] else hosts[0])
    for host in (source, target):
        if host not in hosts:
            shown = ", ".join(hosts[:8]) + (" ..." if len(hosts) > 8 else "")
            raise UserError(f"topology {plan.topology!r} has no host {host!r} (hosts: {shown})")
    if source == target:
        raise UserError(f"--from and --to are both {source}; a packet's way needs two hosts")
    switches = graph.subgraph(node for node, about in graph.nodes(data=True) if about["kind"] == "switch")
    loops = switches.number_of_edges() > switches.number_of_nodes() - nx.number_connected_components(switches)
    if loops and plan.ryu_app != OWN_APP:
        raise UserError(
            f"topology {plan.topology!r} has a loop, in which the floods of {plan.ryu_app} may go round for ever; "
            "choose one without, such as linear:5 or tree:2x3"
        )
    if plan.samples < 1:
        raise UserError(f"--samples {plan.samples}: at least 1, the story itself")
    return replace(plan, source=source, target=target)


def perform(plan: Plan, graph: Graph, say: Say, show: Callable[[Outcome], None]) -> tuple[Outcome, Path]:
    """Build, ping, capture, tell, write. ``show`` is given the outcome before it is written."""
    with Session(EXPERIMENT, wait=plan.wait) as session, ExitStack() as recording:
        datapath = session.open_vswitch()
        say(f"Open vSwitch is ready ({datapath} datapath)")
        require_ports()
        directory = results.new_directory(EXPERIMENT, plan.out)
        capture = directory / "openflow.pcap"
        recorder = recording.enter_context(Recorder(path=capture))
        apps = plan.apps.split(",") if plan.apps else []
        controller = session.controller(apps, ryu_apps=[plan.ryu_app], log=directory / "controller.log")
        say(f"controller is listening ({plan.apps or plan.ryu_app}, port {controller.address[1]})")
        network = session.network(graph, controller)
        network.wait_ready()
        say(f"network is up: {counted(network.switches, 'switch')}, {counted(network.hosts, 'host')}")
        measured = measure(network, (plan.source, plan.target), plan.samples, say)
        recording.close()
        controller.check()
        reasons = controller.reasons()
        messages = sorted(read(capture), key=lambda message: message.time)
        story = explained(tell(messages, graph, measured.pings, measured.before, measured.after), reasons)
        facts = about(plan, str(datapath), recorder.dropped)
        outcome = Outcome.of(graph, story, measured, messages, facts)
        show(outcome)
        report.write(directory, outcome)
        results.finish(directory)
        if plan.keep:
            keep_up(say)
    return outcome, directory


def about(plan: Plan, datapath: str, dropped: int) -> dict[str, Any]:
    """What to know about a run beside what it measured."""
    return {
        "experiment": EXPERIMENT,
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "topology": plan.topology,
        "application": plan.apps or plan.ryu_app,
        "samples": plan.samples,
        "pings_per_start": PINGS,
        "seed": None,
        "datapath": datapath,
        "packets_not_captured": dropped,
        "machine": results.machine(),
        "versions": results.versions(),
    }


def counted(things: Sequence[object], word: str) -> str:
    """``3 switches``."""
    plural = "es" if word.endswith("ch") else "s"
    return f"{len(things)} {word}{plural if len(things) != 1 else ''}"


def keep_up(say: Say) -> None:
    """Leave the network up until somebody has seen enough."""
    say("the network stays up; try: ovs-ofctl -O OpenFlow13 dump-flows s1")
    say("Enter or Ctrl-C takes it down")
    with suppress(KeyboardInterrupt):
        sys.stdin.readline()
