"""Who a process is, whose, and how it is ended; who has a port."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys

import pytest

from experiments.errors import UserError
from experiments.machine import commands, ports, processes, wait
from experiments.machine.controller_process import require_free
from experiments.machine.processes import Identity


@pytest.fixture
def sleeper():
    with subprocess.Popen(["sleep", "60"], env=os.environ | {processes.MARK: "12-345-1"}) as process:
        yield process
        process.kill()


STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); signal.pause()"


def test_a_process_is_told_from_a_later_one_of_the_same_number(sleeper):
    who = processes.identity(sleeper.pid)
    assert who.alive()
    assert not Identity(who.pid, who.start + 1).alive()
    sleeper.kill()
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)
    assert not who.alive()  # dead already, though nobody has asked for its exit code


def test_the_mark_finds_the_processes_of_a_run_and_no_others(sleeper):
    wait.until(lambda: processes.name(sleeper.pid) == "sleep", 5)
    assert (sleeper.pid, "12-345-1") in list(processes.marked())
    assert list(processes.marked("12-345-1")) == [(sleeper.pid, "12-345-1")]
    assert list(processes.marked("12-345")) == []


def test_our_own_line_is_spared():
    environment = os.environ | {processes.MARK: "12-345-2"}
    look = "from experiments.machine import processes; print(list(processes.marked('12-345-2')))"
    assert subprocess.check_output([sys.executable, "-c", look], env=environment, text=True) == "[]\n"


def test_what_does_not_follow_is_killed(sleeper):
    with subprocess.Popen([sys.executable, "-c", STUBBORN], stdout=subprocess.PIPE) as deaf:
        assert deaf.stdout.readline() == b"deaf\n"
        processes.end([sleeper.pid, deaf.pid, 2**22 + 1], grace=0.1)
        assert (sleeper.wait(), deaf.wait()) == (-signal.SIGTERM, -signal.SIGKILL)


def test_a_taken_port_is_told_with_its_holder():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert ports.listening(port)
        assert ports.holder(port).startswith(f"pid {os.getpid()} (")
        with pytest.raises(UserError, match=rf"port {port} \(REST\) is taken by pid .*sudo kill {os.getpid()}\)"):
            require_free(port, "REST")
    assert ports.holder(port) == ""
    require_free(port, "REST")


def test_a_command_is_shown_on_one_short_line():
    assert commands.shown(["python", "-c", "import this\nthat"]) == "python -c import this that"
    assert commands.shown(["x" * 200]) == "x" * 77 + "..."


def test_a_tool_that_fails_is_one_line_with_its_own_words():
    with pytest.raises(UserError, match=r"^`ls /nowhere` failed: .*No such file"):
        commands.run(["ls", "/nowhere"])
    with pytest.raises(UserError, match=r"^no-such-tool is not installed; run: sudo ./flowpath setup$"):
        commands.run(["no-such-tool"])
    with pytest.raises(UserError, match=r"^`sleep 60` did not answer within 0\.1 s$"):
        commands.run(["sleep", "60"], timeout=0.1)
    assert commands.run(["cat"], stdin="words") == "words"
