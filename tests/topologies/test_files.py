"""Networks from files: what they say is taken, what is wrong is said with its place, and nothing is a traceback."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from topologies import TopologyError, build_graph
from topologies.catalog import FAMILIES
from topologies.files import FORMATS, assemble, draft, node_link

ZOO = """<?xml version="1.0" encoding="utf-8"?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns">
  <key attr.name="LinkSpeedRaw" attr.type="double" for="edge" id="d3" />
  <key attr.name="Longitude" attr.type="double" for="node" id="d2" />
  <key attr.name="Latitude" attr.type="double" for="node" id="d1" />
  <key attr.name="label" attr.type="string" for="node" id="d0" />
  <graph edgedefault="undirected">
    <data key="d9">Oddities</data>
    <node id="0"><data key="d0">Vienna</data><data key="d1">48.21</data><data key="d2">16.37</data></node>
    <node id="1"><data key="d0">Prague</data><data key="d1">50.08</data><data key="d2">14.44</data></node>
    <node id="2"><data key="d0">Prague</data></node>
    <node id="3" />
    <edge source="0" target="1"><data key="d3">10000000000.0</data></edge>
    <edge source="0" target="1" />
    <edge source="1" target="1" />
  </graph>
</graphml>
"""
GML = """graph [
  # the same in GML
  directed 0
  node [ id 0 label "Vienna" Latitude 48.21 Longitude 16.37 graphics [ x 1.0 y 2 ] ]
  node [ id 1 label "Prague" Latitude 50.08 Longitude 14.44 ]
  node [ id 2 label "Prague" ]
  node [ id 3 ]
  edge [ source 0 target 1 LinkSpeedRaw 10000000000.0 ]
  edge [ source 0 target 1 ]
  edge [ source 1 target 1 ]
]
"""
YAML = """switches:
  core: {layer: 0, dpid: 10}
  left: {label: Left wing}
  no:
hosts:
  alice: {switch: left, ip: 10.0.1.1/16, mac: 00-00-00-00-00-0A, vlan: 10, delay: 0.3 ms}
  bob: no
links:
  - [core, left]
  - {from: core, to: no, bandwidth: 100 Mbit/s, delay: 5 ms, loss: 0.1 %, vlans: [10, 20]}
