"""`flowpath demo` on a real network: the whole story, and one with a step that never happens."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import pytest

from experiments.capture import read
from experiments.cli import main
from experiments.errors import Exit
from experiments.story.frame import read_frame
from tests.live.conftest import PATIENCE

HUB = Path(__file__).with_name("hub.py")


def demo(out: Path, *arguments: str) -> tuple[int, Path, dict[str, Any]]:
    """Run it; its exit code, its directory, its result."""
    code = main(["demo", "--out", str(out), "--samples", "2", "--wait", str(PATIENCE), *arguments])
    directory = out / "packet-flow" / "latest"
    return code, directory, json.loads((directory / "result.json").read_text())


def echoes(directory: Path, begin: float, end: float) -> list[dict[str, Any]]:
    """The echoes that switches asked about in a span of time."""
    asked = [m for m in read(directory / "openflow.pcap") if m.name == "PACKET_IN" and begin <= m.time < end]
    headers = [read_frame(bytes.fromhex(message.fields["data"])) for message in asked]
    return [each for each in headers if "icmp_seq" in each]


@pytest.mark.parametrize(
    ("arguments", "path"),
    [
        ([], ["h1", "s1", "s2", "s3", "h3"]),
        (["--topology", "ring:6", "--to", "h3"], ["h1", "s1", "s2", "s3", "h3"]),
        (["--apps", "learning_switch"], ["h1", "s1", "s2", "s3", "h3"]),
        (["--ryu-app", "ryu.app.simple_switch_13"], ["h1", "s1", "s2", "s3", "h3"]),
    ],
    ids=["routing", "routing on a ring", "learning switch", "Ryu's"],
)
def test_the_demo_tells_the_whole_story(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], path: list[str]
) -> None:
    code, directory, result = demo(tmp_path, *arguments)
    said = capsys.readouterr().out
    assert code == Exit.FINE, said
    assert "The story is complete" in said
    assert "\x1b" not in said
    story = result["story"]
    assert story["path"] == path
    assert story["ours"] is ("--ryu-app" not in arguments)
    routed = not {"--apps", "--ryu-app"} & {*arguments}
    for packet in story["first"][:3]:
        switches = [visit["switch"] for visit in packet["visits"]]
        # With routing the first switch asks for the whole way, else every switch asks for itself.
        asking = switches[:1] if routed else switches
        assert [visit["switch"] for visit in packet["visits"] if visit["query"]] == asking
        if routed and packet["name"] != "ARP request":
            ordered = {install["switch"] for install in packet["visits"][0]["installs"]}
            assert ordered == {"s1", "s2", "s3"}
    assert all(use["after"] > use["before"] for use in story["cache"])
    first_asked = echoes(directory, *spans(result)[0])
    second_asked = echoes(directory, *spans(result)[1])
    assert first_asked
    assert second_asked == []
    assert len(result["round_trips_s"]) == 10
    reasons = [visit["decision"]["why"] for packet in story["first"] for visit in packet["visits"] if visit["decision"]]
    assert all(reasons) is story["ours"]
    assert result["summary"]["lost"] == 0
    assert (directory / "report.html").stat().st_size > 50_000
    assert (directory / "controller.log").exists()


def spans(result: dict[str, Any]) -> tuple[tuple[float, float], tuple[float, float]]:
    """When the two pings were."""
    when = result["pings"]
    return (when["first"], when["second"]), (when["second"], when["end"])


def test_a_step_that_never_happens_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, result = demo(tmp_path, "--apps", f"{HUB}:Hub", "--topology", "linear:2")
    said = " ".join(capsys.readouterr().out.split())
    assert code == Exit.NOT_SHOWN
    wanted = [
        "switch s1: no FLOW_MOD followed the query about the ICMP echo request (install)",
        "switch s2: asked (PACKET_IN) about the second ping's ICMP echo request too (cache)",
    ]
    for line in wanted:
        assert line in result["summary"]["missing"]
        assert line in said


def test_hosts_that_there_are_not_are_told_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--to", "h9"]) == Exit.USAGE
    assert capsys.readouterr().err == "flowpath: topology 'linear:3' has no host 'h9' (hosts: h1, h2, h3)\n"


def test_a_port_that_is_taken_is_told_and_nothing_is_left_behind(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 6653)):
        assert main(["demo", "--out", str(tmp_path), "--wait", str(PATIENCE)]) == Exit.USAGE
    assert "port 6653 (OpenFlow) is taken by" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
