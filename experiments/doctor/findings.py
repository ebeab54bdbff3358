"""From facts to findings: pure judgement, one small function per question.

Every identifier below has its section in docs/troubleshooting.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from experiments.doctor.facts import Facts

Level = Literal["ok", "note", "problem"]

OPENFLOW_PORT = 6653
REST_PORT = 8080

PACKAGES = {
    "ovs-vswitchd": "openvswitch-switch",
    "ovs-vsctl": "openvswitch-switch",
    "mnexec": "mininet",
    "tcpdump": "tcpdump",
    "iperf3": "iperf3",
    "ping": "iputils-ping",
    "ethtool": "ethtool",
    "ip": "iproute2",
    "tc": "iproute2",
    "ifconfig": "net-tools",
    "ps": "procps",
}
"""Program that a live network needs -> the Debian package that brings it."""


@dataclass(frozen=True)
class Finding:
    """One answer: ``ok``, a ``note`` worth knowing, or a ``problem`` that keeps the demo from running."""

    id: str
    level: Level
    text: str
    command: str = ""
    """What to type to mend it; empty where there is nothing to mend."""


def examine(facts: Facts) -> list[Finding]:
    """Every finding about a machine, in the order in which its faults are best mended."""
    return [finding for check in CHECKS for finding in check(facts)]


def demo_can_run(findings: list[Finding]) -> bool:
    """Whether nothing stands in the way of ``flowpath demo``."""
    return all(finding.level != "problem" for finding in findings)


# ---------------------------------------------------------------- rights


def root(facts: Facts) -> Iterator[Finding]:
    """Rights: namespaces, interfaces and raw sockets are root's."""
    if not facts.root:
        yield Finding(
            "root",
            "problem",
            "you are not root, and a real network needs it (captures from files and the controller do not)",
            "sudo ./flowpath doctor",
        )
    elif not facts.network_admin:
        yield Finding(
            "root",
            "problem",
            "you are root, but may not make namespaces and change networks: a container or a chroot without privileges",
            "docker run --privileged ...",
        )
    else:
        yield Finding("root", "ok", "you are root and may build networks")


# ---------------------------------------------------------------- Python


def python(facts: Facts) -> Iterator[Finding]:
    """Python: at least 3.11, and one that Ryu was tried with."""
    version = ".".join(map(str, facts.python))
    if facts.python < (3, 11):
        yield Finding("python", "problem", f"Python {version} is too old, 3.11 is the least", _install("python3-venv"))
    elif facts.python >= (3, 14):
        yield Finding("python", "note", f"Python {version}: Ryu was tried with 3.11, 3.12 and 3.13 only")
    else:
        yield Finding("python", "ok", f"Python {version}")


def environment(facts: Facts) -> Iterator[Finding]:
    """The virtual environment: there, whole, with Ryu."""
    seen = facts.environment
    if seen is None:
        yield Finding("environment", "problem", ".venv is not there yet", "sudo ./flowpath setup")
    elif not seen.whole:
        faults = [f"{name} lacks files" for name in seen.damaged] + [f"{name} is missing" for name in seen.missing]
        yield Finding(
            "environment",
            "problem",
            f".venv is not whole: {', '.join(faults) or 'Flowpath is not in it'}",
            "rm -r .venv && sudo ./flowpath setup",
        )
    else:
        versions = ", ".join(f"{name} {seen.versions.get(name)}" for name in ("ryu", "eventlet", "mininet", "scapy"))
        yield Finding("environment", "ok", f".venv is whole ({versions})")


# ---------------------------------------------------------------- programs


def programs(facts: Facts) -> Iterator[Finding]:
    """The programs that build, load and watch a network."""
    packages = sorted({package for program, package in PACKAGES.items() if program not in facts.programs})
    if not packages:
        yield Finding("programs", "ok", "all programs that a live network needs are installed")
    elif facts.debian:
        yield Finding("programs", "problem", f"not installed: {', '.join(packages)}", "sudo ./flowpath setup")
    else:
        absent = ", ".join(sorted(PACKAGES.keys() - facts.programs))
        yield Finding(
            "programs",
            "problem",
            f"not installed: {absent}; this is neither Debian nor Ubuntu, so look for what matches their packages "
            f"{', '.join(packages)}",
        )


def tshark(facts: Facts) -> Iterator[Finding]:
    """The second opinion on captures, wanted by tests only."""
    if "tshark" in facts.programs:
        yield Finding("tshark", "ok", "tshark is installed; the tests compare our decoding with it")
    else:
        yield Finding("tshark", "note", "tshark is not installed; only the tests want it", _install("tshark"))


# ---------------------------------------------------------------- Open vSwitch


def open_vswitch(facts: Facts) -> Iterator[Finding]:
    """Whether the switch's two daemons run."""
    ovs = facts.open_vswitch
    if "ovs-vswitchd" not in facts.programs:
        return  # said by `programs`
    if ovs.database_running and ovs.switch_running:
        yield Finding("open-vswitch", "ok", f"Open vSwitch {ovs.version} is running")
    elif ovs.database_running or ovs.switch_running:
        running, absent = ("ovsdb-server", "ovs-vswitchd") if ovs.database_running else ("ovs-vswitchd", "ovsdb-server")
        yield Finding(
            "open-vswitch",
            "problem",
            f"only half of Open vSwitch is running: {running} is, {absent} is not",
            "sudo /usr/share/openvswitch/scripts/ovs-ctl restart --system-id=random",
        )
    else:
        yield Finding("open-vswitch", "note", "Open vSwitch is not running; a run starts it and stops it again")


