"""When counters are asked for, and what becomes of the answers; the switches run on a virtual clock."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from struct import unpack_from

import pytest

from controller.model import (
    Link,
    Location,
    Match,
    Port,
    PortChanged,
    PortGone,
    Rule,
    SwitchDown,
    SwitchError,
    SwitchUp,
)
from controller.services.statistics import Requests, Statistics, StatisticsSettings
from controller.southbound.replies import (
    FlowStats,
    GroupStats,
    MultipartReply,
    MultipartType,
    Part,
    PortStats,
    TableStats,
)

PORTS, TABLES, GROUPS, FLOWS = MultipartType.PORT_STATS, MultipartType.TABLE, MultipartType.GROUP, MultipartType.FLOW
ONLY_PORTS = StatisticsSettings(tables=0, groups=0, flows=0)
HERE = Location(1, 1)


def port(number: int, speed: int = 0) -> Port:
    return Port(number, f"eth{number}", bytes(6), True, curr_speed=speed)


def port_stats(now: float, packets: int = 0, octets: int = 0, number: int = 1) -> PortStats:
    return PortStats(number, packets, 0, octets, 0, 0, 0, 0, 0, 0, 0, 0, 0, now + 0.25)


def kind_and_xid(request: bytes) -> tuple[MultipartType, int]:
    return MultipartType(unpack_from("!H", request, 8)[0]), int(unpack_from("!I", request, 4)[0])


class Clock:
    """Time that passes in ticks of ``step``; requests are noted with their time, and answered if ``answers`` has it."""

    def __init__(self, statistics: Statistics, step: float = 0.05) -> None:
        self.statistics = statistics
        self.step = step
        self.ticks = 0
        self.asked: list[tuple[float, int, MultipartType, int]] = []
        self.answers: dict[MultipartType, tuple[Part, ...]] = {}

    @property
    def now(self) -> float:
        return self.ticks * self.step

    def run(self, seconds: float) -> list[tuple[float, int, MultipartType, int]]:
        """Let time pass; what was asked meanwhile."""
        before = len(self.asked)
        for _ in range(round(seconds / self.step)):
            self.ticks += 1
            assert self.statistics.next_due > self.now - self.step
            self._note(self.statistics.tick(self.now))
        return self.asked[before:]

    def _note(self, requests: Requests) -> None:
        for dpid, request in requests:
            kind, xid = kind_and_xid(request)
            self.asked.append((self.now, dpid, kind, xid))
            if kind in self.answers:
                self.statistics.receive(dpid, MultipartReply(kind, self.answers[kind], False, xid), self.now)

    def next_question(self, kind: MultipartType) -> int:
        """The xid of the next question of this kind to the first switch."""
        for _ in range(10_000):
            for _, dpid, asked, xid in self.run(self.step):
                if asked is kind and dpid == 1:
                    return xid
        raise AssertionError(f"{kind.name} is not asked")


def clock(settings: StatisticsSettings | None = None, switches: int = 1, step: float = 0.05) -> Clock:
    statistics = Statistics(settings)
    for dpid in range(1, switches + 1):
        statistics.apply(SwitchUp(dpid, (port(1, 1_000_000), port(2))), 0.0)
    return Clock(statistics, step)


# ---------------------------------------------------------------- asking


def test_questions_are_spread_over_the_interval() -> None:
    ticking = clock(switches=100, step=0.01)
    ticking.answers = dict.fromkeys((PORTS, TABLES, GROUPS, FLOWS), ())
    ticking.run(20.0)
    asked = ticking.run(20.0)
    assert Counter(kind for _, _, kind, _ in asked) == {PORTS: 1000, TABLES: 200, GROUPS: 200, FLOWS: 200}
    assert set(Counter((dpid, kind) for _, dpid, kind, _ in asked).values()) == {10, 2}
    per_tick = Counter(time for time, _, _, _ in asked)
    assert max(per_tick.values()) <= 4  # 0.8 on average.
    assert len({xid for _, _, _, xid in asked}) == len(asked)
    assert all(xid >= 2**31 for _, _, _, xid in asked), "decisions count in the lower half"


def test_a_switch_has_one_question_of_a_kind_at_a_time() -> None:
    ticking = clock(ONLY_PORTS)
    asked = ticking.run(30.0)
    times = [time for time, _, _, _ in asked]
    assert len(asked) == 3
    assert all(later - earlier >= ONLY_PORTS.patience for earlier, later in pairwise(times))
    late = MultipartReply(PORTS, (port_stats(1.0),), False, asked[0][3])
    assert not ticking.statistics.receive(1, late, ticking.now)
    assert ticking.statistics.receive(1, MultipartReply(PORTS, (port_stats(1.0),), False, asked[-1][3]), ticking.now)


def test_a_slow_switch_is_asked_less_often_but_not_never() -> None:
    ticking = clock(ONLY_PORTS)
    xid = ticking.next_question(PORTS)
    asked_at = ticking.now
    ticking.run(0.5)
    assert ticking.statistics.receive(1, MultipartReply(PORTS, (), False, xid), ticking.now)
    ticking.answers = {PORTS: ()}
    first, second = ticking.run(14.0)[:2]
    assert 10.0 <= first[0] - asked_at <= 10.0 + ONLY_PORTS.ports
    assert second[0] - first[0] == pytest.approx(ONLY_PORTS.ports, abs=0.1)


def test_what_a_switch_refuses_is_not_asked_again() -> None:
    ticking = clock()
    xid = ticking.next_question(GROUPS)
    ticking.statistics.apply(SwitchError(1, 1, 2, xid, b""), ticking.now)
    asked = {kind for _, _, kind, _ in ticking.run(60.0)}
    assert asked == {PORTS, TABLES}
    assert ticking.statistics.groups(1, ticking.now) is None


def test_somebody_elses_error_and_answer_are_none_of_ours() -> None:
    ticking = clock(ONLY_PORTS)
    ticking.statistics.apply(SwitchError(1, 1, 2, 17, b""), 0.0)
    assert not ticking.statistics.receive(1, MultipartReply(PORTS, (port_stats(0.0),), False, 0), 0.0)
    assert not ticking.statistics.receive(9, MultipartReply(PORTS, (port_stats(0.0),), False, 0), 0.0)
    assert ticking.statistics.port_counters(HERE) is None
    assert ticking.run(2.0)


def test_a_switch_that_left_is_not_asked_and_one_that_is_back_once() -> None:
    ticking = clock(ONLY_PORTS)
    ticking.statistics.apply(SwitchDown(1), 0.0)
    assert ticking.run(10.0) == []
    ticking.answers = {PORTS: ()}
    for _ in range(3):
        ticking.statistics.apply(SwitchUp(1), ticking.now)
    ticking.run(ONLY_PORTS.ports)
    assert len(ticking.run(10.0)) == 5


@pytest.mark.parametrize(("active", "asked"), [(5000, True), (5001, False)])
def test_rules_are_asked_for_only_where_they_are_not_too_many(active: int, asked: bool) -> None:
    ticking = clock()
    ticking.answers = {
        TABLES: (TableStats(0, active - 1, 5, 5), TableStats(1, 1, 5, 5), TableStats(2, 0, 0, 0)),
        FLOWS: (),
    }
    assert (FLOWS in {kind for _, _, kind, _ in ticking.run(40.0)}) == asked
    assert (ticking.statistics.flows(1, ticking.now) is not None) == asked
    tables = ticking.statistics.tables(1, ticking.now)
    assert tables is not None
    assert [table.table for table in tables] == [0, 1]


# ---------------------------------------------------------------- answers


def read_ports(ticking: Clock, packets: int, octets: int = 0) -> None:
    xid = ticking.next_question(PORTS)
    reading = port_stats(ticking.now, packets, octets)
    assert ticking.statistics.receive(1, MultipartReply(PORTS, (reading,), False, xid), ticking.now)


def test_nothing_is_known_before_the_second_answer_nor_long_after_the_last() -> None:
    ticking = clock(ONLY_PORTS)
    statistics = ticking.statistics
    assert statistics.port(HERE, 0.0) is None
    read_ports(ticking, 0)
    assert statistics.port(HERE, ticking.now) is None
    read_ports(ticking, 0)
    traffic = statistics.port(HERE, ticking.now)
    assert traffic is not None
    assert (traffic.rx_packets, traffic.rx_bits) == (0.0, 0.0)
    assert statistics.port(HERE, ticking.now + 3 * ONLY_PORTS.ports) == traffic
    assert statistics.port(HERE, ticking.now + 3 * ONLY_PORTS.ports + 0.1) is None
    assert statistics.history(HERE) == [traffic]
    assert statistics.port(Location(1, 2), ticking.now) is statistics.port(Location(7, 1), ticking.now) is None
    assert statistics.history(Location(1, 2)) == []


def test_the_rate_is_over_the_time_that_passed() -> None:
    ticking = clock(ONLY_PORTS)
    read_ports(ticking, 0)
    read_ports(ticking, 1000, 50_000)
    traffic = ticking.statistics.port(HERE, ticking.now)
    assert traffic is not None
    assert traffic.rx_packets is not None
    assert traffic.rx_bits == pytest.approx(traffic.rx_packets * 400, rel=1e-6)
    assert traffic.rx_packets == pytest.approx(1000 / 2.0, rel=0.03)
    counters = ticking.statistics.port_counters(HERE)
    assert counters is not None
    assert counters.rx_packets == 1000


@pytest.mark.parametrize("event", [PortGone(1, port(1)), SwitchDown(1)])
def test_what_is_gone_is_forgotten(event: PortGone | SwitchDown) -> None:
    ticking = clock(ONLY_PORTS)
    read_ports(ticking, 0)
    read_ports(ticking, 5)
    ticking.statistics.apply(event, ticking.now)
    assert ticking.statistics.port(HERE, ticking.now) is None
    assert ticking.statistics.port_counters(HERE) is None
    assert ticking.statistics.bandwidth(HERE) is None


def test_flows_count_when_the_whole_answer_is_there() -> None:
    ticking = clock()
    ticking.answers = {TABLES: (TableStats(0, 2, 5, 5),)}
    one, other = (FlowStats(Rule(Match(in_port=number)), 10 * number, 100, 5.0) for number in (1, 2))
    xid = ticking.next_question(FLOWS)
    assert ticking.statistics.receive(1, MultipartReply(FLOWS, (one,), True, xid), ticking.now)
    assert ticking.statistics.flows(1, ticking.now) is None
    assert ticking.statistics.receive(1, MultipartReply(FLOWS, (other,), False, xid), ticking.now)
    flows = ticking.statistics.flows(1, ticking.now)
    assert flows is not None
    assert [(flow.stats, flow.rate.packets) for flow in flows] == [(one, 2.0), (other, 4.0)]
    xid = ticking.next_question(FLOWS)
    later = FlowStats(one.rule, 60, 100, 15.5)
    ticking.statistics.receive(1, MultipartReply(FLOWS, (later,), False, xid), ticking.now)
    flows = ticking.statistics.flows(1, ticking.now)
    assert flows is not None
    (flow,) = flows
    assert flow.rate.packets == pytest.approx(50 / 10.5)
    assert ticking.statistics.flows(1, ticking.now + 31) is None


def test_half_an_answer_that_was_given_up_is_not_mixed_with_the_next() -> None:
    ticking = clock(StatisticsSettings(patience=5.0))
    ticking.answers = {TABLES: (TableStats(0, 2, 5, 5),)}
    one, other = (FlowStats(Rule(Match(in_port=number)), 10, 100, 5.0) for number in (1, 2))
    xid = ticking.next_question(FLOWS)
    ticking.statistics.receive(1, MultipartReply(FLOWS, (one,), True, xid), ticking.now)
    xid = ticking.next_question(FLOWS)
    ticking.statistics.receive(1, MultipartReply(FLOWS, (other,), False, xid), ticking.now)
    flows = ticking.statistics.flows(1, ticking.now)
    assert flows is not None
    assert [flow.stats for flow in flows] == [other]


def test_groups_have_rates_too() -> None:
    ticking = clock()
    ticking.answers = {GROUPS: (GroupStats(7, 1, 100, 1000, 4.0, ((100, 1000),)),)}
    ticking.run(15.0)
    groups = ticking.statistics.groups(1, ticking.now)
    assert groups is not None
    (group,) = groups
    assert group.stats.group_id == 7


def test_utilisation_is_of_the_bandwidth_that_is_configured_or_said() -> None:
    ticking = clock(ONLY_PORTS)
    statistics = ticking.statistics
    statistics.apply(SwitchUp(2, (port(1),)), 0.0)
    backward = Link(Location(2, 1), HERE)
    assert statistics.utilisation(backward, 0.0) is None
    read_ports(ticking, 0)
    asked = ticking.now
    read_ports(ticking, 1, round(125_000_000 * (ticking.now + 2 - asked)))
    ticking.run(0.1)
    traffic = statistics.port(HERE, ticking.now)
    assert traffic is not None
    assert traffic.rx_bits is not None
    assert statistics.bandwidth(HERE) == 1e9
    assert statistics.utilisation(backward, ticking.now) == pytest.approx(traffic.rx_bits / 1e9)
    assert statistics.utilisation(Link(HERE, Location(2, 1)), ticking.now) == 0.0
    statistics.set_bandwidth(Location(2, 1), 10e6)
    assert statistics.utilisation(backward, ticking.now) == pytest.approx(traffic.rx_bits / 10e6)
    statistics.apply(PortChanged(1, port(1, 0)), ticking.now)
    assert statistics.bandwidth(HERE) is None
