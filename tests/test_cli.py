"""The command line: which module runs, what a failure looks like, what it costs to ask for help."""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Protocol

import pytest

from experiments import cli, ownership
from experiments import run as run_command
from experiments.errors import Exit, UserError

HOME = Path(__file__).resolve().parents[1]


class Command(ModuleType):
    """A command that does as its test says; its only argument is ``--times N``."""

    def __init__(self, outcome: BaseException | int) -> None:
        super().__init__("tests.made_up_command", "Does what the test wants.")
        self.outcome = outcome
        self.times: int | None = None

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--times", type=int, default=1)

    def run(self, args: argparse.Namespace) -> int:
        self.times = args.times
        if isinstance(self.outcome, BaseException):
            raise self.outcome
        return self.outcome


class Install(Protocol):
    """Puts a command called ``made-up`` into a table of commands."""

    def __call__(self, outcome: BaseException | int, table: dict[str, str] = ...) -> Command: ...


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Install:
    def add(outcome: BaseException | int, table: dict[str, str] = cli.COMMANDS) -> Command:
        command = Command(outcome)
        monkeypatch.setitem(sys.modules, command.__name__, command)
        monkeypatch.setitem(table, "made-up", command.__name__)
        return command

    return add


@pytest.mark.parametrize("outcome", [Exit.FINE, Exit.NOT_SHOWN, Exit.USAGE])
def test_the_command_s_answer_is_the_exit_code(install: Install, outcome: int) -> None:
    command = install(outcome)
    assert cli.main(["made-up", "--times", "3"]) == outcome
    assert command.times == 3


def test_an_experiment_is_found_below_run(install: Install) -> None:
    command = install(Exit.NOT_SHOWN, run_command.EXPERIMENTS)
    assert cli.main(["run", "made-up", "--times", "2"]) == Exit.NOT_SHOWN
    assert command.times == 2


def test_a_user_s_error_is_one_line_and_exit_code_2(install: Install, capsys: pytest.CaptureFixture[str]) -> None:
    install(UserError("port 6653 is taken by pid 7; stop it"))
    assert cli.main(["made-up"]) == 2
    assert capsys.readouterr().err == "flowpath: port 6653 is taken by pid 7; stop it\n"


def test_a_wrong_topology_is_a_user_s_error(install: Install, capsys: pytest.CaptureFixture[str]) -> None:
    install(import_module("topologies").TopologyError("linear:x: not a number"))
    assert cli.main(["made-up"]) == 2
    assert capsys.readouterr().err == "flowpath: linear:x: not a number\n"


def test_a_defect_of_ours_keeps_its_traceback(install: Install) -> None:
    install(ZeroDivisionError("ours"))
    with pytest.raises(ZeroDivisionError):
        cli.main(["made-up"])


def test_ctrl_c_is_130(install: Install, capsys: pytest.CaptureFixture[str]) -> None:
    install(KeyboardInterrupt())
    assert cli.main(["made-up"]) == 130
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["dmeo"], "there is no command 'dmeo'; did you mean demo? (all of them: flowpath --help)"),
        (["xyzzy"], "there is no command 'xyzzy'; (all of them: flowpath --help)"),
        (["run", "paket-flow"], "there is no experiment 'paket-flow'; did you mean packet-flow? "),
        (["run"], "the following arguments are required: NAME (see: flowpath run --help)"),
        (["doctor", "--jsn"], "unrecognized arguments: --jsn (see: flowpath doctor --help)"),
    ],
)
def test_a_wrong_word_is_one_line_with_a_suggestion(
    capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert cli.main(arguments) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("arguments", [[], ["-h"], ["--help"], ["help"]])
def test_help_is_the_usage_page(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    assert cli.main(arguments) == 0
    assert capsys.readouterr().out == cli.USAGE.read_text()


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--version"]) == 0
    assert re.fullmatch(r"flowpath \d+\.\d+\.\d+\n", capsys.readouterr().out)


def test_help_imports_nothing_but_python() -> None:
    code = (
        "import sys; from experiments.cli import main; main(['--help'])\n"
        "print(*sorted(sys.modules.keys() & {'networkx', 'scapy', 'rich', 'matplotlib', 'mininet', 'ryu', 'eventlet'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == ""


def test_a_reader_that_leaves_early_gets_no_complaint() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "w") as closed:
        done = subprocess.run(
            [sys.executable, "-m", "experiments", "--help"], stdout=closed, stderr=subprocess.PIPE, check=False
        )
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize(
    ("table", "name"),
    [(table, name) for table in (cli.COMMANDS, run_command.EXPERIMENTS) for name in table],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_every_command_has_its_module_with_options_explained(table: dict[str, str], name: str) -> None:
    module = import_module(table[name])
    parser = cli.Parser(prog=name)
    module.add_arguments(parser)
    assert callable(module.run)
    assert (module.__doc__ or "").strip()
    silent = [action.dest for action in parser._actions if not action.help]
    assert not silent, f"without help: {silent}"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_under_sudo_the_caches_go_to_the_owner_of_the_checkout(tmp_path: Path) -> None:
    cache = tmp_path / "controller" / "apps" / "__pycache__"
    cache.mkdir(parents=True)
    (cache / "routing.pyc").touch()
    os.chown(tmp_path, 1234, 1234)

    ownership.give_back_caches(tmp_path, {})
    ownership.give_back_caches(tmp_path, {"SUDO_UID": "4321"})
    assert cache.stat().st_uid == 0
    ownership.give_back_caches(tmp_path, {"SUDO_UID": "1234"})
    assert {cache.stat().st_uid, (cache / "routing.pyc").stat().st_uid} == {1234}


@pytest.mark.parametrize("name", [*cli.COMMANDS, *cli.EXECUTED])
def test_every_command_is_on_the_usage_page_and_known_to_the_script(name: str) -> None:
    assert re.search(rf"^  {name} ", cli.USAGE.read_text(), re.MULTILINE)
    assert re.search(rf"^    (?:.* \| )?{name}(?: \| .*)?\)$", (HOME / "flowpath").read_text(), re.MULTILINE)


def test_every_experiment_is_named_on_the_usage_page() -> None:
    usage = cli.USAGE.read_text()
    assert [name for name in run_command.EXPERIMENTS if name not in usage] == []
