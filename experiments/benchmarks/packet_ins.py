"""Where the time of one packet-in goes, `python -m experiments.benchmarks.packet_ins [--app NAME] [--pattern NAME]`.

The network operating system alone, in memory: the questions of emulated switches go in as bytes, the answers come out
as bytes; no socket, no Ryu, no event loop. The time is measured without the profiler, the shares with it: those of
functions that call many small ones are somewhat too large.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import time
from collections import Counter, deque
from pathlib import Path

from rich.console import Console
from rich.table import Table

from controller import apps
from controller.config import Config
from controller.model import Port, SwitchUp
from controller.network_os import NetworkOS
from experiments.packet_ins import questions, wire
from experiments.packet_ins.questions import PATTERNS, PORTS, SIZE, Questions

HOME = Path(__file__).resolve().parents[2]
STRIDE = wire.FRAME_AT + questions.FRAME
STEP = 0.01
"""Seconds between two ticks of the clock that the controller is told, as it starts."""
STARTING = 20.0
"""Seconds on that clock in which switches, ports and hosts become known."""

Outgoing = list[tuple[int, bytes]]


class Bench:
    """A network operating system with switches that answer it at once."""

    def __init__(self, app: str, pattern: str, switches: int) -> None:
        self.network_os = NetworkOS([apps.load(app, Config())])
        self.questions = {dpid: Questions(dpid, pattern) for dpid in range(1, switches + 1)}
        self.now = 1000.0
        self._lap = 0
        self._start()

    def _start(self) -> None:
        for dpid in self.questions:
            ports = tuple(
                Port(number, f"p{number}", bytes((10, 0, 0, 0, dpid, number)), up=True)
                for number in range(1, PORTS + 1)
            )
            self._serve(self.network_os.switch_up(SwitchUp(dpid, ports, ("127.0.0.1", dpid)), self.now))
        self._pass(STARTING / 2)
        for dpid in self.questions:
            for host in range(questions.HOSTS):
                announcement = questions.announcement(dpid, 0, host)
                self._serve(self.network_os.packet_in(dpid, announcement, self.now))
        self._pass(STARTING / 2)

    def _pass(self, seconds: float) -> None:
        until = self.now + seconds
        while self.now < until:
            self._serve(self.network_os.tick(self.now))
            self.now += STEP

    def _serve(self, outgoing: Outgoing) -> None:
        """Have switches answer what they are told, and that in its turn."""
        waiting = deque(outgoing)
        while waiting:
            dpid, data = waiting.popleft()
            while data:
                length = int.from_bytes(data[2:4], "big")
                answer = wire.reply(data[:length], dpid, PORTS)
                if answer is not None:
                    waiting += self.network_os.message(dpid, answer, self.now)
                data = data[length:]

    def lap(self) -> int:
        """Have every switch ask all its questions once; how many answers there were."""
        answers = 0
        ask, now = self.network_os.packet_in, self.now
        for dpid, its in self.questions.items():
            block = bytes(its.mark(self._lap))
            for at in range(0, SIZE * STRIDE, STRIDE):
                answers += bool(ask(dpid, block[at : at + STRIDE], now))
        self._lap += 1
        return answers


def measure(bench: Bench, laps: int) -> tuple[float, pstats.Stats]:
    """Microseconds of a packet-in (the best lap), and the profile of as many laps."""
    asked = SIZE * len(bench.questions)
    best = float("inf")
    for _ in range(laps):
        begin = time.process_time()
        answers = bench.lap()
        best = min(best, time.process_time() - begin)
        if answers != asked:
            raise RuntimeError(f"{asked} questions were asked, {answers} answered")
    profile = cProfile.Profile()
    profile.runcall(lambda: [bench.lap() for _ in range(laps)])
    return best / asked * 1e6, pstats.Stats(profile)


def shares(profile: pstats.Stats, *, by_module: bool) -> Counter[str]:
    """Seconds by function or module; what a built-in function takes counts for who called it."""
    found: Counter[str] = Counter()
    for function, (_, _, own, _, callers) in profile.stats.items():  # type: ignore[attr-defined]
        if Path(function[0]).is_absolute() or not callers:
            found[name(function, by_module)] += own
        else:
            for caller, (_, _, spent, _) in callers.items():
                found[name(caller, by_module)] += spent
    return found


def name(function: tuple[str, int, str], by_module: bool) -> str:
    """A function as people call it."""
    path = Path(function[0])
    file = str(path.relative_to(HOME)) if path.is_relative_to(HOME) else "Python"
    return file if by_module else f"{file}: {function[2]}"


def main() -> None:
    """Print two tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--app", default="learning_switch", help="default: %(default)s")
    parser.add_argument("--pattern", choices=PATTERNS, default="pairs", help="default: %(default)s")
    parser.add_argument("--switches", type=int, default=16, help="default: %(default)s")
    parser.add_argument("--laps", type=int, default=10, help=f"of {SIZE} questions of each switch (default: 10)")
    args = parser.parse_args()
    took, profile = measure(Bench(args.app, args.pattern, args.switches), args.laps)
    console = Console(highlight=False)
    console.print(f"{args.app}, {args.pattern}: {took:.2f} us a packet-in, {1e6 / took:,.0f} a second")
    for title, by_module, most in (("module", True, 14), ("function", False, 20)):
        counted = shares(profile, by_module=by_module)
        total = counted.total()
        table = Table(title, "share", "us", box=None)
        for what, seconds in counted.most_common(most):
            table.add_row(what, f"{seconds / total:.1%}", f"{seconds / total * took:.2f}")
        console.print(table)


if __name__ == "__main__":
    main()
