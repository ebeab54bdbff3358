"""What keeping paths and links up to date costs, beside computing everything anew.

    python -m experiments.benchmarks.paths [--switches 1000] [--cables 4000] [--failures 200] [--ring 500] [--seed 1]

One table for the repair of shortest paths after the failure of one cable (both directions) in a random connected
graph, all switches being destinations; one for what else is asked of the same graph; one for probes and discovery in
a ring whose cables take no time. Each figure is the processor's time of this one process.
"""

from __future__ import annotations

import argparse
import random
import resource
from collections import deque
from collections.abc import Callable, Iterator
from statistics import median
from time import process_time

import networkx as nx
from rich.console import Console
from rich.table import Table

from controller.model import Event, Link, LinkDown, LinkUp, Location, Output, Packet, Port, SwitchReady, SwitchUp
from controller.services.alternatives import KShortest, disjoint_pair
from controller.services.flooding import FloodTree
from controller.services.paths import Paths
from controller.services.topology import Topology
from controller.southbound.lldp import ProbeKey, ProbeWriter, parse

Row = tuple[str, list[float]]


def random_cables(switches: int, cables: int, seed: int) -> list[Link]:
    """A connected random graph: a random tree, and cables between random pairs of switches."""
    choose = random.Random(seed)
    pairs = [(dpid, choose.randint(1, dpid - 1)) for dpid in range(2, switches + 1)]
    while len(pairs) < cables:
        one, other = choose.sample(range(1, switches + 1), 2)
        pairs.append((one, other))
    used = [0] * (switches + 1)

    def plug(dpid: int) -> Location:
        used[dpid] += 1
        return Location(dpid, used[dpid])

    return [Link(plug(one), plug(other)) for one, other in pairs]


def both(cable: Link) -> tuple[Link, Link]:
    """The two directions of a cable."""
    return cable, Link(cable.target, cable.source)


def events_of(switches: int, cables: list[Link]) -> list[Event]:
    """The events by which a network comes to be known."""
    return [*map(SwitchUp, range(1, switches + 1)), *(LinkUp(link) for cable in cables for link in both(cable))]


def seconds(action: Callable[[], object]) -> float:
    """The processor's time that an action takes."""
    start = process_time()
    action()
    return process_time() - start


def everything(paths: Paths, switches: int) -> None:
    """Have the next hops of every switch to every destination."""
    for target in range(1, switches + 1):
        for source in range(1, switches + 1):
            paths.next_hops(source, target)


def repair(paths: Paths, events: list[Event]) -> int:
    """Take in changes and have all next hops that they touched anew; how many those were."""
    touched = paths.apply(*events)
    for target, sources in touched.items():
        for source in sources:
            paths.next_hops(source, target)
    return sum(map(len, touched.values()))


def measure_repair(switches: int, cables: list[Link], failures: int, choose: random.Random) -> list[Row]:
    """Computing all next hops anew against repairing them."""
    events = events_of(switches, cables)
    paths = Paths()
    paths.apply(*events)
    anew = seconds(lambda: everything(paths, switches))
    graph: nx.MultiDiGraph[int] = nx.MultiDiGraph()
    graph.add_edges_from((link.source.dpid, link.target.dpid) for cable in cables for link in both(cable))
    library = seconds(lambda: deque(nx.all_pairs_dijkstra_path_length(graph), maxlen=0))
    downs, ups, touched = [], [], []
    for cable in choose.sample(cables, failures):
        down: list[Event] = [LinkDown(link, "fails") for link in both(cable)]
        up: list[Event] = [LinkUp(link) for link in both(cable)]
        start = process_time()
        touched.append(float(repair(paths, down)))
        downs.append(process_time() - start)
        ups.append(seconds(lambda up=up: repair(paths, up)))  # type: ignore[misc]
    rows = [
        ("networkx, distances of all pairs anew", [library]),
        ("all pairs anew, distances and next hops", [anew]),
        ("repair after a failure", downs),
        ("repair after its end", ups),
    ]
    print(f"next hops touched by a failure: median {median(touched):.0f}, most {max(touched):.0f}, of {switches**2:,}")
    print(f"all anew / repair after a failure: median {anew / median(downs):,.0f}, least {anew / max(downs):,.0f}")
    return rows


