"""Everybody reaches everybody, by the shortest way, and a broadcast comes once: on a network with a loop."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from experiments.cli import main
from experiments.errors import Exit
from tests.live.conftest import PATIENCE


@pytest.mark.parametrize(
    "options",
    [
        ["--mode", "reactive"],
        ["--mode", "proactive"],
        ["--mode", "fast-failover"],
        ["--app", "learning_switch"],
    ],
    ids=" ".join,
)
def test_on_a_ring(options: list[str], tmp_path: Path) -> None:
    arguments = ["--topology", "ring:4", "--out", str(tmp_path), "--wait", str(PATIENCE)]
    code = main(["run", "reachability", *arguments, *options])
    result = json.loads((tmp_path / "reachability" / "latest" / "result.json").read_text())
    assert [claim["text"] for claim in result["summary"]["claims"] if not claim["holds"]] == []
    assert code == Exit.FINE
    assert len(result["pairs"]) == 12
    assert {copies for each in result["broadcast_copies"] for copies in each["copies"]} == {1}
    assert "<svg" not in (report := (tmp_path / "reachability" / "latest" / "report.html").read_text())
    assert "exactly once" in report
