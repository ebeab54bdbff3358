"""What the log says of events: one line for what a person would want to know, none for what happens all the time."""

from __future__ import annotations

import logging
from collections import Counter

from controller.model import (
    Alarm,
    Event,
    LinkDown,
    LinkUp,
    Location,
    PortChanged,
    PortGone,
    SwitchDown,
    SwitchError,
    SwitchReady,
    SwitchUp,
    dpid_text,
)
from controller.services.network import Network

log = logging.getLogger("controller.network_os")


class EventLog:
    """Writes the lines; how often each error came is kept, since an error seldom comes alone."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._refused: Counter[tuple[int, int, int]] = Counter()

    def tell(self, event: Event, latest: int) -> None:
        """Write the line of an event, if it is worth one, before the services take it in; ``latest`` is the number of
        the latest decision."""
        match event:
            case SwitchUp(dpid, ports, address):
                again = "again " if dpid in self._network.inventory else ""
                log.info("switch %s connected %sfrom %s:%d, %d ports", dpid_text(dpid), again, *address[:2], len(ports))
            case SwitchReady(dpid):
                log.info("switch %s is ready", dpid_text(dpid))
            case SwitchDown(dpid):
                log.info("switch %s left", dpid_text(dpid))
            case PortChanged(dpid, port):
                known = self._network.port(Location(dpid, port.number))
                if known is None or known.up != port.up:
                    state = "up" if port.up else "down"
                    log.info("switch %s port %d (%s) is %s", dpid_text(dpid), port.number, port.name, state)
            case PortGone(dpid, port):
                log.info("switch %s port %d (%s) was removed", dpid_text(dpid), port.number, port.name)
            case LinkUp(link) if link.source < link.target:
                log.info("link %s to %s is up", *link)
            case LinkDown(link, reason) if link.source < link.target:
                log.info("link %s to %s is down: %s", *link, reason)
            case SwitchError(dpid, kind, code, xid) if xid <= latest:
                self._refused[dpid, kind, code] += 1
                count = self._refused[dpid, kind, code]
                if count & (count - 1) == 0:  # the 1st, 2nd, 4th, 8th ...
                    text = "switch %s refused what decision %d ordered: error %d/%d, number %d of these"
                    log.warning(text, dpid_text(dpid), xid, kind, code, count)
            case Alarm(kind, location, text):
                log.warning("%s at %s: %s", kind, location, text)
