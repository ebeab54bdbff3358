"""A whole run in a process of its own, for tests to interrupt: ``python -m tests.live.a_run [SIGNAL STEP]``.

Steps are calls of functions in the rooms that make and undo things; at the given one, the process sends itself the
signal. So a moment can be chosen, and chosen again. Prints "pinging" while it pings, and the number of its steps at
the end. "wait" instead of a signal: ping on until something happens.
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


class Steps:
    """Counts calls, and strikes at one of them."""

    def __init__(self, signum: int, at: int) -> None:
        self.signum = signum
        self.at = at
        self.count = 0

    def __call__(self, frame: FrameType, event: str, _: Any) -> None:
        if event == "call" and str(frame.f_globals.get("__name__")).startswith(ROOMS):
            self.count += 1
            if self.count == self.at:
                os.kill(os.getpid(), self.signum)


def run(count: str) -> None:
    with Session("interrupted", wait=60) as session:
        network = session.network(topologies.build_graph("linear:3"), session.controller(["ryu.app.simple_switch_13"]))
        network.wait_ready()
        print("pinging", flush=True)
        network.host("h1").run(["ping", "-i", "0.2", "-c", count, "10.0.0.3"], timeout=60)


def main() -> None:
    what, step = sys.argv[1:] or ["0", "0"]
    steps = Steps(int(what) if what.isdigit() else 0, int(step))
    sys.setprofile(steps)
    try:
        run("100" if what == "wait" else "1")
    except KeyboardInterrupt as interrupt:
        print("interrupted by", interrupt)
    sys.setprofile(None)
    print(steps.count)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)
    main()
