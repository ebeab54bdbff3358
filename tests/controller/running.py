"""Controllers as users start them: their own processes on free loopback ports."""

from __future__ import annotations

import http.client
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Self

HOME = Path(__file__).resolve().parents[2]
RYU_MANAGER = str(Path(sys.executable).with_name("ryu-manager"))
START_TIME = 30.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class RunningController:
    """``ryu-manager WORDS`` with ports of its own, until the end of the ``with`` block."""

    def __init__(
        self, *words: str, log: Path, command: tuple[str, ...] = (RYU_MANAGER,), tls: bool = False, **environment: str
    ) -> None:
        self.port = free_port()
        self.rest_port = free_port()
        self.log = log
        own = (f"--ofp-{'ssl' if tls else 'tcp'}-listen-port", str(self.port), "--wsapi-port", str(self.rest_port))
        with log.open("wb") as file:
            self.process = subprocess.Popen(
                [*command, *words, *own],
                stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT, cwd=log.parent,
                env={**os.environ, **environment},
            )  # fmt: skip

    def __enter__(self) -> Self:
        pidfd = os.pidfd_open(self.process.pid)
        deadline = time.monotonic() + START_TIME
        try:
            while not (_listens(self.port) and _listens(self.rest_port)):
                died = select.select([pidfd], [], [], 0.02)[0]
                assert not died, f"the controller died:\n{self.text()}"
                assert time.monotonic() < deadline, f"the controller does not listen:\n{self.text()}"
        except BaseException:
            self.__exit__()
            raise
        finally:
            os.close(pidfd)
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def get(self, path: str) -> tuple[int, str, Any]:
        """(status, content type, body as JSON or text) of a REST question."""
        connection = http.client.HTTPConnection("127.0.0.1", self.rest_port, timeout=20)
        connection.request("GET", path)
        response = connection.getresponse()
        body = response.read().decode()
        connection.close()
        kind = response.headers.get_content_type()
        return response.status, kind, json.loads(body) if kind.endswith("json") else body

    def end(self, by: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to end; its exit code."""
        self.process.send_signal(by)
        return self.process.wait(timeout=10)

    def text(self) -> str:
        """What it has said so far."""
        return self.log.read_text()


def _listens(port: int) -> bool:
    """Whether somebody listens there, told without connecting."""
    listening = f":{port:04X} "
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    return any(listening in line.split(" rem")[0] and line.split()[3] == "0A" for line in lines)
