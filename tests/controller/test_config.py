"""Options and applications: where they come from, and what is said when they make no sense."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from controller import apps, config
from controller.apps.learning_switch import LearningSwitch
from controller.config import Config, ConfigError
from controller.launcher import parse


def loaded(folder: Path, command_line: dict[str, Any] | None = None, /, **environment: str) -> Config:
    return config.load(command_line, environment, folder)


def test_defaults_work(tmp_path: Path) -> None:
    assert loaded(tmp_path) == Config()


def test_each_source_outweighs_the_one_before(tmp_path: Path) -> None:
    (tmp_path / "flowpath.toml").write_text('port = 1\nrest_port = 2\nidle_timeout = 3\napps = ["one", "two"]\n')
    environment = {"FLOWPATH_REST_PORT": "20", "FLOWPATH_IDLE_TIMEOUT": "30"}
    got = loaded(tmp_path, {"idle_timeout": "300"}, **environment)
    assert (got.port, got.rest_port, got.idle_timeout, got.apps) == (1, 20, 300, ("one", "two"))


def test_file_may_be_elsewhere(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("port = 7")
    assert loaded(Path("/"), FLOWPATH_CONFIG=str(path)).port == 7


@pytest.mark.parametrize(
    ("environment", "complaint"),
    [
        ({"FLOWPATH_PORT": "many"}, "FLOWPATH_PORT: 'many' is no whole number"),
        ({"FLOWPATH_PORT": "65536"}, "FLOWPATH_PORT: 65536 is not between 1 and 65535"),
        ({"FLOWPATH_IDLE_TIMEOUT": "-1"}, "FLOWPATH_IDLE_TIMEOUT: -1 is not between 0 and 65535"),
        ({"FLOWPATH_APPS": " , "}, "FLOWPATH_APPS: name at least one application"),
        ({"FLOWPATH_LOG_LEVEL": "loud"}, "FLOWPATH_LOG_LEVEL: 'loud' is none of debug, info"),
        ({"FLOWPATH_HOST": ""}, "FLOWPATH_HOST: '' is no address"),
        ({"FLOWPATH_CONFIG": "/no/such.toml"}, "/no/such.toml: No such file"),
    ],
)
def test_senseless_environment_is_told_in_one_line(tmp_path: Path, environment: dict[str, str], complaint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, **environment)
    assert str(caught.value).startswith(complaint)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("prot = 1", "there is no option 'prot'; there are apps, mode"),
        ("port = 1.5", "port: 1.5 is no whole number"),
        ("port = true", "port: True is no whole number"),
        ("apps = [1]", "apps: [1] is no list of applications"),
        ("port =", "Invalid value"),
    ],
)
def test_senseless_file_is_told_with_its_name(tmp_path: Path, content: str, complaint: str) -> None:
    path = tmp_path / "flowpath.toml"
    path.write_text(content)
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path)
    assert str(caught.value).startswith(f"{path}: {complaint}")


def test_launcher_takes_its_own_options_and_leaves_ryu_the_rest() -> None:
    ours, ryus = parse(["--apps", "a,b", "--verbose", "--rest-port=81", "ryu.app.ofctl_rest", "--log-file", "x"])
    assert ours == {"apps": "a,b", "rest_port": "81"}
    assert ryus == ["--verbose", "ryu.app.ofctl_rest", "--log-file", "x"]


# ---------------------------------------------------------------- applications


MINE = """
from controller.apps import App
from controller.model import Decision, Output, PortNo

class Hub(App):
    def packet_in(self, packet, network, now):
        return Decision("a hub knows nothing", release=(Output(PortNo.FLOOD),))
"""


def test_own_applications_are_known_by_name() -> None:
    app = apps.load("learning_switch", Config(idle_timeout=4))
    assert isinstance(app, LearningSwitch)
    assert app.idle_timeout == 4


def test_module_and_class() -> None:
    assert isinstance(apps.load("controller.apps.learning_switch:LearningSwitch", Config()), LearningSwitch)


def test_file_with_and_without_class(tmp_path: Path) -> None:
    path = tmp_path / "my_app.py"
    path.write_text(MINE)
    one, other = apps.load(f"{path}:Hub", Config()), apps.load(str(path), Config())
    assert type(one) is type(other)
    assert one.name == "Hub"


def test_package_may_have_its_class_in_a_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "my_package"
    folder.mkdir()
    (folder / "inner.py").write_text(MINE)
    (folder / "__init__.py").write_text("from my_package.inner import Hub")
    monkeypatch.syspath_prepend(tmp_path)
    assert apps.load("my_package:Hub", Config()).name == "Hub"


@pytest.mark.parametrize(
    ("spec", "complaint"),
    [
        ("teapot", "there is no application teapot; there are learning_switch"),
        ("no.such.module:Class", "there is no application no.such.module:Class"),
        ("controller.apps.learning_switch:Teapot", "application controller.apps.learning_switch:Teapot: name one of"),
        ("{folder}/missing.py:Hub", "application {folder}/missing.py:Hub: there is no file"),
        ("{folder}/broken.py:Hub", "application {folder}/broken.py:Hub does not load: SyntaxError"),
        ("{folder}/needy.py:Hub", "application {folder}/needy.py:Hub does not load: ModuleNotFoundError"),
        ("{folder}/empty.py", "application {folder}/empty.py: name one of the classes"),
        ("{folder}/failing.py", "application {folder}/failing.py: Hub does not start: KeyError"),
    ],
)
def test_application_that_cannot_be_loaded_is_told_in_one_line(tmp_path: Path, spec: str, complaint: str) -> None:
    (tmp_path / "broken.py").write_text("class Hub(:")
    (tmp_path / "needy.py").write_text("import no_such_module")
    (tmp_path / "empty.py").write_text("")
    (tmp_path / "failing.py").write_text(f"{MINE}\n    def __init__(self):\n        raise KeyError('x')\n")
    with pytest.raises(apps.AppError) as caught:
        apps.load(spec.format(folder=tmp_path), Config())
    assert str(caught.value).startswith(complaint.format(folder=tmp_path))
    assert "\n" not in str(caught.value)
