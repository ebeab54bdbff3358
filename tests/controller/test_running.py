"""The controller as it runs: a real ryu-manager, spoken to over TCP."""

from __future__ import annotations

import shutil
import signal
import socket
import ssl
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from struct import pack
from typing import Any

import pytest

from controller.model import Cookie, Match, PortNo
from tests.southbound import switch_words

from .fake_switch import BARRIER_REQUEST, ECHO_REPLY, ERROR, FLOW_MOD, PACKET_OUT, FakeSwitch, frame
from .running import HOME, RYU_MANAGER, RunningController, free_port

A, B, C = "02:00:00:00:00:0a", "02:00:00:00:00:0b", "02:00:00:00:00:0c"


@pytest.fixture(scope="module")
def controller(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningController]:
    log = tmp_path_factory.mktemp("controller") / "log"
    with RunningController("controller.app", log=log, FLOWPATH_APPS="learning_switch") as running:
        yield running
        assert "Traceback" not in running.text()


@pytest.fixture
def dpid(request: pytest.FixtureRequest) -> int:
    """A switch of this test alone."""
    return abs(hash(request.node.name)) % 2**62 + 1


def learn(switch: FakeSwitch, mac: str, port: int) -> None:
    """Have the controller hear of a host."""
    switch.ask(port, frame(mac, "ff:ff:ff:ff:ff:ff"))
    switch.hear_kind(PACKET_OUT)


def ports(told: Any) -> list[int]:
    """Where a PACKET_OUT goes."""
    return [action.port for action in told.actions]


def test_switch_is_read_and_gets_its_first_rules_and_is_ready(controller: RunningController, dpid: int) -> None:
    with FakeSwitch.connect(controller.port, dpid) as switch:
        kinds = [message.msg_type for message in switch.told]
        # hello, features, ports; rules, groups, meters and a barrier; the table-miss rule and a barrier; and one more
        # when it is known what the ports lead to
        assert kinds == [0, 5, 18, 18, 18, 18, 20, 14, 20, 20]
        read, miss = switch.told[6], switch.told[7]
        assert (miss.priority, miss.match.items()) == (0, [])
        assert miss.instructions[0].actions[0].port == PortNo.CONTROLLER
        assert Cookie.unpack(miss.cookie) == Cookie(1, miss.xid)
        assert {message.xid for message in switch.told[3:] if message is not miss} == {read.xid}

        status, _, health = controller.get("/api/v1/health?switches=1&timeout=10")
        assert (status, health["status"]) == (200, "ready")
        assert f"{dpid:016x}" in health["switches"]
        assert health["apps"] == ["learning_switch"]

        _, _, inventory = controller.get("/api/v1/switches")
        (known,) = [known for known in inventory["switches"] if known["dpid"] == f"{dpid:016x}"]
        assert known["address"] == "{}:{}".format(*switch.socket.getsockname())
        assert known["ready"]
        assert [port["name"] for port in known["ports"]] == ["eth1", "eth2", "eth3", "eth4"]


def test_packet_is_flooded_then_answered_with_a_flow_and_its_release(controller: RunningController, dpid: int) -> None:
    with FakeSwitch.connect(controller.port, dpid) as switch:
        switch.ask(1, frame(A, B))
        flood = switch.hear()
        assert (flood.msg_type, flood.in_port, ports(flood)) == (PACKET_OUT, 1, [2, 3, 4])
        assert bytes(flood.data) == frame(A, B)

        switch.ask(2, frame(B, A))
        flow, release = switch.hear(), switch.hear()
        assert flow.msg_type == FLOW_MOD
        assert dict(flow.match.items()) == {"in_port": 2, "eth_src": B, "eth_dst": A}
        assert flow.instructions[0].actions[0].port == 1
        assert (flow.idle_timeout, flow.hard_timeout, flow.flags) == (60, 0, 1)
        assert (release.msg_type, release.actions[0].port, bytes(release.data)) == (PACKET_OUT, 1, frame(B, A))
        assert flow.xid == release.xid == flow.cookie & 0xFFFFFFFF

        _, _, answer = controller.get("/api/v1/decisions?last=1")
        (decision,) = answer["decisions"]
        assert decision["number"] == flow.xid
        assert decision["reason"] == f"{A} is behind port 1"
        assert decision["packet"]["eth_src"] == B


