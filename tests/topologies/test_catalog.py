"""Networks by name: what each family is, that the same name gives the same network, and what a wrong name is told."""

from __future__ import annotations

import ipaddress
from contextlib import suppress

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from topologies import TopologyError, build_graph
from topologies.catalog import FAMILIES

SHAPES = {
    "single:4": (1, 4, 0, 0),
    "linear:3": (3, 3, 2, 2),
    "linear:5x2": (5, 10, 4, 4),
    "tree:2x3": (4, 9, 3, 2),
    "tree:3x2": (7, 8, 6, 4),
    "ring:6": (6, 6, 6, 3),
    "star:5": (6, 5, 5, 2),
    "mesh:4": (4, 4, 6, 1),
    "torus:3x3": (9, 9, 18, 2),
    "grid:3x4": (12, 12, 17, 5),
    "leaf-spine:2x4x2": (6, 8, 8, 2),
    "fat-tree:4": (20, 16, 32, 4),
    "jellyfish:20x4": (20, 20, 40, 4),
    "random:20x0.2": (20, 20, 33, 4),
    "campus": (14, 18, 28, 4),
    "wan:abilene": (11, 11, 14, 5),
}
"""Spec -> switches, hosts, links between switches, diameter of the switches' graph."""


def members(graph, kind):
    return [name for name, node in graph.nodes(data=True) if node["kind"] == kind]


@pytest.mark.parametrize("spec", SHAPES)
def test_families_have_the_shape_that_their_name_says(spec):
    graph = build_graph(spec)
    switches = graph.subgraph(members(graph, "switch"))
    n_hosts = len(members(graph, "host"))
    assert nx.is_connected(graph)
    assert (len(switches), n_hosts, switches.number_of_edges(), nx.diameter(switches)) == SHAPES[spec]
    assert (graph.graph["spec"], graph.graph["family"]) == (spec, spec.partition(":")[0])


def test_every_family_is_tested_and_its_example_works():
    assert {spec.partition(":")[0] for spec in SHAPES} == set(FAMILIES)
    for family in FAMILIES.values():
        assert family.example in SHAPES


@pytest.mark.parametrize("spec", SHAPES)
def test_every_node_and_edge_has_its_documented_attributes(spec):
    graph = build_graph(spec)
    for name, node in graph.nodes(data=True):
        if node["kind"] == "switch":
            assert name == f"s{node['dpid']}"
        else:
            number = int(name.removeprefix("h"))
            assert int(node["mac"].replace(":", ""), 16) == number
            assert int(ipaddress.ip_address(node["ip"])) == (10 << 24) + number
    for name in graph:
        first = 1 if graph.nodes[name]["kind"] == "switch" else 0
        ports = sorted(edge["ports"][name] for _, _, edge in graph.edges(name, data=True))
        assert ports == list(range(first, first + len(ports)))


def test_ports_of_a_switch_lead_to_its_hosts_first():
    graph = build_graph("linear:3")
    assert {other: edges[0]["ports"]["s2"] for other, edges in graph["s2"].items()} == {"h2": 1, "s1": 2, "s3": 3}


@pytest.mark.parametrize("spec", SHAPES)
def test_the_same_spec_gives_the_same_network(spec):
    one, other = build_graph(spec), build_graph(spec)
    assert list(one.nodes(data=True)) == list(other.nodes(data=True))
    assert list(one.edges(data=True)) == list(other.edges(data=True))


def test_in_a_fat_tree_pods_reach_each_other_by_every_core_switch():
    graph = build_graph("fat-tree:4")
    assert len(list(nx.all_shortest_paths(nx.Graph(graph), "h1", "h16"))) == 4


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ("rign:4", "did you mean ring:4?"),
        ("Fat_Tree:4", "did you mean fat-tree:4?"),
        ("nonsense:4", "known are single:N, linear:N"),
        ("", "there is no kind ''"),
        ("linear", "write linear:N or linear:NxM, for example linear:5x2"),
        ("linear:", "at character 8, '' should be a whole number"),
        ("linear:abc", "at character 8, 'abc' should be a whole number"),
        ("linear:3xy", "at character 10, 'y' should be a whole number"),
        ("linear:0", "at character 8, '0': switches must be at least 1"),
        ("linear:-3", "at character 8, '-3' should be a whole number"),
        ("ring:2", "at least 3"),
        ("torus:3x2", "at character 9, '2': columns must be at least 3"),
        ("linear:1x2x3", "3 numbers after 'linear', 1 or 2 wanted"),
        ("torus:3", "1 number after 'torus', 2 wanted"),
        ("fat-tree:3", "an even number of ports per switch, not 3; try fat-tree:4"),
        ("linear:99999999999999999999", "at character 8, '99999999999999999999' is too large"),
        ("linear:10001", "more than 10,000 switches"),
        ("tree:9x99999", "more than 10,000 switches"),
        ("single:999999", "more than 100,000 hosts"),
        ("mesh:9999", "more than 200,000 links"),
    ],
)
def test_a_wrong_spec_is_one_line_with_the_place_and_what_to_write(spec, told):
    with pytest.raises(TopologyError) as caught:
        build_graph(spec)
    text = str(caught.value)
    assert told in text
    assert text.startswith(f"topology {spec!r}: ")
    assert "\n" not in text


@given(
    st.text(max_size=20) | st.builds("{}:{}".format, st.sampled_from(sorted(FAMILIES)), st.text("0123x -", max_size=6))
)
def test_whatever_is_written_is_a_network_or_a_topology_error(spec):
    with suppress(TopologyError):
        assert nx.is_connected(build_graph(spec))
