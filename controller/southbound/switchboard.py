"""All connections of the controller: who is where, who has something to be written, what was malformed."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from typing import Protocol

from controller.model import SwitchUp, dpid_text

log = logging.getLogger("controller.switchboard")

Outgoing = list[tuple[int, bytes]]


class Controller(Protocol):
    """Whom the channels serve. Each call returns messages and the switches that they are for, in order."""

    def switch_up(self, switch: SwitchUp, now: float) -> Outgoing:
        """The handshake is complete."""

    def packet_in(self, dpid: int, message: bytes, now: float) -> Outgoing:
        """A PACKET_IN. Raises Malformed."""

    def message(self, dpid: int, message: bytes, now: float) -> Outgoing:
        """Any other message. Raises Malformed."""

    def switch_down(self, dpid: int, now: float) -> Outgoing:
        """The connection is gone."""


class Connection(Protocol):
    """One switch's connection, as its board needs it."""

    @property
    def where(self) -> str:
        """The address of the other end."""

    def put(self, data: bytes) -> None:
        """Have ``data`` written by the next `flush`."""

    def flush(self) -> None:
        """Write what was put, with one system call, and without waiting."""

    def close(self) -> None:
        """Disconnect at once."""


class Switchboard:
    """All connections: which switch is where, who has something to be written, what was malformed."""

    def __init__(self, controller: Controller, clock: Callable[[], float]) -> None:
        self.controller = controller
        self.clock = clock
        self.channels: dict[int, Connection] = {}
        self.malformed: Counter[tuple[str, str]] = Counter()
        """How many malformed messages there were from each switch (or host), by message type and fault."""
        self.shed: Counter[int] = Counter()
        """How many messages a switch that does not read has lost."""
        self.busy = 0.0
        """Seconds that went into what switches said, since `load` was asked."""
        self._loaded_at = clock()
        self._dirty: dict[Connection, None] = {}

    def deliver(self, outgoing: Outgoing) -> None:
        """Put messages into their switches' channels, to be written by the next `flush`."""
        for dpid, data in outgoing:
            channel = self.channels.get(dpid)
            if channel is not None:
                channel.put(data)
                self._dirty[channel] = None

    def flush(self) -> None:
        """Write what has been delivered, one system call per switch."""
        dirty, self._dirty = self._dirty, {}
        for channel in dirty:
            channel.flush()

    def tell(self, outgoing: Outgoing) -> None:
        """Deliver and write."""
        self.deliver(outgoing)
        self.flush()

    def up(self, channel: Connection, switch: SwitchUp) -> None:
        """A handshake is complete. Of two connections with one dpid, the newer wins."""
        older = self.channels.get(switch.dpid)
        self.channels[switch.dpid] = channel
        if older is not None:
            log.warning(
                "switch %s connected again, from %s: its connection from %s is closed",
                dpid_text(switch.dpid), channel.where, older.where,
            )  # fmt: skip
            older.close()
        self.tell(self.controller.switch_up(switch, self.clock()))

    def down(self, channel: Connection, dpid: int | None) -> None:
        """A connection has ended; the switch is gone with it unless a newer one has taken its place."""
        self._dirty.pop(channel, None)
        if dpid is not None and self.channels.get(dpid) is channel:
            del self.channels[dpid]
            self.tell(self.controller.switch_down(dpid, self.clock()))

    def load(self) -> float:
        """The share of the time since this was asked before that went into what switches said, 0 .. 1."""
        now = self.clock()
        elapsed, self._loaded_at = now - self._loaded_at, now
        share = self.busy / elapsed if elapsed > 0 else 0.0
        self.busy = 0.0
        return min(share, 1.0)

    def close(self) -> None:
        """End all connections, after what is ready to be written."""
        self.flush()
        for channel in list(self.channels.values()):
            channel.close()