def datapath(facts: Facts) -> Iterator[Finding]:
    """Where packets will be switched, and the trap that comes with the userspace datapath."""
    if facts.open_vswitch.kernel_module:
        yield Finding("datapath", "ok", "the kernel has Open vSwitch's datapath")
        return
    if not facts.open_vswitch.tun:
        yield Finding(
            "datapath",
            "problem",
            "packets can be switched neither in the kernel (it has no openvswitch module) nor in user space "
            "(there is no /dev/net/tun)",
            "sudo modprobe openvswitch || sudo modprobe tun",
        )
        return
    yield Finding(
        "datapath",
        "note",
        "the kernel has no openvswitch module: packets are switched in user space, which is slower (about 1 Gbit/s) "
        "and otherwise the same",
    )
    yield Finding(
        "checksum-offload",
        "note",
        "in user space, TCP and UDP die silently (ping works) where hosts leave checksums to their network card; "
        "Flowpath switches that off on its hosts, networks of your own need it too",
        "ethtool -K h1-eth0 tx off    # in each host",
    )


def switch_log(facts: Facts) -> Iterator[Finding]:
    """Errors that Open vSwitch wrote down and told nobody."""
    errors = facts.open_vswitch.log_errors
    if errors:
        yield Finding(
            "switch-log",
            "note",
            f"ovs-vswitchd's log has {len(errors)} recent error(s), the last: {errors[-1]}",
            "sudo grep -E '[|](ERR|EMER)[|]' /var/log/openvswitch/ovs-vswitchd.log",
        )


# ---------------------------------------------------------------- ports


def ports(facts: Facts) -> Iterator[Finding]:
    """The ports of OpenFlow and REST, and who holds them."""
    for port, use in ((OPENFLOW_PORT, "OpenFlow"), (REST_PORT, "REST")):
        identifier = f"port-{port}"
        holders = [listener for listener in facts.listeners if listener.port == port]
        if not holders:
            yield Finding(identifier, "ok", f"port {port} ({use}) is free")
            continue
        holder = max(holders, key=lambda listener: listener.pid)
        if facts.live_run:
            yield Finding(identifier, "note", f"port {port} ({use}) is held by a run that is going on")
        elif "testcontroller" in holder.program:
            yield Finding(
                identifier,
                "problem",
                f"port {port} ({use}) is held by openvswitch-testcontroller (process {holder.pid}), a controller that "
                "came with a package and started itself",
                "sudo systemctl disable --now openvswitch-testcontroller "
                "|| sudo service openvswitch-testcontroller stop",
            )
        elif holder.pid:
            yield Finding(
                identifier,
                "problem",
                f"port {port} ({use}) is held by {holder.program or 'a program'} (process {holder.pid})",
                f"sudo kill {holder.pid}    # if you do not need it",
            )
        else:
            yield Finding(
                identifier,
                "problem",
                f"port {port} ({use}) is held by a program that only root may see",
                f"sudo ss -ltnp 'sport = :{port}'",
            )


def testcontroller(facts: Facts) -> Iterator[Finding]:
    """Debian's test controller, even if it is quiet just now."""
    held = any("testcontroller" in listener.program for listener in facts.listeners)
    if facts.testcontroller_installed and not held:
        yield Finding(
            "testcontroller",
            "note",
            f"openvswitch-testcontroller is installed; wherever services start at boot it takes port {OPENFLOW_PORT}",
            "sudo systemctl disable --now openvswitch-testcontroller",
        )


# ---------------------------------------------------------------- the kernel


def shaping(facts: Facts) -> Iterator[Finding]:
    """What links can be given: delay and loss (netem), bandwidth (htb)."""
    for name, present, gives in (("netem", facts.netem, "delay and loss"), ("htb", facts.htb, "bandwidth")):
        if present:
            yield Finding(name, "ok", f"the kernel has {name}: links can be given {gives}")
        elif present is None:
            yield Finding(name, "note", f"whether the kernel has {name} ({gives} of links) only root can find out")
        else:
            yield Finding(
                name,
                "note",
                f"the kernel has no {name}: Mininet's links ignore {gives} without an error; measure, do not trust",
                "sudo apt-get install linux-modules-extra-$(uname -r)    # Ubuntu; otherwise a fuller kernel",
            )


def congestion_control(facts: Facts) -> Iterator[Finding]:
    """BBR keeps sending through loss and so hides it in throughput measurements."""
    if facts.congestion_control == "bbr":
        yield Finding(
            "congestion-control",
            "note",
            "TCP uses BBR here, which hides packet loss in throughput figures",
            "sudo sysctl -w net.ipv4.tcp_congestion_control=cubic    # or per test: iperf3 --congestion cubic",
        )


# ---------------------------------------------------------------- what runs left behind


def leftovers(facts: Facts) -> Iterator[Finding]:
    """What a run that was killed could not take down."""
    if facts.live_run:
        yield Finding("run", "note", f"a run is going on, and another waits for its end: {facts.live_run}")
    if facts.leftovers:
        yield Finding(
            "leftovers",
            "note",
            f"left behind by runs that were killed: {'; '.join(facts.leftovers)}. The next run takes it down",
            "sudo ./flowpath demo",
        )
    else:
        yield Finding("leftovers", "ok", "no run left anything behind")


def _install(package: str) -> str:
    return f"sudo apt-get install --no-install-recommends {package}"


CHECKS: tuple[Callable[[Facts], Iterator[Finding]], ...] = (
    root,
    python,
    programs,
    environment,
    open_vswitch,
    datapath,
    switch_log,
    ports,
    testcontroller,
    shaping,
    congestion_control,
    leftovers,
    tshark,
)
