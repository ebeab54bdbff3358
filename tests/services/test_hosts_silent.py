"""Hosts that keep silent, whose port or switch goes away, or who are too many."""

from __future__ import annotations

import pytest

from controller.model import (
    Event,
    HostGone,
    HostSeen,
    Location,
    Output,
    PortChanged,
    PortGone,
    SearchEnded,
    SwitchDown,
    SwitchUp,
)
from controller.services.hosts import Hosts, HostSettings
from controller.services.neighbours import question
from controller.services.searches import AskingSettings

from .host_frames import (
    HERE,
    IP_A,
    IP_B,
    THERE,
    A,
    B,
    C,
    Ports,
    announce,
    answer,
    at,
    ethernet,
    ipv4,
    kinds,
    port,
    tagged,
)

SETTINGS = HostSettings()
ASKER = SETTINGS.asking.asker


# ---------------------------------------------------------------- ageing


def pass_time(
    hosts: Hosts, start: float, end: float, step: float = 0.5
) -> tuple[list[Event], list[tuple[float, Output]]]:
    """Tick by tick; the events, and when which port was asked."""
    events: list[Event] = []
    asked = []
    now = start
    while now <= end:
        turn = hosts.tick(now)
        events += turn.events
        asked += [(now, action) for order in turn.orders for action in order.actions if isinstance(action, Output)]
        now += step
    return events, asked


def test_a_silent_host_is_asked_and_then_dropped(hosts: Hosts) -> None:
    hosts.observe(at(HERE, announce(A, IP_A)), 0.0)
    events, asked = pass_time(hosts, 0.0, SETTINGS.idle - 0.5)
    assert (events, asked) == ([], [])
    (order,) = hosts.tick(SETTINGS.idle).orders
    assert (order.dpid, order.actions) == (1, (Output(1),))
    assert order.frame == question(ASKER, IP_A, to=A)
    events, asked = pass_time(hosts, SETTINGS.idle + 0.5, SETTINGS.idle + 10)
    assert len(asked) == SETTINGS.asking.attempts - 1
    (event,) = events
    assert isinstance(event, HostGone)
    assert event.reason == "silent"
    assert (len(hosts), hosts.by_ip(IP_A), hosts.at(HERE)) == (0, None, [])


def test_a_host_that_answers_stays_and_is_asked_again_much_later(hosts: Hosts) -> None:
    hosts.observe(at(HERE, announce(A, IP_A)), 0.0)
    assert hosts.tick(SETTINGS.idle).orders
    hosts.observe(at(HERE, answer(A, IP_A, ASKER)), SETTINGS.idle + 0.01)
    events, asked = pass_time(hosts, SETTINGS.idle + 0.5, 2 * SETTINGS.idle - 1)
    assert (events, asked) == ([], [])
    assert hosts.tick(2 * SETTINGS.idle + 0.5).orders


def test_who_cannot_be_asked_is_dropped_at_once_unless_refreshed(hosts: Hosts) -> None:
    hosts.observe(at(HERE, ethernet(A)), 0.0)
    hosts.observe(at(HERE, ethernet(B)), 0.0)
    hosts.refresh(B, 100.0)
    hosts.refresh(C, 100.0)
    turn = hosts.tick(SETTINGS.idle)
    assert [event.host.mac for event in turn.events if isinstance(event, HostGone)] == [A]
    assert turn.orders == []
    assert [host.mac for host in hosts] == [B]


def test_questions_to_many_silent_hosts_are_spread(ports: Ports) -> None:
    hosts = Hosts(ports, HostSettings(asking=AskingSettings(rate=10)))
    for number in range(50):
        hosts.observe(at(HERE, announce(bytes([2, 0, 0, 0, 1, number]), bytes([10, 0, 1, number]))), 0.0)
    events, asked = pass_time(hosts, SETTINGS.idle, SETTINGS.idle + 60, step=1.0)
    assert len(events) == 50
    assert len(asked) == 50 * SETTINGS.asking.attempts
    times = [time for time, _ in asked]
    assert max(times.count(time) for time in set(times)) <= 11
    assert max(times) > SETTINGS.idle + 12


