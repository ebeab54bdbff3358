"""An alarm that goes on is said rarely, and remembering them takes bounded memory."""

from __future__ import annotations

from controller.services.alarms import AlarmLimiter


def test_each_alarm_is_repeated_after_the_interval_only() -> None:
    alarms = AlarmLimiter(interval=10.0)
    times = [now for now in range(25) if alarms.due("flood", "s1", float(now))]
    assert times == [0, 10, 20]
    assert alarms.due("flood", "s2", 24.0)
    assert alarms.due("conflict", "s1", 24.0)


def test_forgetting_changes_nothing_that_is_said() -> None:
    forgetful, other = AlarmLimiter(interval=3.0), AlarmLimiter(interval=3.0)
    for now in range(40):
        about = now % 4 % 3
        assert forgetful.due("flood", about, float(now)) == other.due("flood", about, float(now))
        forgetful.forget(float(now))


def test_the_latest_are_remembered_however_many_there_are() -> None:
    alarms = AlarmLimiter(interval=10.0, limit=3)
    assert all(alarms.due("flood", number, 0.0) for number in range(5))
    assert [alarms.due("flood", number, 1.0) for number in (4, 3, 2, 0)] == [False, False, False, True]
