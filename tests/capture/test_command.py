"""``flowpath capture``, as it is typed."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from experiments.capture import Recorder, read
from experiments.capture.messages import Message
from experiments.capture.names import MESSAGE
from experiments.capture.summary import summary
from experiments.cli import main
from tests.capture.samples import FROM_SWITCH, all_samples, message
from tests.capture.test_recorder import connection, converse, free_port, needs_root, receive
from tests.capture.wire import Wire, write_pcap

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def capture_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A capture of every sample: one switch, several messages in a segment, some across two."""
    path = tmp_path_factory.mktemp("capture") / "every.pcap"
    wire = Wire()
    packets = wire.opening(1_790_000_000.0)
    for from_switch in (True, False):
        stream = b"".join(sample.raw for sample in all_samples() if sample.from_switch == from_switch)
        cuts = range(1000, len(stream), 1000)
        packets += wire.stream(stream, cuts, from_switch=from_switch, time=1_790_000_001.0 + from_switch)
    write_pcap(path, sorted(packets, key=lambda packet: packet.time))
    return path


def run(*arguments: str) -> int:
    """``flowpath capture`` with these arguments."""
    return main(["capture", *arguments])


def test_a_file_is_shown_message_by_message_with_counts(capture_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--read", str(capture_file)) == 0
    out, err = capsys.readouterr()
    lines = out.splitlines()
    total = len(all_samples())
    assert err == ""
    assert lines[0].startswith("times in seconds after 2026-09-21 ")
    assert f"{total} messages" in lines
    counts = [line.split() for line in lines[lines.index(f"{total} messages") + 1 :]]
    expected = Counter(message.name for message in read(capture_file))
    assert {name: int(count) for count, name in counts} == expected
    assert any(
        "00ab000000000001 -> PACKET_IN" in line and line.endswith("ARP who has 10.0.0.11 says 10.0.0.10")
        for line in lines
    )
    assert "MALFORMED" not in out


def test_json_is_an_object_a_line_and_the_counts(capture_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--read", str(capture_file), "--json", "--filter", "type in (FLOW_MOD, ERROR)") == 0
    *found, last = map(json.loads, capsys.readouterr().out.splitlines())
    assert Counter(entry["name"] for entry in found) == last["counts"] == {"ERROR": 3, "FLOW_MOD": 14}
    assert last == {"counts": last["counts"], "total": 17, "gaps": 0, "dropped": 0}
    same = [message for message in read(capture_file) if message.name in {"FLOW_MOD", "ERROR"}]
    assert [entry["fields"] for entry in found] == [message.fields for message in same]
    assert {entry["dpid"] for entry in found} == {"00ab000000000001"}


def documented_filters() -> list[str]:
    """The examples in docs/capture.md."""
    block = re.search(r"```filters\n(.*?)```", (ROOT / "docs" / "capture.md").read_text(), re.DOTALL)
    assert block
    return block[1].splitlines()


@pytest.mark.parametrize("expression", documented_filters())
def test_the_documented_filters_run(expression: str, capture_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--read", str(capture_file), "--json", "--filter", expression) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["total"] >= 0


def test_the_documented_error_is_what_is_printed(capture_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--read", str(capture_file), "--filter", "type == FLOWMOD and switch == 2") == 2
    shown = "\n".join("    " + line for line in capsys.readouterr().err.splitlines())
    assert shown in (ROOT / "docs" / "capture.md").read_text()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--read", "absent.pcap"], "cannot read absent.pcap: No such file"),
        (["--read", __file__], "is no capture file"),
        (["--port", "x"], "from 1 to 65535"),
        (["--port", "0"], "from 1 to 65535"),
        (["--read", "a", "--write", "b"], "not allowed with"),
        (["--filter", "type == "], "a value is expected"),
    ],
)
def test_a_wrong_argument_is_one_clear_line(
    arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*arguments) == 2
    out, err = capsys.readouterr()
    assert says in err
    assert out == ""


def test_what_was_not_captured_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wire = Wire()
    hello = message("HELLO")
    parts = wire.stream(hello * 9, [8, 20, 40], from_switch=True)
    write_pcap(tmp_path / "lossy.pcap", [*wire.opening(), parts[0], *parts[2:]])
    assert run("--read", str(tmp_path / "lossy.pcap"), "--json") == 0
    out, err = capsys.readouterr()
    assert "12 bytes were not captured" in err
    assert json.loads(out.splitlines()[-1])["gaps"] == 1


def test_every_sample_has_a_line() -> None:
    for sample in all_samples():
        line = summary(Message(0.0, None, sample.from_switch, "127.0.0.1:1", sample.raw))
        assert "\n" not in line
        assert MESSAGE[sample.raw[1]] in line
    cut = summary(Message(0.0, 1, True, "", FROM_SWITCH["PACKET_IN 3"][:30]))
    assert "MALFORMED" in cut


def test_a_line_does_nothing_to_the_terminal() -> None:
    evil = message("ERROR", bytes(4) + b"\x1b[2J\nflowpath: all is well")
    line = summary(Message(0.0, 1, True, "", evil))
    assert line.isprintable()
    assert line.endswith("\\x1b[2J\\nflowpath: all is well")


def command(*arguments: str) -> subprocess.Popen[str]:
    """``flowpath capture`` as a process of its own."""
    environment = {**os.environ, "PYTHONUNBUFFERED": ""}
    return subprocess.Popen(
        [sys.executable, "-m", "experiments", "capture", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )


@needs_root
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_live_capture_shows_at_once_and_ends_with_counts(number: signal.Signals, tmp_path: Path) -> None:
    with connection() as (controller, switch):
        port = str(controller.getsockname()[1])
        kept = tmp_path / "kept.pcap"
        with command("--port", port, "--json", "--write", str(kept)) as capture:
            assert capture.stdout is not None
            assert capture.stderr is not None
            assert "listening on lo" in capture.stderr.readline()
            switch.sendall(message("HELLO", xid=5))
            assert json.loads(capture.stdout.readline())["xid"] == 5
            switch.sendall(message("ECHO_REPLY", b"last") * 2)
            receive(controller, 8 + 24)
            capture.send_signal(number)
            rest, errors = capture.communicate(timeout=30)
    assert (capture.returncode, errors) == (0, "")
    assert json.loads(rest.splitlines()[-1])["counts"] == {"ECHO_REPLY": 2, "HELLO": 1}
    assert len(list(read(kept, int(port)))) == 3


@needs_root
def test_a_live_capture_without_a_file_leaves_none(tmp_path: Path) -> None:
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    arguments = [sys.executable, "-m", "experiments", "capture", "--port", "1"]
    with subprocess.Popen(
        arguments, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as capture:
        assert capture.stderr is not None
        assert "listening" in capture.stderr.readline()
        assert list(tmp_path.iterdir())
        capture.send_signal(signal.SIGINT)
        out, _ = capture.communicate(timeout=30)
    assert (capture.returncode, out) == (0, "0 messages\n")
    assert list(tmp_path.iterdir()) == []


def test_a_reader_that_has_seen_enough_is_no_error(tmp_path: Path) -> None:
    wire = Wire()
    write_pcap(
        tmp_path / "long.pcap", wire.stream(message("HELLO") * 30_000, range(0, 240_000, 8000), from_switch=True)
    )
    with command("--read", str(tmp_path / "long.pcap")) as capture:
        assert capture.stdout is not None
        assert capture.stderr is not None
        assert "times in seconds" in capture.stdout.readline()
        capture.stdout.close()
        assert capture.stderr.read() == ""
    assert capture.returncode == 0


# ---------------------------------------------------------------- other opinions


needs_tshark = pytest.mark.skipif(not shutil.which("tshark"), reason="tshark is not installed")


def tshark_counts(path: Path, port: int) -> Counter[int]:
    """Messages by type as tshark counts them, which includes those quoted in errors."""
    arguments = ["tshark", "-r", str(path), "-d", f"tcp.port=={port},openflow", "-T", "fields"]
    done = subprocess.run([*arguments, "-e", "openflow_v4.type"], capture_output=True, text=True, check=True)
    return Counter(int(kind) for line in done.stdout.split() for kind in line.split(","))


def our_counts(path: Path, port: int) -> Counter[int]:
    """Our counts, with the quoted messages."""
    counts: Counter[int] = Counter()
    for found in read(path, port):
        counts[found.type] += 1
        if "message" in found.fields:
            counts[found.raw[13]] += 1
    return counts


TSHARK_STUMBLES = {"METER_MOD", "reply METER_CONFIG", "reply EXPERIMENTER"}
"""Samples with experimenter bodies that tshark 4.0 calls malformed; it then leaves out the rest of the segment."""


@needs_tshark
def test_counts_by_type_are_those_of_tshark(tmp_path: Path) -> None:
    wire = Wire()
    packets = wire.opening()
    for from_switch in (True, False):
        samples = [sample for sample in all_samples() if sample.from_switch == from_switch]
        easy = b"".join(sample.raw for sample in samples if sample.label not in TSHARK_STUMBLES)
        packets += wire.stream(easy, range(700, len(easy), 700), from_switch=from_switch, time=1.0)
        at = len(easy)
        for sample in samples:
            if sample.label in TSHARK_STUMBLES:
                packets.append(wire.packet(from_switch=from_switch, at=at, data=sample.raw, time=2.0))
                at += len(sample.raw)
    write_pcap(tmp_path / "every.pcap", packets)
    ours = our_counts(tmp_path / "every.pcap", 6653)
    assert ours == tshark_counts(tmp_path / "every.pcap", 6653)
    assert set(ours) == set(range(30))


@needs_tshark
@needs_root
def test_counts_of_a_live_capture_are_those_of_tshark(tmp_path: Path) -> None:
    samples = [sample for sample in all_samples() if sample.label not in TSHARK_STUMBLES]
    told = [sample.raw for sample in samples if sample.from_switch] * 5
    ordered = [sample.raw for sample in samples if not sample.from_switch] * 5
    path = tmp_path / "live.pcap"
    with free_port() as (listening, port):
        with Recorder(port=port, path=path):
            converse(listening, told, ordered)
        assert our_counts(path, port) == tshark_counts(path, port)
        assert sum(1 for _ in read(path, port)) == len(told) + len(ordered)


SCAPY_IS_RIGHT = (
    "FEATURES_REPLY",
    "GET_CONFIG_REPLY",
    "SET_CONFIG",
    "PORT_MOD",
    "GROUP_MOD",
    "ROLE_REQUEST",
    "ROLE_REPLY",
    "FLOW_REMOVED",
)
SCAPY_NAMES = {"command": "cmd", "type": "group_type", "name": "port_name"}


@pytest.mark.parametrize("name", SCAPY_IS_RIGHT)
def test_scapy_agrees_where_its_layer_is_right(name: str) -> None:
    from scapy.contrib.openflow3 import OpenFlow3

    sample = next(sample for sample in all_samples() if sample.label == name)
    theirs = OpenFlow3(sample.raw)
    ours = Message(0.0, None, sample.from_switch, "", sample.raw).fields
    compared = 0
    for key, value in flat(ours):
        if isinstance(value, int):
            assert getattr(theirs, SCAPY_NAMES.get(key, key)) == value, key
            compared += 1
    assert compared


def flat(fields: Any) -> list[tuple[str, Any]]:
    """The fields that are one value."""
    return [(key, value) for key, value in fields.items() if not isinstance(value, (dict, list))]


def test_several_files_are_shown_one_after_the_other_and_each_once(
    capture_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "another.pcap"
    copy.write_bytes(capture_file.read_bytes())
    latest = tmp_path / "latest.pcap"
    latest.symlink_to(copy)
    assert run("--read", str(capture_file), str(copy), str(latest), "--json") == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    ends = [line for line in lines if "counts" in line]
    assert [Path(end["file"]).name for end in ends] == [capture_file.name, latest.name]
    assert ends[0]["counts"] == ends[1]["counts"]
    assert len(lines) == 2 + 2 * ends[0]["total"]
