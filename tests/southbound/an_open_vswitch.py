"""A private Open vSwitch: own database, own sockets and a ``dummy`` datapath; it touches nothing outside its folder."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any

from controller.model import Order
from controller.southbound import openflow
from controller.southbound.openflow import Message
from controller.southbound.replies import BarrierReply, MultipartReply

SCHEMA = Path("/usr/share/openvswitch/vswitch.ovsschema")
PATIENCE = 10.0
"""Seconds until an answer counts as missing."""


class Switch:
    """The controller's end of an OpenFlow connection to bridge br0, which has the ports 1 and 2."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(PATIENCE)
        self._framer = openflow.Framer()
        self._heard: list[tuple[int, Message | None]] = []
        self.xids = count(1)

    def __enter__(self) -> Switch:
        self._socket.connect(str(self._folder / "br0.mgmt"))
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, at: TracebackType | None) -> None:
        self._socket.close()

    def send(self, message: bytes) -> None:
        self._socket.sendall(message)

    def wait_for(self, wanted: Callable[[int, Message | None], bool]) -> Any:
        """The first message for which ``wanted(xid, value)`` holds; those before it are kept for later."""
        while True:
            for index, (xid, value) in enumerate(self._heard):
                if wanted(xid, value):
                    del self._heard[index]
                    return value
            for message in self._framer.feed(self._socket.recv(65536)):
                self._heard.append((int.from_bytes(message[4:8], "big"), openflow.decode(1, message)))

    def event(self, kind: type) -> Any:
        """The next event of a kind."""
        return self.wait_for(lambda _, value: isinstance(value, kind))

    def ask(self, request: Callable[[int], bytes]) -> Any:
        """The answer to ``request(xid)``: a value, an error, or the parts of all messages of a multipart reply."""
        xid = next(self.xids)
        self.send(request(xid))
        answer = self.wait_for(lambda answered, _: answered == xid)
        if not isinstance(answer, MultipartReply):
            return answer
        parts = answer.parts
        while answer.more:
            answer = self.wait_for(lambda answered, _: answered == xid)
            parts += answer.parts
        return parts

    def order(self, order: Order, **how: Any) -> Any:
        """Carry out an order; None, or the error by which the switch refused it."""
        xid, end = next(self.xids), next(self.xids)
        self.send(openflow.encode(order, xid, **how) + openflow.barrier_request(end))
        answer = self.wait_for(lambda answered, _: answered in (xid, end))
        if isinstance(answer, BarrierReply):
            return None
        self.wait_for(lambda answered, _: answered == end)
        return answer

    def control(self, *command: str) -> None:
        """Run an ``ovs-appctl`` command."""
        subprocess.run(["ovs-appctl", "-t", self._folder / "vswitchd.ctl", *command], check=True, timeout=PATIENCE)


@contextmanager
def running(folder: Path) -> Iterator[Switch]:
    """Start it in an empty ``folder`` and stop it again."""
    env = os.environ | {name: str(folder) for name in ("OVS_RUNDIR", "OVS_LOGDIR", "OVS_DBDIR")}
    database, remote = folder / "conf.db", f"unix:{folder}/db.sock"

    def run(*command: str | Path) -> None:
        subprocess.run(command, check=True, env=env, timeout=PATIENCE, capture_output=True)

    def start(stack: ExitStack, *command: str | Path) -> None:
        log = stack.enter_context((folder / f"{command[0]}.log").open("wb"))
        process = subprocess.Popen(command, env=env, stdout=log, stderr=log)
        stack.callback(process.wait)
        stack.callback(process.terminate)

    run("ovsdb-tool", "create", database, SCHEMA)
    with ExitStack() as stack:
        start(stack, "ovsdb-server", f"--remote=p{remote}", f"--unixctl={folder}/db.ctl", database)
        _appears(folder / "db.sock")
        run("ovs-vsctl", f"--db={remote}", "--no-wait", "init")
        flags = ("--enable-dummy", "--disable-system", f"--unixctl={folder}/vswitchd.ctl")
        start(stack, "ovs-vswitchd", *flags, remote)
        bridge = "add-br br0 -- set bridge br0 datapath-type=dummy protocols=OpenFlow13 fail-mode=secure"
        ports = [f"-- add-port br0 p{n} -- set interface p{n} type=dummy ofport_request={n}" for n in (1, 2)]
        run("ovs-vsctl", f"--db={remote}", *" ".join([bridge, *ports]).split())
        with Switch(folder) as switch:
            yield switch


def _appears(path: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while not path.exists():
        assert time.monotonic() < deadline, f"{path.name} did not appear"
        time.sleep(0.01)
