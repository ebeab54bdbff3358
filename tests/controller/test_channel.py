"""A connection whose switch is slow: nothing else waits, memory is bounded, packets go before orders do."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import cast

import eventlet
import pytest
from eventlet.green import socket

from controller.model import Install, Match, Output, Rule, Send
from controller.southbound import channel, openflow
from controller.southbound.channel import Channel
from controller.southbound.switchboard import Controller, Switchboard

PACKET = openflow.encode(Send(1, (Output(1),), b"x" * 1400), 1)
ORDER = openflow.encode(Install(1, Rule(Match(in_port=1))), 2)


class Silent:
    """A controller with nothing to say; it hears who leaves."""

    def __init__(self) -> None:
        self.left: list[int] = []

    def switch_down(self, dpid: int, now: float) -> list[tuple[int, bytes]]:
        self.left.append(dpid)
        return []


class Connected:
    """A channel, and the switch's end of it."""

    def __init__(self) -> None:
        near, self.far = socket.socketpair()
        self.controller = Silent()
        self.board = Switchboard(cast(Controller, self.controller), lambda: 0.0)
        self.channel = Channel(SimpleNamespace(socket=near, address=("10.0.0.1", 7), id=1, state="main"), self.board)
        self.board.channels[1] = self.channel
        self.writer = eventlet.spawn(self.channel.write_late)

    def fill(self, data: bytes, size: int) -> int:
        """Have at least ``size`` bytes put, and return how many of ``data`` those are."""
        count = size // len(data) + 1
        for _ in range(count):
            self.board.deliver([(1, data)])
        self.board.flush()
        return count

    def read(self, size: int) -> bytes:
        got = b""
        with eventlet.Timeout(10):
            while len(got) < size:
                got += self.far.recv(1 << 20)
        return got


@pytest.fixture
def connected() -> Iterator[Connected]:
    connected = Connected()
    yield connected
    connected.channel.close()
    connected.writer.wait()


def test_everything_arrives_in_order_however_slowly_it_is_read(connected: Connected) -> None:
    messages = [openflow.barrier_request(xid) for xid in range(60_000)]
    for start in range(0, len(messages), 1000):
        connected.board.tell([(1, message) for message in messages[start : start + 1000]])
    assert connected.read(8 * len(messages)) == b"".join(messages)


def test_one_turn_is_one_write(connected: Connected, monkeypatch: pytest.MonkeyPatch) -> None:
    writes: list[bytes] = []

    def send(data: bytes) -> int:
        writes.append(data)
        return len(data)

    monkeypatch.setattr(connected.channel, "_raw", SimpleNamespace(send=send))
    connected.board.deliver([(1, ORDER), (2, ORDER), (1, PACKET)])
    connected.board.deliver([(1, PACKET)])
    connected.board.flush()
    connected.board.flush()
    assert writes == [ORDER + PACKET + PACKET]


def test_packets_are_shed_before_orders(connected: Connected) -> None:
    packets = connected.fill(PACKET, channel.HIGH)
    both = connected.fill(ORDER + PACKET, channel.HIGH)
    shed = connected.board.shed[1]
    assert shed > both / 2
    received = list(openflow.Framer().feed(connected.read((packets + both - shed) * len(PACKET) + both * len(ORDER))))
    assert received.count(ORDER) == both
    assert received.count(PACKET) == packets + both - shed


def test_switch_that_takes_nothing_at_all_is_given_up(connected: Connected) -> None:
    connected.fill(ORDER * 1000, channel.LIMIT + 2 * len(ORDER) * 1000)
    connected.fill(ORDER, 1)
    assert connected.controller.left == [1]
    assert 1 not in connected.board.channels
    with eventlet.Timeout(10):
        while connected.far.recv(1 << 20):
            pass


def test_switch_that_takes_nothing_for_long_is_given_up(connected: Connected, monkeypatch: pytest.MonkeyPatch) -> None:
    from ryu.controller.controller import CONF

    monkeypatch.setattr(CONF, "socket_timeout", 0.05, raising=False)
    connected.fill(ORDER, channel.HIGH)
    with eventlet.Timeout(10):
        connected.writer.wait()
    assert connected.controller.left == [1]


def test_parting_words_arrive(connected: Connected) -> None:
    connected.fill(PACKET, channel.HIGH)
    connected.channel.put(ORDER)
    connected.channel.part()
    assert connected.controller.left == [1]
    received = b""
    with eventlet.Timeout(10):
        while chunk := connected.far.recv(1 << 20):
            received += chunk
    assert received.endswith(ORDER)


def test_installing_again_changes_nothing() -> None:
    from ryu.controller.controller import Datapath

    channel.install()
    methods = dict(vars(Datapath))
    channel.install()
    assert dict(vars(Datapath)) == methods
