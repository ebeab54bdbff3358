"""Recording live traffic on the loopback: from the first packet to the last, none lost, whoever dies."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from experiments.capture import Recorder, read
from experiments.capture.messages import messages
from experiments.capture.streams import Gap
from experiments.errors import UserError
from tests.capture.samples import message

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="capturing packets needs root")
BARRIER = message("BARRIER_REPLY", xid=99)


@contextmanager
def connection(address: str = "127.0.0.1") -> Iterator[tuple[socket.socket, socket.socket]]:
    """A controller's side and a switch's side of a TCP connection on the loopback."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.create_server((address, 0), family=family) as listening:
        switch = socket.create_connection(listening.getsockname()[:2])
        controller, _ = listening.accept()
        with switch, controller:
            yield controller, switch


@contextmanager
def free_port() -> Iterator[tuple[socket.socket, int]]:
    """A listening socket and its port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening, listening.getsockname()[1]


def receive(sock: socket.socket, size: int) -> None:
    """Take so many bytes."""
    while size:
        size -= len(sock.recv(min(size, 1 << 20)))


def converse(listening: socket.socket, told: list[bytes], ordered: list[bytes]) -> None:
    """One connection, in which the switch tells and the controller orders, every message in a call of its own."""
    with socket.create_connection(listening.getsockname()) as switch, listening.accept()[0] as controller:
        for sock in (switch, controller):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        readers = [
            threading.Thread(target=receive, args=(controller, sum(map(len, told)))),
            threading.Thread(target=receive, args=(switch, sum(map(len, ordered)))),
        ]
        for reader in readers:
            reader.start()
        for raw in told:
            switch.sendall(raw)
        for raw in ordered:
            controller.sendall(raw)
        for reader in readers:
            reader.join()


@needs_root
def test_no_message_is_lost_when_they_come_faster_than_20_000_a_second(tmp_path: Path) -> None:
    told = [message("ECHO_REQUEST", bytes(60), xid=n) for n in range(20_000)]
    ordered = [message("ECHO_REPLY", bytes(80), xid=n) for n in range(20_000)]
    with free_port() as (listening, port):
        with Recorder(port=port, path=tmp_path / "fast.pcap") as recorder:
            converse(listening, told, ordered)
        found = list(read(tmp_path / "fast.pcap", port))
    assert recorder.dropped == 0
    assert [m.raw for m in found if m.from_switch] == told
    assert [m.raw for m in found if not m.from_switch] == ordered


def converse_while_the_writer_rests(path: Path, told: list[bytes]) -> tuple[list[bytes], list[Gap], int]:
    """What is in a capture whose writer got no time until all had been said: messages, gaps, and packets dropped."""
    gaps: list[Gap] = []
    with free_port() as (listening, port):
        with Recorder(port=port, path=path) as recorder:
            recorder._writer.send_signal(signal.SIGSTOP)
            converse(listening, told, [])
            recorder._writer.send_signal(signal.SIGCONT)
        return [m.raw for m in read(path, port, gaps.append)], gaps, recorder.dropped


@needs_root
def test_a_writer_that_gets_no_time_loses_nothing(tmp_path: Path) -> None:
    told = [message("ECHO_REQUEST", bytes(60), xid=n) for n in range(10_000)]
    assert converse_while_the_writer_rests(tmp_path / "rest.pcap", told) == (told, [], 0)


@needs_root
def test_what_the_kernel_dropped_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("experiments.capture.recorder.BUFFER", 20_000)
    told = [message("ECHO_REQUEST", bytes(60), xid=n) for n in range(2_000)]
    found, _, dropped = converse_while_the_writer_rests(tmp_path / "small.pcap", told)
    assert dropped > 0
    assert found == told[: len(found)]
    assert len(found) < len(told)


@needs_root
def test_the_first_and_the_last_packet_are_in_the_file(tmp_path: Path) -> None:
    with free_port() as (listening, port):
        for _ in range(20):
            with Recorder(port=port, path=tmp_path / "short.pcap"):
                converse(listening, [BARRIER], [])
            assert [m.raw for m in read(tmp_path / "short.pcap", port)] == [BARRIER]


@needs_root
def test_ipv6_is_recorded_and_other_ports_are_not(tmp_path: Path) -> None:
    with connection("::1") as (controller, switch), free_port() as (listening, _):
        port = controller.getsockname()[1]
        with Recorder(port=port, path=tmp_path / "six.pcap"):
            converse(listening, [message("HELLO")], [])
            switch.sendall(BARRIER + BARRIER)
            receive(controller, 16)
        found = list(read(tmp_path / "six.pcap", port))
    assert [m.raw for m in found] == [BARRIER, BARRIER]
    assert found[0].switch.startswith("[::1]:")


@needs_root
def test_packets_can_be_followed_while_they_are_recorded(tmp_path: Path) -> None:
    with connection() as (controller, switch):
        port = controller.getsockname()[1]
        with Recorder(port=port, path=tmp_path / "live.pcap") as recorder:
            live = messages(recorder.follow(), port, live=True)
            for number in range(5):
                switch.sendall(message("HELLO", xid=number))
                assert next(live).xid == number
            switch.sendall(BARRIER)
            receive(controller, 8 * 6)
            recorder.stop()
            assert [m.raw for m in live] == [BARRIER]


HOLDER = """
import sys, time
from experiments.capture import Recorder
with Recorder(port=int(sys.argv[1]), path=sys.argv[2]) as recorder:
    print(recorder._writer.pid, flush=True)
    sys.stdin.read()
