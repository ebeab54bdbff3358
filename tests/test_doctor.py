"""The doctor: judgement on machines made up, and one look at this one."""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.doctor import command, environment, findings, probes
from experiments.doctor.environment import Environment
from experiments.doctor.facts import Facts, Listener, OpenVSwitch
from experiments.doctor.findings import Finding, demo_can_run, examine

HOME = Path(__file__).resolve().parents[1]
PAGE = (HOME / "docs" / "troubleshooting.md").read_text()

WHOLE = Environment({"flowpath": "0.1.0", "ryu": "4.34", "eventlet": "0.41.3", "mininet": "2.3.0", "scapy": "2.8.0"})
HEALTHY = Facts(
    environment=WHOLE,
    programs=frozenset([*findings.PACKAGES, "tshark"]),
    open_vswitch=OpenVSwitch(database_running=True, switch_running=True, version="3.1.0", kernel_module=True),
    netem=True,
    htb=True,
    congestion_control="cubic",
)


def found(facts: Facts) -> dict[str, Finding]:
    return {finding.id: finding for finding in examine(facts)}


def test_a_healthy_machine_has_nothing_but_ok() -> None:
    assert {finding.level for finding in examine(HEALTHY)} == {"ok"}


def ovs(**changes: Any) -> OpenVSwitch:
    return replace(HEALTHY.open_vswitch, **changes)


CASES = [
    ("root", "problem", {"root": False, "network_admin": False}, "not root", "sudo ./flowpath doctor"),
    ("root", "problem", {"network_admin": False}, "container", "docker run --privileged ..."),
    ("python", "problem", {"python": (3, 10, 12)}, "3.10.12", "apt-get install"),
    ("python", "note", {"python": (3, 14, 0)}, "3.14.0", ""),
    ("environment", "problem", {"environment": None}, "not there", "sudo ./flowpath setup"),
    (
        "environment",
        "problem",
        {"environment": replace(WHOLE, damaged=("ryu",), missing=("rich",))},
        "ryu lacks files, rich is missing",
        "rm -r .venv",
    ),
    ("programs", "problem", {"programs": HEALTHY.programs - {"mnexec"}}, "mininet", "sudo ./flowpath setup"),
    (
        "programs",
        "problem",
        {"programs": HEALTHY.programs - {"mnexec"}, "debian": False},
        "neither Debian nor Ubuntu",
        "",
    ),
    ("tshark", "note", {"programs": HEALTHY.programs - {"tshark"}}, "only the tests", "apt-get install"),
    ("open-vswitch", "note", {"open_vswitch": OpenVSwitch(kernel_module=True)}, "a run starts it", ""),
    ("open-vswitch", "problem", {"open_vswitch": ovs(switch_running=False)}, "only half", "ovs-ctl restart"),
    ("datapath", "note", {"open_vswitch": ovs(kernel_module=False)}, "in user space", ""),
    ("datapath", "problem", {"open_vswitch": ovs(kernel_module=False, tun=False)}, "/dev/net/tun", "modprobe"),
    ("checksum-offload", "note", {"open_vswitch": ovs(kernel_module=False)}, "TCP", "ethtool -K h1-eth0 tx off"),
    ("switch-log", "note", {"open_vswitch": ovs(log_errors=("dpif: no", "dpif: failed"))}, "dpif: failed", "grep"),
    (
        "port-6653",
        "problem",
        {"listeners": (Listener(6653, 42, "ovs-testcontroller ptcp:6653"),)},
        "openvswitch-testcontroller",
        "systemctl disable",
    ),
    ("port-8080", "problem", {"listeners": (Listener(8080, 7, "java -jar"),)}, "java -jar (process 7)", "sudo kill 7"),
    ("port-8080", "problem", {"listeners": (Listener(8080),)}, "only root may see", "ss -ltnp"),
    (
        "port-6653",
        "note",
        {"listeners": (Listener(6653, 9, "ryu-manager"),), "live_run": "packet-flow of pid 9"},
        "a run",
        "",
    ),
    ("testcontroller", "note", {"testcontroller_installed": True}, "takes port 6653", "systemctl disable"),
    ("netem", "note", {"netem": False}, "ignore delay and loss", "linux-modules-extra"),
    ("netem", "note", {"netem": None}, "only root", ""),
    ("htb", "note", {"htb": False}, "bandwidth", "linux-modules-extra"),
    ("congestion-control", "note", {"congestion_control": "bbr"}, "BBR", "cubic"),
    ("leftovers", "note", {"leftovers": ("run a-1: bridges, links",)}, "run a-1: bridges, links", "flowpath demo"),
    ("run", "note", {"live_run": "packet-flow of pid 9"}, "packet-flow of pid 9", ""),
]


@pytest.mark.parametrize(("identifier", "level", "changes", "text", "mends"), CASES)
def test_a_fault_is_named_and_so_is_what_mends_it(
    identifier: str, level: str, changes: dict[str, Any], text: str, mends: str
) -> None:
    facts = replace(HEALTHY, **changes)
    finding = found(facts)[identifier]
    assert finding.level == level
    assert text in finding.text
    assert mends in finding.command if mends else finding.command == ""
    assert demo_can_run(examine(facts)) == (level != "problem")


TEXT = st.text(st.characters(categories=("L", "N"), include_characters=" -:"), max_size=20)
FACTS = st.builds(
    Facts,
    environment=st.none() | st.builds(Environment, damaged=st.tuples(TEXT), missing=st.tuples(TEXT)) | st.just(WHOLE),
    programs=st.frozensets(st.sampled_from([*findings.PACKAGES, "tshark"])),
    open_vswitch=st.builds(OpenVSwitch, log_errors=st.tuples(TEXT)),
    listeners=st.lists(st.builds(Listener, st.sampled_from([6653, 8080]), st.integers(0, 9), TEXT)).map(tuple),
    python=st.tuples(st.just(3), st.integers(8, 15), st.integers(0, 20)),
    congestion_control=st.sampled_from(["bbr", "cubic", ""]),
    leftovers=st.tuples(TEXT),
)


