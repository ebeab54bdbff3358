"""What a network is said to be, against networkx and against what textbooks say of it."""

from __future__ import annotations

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from topologies import build_graph, facts
from topologies.catalog import FAMILIES
from topologies.plan import Plan


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("single:4", (0, 0, 0, 2, True)),
        ("linear:4", (0, 3, 1, 1, True)),
        ("ring:6", (1, 3, 2, 2, True)),
        ("mesh:4", (3, 1, 1, 2, True)),
        ("tree:3x2", (0, 4, 1, 1, True)),
        ("torus:4x4", (17, 4, 24, 8, False)),
        ("fat-tree:4", (13, 4, 4, 8, False)),
        ("leaf-spine:2x4x2", (3, 2, 2, 4, True)),
    ],
)
def test_the_facts_of_well_known_networks(spec, expected):
    """Loops, diameter, ways, cables between the worst halves, and whether these were all tried."""
    found = facts.find(build_graph(spec))
    halves = found.bisection
    assert (found.loops, found.diameter, found.most_ways, halves.links, halves.exact) == expected


@given(st.integers(2, 16), st.integers(0, 500), st.sampled_from(["0", "0.1", "0.3"]))
@settings(max_examples=60, deadline=None)
def test_what_a_failure_cuts_off_is_what_it_cuts_off(n, seed, probability):
    graph = build_graph(f"random:{n}x{probability}@{seed}")
    found = facts.find(graph)
    for cuts, failing in ((found.link_cuts, list(graph.edges())), (found.switch_cuts, [(name,) for name in graph])):
        said = {frozenset(cut.where): cut.hosts for cut in cuts}
        for where in failing:
            if any(graph.nodes[name]["kind"] == "host" for name in where):
                continue
            rest = nx.Graph(graph)
            if len(where) == 2:
                rest.remove_edge(*where)
                lost = set()
            else:
                lost = {other for other in graph[where[0]] if graph.nodes[other]["kind"] == "host"}
                rest.remove_nodes_from([*where, *lost])
            pieces = [
                sum(graph.nodes[name]["kind"] == "host" for name in piece) for piece in nx.connected_components(rest)
            ]
            assert said.get(frozenset(where), 0) == sum(pieces) - max(pieces)


@pytest.mark.parametrize("spec", [family.example for family in FAMILIES.values()])
def test_distances_and_ways_are_those_of_networkx(spec):
    graph = build_graph(spec)
    wiring = nx.Graph(graph.subgraph([name for name, node in graph.nodes(data=True) if node["kind"] == "switch"]))
    source = next(iter(wiring))
    for target, (distance, ways) in facts.shortest_ways(nx.MultiGraph(wiring), source).items():
        paths = list(nx.all_shortest_paths(wiring, source, target))
        assert (distance, ways) == (len(paths[0]) - 1, len(paths))


def test_a_second_cable_is_a_second_way_and_saves_a_link():
    plan = Plan()
    one, other = plan.switches(2)
    plan.hosts([one, other])
    plan.links([(one, other)] * 2)
    found = facts.find(plan.graph)
    assert (found.most_ways, found.loops, found.link_cuts, found.bisection.links) == (2, 1, [], 1)
    plan = Plan()
    plan.link(*plan.switches(2))
    assert facts.find(plan.graph).link_cuts == []


def test_bandwidth_between_halves_is_known_when_every_cable_s_is():
    plan = Plan()
    one, other = plan.switches(2)
    for switch in (one, other):
        plan.link(plan.host(None), switch, bandwidth=1e9)
    plan.link(one, other, bandwidth=1e8)
    assert facts.find(plan.graph).bisection.bandwidth == 1e8


def test_parts_are_counted():
    plan = Plan()
    plan.hosts(plan.switches(3))
    found = facts.find(plan.graph)
    assert (found.parts, found.loops, found.diameter) == (3, 0, 0)
