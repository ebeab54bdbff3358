"""The network operating system in memory: bytes of switches in, bytes for switches out."""

from __future__ import annotations

import logging

import pytest

from controller.apps import App
from controller.apps.learning_switch import LearningSwitch
from controller.model import (
    Alarm,
    Decision,
    Event,
    Install,
    Match,
    Output,
    Packet,
    Port,
    PortChanged,
    Rule,
    SwitchDown,
    SwitchError,
    SwitchReady,
    SwitchUp,
)
from controller.network_os import NetworkOS
from controller.services.network import Network
from controller.services.rules import Outgoing
from controller.southbound.openflow import Malformed
from tests.southbound import switch_words

from .fake_switch import FLOW_MOD, PACKET_OUT, frame, read
from .in_memory import settled

A, B = "02:00:00:00:00:0a", "02:00:00:00:00:0b"
PORTS = (Port(5, "s1-eth5", switch_words.MAC, up=True),)


class Scripted(App):
    """Answers as it is told."""

    def __init__(self, name: str, answer: Decision | Exception | None = None) -> None:
        self.name = name
        self.answer = answer
        self.packets: list[Packet] = []
        self.events: list[Event] = []

    def packet_in(self, packet: Packet, network: Network, now: float) -> Decision | None:
        self.packets.append(packet)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def event(self, event: Event, network: Network, now: float) -> Decision | None:
        self.events.append(event)
        if isinstance(self.answer, Exception):
            raise self.answer
        return None


def question(in_port: int = 3, source: str = A, target: str = B) -> bytes:
    return switch_words.packet_in(Match(in_port=in_port), frame(source, target))


def kinds(outgoing: Outgoing) -> list[tuple[int, int]]:
    return [(dpid, message[1]) for dpid, message in outgoing]


READ = [(1, 18)] * 3 + [(1, 20)]


def test_switch_comes_up_is_read_gets_what_is_different_and_is_ready_when_its_barrier_is_answered() -> None:
    network_os = NetworkOS([LearningSwitch()])
    seen: list[Event] = []
    network_os.listen(lambda event, now: seen.append(event))
    outgoing = network_os.switch_up(SwitchUp(1, PORTS), 1.0)
    assert kinds(outgoing) == READ

    barrier = read(outgoing[-1][1]).xid
    outgoing = network_os.message(1, switch_words.message(21, xid=barrier), 2.0)
    # A switch that tells nothing of itself is emptied.
    assert kinds(outgoing) == [(1, 14), (1, 15), (1, 14), (1, 20)]
    assert read(outgoing[0][1]).command == 3
    assert read(outgoing[2][1]).priority == 0
    network_os.message(1, switch_words.message(21, xid=barrier + 50), 2.0)  # another application's barrier
    assert [type(event) for event in seen] == [SwitchUp]
    network_os.message(1, switch_words.message(21, xid=barrier), 3.0)
    network_os.message(1, switch_words.message(21, xid=barrier), 4.0)
    assert seen.count(SwitchReady(1)) == 1
    assert [switch.ready for switch in network_os.inventory] == [True]


def test_first_decision_counts_and_is_numbered_and_remembered() -> None:
    silent, first, second = Scripted("silent"), Scripted("first", Decision("so", (), (Output(7),))), Scripted("second")
    network_os = NetworkOS([silent, first, second], remembered=3)
    for index in range(5):
        ((dpid, message),) = network_os.packet_in(9, question(), 10.0 + index)
    assert (dpid, read(message).actions[0].port, read(message).xid) == (9, 7, 5)
    assert (len(silent.packets), len(first.packets), len(second.packets)) == (5, 5, 0)
    remembered = network_os.recent(100)
    assert [(decided.number, decided.app, decided.time) for decided in remembered] == [
        (3, "first", 12.0),
        (4, "first", 13.0),
        (5, "first", 14.0),
    ]
    assert [decided.number for decided in network_os.recent(1)] == [5]
    assert network_os.recent(0) == []


def test_nobody_decides_and_nothing_is_ordered_unless_the_switch_keeps_the_packet() -> None:
    network_os = NetworkOS([Scripted("silent")])
    assert network_os.packet_in(1, question(), 0.0) == []
    kept = bytearray(question())
    kept[8:12] = (42).to_bytes(4, "big")
    ((_, message),) = network_os.packet_in(1, bytes(kept), 0.0)
    assert (read(message).buffer_id, read(message).actions) == (42, [])


WRONG = Decision("wrong", (Install(1, Rule(Match(eth_dst=b"short"))),), (Output(1),))


