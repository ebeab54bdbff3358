"""A run's hold on the machine: the lock, the recovery of what a dead run left, the signals, and the undoing at exit.

::

    with Session("packet-flow") as session:
        datapath = session.open_vswitch()
        controller = session.controller(log=results / "controller.log")
        network = session.network(topologies.build_graph("linear:3"), controller)
        network.wait_ready()
        network.host("h1").run(["ping", "-c", "2", "10.0.0.2"])

Whatever ends the block (its end, an exception, Ctrl-C, SIGTERM, a closed terminal), the machine is then as it was.
After a ``kill -9`` or a power cut, the next session does it first.
"""

from __future__ import annotations

import atexit
import os
import shlex
import signal
import sys
import threading
from collections.abc import Sequence
from datetime import datetime
from itertools import count
from pathlib import Path
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any, Self

from experiments.errors import UserError
from experiments.machine import lock, ovs, processes, recovery
from experiments.machine.controller_process import OWN_APP, Controller
from experiments.machine.journal import ROOM, Journal
from experiments.machine.network import Network

if TYPE_CHECKING:
    from topologies.plan import Graph

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

serial = count(1)


class Interrupted(KeyboardInterrupt):
    """A signal asked the run to end."""


class Session:
    """Holds the machine for one run, named for people who find it busy.

    ``wait`` is how many seconds to wait for a run that is active; then, or at once, `UserError` names it.
    Raises `UserError` too when not root.
    """

    def __init__(self, name: str, *, wait: float = 0.0) -> None:
        self.name = name
        self.wait = wait
        self._lock: lock.Lock | None = None
        self._journal: Journal | None = None
        self._datapath: ovs.Datapath | None = None
        self._controllers: list[Controller] = []
        self._networks: list[Network] = []
        self._handlers: dict[signal.Signals, Any] = {}
        self._ending = False
        self._mark_before: str | None = None

    def __enter__(self) -> Self:
        if os.geteuid() != 0:
            raise UserError("networks are built as root only; run: sudo ./flowpath ...")
        atexit.register(self.close)
        try:
            self._begin()
        except BaseException:
            self.close()
            raise
        return self

    def _begin(self) -> None:
        self._catch_signals()
        me = processes.identity(os.getpid())
        assert me is not None
        run = f"{me.pid}-{me.start}-{next(serial)}"
        owner = f"pid {me.pid} ({shlex.join(sys.orig_argv)}: {self.name}, since {datetime.now():%H:%M:%S})"
        self._lock = lock.Lock(run, owner, self.wait)
        for problem in recovery.recover():
            print(f"flowpath: left by an earlier run, and still there: {problem}", file=sys.stderr)
        directory = ROOM / run
        directory.mkdir(parents=True)
        self._journal = Journal(directory)
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
        """The run's name, which everything that it makes carries."""
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
        apps: Sequence[str] = (OWN_APP,),
        *,
        port: int = 6653,
        rest_port: int = 8080,
        log: Path | None = None,
        options: Sequence[str] = (),
    ) -> Controller:
        """Start a controller with these Ryu applications (and further ryu-manager options)."""
        log = log or self.directory / "controller.log"
        controller = Controller(self.journal, apps=apps, port=port, rest_port=rest_port, log=log, options=options)
        self._controllers.append(controller)
        return controller

    def network(self, graph: Graph, controller: Controller, *, ipv6: bool = False) -> Network:
        """Build the network of a graph, its switches connecting to ``controller``."""
        network = Network(self.journal, graph, controller, self.open_vswitch(), ipv6=ipv6)
        self._networks.append(network)
        return network

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Undo everything. Signals that come meanwhile change nothing. To be called again, if need be."""
        self._ending = True
        atexit.unregister(self.close)
        problems: list[str] = []
        while self._networks:
            attempt(self._networks[-1].stop, problems)
            self._networks.pop()
        while self._controllers:
            attempt(self._controllers[-1].stop, problems)
            self._controllers.pop()
        if self._journal is not None:
            problems += self._journal.undo(recovery.UNDO)
            self._journal = None
            os.environ.pop(processes.MARK, None)
            if self._mark_before is not None:
                os.environ[processes.MARK] = self._mark_before
        for problem in problems:
            print(f"flowpath: could not be undone: {problem}; the next run tries again", file=sys.stderr)
        if self._lock is not None:
            self._lock.release()
            self._lock = None
        for signum, handler in self._handlers.items():
            signal.signal(signum, handler)
        self._handlers = {}

    def _catch_signals(self) -> None:
        if threading.current_thread() is not threading.main_thread():
            return
        for signum in SIGNALS:
            # Who started us may have had it ignored (nohup, a shell's background job): so it stays.
            if signal.getsignal(signum) is not signal.SIG_IGN:
                self._handlers[signum] = signal.signal(signum, self._on_signal)

    def _on_signal(self, signum: int, _: FrameType | None) -> None:
        if self._ending:
            os.write(2, b"flowpath: cleaning up, one moment\n")
            return
        self._ending = True
        raise Interrupted(signal.Signals(signum).name)


def attempt(action: Any, problems: list[str]) -> None:
    """Do it, and note what went wrong instead of stopping there: the rest is to be undone as well."""
    try:
        action()
    except Exception as error:
        problems.append(str(error))
