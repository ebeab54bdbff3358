"""The guard beside a controller of limited speed, on a virtual clock."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.model import Alarm, Install, Location, SwitchDown, SwitchUp
from controller.services.guard import Guard, GuardSettings

STEP = 0.1
SETTINGS = GuardSettings()


def everywhere(_: Location) -> bool:
    return True


@dataclass
class Controller:
    """Answers ``speed`` questions a second, from each port in proportion to what it asks."""

    guard: Guard
    speed: int = 1000
    now: float = 0.0
    due: defaultdict[Location, float] = field(default_factory=lambda: defaultdict(float))
    answered: Counter[Location] = field(default_factory=Counter)
    orders: list[tuple[float, Install]] = field(default_factory=list)
    alarms: list[Alarm] = field(default_factory=list)

    def run(self, rates: dict[Location, float], seconds: float) -> None:
        """Time passes while the ports ask so many questions a second."""
        for _ in range(round(seconds / STEP)):
            self.now = round(self.now + STEP, 6)
            shut = self.guard.shut_ports()
            asking = {location: rate * STEP for location, rate in rates.items() if location not in shut}
            wanted = sum(asking.values())
            share = min(1.0, self.speed * STEP / wanted) if wanted else 0.0
            for location, questions in asking.items():
                self.due[location] += questions * share
                while self.due[location] >= 1:
                    self.due[location] -= 1
                    self.answered[location] += self.guard.admit(*location)
            turn = self.guard.tick(self.now, min(1.0, wanted / (self.speed * STEP)))
            self.orders += [(self.now, order) for order in turn.orders]
            self.alarms += [event for event in turn.events if isinstance(event, Alarm)]


def ports(number: int, rate: float, first: int = 1) -> dict[Location, float]:
    return {Location(dpid, 1): rate for dpid in range(first, first + number)}


FLOOD = Location(99, 7)


def test_a_flood_beside_quiet_ports_is_stopped_within_a_second() -> None:
    controller = Controller(Guard(everywhere))
    quiet = ports(10, 20)
    controller.run(quiet, 1.0)
    controller.run({**quiet, FLOOD: 20_000}, 1.0)
    ((when, order),) = controller.orders
    assert when <= 1.0 + SETTINGS.sustained + 2 * STEP
    assert (order.dpid, order.rule.match.get("in_port")) == FLOOD
    assert (order.rule.table, order.rule.priority, order.rule.instructions) == (0, SETTINGS.priority, ())
    assert order.rule.hard_timeout == SETTINGS.shortest
    (alarm,) = controller.alarms
    assert (alarm.kind, alarm.location) == ("packet-in-flood", FLOOD)
    assert controller.guard.shut_ports() == [FLOOD]


def test_what_comes_from_a_shut_port_is_not_answered_until_it_is_open_again() -> None:
    controller = Controller(Guard(everywhere))
    guard = controller.guard
    controller.run(ports(10, 20), 1.0)
    controller.run({**ports(10, 20), FLOOD: 20_000}, 1.0)
    when = controller.orders[0][0]
    assert not guard.admit(*FLOOD)
    assert guard.shed == 1
    assert guard.admit(1, 1)
    controller.run(ports(10, 20), when + SETTINGS.shortest - controller.now - STEP)
    assert not guard.admit(*FLOOD)
    controller.run(ports(10, 20), STEP)
    assert guard.admit(*FLOOD)
    assert guard.shut_ports() == []


def test_one_that_goes_on_is_shut_ever_longer_and_forgiven_in_the_end() -> None:
    controller = Controller(Guard(everywhere))
    controller.run({**ports(10, 20), FLOOD: 20_000}, 300.0)
    assert [order.rule.hard_timeout for _, order in controller.orders] == [2, 4, 8, 16, 32, 60, 60, 60, 60]
    controller.run(ports(10, 20), 300.0)
    controller.run({**ports(10, 20), FLOOD: 20_000}, 1.0)
    assert controller.orders[-1][1].rule.hard_timeout == SETTINGS.shortest


def test_the_quiet_ports_are_answered_in_full_while_the_flood_lasts() -> None:
    controller = Controller(Guard(everywhere))
    quiet = ports(10, 20)
    controller.run({**quiet, FLOOD: 20_000}, 120.0)
    asked = 20 * 120
    assert all(controller.answered[location] > 0.95 * asked for location in quiet)


def test_a_controller_that_keeps_up_answers_any_rate() -> None:
    controller = Controller(Guard(everywhere), speed=100_000)
    controller.run({**ports(10, 20), FLOOD: 80_000}, 10.0)
    assert controller.orders == []


@given(st.lists(st.floats(1.0, 3.0), min_size=2, max_size=40), st.integers(0, 2))
def test_many_busy_ports_are_answered_in_full(uneven: list[float], quiet: int) -> None:
    rates = {Location(dpid, 1): 500 * factor for dpid, factor in enumerate(uneven, 1)}
    controller = Controller(Guard(everywhere), speed=200 * len(rates))
    controller.run(rates | (ports(quiet, 20, first=1000) if len(rates) > 8 else {}), 3.0)
    assert controller.orders == []


def test_a_port_that_asks_alone_takes_nothing_from_anybody() -> None:
    controller = Controller(Guard(everywhere))
    controller.run({FLOOD: 20_000}, 10.0)
    assert controller.orders == []


def test_a_short_burst_is_borne() -> None:
    controller = Controller(Guard(everywhere))
    for _ in range(20):
        controller.run({**ports(10, 20), FLOOD: 20_000}, SETTINGS.sustained)
        controller.run(ports(10, 20), 0.5)
    assert controller.orders == []


def test_a_few_floods_are_stopped_together() -> None:
    controller = Controller(Guard(everywhere))
    floods = ports(3, 5000, first=100)
    controller.run(ports(20, 10), 1.0)
    controller.run({**ports(20, 10), **floods}, 1.0)
    assert {Location(order.dpid, 1) for _, order in controller.orders} == set(floods)


def test_one_that_is_not_the_cause_is_left_alone() -> None:
    link = Location(50, 50)
    controller = Controller(Guard(lambda location: location != link))
    controller.run({**ports(10, 20), FLOOD: 2000, link: 20_000}, 5.0)
    assert controller.orders == []


def test_a_link_between_switches_is_never_shut() -> None:
    controller = Controller(Guard(lambda location: location != FLOOD))
    controller.run({**ports(10, 20), FLOOD: 20_000}, 5.0)
    assert controller.orders == []


def test_a_backlog_is_saturation_too() -> None:
    guard = Guard(everywhere)
    for backlog, shut in ((SETTINGS.backlog - 1, False), (SETTINGS.backlog, True)):
        for port, questions in ((1, 500), (2, 1), (3, 1)):
            for _ in range(questions):
                guard.admit(1, port)
        for tick in range(6):
            guard.tick(10.0 * shut + tick * STEP, 0.2, backlog)
        assert guard.shut_ports() == [Location(1, 1)] * shut


@pytest.mark.parametrize("event", [SwitchDown(99), SwitchUp(99)])
def test_a_switch_without_the_rule_is_not_taken_for_one_with_it(event: SwitchDown | SwitchUp) -> None:
    controller = Controller(Guard(everywhere))
    controller.run(ports(10, 20), 1.0)
    controller.run({**ports(10, 20), FLOOD: 20_000}, 1.0)
    controller.guard.apply(SwitchDown(1))
    assert not controller.guard.admit(*FLOOD)
    controller.guard.apply(event)
    assert controller.guard.admit(*FLOOD)