def test_messages_cut_and_joined_anywhere_are_answered_alike(controller: RunningController, dpid: int) -> None:
    with FakeSwitch.connect(controller.port, dpid) as switch:
        learn(switch, A, 1)
        question = switch_words.packet_in(Match(in_port=2), frame(B, A))
        for octet in question:
            switch.say(bytes([octet]))
        switch.hear_kind(PACKET_OUT)
        switch.say(question * 2000)
        releases = [switch.hear_kind(PACKET_OUT) for _ in range(2000)]
        assert {bytes(release.data) for release in releases} == {frame(B, A)}


def test_echo_is_answered_in_the_midst_of_a_flood(controller: RunningController, dpid: int) -> None:
    with FakeSwitch.connect(controller.port, dpid) as switch:
        question = switch_words.packet_in(Match(in_port=2), frame(B, "ff:ff:ff:ff:ff:ff"))
        switch.say(question * 500, switch_words.message(2, b"alive?", xid=77), question * 500)
        reply = switch.hear_kind(ECHO_REPLY)
        assert (reply.xid, bytes(reply.data)) == (77, b"alive?")


GARBAGE = {
    "length below a header's": (pack("!BBHI", 4, 10, 4, 9), (1, 6)),
    "another version": (pack("!BBHI", 6, 10, 8, 9), (1, 0)),
    "another protocol": (b"GET / HTTP/1.1\r\nHost: here\r\n\r\n", (1, 1)),
}


@pytest.mark.parametrize("garbage", GARBAGE)
def test_garbage_ends_its_own_connection_only(controller: RunningController, dpid: int, garbage: str) -> None:
    octets, fault = GARBAGE[garbage]
    with (
        FakeSwitch.connect(controller.port, dpid) as other,
        FakeSwitch.connect(controller.port, dpid + 1) as switch,
    ):
        switch.say(octets)
        error = switch.hear_kind(ERROR)
        assert (error.type, error.code) == fault
        assert error.xid == int.from_bytes(octets[4:8], "big")
        assert bytes(error.data) == octets[:64]
        assert switch.ended()

        other.ask(1, frame(A, B))
        assert other.hear().msg_type == PACKET_OUT


def test_malformed_messages_are_refused_one_by_one_and_logged_once(controller: RunningController, dpid: int) -> None:
    with FakeSwitch.connect(controller.port, dpid) as switch:
        cut_short = switch_words.message(11, b"\0" * 12, xid=1)
        for xid in (5, 6, 7):
            switch.say(cut_short[:4] + pack("!I", xid) + cut_short[8:])
            error = switch.hear_kind(ERROR)
            assert (error.type, error.code, error.xid) == (1, 6, xid)
        switch.say(switch_words.message(10, b"\0" * 4, xid=8))
        assert switch.hear_kind(ERROR).xid == 8
        switch.ask(1, frame(A, B))
        assert switch.hear().msg_type == PACKET_OUT
        said = [line for line in controller.text().splitlines() if f"{dpid:016x} sent a malformed" in line]
        assert len(said) == 2


ENDLESS = {
    "table features of no size": switch_words.multipart(12, b"\0" * 64),
    "queues of no size": switch_words.message(23, b"\0" * 40),
}


@pytest.mark.parametrize("kind", ENDLESS)
def test_what_ryu_would_read_for_ever_stops_nobody(controller: RunningController, dpid: int, kind: str) -> None:
    with (
        FakeSwitch.connect(controller.port, dpid) as other,
        FakeSwitch.connect(controller.port, dpid + 1) as switch,
    ):
        switch.say(ENDLESS[kind])
        assert switch.ended()
        other.ask(1, frame(A, B))
        assert other.hear().msg_type == PACKET_OUT


def test_hello_may_say_more_than_is_known(controller: RunningController, dpid: int) -> None:
    with FakeSwitch(controller.port, dpid) as switch:
        switch.say(switch_words.message(0, pack("!HHIHHI", 7, 8, 1, 1, 8, 0x12)))
        switch.hear_kind(BARRIER_REQUEST)


