"""The load generator against a plain responder that is honest, and against ones that are not."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from multiprocessing import get_context
from pathlib import Path

import pytest

from experiments import cli
from experiments.errors import Exit
from experiments.packet_ins import bare, contenders, questions, wire
from experiments.packet_ins.bare import Answer
from experiments.packet_ins.generator import Failed, Job, generate, quantiles
from experiments.packet_ins.questions import SIZE, Questions
from experiments.packet_ins.switch import Switch
from experiments.packet_ins.told import Sample, Task, told

EVERY = 1009
"""A liar lies about one packet in so many, so that the trial laps before the measurement go well now and then."""


def liar(lie: Answer) -> Answer:
    numbers = count(1)

    def answer(out_port: int, in_port: bytes, frame: bytes) -> bytes:
        honest = not out_port or next(numbers) % EVERY
        return (bare.answer if honest else lie)(out_port, in_port, frame)

    return answer


def wrong_port(out_port: int, in_port: bytes, frame: bytes) -> bytes:
    return bare.answer(out_port % questions.PORTS + 1, in_port, frame)


def nothing(out_port: int, in_port: bytes, frame: bytes) -> bytes:
    return b""


def twice(out_port: int, in_port: bytes, frame: bytes) -> bytes:
    return 2 * bare.answer(out_port, in_port, frame)


def changed(out_port: int, in_port: bytes, frame: bytes) -> bytes:
    return bare.answer(out_port, in_port, frame)[:-1] + b"!"


def other_switch(out_port: int, in_port: bytes, frame: bytes) -> bytes:
    at = questions.MARK_AT + 2
    return bare.answer(out_port, in_port, frame[:at] + bytes((frame[at] % 2 + 1,)) + frame[at + 1 :])


def flooded(out_port: int, in_port: bytes, frame: bytes) -> bytes:
    return bare.answer(0, in_port, frame)


LIES = {
    "flooded": flooded,
    "port": wrong_port,
    "lost": nothing,
    "twice": twice,
    "frame": changed,
    "switch": other_switch,
}


def serve(listening: socket.socket, lie: str) -> None:
    bare.serve(listening, liar(LIES[lie]) if lie else bare.answer)


@contextmanager
def responder(lie: str = "") -> Iterator[int]:
    """A responder in a process of its own; its port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        process = get_context("fork").Process(target=serve, args=(listening, lie))
        process.start()
        try:
            yield listening.getsockname()[1]
        finally:
            process.kill()
            process.join()


def job(port: int, pattern: str = "pairs", quiet: int = 0) -> Job:
    return Job("127.0.0.1", port, switches=3, window=16, quiet=quiet, pattern=pattern, warmup=0.1, duration=0.4)


@pytest.mark.parametrize("pattern", questions.PATTERNS)
def test_an_honest_responder_answers_everything_rightly(pattern: str) -> None:
    with responder() as port:
        result = generate(job(port, pattern))
    assert result.right
    assert result.verified >= result.answers > SIZE
    assert result.sampled
    assert result.rules_read == (0 if pattern == "arp" else result.sampled)
    assert result.rules_per_answer == (0 if pattern == "arp" else 1)
    assert 0 < result.latency["p50"] <= result.latency["p99"] <= result.latency["max"]


