"""Who is asked: controllers that are started afresh for each measurement, and one that runs already.

Each has a core of its own where there are two, and ends with this process, however that ends.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, NamedTuple

from experiments.errors import UserError
from experiments.machine import ports, processes, wait
from experiments.machine.controller_process import RYU_MANAGER
from experiments.packet_ins.generator import Job, Result

FLOWPATH, RYU, TESTCONTROLLER, BARE = "flowpath", "ryu", "testcontroller", "bare"
KNOWN = (FLOWPATH, RYU, TESTCONTROLLER, BARE)
PROGRAM = "ovs-testcontroller"
MOST = {TESTCONTROLLER: 16}
"""How many switches a controller takes."""

START_TIME = 30.0
READY_TIME = 30.0
"""Seconds that Flowpath gets until it says that all switches have their first rules."""
STOP_TIME = 5.0
LOG_TAIL = 6


class Cores(NamedTuple):
    """Where the controller and the generator run; -1 for anywhere."""

    controller: int
    generator: int


class Running(NamedTuple):
    """A controller that listens. ``pid`` 0: it was not started here. ``rest``: the port of Flowpath's REST, or 0."""

    host: str
    port: int
    pid: int = 0
    rest: int = 0


def cores() -> Cores:
    """The last two of the processors that there are."""
    free = sorted(os.sched_getaffinity(0))
    return Cores(free[-2], free[-1]) if len(free) > 1 else Cores(-1, -1)


def missing(name: str) -> str:
    """Why a controller cannot be started here, in one line; an empty string if it can."""
    if name == TESTCONTROLLER and shutil.which(PROGRAM) is None:
        return (
            f"{PROGRAM} is not installed; to have it without its service: apt-get download openvswitch-testcontroller, "
            "dpkg -x the file, and put its usr/bin into PATH"
        )
    if name in (FLOWPATH, RYU) and not RYU_MANAGER.exists():
        return f"{RYU_MANAGER} is not there; run: sudo ./flowpath setup"
    return ""


def address(name: str) -> tuple[str, int] | None:
    """HOST:PORT of a controller that runs already; None for a known name. Raises `UserError`."""
    if name in KNOWN:
        return None
    host, _, port = name.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise UserError(f"controller {name!r} is none of {', '.join(KNOWN)}, and no HOST:PORT")
    return host.strip("[]"), int(port)


@contextmanager
def started(name: str, app: str, where: Cores) -> Iterator[Running]:
    """A controller, listening. Raises `UserError` when it does not come up."""
    if elsewhere := address(name):
        yield Running(*elsewhere)
        return
    with tempfile.TemporaryDirectory(prefix="flowpath-") as folder:
        port, rest = free_ports(2)
        log = Path(folder) / "log"
        options = {
            "FLOWPATH_APPS": app, "FLOWPATH_HOST": "127.0.0.1", "FLOWPATH_PORT": str(port),
            "FLOWPATH_REST_PORT": str(rest),
        }  # fmt: skip
        with log.open("wb") as file:
            process = subprocess.Popen(
                [*with_parent(), *command(name, port, rest, folder)],
                env=os.environ | options, cwd=folder, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT,
            )  # fmt: skip
        try:
            pin(process.pid, where.controller)
            listening = wait.until(lambda: process.poll() is not None or ports.listening(port), START_TIME)
            if not listening or process.poll() is not None:
                last = log.read_text(errors="replace").splitlines()[-LOG_TAIL:]
                raise UserError("\n    ".join([f"the controller {name} does not listen; its log ends:", *last]))
            yield Running("127.0.0.1", port, process.pid, rest if name == FLOWPATH else 0)
        finally:
            processes.end([process.pid], grace=STOP_TIME)
            process.wait()


def command(name: str, port: int, rest: int, folder: str) -> list[str]:
    """How a controller is started, listening on loopback at ``port``."""
    listen = ["--ofp-listen-host", "127.0.0.1", "--ofp-tcp-listen-port", str(port)]
    match name:
        case "flowpath":
            return [str(RYU_MANAGER), "controller.app", *listen, "--wsapi-host", "127.0.0.1", "--wsapi-port", str(rest)]
        case "ryu":
            return [str(RYU_MANAGER), "ryu.app.simple_switch_13", *listen]
        case "testcontroller":
            return [PROGRAM, f"ptcp:{port}:127.0.0.1", f"--unixctl={folder}/ctl"]
    return [*python("experiments.packet_ins.bare"), str(port)]


def python(module: str) -> list[str]:
    """This Python, to run a module of this project from wherever it lies."""
    home = str(Path(__file__).resolve().parents[2])
    start = f"import runpy, sys; sys.path.insert(0, {home!r}); runpy.run_module({module!r}, run_name='__main__')"
    return [sys.executable, "-P", "-c", start]


def with_parent() -> list[str]:
    """What has a program end when this process does, where util-linux has it."""
    return ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []


def pin(pid: int, core: int) -> None:
    """Have a process run on one core; -1 leaves it where it is."""
    if core >= 0:
        os.sched_setaffinity(pid, {core})


def free_ports(count: int) -> list[int]:
    """Ports of loopback that nobody has now."""
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    found = [int(probe.getsockname()[1]) for probe in probes]
    for probe in probes:
        probe.close()
    return found


def ask(running: Running, job: Job, where: Cores) -> Result:
    """Have a generator of its own ask a controller. Raises `UserError` when the two do not come together."""
    job = replace(job, host=running.host, port=running.port, pid=running.pid, cpu=where.generator)
    generator = subprocess.Popen(
        [*with_parent(), *python("experiments.packet_ins.generator")], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        told = dialogue(generator, job, running)
    finally:
        with suppress(ProcessLookupError):
            generator.kill()
        generator.communicate()
    if "failed" in told:
        raise UserError(f"the controller at {running.host}:{running.port} failed: {told['failed']}")
    return Result(**told)


def dialogue(generator: subprocess.Popen[bytes], job: Job, running: Running) -> Mapping[str, Any]:
    """Give a generator its job, let it go on when the controller is ready, and return its result."""
    if generator.stdin is None or generator.stdout is None:
        raise ValueError("a generator is spoken to by pipes")
    generator.stdin.write(json.dumps(asdict(job)).encode() + b"\n")
    generator.stdin.flush()
    line = generator.stdout.readline()
    if line == b"connected\n":
        if running.rest:
            wait_ready(running.rest, job.switches)
        generator.stdin.write(b"go\n")
        generator.stdin.flush()
        line = generator.stdout.readline()
    if not line:
        raise UserError("the load generator ended by itself; what it said is above")
    told: Mapping[str, Any] = json.loads(line)
    return told


def wait_ready(rest: int, switches: int) -> None:
    """Wait until Flowpath says that so many switches have their first rules. Raises `UserError`."""
    with closing(http.client.HTTPConnection("127.0.0.1", rest, timeout=READY_TIME + 5)) as connection:
        try:
            connection.request("GET", f"/api/v1/health?switches={switches}&timeout={READY_TIME:g}")
            health = json.loads(connection.getresponse().read())
        except (OSError, ValueError, http.client.HTTPException) as fault:
            raise UserError(f"the controller does not answer at port {rest}: {fault}") from None
    if health.get("status") != "ready":
        raise UserError(f"after {READY_TIME:g} s, {len(health.get('switches', ()))} of {switches} switches are ready")


def names(said: Sequence[str]) -> list[str]:
    """The controllers to compare, each once. Raises `UserError` for one that there is not."""
    chosen = list(dict.fromkeys(said))
    for name in chosen:
        address(name)
    return chosen
