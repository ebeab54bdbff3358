"""With fast failover a network outlives the failure of any one link without its controller."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.simulation.graphs import networks
from tests.simulation.world import World
from topologies import build_graph

if TYPE_CHECKING:
    from topologies.plan import Graph


def fail_each_link(graph: Graph, seed: int, links: slice = slice(None)) -> None:
    world = World(graph, "fast-failover", seed)
    world.check()
    for link in world.network.links()[links]:
        world.network.silence()
        world.network.set_link(link, False)
        world.shortest = False
        world.check_reachable()
        world.shortest = True
        world.network.end_silence()
        world.check()
        world.network.set_link(link, True)
        world.check()


@pytest.mark.parametrize(("spec", "every"), [("ring:5", 1), ("torus:3x3", 3), ("mesh:4", 1), ("fat-tree:4", 9)])
def test_a_named_network(spec: str, every: int) -> None:
    fail_each_link(build_graph(spec), 0, slice(None, None, every))


@given(graph=networks(), seed=st.integers(0, 2**32))
@settings(max_examples=25, deadline=None, derandomize=True)
def test_any_network(graph: Graph, seed: int) -> None:
    fail_each_link(graph, seed)
