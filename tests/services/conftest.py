"""Three switches and the hosts that are learned on them."""

from __future__ import annotations

import pytest

from controller.model import SwitchUp
from controller.services.hosts import Hosts

from .host_frames import Ports, port


@pytest.fixture
def ports() -> Ports:
    return Ports({1: [1, 2], 2: [1], 3: [1]})


@pytest.fixture
def hosts(ports: Ports) -> Hosts:
    hosts = Hosts(ports)
    for dpid in (1, 2, 3):
        hosts.apply(SwitchUp(dpid, tuple(port(number) for number in (1, 2))), 0.0)
    return hosts
