"""The shell side: ./flowpath, scripts/setup. A stand-in for pip notes what it is asked, so nothing is downloaded."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

HOME = Path(__file__).resolve().parents[1]
SCRIPTS = [HOME / "flowpath", HOME / "scripts" / "setup", HOME / "scripts" / "test", HOME / ".ci" / "run"]

PIP = """
import os, pathlib, sys
with open(os.environ["PIP_CALLS"], "a") as calls:
    print(*sys.argv[1:], "| constraint", os.environ.get("PIP_CONSTRAINT"), file=calls)
if "--help" in sys.argv:
    print(os.environ.get("PIP_HELP", ""))
elif os.environ.get("PIP_BLOCKS", "none") in sys.argv:
    print("begun", flush=True)
    open(os.environ["PIP_BEGUN"], "w").close()
    sys.stdin.close()
    import signal
    signal.pause()
elif os.environ.get("PIP_FAILS", "none") in sys.argv:
    sys.exit("ERROR: the index is on the moon")
manager = pathlib.Path(sys.prefix, "bin", "ryu-manager")
manager.write_text("#!/bin/sh\\n")
manager.chmod(0o755)
"""


@dataclass
class Checkout:
    """A copy of what the set-up consists of, below a path with spaces, and a world in which pip is ours."""

    home: Path
    world: Path
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("flowpath", "setup.cfg", "pyproject.toml", "scripts", "experiments/usage.txt"):
            target = self.home / name
            target.parent.mkdir(parents=True, exist_ok=True)
            copy = shutil.copytree if (HOME / name).is_dir() else shutil.copy2
            copy(HOME / name, target)
        for name, text in {
            "pip/__init__.py": "",
            "pip/__main__.py": PIP,
            "controller/__init__.py": "",
            "controller/ryu_startup.py": "import sys; open(sys.prefix + '/ryu-can-start', 'w').close()",
            "experiments/__init__.py": "",
            "experiments/__main__.py": "import os, sys; print('cli', sys.argv[1:], 'in', os.getcwd())",
            "experiments/doctor/__init__.py": "",
            "experiments/doctor/environment.py": "",
        }.items():
            (self.world / name).parent.mkdir(parents=True, exist_ok=True)
            (self.world / name).write_text(text)
        # sudo tells who called it; these tests speak of no sudo unless they say so.
        inherited = {key: value for key, value in os.environ.items() if not key.startswith(("SUDO_", "PIP_", "PYTHON"))}
        self.environment = {
            **inherited,
            "PYTHONPATH": str(self.world),
            "PIP_CALLS": str(self.world / "calls"),
            "PIP_BEGUN": str(self.world / "begun"),
        }

    @property
    def venv(self) -> Path:
        return self.home / ".venv"

    def run(self, *command: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
        return run(command, {**self.environment, **environment}, cwd=self.world)

    def setup(self, level: str = "python", **environment: str) -> subprocess.CompletedProcess[str]:
        return self.run(self.home / "scripts" / "setup", level, **environment)

    def pip_calls(self) -> list[str]:
        calls = self.world / "calls"
        lines = calls.read_text().splitlines() if calls.exists() else []
        calls.unlink(missing_ok=True)
        return lines


def run(command: tuple[str | Path, ...], environment: Mapping[str, str], cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        env=environment,
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
        check=False,
    )


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path / "a newcomer's" / "flow path", tmp_path / "world")


def only_basics(folder: Path, *without: str) -> str:
    """A PATH with the tools that every Linux has, and none of those that Flowpath installs."""
    folder.mkdir()
    basics = "bash cat chown cut dirname env find flock grep id mkdir mv readlink rm sed sha256sum sort stat tail tee"
    for name in basics.split():
        if name not in without:
            (folder / name).symlink_to(str(shutil.which(name)))
    return str(folder)


# ---------------------------------------------------------------- the scripts themselves


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_script_is_executable_and_parses(script: Path) -> None:
    assert os.access(script, os.X_OK)
    assert run(("bash", "-n", script), os.environ, HOME).stderr == ""


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_shellcheck_is_content(script: Path) -> None:
    assert run(("shellcheck", script), os.environ, HOME).stdout == ""


# ---------------------------------------------------------------- ./flowpath before anything is set up


def test_help_needs_no_set_up_and_works_through_a_link_from_anywhere(checkout: Checkout) -> None:
    link = checkout.world / "flowpath"
    link.symlink_to(checkout.home / "flowpath")
    for arguments in ([], ["--help"], ["help"]):
        done = checkout.run(link, *arguments)
        assert done.returncode == 0
        assert done.stdout == (HOME / "experiments" / "usage.txt").read_text()
    assert not checkout.venv.exists()


def test_asking_what_a_command_can_do_sets_nothing_up(checkout: Checkout) -> None:
    done = checkout.run(checkout.home / "flowpath", "demo", "--help")
    assert done.returncode == 0
    assert done.stdout.endswith((HOME / "experiments" / "usage.txt").read_text())
    assert not checkout.venv.exists()


def test_version_comes_from_setup_cfg(checkout: Checkout) -> None:
    assert re.fullmatch(r"flowpath \d+\.\d+\.\d+\n", checkout.run(checkout.home / "flowpath", "--version").stdout)


def test_an_unknown_command_sets_nothing_up(checkout: Checkout) -> None:
    done = checkout.run(checkout.home / "flowpath", "dmeo")
    assert done.returncode == 2
    assert done.stderr.startswith("flowpath: there is no command 'dmeo'")
    assert not checkout.venv.exists()


# ---------------------------------------------------------------- set-up


def test_first_start_sets_up_and_the_second_finds_it_done(checkout: Checkout) -> None:
    first = checkout.run(checkout.home / "flowpath", "capture", "--read", "x y")
    assert first.returncode == 0, first.stderr
    assert first.stdout.endswith(f"cli ['capture', '--read', 'x y'] in {checkout.world}\n")
    assert [line for line in checkout.pip_calls() if " ryu==4.34 " in line]
    assert (checkout.venv / "ryu-can-start").exists()

    second = checkout.run(checkout.home / "flowpath", "capture")
    assert second.stdout == f"cli ['capture'] in {checkout.world}\n"
    assert checkout.pip_calls() == []


@pytest.mark.parametrize(
    ("pip_help", "expected"),
    [
        (
            "  --build-constraint <file>",
            r"install .*--build-constraint scripts/ryu-build-\S* ryu==4.34 .*None$",
        ),
        ("  --constraint <file>", r"install .* ryu==4.34 \| constraint file:///\S*/flow%20path/scripts/ryu-build\S*$"),
    ],
    ids=["new pip", "old pip"],
)
def test_ryu_is_built_with_its_constraint(checkout: Checkout, pip_help: str, expected: str) -> None:
    assert checkout.setup(PIP_HELP=pip_help).returncode == 0
    ryu, flowpath = [line for line in checkout.pip_calls() if "--help" not in line]
    assert re.match(expected, ryu)
    assert re.match(r"install --editable \. \| constraint None", flowpath)


def test_tests_want_more_and_keep_it(checkout: Checkout) -> None:
    checkout.setup()
    checkout.pip_calls()
    tshark = checkout.world / "bin"
    tshark.mkdir()
    for name in (
        "tshark",
        "mnexec",
        "ovs-vswitchd",
        "iperf3",
        "ethtool",
        "tcpdump",
        "ping",
        "ip",
        "tc",
        "ifconfig",
        "ps",
    ):
        (tshark / name).symlink_to("/bin/true")
    path = f"{tshark}:{os.environ['PATH']}"
    assert checkout.setup("test", PATH=path).returncode == 0
    assert "install --editable .[test] | constraint None" in checkout.pip_calls()

    with (checkout.home / "setup.cfg").open("a") as file:
        file.write("# changed\n")
    assert checkout.setup().returncode == 0
    assert "install --editable .[test] | constraint None" in checkout.pip_calls()


def test_a_changed_requirement_updates_the_environment_in_place(checkout: Checkout) -> None:
    checkout.setup()
    checkout.pip_calls()
    (checkout.venv / "kept").touch()
    with (checkout.home / "setup.cfg").open("a") as file:
        file.write("# changed\n")
    assert checkout.setup().returncode == 0
    assert checkout.pip_calls() != []
    assert (checkout.venv / "kept").exists()


def test_an_environment_that_moved_is_built_anew(checkout: Checkout) -> None:
    checkout.setup()
    (checkout.venv / "stale").touch()
    moved = checkout.home.with_name("elsewhere")
    checkout.home.rename(moved)
    checkout.home = moved
    assert checkout.setup().returncode == 0
    assert not (checkout.venv / "stale").exists()


def test_a_failing_step_says_which_and_why_and_the_next_start_begins_anew(checkout: Checkout) -> None:
    failed = checkout.setup(PIP_FAILS="ryu==4.34")
    assert failed.returncode == 2
    assert 'the set-up failed at "Ryu" with exit code 1' in failed.stderr
    assert "    ERROR: the index is on the moon" in failed.stderr
    assert "pip must reach a package index" in failed.stderr
    assert not (checkout.venv / ".flowpath").exists()

    (checkout.venv / "half").touch()
    assert checkout.setup().returncode == 0
    assert not (checkout.venv / "half").exists()
    assert (checkout.venv / ".flowpath").exists()


def test_an_interrupted_set_up_is_never_taken_for_whole(checkout: Checkout) -> None:
    os.mkfifo(checkout.world / "begun")
    process = subprocess.Popen(
        [checkout.home / "scripts" / "setup", "python"],
        env={**checkout.environment, "PIP_BLOCKS": "ryu==4.34"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    (checkout.world / "begun").open().close()  # returns when pip has begun
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "interrupted" in said
    assert not (checkout.venv / ".flowpath").exists()

    (checkout.venv / "half").touch()
    assert checkout.setup().returncode == 0
    assert not (checkout.venv / "half").exists()


def test_somebody_elses_environment_is_used_but_never_removed(checkout: Checkout) -> None:
    checkout.venv.mkdir(parents=True)
    (checkout.venv / "pyvenv.cfg").touch()
    (checkout.venv / "theirs").touch()
    done = checkout.setup()
    assert done.returncode == 2
    assert "was not made by Flowpath" in done.stderr
    assert (checkout.venv / "theirs").exists()


# ---------------------------------------------------------------- Debian packages


def test_another_distribution_is_told_the_packages(checkout: Checkout) -> None:
    path = only_basics(checkout.world / "bin")
    done = checkout.setup("network", PATH=path)
    assert done.returncode == 2
    assert "neither Debian nor Ubuntu" in done.stderr
    assert " mininet " in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not checkout.venv.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become somebody else")
def test_without_root_it_says_what_root_is_needed_for(checkout: Checkout) -> None:
    path = only_basics(checkout.world / "bin")
    (checkout.world / "bin" / "apt-get").symlink_to("/bin/false")
    for folder in [*checkout.home.parents][: len(checkout.home.parts) - 2]:
        if folder.owner() == "root" and folder not in (Path("/"), Path("/tmp")):
            folder.chmod(0o755)
    nobody = (shutil.which("setpriv") or "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
    done = checkout.run(*nobody, checkout.home / "scripts" / "setup", "network", PATH=path)
    assert done.returncode == 2
    assert re.match(
        r"flowpath: root is needed once, to install Debian packages: .*mininet.*\. Type: sudo ", done.stderr
    )
    assert not checkout.venv.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="packages are installed by root only")
def test_missing_packages_are_installed_and_lists_are_fetched_only_when_needed(checkout: Checkout) -> None:
    path = only_basics(checkout.world / "bin")
    calls = checkout.world / "apt"
    tool = f'#!/bin/sh\necho "${{0##*/}} $DEBIAN_FRONTEND $*" >>{calls}\n'
    knows_all_but_mininet = tool + '[ "$3" != mininet ]\n'
    for name, text in {"apt-get": tool, "dpkg": tool, "apt-cache": knows_all_but_mininet}.items():
        (checkout.world / "bin" / name).write_text(text)
        (checkout.world / "bin" / name).chmod(0o755)
    assert checkout.setup("network", PATH=path).returncode == 0
    asked = [line for line in calls.read_text().splitlines() if not line.startswith("apt-cache")]
    assert asked[:2] == ["dpkg noninteractive --configure -a", "apt-get noninteractive update"]
    assert re.match(r"apt-get noninteractive install -y --no-install-recommends .* -- .*mininet", asked[2])
    assert "testcontroller" not in calls.read_text()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_under_sudo_the_environment_belongs_to_the_owner_of_the_checkout(checkout: Checkout) -> None:
    for path in (checkout.home, *checkout.home.rglob("*")):
        os.chown(path, 65534, 65534)
    assert checkout.setup(SUDO_UID="65534", SUDO_GID="65534").returncode == 0
    assert {path.lstat().st_uid for path in checkout.venv.rglob("*")} == {65534}