def measure_questions(switches: int, cables: list[Link], questions: int, choose: random.Random) -> list[Row]:
    """What is asked on the way of a packet, and what is asked when plans are made."""
    paths, tree = Paths(), FloodTree()
    for event in events_of(switches, cables):
        paths.apply(event)
        tree.apply(event)
    pairs = [(choose.randint(1, switches), choose.randint(1, switches)) for _ in range(questions)]
    ways = KShortest(paths)
    ways.find(1, 2, 1)
    first = [seconds(lambda p=pair: paths.path(*p)) for pair in pairs]  # type: ignore[misc]
    everything(paths, switches)
    again = [seconds(lambda: [paths.path(one, other, 12345) for one, other in pairs]) / len(pairs)]
    repairs = []
    for cable in choose.sample(sorted(tree.cables()), min(questions, switches - 1)):
        repairs.append(seconds(lambda c=cable: [tree.apply(LinkDown(link, "fails")) for link in both(c)]))  # type: ignore[misc]
        for link in both(cable):
            tree.apply(LinkUp(link))
    return [
        ("a path, its destination asked for the first time or not", first),
        ("a path, its destination known", again),
        ("4 shortest paths (networkx)", [seconds(lambda p=pair: ways.find(p[0], p[1], 4)) for pair in pairs[:50]]),  # type: ignore[misc]
        ("disjoint pair", [seconds(lambda p=pair: disjoint_pair(paths, *p)) for pair in pairs]),  # type: ignore[misc]
        ("flood tree after the failure of a branch", repairs),
    ]


def ring_ports(size: int) -> Iterator[Port]:
    """The two ports that a switch of the ring has."""
    for number in (1, 2):
        yield Port(number, f"eth{number}", bytes([2, 0, 0, size >> 8 & 0xFF, size & 0xFF, number]), up=True)


def discover(size: int) -> Topology:
    """All switches of a ring connect, and probes cross its cables in no time, until every link is known."""
    topology = Topology(b"a key for the benchmark")
    for dpid in range(1, size + 1):
        topology.apply(SwitchUp(dpid, tuple(ring_ports(dpid))), 0.0)
        topology.apply(SwitchReady(dpid), 0.0)
    while topology.graph.number_of_edges() < 2 * size:
        cross(topology, size, 0.0)
    return topology


def cross(topology: Topology, size: int, now: float) -> None:
    """Have the probes that are due cross the ring's cables."""
    for dpid, sends in topology.tick(now).probes.items():
        for send in sends:
            (out,) = send.actions
            assert isinstance(out, Output)
            end = (dpid % size + 1, 2) if out.port == 1 else ((dpid - 2) % size + 1, 1)
            topology.receive(Packet(*end, send.frame), now)


def keep(topology: Topology, size: int, period: float) -> None:
    """A while in which nothing happens but probes, looked at every 10 ms."""
    for step in range(1, int(period * 100) + 1):
        cross(topology, size, step / 100)
    assert topology.graph.number_of_edges() == 2 * size


def measure_probes(size: int) -> list[Row]:
    """Probes for every port of a ring, and its discovery."""
    key = ProbeKey(b"a key for the benchmark")
    ports = [(dpid, port) for dpid in range(1, size + 1) for port in ring_ports(dpid)]
    writers: list[ProbeWriter] = []
    frames: list[bytes] = []
    topology = discover(size)
    lay_out = seconds(lambda: writers.extend(ProbeWriter(key, d, p.number, p.mac, p.name) for d, p in ports))
    write = seconds(lambda: frames.extend(writer.write(1) for writer in writers))
    read = seconds(lambda: [parse(frame, key) for frame in frames])
    return [
        (f"lay out the probes of {len(ports)} ports", [lay_out]),
        ("write one of each", [write]),
        ("read and verify them", [read]),
        (f"discovery of the ring, {size} switches to {2 * size} links", [seconds(lambda: discover(size))]),
        ("a second of probing it", [seconds(lambda: keep(topology, size, 10)) / 10]),
    ]


def show(title: str, rows: list[Row]) -> None:
    """Print figures side by side, in ms."""
    table = Table(title=title, title_justify="left")
    table.add_column("")
    for name in ("median ms", "max ms", "times"):
        table.add_column(name, justify="right")
    for name, figures in rows:
        table.add_row(name, f"{median(figures) * 1e3:,.3f}", f"{max(figures) * 1e3:,.3f}", str(len(figures)))
    Console().print(table)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m experiments.benchmarks.paths", description=(__doc__ or "")[:72])
    for name, value in (("switches", 1000), ("cables", 4000), ("failures", 200), ("ring", 500), ("seed", 1)):
        parser.add_argument(f"--{name}", type=int, default=value, help=f"{value} unless said otherwise")
    options = parser.parse_args()
    choose = random.Random(options.seed)
    cables = random_cables(options.switches, options.cables, options.seed)
    size = f"{options.switches} switches, {options.cables} cables"
    show(f"Repair: {size}", measure_repair(options.switches, cables, options.failures, choose))
    show(f"Questions: {size}", measure_questions(options.switches, cables, options.failures, choose))
    show("Probes", measure_probes(options.ring))
    print(f"memory at the most: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main()
