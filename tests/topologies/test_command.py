"""``flowpath topology`` and ``mn --custom topologies/mn.py``, as people type them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from experiments import cli
from topologies import build_graph

HOME = Path(__file__).parents[2]


def test_a_network_is_described_and_drawn(tmp_path, capsys):
    path = tmp_path / "tree.svg"
    assert cli.main(["topology", "tree:2x2", "--draw", str(path)]) == 0
    told = capsys.readouterr().out
    assert "switches    3\n" in told
    assert "2 links alone cut hosts off: s1 - s2 (2), s1 - s3 (2)" in told
    assert path.exists()


def test_json_has_the_facts_and_can_be_read_back(tmp_path, capsys):
    assert cli.main(["topology", "wan:abilene", "--json"]) == 0
    text = capsys.readouterr().out
    assert json.loads(text)["facts"]["loops"] == 4
    path = tmp_path / "abilene.json"
    path.write_text(text)
    assert dict(build_graph(str(path)).nodes(data=True)) == dict(build_graph("wan:abilene").nodes(data=True))


def test_a_wrong_network_is_one_line(capsys):
    assert cli.main(["topology", "rign:4"]) == 2
    assert "did you mean ring:4?" in capsys.readouterr().err


@pytest.fixture
def topos():
    """What mn finds in the file: it runs the text with an empty namespace, without ``__file__``."""
    path = HOME / "topologies" / "mn.py"
    names = {}
    exec(compile(path.read_text(), str(path), "exec"), names, names)
    return names["topos"]


@pytest.mark.parametrize(
    ("name", "words", "spec"),
    [
        ("fattree", (4,), "fat-tree:4"),
        ("leafspine", (2, 4, 2), "leaf-spine:2x4x2"),
        ("campus", (), "campus"),
        ("random", (20, 0.2), "random:20x0.2"),
        ("flowpath", ("torus:3x3",), "torus:3x3"),
    ],
)
def test_mininet_s_own_tool_gets_our_networks(topos, name, words, spec):
    topo = topos[name](*words)
    assert sorted(topo.nodes()) == sorted(build_graph(spec))


def test_mininet_s_own_tool_is_told_in_one_line_what_is_wrong(topos):
    with pytest.raises(SystemExit, match=r"flowpath: topology 'fat-tree:5'.*try fat-tree:6"):
        topos["fattree"](5)
    with pytest.raises(SystemExit, match=r"asks for delay.*wan:abilene@ideal"):
        topos["wan"]("abilene")


def test_mininet_s_own_families_are_left_alone(topos):
    assert not {"minimal", "linear", "reversed", "single", "tree", "torus"} & set(topos)
