"""From a graph to a running Mininet network.

Mininet's own way takes a dozen processes for every link and trusts that each of them worked. Here the nodes, their
shells and the prompt are Mininet's; interfaces and bridges are made in one batch each, and checked. What this network
needs of the machine beyond Open vSwitch: ``mnexec``, ``ip`` and ``ethtool``.

Nothing here cleans up by name, and neither ``mn -c`` nor Mininet's ``cleanup()`` is ever called: they would destroy
what others made.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mininet.link import Intf, Link
from mininet.log import lg
from mininet.net import Mininet
from mininet.node import Host, OVSSwitch
from mininet.topo import Topo

from topologies.errors import TopologyError
from topologies.plan import PREFIX_LENGTH, WISHES, interface, port_mac

if TYPE_CHECKING:
    from topologies.plan import Graph

LONGEST_NAME = 15
"""Characters of an interface name (IFNAMSIZ less the terminating zero)."""


def to_topo(graph: Graph) -> Topo:
    """The graph as a Mininet topology: same names, addresses, datapath ids and ports.

    Raises `TopologyError` for what would have to be left out.
    """
    require_buildable(graph)
    topo = Topo()
    for name, node in graph.nodes(data=True):
        if node["kind"] == "switch":
            topo.addSwitch(name, dpid=f"{node['dpid']:016x}")
        else:
            topo.addHost(name, mac=node["mac"], ip=f"{node['ip']}/{node.get('prefix_length', PREFIX_LENGTH)}")
    for one, other, ports in cables(graph):
        macs = [
            graph.nodes[name].get("mac") or port_mac(graph.nodes[name]["dpid"], ports[name]) for name in (one, other)
        ]
        topo.addLink(one, other, port1=ports[one], port2=ports[other], addr1=macs[0], addr2=macs[1])
    return topo


def require_buildable(graph: Graph) -> None:
    """Refuse what a network of plain cables cannot be: a link that is not what was asked for would falsify whatever is
    measured on it. Raises `TopologyError`."""
    spec = graph.graph.get("spec", "this network")
    for one, other, edge in graph.edges(data=True):
        for wish in WISHES:
            if wish in edge:
                raise TopologyError(
                    f"{spec}: link {one} - {other} asks for {wish} ({edge[wish]}), which Mininet networks do not have "
                    f"here; {spec}@ideal is the same network with ideal links"
                )
    for name, node in graph.nodes(data=True):
        if "vlan" in node:
            raise TopologyError(
                f"{spec}: host {name} asks for VLAN {node['vlan']}, which Mininet networks do not have here; "
                f"{spec}@ideal is the same network without VLANs"
            )
        if node["kind"] == "host" and graph.degree(name) != 1:
            raise TopologyError(
                f"{spec}: host {name} has {graph.degree(name)} links, and hosts of Mininet networks have one here; "
                "remove the others"
            )


def cables(graph: Graph) -> Iterator[tuple[str, str, dict[str, int]]]:
    """The graph's edges: both ends, and the port number at each."""
    return ((one, other, edge["ports"]) for one, other, edge in graph.edges(data=True))


def root_interfaces(graph: Graph) -> list[str]:
    """The interfaces that the network puts into the root namespace: the switches' ports, and the switches' own.

    Raises `TopologyError` when a name is longer than Linux allows.
    """
    names = [name for name, node in graph.nodes(data=True) if node["kind"] == "switch"]
    for one, other, ports in cables(graph):
        names += [interface(name, ports[name]) for name in (one, other) if graph.nodes[name]["kind"] == "switch"]
    if too_long := next((name for name in names if len(name) > LONGEST_NAME), None):
        raise TopologyError(
            f"interface {too_long} would have a name of more than {LONGEST_NAME} characters; rename the node"
        )
    return names


class Port(Intf):  # type: ignore[misc]
    """An interface that is made and configured with all others, not one by one."""

    def config(self, **_: Any) -> dict[str, Any]:
        """Leave it to `Lab.configHosts`."""
        return {}


class Cable(Link):  # type: ignore[misc]
    """A veth pair that is made with all others, not one by one."""

    @classmethod
    def makeIntfPair(cls, *_: Any, **__: Any) -> None:  # noqa: N802
        """Leave it to `Lab.configHosts`."""


class Station(Host):  # type: ignore[misc]
    """A host: a shell in a network namespace of its own."""

    isSetup = True  # noqa: N815

    def config(self, ip: str, **_: Any) -> dict[str, Any]:
        """Remember the addresses that `Lab.configHosts` gives it."""
        port = self.defaultIntf()
        port.ip, port.prefixLen = ip.split("/")
        return {}


