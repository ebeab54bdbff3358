"""A controller that is killed and started again: nobody on the network notices, and nothing is left behind."""

from __future__ import annotations

import pytest

from tests.simulation.world import World
from topologies import build_graph
from topologies.simulator import Network

ROUTED = ("reactive", "proactive", "fast-failover")
Tables = dict[str, tuple[frozenset[object], frozenset[object]]]


def tables(network: Network) -> Tables:
    """What every switch holds: rules without their cookies, and groups."""
    return {
        name: (
            frozenset(
                (entry.table, entry.priority, entry.terms, entry.program.octets, entry.idle_timeout, entry.flags)
                for table in switch.pipeline.tables
                for entry in table
            ),
            frozenset((group.number, group.kind, group.octets) for group in switch.pipeline.groups.values()),
        )
        for name, switch in network.switches.items()
    }


@pytest.mark.parametrize("mode", ROUTED)
@pytest.mark.parametrize("spec", ["ring:5", "torus:3x3", "fat-tree:4"])
@pytest.mark.parametrize("seed", range(2))
def test_traffic_loses_no_packet_and_the_tables_end_as_they_were(spec: str, mode: str, seed: int) -> None:
    world = World(build_graph(spec), mode, seed)
    world.check()
    network = world.network
    before = tables(network)
    world.start_controller()
    pairs = list(network.pairs())
    sent: dict[int, str] = {}
    for step in range(1500):
        one, other = pairs[step % len(pairs)]
        number = next(world.numbers)
        sent[number] = one
        network.ping(one, other, number)
        network.run(0.005)
    network.run(0.5)
    lost = [number for number, one in sent.items() if number not in network.hosts[one].answered]
    assert not lost, f"{len(lost)} of {len(sent)} lost{world.story}"
    assert tables(network) == before
