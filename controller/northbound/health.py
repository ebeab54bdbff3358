"""What the controller says of itself over REST: questions in their parts of the URL, answers as JSON values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, NamedTuple

from controller.model import Packet, Port, dpid_text, mac_text
from controller.network_os import Decided, NetworkOS
from controller.services.inventory import Switch

Json = dict[str, Any]

LONGEST_WAIT = 600.0
"""Seconds that a question about health may wait for its answer."""


class BadQuery(Exception):
    """A question that makes no sense; the text says why."""


class Wanted(NamedTuple):
    """How many switches must be ready for the answer, and how many seconds it may be waited for."""

    switches: int
    timeout: float


def wanted(query: Mapping[str, str]) -> Wanted:
    """The question of ``/health?switches=N&timeout=S``. Raises BadQuery."""
    _only(query, "switches", "timeout")
    timeout = _number(query, "timeout", 0.0, LONGEST_WAIT)
    return Wanted(int(_number(query, "switches", 0, 1_000_000, whole=True)), timeout)


def last(query: Mapping[str, str]) -> int:
    """The question of ``/decisions?last=N``. Raises BadQuery."""
    _only(query, "last")
    return int(_number(query, "last", 100, 1_000_000, whole=True))


def health(network_os: NetworkOS, version: str, switches: int = 0) -> Json:
    """Whether at least ``switches`` switches are ready for traffic, and which those are.

    They have their first rules, and it is known what each of their ports leads to.
    """
    ready = [switch.dpid for switch in network_os.network.switches() if switch.settled]
    return {
        "status": "ready" if len(ready) >= switches else "waiting",
        "switches": [dpid_text(dpid) for dpid in ready],
        "version": version,
        "apps": [app.name for app in network_os.apps],
    }


def switches(network_os: NetworkOS) -> Json:
    """The inventory."""
    return {"switches": [_switch(switch) for switch in network_os.network.switches()]}


def decisions(recent: Iterable[Decided]) -> Json:
    """Decisions with their reasons, the oldest first."""
    return {"decisions": [_decision(decided) for decided in recent]}


@dataclass(frozen=True, slots=True)
class Problem:
    """An error as RFC 9457 has it (``application/problem+json``)."""

    status: HTTPStatus
    detail: str

    def to_json(self) -> Json:
        """Its members; without a ``type`` the title is the status's own phrase."""
        return {"title": self.status.phrase, "status": self.status.value, "detail": self.detail}


def _switch(switch: Switch) -> Json:
    return {
        "dpid": dpid_text(switch.dpid),
        "address": "{}:{}".format(*switch.address),
        "since": switch.since,
        "ready": switch.ready,
        "tables": switch.n_tables,
        "buffers": switch.n_buffers,
        "capabilities": switch.capabilities,
        "ports": [_port(switch.ports[number]) for number in sorted(switch.ports)],
    }


def _port(port: Port) -> Json:
    return {
        "number": port.number,
        "name": port.name,
        "mac": mac_text(port.mac),
        "up": port.up,
        "speed": port.curr_speed,
        "max_speed": port.max_speed,
    }


def _decision(decided: Decided) -> Json:
    about = decided.about
    return {
        "number": decided.number,
        "time": decided.time,
        "app": decided.app,
        "reason": decided.decision.reason,
        "switches": sorted({dpid_text(order.dpid) for order in decided.decision.orders}),
        "orders": len(decided.decision.orders),
        "event": type(about).__name__ if about and not isinstance(about, Packet) else None,
        "packet": _packet(about) if isinstance(about, Packet) else None,
    }


def _packet(packet: Packet) -> Json:
    return {
        "dpid": dpid_text(packet.dpid),
        "in_port": packet.in_port,
        "eth_src": mac_text(packet.eth_src),
        "eth_dst": mac_text(packet.eth_dst),
        "eth_type": int.from_bytes(packet.frame[12:14], "big"),
        "length": packet.total_len,
    }


def _only(query: Mapping[str, str], *known: str) -> None:
    for name in query:
        if name not in known:
            raise BadQuery(f"there is no parameter {name!r}; there are {', '.join(known)}")


def _number(query: Mapping[str, str], name: str, default: float, most: float, *, whole: bool = False) -> float:
    text = query.get(name)
    if text is None:
        return default
    try:
        number = int(text) if whole else float(text)
    except ValueError:
        raise BadQuery(f"{name}={text}: not a {'whole ' if whole else ''}number") from None
    if not 0 <= number <= most:
        raise BadQuery(f"{name}={text}: not between 0 and {most:g}")
    return number