class Switch(OVSSwitch):  # type: ignore[misc]
    """An Open vSwitch bridge; speaks OpenFlow 1.3 and forwards nothing without its controller's word."""

    isSetup = True  # noqa: N815

    ready = False

    def __init__(self, name: str, **params: Any) -> None:
        super().__init__(name, **params)
        self.ready = True

    def startShell(self, mnopts: str | None = None) -> None:  # noqa: N802
        """Start no shell until somebody gives a command: it would be a process for nothing."""
        if self.ready:
            super().startShell(mnopts)
        else:
            self.pid = os.getpid()

    def sendCmd(self, *words: Any, **options: Any) -> None:  # noqa: N802
        """Begin a command in the root namespace, where the switch lives."""
        if not self.shell:
            self.startShell()
        super().sendCmd(*words, **options)

    def cmd(self, *words: Any, **options: Any) -> str:
        """Run a command in the root namespace; none while Mininet makes the object (it would set ``lo`` up)."""
        if not self.ready:
            return ""
        if not self.shell:
            self.startShell()
        return str(super().cmd(*words, **options))

    def orders(self, datapath: str, controller: tuple[str, int], mark: str) -> list[str]:
        """The words for ovs-vsctl that make this bridge. It must not exist yet: then all of them fail."""
        words = [
            "--", "add-br", self.name,
            "--", "set", "Bridge", self.name,
            f"datapath_type={datapath}", "fail_mode=secure", "protocols=OpenFlow13", f"external_ids:{mark}",
            f"other_config:datapath-id={self.dpid}", "other_config:disable-in-band=true",
            f"other_config:dp-desc={self.name}",
            "--", f"--id=@{self.name}", "create", "Controller", "max_backoff=1000",
            f"target=\"tcp:{controller[0]}:{controller[1]}\"",
            "--", "set", "Bridge", self.name, f"controller=@{self.name}",
        ]  # fmt: skip
        for number, port in sorted(self.intfs.items()):
            if number:
                words += ["--", "add-port", self.name, port.name]
                words += ["--", "set", "Interface", port.name, f"ofport_request={number}", f"external_ids:{mark}"]
        return words


