"""Looking at the machine, and changing nothing on it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from experiments.doctor.environment import Environment, examine
from experiments.doctor.facts import Facts, Listener, OpenVSwitch
from experiments.doctor.findings import OPENFLOW_PORT, PACKAGES, REST_PORT
from experiments.machine import lock, ovs, ports, recovery

HOME = Path(__file__).resolve().parents[2]
SWITCH_LOG = Path("/var/log/openvswitch/ovs-vswitchd.log")
LOG_TAIL = 64 * 1024
"""Bytes at the end of the switch's log that count as recent."""

CAP_NET_ADMIN, CAP_SYS_ADMIN = 12, 21
"""Bits of a capability set (capabilities(7), linux/capability.h)."""


def look() -> Facts:
    """See everything that the doctor judges (takes about half a second)."""
    root = os.geteuid() == 0
    return Facts(
        root=root,
        network_admin=root and may_build_networks(_text(Path("/proc/self/status"))) and hosts_can_be_made(),
        debian=shutil.which("apt-get") is not None,
        python=sys.version_info[:3],
        environment=virtual_environment(HOME / ".venv"),
        programs=frozenset(program for program in (*PACKAGES, "tshark") if shutil.which(program)),
        open_vswitch=open_vswitch(),
        listeners=tuple(filter(None, map(listener, (OPENFLOW_PORT, REST_PORT)))),
        testcontroller_installed=shutil.which("ovs-testcontroller") is not None,
        netem=queueing_discipline("netem", root),
        htb=queueing_discipline("htb", root),
        congestion_control=_text(Path("/proc/sys/net/ipv4/tcp_congestion_control")).strip(),
        leftovers=tuple(recovery.leftovers()),
        live_run=" of ".join(filter(None, lock.live_run())),
    )


def may_build_networks(status: str) -> bool:
    """Whether the effective capabilities in /proc/self/status allow to change networks and to make namespaces."""
    found = re.search(r"^CapEff:\s*([0-9a-f]+)$", status, re.MULTILINE)
    needed = 1 << CAP_NET_ADMIN | 1 << CAP_SYS_ADMIN
    return found is not None and int(found.group(1), 16) & needed == needed


def hosts_can_be_made() -> bool:
    """Whether Mininet's helper can make the namespaces of a host; true where it is missing, which is said elsewhere."""
    return shutil.which("mnexec") is None or _succeeds(["mnexec", "-n", "true"])


def virtual_environment(venv: Path) -> Environment | None:
    """What is installed in the project's environment; None when there is none that could run."""
    folders = sorted(venv.glob("lib/python3.*/site-packages"))
    if not folders or not (venv / "bin" / "python").exists():
        return None
    return examine(folders[-1])


# ---------------------------------------------------------------- Open vSwitch


def open_vswitch() -> OpenVSwitch:
    """The state of Open vSwitch, started by whomever."""
    return OpenVSwitch(
        database_running=ovs.daemon("ovsdb-server") is not None,
        switch_running=ovs.daemon("ovs-vswitchd") is not None,
        version=version(_output(["ovs-vswitchd", "--version"])),
        kernel_module=kernel_has("openvswitch"),
        tun=Path("/dev/net/tun").is_char_device(),
        log_errors=log_errors(_tail(SWITCH_LOG)),
    )


def version(output: str) -> str:
    """The version in ``ovs-vswitchd (Open vSwitch) 3.1.0``."""
    found = re.search(r"\d+(?:\.\d+)+", output)
    return found.group() if found else ""


def log_errors(log: str) -> tuple[str, ...]:
    """The errors in a log of Open vSwitch, without time and number (ovs-appctl(8): date|number|module|level|text)."""
    parts = (line.split("|", 4) for line in log.splitlines())
    return tuple(f"{part[2]}: {part[4]}" for part in parts if len(part) == 5 and part[3] in {"ERR", "EMER"})


# ---------------------------------------------------------------- the kernel


def kernel_has(module: str) -> bool:
    """Whether a kernel module is loaded, built in, or there to be loaded."""
    return Path("/sys/module", module).exists() or bool(_output(["modinfo", "--field", "name", module]).strip())


def queueing_discipline(name: str, root: bool) -> bool | None:
    """Whether links can be given this queueing discipline; None when only root could find out."""
    if kernel_has(f"sch_{name}"):
        return True
    if not root:
        return None
    # A kernel may have it built in without saying so. The namespace in which it is tried ends with the command.
    command = ["unshare", "--net", "tc", "qdisc", "add", "dev", "lo", "root", name]
    return _succeeds([*command, "delay", "1ms"] if name == "netem" else command)


# ---------------------------------------------------------------- ports


def listener(port: int) -> Listener | None:
    """Who listens on a port, or None when nobody does."""
    holder = ports.holder(port)
    if not holder:
        return None
    known = re.match(r"pid (\d+) \((.*)\)$", holder)
    return Listener(port, int(known.group(1)), known.group(2)) if known else Listener(port)


# ---------------------------------------------------------------- small helpers


def _text(path: Path) -> str:
    with suppress(OSError):
        return path.read_text(errors="replace")
    return ""


def _tail(path: Path) -> str:
    with suppress(OSError), path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - LOG_TAIL))
        return file.read().decode(errors="replace")
    return ""


def _output(command: Sequence[str]) -> str:
    with suppress(OSError, subprocess.SubprocessError):
        return subprocess.run(command, capture_output=True, text=True, timeout=10, check=False).stdout
    return ""


def _succeeds(command: Sequence[str]) -> bool:
    with suppress(OSError, subprocess.SubprocessError):
        return subprocess.run(command, capture_output=True, timeout=10, check=False).returncode == 0
    return False
