"""Any network that has come to rest: all reach all by the shortest way, a broadcast once, no loop."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.simulation.graphs import networks
from tests.simulation.world import MODES, World
from topologies import build_graph

if TYPE_CHECKING:
    from topologies.plan import Graph


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("spec", ["single:3", "ring:6", "torus:3x3", "mesh:5", "leaf-spine:2x3x2", "fat-tree:4"])
def test_a_named_network(spec: str, mode: str) -> None:
    World(build_graph(spec), mode).check()


@pytest.mark.parametrize("mode", MODES)
@given(graph=networks(), seed=st.integers(0, 2**32))
@settings(max_examples=20, deadline=None, derandomize=True)
def test_any_network(graph: Graph, seed: int, mode: str) -> None:
    World(graph, mode, seed).check()


@pytest.mark.parametrize("mode", MODES)
@given(graph=networks(), seed=st.integers(0, 2**32))
@settings(max_examples=15, deadline=None, derandomize=True)
def test_hosts_that_nobody_knows_reach_each_other_at_the_first_try(graph: Graph, seed: int, mode: str) -> None:
    world = World(graph, mode, seed)
    world.rest()
    world.shortest = False
    world.check_reachable()
