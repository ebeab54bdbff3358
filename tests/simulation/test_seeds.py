"""A seed and the same calls are the same history, in any process."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys

import pytest

from tests.simulation.world import World
from topologies import build_graph


def digest(mode: str, seed: int) -> str:
    """All that the switches say while a link fails, in its order."""
    world = World(build_graph("ring:5"), mode, seed)
    said = hashlib.sha256()
    controller = world.network.controller
    assert controller is not None
    heard = controller.heard

    def overhear(dpid: int, message: bytes) -> None:
        said.update(f"{world.network.now:.9f} {dpid} ".encode() + message)
        heard(dpid, message)

    controller.heard = overhear  # type: ignore[method-assign]
    world.check()
    world.network.set_link(world.network.links()[0], False)
    world.check()
    return said.hexdigest()


@pytest.mark.parametrize("mode", ["reactive", "fast-failover"])
def test_a_seed_is_one_history(mode: str) -> None:
    command = [sys.executable, "-c", f"from tests.simulation.test_seeds import digest; print(digest({mode!r}, 3))"]
    found = {
        subprocess.run(
            command, env={**os.environ, "PYTHONHASHSEED": hash_seed}, capture_output=True, text=True, check=True
        ).stdout
        for hash_seed in ("1", "2")
    }
    assert len(found) == 1
    assert digest(mode, 3) != digest(mode, 4)
