"""Open vSwitch: is it there, start it, which datapath works here, stop it.

An Open vSwitch that runs already is used as it is and left running. One that we start gets an empty database of its
own, on the usual socket: ``ovs-vsctl show`` works as ever, the machine's stored configuration is neither read nor
written, and nothing of ours can come back at the next start.
"""

from __future__ import annotations

import json
import os
import shutil
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import Any

from experiments.errors import UserError
from experiments.machine import commands, links, processes
from experiments.machine.commands import CommandFailed
from experiments.machine.journal import Entry, Journal

RUN_DIRECTORY = Path(os.environ.get("OVS_RUNDIR", "/var/run/openvswitch"))
SCHEMA = Path(os.environ.get("OVS_PKGDATADIR", "/usr/share/openvswitch")) / "vswitch.ovsschema"
DAEMONS = ("ovs-vswitchd", "ovsdb-server")
"""In the order in which they are stopped."""

KERNEL_INTERFACE = "ovs-system"
USER_INTERFACE = "ovs-netdev"

MARK = "flowpath-run"
"""The external_ids key that says which run made a bridge or an interface."""

ANSWER_TIME = 5
"""Seconds that a daemon has to answer."""


class Datapath(StrEnum):
    """Where packets are forwarded: in the kernel's module, or in ovs-vswitchd itself."""

    SYSTEM = "system"
    NETDEV = "netdev"


def vsctl(*arguments: str, timeout: int = ANSWER_TIME) -> str:
    """Run ovs-vsctl. Raises `CommandFailed`."""
    return commands.run(["ovs-vsctl", f"--timeout={timeout}", *arguments], timeout=timeout + 5)


def rows(table: str, columns: str, *conditions: str) -> list[list[Any]]:
    """The chosen columns of the records of a table that fulfil the conditions; sets and maps as OVSDB writes them."""
    text = vsctl("--no-wait", "--format=json", f"--columns={columns}", "find", table, *conditions)
    data: list[list[Any]] = json.loads(text)["data"]
    return data


def daemon(name: str) -> int | None:
    """The process id of a daemon that answers, or None."""
    try:
        pid = int((RUN_DIRECTORY / f"{name}.pid").read_text())
        commands.run(["ovs-appctl", f"--timeout={ANSWER_TIME}", "-t", str(control(name, pid)), "version"])
    except (OSError, ValueError, CommandFailed):
        return None
    return pid


def control(name: str, pid: int) -> Path:
    """The control socket of a daemon."""
    return RUN_DIRECTORY / f"{name}.{pid}.ctl"


def ensure_running(journal: Journal) -> None:
    """Start Open vSwitch, if it does not run. Raises `UserError` when it is not installed or only half there."""
    if shutil.which("ovs-vswitchd") is None or shutil.which("ovs-vsctl") is None:
        raise UserError("Open vSwitch is not installed; run: sudo ./flowpath setup")
    there = [name for name in DAEMONS if daemon(name)]
    if len(there) == len(DAEMONS):
        return
    if there:
        raise UserError(
            f"Open vSwitch runs by half: {there[0]} answers, {other(there[0])} does not; "
            "run: sudo service openvswitch-switch restart"
        )
    if KERNEL_INTERFACE in links.names():
        raise UserError(
            "Open vSwitch is stopped but its bridges in the kernel still forward; "
            "run: sudo service openvswitch-switch start"
        )
    start(journal)


def other(name: str) -> str:
    """The other one of the two daemons."""
    return next(daemon for daemon in DAEMONS if daemon != name)


def start(journal: Journal) -> None:
    """Start both daemons on an empty database. Each command returns when its daemon is ready to serve."""
    journal.add("open_vswitch", made_directory=not RUN_DIRECTORY.exists())
    RUN_DIRECTORY.mkdir(parents=True, exist_ok=True)
    database, socket = journal.directory / "conf.db", RUN_DIRECTORY / "db.sock"

    def options(name: str) -> list[str]:
        log = f"--log-file={journal.directory / name}.log"
        return ["--pidfile", "--detach", "--no-chdir", log, "-vconsole:off", "-vsyslog:off"]

    commands.run(["ovsdb-tool", "create", str(database), str(SCHEMA)])
    commands.run(["ovsdb-server", str(database), f"--remote=punix:{socket}", *options("ovsdb-server")])
    vsctl("--no-wait", "init")
    commands.run(["ovs-vswitchd", f"unix:{socket}", *options("ovs-vswitchd")])