def test_newer_connection_of_a_dpid_wins(controller: RunningController, dpid: int) -> None:
    with FakeSwitch.connect(controller.port, dpid) as older:
        with FakeSwitch.connect(controller.port, dpid) as newer:
            assert older.ended()
            newer.ask(1, frame(A, B))
            assert newer.hear().msg_type == PACKET_OUT
            _, _, inventory = controller.get("/api/v1/switches")
            known = [known for known in inventory["switches"] if known["dpid"] == f"{dpid:016x}"]
            assert [known["address"] for known in known] == ["{}:{}".format(*newer.socket.getsockname())]
        assert f"{dpid:016x} connected again" in controller.text()


def test_old_openflow_is_told_why_it_is_refused(controller: RunningController) -> None:
    with FakeSwitch(controller.port, 1) as switch:
        switch.say(switch_words.message(0, version=1))
        error = switch.hear_kind(ERROR)
        assert (error.type, error.code) == (0, 0)
        assert switch.ended()


def test_switch_that_does_not_read_does_not_stop_the_others(controller: RunningController, dpid: int) -> None:
    with (
        FakeSwitch.connect(controller.port, dpid) as deaf,
        FakeSwitch.connect(controller.port, dpid + 1) as other,
    ):
        deaf.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        question = switch_words.packet_in(Match(in_port=2), frame(B, "ff:ff:ff:ff:ff:ff", b"x" * 1400))
        deaf.socket.setblocking(False)
        with suppress(BlockingIOError):  # It comes when the controller has stopped reading.
            while True:
                deaf.socket.send(question * 100)
        other.ask(1, frame(A, B))
        assert other.hear().msg_type == PACKET_OUT

        deaf.socket.settimeout(10)
        assert ports(deaf.hear_kind(PACKET_OUT)) == [1, 3, 4]


def test_health_waits_for_a_switch(controller: RunningController, dpid: int) -> None:
    deadline = time.monotonic() + 10
    while controller.get("/api/v1/health")[2]["switches"]:  # of tests before, which are leaving
        assert time.monotonic() < deadline
    answers: list[dict[str, object]] = []
    question = threading.Thread(
        target=lambda: answers.append(controller.get("/api/v1/health?switches=1&timeout=15")[2])
    )
    question.start()
    with FakeSwitch.connect(controller.port, dpid):
        question.join()
        assert answers[0]["status"] == "ready"
    _, _, late = controller.get("/api/v1/health?switches=1000&timeout=0.1")
    assert late["status"] == "waiting"


@pytest.mark.parametrize(
    "question",
    ["health?switches=many", "health?switches=-1", "health?timeout=nan", "health?switch=1", "decisions?last=1.5"],
)
def test_senseless_question_is_a_problem_not_a_traceback(controller: RunningController, question: str) -> None:
    status, kind, problem = controller.get(f"/api/v1/{question}")
    assert (status, kind) == (400, "application/problem+json")
    assert problem["status"] == 400
    assert question.partition("?")[2].partition("=")[0] in problem["detail"]


OBSERVER = """
from ryu.base.app_manager import RyuApp
from ryu.controller import ofp_event
from ryu.controller.handler import MAIN_DISPATCHER, set_ev_cls

class Observer(RyuApp):
    @set_ev_cls(ofp_event.EventOFPPacketIn, MAIN_DISPATCHER)
    def packet_in(self, event):
        print("observed", event.msg.match["in_port"], bytes(event.msg.data).hex(), flush=True)
"""


def test_other_ryu_applications_work_beside_it(tmp_path: Path, dpid: int) -> None:
    observer = tmp_path / "observer.py"
    observer.write_text(OBSERVER)
    path = str(HOME / "controller/app.py")
    with (
        RunningController(
            path, "ryu.app.ofctl_rest", str(observer), log=tmp_path / "log", FLOWPATH_APPS="learning_switch"
        ) as controller,
        FakeSwitch.connect(controller.port, dpid) as switch,
    ):
        switch.ask(3, frame(A, B))
        assert switch.hear().msg_type == PACKET_OUT  # from the learning switch
        assert controller.get("/stats/switches")[2] == [dpid]

        answers: list[object] = []
        question = threading.Thread(target=lambda: answers.append(controller.get(f"/stats/desc/{dpid}")[2]))
        question.start()
        assert switch.hear_kind(18).type == 0
        question.join()
        assert answers[0][str(dpid)]["hw_desc"] == "fake"  # type: ignore[index]
        assert f"observed 3 {frame(A, B).hex()}" in controller.text()
        switch.say(switch_words.message(10, b"\0" * 4, xid=8))
        assert switch.hear_kind(ERROR).xid == 8
        assert "Traceback" not in controller.text()


