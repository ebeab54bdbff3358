"""Messages to a simulated switch, in words; made by the controller's own codec, which reads the specification apart."""

from __future__ import annotations

from controller.model import Order, Port
from controller.southbound import openflow
from topologies.simulator import Effects, Switch
from topologies.simulator.ports import Port as SimulatedPort

PING = bytes.fromhex("000000000002000000000001") + b"\x88\xb5" + bytes(46)


def a_switch(ports: int = 4, **options: int) -> tuple[Switch, int]:
    """A switch with these ports, and the number of the connection to it."""
    switch = Switch(
        7, [SimulatedPort(n, f"s7-eth{n}", bytes((2, 0, 0, 0, 7, n))) for n in range(1, ports + 1)], **options
    )
    return switch, switch.connect()[0]


def order(switch: Switch, connection: int, *orders: Order, now: float = 0.0, xid: int = 5) -> list[openflow.Message]:
    """Have orders carried out; what the switch answers, as the controller reads it."""
    said: list[openflow.Message] = []
    for one in orders:
        said += read(switch, switch.receive(connection, openflow.encode(one, xid), now))
    return said


def ask(switch: Switch, connection: int, message: bytes, now: float = 0.0) -> list[openflow.Message]:
    """Have the switch answer a message."""
    return read(switch, switch.receive(connection, message, now))


def read(switch: Switch, effects: Effects) -> list[openflow.Message]:
    """What a switch says, as the controller reads it."""
    said = [openflow.decode(switch.dpid, message) for _, message in effects.messages]
    return [message for message in said if message is not None]


__all__ = ["PING", "Port", "a_switch", "ask", "order", "read"]