"""


@needs_root
def test_a_killed_recorder_leaves_a_whole_file_and_no_process(tmp_path: Path) -> None:
    with free_port() as (listening, port):
        path = tmp_path / "killed.pcap"
        told = [message("ECHO_REQUEST", xid=n) for n in range(6000)]
        holder = subprocess.Popen(
            [sys.executable, "-c", HOLDER, str(port), str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "FLOWPATH_RUN": "a-run"},
        )
        with holder:
            assert holder.stdout is not None
            writer = int(holder.stdout.readline())
            writer_end = os.pidfd_open(writer)
            assert b"FLOWPATH_RUN=a-run" in Path(f"/proc/{writer}/environ").read_bytes().split(b"\0")
            # The writer is far behind when its parent dies.
            os.kill(writer, signal.SIGSTOP)
            converse(listening, told, [message("HELLO")])
            holder.send_signal(signal.SIGKILL)
            holder.wait()
            os.kill(writer, signal.SIGCONT)
        assert select.select([writer_end], [], [], 20)[0], "the writer outlived its parent"
        os.close(writer_end)
        found = list(read(path, port))
        assert [m.raw for m in found if m.from_switch] == told
        assert [m.raw for m in found if not m.from_switch] == [message("HELLO")]


@needs_root
def test_a_writer_that_died_is_an_error_unless_there_is_another_already(tmp_path: Path) -> None:
    def record(*, fail: bool) -> None:
        with Recorder(path=tmp_path / "dead.pcap") as recorder:
            recorder._writer.kill()
            if fail:
                raise KeyError("the experiment's own")

    with pytest.raises(UserError, match="not complete"):
        record(fail=False)
    with pytest.raises(KeyError):
        record(fail=True)


@needs_root
def test_what_cannot_be_captured_is_said_in_a_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no interface 'eth77' here; there are: .*lo"), Recorder("eth77"):
        pass
    with pytest.raises(UserError, match="cannot write the capture"), Recorder(path=tmp_path / "no" / "dir.pcap"):
        pass
    with pytest.raises(UserError, match="No space left"), Recorder(path="/dev/full"):
        pass
    # In a network namespace of its own, the loopback is down.
    code = "from experiments.capture import Recorder\nwith Recorder(path='x.pcap'): pass"
    down = subprocess.run(["unshare", "-n", sys.executable, "-c", code], cwd=tmp_path, capture_output=True, check=False)
    assert b"interface lo is down: ip link set lo up" in down.stderr


def test_without_root_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(socket, "socket", refuse)
    with pytest.raises(UserError, match="sudo"), Recorder(path=tmp_path / "x.pcap"):
        pass
    assert not (tmp_path / "x.pcap").exists()
