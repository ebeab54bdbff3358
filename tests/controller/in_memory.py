"""Network operating systems without a network."""

from __future__ import annotations

from collections.abc import Sequence

from controller.apps import App
from controller.model import Port, SwitchUp
from controller.network_os import NetworkOS
from tests.southbound import switch_words

PORTS = tuple(Port(number, f"eth{number}", switch_words.MAC, up=True) for number in range(1, 7))
BARRIER_REPLY = 21


def settled(apps: Sequence[App] = (), switches: int = 1) -> NetworkOS:
    """Switches 1, 2, ... with six ports each, behind which there are no switches."""
    network_os = NetworkOS(apps)
    for dpid in range(1, switches + 1):
        outgoing = network_os.switch_up(SwitchUp(dpid, PORTS), 0.0)
        number = int.from_bytes(outgoing[-1][1][4:8])
        for _ in range(2):
            network_os.message(dpid, switch_words.message(BARRIER_REPLY, xid=number), 0.0)
    network_os.tick(0.5)
    return network_os
