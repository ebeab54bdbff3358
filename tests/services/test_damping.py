"""Penalties add up, fade with time, and hold down what fails too often."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from controller.services.damping import DampingSettings, FlapDamper


def test_one_failure_a_second_is_borne_for_ever() -> None:
    damper = FlapDamper[str]()
    assert not any(damper.failed("link", float(second)) for second in range(1000))


def test_many_a_second_are_held_reported_once_and_released_by_time() -> None:
    damper = FlapDamper[str]()
    reports = [damper.failed("link", number / 10) for number in range(20)]
    assert reports.count(True) == 1
    assert reports.index(True) == 4
    assert damper.held("link", 2.0)
    assert not damper.held("another", 2.0)
    assert not damper.held("link", 12.0)


def test_failures_while_held_prolong_it() -> None:
    damper = FlapDamper[str]()
    for number in range(5):
        damper.failed("link", number / 10)
    released = next(tenth / 10 for tenth in range(200) if tenth > 4 and not damper.held("link", tenth / 10))
    for number in range(5):
        damper.failed("another", number / 10)
    damper.failed("another", 3.0)
    assert damper.held("another", released)


def test_it_may_be_held_again_after_a_release() -> None:
    damper = FlapDamper[str]()
    for start in (0.0, 100.0):
        assert [damper.failed("link", start + number / 10) for number in range(6)].count(True) == 1


@given(st.lists(st.floats(0, 2), max_size=60))
def test_nothing_is_held_longer_than_the_ceiling_allows(pauses: list[float]) -> None:
    damper = FlapDamper[str](DampingSettings())
    now = 0.0
    for pause in pauses:
        now += pause
        damper.failed("link", now)
    assert not damper.held("link", now + 8.01)
