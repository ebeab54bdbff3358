"""The README keeps its promises: its application runs, its links lead somewhere, its commands are those there are."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from scapy.layers.inet import ICMP, IP
from scapy.layers.l2 import ARP, Ether

from controller.apps import load
from controller.config import Config
from controller.model import Match, SwitchUp
from controller.network_os import NetworkOS
from controller.southbound.wire import MessageType
from tests.southbound import switch_words

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
H1, H2 = "02:00:00:00:00:01", "02:00:00:00:00:02"


@pytest.fixture
def network_os(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> NetworkOS:
    """The README's application before the learning switch, as the README starts them."""
    example = re.search(r"```python\n# (\w+\.py)\n(.*?)```", README, re.DOTALL)
    apps = re.search(r"controller --apps (\S+)", README)
    assert example is not None
    assert apps is not None
    (tmp_path / example[1]).write_text(example[2])
    assert len(example[2].strip().splitlines()) <= 16
    monkeypatch.chdir(tmp_path)
    config = Config()
    return NetworkOS([load(spec, config) for spec in apps[1].split(",")])


def ask(network_os: NetworkOS, packet: Ether) -> list[int]:
    """The kinds of messages that switch 1 gets for a packet that came by port 1."""
    outgoing = network_os.packet_in(1, switch_words.packet_in(Match(in_port=1), bytes(packet)), 1.0)
    return [message[1] for _, message in outgoing]


def test_application_of_the_readme_drops_pings_and_leaves_the_rest(network_os: NetworkOS) -> None:
    network_os.switch_up(SwitchUp(1), 0.0)
    ping = Ether(src=H1, dst=H2) / IP(src="10.0.0.1", dst="10.0.0.2") / ICMP()
    assert ask(network_os, ping) == [MessageType.FLOW_MOD]
    assert network_os.recent(1)[0].decision.reason == "no pings here"
    ask(network_os, Ether(src=H1, dst="ff:ff:ff:ff:ff:ff") / ARP(psrc="10.0.0.1", pdst="10.0.0.2"))
    assert network_os.recent(1)[0].app == "learning_switch"
    assert not network_os.failures


def test_links_lead_to_files_of_the_repository() -> None:
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    for page in pages:
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text()):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_commands_exist_and_explain_themselves() -> None:
    said = set(re.findall(r"\./flowpath ([a-z]+)", README)) - {"setup", "test"}
    assert {"demo", "capture", "controller", "doctor"} <= said
    for command in sorted(said):
        run = subprocess.run(
            [ROOT / "flowpath", command, "--help"], capture_output=True, text=True, check=False, timeout=60
        )
        assert run.returncode == 0, run.stderr
        assert f"flowpath {command}" in run.stdout


def test_ci_runs_the_test_command_of_the_readme() -> None:
    assert "sudo ./flowpath test" in README
    assert "./flowpath test" in (ROOT / ".ci" / "run").read_text()
