"""A cable fails under traffic: switches or controller lead around it, and what it cost is written down."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from experiments.cli import main
from experiments.link_failure import PATIENCE as OVERCOME
from tests.live.conftest import PATIENCE


@pytest.mark.parametrize("mode", ["fast-failover", "reactive"])
def test_every_failure_is_overcome(mode: str, tmp_path: Path) -> None:
    arguments = ["--topology", "ring:4", "--repeat", "1", "--mode", mode, "--rate", "500"]
    main(["run", "link-failure", *arguments, "--out", str(tmp_path), "--wait", str(PATIENCE)])
    directory = tmp_path / "link-failure" / "latest"
    result = json.loads((directory / "result.json").read_text())
    announced, silent = result["repetitions"]
    assert (announced["kind"], silent["kind"]) == ("announced", "silent")
    # What the switches say at once costs less than what probes must find out, and than a loss that never ends.
    assert 0 <= announced["ours"]["lost"] <= silent["ours"]["lost"] < 500 * OVERCOME
    assert silent["ours"]["lost"] > 0
    assert announced["told"] is not None
    assert silent["told"] is None
    assert announced["by_hand"]["lost"] is not None
    assert silent["by_hand"]["lost"] is None
    assert "<svg" in (directory / "report.html").read_text()
    assert (directory / f"{mode}.pcap").stat().st_size > 0