@pytest.mark.parametrize("answer", [ZeroDivisionError("oops"), WRONG])
def test_failing_application_is_named_counted_and_passed_over(
    answer: Decision | Exception, caplog: pytest.LogCaptureFixture
) -> None:
    failing, next_one = Scripted("broken", answer), Scripted("fine", Decision("so", (), (Output(7),)))
    network_os = NetworkOS([failing, next_one])
    with caplog.at_level(logging.ERROR):
        for _ in range(3):
            assert kinds(network_os.packet_in(1, question(), 0.0)) == [(1, PACKET_OUT)]
    assert network_os.failures == {"broken": 3}
    assert "broken" in caplog.text
    assert f"{A} -> {B}" in caplog.text
    assert [bool(record.exc_info) for record in caplog.records] == [
        True, False, False,
    ]  # fmt: skip


def test_failing_application_does_not_keep_an_event_from_others() -> None:
    failing, other = Scripted("broken", ZeroDivisionError()), Scripted("other")
    network_os = NetworkOS([failing, other])
    network_os.switch_up(SwitchUp(1), 0.0)
    network_os.switch_down(1, 1.0)
    assert other.events == [SwitchUp(1), SwitchDown(1)]
    assert network_os.failures == {"broken": 2}


def test_services_know_an_event_before_applications_hear_of_it() -> None:
    class Looking(App):
        def event(self, event: Event, network: Network, now: float) -> Decision | None:
            self.seen = [switch.dpid for switch in network.switches()]
            return None

    looking = Looking()
    network_os = NetworkOS([looking])
    network_os.switch_up(SwitchUp(4), 0.0)
    assert looking.seen == [4]


def test_port_status_reaches_the_applications_once_however_often_it_is_said() -> None:
    app = Scripted("app")
    network_os = NetworkOS([app])
    network_os.switch_up(SwitchUp(1, PORTS), 0.0)
    for _ in range(3):
        network_os.message(1, switch_words.port_status(2, state=1), 1.0)
    (change,) = (event for event in app.events if isinstance(event, PortChanged))
    assert not change.port.up


def test_error_names_the_decision(caplog: pytest.LogCaptureFixture) -> None:
    app = Scripted("app", Decision("so", (), (Output(7),)))
    network_os = NetworkOS([app])
    ((_, refused),) = network_os.packet_in(1, question(), 0.0)
    with caplog.at_level(logging.WARNING):
        network_os.message(1, switch_words.message(1, b"\0\2\0\4" + refused[:64], xid=1), 1.0)
    assert isinstance(app.events[0], SwitchError)
    assert "decision 1" in caplog.text


@pytest.mark.parametrize("message", [question()[:30], b"", switch_words.message(11, b"short")])
def test_what_is_not_openflow_is_said_to_be_malformed(message: bytes) -> None:
    network_os = NetworkOS([LearningSwitch()])
    with pytest.raises(Malformed):
        network_os.message(1, message, 0.0)


def test_packet_in_may_come_as_any_message() -> None:
    network_os = settled([LearningSwitch()])
    assert kinds(network_os.message(1, question(), 1.0)) == [(1, PACKET_OUT)]


def test_switch_that_answers_no_barrier_is_worth_one_line(caplog: pytest.LogCaptureFixture) -> None:
    network_os = NetworkOS([])
    network_os.switch_up(SwitchUp(1), 100.0)
    with caplog.at_level(logging.WARNING):
        for now in (105.0, 111.0, 112.0):
            network_os.tick(now)
    assert len(caplog.records) == 1


def test_conversation_of_two_hosts() -> None:
    network_os = settled([LearningSwitch(idle_timeout=9)])
    assert kinds(network_os.packet_in(1, question(1, A, B), 1.0)) == [(1, PACKET_OUT)]
    outgoing = network_os.packet_in(1, question(2, B, A), 1.0)
    assert kinds(outgoing) == [(1, FLOW_MOD), (1, PACKET_OUT)]
    flow = read(outgoing[0][1])
    assert dict(flow.match.items()) == {"in_port": 2, "eth_src": B, "eth_dst": A}
    assert flow.idle_timeout == 9


def test_port_that_floods_a_saturated_controller_is_shut_at_its_switch() -> None:
    network_os = settled([LearningSwitch()])
    alarms: list[Event] = []
    network_os.listen(lambda event, now: alarms.append(event) if isinstance(event, Alarm) else None)
    shut: Outgoing = []
    for step in range(10):
        now = 1.0 + 0.1 * step
        for port in (1, 2, 3, 3, 3, 3):
            for _ in range(20 if port == 3 else 1):
                network_os.packet_in(1, question(port, f"02:00:00:00:01:0{port}"), now)
        shut += [each for each in network_os.tick(now, busy=1.0) if each[1][1] == FLOW_MOD]
    ((dpid, message),) = shut
    rule = read(message)
    assert (dpid, dict(rule.match.items()), rule.instructions) == (1, {"in_port": 3}, [])
    assert [alarm.kind for alarm in alarms if isinstance(alarm, Alarm)] == ["packet-in-flood"]
    assert network_os.packet_in(1, question(3), 2.0) == []
    assert network_os.packet_in(1, question(1), 2.0) != []
