"""The learning switch: who was heard behind which port is sent to there, and nowhere else.

Whom nobody has heard yet is sent to everywhere, along the loop-free tree, so that links may form loops.
"""

from __future__ import annotations

from typing import Self

from controller import model
from controller.apps import ASK, App
from controller.config import Config
from controller.model import Apply, Decision, Event, Install, Match, Order, Output, Packet, Remove, Rule, mac_text
from controller.services.network import Network

LINK_LOCAL = bytes.fromhex("0180c20000")
LLDP = bytes.fromhex("88cc")
EXPIRED = (0, 1)  # OFPRR_IDLE_TIMEOUT, OFPRR_HARD_TIMEOUT


class LearningSwitch(App):
    """Every switch learns for itself. Flows last until nobody has used them for ``idle_timeout`` seconds."""

    name = "learning_switch"

    def __init__(self, idle_timeout: int = 60) -> None:
        self.idle_timeout = idle_timeout
        self.tables: dict[int, dict[bytes, int]] = {}
        self.ports: dict[int, list[int]] = {}
        self.tree: set[tuple[int, int]] = set()

    @classmethod
    def create(cls, config: Config) -> Self:
        return cls(config.idle_timeout)

    def packet_in(self, packet: Packet, network: Network, now: float) -> Decision | None:
        source, target = packet.eth_src, packet.eth_dst
        if len(packet.frame) < 14 or packet.frame[12:14] == LLDP or (target[:5] == LINK_LOCAL and target[5] < 16):
            return None  # Such frames are for the other end of the cable alone.
        ports = self.ports.get(packet.dpid) or self.look_up_ports(packet.dpid, network)
        if packet.in_port not in ports:
            return Decision(f"port {packet.in_port} leads to no host, and is not on the tree: drop")
        table = self.tables.setdefault(packet.dpid, {})
        orders: tuple[Order, ...] = ()
        moved = ""
        if not source[0] & 1:
            before = table.get(source)
            if before is not None and before != packet.in_port:
                orders = self.forget_everywhere(source)
                moved = f"{mac_text(source)} moved from port {before} to port {packet.in_port}; "
            table[source] = packet.in_port
        port = table.get(target)
        if port is None:
            everyone = target[0] & 1
            why = f"{mac_text(target)} means everyone" if everyone else f"nobody knows yet where {mac_text(target)} is"
            flood = tuple(Output(number) for number in ports if number != packet.in_port)
            return Decision(f"{moved}{why}: flood", orders, flood)
        out = (Output(port),) if port != packet.in_port else ()
        match = Match(in_port=packet.in_port, eth_src=source, eth_dst=target)
        rule = Rule(match, (Apply(out),) if out else (), idle_timeout=self.idle_timeout, notify=True)
        where = f"is behind port {port}" if out else f"is on port {port} too and has heard it: drop"
        return Decision(f"{moved}{mac_text(target)} {where}", (*orders, Install(packet.dpid, rule)), out)

    def event(self, event: Event, network: Network, now: float) -> Decision | None:
        match event:
            case model.SwitchUp(dpid):
                self.tables[dpid] = {}
                return Decision("what no rule knows, the switch shall ask about", (Install(dpid, ASK),))
            case model.SwitchDown(dpid):
                self.tables.pop(dpid, None)
            case model.TreeChanged() | model.SwitchSettled():
                return self.follow_tree(network)
            case model.RulesFound(dpid, rules):
                for rule in rules:
                    source, in_port = rule.match.get("eth_src"), rule.match.get("in_port")
                    if isinstance(source, bytes) and isinstance(in_port, int):
                        self.tables[dpid][source] = in_port
            case model.FlowRemoved(dpid, rule, reason) if reason in EXPIRED and model.Cookie.unpack(rule.cookie):
                source, in_port = rule.match.get("eth_src"), rule.match.get("in_port")
                if isinstance(source, bytes) and self.tables.get(dpid, {}).get(source) == in_port:
                    del self.tables[dpid][source]
            case model.PortGone(dpid, port):
                return self.port_lost(dpid, port.number)
            case model.PortChanged(dpid, port) if not port.up:
                return self.port_lost(dpid, port.number)
        return None

    def look_up_ports(self, dpid: int, network: Network) -> list[int]:
        """The ports that may be sent to, until the tree changes."""
        self.ports[dpid] = network.flood_ports(dpid)
        return self.ports[dpid]

    def follow_tree(self, network: Network) -> Decision | None:
        """When the tree leads elsewhere, everybody may be behind another port: forget all."""
        self.ports.clear()
        switches = network.switches()
        if not all(switch.settled for switch in switches):
            return None  # The tree is still growing.
        before, self.tree = (
            self.tree,
            {(each.dpid, port) for each in switches for port in network.tree.ports(each.dpid)},
        )
        if before <= self.tree:
            return None
        self.tables.clear()
        orders = [Remove(each.dpid, Match(in_port=number)) for each in switches for number in each.ports]
        return Decision("the tree leads elsewhere: everybody is forgotten", tuple(orders))

    def forget_everywhere(self, mac: bytes) -> tuple[Order, ...]:
        """Forget a host that moved, and have no switch send to where it was."""
        knew = [dpid for dpid, table in self.tables.items() if table.pop(mac, None) is not None]
        return tuple(Remove(dpid, Match(eth_dst=mac)) for dpid in knew)

    def port_lost(self, dpid: int, number: int) -> Decision | None:
        """Forget who was behind a port, and have the switch forget it too."""
        table = self.tables.get(dpid, {})
        gone = [mac for mac, port in table.items() if port == number]
        for mac in gone:
            del table[mac]
        if not gone:
            return None
        return Decision(f"port {number} is down: {len(gone)} forgotten", (Remove(dpid, out_port=number),))
