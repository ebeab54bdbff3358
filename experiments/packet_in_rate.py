"""The packet-in-rate experiment: how fast a controller answers switches, beside others, every answer checked.

Emulated OpenFlow 1.3 switches ask a controller over loopback about packets that they have no rule for. Each answer is
held against its question: the right switch, the right port, the packet unchanged, none lost, none twice; of every 997th
the rules that came with it are read too. Controllers take turns, each started afresh every time, on one core; the
generator has another, and says when it was the limit itself.

modes (several with commas between):
  throughput   16 switches, each with 64 questions waiting: answers a second
  latency      one switch, one question at a time: how long an answer takes
  fairness     16 switches ask as in throughput, one more asks one question at a time: how long that one waits

patterns (several with commas between):
  pairs         known hosts talk to known hosts
  fresh-source  every question comes from a host that was never seen before
  arp           known hosts ask for known hosts' addresses

controllers:
  flowpath, ryu (ryu.app.simple_switch_13), testcontroller (ovs-testcontroller, C, if it is installed),
  bare (a plain Python loop with no controller in it), or HOST:PORT of one that runs

examples:
  flowpath run packet-in-rate
  flowpath run packet-in-rate --mode throughput,latency,fairness --pattern pairs,fresh-source --app routing
  flowpath run packet-in-rate --controller flowpath,192.0.2.7:6653 --mode latency
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import product
from pathlib import Path

from experiments import report, results
from experiments.errors import Exit, UserError
from experiments.machine.signals import Signals
from experiments.packet_ins import contenders, told
from experiments.packet_ins.contenders import Cores
from experiments.packet_ins.generator import Job
from experiments.packet_ins.questions import MOST_SWITCHES, PATTERNS, SIZE
from experiments.packet_ins.told import Sample, Task
from experiments.report import sheet

EXPERIMENT = "packet-in-rate"
MODES = ("throughput", "latency", "fairness")
APPS = ("learning_switch", "routing")


@dataclass(frozen=True)
class Plan:
    """What to measure: which tasks of which controllers, how often, how long (seconds)."""

    controllers: Sequence[str]
    tasks: Sequence[Task]
    app: str
    repeat: int
    warmup: float
    duration: float


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `Plan` holds, and where results go."""
    known = ",".join(contenders.KNOWN)
    parser.add_argument("--controller", metavar="NAME[,...]", default=known, help=f"who is asked (default: {known})")
    parser.add_argument("--mode", metavar="NAME[,...]", default="throughput", help="default: throughput")
    parser.add_argument("--pattern", metavar="NAME[,...]", default="pairs", help="default: pairs")
    parser.add_argument(
        "--switches", metavar="N", type=int, help="default: 16; in latency mode 1; in fairness mode those that flood"
    )
    parser.add_argument(
        "--window", metavar="N", type=int, default=64,
        help=f"questions of a switch that may wait, 1 to {SIZE} (default: 64; always 1 in latency mode)",
    )  # fmt: skip
    parser.add_argument("--app", choices=APPS, default=APPS[0], help="Flowpath's application (default: %(default)s)")
    parser.add_argument(
        "--repeat", metavar="N", type=int, default=5, help="measurements of each controller, by turns (default: 5)"
    )
    parser.add_argument(
        "--duration", metavar="SECONDS", type=float, default=3.0, help="of a measurement (default: %(default)g)"
    )
    parser.add_argument(
        "--warmup", metavar="SECONDS", type=float, default=1.0, help="before each, not counted (default: %(default)g)"
    )
    parser.add_argument(
        "--out", metavar="DIR", type=Path,
        help=f"where results go, in {EXPERIMENT}/<UTC time>/ (default: results, or $FLOWPATH_RESULTS)",
    )  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Measure and write the results; `Exit.NOT_SHOWN` for a wrong answer, or a ratio that was not reached."""
    plan = planned(args)
    narrator = report.Narrator()
    chosen = set(args.controller.split(","))
    absent = [why for name in plan.controllers if (why := contenders.missing(name))]
    if absent and len(chosen) == len(absent):
        raise UserError(absent[0])
    for why in absent:
        narrator.progress(f"left out: {why}")
    started = datetime.now(UTC).isoformat(timespec="seconds")
    where = contenders.cores()
    signals = Signals()
    signals.catch()
    try:
        directory = results.new_directory(EXPERIMENT, args.out)
        samples = measured(plan, where, narrator.progress)
    finally:
        signals.restore()
    about = sheet.circumstances(
        EXPERIMENT, started=started, application=plan.app, repetitions=plan.repeat, duration_s=plan.duration,
        warmup_s=plan.warmup, controller_core=where.controller, generator_core=where.generator,
        left_out="; ".join(absent) or None, seed=None,
    )  # fmt: skip
    page = told.told(samples, about)
    sheet.write(page, directory)
    results.finish(directory)
    sheet.show(page, directory)
    return Exit.FINE if page.holds else Exit.NOT_SHOWN


def planned(args: argparse.Namespace) -> Plan:
    """The plan that the arguments make. Raises `UserError`."""
    modes, patterns = args.mode.split(","), args.pattern.split(",")
    for said, known, option in ((modes, MODES, "--mode"), (patterns, PATTERNS, "--pattern")):
        for each in said:
            if each not in known:
                raise UserError(f"{option} {each!r} is none of {', '.join(known)}")
    if args.switches is not None and not 0 < args.switches < MOST_SWITCHES:
        raise UserError(f"--switches {args.switches}: from 1 to {MOST_SWITCHES - 1}")
    if not 0 < args.window <= SIZE:
        raise UserError(f"--window {args.window}: from 1 to {SIZE}")
    if args.repeat < 1 or args.duration <= 0 or args.warmup < 0:
        raise UserError("--repeat, --duration: more than 0; --warmup: 0 or more")
    tasks = [
        Task(
            mode,
            pattern,
            args.switches or (1 if mode == "latency" else 16),
            1 if mode == "latency" else args.window,
        )
        for mode, pattern in product(modes, patterns)
    ]
    names = contenders.names(args.controller.split(","))
    return Plan(names, tasks, args.app, args.repeat, args.warmup, args.duration)


def measured(plan: Plan, where: Cores, say: Callable[[str], None]) -> list[Sample]:
    """Every task by every controller, by turns, so that what the machine does besides falls on all alike."""
    there = [name for name in plan.controllers if not contenders.missing(name)]
    samples = []
    for task, number in product(plan.tasks, range(1, plan.repeat + 1)):
        for name in there:
            with contenders.started(name, plan.app, where) as running:
                job = job_of(task, number, plan, contenders.MOST.get(name, MOST_SWITCHES))
                result = contenders.ask(running, job, where)
            samples.append(Sample(name, task, number, job.switches - job.quiet, result))
            say(f"{task.name}: {name} {samples[-1].told()}")
    return samples


def job_of(task: Task, number: int, plan: Plan, most: int) -> Job:
    """What the generator is to do, with as many switches as the controller takes."""
    quiet = int(task.mode == "fairness")
    return Job(
        host="",
        port=0,
        switches=min(task.switches + quiet, most),
        window=task.window,
        quiet=quiet,
        pattern=task.pattern,
        warmup=plan.warmup,
        duration=plan.duration,
        serial=number % 256,
    )
