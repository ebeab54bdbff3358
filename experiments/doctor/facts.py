"""What can be seen of a machine, as values: the probes fill them in, the findings judge them, tests make them up."""

from __future__ import annotations

from dataclasses import dataclass, field

from experiments.doctor.environment import Environment


@dataclass(frozen=True)
class Listener:
    """Who listens on a TCP port; ``pid`` 0 and no ``program`` where only root may see it."""

    port: int
    pid: int = 0
    program: str = ""


@dataclass(frozen=True)
class OpenVSwitch:
    """Open vSwitch as found: which of its two daemons run, and what its database and its log say."""

    database_running: bool = False
    switch_running: bool = False
    version: str = ""
    kernel_module: bool = False
    """The kernel has the ``openvswitch`` datapath, loaded or ready to be loaded."""
    tun: bool = True
    """There is a /dev/net/tun, without which the userspace datapath makes no bridge."""
    log_errors: tuple[str, ...] = ()
    """The lines of level ERR or EMER near the end of ovs-vswitchd's log."""


@dataclass(frozen=True)
class Facts:
    """Everything that the doctor judges.

    ``None`` stands for "could not be seen", where that differs from "is not there".
    """

    root: bool = True
    network_admin: bool = True
    """The process may change networks (CAP_NET_ADMIN) and make namespaces (CAP_SYS_ADMIN), and Mininet's helper can."""
    debian: bool = True
    python: tuple[int, int, int] = (3, 11, 0)
    environment: Environment | None = None
    programs: frozenset[str] = frozenset()
    open_vswitch: OpenVSwitch = field(default_factory=OpenVSwitch)
    listeners: tuple[Listener, ...] = ()
    testcontroller_installed: bool = False
    netem: bool | None = None
    htb: bool | None = None
    congestion_control: str = ""
    leftovers: tuple[str, ...] = ()
    """What runs that ended without cleaning up left, a line for each."""
    live_run: str = ""
    """The run that holds the machine right now, if one does, and whose it is."""