@given(FACTS)
def test_any_machine_gets_findings_of_one_line_that_the_page_explains(facts: Facts) -> None:
    listed = examine(facts)
    for finding in listed:
        assert f"\n### {finding.id}\n" in PAGE
        assert finding.text
        assert "\n" not in finding.text + finding.command
        assert finding.command or finding.level != "problem" or (finding.id == "programs" and not facts.debian)
    assert len({finding.id for finding in listed}) == len(listed)


def test_the_page_explains_nothing_that_the_doctor_never_says() -> None:
    said = {identifier for identifier, *_ in CASES}
    assert set(re.findall(r"^### ([\w-]+)$", PAGE, re.MULTILINE)) == said


# ---------------------------------------------------------------- how it is told


def test_told_for_people() -> None:
    listed = [Finding("root", "ok", "you are root"), Finding("port-6653", "problem", "port taken " * 9, "sudo kill 7")]
    text = command.told(listed, colour=False, width=60)
    assert text.splitlines()[0] == "ok       you are root [root]"
    assert "           $ sudo kill 7" in text.splitlines()
    assert text.endswith("1 problem to mend before a demo can run.")
    assert max(map(len, text.splitlines())) <= 60
    assert re.sub(r"\x1b\[[\d;]*m", "", command.told(listed, colour=True, width=60)) == text


@pytest.mark.parametrize(("facts", "code"), [(HEALTHY, 0), (replace(HEALTHY, root=False), 1)])
def test_the_exit_code_says_whether_a_demo_can_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], facts: Facts, code: int
) -> None:
    monkeypatch.setattr(probes, "look", lambda: facts)
    assert command.run(argparse.Namespace(json=True)) == code
    said = json.loads(capsys.readouterr().out)
    assert said["demo_can_run"] == (code == 0)
    assert said["findings"][0].keys() == {"id", "level", "text", "command"}


def test_it_needs_nothing_but_python_and_judges_this_very_machine() -> None:
    # -S leaves out site-packages: the doctor is asked where nothing is set up.
    done = subprocess.run(
        [sys.executable, "-S", "-m", "experiments", "doctor", "--json"],
        cwd=HOME, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stderr == ""
    said = json.loads(done.stdout)
    assert done.returncode == (0 if said["demo_can_run"] else 1)
    by_id = {finding["id"]: finding for finding in said["findings"]}
    assert by_id["python"]["text"].endswith(".".join(map(str, sys.version_info[:3])))


# ---------------------------------------------------------------- probes


@pytest.mark.parametrize(
    ("status", "may"),
    [
        ("Name:\tx\nCapEff:\t000001ffffffffff\n", True),
        ("CapEff:\t00000000a80425fb\n", False),  # what docker leaves to root by default
        ("", False),
    ],
)
def test_capabilities(status: str, may: bool) -> None:
    assert probes.may_build_networks(status) == may


def test_errors_are_found_in_the_switch_s_log() -> None:
    log = (
        "e without its beginning\n"
        "2026-01-01T10:00:00.001Z|00042|dpif|WARN|failed to enumerate system datapaths: No such file or directory\n"
        "2026-01-01T10:00:00.002Z|00043|ofproto|ERR|failed to open datapath s1: Protocol | error\n"
    )
    assert probes.log_errors(log) == ("ofproto: failed to open datapath s1: Protocol | error",)


def test_version_of_open_vswitch() -> None:
    assert probes.version("ovs-vswitchd (Open vSwitch) 3.1.0\nDPDK 22.11.7\n") == "3.1.0"
    assert probes.version("") == ""


def distribution(folder: Path, name: str, files: dict[str, str], requires: tuple[str, ...] = ()) -> Path:
    """Install something made up, as pip records it."""
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir(parents=True)
    lines = ["Metadata-Version: 2.1", f"Name: {name}", "Version: 1.0", *(f"Requires-Dist: {line}" for line in requires)]
    (info / "METADATA").write_text("\n".join(lines) + "\n")
    for file, text in files.items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(text)
    (info / "RECORD").write_text("".join(f"{file},,\n" for file in [*files, f"{info.name}/METADATA"]))
    return info


def test_a_whole_environment(tmp_path: Path) -> None:
    distribution(tmp_path, "flowpath", {"finder.py": ""}, ("Ryu ==4.34", 'pytest>=8; extra == "test"'))
    distribution(tmp_path, "ryu", {"ryu/__init__.py": "", "ryu/__pycache__/x.pyc": ""})
    shutil.rmtree(tmp_path / "ryu" / "__pycache__")
    seen = environment.examine(tmp_path)
    assert seen.whole
    assert seen.versions == {"flowpath": "1.0", "ryu": "1.0"}


def test_an_environment_with_holes(tmp_path: Path) -> None:
    distribution(tmp_path, "flowpath", {"finder.py": ""}, ("ryu", "rich>=13", "networkx"))
    distribution(tmp_path, "ryu", {"ryu/__init__.py": "", "ryu/base.py": ""})
    (tmp_path / "ryu" / "base.py").unlink()
    (distribution(tmp_path, "networkx", {}) / "RECORD").unlink()
    seen = environment.examine(tmp_path)
    assert not seen.whole
    assert seen.damaged == ("networkx", "ryu")
    assert seen.missing == ("rich",)


def test_no_environment_at_all(tmp_path: Path) -> None:
    assert not environment.examine(tmp_path).whole
    assert probes.virtual_environment(tmp_path) is None