def test_a_question_in_the_vlan_of_the_host(hosts: Hosts) -> None:
    hosts.observe(at(HERE, tagged(announce(A, IP_A), 42)), 0.0)
    (order,) = hosts.tick(SETTINGS.idle).orders
    assert order.frame == question(ASKER, IP_A, vlan=42, to=A)


# ---------------------------------------------------------------- ports and switches that go away


@pytest.mark.parametrize("event", [PortChanged(1, port(1, up=False)), PortGone(1, port(1))])
def test_hosts_of_a_port_that_stays_down_are_gone_after_the_grace(hosts: Hosts, event: Event) -> None:
    hosts.observe(at(HERE, ethernet(A)), 0.0)
    assert hosts.apply(event, 1.0) == []
    assert hosts.apply(event, 3.0) == []
    assert hosts.tick(1.0 + SETTINGS.port_grace - 0.1).events == []
    assert kinds(hosts.tick(1.0 + SETTINGS.port_grace).events) == ["HostGone"]


def test_a_port_that_flaps_forgets_nobody_but_asks_who_is_there(hosts: Hosts) -> None:
    hosts.observe(at(HERE, announce(A, IP_A)), 0.0)
    hosts.observe(at(HERE, announce(B, IP_B)), 0.0)
    hosts.observe(at(HERE, ethernet(C)), 0.0)
    generation = hosts.generation
    hosts.apply(PortChanged(1, port(1, up=False)), 1.0)
    hosts.apply(PortChanged(1, port(1)), 2.0)
    assert hosts.generation == generation
    assert len(hosts.tick(2.1).orders) == 2
    hosts.observe(at(HERE, answer(A, IP_A, ASKER)), 2.2)
    events, _ = pass_time(hosts, 2.5, 20.0)
    assert [event.host.mac for event in events if isinstance(event, HostGone)] == [B]


def test_a_host_that_moves_from_a_port_that_is_down_is_followed(hosts: Hosts) -> None:
    hosts.observe(at(HERE, announce(A, IP_A)), 0.0)
    hosts.apply(PortChanged(1, port(1, up=False)), 1.0)
    assert kinds(hosts.observe(at(THERE, ethernet(A)), 2.0)) == ["HostMoved"]
    assert hosts.tick(20.0).events == []


def test_a_switch_that_reconnects_in_time_finds_its_hosts(hosts: Hosts) -> None:
    hosts.observe(at(HERE, ethernet(A)), 0.0)
    hosts.observe(at(Location(1, 2), ethernet(B)), 0.0)
    hosts.apply(SwitchDown(1), 1.0)
    assert hosts.tick(SETTINGS.switch_grace).events == []
    hosts.apply(SwitchUp(1, (port(1), port(2, up=False))), SETTINGS.switch_grace)
    events, _ = pass_time(hosts, SETTINGS.switch_grace, SETTINGS.switch_grace + 20)
    assert [event.host.mac for event in events if isinstance(event, HostGone)] == [B]


def test_the_hosts_of_a_switch_that_stays_away_are_gone(hosts: Hosts) -> None:
    hosts.observe(at(HERE, ethernet(A)), 0.0)
    hosts.observe(at(THERE, ethernet(B)), 0.0)
    hosts.apply(SwitchDown(1), 1.0)
    events = hosts.tick(1.0 + SETTINGS.switch_grace).events
    assert [event.host.mac for event in events if isinstance(event, HostGone)] == [A]


# ---------------------------------------------------------------- searches


def test_a_search_asks_at_edge_ports_only_and_brings_back_who_waits(hosts: Hosts, ports: Ports) -> None:
    ports.links.add(Location(1, 2))
    waiting = at(THERE, ipv4(B, IP_B, IP_A))
    orders = hosts.find(IP_A, 1.0, waiting)
    assert [(order.dpid, order.actions) for order in orders] == [(dpid, (Output(1),)) for dpid in (1, 2, 3)]
    assert {order.frame for order in orders} == {question(ASKER, IP_A)}
    assert hosts.find(IP_A, 1.1, waiting) == []
    seen, found = hosts.observe(at(HERE, answer(A, IP_A, ASKER)), 1.2)
    assert isinstance(seen, HostSeen)
    assert found == SearchEnded(IP_A, seen.host, (waiting, waiting))
    assert hosts.find(IP_A, 1.3, waiting) == []
    assert hosts.tick(30.0).events == []


