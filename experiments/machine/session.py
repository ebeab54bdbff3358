"""A run's hold on the machine: the lock, the recovery of what a dead run left, and the undoing at exit.

::

    with Session("packet-flow") as session:
        controller = session.controller(log=results / "controller.log")
        network = session.network(topologies.build_graph("linear:3"), controller)
        network.wait_ready()
        network.host("h1").run(["ping", "-c", "2", "10.0.0.2"])

Whatever ends the block (its end, an exception, Ctrl-C, SIGTERM, a closed terminal), the machine is then as it was.
After a ``kill -9`` or a power cut, the next session makes it so first.
"""

from __future__ import annotations

import atexit
import os
import resource
import sys
from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from experiments.errors import UserError
from experiments.machine import commands, ovs, processes, recovery
from experiments.machine.controller_process import OWN_APP, Controller
from experiments.machine.journal import ROOM, Journal, runs
from experiments.machine.lock import Lock
from experiments.machine.network import Network
from experiments.machine.signals import Signals

if TYPE_CHECKING:
    from topologies.plan import Graph

OPEN_FILES = 16_384
"""Open vSwitch needs about three files for a port; Mininet two for a host."""

serial = count(1)


class Session:
    """Holds the machine for one run, named for people who find it busy.

    ``wait`` is how many seconds to wait for a run that is active; then `UserError` names it.
    Raises `UserError` too when not root.
    """

    def __init__(self, name: str, *, wait: float = 0.0) -> None:
        self.name = name
        self.wait = wait
        self._signals = Signals()
        self._lock = Lock()
        self._journal: Journal | None = None
        self._datapath: ovs.Datapath | None = None
        self._stops: list[Callable[[], None]] = []
        self._mark_before: str | None = None

    def __enter__(self) -> Self:
        if os.geteuid() != 0:
            raise UserError("networks are built as root only; put sudo before the command")
        # For a signal that comes when this block has not begun yet, or has ended just now.
        atexit.register(self.close)
        try:
            self._signals.catch()
            self._begin()
            limit_open_files()
        except BaseException:
            self.close()
            raise
        return self

    def _begin(self) -> None:
        run = run_name()
        words = [Path(sys.argv[0]).name, *sys.argv[1:]]
        self._lock.take(
            run, f"pid {os.getpid()} ({commands.shown(words)}; {self.name}, {datetime.now():%H:%M})", self.wait
        )
        with self._signals.held():
            if dead := runs():
                print(f"flowpath: undoing what {len(dead)} killed run(s) left behind", file=sys.stderr)
            for problem in recovery.recover():
                print(f"flowpath: left by an earlier run, and still there: {problem}", file=sys.stderr)
            self._journal = Journal(ROOM / run)
            self._journal.directory.mkdir()
            self._journal.add("processes")
            self._mark_before = os.environ.get(processes.MARK)
            os.environ[processes.MARK] = run

    @property
    def journal(self) -> Journal:
        """Where everything is written down before it is made."""
        if self._journal is None:
            raise RuntimeError("a Session is used in a with statement")
        return self._journal

    @property
    def run_id(self) -> str:
        """The run's name, which all that it makes carries."""
        return self.journal.run

    @property
    def directory(self) -> Path:
        """A directory for the run's own files, which goes with it."""
        return self.journal.directory

    def open_vswitch(self) -> ovs.Datapath:
        """Have Open vSwitch running, and find the datapath that works here. Raises `UserError`."""
        if self._datapath is None:
            ovs.ensure_running(self.journal)
            self._datapath = ovs.probe(self.journal)
        return self._datapath

    def controller(
        self,
        apps: Sequence[str] = (),
        *,
        ryu_apps: Sequence[str] = (OWN_APP,),
        port: int = 6653,
        rest_port: int = 8080,
        log: Path | None = None,
        **options: object,
    ) -> Controller:
        """Start the controller as a ryu-manager of its own; returns when it listens.

        ``apps`` are Flowpath's applications ("routing", the default), ``options`` its other options
        (``idle_timeout=10``); ``ryu_apps`` are the Ryu applications, for other controllers and company. Without
        ``log``, its log goes with the run. Raises `UserError` when a port is taken, `ControllerDied`.
        """
        controller = Controller(ryu_apps, port=port, rest_port=rest_port, log=log or self.directory / "controller.log")
        self._stops.append(controller.stop)
        if apps:
            options["apps"] = ",".join(apps)
        with self._signals.held():
            controller.start(self.journal, options)
        controller.wait_listening()
        return controller

    def network(self, graph: Graph, controller: Controller, *, ipv6: bool = False) -> Network:
        """Build the network of a graph; when this returns, its switches are connecting to ``controller``.

        Its hosts speak IPv6 only if asked to. Raises `UserError` before anything is made when a name is taken,
        `topologies.TopologyError` when the network cannot be built.
        """
        network = Network(graph, controller)
        self._stops.append(network.stop)
        network.start(self.journal, self.open_vswitch(), ipv6=ipv6)
        return network

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Undo everything. Signals that come meanwhile change nothing. Done already, it does nothing."""
        self._signals.closing = True
        problems: list[str] = []
        while self._stops:
            try:
                self._stops[-1]()
            except Exception as error:  # whatever it was, the rest is still to be undone
                problems.append(str(error))
            self._stops.pop()
        if self._journal is not None:
            problems += self._journal.undo(recovery.UNDO)
            self._journal = None
            if self._mark_before is None:
                os.environ.pop(processes.MARK, None)
            else:
                os.environ[processes.MARK] = self._mark_before
        for problem in problems:
            print(f"flowpath: could not be undone: {problem}; the next run tries again", file=sys.stderr)
        self._lock.release()
        self._signals.restore()
        atexit.unregister(self.close)


def limit_open_files() -> None:
    """Have as many open files as a large network needs, and no more.

    A container may allow a thousand million of them, and ``mnexec -c`` closes each that there could be.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES if hard < 0 else min(OPEN_FILES, hard), hard))


def run_name() -> str:
    """A name that no other run of this machine has: process, its start, and how many runs it began."""
    me = processes.identity(os.getpid())
    if me is None:
        raise UserError("/proc is not mounted; run: mount -t proc proc /proc")
    return f"{me.pid}-{me.start}-{next(serial)}"