"""


def read(kind, text):
    return assemble(draft(kind, text))


@pytest.mark.parametrize(("kind", "text"), [("GraphML", ZOO), ("GML", GML)])
def test_the_oddities_of_the_topology_zoo(kind, text):
    graph = read(kind, text)
    assert [name for name in graph if graph.nodes[name]["kind"] == "switch"] == ["s1", "s2", "s3", "s4"]
    assert [graph.nodes[name]["label"] for name in ("s1", "s2", "s3", "s4")] == ["Vienna", "Prague", "Prague", "3"]
    assert graph.number_of_edges("s1", "s2") == 2
    first, second = (graph.edges["s1", "s2", key] for key in (0, 1))
    assert first["bandwidth"] == 1e10
    assert "bandwidth" not in second
    assert first["delay"] == second["delay"] == pytest.approx(0.00125, rel=0.02)
    assert (first["ports"], second["ports"]) == ({"s1": 2, "s2": 2}, {"s1": 3, "s2": 3})
    assert graph.number_of_edges("s2", "s2") == 0
    assert "'1' to itself was left out" in graph.graph["notes"][0]
    assert [list(graph[f"h{i}"]) for i in (1, 2, 3, 4)] == [["s1"], ["s2"], ["s3"], ["s4"]]


def test_what_people_write_in_yaml():
    graph = read("YAML", YAML)
    assert {name: graph.nodes[name]["dpid"] for name in ("core", "left", "no")} == {"core": 10, "left": 1, "no": 2}
    alice = graph.nodes["alice"]
    assert (alice["ip"], alice["prefix_length"], alice["mac"], alice["vlan"]) == (
        "10.0.1.1", 16, "00:00:00:00:00:0a", 10,
    )  # fmt: skip
    assert graph.edges["alice", "left", 0] == {"ports": {"alice": 0, "left": 1}, "delay": 0.0003}
    assert graph.edges["core", "no", 0] == {
        "ports": {"core": 2, "no": 2}, "bandwidth": 1e8, "delay": 0.005, "loss": 0.001, "vlans": (10, 20),
    }  # fmt: skip


@pytest.mark.parametrize("spec", [family.example for family in FAMILIES.values()])
def test_node_link_json_gives_the_same_network_again(spec, tmp_path):
    graph = build_graph(spec)
    path = tmp_path / "network.json"
    path.write_text(json.dumps(node_link.write(graph)))
    again = build_graph(str(path))
    assert dict(again.nodes(data=True)) == dict(graph.nodes(data=True))
    ends = [{(one, other): edge for one, other, edge in net.edges(data=True)} for net in (again, graph)]
    assert ends[0] == ends[1]


def test_two_directions_of_a_directed_graph_are_one_cable():
    text = json.dumps({
        "directed": True, "nodes": [{"id": 1}, {"id": 2}],
        "links": [{"source": 1, "target": 2}, {"source": 2, "target": 1}, {"source": 1, "target": 2}],
    })  # fmt: skip
    assert read("node-link JSON", text).number_of_edges("s1", "s2") == 2


@pytest.mark.parametrize(
    ("kind", "text", "told"),
    [
        ("GraphML", "<graphml><graph></graphml>", "line 1: this is not well-formed XML (mismatched tag)"),
        ("GraphML", "<graphml/>", "there is no <graph> in it"),
        ("GraphML", ZOO.replace('target="1"', 'target="9"'), "line 13: there is no node '9'"),
        ("GraphML", ZOO.replace("48.21", "north"), "line 9: Latitude 'north' should be a number"),
        ("GraphML", ZOO.replace("48.21", "148.21"), "line 9, Latitude: 148.21 should be a latitude"),
        ("GraphML", '<!DOCTYPE g [<!ENTITY a "b">]>\n<graphml/>', "line 1: entities are not read"),
        ("GML", GML[:-2], "line 1: this [ is never closed"),
        ("GML", GML.replace("id 3", "name 3"), "line 7: this node has no id"),
        ("GML", GML.replace("id 3", "id 2"), "line 7: there is another node '2' (line 6)"),
        ("GML", 'graph [ node [ id "1 ]', "line 1: '\"1 ]': this text is never closed by a quotation mark"),
        ("node-link JSON", "{", "line 1, character 2: this is not JSON"),
        ("node-link JSON", "[" * 100_000, "nested too deeply"),
        ("node-link JSON", '{"nodes": [3]}', 'there is no list of "edges"'),
        ("node-link JSON", '{"nodes": [3], "edges": []}', "nodes[0]: 3 should be an object"),
        ("node-link JSON", '{"nodes": [], "edges": []}', "there is no switch in it"),
        ("YAML", YAML.replace("delay: 5 ms", "dealy: 5 ms"), "line 10: a link has no 'dealy'; did you mean delay?"),
        ("YAML", YAML.replace("5 ms", "5"), "line 10: delay: '5' should be a delay such as 5 ms"),
        ("YAML", YAML.replace("bob: no", "bob: nowhere"), "line 7: there is no node 'nowhere'"),
        ("YAML", YAML.replace("[core, left]", "[core, lefd]"), "line 9: there is no node 'lefd'; did you mean left?"),
        ("YAML", YAML.replace("10.0.1.1/16", "10.0.1.256"), "line 6, ip: '10.0.1.256' should be an IPv4 address"),
        ("YAML", YAML.replace("vlan: 10", "vlan: 5000"), "line 6, vlan: '5000' should be a VLAN"),
        ("YAML", YAML.replace("[core, left]", "[alice, bob]"), "line 9: both 'alice' and 'bob' are hosts"),
        ("YAML", YAML.replace("bob: no", "bob:"), "line 7: host 'bob' has no link"),
        ("YAML", "switches: {a: {dpid: 3}, b: {dpid: 3}}", "'a' has the same dpid"),
        ("YAML", "switches: [a, b", "this is not YAML"),
        ("YAML", "", "the file is empty"),
        ("YAML", "[" * 5_000, "nested too deeply"),
        ("YAML", "switches: [a-very-long-name]", "line 1: 'a-very-long-name' cannot name a switch"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_one_line_with_its_place(kind, text, told):
    with pytest.raises(TopologyError) as caught:
        read(kind, text)
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


PIECES = [*ZOO.split(), *GML.split(), *YAML.splitlines(), "&a", "*a", "{", "}", "nan", "1e999", "9" * 5000, '"', "\0"]


@given(st.sampled_from(sorted(set(FORMATS.values()))), st.lists(st.sampled_from(PIECES) | st.text(max_size=8)))
@settings(deadline=None)
def test_whatever_a_file_holds_is_a_network_or_a_topology_error(kind, pieces):
    with suppress(TopologyError):
        read(kind, "\n".join(pieces))


@given(
    st.sampled_from([("GraphML", ZOO), ("GML", GML), ("YAML", YAML)]),
    st.lists(st.tuples(st.integers(0, 1200), st.integers(0, 30), st.sampled_from(PIECES) | st.text(max_size=3))),
)
@settings(deadline=None)
def test_whatever_happens_to_a_good_file_is_a_network_or_a_topology_error(file, damages):
    kind, text = file
    for start, length, piece in damages:
        text = text[:start] + piece + text[start + length :]
    with suppress(TopologyError):
        read(kind, text)


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)
ABOUT = st.dictionaries(
    st.sampled_from(["id", "source", "target", "kind", "label", "dpid", "mac", "ip", "vlan", "latitude", "longitude",
                     "layer", "bandwidth", "delay", "loss", "vlans", "ports", "LinkSpeedRaw", "prefix_length"]),
    st.sampled_from(["a", "b", "host", "switch"]) | ANY_JSON,
)  # fmt: skip


@given(st.lists(ABOUT, max_size=4), st.lists(ABOUT, max_size=4))
@settings(deadline=None)
def test_whatever_json_says_is_a_network_or_a_topology_error(nodes, edges):
    nodes = [{"id": "a"}, {"id": "b", "kind": "host"}, *nodes]
    edges = [{"source": "a", "target": "b"}, *edges]
    with suppress(TopologyError):
        read("node-link JSON", json.dumps({"nodes": nodes, "edges": edges}))


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("missing.yaml", None, "there is no such file; did you mean"),
        ("binary.yaml", b"a: b\n\xff\xfe", "line 2: this is not UTF-8 text"),
        ("wrong.txt", b"", "a file's ending says what it holds: .graphml is GraphML"),
        ("", None, "that is no ordinary file"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_line(tmp_path, name, content, told):
    (tmp_path / "mising.yaml").write_text("")
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(TopologyError) as caught:
        build_graph(f"{tmp_path}/{name}")
    assert told in str(caught.value)


def test_the_example_of_the_documentation_is_a_network(tmp_path):
    text = (Path(__file__).parents[2] / "docs" / "topologies.md").read_text()
    path = tmp_path / "office.yaml"
    path.write_text(text.partition("```yaml\n")[2].partition("```")[0])
    graph = build_graph(str(path))
    assert {"core", "left", "right", "alice", "bob", "printer"} == set(graph)
    assert graph.edges["core", "right", 0]["bandwidth"] == 1e8
    assert set(build_graph(f"{path}@ideal").edges["core", "right", 0]) == {"ports"}
