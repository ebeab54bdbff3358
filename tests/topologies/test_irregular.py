"""Networks without a pattern: always connected, always the same for a seed, and what was asked for."""

from __future__ import annotations

import hashlib
import json

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from topologies import TopologyError, build_graph
from topologies.files import node_link
from topologies.geography import delay, distance


def switches_of(graph):
    return graph.subgraph([name for name, node in graph.nodes(data=True) if node["kind"] == "switch"])


@given(st.integers(3, 30), st.data(), st.integers(0, 999))
@settings(max_examples=60, deadline=None)
def test_a_jellyfish_is_connected_and_every_switch_has_its_links(n, data, seed):
    degree = data.draw(st.integers(2, n - 1))
    wiring = switches_of(build_graph(f"jellyfish:{n}x{degree}@{seed}"))
    assert nx.is_connected(wiring)
    assert nx.Graph(wiring).number_of_edges() == wiring.number_of_edges() == n * degree // 2
    assert sorted(count for _, count in wiring.degree()) == [degree - n * degree % 2] + [degree] * (n - 1)


@given(st.integers(1, 40), st.sampled_from(["0", "0.05", ".3", "1"]), st.integers(0, 999))
@settings(max_examples=60, deadline=None)
def test_a_random_network_is_connected(n, probability, seed):
    wiring = switches_of(build_graph(f"random:{n}x{probability}@{seed}"))
    assert nx.is_connected(wiring)
    if probability in ("0", "1"):
        assert wiring.number_of_edges() == (n - 1 if probability == "0" else n * (n - 1) // 2)


@pytest.mark.parametrize(
    ("spec", "digest"),
    [
        ("jellyfish:20x4", "9caa984fd5ed2d6f"),
        ("random:20x0.2@7", "8c053a7691aea319"),
        ("wan:abilene", "0903c6d31ffb78bd"),
    ],
)
def test_a_network_is_the_same_on_every_machine_and_version(spec, digest):
    text = json.dumps(node_link.write(build_graph(spec)), sort_keys=True)
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == digest


def test_another_seed_gives_another_network():
    assert build_graph("jellyfish:20x4@1").edges != build_graph("jellyfish:20x4@2").edges


def test_light_takes_its_time_from_coast_to_coast():
    seattle, new_york = (47.61, -122.33), (40.71, -74.01)
    assert distance(seattle, new_york) == pytest.approx(3870, rel=0.01)
    assert delay(seattle, new_york) == pytest.approx(0.0193, rel=0.01)
    assert distance((0, 179), (0, -179)) == pytest.approx(222.4, rel=0.01)


def test_ideal_leaves_out_what_links_were_asked_to_be():
    assert all("delay" in about for _, _, about in switches_of(build_graph("wan:abilene")).edges(data=True))
    assert all(set(about) == {"ports"} for _, _, about in build_graph("wan:abilene@ideal").edges(data=True))


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ("jellyfish:5x9", "4 others, not 9; try jellyfish:10x9"),
        ("jellyfish:20x4@x", "at character 16, 'x' should be a seed"),
        ("ring:4@3", "nothing in 'ring' is random; leave out '@3'"),
        ("random:20x2", "at character 11, '2' should be a number from 0 to 1"),
        ("wan:abilen", "at character 5, there is none of the name 'abilen'; did you mean abilene?"),
        ("abilene", "did you mean wan:abilene?"),
        ("campus:0", "at least 1"),
        ("wan", "its size is missing; write wan:NAME"),
    ],
)
def test_a_wrong_spec_is_told_what_to_write(spec, told):
    with pytest.raises(TopologyError) as caught:
        build_graph(spec)
    assert told in str(caught.value)
