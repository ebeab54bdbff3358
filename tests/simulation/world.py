"""A simulated network under a controller, and what must be true of it whenever it has come to rest."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

import networkx as nx

from controller.apps import App
from controller.apps.learning_switch import LearningSwitch
from controller.apps.routing import Routing
from controller.model import Alarm, Event, Location, SwitchError
from controller.network_os import NetworkOS

if TYPE_CHECKING:
    from topologies.plan import Graph
from topologies.simulator import InMemory, Network, Place
from topologies.simulator.network import Cable

MODES = ("learning_switch", "reactive", "proactive", "fast-failover")
_PATIENCE = 120.0
"""Seconds of virtual time: enough for a link that was held down because it flapped."""


def app(mode: str) -> App:
    return LearningSwitch() if mode == "learning_switch" else Routing(mode)


class World:
    """A network and its controller. What is wrong is told with the seed and all that was done."""

    def __init__(self, graph: Graph, mode: str, seed: int = 0) -> None:
        self.mode = mode
        self.network = Network(graph, seed)
        self.seed = seed
        self.shortest = mode != "learning_switch"
        self.numbers = count(1)
        self.errors: list[Event] = []
        self.start_controller()

    @property
    def story(self) -> str:
        cables = ", ".join(map(str, self.network.cables))
        return f"\n{self.mode}, seed {self.seed}: {cables}\n" + "\n".join(self.network.log)

    def start_controller(self) -> None:
        """A new controller that knows nothing, in place of the one there was."""
        if isinstance(self.network.controller, InMemory):
            self.network.controller.end()
            self.network.log.append(f"{self.network.now:.3f} the controller is killed and started again")
        self.network_os = NetworkOS([app(self.mode)], secret=b"a key of thirty-two bytes, really")
        self.network_os.listen(self._note)
        self.network.connect(InMemory(self.network, self.network_os))

    def _note(self, event: Event, now: float) -> None:
        if isinstance(event, SwitchError | Alarm):
            self.network.log.append(f"{now:.3f} {event}")
        if isinstance(event, SwitchError):
            self.errors.append(event)

    # ------------------------------------------------------------ what is

    def graph(self) -> nx.Graph[str]:
        """The switches and the links that carry both ways, as they are."""
        graph: nx.Graph[str] = nx.Graph()
        graph.add_nodes_from(self.network.switches)
        graph.add_edges_from((link.ends[0].node, link.ends[1].node) for link in self.working_links())
        return graph

    def working_links(self) -> list[Cable]:
        return [link for link in self.network.links() if link.up and not link.silent]

    def known_links(self) -> set[frozenset[Place]]:
        names = self.network.name
        return {
            frozenset(
                (Place(names(link.source.dpid), link.source.port), Place(names(link.target.dpid), link.target.port))
            )
            for link in self.network_os.network.topology.links()
        }

    # ------------------------------------------------------------ rest

    def is_at_rest(self) -> bool:
        switches = list(self.network_os.inventory)
        if len(switches) != len(self.network.switches) or not all(switch.settled for switch in switches):
            return False
        if self.known_links() != {frozenset(link.ends) for link in self.working_links()}:
            return False
        return not any(self.is_mistaken(link) for link in self.network.links())

    def is_mistaken(self, link: Cable) -> bool:
        """Whether hosts are believed to be where another switch could be heard."""
        switches, is_edge = self.network.switches, self.network_os.network.is_edge
        return (
            link.up
            and len(link.silent) < 2
            and any(is_edge(Location(switches[end.node].dpid, end.port)) for end in link.ends)
        )

    def rest(self) -> None:
        """Wait until the controller knows the network as it is, and has ordered what follows."""
        reached = self.network.run_until(self.is_at_rest, _PATIENCE)
        unsettled = [switch.dpid for switch in self.network_os.inventory if not switch.settled]
        assert reached, (
            f"not at rest: unsettled {unsettled}, links {sorted(map(sorted, self.known_links()))}{self.story}"
        )
        self.network.run(1.0)

    def introduce(self) -> None:
        """Have every host say that it is there."""
        for name, host in self.network.hosts.items():
            self.network.send(name, host.announce())
        self.network.run(0.5)

    # ------------------------------------------------------------ what must be true

    def check(self) -> None:
        """Everything, at rest."""
        self.rest()
        self.introduce()
        self.network.strict = True
        self.check_reachable()
        self.check_broadcast()
        assert not self.network_os.failures, f"an application raised{self.story}"
        assert not self.errors, f"a switch refused something{self.story}"

    def check_reachable(self) -> None:
        """Every host that has a way to another gets through at the first try, by the shortest way."""
        network = self.network
        distances = dict(nx.all_pairs_shortest_path_length(self.graph()))
        sent: dict[int, tuple[str, str, int]] = {}
        network.trails.clear()
        for one, other in network.pairs():
            hops = distances[network.place(one).node].get(network.place(other).node)
            if hops is not None:
                number = next(self.numbers)
                sent[number] = one, other, hops
                network.ping(one, other, number)
                network.run(0.03)
        network.run(0.5)
        lost = [(one, other) for number, (one, other, _) in sent.items() if number not in network.hosts[one].answered]
        assert not lost, f"no answer: {lost}{self.story}"
        if self.shortest:
            self.check_trails(distances)

    def check_trails(self, distances: dict[str, dict[str, int]]) -> None:
        names = {host.mac: host.name for host in self.network.hosts.values()}
        for frame, trail in self.network.trails.items():
            if trail and frame[12:14] == b"\x08\x00":
                one, other = names[frame[6:12]], names[frame[:6]]
                hops = distances[self.network.place(one).node][self.network.place(other).node]
                assert len(trail) == hops + 1, (
                    f"{one} to {other}: {hops} hops, but by {' '.join(map(str, trail))}{self.story}"
                )

    def check_broadcast(self) -> None:
        """A broadcast frame reaches every host that there is a way to, once."""
        network = self.network
        components = {node: part for part in nx.connected_components(self.graph()) for node in part}
        for name, host in network.hosts.items():
            frame = host.broadcast(next(self.numbers))
            network.send(name, frame)
            network.run(0.1)
            near = components[network.place(name).node]
            wanted = {other: int(other != name and network.place(other).node in near) for other in network.hosts}
            copies = {other: network.hosts[other].received[frame] for other in network.hosts}
            wrong = {other: copies[other] for other in wanted if copies[other] != wanted[other]}
            assert not wrong, f"copies of a broadcast of {name}: {wrong}{self.story}"
