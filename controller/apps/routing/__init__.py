"""Routing: the network as one, right on any graph.

Three modes. *reactive*: the first packet of a flow asks, and its whole way is ordered. *proactive*: every switch has a
rule for every known host. *fast-failover*: proactive, and the switches themselves go around a cable that fails.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Self

from controller.apps import App
from controller.config import Config
from controller.model import (
    Apply,
    Decision,
    Event,
    FlowRemoved,
    Host,
    HostGone,
    HostMoved,
    HostSeen,
    Install,
    LinkDown,
    LinkUp,
    Location,
    Order,
    Output,
    Packet,
    PortChanged,
    PortGone,
    RoutesChanged,
    Rule,
    RulesFound,
    SwitchDown,
    SwitchSettled,
    SwitchUp,
    TreeChanged,
    dpid_text,
    mac_text,
)
from controller.services.network import Network
from controller.services.searches import AskingSettings
from controller.southbound.frames import Granularity, parse

from .asking import Asking, question
from .broadcast import Broadcast
from .pipeline import DESTINATION, PASS_ON, base, from_switch, known_source, remove
from .proactive import Proactive
from .reactive import Move, Reactive, without_port

_ASKER = AskingSettings().asker
_EXPIRED = (0, 1)


class Routing(App):
    """Decides ways through the network; ``mode`` is one of these, ``granularity`` what a flow is when reactive."""

    name = "routing"

    def __init__(
        self, mode: str = "reactive", granularity: Granularity = Granularity.MAC, idle_timeout: int = 60
    ) -> None:
        self.asking = Asking()
        self.reactive = Reactive(granularity, idle_timeout) if mode == "reactive" else None
        self.proactive = Proactive(protected=mode == "fast-failover") if mode != "reactive" else None
        self.broadcast = Broadcast(unknown=self.proactive is not None)
        # Hosts that were seen while the packet is decided about by which they were.
        self.fresh: set[bytes] = set()
        # Flows of an earlier controller, until it is known where their ports lead.
        self.found: dict[int, tuple[Rule, ...]] = {}

    @classmethod
    def create(cls, config: Config) -> Self:
        return cls(config.mode, Granularity(config.granularity), config.idle_timeout)

    # ------------------------------------------------------------ packets

    def packet_in(self, packet: Packet, network: Network, now: float) -> Decision | None:
        headers = parse(packet.frame)
        if len(packet.frame) < 14 or headers.is_link_local:
            return None
        at_edge = network.is_edge(packet.location)
        if at_edge and network.hosts.place(headers.eth_src) not in (None, packet.location):
            return Decision(f"{mac_text(headers.eth_src)} is held elsewhere, and not believed to be here: drop")
        if not at_edge and packet.in_port not in network.topology.link_ports(packet.dpid):
            return Decision("it is not known yet what is behind this port: drop")
        asked = question(headers) if at_edge else None
        answer = self.asking.decide(asked, packet, headers, network, now) if asked else None
        if self.reactive is None:
            return self._introduce(headers.eth_src, answer, network)
        if answer is not None:
            return answer
        if headers.is_multicast:
            ports = [port for port in network.flood_ports(packet.dpid) if port != packet.in_port]
            return Decision(f"{mac_text(headers.eth_dst)} means many: along the tree", (), _outputs(ports))
        place = network.hosts.place(headers.eth_dst)
        if place is None:
            why = f"nobody knows yet where {mac_text(headers.eth_dst)} is"
            return self.asking.carry(packet, network, now, why)
        return self.reactive.decide(packet, headers, place, network)

    def _introduce(self, mac: bytes, answer: Decision | None, network: Network) -> Decision:
        """The packet of a host goes on when every switch knows the way back to it, so that all can answer."""
        assert self.proactive is not None
        host = network.hosts.by_mac(mac)
        if host is None:
            return Decision(f"{mac_text(mac)} is no host that can be known here: drop")
        if answer is not None and mac not in self.fresh:
            return answer
        self.fresh.discard(mac)
        ways = tuple(self.proactive.ways(host, network))
        known = known_source(*host.location, mac)
        if answer is not None:
            return Decision(answer.reason, ways, answer.release, then=(known, *answer.orders))
        reason = f"{mac_text(mac)} is behind {host.location}: every switch learns that, then its packet goes on"
        return Decision(reason, ways, PASS_ON, then=(known,))

    # ------------------------------------------------------------ events

    def event(self, event: Event, network: Network, now: float) -> Decision | None:
        match event:
            case SwitchUp(dpid):
                return self._switch_up(dpid, network)
            case SwitchDown(dpid):
                self.broadcast.forget(dpid)
                if self.proactive is not None:
                    self.proactive.switch_gone(dpid)
            case LinkUp(link):
                return Decision("what comes by a link has been asked about", (from_switch(*link.source),))
            case LinkDown(link):
                return self._lead_around(link.source, network)
            case PortChanged(dpid, port) if not port.up:
                return self._port_lost(Location(dpid, port.number), network)
            case PortGone(dpid, port):
                return self._port_lost(Location(dpid, port.number), network)
            case TreeChanged(dpids):
                return self.broadcast.change(sorted(dpids), network)
            case RoutesChanged(touched) if self.proactive is not None:
                orders = self.proactive.routes_changed({key: set(value) for key, value in touched.items()}, network)
                return _decision("the shortest ways changed", orders)
            case RoutesChanged(touched):
                assert self.reactive is not None
                return _two_stages("flows take the shortest ways again", self.reactive.shorten(touched, network))
            case HostSeen(host) if self.proactive is not None:
                self.fresh.add(host.mac)
                ways = tuple(self.proactive.host(host, network))
                known = known_source(*host.location, host.mac)
                return Decision(f"{mac_text(host.mac)} is behind {host.location}", ways, then=(known,))
            case HostMoved(host, left):
                return self._moved(host, left, network)
            case HostGone(host):
                return self._gone(host, network)
            case RulesFound(dpid, flows):
                self.found[dpid] = flows
            case SwitchSettled(dpid):
                stale = (rule for rule in self.found.pop(dpid, ()) if not self._is_good(dpid, rule, network))
                return _decision(
                    "flows that lead nowhere are taken back", [remove(Install(dpid, rule)) for rule in stale]
                )
            case FlowRemoved(dpid, rule, reason) if reason in _EXPIRED and self.reactive and rule.table == DESTINATION:
                self.reactive.flows.remove(dpid, without_port(rule.match))
        return None

    def _is_good(self, dpid: int, rule: Rule, network: Network) -> bool:
        """Whether a flow that was found on a switch, from before this controller's time, leads where it should."""
        if self.reactive is None:
            return False
        target = rule.match.get("eth_dst")
        place = network.hosts.place(target) if isinstance(target, bytes) else None
        good = {link.source.port for link, _ in network.paths.links_from(dpid)}
        if place is None:
            good.update(network.topology.edge_ports(dpid))  # Its switch may be known a moment later.
        elif place.dpid == dpid:
            good = {place.port}
        outputs = [action for step in rule.instructions if isinstance(step, Apply) for action in step.actions]
        return all(isinstance(output, Output) and output.port in good for output in outputs)

    def _switch_up(self, dpid: int, network: Network) -> Decision:
        orders = list(base(dpid, _ASKER, learn=self.proactive is not None))
        orders += [from_switch(dpid, port) for port in network.topology.link_ports(dpid)]
        orders += self.broadcast.begin(dpid, network)
        if self.proactive is not None:
            orders += self.proactive.switch(dpid, network)
        return Decision(f"switch {dpid_text(dpid)} gets its tables", tuple(orders))

    def _port_lost(self, place: Location, network: Network) -> Decision | None:
        if network.switch(place.dpid) is None:
            return None
        around = self._lead_around(place, network)
        orders = (remove(from_switch(*place)), *(around.orders if around else ()))
        return Decision(f"{place} is down", orders, then=around.then if around else ())

    def _lead_around(self, place: Location, network: Network) -> Decision | None:
        if self.reactive is None:
            return None
        return _two_stages(f"flows are led around {place}", self.reactive.lead_around(place, network))

    def _moved(self, host: Host, left: Location, network: Network) -> Decision | None:
        text = f"{mac_text(host.mac)} moved from {left} to {host.location}"
        if self.reactive is not None:
            dpids = [switch.dpid for switch in network.switches()]
            return _decision(text, self.reactive.forget_host(host.mac, dpids))
        assert self.proactive is not None
        self.fresh.add(host.mac)
        ways = tuple(self.proactive.moved(host, left, network))
        return Decision(text, ways, then=(known_source(*host.location, host.mac),))

    def _gone(self, host: Host, network: Network) -> Decision | None:
        text = f"{mac_text(host.mac)} left {host.location}"
        if self.reactive is not None:
            dpids = [switch.dpid for switch in network.switches()]
            return _decision(text, self.reactive.forget_host(host.mac, dpids))
        assert self.proactive is not None
        self.fresh.discard(host.mac)
        return _decision(text, self.proactive.gone(host, network))


def _outputs(ports: Iterable[int]) -> tuple[Output, ...]:
    return tuple(Output(port) for port in ports)


def _two_stages(reason: str, moves: Iterable[Move]) -> Decision | None:
    first: list[Order] = []
    then: list[Order] = []
    for orders, afterwards in moves:
        first += orders
        then += afterwards
    return Decision(reason, tuple(first), then=tuple(then)) if first or then else None


def _decision(reason: str, orders: Iterable[Order]) -> Decision | None:
    found = tuple(orders)
    return Decision(reason, found) if found else None