@pytest.mark.parametrize("lie", LIES)
def test_a_liar_is_caught(lie: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("experiments.packet_ins.generator.DRAIN", 0.3)
    monkeypatch.setattr("experiments.packet_ins.generator.TRIAL", 0.3)
    with responder(lie) as port:
        result = generate(job(port))
    assert not result.right
    if lie == "lost":
        assert result.lost
        assert not result.wrong
    else:
        assert set(result.wrong) == {lie}
        assert lie in result.example


def test_the_quiet_switch_is_told_of_apart() -> None:
    with responder() as port:
        result = generate(job(port, quiet=1))
    assert result.right
    assert 0 < result.quiet_answers < result.answers
    assert set(result.quiet_latency) == set(result.latency)


def test_a_controller_that_hangs_up_is_no_result() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    with pytest.raises(Failed, match="refused"):
        generate(job(port))


@pytest.fixture
def told_to_send(monkeypatch: pytest.MonkeyPatch) -> Switch:
    """A switch without a connection, which has asked its first question."""
    switch = Switch(1, "pairs", 1)
    monkeypatch.setattr(switch, "write", lambda data: None)
    switch.ask(1, 0)
    return switch


@pytest.mark.parametrize(("port", "wrong"), [(0, {}), (1, {"rule": 1})])
def test_a_rule_that_leads_elsewhere_is_seen(told_to_send: Switch, port: int, wrong: dict[str, int]) -> None:
    ours = told_to_send.questions
    frame, here, there = ours.frame(0), ours.in_ports[0], ours.out_ports[0]
    rule = bare.rule(here, frame[6:12], frame[:6], there + port)
    told_to_send.take(rule + bare.packet_out(here, there, frame))
    assert told_to_send.account.answered == 1
    assert told_to_send.account.wrong == wrong


def test_messages_may_come_in_pieces(told_to_send: Switch) -> None:
    ours = told_to_send.questions
    answer = bare.answer(ours.out_ports[0], ours.in_ports[0].to_bytes(4, "big"), ours.frame(0))
    for byte in answer:
        told_to_send.take(bytes((byte,)))
    assert told_to_send.account.answered == told_to_send.account.rules_read == 1
    assert not told_to_send.account.wrong


def test_no_question_of_a_fresh_source_is_like_another() -> None:
    ours = Questions(3, "fresh-source")
    sources = set()
    for lap in range(3):
        ours.mark(lap)
        frames = [ours.frame(lap * SIZE + index) for index in range(SIZE)]
        sources |= {(frame[6:12], frame[26:30]) for frame in frames}
        for frame in frames:
            total = sum(int.from_bytes(frame[at : at + 2], "big") for at in range(14, 34, 2))
            assert total % 0xFFFF == 0, "the checksum of IPv4"
    assert len({mac for mac, _ in sources}) == len({ip for _, ip in sources}) == 3 * SIZE


def test_a_match_is_read_as_the_specification_says() -> None:
    ours = Questions(1, "pairs")
    frame = ours.frame(0)
    exact = int.from_bytes(frame[:6], "big")
    assert wire.accepts({0: (1, 0xFFFFFFFF), 3: (exact, (1 << 48) - 1), 5: (0x800, 0xFFFF), 6: (0, 0x1FFF)}, 1, frame)
    assert wire.accepts({3: (0, 1 << 40)}, 1, frame)
    assert not wire.accepts({3: (exact ^ 1, (1 << 48) - 1)}, 1, frame)
    assert not wire.accepts({21: (0xFFFF, 0xFFFF)}, 1, frame)
    with pytest.raises(wire.Unreadable):
        wire.accepts({39: (0, 0)}, 1, frame)


def test_quantiles_weigh_what_they_count() -> None:
    assert quantiles([(5000, 1), (1000, 98), (9000, 1)], (0.5, 0.98, 0.99, 1.0)) == [1.0, 1.0, 5.0, 9.0]


def test_a_run_compares_and_writes_its_results(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with responder() as port:
        words = ["--controller", f"bare,127.0.0.1:{port}", "--switches", "2", "--repeat", "1"]
        words += ["--duration", "0.2", "--warmup", "0.1", "--mode", "throughput,fairness", "--out", str(tmp_path)]
        assert cli.main(["run", "packet-in-rate", *words]) in (Exit.FINE, Exit.NOT_SHOWN)
    result = json.loads((tmp_path / "packet-in-rate/latest/result.json").read_text())
    rows = [(sample["controller"], sample["mode"], sample["switches"]) for sample in result["samples"]]
    elsewhere = f"127.0.0.1:{port}"
    assert rows == [
        ("bare", "throughput", 2),
        (elsewhere, "throughput", 2),
        ("bare", "fairness", 2),
        (elsewhere, "fairness", 2),
    ]
    assert all(not sample["wrong"] and not sample["lost"] and sample["verified"] for sample in result["samples"])
    assert all(sample["resident"] for sample in result["samples"] if sample["controller"] == "bare")
    assert "every answer is right" in capsys.readouterr().out


def test_flowpath_itself_answers_rightly() -> None:
    with contenders.started("flowpath", "learning_switch", contenders.Cores(-1, -1)) as running:
        result = contenders.ask(running, job(running.port), contenders.Cores(-1, -1))
    assert result.right
    assert result.rules_per_answer == 1


def test_a_wrong_answer_is_a_claim_that_does_not_hold() -> None:
    with responder("port") as port:
        result = generate(job(port))
    page = told([Sample("liar", Task("throughput", "pairs", 3, 16), 1, 3, result)], {"application": "none"})
    assert not page.claims[0].holds
    assert "port" in page.claims[0].figure


@pytest.mark.parametrize(
    "words", [["--mode", "quick"], ["--pattern", "none"], ["--controller", "nox"], ["--window", "0"], ["--repeat", "0"]]
)
def test_senseless_arguments_are_one_line(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["run", "packet-in-rate", *words]) == Exit.USAGE
    assert capsys.readouterr().err.count("\n") == 1


def test_the_bare_responder_ends_with_who_started_it() -> None:
    with contenders.started("bare", "", contenders.Cores(-1, -1)) as running:
        pid = running.pid
    assert contenders.processes.identity(pid) is None
