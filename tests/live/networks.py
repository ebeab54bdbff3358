"""Networks under Flowpath's own applications, and what the faults of the tests have in common."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import topologies
from experiments.failures import cables
from experiments.machine import commands, wait
from experiments.machine.network import Host, Network
from experiments.machine.session import Session
from experiments.traffic.broadcasts import copies
from experiments.traffic.echo import ask_all
from experiments.traffic.sightings import Port, Sightings
from experiments.traffic.sockets import PORT, namespace_of

PATIENCE = 20.0
"""Seconds within which a network has to be right again; every wait ends as soon as it is."""


def start(session: Session, spec: str, app: str = "routing", **options: object) -> Network:
    """A network that is ready, with a controller of its own."""
    network = session.network(topologies.build_graph(spec), session.controller([app], **options))
    network.wait_ready()
    return network


def eventually(condition, timeout: float = PATIENCE) -> bool:
    return wait.until(condition, timeout)


def pairs_of(hosts: Sequence[Host]) -> list[tuple[Host, Host]]:
    return [(one, other) for one in hosts for other in hosts if one != other]


def unreached(network: Network, hosts: Sequence[Host] | None = None) -> list[tuple[str, str]]:
    """The ordered pairs of hosts of which one does not reach the other, after three tries."""
    hosts = network.hosts if hosts is None else hosts
    return [(echo.source, echo.target) for echo in ask_all(hosts, pairs_of(hosts)) if not echo.tries]


def ways(network: Network, *pairs: tuple[str, str]) -> list[list[Port]]:
    """The ways that datagrams between these hosts take now, as ports by which they come into switches."""
    ends = [(network.host(one), network.host(other)) for one, other in pairs]
    hosts = list({host.name: host for pair in ends for host in pair}.values())
    with Sightings(network.graph, PORT) as sightings:
        echoes = ask_all(hosts, ends)
        seen = sightings.take()
    return [seen.get(echo.request, []) for echo in echoes]


def all_broadcasts_come_once(network: Network) -> bool:
    return {count for counts in copies(network.hosts).values() for count in counts} == {1}


def link(network: Network, one: str, other: str):
    """The cable from one switch to another."""
    ports = network.graph.get_edge_data(one, other)[0]["ports"]
    return cables(network.graph, [Port(one, 0), Port(other, ports[other])])[0]


def tables(network: Network, *switches: str) -> Mapping[str, set[tuple[int, int, str, str]]]:
    """What switches hold, without counters, times and cookies; groups too."""
    return {
        name: {(flow.table, flow.priority, flow.match, flow.actions) for flow in network.flows(name)}
        | {(-1, 0, line.strip(), "") for line in dumped_groups(name)}
        for name in switches or [switch.name for switch in network.switches]
    }


def dumped_groups(switch: str) -> list[str]:
    text = commands.run(["ovs-ofctl", "-O", "OpenFlow13", "dump-groups", switch])
    return [line for line in text.splitlines() if "group_id=" in line]


def says(network: Network, text: str) -> bool:
    """Whether the controller's log says this."""
    return text in network.controller.log.read_text()


@contextmanager
def raw_socket(host: Host, ethertype: int = 0x88B5) -> Iterator[socket.socket]:
    """A socket that sends any frame from a host, and receives those of one EtherType."""
    with namespace_of(host):
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ethertype))
        sock.bind((host.interface, ethertype))
    with sock:
        yield sock


def mac(text: str) -> bytes:
    return bytes.fromhex(text.replace(":", ""))
