"""One run at a time."""

from __future__ import annotations

import os
import signal
from pathlib import Path

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


def test_a_fork_that_outlives_a_killed_run_does_not_keep_the_machine(tmp_path):
    reading, writing = os.pipe()
    holder = os.fork()
    if holder == 0:
        Lock(tmp_path).take("1-2-3", "killed")
        if os.fork() == 0:
            os.write(writing, b"forked")
            signal.pause()
        signal.pause()
    assert os.read(reading, 6) == b"forked"
    (survivor,) = Path(f"/proc/{holder}/task/{holder}/children").read_text().split()
    os.kill(holder, signal.SIGKILL)
    os.waitpid(holder, 0)
    other = Lock(tmp_path)
    other.take("4-5-6", "another")
    other.release()
    os.kill(int(survivor), signal.SIGKILL)
    os.close(reading)
    os.close(writing)


def test_nobody_holds_a_lock_that_is_not_there(tmp_path):
    assert lock.live_run(tmp_path) == ("", "")
    Lock(tmp_path).release()