def test_the_manuals_application_runs(tmp_path: Path, dpid: int) -> None:
    manual = (HOME / "docs/controller.md").read_text()
    code = manual.partition("    # my_app.py\n")[2].partition("\n`flowpath controller")[0]
    (tmp_path / "my_app.py").write_text(textwrap.dedent(code))
    launcher = (sys.executable, "-m", "controller.launcher", "--apps", "my_app.py:Hub")
    with (
        RunningController(command=launcher, log=tmp_path / "log") as controller,
        FakeSwitch.connect(controller.port, dpid) as switch,
    ):
        assert [message.priority for message in switch.told if message.msg_type == FLOW_MOD] == [0]
        for _ in range(2):
            switch.ask(1, frame(A, B))
            assert switch.hear().actions[0].port == PortNo.FLOOD
        assert controller.get("/api/v1/health")[2]["apps"] == ["Hub"]


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGINT])
def test_signal_ends_it_cleanly(tmp_path: Path, dpid: int, by: signal.Signals) -> None:
    launcher = (sys.executable, "-m", "controller.launcher", "--idle-timeout", "7")
    with (
        RunningController(command=launcher, log=tmp_path / "log") as controller,
        FakeSwitch.connect(controller.port, dpid) as switch,
    ):
        learn(switch, A, 1)
        switch.ask(2, frame(B, A))
        assert switch.hear_kind(FLOW_MOD).idle_timeout == 7
        assert controller.end(by) == 0
        assert switch.ended()
        assert "Traceback" not in controller.text()


def test_occupied_port_is_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as occupied:
        port, free = str(occupied.getsockname()[1]), str(free_port())
        for options in (
            ("--ofp-tcp-listen-port", port, "--wsapi-port", free),
            ("--ofp-tcp-listen-port", free, "--wsapi-port", port),
        ):
            ended = subprocess.run(
                [RYU_MANAGER, "controller.app", *options],
                capture_output=True, text=True, timeout=30, cwd=tmp_path, check=False,
            )  # fmt: skip
            assert ended.returncode == 2
            assert [line for line in ended.stderr.splitlines() if line.startswith(f"flowpath: port {port} ")]
            assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--port", "many"], "flowpath: --port: 'many' is no whole number"),
        (["--apps", "teapot"], "flowpath: there is no application teapot"),
        (["--no-such-option"], "flowpath: "),
    ],
)
def test_wrong_option_is_one_line(tmp_path: Path, options: list[str], complaint: str) -> None:
    ports = ("--port", str(free_port()), "--rest-port", str(free_port()))
    ended = subprocess.run(
        [sys.executable, "-m", "controller.launcher", *ports, *options],
        capture_output=True, text=True, timeout=30, cwd=tmp_path, check=False,
    )  # fmt: skip
    assert ended.returncode == 2
    assert [line for line in ended.stderr.splitlines() if line.startswith(complaint)], ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.skipif(not shutil.which("openssl"), reason="openssl makes the certificate")
def test_switches_may_connect_by_tls(tmp_path: Path, dpid: int) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-days", "2",
         "-keyout", str(key), "-out", str(certificate)],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.create_default_context(cafile=str(certificate))
    context.check_hostname = False
    options = ("--ctl-privkey", str(key), "--ctl-cert", str(certificate))
    with RunningController(
        "controller.app", *options, log=tmp_path / "log", tls=True, FLOWPATH_APPS="learning_switch"
    ) as controller:
        for number in range(2):
            with FakeSwitch.connect(controller.port, dpid + number, tls=context) as switch:
                learn(switch, A, 1)
                switch.say(switch_words.packet_in(Match(in_port=2), frame(B, A)) * 500)
                for _ in range(500):
                    assert bytes(switch.hear_kind(PACKET_OUT).data) == frame(B, A)
                switch.say(GARBAGE["another version"][0])
                assert switch.hear_kind(ERROR).type == 1
                assert switch.ended()
