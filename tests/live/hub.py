"""A network application that never remembers: every packet goes everywhere, and the next one asks again."""

from __future__ import annotations

from controller.apps.learning_switch import LearningSwitch
from controller.model import Decision, Output, Packet, PortNo
from controller.services.network import Network


class Hub(LearningSwitch):
    """Asks to be asked, as the learning switch does, and floods."""

    name = "hub"

    def packet_in(self, packet: Packet, network: Network, now: float) -> Decision | None:
        return Decision("everybody gets everything", release=(Output(PortNo.FLOOD),))
