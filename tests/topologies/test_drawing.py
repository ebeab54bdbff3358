"""Drawings: everything is on the sheet, nothing covers anything, and each kind looks like its kind."""

from __future__ import annotations

import math
from itertools import combinations
from xml.etree import ElementTree

import pytest

from topologies import TopologyError, build_graph
from topologies.catalog import FAMILIES
from topologies.drawing import draw, picture
from topologies.drawing.layout import place
from topologies.plan import Plan

EXAMPLES = [family.example for family in FAMILIES.values()]


@pytest.mark.parametrize("spec", [*EXAMPLES, "fat-tree:8", "tree:4x3", "ring:30"])
def test_every_node_is_on_the_sheet_and_none_covers_another(spec):
    graph = build_graph(spec)
    image = picture.make(graph)
    assert {shape.name for shape in image.shapes} == set(graph)
    assert len(image.cables) == graph.number_of_edges()
    for shape in image.shapes:
        assert 20 < shape.at[0] < image.width - 20
        assert 12 < shape.at[1] < image.height - 12
    for one, other in combinations(image.shapes, 2):
        least = 42 if one.is_switch and other.is_switch else 25
        assert math.dist(one.at, other.at) > least, (one.name, other.name)


def heights(graph, points):
    return {
        layer: {points[name][1] for name, node in graph.nodes(data=True) if node.get("layer") == layer}
        for layer in (0, 1, 2)
    }


@pytest.mark.parametrize("spec", ["fat-tree:4", "campus", "tree:3x2"])
def test_storeys_are_above_one_another(spec):
    graph = build_graph(spec)
    points = place(graph)
    levels = heights(graph, points)
    assert all(len(level) == 1 for level in levels.values())
    assert max(levels[0]) < max(levels[1]) < max(levels[2]) < points["h1"][1]


def test_parents_in_a_tree_stand_above_the_middle_of_their_children():
    points = place(build_graph("tree:3x2"))
    assert points["s1"][0] == pytest.approx((points["s2"][0] + points["s3"][0]) / 2)


def test_rings_are_round():
    points = place(build_graph("ring:9"))
    assert len({round(math.hypot(*points[f"s{i}"]), 6) for i in range(1, 10)}) == 1


def test_a_backbone_lies_as_on_the_map():
    graph = build_graph("wan:abilene")
    points = {graph.nodes[name]["label"]: point for name, point in place(graph).items() if name.startswith("s")}
    assert points["Seattle"][0] < points["Denver"][0] < points["Chicago"][0] < points["New York"][0]
    assert points["Chicago"][1] < points["Atlanta"][1] < points["Houston"][1]


def test_parallel_cables_and_unknown_places_are_drawn():
    plan = Plan()
    one, other, lost, alone = (
        plan.switch(latitude=1.0, longitude=179.0), plan.switch(latitude=1.0, longitude=-179.0), plan.switch(),
        plan.switch(latitude=1.0, longitude=179.0),
    )  # fmt: skip
    plan.links([(one, other), (one, other), (other, lost)])
    image = picture.make(plan.graph)
    assert len({cable.bend for cable in image.cables}) == 3
    at = {shape.name: shape.at for shape in image.shapes}
    assert set(at) == {one, other, lost, alone}
    assert math.dist(at[one], at[alone]) > 42


@pytest.mark.parametrize("spec", EXAMPLES)
def test_a_drawing_is_well_formed_and_the_same_each_time(spec, tmp_path):
    path = tmp_path / "network.svg"
    draw(build_graph(spec), path)
    first = path.read_bytes()
    root = ElementTree.fromstring(first)
    graph = build_graph(spec)
    assert len(list(root.iter("{http://www.w3.org/2000/svg}path"))) == graph.number_of_edges()
    draw(graph, path)
    assert path.read_bytes() == first


def test_a_png_is_one(tmp_path):
    path = tmp_path / "network.png"
    draw(build_graph("linear:2"), path)
    assert path.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("spec", "name", "told"),
    [
        ("ring:3", "ring.gif", "a drawing is an .svg or a .png; for example ring.svg"),
        ("ring:3", "nowhere/ring.svg", "cannot be written: No such file or directory"),
        ("linear:2000", "line.svg", "up to 1,500 are drawn"),
    ],
)
def test_a_drawing_that_cannot_be_is_one_line(spec, name, told, tmp_path):
    with pytest.raises(TopologyError, match=told):
        draw(build_graph(spec), tmp_path / name)