def stop(run: str, entry: Entry) -> None:
    """Undo `start`: end the daemons that carry the run's mark, and remove what they leave."""
    ours = {name: [pid for pid, _ in processes.marked(run) if processes.name(pid) == name] for name in DAEMONS}
    for name, pids in ours.items():
        for pid in pids:
            stop_daemon(name, pid)
    remove_unserved_datapaths()
    if entry["made_directory"]:
        shutil.rmtree(RUN_DIRECTORY, ignore_errors=True)


def remove_unserved_datapaths() -> None:
    """Remove what datapaths leave behind when their daemon ends: as a rule in user space, in the kernel if it crashed.

    Neither was there when we started: the kernel's would have kept us from it, and the tap would have been taken over.
    """
    if USER_INTERFACE in links.taps() and not links.served(USER_INTERFACE, processes.named("ovs-vswitchd")):
        links.delete(USER_INTERFACE)
    if KERNEL_INTERFACE in links.names() and not processes.named("ovs-vswitchd"):
        commands.run(["ovs-dpctl", "del-dp", f"system@{KERNEL_INTERFACE}"])


def stop_daemon(name: str, pid: int) -> None:
    """Ask a daemon to take down what it made and to end; kill it when it does not answer."""
    cleanup = ["--cleanup"] if name == "ovs-vswitchd" else []
    with suppress(CommandFailed):
        commands.run(["ovs-appctl", f"--timeout={ANSWER_TIME}", "-t", str(control(name, pid)), "exit", *cleanup])
    processes.end([pid], grace=ANSWER_TIME)
    for file in (control(name, pid), RUN_DIRECTORY / f"{name}.pid"):
        file.unlink(missing_ok=True)


def probe(journal: Journal) -> Datapath:
    """Which datapath works here, found by making a bridge. Raises `UserError` when none does.

    Where the kernel's module is missing, ovs-vsctl reports no failure for a bridge that forwards nothing;
    what does not lie is the OpenFlow number of the bridge's own port, which such a bridge never gets.
    """
    if not Path("/sys/module/openvswitch").exists():
        with suppress(UserError):
            commands.run(["modprobe", "openvswitch"])
    bridge = f"fp-probe{os.getpid()}"
    announce_bridges(journal, [bridge])
    for datapath in Datapath:
        with suppress(CommandFailed):
            vsctl(
                "--", "add-br", bridge,
                "--", "set", "Bridge", bridge, f"datapath_type={datapath}", "fail_mode=secure",
                f"external_ids:{MARK}={journal.run}",
            )  # fmt: skip
        ports = rows("Interface", "ofport", f"name={bridge}")
        vsctl("--if-exists", "del-br", bridge)
        if ports and isinstance(ports[0][0], int) and ports[0][0] > 0:
            return datapath
    raise UserError(
        "Open vSwitch can make a bridge neither in the kernel (is there a module openvswitch?) "
        "nor in user space (is there a /dev/net/tun?); run: sudo ./flowpath doctor"
    )


def bridges() -> list[str]:
    """All bridges there are, whoever made them."""
    return vsctl("--no-wait", "list-br").split()


def announce_bridges(journal: Journal, names: list[str]) -> None:
    """Journal bridges that will be made; ``temporary`` when they live in a database that we started."""
    temporary = any(entry["kind"] == "open_vswitch" for entry in journal.entries())
    journal.add("bridges", names=names, temporary=temporary)


def remove_bridges(run: str, entry: Entry) -> None:
    """Undo bridges: those that bear the run's mark, no others of the same names."""
    if entry["temporary"]:
        # They go with the Open vSwitch that has them, all at once: one by one would take 50 ms each.
        # In user space their interfaces are taps made to outlive the daemon.
        for tap in links.taps() & set(entry["names"]):
            links.delete(tap)
        return
    if not daemon("ovsdb-server"):
        raise UserError(f"Open vSwitch does not answer; bridges that may be left: {', '.join(entry['names'])}")
    doomed = [name for (name,) in rows("Bridge", "name", f"external_ids:{MARK}={run}") if name in entry["names"]]
    if doomed:
        # Without ovs-vswitchd nobody would answer that it is done.
        patience = [] if daemon("ovs-vswitchd") else ["--no-wait"]
        vsctl(*patience, *(word for name in doomed for word in ("--", "--if-exists", "del-br", name)), timeout=30)
