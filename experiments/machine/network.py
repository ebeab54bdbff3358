"""A running network to experiment on: hosts that run commands, switches that show their tables."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any, TypeVar

from experiments.errors import UserError
from experiments.machine import commands, links, ovs, processes
from experiments.machine import wait as waiting
from experiments.machine.controller_process import Controller
from experiments.machine.journal import Journal

if TYPE_CHECKING:
    from topologies.mininet_net import Lab
    from topologies.plan import Graph


@dataclass(frozen=True)
class Switch:
    """A switch of the network."""

    name: str
    dpid: int


@dataclass(frozen=True)
class Flow:
    """A rule as the switch itself lists it (ovs-ofctl dump-flows); ``match`` and ``actions`` in ovs-ofctl's words."""

    table: int
    priority: int
    cookie: int
    packets: int
    bytes: int
    duration: float
    idle_timeout: int
    hard_timeout: int
    match: str
    actions: str


@dataclass(frozen=True)
class Host:
    """A host of the network: an interface in a network namespace of its own."""

    name: str
    ip: str
    mac: str
    pid: int
    interface: str
    controller: Controller = field(repr=False, compare=False)

    def popen(self, command: Sequence[str], **options: Any) -> subprocess.Popen[str]:
        """Start a command on the host; options as of `subprocess.Popen`. It ends with the network at the latest."""
        options = {"text": True, "start_new_session": True, **options}
        return subprocess.Popen(["mnexec", "-a", str(self.pid), *command], **options)

    def run(
        self, command: Sequence[str], *, timeout: float = commands.PATIENCE, check: bool = False
    ) -> subprocess.CompletedProcess[str]:
        """Run a command on the host to its end, output captured.

        With ``check``, a failure raises `UserError`; so does, always, taking longer than ``timeout`` seconds.
        Raises `ControllerDied` at once when the controller ends meanwhile by itself.
        """
        with TemporaryFile("w+") as out, TemporaryFile("w+") as err:
            with self.popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err) as process:
                try:
                    self._wait(process, command, timeout)
                finally:
                    process.kill()
            said = []
            for file in (out, err):
                file.seek(0)
                said.append(file.read())
        if check and process.returncode:
            text = " ".join((said[1] or said[0]).split()) or "nothing said"
            raise UserError(f"{self.name}: `{commands.shown(command)}` failed: {text}")
        return subprocess.CompletedProcess(list(command), process.returncode, *said)

    def _wait(self, process: subprocess.Popen[str], command: Sequence[str], timeout: float) -> None:
        pidfd = os.pidfd_open(process.pid)
        try:
            ended = processes.first_exits([pidfd, *self.controller.pidfds()], timeout)
        finally:
            os.close(pidfd)
        if not ended:
            raise UserError(f"{self.name}: `{commands.shown(command)}` took longer than {timeout:g} s")
        if pidfd in ended:
            process.wait()
        else:
            self.controller.check()


Thing = TypeVar("Thing", Host, Switch)


