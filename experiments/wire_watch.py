"""What goes over the controller's connections, as it goes: probes heard, orders given; for waiting and for timing."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple, Self

from experiments.capture.messages import messages
from experiments.machine import wait

if TYPE_CHECKING:
    from experiments.capture import Message, Recorder

LLDP = "0180c200000e"
ORDERS = frozenset({"FLOW_MOD", "GROUP_MOD"})


class Place(NamedTuple):
    """A port of a switch, as OpenFlow names it."""

    dpid: int
    port: int


def is_probe(message: Message) -> bool:
    """Whether it carries an LLDP frame, to a switch or from one."""
    return message.name in ("PACKET_IN", "PACKET_OUT") and message.fields.get("data", "").startswith(LLDP)


class WireWatch:
    """Follows a recording in a thread of its own, for as long as the ``with`` block lasts.

    ``probes``: when a probe was heard at each port; ``orders``: when the controller changed rules or groups;
    ``port_news``: when a switch told of a port. Seconds since the epoch, in order.
    """

    def __init__(self, recorder: Recorder) -> None:
        self.probes: dict[Place, list[float]] = defaultdict(list)
        self.probes_sent: list[float] = []
        self.orders: list[float] = []
        self.port_news: list[float] = []
        self._recorder = recorder
        self._thread = threading.Thread(target=self._follow, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._recorder.stop()
        self._thread.join()

    def _follow(self) -> None:
        for message in messages(self._recorder.follow(), self._recorder.port, live=True):
            self._note(message)

    def _note(self, message: Message) -> None:
        if message.name in ORDERS:
            self.orders.append(message.time)
        elif message.name == "PORT_STATUS":
            self.port_news.append(message.time)
        elif is_probe(message):
            if message.name == "PACKET_OUT":
                self.probes_sent.append(message.time)
            elif message.dpid is not None:
                self.probes[Place(message.dpid, message.fields["match"]["in_port"])].append(message.time)

    def wait_heard(self, places: list[Place], since: float, timeout: float) -> bool:
        """Wait until probes have been heard at all of these ports after ``since``."""
        return wait.until(lambda: all(self.heard(place, since) for place in places), timeout)

    def heard(self, place: Place, since: float) -> bool:
        """Whether a probe was heard there after ``since``."""
        return bool(self.probes[place]) and self.probes[place][-1] > since

    def wait_calm(self, calm: float, timeout: float) -> bool:
        """Wait until no order has been given for ``calm`` seconds from now on."""
        now = time.time()
        return wait.until(lambda: time.time() - max([now, *self.orders[-1:]]) >= calm, timeout)
