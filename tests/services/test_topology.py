"""Links are found, kept and lost in time, on a virtual clock."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from controller.model import (
    Event,
    Link,
    LinkDown,
    LinkUp,
    Location,
    PortChanged,
    PortGone,
    SwitchDown,
    SwitchReady,
    SwitchUp,
)
from tests.services.networks import (
    A1,
    A2,
    A3,
    B1,
    B2,
    B3,
    Wires,
    both,
    cables,
    last_probe,
    linked,
    pair,
    port,
    ring,
    way_out,
)

# ---------------------------------------------------------------- finding


def test_a_cable_is_found_in_a_round_trip_and_told_in_both_directions() -> None:
    net = pair()
    net.run(0.01)
    assert linked(net) == set(both(Link(A1, B1)))
    assert net.of(LinkUp) == [LinkUp(link) for link in both(Link(A1, B1))]
    assert set(net.topology.graph.edges(keys=True)) == {(a.dpid, b.dpid, Link(a, b)) for a, b in both(Link(A1, B1))}


def test_a_switch_that_connects_later_is_found_in_two_crossings() -> None:
    net = Wires(cables([(1, 2)]))
    net.connect(1)
    net.run(100)
    net.connect(2)
    net.run(2.5 * net.delay)
    assert linked(net) == set(both(Link(A1, B1)))


def test_parallel_links_are_all_kept() -> None:
    net = Wires(cables([(1, 2)] * 3))
    net.connect(1, 2)
    net.run(0.1)
    assert net.topology.graph.number_of_edges(1, 2) == 3


def test_a_switch_cabled_to_itself() -> None:
    net = Wires([Link(A1, A2)])
    net.connect(1)
    net.run(1)
    assert linked(net) == set(both(Link(A1, A2)))
    assert not net.topology.is_edge(A1)
    assert net.topology.link_ports(1) == [1, 2]


def test_roles_of_ports() -> None:
    net = pair()
    assert not any(map(net.topology.is_settled, (1, 2)))
    assert not net.topology.is_edge(A2), "it may yet turn out to lead to a switch"
    net.run(0.11)
    assert all(map(net.topology.is_settled, (1, 2)))
    assert net.topology.is_edge(A2)
    assert not net.topology.is_edge(A1)
    assert not net.topology.is_edge(Location(9, 9))
    assert net.topology.edge_ports(1) == [2, 3]
    assert net.topology.link_ports(1) == [1]
    assert net.topology.edge_ports(9) == net.topology.link_ports(9) == []


def test_a_switch_is_probed_when_it_is_ready() -> None:
    """Before, what it hears of its neighbours is dropped, and ports would pass for edge ports."""
    net = Wires(cables([(1, 2)]))
    net.connect(1)
    net.run(1)
    net.cut = {A1}
    net.apply(SwitchUp(2, (port(B1), port(B2))))
    net.run(1)
    assert not any(send.dpid == 2 for _, send in net.sent)
    assert not net.topology.is_edge(B2)
    net.cut = set()
    net.apply(SwitchReady(2))
    net.run(0.01)
    assert linked(net) == set(both(Link(A1, B1)))
    assert not net.topology.is_edge(B2), "it listens from now on"
    net.run(0.1)
    assert net.topology.is_edge(B2)


def test_reserved_ports_are_left_alone() -> None:
    net = Wires([])
    net.connect(1, extra=[Location(1, 0xFFFFFFFE)])
    net.run(1)
    assert net.sent == []


def test_the_generation_tells_of_every_change() -> None:
    net = pair()
    seen = [net.topology.generation]

    def advanced() -> bool:
        seen.append(net.topology.generation)
        return seen[-1] > seen[-2]

    net.run(0.05)
    assert advanced(), "a link came up"
    net.run(0.1)
    assert advanced(), "ports became edge ports"
    net.run(100)
    assert not advanced(), "nothing happened"
    net.set_port(A2, up=False)
    assert advanced()
    net.set_port(A1, up=False)
    assert advanced()
    net.apply(SwitchDown(2))
    assert advanced()


def test_speed_is_that_of_the_slower_port() -> None:
    net = pair()
    net.run(0.1)
    assert net.topology.speed(Link(A1, B1)) == 5_000_000
    assert net.topology.speed(Link(Location(7, 1), Location(8, 1))) == 0


# ---------------------------------------------------------------- losing


@pytest.mark.parametrize("how", ["down", "gone", "switch", "reconnected without"])
def test_what_is_announced_takes_the_link_out_at_once(how: str) -> None:
    net = pair()
    net.run(1)
    announced: dict[str, Event] = {
        "down": PortChanged(1, port(A1, up=False)),
        "gone": PortGone(1, port(A1)),
        "switch": SwitchDown(1),
        "reconnected without": SwitchUp(1, (port(A2),)),
    }
    net.apply(announced[how])
    assert linked(net) == set()
    assert [event.link for event in net.of(LinkDown)] == list(both(Link(A1, B1)))
    assert not net.topology.is_edge(B1), "the cable may still be there"


def test_a_switch_that_connects_anew_keeps_its_links() -> None:
    net = pair()
    net.run(1)
    net.connect(1, extra=[A2, A3])
    net.run(1)
    assert not net.of(LinkDown)
    assert linked(net) == set(both(Link(A1, B1)))


@pytest.mark.parametrize("silent", [{A1}, {B1}, {A1, B1}])
@pytest.mark.parametrize("after", [1.0, 1.2, 1.4, 1.6, 1.8])
def test_silence_in_either_direction_is_noticed_within_a_second(silent: set[Location], after: float) -> None:
    net = pair()
    net.run(after)
    net.cut = silent
    net.run(0.95)
    assert linked(net) == set()
    assert len(net.of(LinkDown)) == 2
    assert not net.topology.is_edge(A1)
    assert not net.topology.is_edge(B1)


def test_the_link_is_back_when_the_silence_ends() -> None:
    net = pair()
    net.run(1)
    net.cut = {A1, B1}
    net.run(300)
    assert linked(net) == set()
    net.cut = set()
    net.run(0.8)
    assert linked(net) == set(both(Link(A1, B1)))


def test_two_probes_lost_in_a_row_do_no_harm() -> None:
    net = pair()
    net.run(1)
    for _ in range(20):
        net.losing = {A1: 2, B1: 2}
        net.run(2)
        assert net.losing == {A1: 0, B1: 0}
    assert not net.of(LinkDown)


def test_a_controller_that_was_paused_finds_its_links_up() -> None:
    net = pair()
    net.run(1)
    for _ in range(10):
        net.now += 2.3  # Nothing is read, nothing is sent.
        net.run(1.1)
    assert not net.of(LinkDown)


def test_slow_answers_are_waited_for() -> None:
    """Every probe takes thrice the patience: only a link that is known to be slow may be given more time."""
    net = pair()
    for delay in (0.03, 0.07, 0.15):
        net.delay = delay
        net.run(10)
    assert linked(net) == set(both(Link(A1, B1)))
    assert not net.of(LinkDown)


def test_a_port_that_flaps_is_held_down_reported_and_released_by_time() -> None:
    net = pair()
    net.run(1)
    for _ in range(30):
        net.set_port(A1, up=False)
        net.run(0.05)
        net.set_port(A1, up=True)
        net.run(0.05)
    assert linked(net) == set()
    assert net.alarms == [("flapping-link", A1)]
    assert len(net.of(LinkDown)) == 10, "five failures, two directions; from then on it is held"
    net.run(4)
    assert linked(net) == set()
    net.run(6)
    assert linked(net) == set(both(Link(A1, B1)))


def test_probes_of_the_same_moment_are_told_apart() -> None:
    net = pair()
    net.connect(1, 1, extra=[A2, A3])
    net.run(0.1)
    assert linked(net) == set(both(Link(A1, B1)))
    assert net.alarms == []


def test_a_switch_that_comes_and_goes_is_no_flapping_link() -> None:
    net = pair()
    for _ in range(20):
        net.run(0.05)
        net.apply(SwitchDown(1))
        net.connect(1)
    net.run(0.05)
    assert linked(net) == set(both(Link(A1, B1)))
    assert net.alarms == []


def test_a_cable_that_is_plugged_elsewhere_without_a_word() -> None:
    net = pair()
    net.run(1)
    net.far_end = {A1: B2, B2: A1}
    net.run(2)
    assert linked(net) == set(both(Link(A1, B2)))


# ---------------------------------------------------------------- the cost of probing


def test_probes_are_spread_evenly_in_batches_of_a_switch() -> None:
    size = 100
    net = ring(size)
    net.run(60)
    net.batches.clear()
    start = net.now
    net.run(15)
    windows = Counter(int((moment - start) / 0.01) for moment, _, _ in net.batches)
    assert max(windows.values()) <= 4, "133 a second are 1.3 in 10 ms"
    assert Counter(count for _, _, count in net.batches)[2] == pytest.approx(size * 15 / 0.75, abs=size)


def test_what_a_minute_costs() -> None:
    net = ring(6)
    net.run(60)
    net.sent.clear()
    net.run(60)
    cost = Counter(way_out(send).port == 9 for _, send in net.sent)
    assert cost == {False: 12 * 80, True: 6 * 4}


def test_a_lost_link_costs_no_more_than_one_in_service() -> None:
    silent = pair()
    silent.run(1)
    silent.cut = {A1, B1}
    announced = pair()
    announced.run(1)
    announced.set_port(A1, up=False)
    asking_again = pair()
    asking_again.run(1)
    asking_again.cut = {B1}
    while [way_out(send) for _, send in asking_again.sent[-2:]] != [B1, B1]:
        asking_again.run(0.01)
    asking_again.set_port(A1, up=False)
    for net in (silent, announced, asking_again):
        net.run(5)
        assert linked(net) == set()
        net.sent.clear()
        net.run(60)
        assert Counter(way_out(send) for _, send in net.sent)[B1] == 80


def test_a_port_that_is_renamed_says_its_new_name() -> None:
    net = pair()
    net.run(1)
    net.apply(PortChanged(1, replace(port(A1), name="uplink")))
    net.run(1)
    assert b"uplink" in last_probe(net, A1)
    assert not net.of(LinkDown)


def test_nothing_is_sent_from_ports_that_are_down() -> None:
    net = pair()
    net.run(1)
    for location in (A1, A2, A3, B1, B2, B3):
        net.set_port(location, up=False)
    net.sent.clear()
    net.run(60)
    assert net.sent == []


def test_a_direction_that_is_lost_at_first_is_tried_again_at_once() -> None:
    net = Wires(cables([(1, 2)]))
    net.losing[A1] = 6
    net.connect(1, 2)
    net.run(0.2)
    assert not linked(net)
    assert not net.topology.is_settled(1), "the cable was heard the other way"
    net.run(0.2)
    assert linked(net) == set(both(Link(A1, B1)))
    assert net.topology.is_settled(1)


def test_a_direction_that_stays_silent_is_not_waited_for_longer_than_a_second() -> None:
    net = Wires(cables([(1, 2)]))
    net.cut = {A1}
    net.connect(1, 2)
    net.run(0.5)
    assert not net.topology.is_settled(1)
    net.run(1)
    assert net.topology.is_settled(1)
    assert not linked(net)