class Network:
    """A graph as a network of Open vSwitch bridges and hosts."""

    def __init__(self, graph: Graph, controller: Controller) -> None:
        self.graph = graph
        self.controller = controller
        self.switches = [
            Switch(name, node["dpid"]) for name, node in graph.nodes(data=True) if node["kind"] == "switch"
        ]
        self.hosts: list[Host] = []
        self._lab: Lab | None = None

    def start(self, journal: Journal, datapath: ovs.Datapath, *, ipv6: bool = False) -> None:
        """Build it; returns when Open vSwitch has every port.

        Raises `UserError` before anything is made when a name is taken, `topologies.TopologyError` when it fails.
        """
        from topologies import mininet_net  # noqa: PLC0415  # it imports Mininet, which not every command needs

        bridges = [switch.name for switch in self.switches]
        interfaces = mininet_net.root_interfaces(self.graph)
        require_unused(bridges, interfaces)
        ovs.announce_bridges(journal, bridges)
        journal.add("links", names=interfaces)
        self._lab = mininet_net.Lab(
            self.graph,
            datapath=datapath,
            controller=self.controller.address,
            group=links.GROUP,
            mark=f"{ovs.MARK}={journal.run}",
            ipv6=ipv6,
        )
        self._lab.start()
        self.hosts = [
            Host(node.name, node.IP(), node.MAC(), node.pid, node.defaultIntf().name, self.controller)
            for node in self._lab.hosts
        ]

    @property
    def lab(self) -> Lab:
        """The Mininet object, for what only Mininet can do. Raises RuntimeError before `start`."""
        if self._lab is None:
            raise RuntimeError("the network was not started")
        return self._lab

    def host(self, name: str) -> Host:
        """The host of this name. Raises `UserError` when there is none."""
        return named(name, "host", self.hosts)

    def switch(self, name: str) -> Switch:
        """The switch of this name. Raises `UserError` when there is none."""
        return named(name, "switch", self.switches)

    def wait_ready(self, timeout: float = 30.0) -> None:
        """Wait until every switch is connected and has its first rules. Raises `ControllerDied`, `UserError`.

        Flowpath's controller says so itself; with another one, the switches are asked for a table-miss rule.
        """
        if self.controller.own:
            self.controller.wait_ready(len(self.switches), timeout)
        elif not waiting.until(self._all_have_rules, timeout):
            self.controller.check()
            raise UserError(f"after {timeout:g} s, not every switch has a rule; see {self.controller.log}")

    def _all_have_rules(self) -> bool:
        return all(any(flow.priority == 0 for flow in self.flows(switch.name)) for switch in self.switches)

    def flows(self, switch: str) -> list[Flow]:
        """The rules that a switch holds, as it reports them itself."""
        text = commands.run(["ovs-ofctl", "-O", "OpenFlow13", "dump-flows", self.switch(switch).name])
        return [parse_flow(line) for line in text.splitlines() if "actions=" in line]

    def stop(self) -> None:
        """End everything that runs on the hosts. Bridges and interfaces are left to the journal."""
        if self._lab is None:
            return
        root = os.stat("/proc/self/ns/net").st_ino
        shells = [node.pid for node in self._lab.hosts if node.shell]
        homes = {os.stat(f"/proc/{pid}/ns/net").st_ino for pid in shells if processes.identity(pid)} - {root}
        processes.end(processes.in_network_namespaces(homes))
        self._lab.stop()


def named(name: str, kind: str, things: Sequence[Thing]) -> Thing:
    """The one of this name. Raises `UserError`."""
    for thing in things:
        if thing.name == name:
            return thing
    known = ", ".join(thing.name for thing in things[:10])
    raise UserError(f"there is no {kind} {name!r} in this network (there are: {known}{' ...' * (len(things) > 10)})")


def require_unused(bridges: Sequence[str], interfaces: Sequence[str]) -> None:
    """Raise `UserError` when something that we did not make has a name that the network needs."""
    if taken := sorted(set(bridges) & set(ovs.bridges())):
        raise UserError(
            f"a bridge {taken[0]} is there already, and Flowpath did not make it; "
            f"rename it, or remove it if nobody needs it: sudo ovs-vsctl del-br {taken[0]}"
        )
    if taken := sorted(set(interfaces) & links.names()):
        raise UserError(
            f"an interface {taken[0]} is there already, and Flowpath did not make it; "
            f"rename it, or remove it if nobody needs it: sudo ip link delete {taken[0]}"
        )


FLOW = re.compile(
    r"\s*cookie=(?P<cookie>0x[0-9a-f]+), duration=(?P<duration>[0-9.]+)s, table=(?P<table>[0-9]+), "
    r"n_packets=(?P<packets>[0-9]+), n_bytes=(?P<bytes>[0-9]+), (?P<rest>.*?) ?actions=(?P<actions>.*)"
)

FLAGS = {"send_flow_rem", "check_overlap", "reset_counts", "no_packet_counts", "no_byte_counts"}


def parse_flow(line: str) -> Flow:
    """A line of ``ovs-ofctl dump-flows``. Raises ValueError for another line."""
    found = FLOW.fullmatch(line)
    if found is None:
        raise ValueError(f"not a flow: {line!r}")
    # Attributes of the rule end with ", ", its flags with " "; the match, whose fields have neither, comes last.
    *attributes, flags_and_match = found["rest"].split(", ")
    values = dict(attribute.partition("=")[::2] for attribute in attributes)
    fields = "".join(word for word in flags_and_match.split() if word not in FLAGS).split(",")
    priority = next((field for field in fields if field.startswith("priority=")), "priority=32768")
    return Flow(
        table=int(found["table"]),
        priority=int(priority.partition("=")[2]),
        cookie=int(found["cookie"], 16),
        packets=int(found["packets"]),
        bytes=int(found["bytes"]),
        duration=float(found["duration"]),
        idle_timeout=int(values.get("idle_timeout", 0)),
        hard_timeout=int(values.get("hard_timeout", 0)),
        match=",".join(field for field in fields if field != priority),
        actions=found["actions"],
    )
