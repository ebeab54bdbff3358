"""The controller as its own process: start it, know when it is ready, notice when it dies, stop it."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from experiments.errors import UserError
from experiments.machine import ports, processes
from experiments.machine.journal import Entry, Journal

RYU_MANAGER = Path(sys.prefix) / "bin" / "ryu-manager"
OWN_APP = "controller.app"

START_TIME = 20.0
"""Seconds that a controller gets to listen."""

STOP_TIME = 5.0
"""Seconds between asking it to end and killing it."""

LOG_TAIL = 12
"""Lines of its log that tell of its death."""


class ControllerDied(UserError):
    """The controller ended by itself."""


class Controller:
    """A controller: its Ryu applications, its ports, its log and its process."""

    def __init__(
        self, ryu_apps: Sequence[str] = (OWN_APP,), *, port: int = 6653, rest_port: int = 8080, log: Path
    ) -> None:
        self.ryu_apps = tuple(ryu_apps)
        self.address = ("127.0.0.1", port)
        self.rest_port = rest_port
        self.log = log
        self._process: subprocess.Popen[bytes] | None = None
        self._pidfd = -1

    def start(self, journal: Journal, options: Mapping[str, object]) -> None:
        """Start it with these options of Flowpath's own (``controller.config.Config`` has their names).

        Raises `UserError` when one of its ports is taken, or Ryu is not installed.
        """
        require_ports(self.address[1], self.rest_port)
        command = [
            str(RYU_MANAGER), *self.ryu_apps,
            "--ofp-listen-host", self.address[0], "--ofp-tcp-listen-port", str(self.address[1]),
            "--wsapi-host", self.address[0], "--wsapi-port", str(self.rest_port),
        ]  # fmt: skip
        environment = os.environ | {f"FLOWPATH_{name.upper()}": str(value) for name, value in options.items()}
        journal.add("controller", apps=self.ryu_apps)
        try:
            with self.log.open("ab") as file:
                self._process = subprocess.Popen(
                    command,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=file,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
        except FileNotFoundError:
            raise UserError(f"{RYU_MANAGER} is not there; run: sudo ./flowpath setup") from None
        self._pidfd = os.pidfd_open(self._process.pid)

    def wait_listening(self) -> None:
        """Wait until its ports are open. Raises `ControllerDied`."""
        wanted = [self.address[1], *([self.rest_port] if self.own else [])]
        deadline = time.monotonic() + START_TIME
        while not all(map(ports.listening, wanted)):
            if self.died_within(0.02):
                self.check()
            if time.monotonic() > deadline:
                raise UserError(f"the controller does not listen after {START_TIME:g} s; see {self.log}")

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """Its process. Raises RuntimeError before `start`."""
        if self._process is None:
            raise RuntimeError("the controller was not started")
        return self._process

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.process.pid

    @property
    def own(self) -> bool:
        """Whether it is Flowpath's, and so can be asked how it is."""
        return OWN_APP in self.ryu_apps

    def check(self) -> None:
        """Raise `ControllerDied`, with the end of its log, when it does not run any more."""
        status = self.process.poll()
        if status is not None:
            how = f"was killed by signal {-status}" if status < 0 else f"ended with exit code {status}"
            last = self.log.read_text(errors="replace").splitlines()[-LOG_TAIL:]
            raise ControllerDied("\n    ".join([f"the controller {how}; its log {self.log} ends:", *last]))

    def died_within(self, seconds: float) -> bool:
        """Wait for its death, so long at most."""
        return bool(processes.first_exits(self.pidfds(), seconds))

    def pidfds(self) -> list[int]:
        """What to wait on for its death, beside something else; nothing when it was stopped on purpose."""
        return [self._pidfd] if self._pidfd >= 0 else []

    def wait_ready(self, n_switches: int, timeout: float = 30.0) -> dict[str, Any]:
        """Wait until so many switches are connected and have their first rules; returns what the controller says.

        Raises `ControllerDied`, and `UserError` when it takes longer than ``timeout`` seconds.
        """
        path = f"/api/v1/health?switches={n_switches}&timeout={timeout:g}"
        health = self.get(path, timeout=timeout + 5)
        if health["status"] != "ready":
            connected = len(health["switches"])
            raise UserError(f"after {timeout:g} s, {connected} of {n_switches} switches are ready; see {self.log}")
        return health

    def reasons(self, last: int = 1000) -> dict[int, str]:
        """Why it took its latest decisions, by their numbers; nothing of a controller that is not Flowpath's."""
        if not self.own:
            return {}
        decisions = self.get(f"/api/v1/decisions?last={last}")["decisions"]
        return {decided["number"]: decided["reason"] for decided in decisions}

    def get(self, path: str, *, timeout: float = 10.0) -> dict[str, Any]:
        """Ask its REST interface. Raises `ControllerDied`, or `UserError` when the answer is none."""
        connection = http.client.HTTPConnection("127.0.0.1", self.rest_port, timeout=timeout)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            body = response.read()
            if response.status != http.HTTPStatus.OK:
                raise UserError(f"the controller answers {response.status} to {path}; see {self.log}")
            answer: dict[str, Any] = json.loads(body)
        except (OSError, http.client.HTTPException) as error:
            if self.died_within(1.0):
                self.check()
            raise UserError(
                f"the controller does not answer at port {self.rest_port}: {error}; see {self.log}"
            ) from None
        finally:
            connection.close()
        return answer

    def stop(self) -> None:
        """End it, if it runs: asked first, killed if it does not follow."""
        if self._process is None:
            return
        if self._process.poll() is None:
            processes.end([self._process.pid], grace=STOP_TIME)
            self._process.wait()
        if self._pidfd >= 0:
            os.close(self._pidfd)
            self._pidfd = -1


def require_ports(port: int = 6653, rest_port: int = 8080) -> None:
    """Raise `UserError` when a controller could not listen, before anything is made for it."""
    require_free(port, "OpenFlow")
    require_free(rest_port, "REST")


def require_free(port: int, purpose: str) -> None:
    """Raise `UserError`, naming who has it, when ``port`` is taken."""
    if who := ports.holder(port):
        pid = who.removeprefix("pid ").partition(" ")[0]
        stop = f"stop it (sudo kill {pid})" if pid.isdigit() else "stop it"
        raise UserError(f"port {port} ({purpose}) is taken by {who}; {stop} or choose another port")


def stop_marked(run: str, _: Entry) -> None:
    """Undo a controller: end what carries the run's mark and was started as one."""
    pids = [pid for pid, _ in processes.marked(run) if str(RYU_MANAGER) in processes.command_line(pid)]
    processes.end(pids, grace=STOP_TIME)