def test_a_search_without_answer_ends_and_rests(hosts: Hosts) -> None:
    asking = SETTINGS.asking
    waiting = at(THERE, ipv4(B, IP_B, IP_A))
    assert hosts.find(IP_A, 0.0, waiting)
    events, asked = pass_time(hosts, 0.0, 10.0)
    assert len(asked) == 4 * (asking.attempts - 1)
    assert events == [SearchEnded(IP_A, None, (waiting,))]
    ended = asking.attempts * asking.patience
    assert hosts.find(IP_A, ended + asking.rest - 0.1) == []
    assert hosts.find(IP_A, ended + asking.rest + 0.1)


def test_all_searches_together_keep_to_the_rate(ports: Ports) -> None:
    hosts = Hosts(ports, HostSettings(asking=AskingSettings(rate=40, attempts=1)))
    for dpid in (1, 2, 3):
        hosts.apply(SwitchUp(dpid), 0.0)
    targets = [bytes([10, 1, 0, number]) for number in range(30)]
    asked = sum(bool(hosts.find(ip, 0.0)) for ip in targets)
    assert asked == 10
    sent = [len(hosts.tick(step / 10).orders) // 3 for step in range(1, 21)]
    assert sum(sent) == 20
    assert max(sent) <= 2


def test_searches_and_who_waits_are_bounded(ports: Ports) -> None:
    hosts = Hosts(ports, HostSettings(asking=AskingSettings(searches=2, waiting=3)))
    hosts.apply(SwitchUp(1), 0.0)
    packet = at(HERE, ipv4(B, IP_B, IP_A))
    for number in range(5):
        hosts.find(bytes([10, 1, 0, number]), 0.0, packet)
    for _ in range(5):
        hosts.find(bytes([10, 1, 0, 0]), 0.0, packet)
    events, _ = pass_time(hosts, 0.0, 20.0)
    assert [len(event.waiting) for event in events if isinstance(event, SearchEnded)] == [3, 1]


def test_who_is_known_is_not_looked_for(hosts: Hosts) -> None:
    hosts.observe(at(HERE, announce(A, IP_A)), 0.0)
    assert hosts.find(IP_A, 0.0) == []
    assert hosts.tick(5.0) == ([], [])


# ---------------------------------------------------------------- bounds


def test_a_full_table_forgets_the_longest_silent_and_says_so(ports: Ports) -> None:
    hosts = Hosts(ports, HostSettings(capacity=3))
    for number, mac in enumerate((A, B, C)):
        hosts.observe(at(HERE, ethernet(mac)), float(number))
    hosts.observe(at(HERE, ethernet(A)), 5.0)
    events = list(hosts.observe(at(THERE, ethernet(b"\x02" * 6)), 6.0))
    assert kinds(events) == ["host-table-full", "HostGone", "HostSeen"]
    assert [host.mac for host in hosts] == [C, A, b"\x02" * 6]
    assert kinds(hosts.observe(at(THERE, ethernet(b"\x06" * 6)), 6.1)) == ["HostGone", "HostSeen"]


def test_a_source_flood_stays_within_its_port(ports: Ports) -> None:
    hosts = Hosts(ports, HostSettings(capacity=1000, port_capacity=10))
    hosts.observe(at(HERE, announce(A, IP_A)), 0.0)
    events: list[Event] = []
    for number in range(5000):
        events += hosts.observe(at(THERE, ethernet(b"\x02\x01" + number.to_bytes(4, "big"))), number / 5000)
    assert [kind for kind in kinds(events) if kind != "HostSeen"] == ["too-many-hosts"]
    assert len(hosts) == 11
    assert hosts.by_ip(IP_A) is not None