class Lab(Mininet):  # type: ignore[misc]
    """A Mininet network whose parts are made in batches and bear a mark.

    ``datapath`` is Open vSwitch's ("system" or "netdev"), ``controller`` where its switches connect to, ``group`` the
    link group of all interfaces, ``mark`` ("key=value") the external id of all bridges. Hosts speak IPv6 only with
    ``ipv6``: left alone, every host and every port would tell the switches of its IPv6 address, unasked.
    """

    def __init__(
        self, graph: Graph, *, datapath: str, controller: tuple[str, int], group: int, mark: str, ipv6: bool = False
    ) -> None:
        self.graph = graph
        self.datapath = datapath
        self.controller_address = controller
        self.group = group
        self.mark = mark
        self.ipv6 = ipv6
        lg.setLogLevel("critical")
        super().__init__(
            to_topo(graph), switch=Switch, host=Station, link=Cable, intf=Port, controller=None, build=False
        )

    @classmethod
    def init(cls) -> None:
        """Change nothing: Mininet would raise limits and buffer sizes of the whole machine, for good."""

    def configHosts(self) -> None:  # noqa: N802
        """Make all interfaces and set up all hosts."""
        pairs = [(link.intf1, link.intf2) for link in self.links]
        ip_batch(self.cable(one, other) for one, other in pairs)
        ports = [port for pair in pairs for port in pair if not port.node.inNamespace]
        if not self.ipv6:
            for port in ports:
                silence_ipv6(port.name)
        ip_batch(f"link set dev {port.name} up" for port in ports)
        setups = [(host, self.host_setup(host)) for host in self.hosts]
        for host, setup in setups:
            host.configDefault()
            _, complaint = setup.communicate()
            if setup.returncode:
                raise TopologyError(f"host {host.name} could not be set up: {' '.join(complaint.split())}")

    def cable(self, one: Any, other: Any) -> str:
        """The line for ip that makes a veth pair, each end in its node's namespace."""

        def end(port: Any) -> str:
            home = f" netns {port.node.pid}" if port.node.inNamespace else ""
            return f"name {port.name} address {port.mac} group {self.group}{home}"

        return f"link add {end(one)} type veth peer {end(other)}"

    def host_setup(self, host: Any) -> subprocess.Popen[str]:
        """Begin to set up a host's interface."""
        port = host.defaultIntf().name
        lines = [f"ip address add {host.params['ip']} broadcast + dev {port}"]
        if not self.ipv6:
            lines.insert(0, f"for i in all default; do {QUIET_IPV6.format('$i')}; done")
        if self.datapath == "netdev":
            # Open vSwitch in user space passes on what awaits its checksum from hardware as it is: such TCP is dead.
            lines.append(f"ethtool -K {port} tx off >/dev/null")
        lines += ["ip link set lo up", f"ip link set {port} up"]
        command = ["mnexec", "-a", str(host.pid), "sh", "-ec", "\n".join(lines)]
        return subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True
        )

    def start(self) -> None:
        """Make everything. Returns when Open vSwitch has all ports; raises `TopologyError` when something is not so."""
        with in_plain_words(self.graph):
            if not self.built:
                self.build()
            orders = [word for switch in self.switches for word in self.switch_orders(switch)]
            tool("ovs-vsctl", "--timeout=60", *orders)
            if self.datapath == "netdev":
                # The bridges' own interfaces (taps): in our group, all of them can be removed by one order.
                ip_batch(f"link set dev {switch.name} group {self.group}" for switch in self.switches)
            self.check_ports()

    def switch_orders(self, switch: Switch) -> list[str]:
        """The words for ovs-vsctl that make one bridge."""
        return switch.orders(self.datapath, self.controller_address, self.mark)

    def check_ports(self) -> None:
        """Ask Open vSwitch whether every port got the number it should have: it reports failure nowhere else."""
        table = json.loads(
            tool(
                "ovs-vsctl",
                "--format=json",
                "--columns=name,ofport,error",
                "find",
                "Interface",
                f"external_ids:{self.mark}",
            )
        )
        numbers = {name: (number, error) for name, number, error in table["data"]}
        for switch in self.switches:
            for number, port in switch.intfs.items():
                got, error = numbers.get(port.name, (None, ""))
                if number and got != number:
                    reason = error if isinstance(error, str) and error else f"its OpenFlow port is {got}, not {number}"
                    raise TopologyError(f"Open vSwitch did not take interface {port.name}: {reason}")

    def stop(self) -> None:
        """End the shells, and with them the hosts' namespaces. Bridges and switch ports are their maker's to remove."""
        for node in [*self.hosts, *self.switches]:
            if node.shell:
                with suppress(ProcessLookupError):
                    os.killpg(node.shell.pid, signal.SIGKILL)
                node.cleanup()


QUIET_IPV6 = "echo 1 >/proc/sys/net/ipv6/conf/{}/disable_ipv6"


def silence_ipv6(port: str) -> None:
    """Keep the kernel from sending router solicitations and multicast reports of its own out of a switch's port."""
    with suppress(FileNotFoundError):
        Path(f"/proc/sys/net/ipv6/conf/{port}/disable_ipv6").write_text("1")


def ip_batch(lines: Iterable[str]) -> None:
    """Carry out the lines by one process."""
    tool("ip", "-batch", "-", stdin="\n".join(lines) + "\n")


def tool(*command: str, stdin: str | None = None) -> str:
    """Run a tool of the system; returns what it printed. Raises `TopologyError` with its complaint when it fails."""
    done = subprocess.run(
        command, input=stdin, capture_output=True, text=True, timeout=90, start_new_session=True, check=False
    )
    if done.returncode:
        raise TopologyError(f"{command[0]} failed: {' '.join(done.stderr.split())}")
    return done.stdout


@contextmanager
def in_plain_words(graph: Graph) -> Iterator[None]:
    """Turn what Mininet and its tools end with into one line."""
    name = graph.graph.get("spec", "network")
    try:
        yield
    except TopologyError as error:
        raise TopologyError(f"network {name}: {error}") from None
    except FileNotFoundError as error:
        raise TopologyError(f"network {name}: {error.filename} is not installed; run: sudo ./flowpath setup") from None
    except subprocess.TimeoutExpired as error:
        raise TopologyError(f"network {name}: {error.cmd[0]} did not answer within {error.timeout:g} s") from None
    except OSError as error:  # no more terminals, files, processes ...
        raise TopologyError(f"network {name}: {error}; this machine may be too small for it") from None
    except SystemExit as error:
        raise TopologyError(f"network {name}: Mininet gave up (exit {error.code})") from None
