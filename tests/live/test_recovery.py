"""However a run ends, the machine is as it was: now, or once the next run has begun. (The check is in conftest.py.)"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from functools import cache

import pytest

import topologies
from experiments.machine import processes, recovery
from experiments.machine.controller_process import ControllerDied
from experiments.machine.session import Session
from tests.live import machine

SEED = 20
MOMENTS = 4
"""How many steps of a run are struck, for each signal."""

RYU_SWITCH = "ryu.app.simple_switch_13"


def a_run(*arguments: object, **options: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.live.a_run", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


@cache
def steps_of_a_run() -> int:
    out, err = a_run().communicate(timeout=60)
    assert "pinging" in out, err
    return int(out.split()[-1])


def moments(salt: int) -> list[int]:
    return sorted(random.Random(SEED + salt).sample(range(1, steps_of_a_run()), MOMENTS))


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_a_run_interrupted_anywhere_undoes_everything(signum):
    before = machine.state()
    for step in moments(signum):
        out, err = a_run(int(signum), step, int(signum), step + 30).communicate(timeout=60)
        assert f"interrupted by {signum.name}" in out or "cleaning up" in err, (step, out, err)
        assert machine.eventually(machine.state, before) == before, step


def test_the_next_run_undoes_what_a_killed_one_left():
    before = machine.state()
    for step in moments(signal.SIGKILL):
        assert a_run(int(signal.SIGKILL), step).wait(60) == -signal.SIGKILL, step
        assert a_run(int(signal.SIGKILL), step // 4).wait(60) == -signal.SIGKILL, step  # some fall while recovering
        with Session("next", wait=60):
            pass
        assert machine.eventually(machine.state, before) == before, step
    assert recovery.leftovers() == []


@pytest.fixture
def pinging() -> Iterator[subprocess.Popen[str]]:
    """A run in the middle of its work, in a process group of its own."""
    with a_run("wait", process_group=0) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "pinging\n"
        yield process
        process.terminate()


def test_ctrl_c_twice_at_the_terminal_cleans_up_once(pinging):
    os.killpg(pinging.pid, signal.SIGINT)  # as a terminal does: to every process of the group
    os.killpg(pinging.pid, signal.SIGINT)
    out, _ = pinging.communicate(timeout=60)
    assert "interrupted by SIGINT" in out


def test_a_killed_run_is_listed_and_its_processes_are_ended_by_the_next(pinging, capsys):
    started = {pid for pid, _ in processes.marked()}
    assert started
    pinging.kill()
    pinging.wait()
    (line,) = recovery.leftovers()
    assert "bridges, controller, links, open_vswitch" in line
    with Session("next", wait=60):
        assert not started & {pid for pid, _ in processes.marked()}
    assert capsys.readouterr().err == "flowpath: undoing what 1 killed run(s) left behind\n"


def test_a_second_run_is_told_whose_the_machine_is(pinging):
    from experiments.errors import UserError

    with (
        pytest.raises(UserError, match=rf"another run is active: pid {pinging.pid} \(.*interrupted"),
        Session("second"),
    ):
        pass


def test_a_controller_that_dies_ends_the_run_at_once_with_its_log(session, tmp_path):
    controller = session.controller(ryu_apps=[RYU_SWITCH], log=tmp_path / "controller.log")
    network = session.network(topologies.build_graph("linear:2"), controller)
    network.wait_ready()
    with network.host("h1").popen(["sleep", "60"]) as sleeping:
        controller.process.kill()
        with pytest.raises(ControllerDied, match=r"was killed by signal 9; its log .*ends:\n"):
            network.host("h1").run(["sleep", "60"])
        sleeping.kill()


def test_an_app_that_cannot_be_loaded_is_shown_with_the_log(session, tmp_path):
    with pytest.raises(ControllerDied, match=r"(?s)exit code 1.*no_such_app"):
        session.controller(ryu_apps=["no_such_app"], log=tmp_path / "controller.log")


def test_open_vswitch_may_die_midway(session):
    network = session.network(topologies.build_graph("linear:2"), session.controller(ryu_apps=[RYU_SWITCH]))
    network.wait_ready()
    processes.end(processes.named("ovs-vswitchd"))
    session.close()
    assert recovery.leftovers() == []
