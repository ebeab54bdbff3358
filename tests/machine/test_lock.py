"""One run at a time."""

from __future__ import annotations

import os

import pytest

from experiments.errors import UserError
from experiments.machine import lock
from experiments.machine.lock import Lock


def test_a_second_run_is_told_whose_the_machine_is(tmp_path):
    first, second = Lock(tmp_path / "room"), Lock(tmp_path / "room")
    first.take("1-2-3", "pid 1 (flowpath demo)")
    with pytest.raises(UserError, match=r"another run is active: pid 1 \(flowpath demo\); wait"):
        second.take("4-5-6", "pid 4")
    first.release()
    second.take("4-5-6", "pid 4")
    assert lock.live_run(tmp_path / "room") == ("4-5-6", "pid 4")
    second.release()
    assert lock.live_run(tmp_path / "room") == ("", "")


def test_a_child_does_not_keep_the_machine(tmp_path):
    mine = Lock(tmp_path)
    mine.take("1-2-3", "me")
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(writing)
        os.read(reading, 1)
        os._exit(0)
    mine.release()
    other = Lock(tmp_path)
    other.take("4-5-6", "another")  # while the child lives
    os.close(writing)
    os.waitpid(child, 0)
    os.close(reading)
    other.release()


def test_nobody_holds_a_lock_that_is_not_there(tmp_path):
    assert lock.live_run(tmp_path) == ("", "")
    Lock(tmp_path).release()
