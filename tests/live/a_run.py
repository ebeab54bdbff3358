"""A whole run in a process of its own, for tests to interrupt: ``python -m tests.live.a_run [SIGNAL STEP]...``.

Steps are calls of functions in the rooms that make and undo things; at the given one, the process sends itself the
signal. So a moment can be chosen, and chosen again. Prints "pinging" while it pings, and the number of its steps at
the end. "wait" instead of signals: ping on until something happens.
"""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType
from typing import Any

import topologies
from experiments.machine.session import Session

ROOMS = ("experiments.machine.", "topologies.")
LOOKING = (".processes", ".ports")
"""Rooms that only look around, with hundreds of calls that would hide the others."""


class Steps:
    """Counts calls, and strikes at some of them.

    A Python signal handler runs in the function that is about to be called, which as a rule is this one; and Python
    drops a profile function out of which an exception comes. So a timer puts it back a moment after each strike.
    """

    def __init__(self, strikes: dict[int, int]) -> None:
        self.strikes = strikes
        self.count = 0

    def begin(self) -> None:
        signal.signal(signal.SIGALRM, lambda *_: sys.setprofile(self))
        sys.setprofile(self)

    def __call__(self, frame: FrameType, event: str, _: Any) -> None:
        module = str(frame.f_globals.get("__name__"))
        if event == "call" and module.startswith(ROOMS) and not module.endswith(LOOKING):
            self.count += 1
            if signum := self.strikes.get(self.count):
                sys.setprofile(None)
                signal.setitimer(signal.ITIMER_REAL, 0.001)
                os.kill(os.getpid(), signum)


def run(count: str) -> None:
    with Session("interrupted", wait=60) as session:
        network = session.network(
            topologies.build_graph("linear:3"), session.controller(ryu_apps=["ryu.app.simple_switch_13"])
        )
        network.wait_ready()
        print("pinging", flush=True)
        network.host("h1").run(["ping", "-i", "0.2", "-c", count, "10.0.0.3"], timeout=60)


def main() -> None:
    waits = sys.argv[1:] == ["wait"]
    numbers = [] if waits else [int(word) for word in sys.argv[1:]]
    steps = Steps(dict(zip(numbers[1::2], numbers[::2], strict=True)))
    steps.begin()
    try:
        run("100" if waits else "1")
    except KeyboardInterrupt as interrupt:
        print("interrupted by", interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0)
    print(steps.count)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)
    main()
