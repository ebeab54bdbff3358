"""Live tests build real networks. They need root and Open vSwitch, and leave the machine as it was."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from experiments.machine.session import Session
from tests.live import machine

PATIENCE = 300.0
"""Seconds to wait for somebody else's run to end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark everything in this directory, and skip it where it cannot run."""
    missing = [tool for tool in ("ovs-vswitchd", "mnexec", "ip", "ethtool") if shutil.which(tool) is None]
    reason = "needs root" if os.geteuid() else f"not installed: {', '.join(missing)}" if missing else ""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("live")
            if reason:
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(autouse=True)
def _as_it_was(request: pytest.FixtureRequest) -> Iterator[None]:
    """Whatever a test does, the machine is the same before and after."""
    if "network" in request.fixturenames:  # shared by a module, which compares for itself
        yield
        return
    before = machine.state()
    yield
    assert machine.eventually(machine.state, before) == before


@pytest.fixture
def session() -> Iterator[Session]:
    """The machine, for one test."""
    with Session("live tests", wait=PATIENCE) as session:
        yield session
