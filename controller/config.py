"""Every option of the controller, in one typed place.

Defaults give way to the file, the file to the environment, the environment to the command line. The file is TOML,
``flowpath.toml`` in the working directory or the one that FLOWPATH_CONFIG names, with the options of :class:`Config`
as its keys; in the environment they are called FLOWPATH_APPS, FLOWPATH_IDLE_TIMEOUT and so on.
"""

from __future__ import annotations

import dataclasses
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FILE = "flowpath.toml"
CHOICES = {
    "mode": ("reactive", "proactive", "fast-failover"),
    "granularity": ("mac", "ip", "flow"),
    "log_level": ("debug", "info", "warning", "error"),
}
"""The options whose values can be listed."""


class ConfigError(Exception):
    """An option that makes no sense. The text is one line: what was wrong, where, and what is possible."""


@dataclass(frozen=True, slots=True)
class Config:
    """What the controller does when it is told nothing else."""

    apps: tuple[str, ...] = ("routing",)
    """Applications in the order in which they are asked: a name, ``module:Class`` or ``file.py:Class``."""
    mode: str = "reactive"
    """How routing works: ``reactive`` (a flow's first packet asks), ``proactive`` (a rule for every known host on every
    switch), ``fast-failover`` (proactive, and the switches go around a failed cable by themselves)."""
    granularity: str = "mac"
    """What one flow is to reactive routing: a pair of MACs, a pair of IPs (``ip``), or a connection (``flow``)."""
    idle_timeout: int = 60
    """Seconds after which a switch forgets a reactive flow that nobody uses; 0 for never."""
    host: str = "0.0.0.0"
    """Address at which switches are awaited."""
    port: int = 6653
    rest_host: str = "127.0.0.1"
    """Address of the REST interface; whoever reaches it can ask everything."""
    rest_port: int = 8080
    log_level: str = "info"


def load(
    command_line: Mapping[str, Any] | None = None,
    environment: Mapping[str, str] = os.environ,
    folder: Path = Path(),
) -> Config:
    """The configuration in force. ``command_line`` holds only what was said there. Raises ConfigError."""
    named = environment.get("FLOWPATH_CONFIG")
    path = Path(named) if named else folder / FILE
    values = _from_file(path) if named or path.is_file() else {}
    for name in _NAMES:
        variable = f"FLOWPATH_{name.upper()}"
        if variable in environment:
            values[name] = _checked(name, environment[variable], variable)
    for name, value in (command_line or {}).items():
        values[name] = _checked(name, value, f"--{name.replace('_', '-')}")
    return Config(**values)


_NAMES = tuple(field.name for field in dataclasses.fields(Config))


def _from_file(path: Path) -> dict[str, Any]:
    try:
        content = tomllib.loads(path.read_text())
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or error}") from None
    except ValueError as error:
        raise ConfigError(f"{path}: {error}") from None
    for name in content:
        if name not in _NAMES:
            raise ConfigError(f"{path}: there is no option {name!r}; there are {', '.join(_NAMES)}")
    return {name: _checked(name, value, f"{path}: {name}") for name, value in content.items()}


def _checked(name: str, value: Any, where: str) -> Any:
    """The value of an option in its type; text is what the environment and the command line have."""
    match name:
        case "apps":
            return _apps(value, where)
        case "port" | "rest_port":
            return _number(value, where, 1, 65535)
        case "idle_timeout":
            return _number(value, where, 0, 65535)
        case "mode" | "granularity" | "log_level":
            if str(value).lower() not in CHOICES[name]:
                raise ConfigError(f"{where}: {value!r} is none of {', '.join(CHOICES[name])}")
            return str(value).lower()
    if not isinstance(value, str) or not value:
        raise ConfigError(f"{where}: {value!r} is no address")
    return value


def _apps(value: Any, where: str) -> tuple[str, ...]:
    names = value.split(",") if isinstance(value, str) else value
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise ConfigError(f"{where}: {value!r} is no list of applications")
    apps = tuple(name.strip() for name in names if name.strip())
    if not apps:
        raise ConfigError(f"{where}: name at least one application, for instance routing")
    return apps


def _number(value: Any, where: str, least: int, most: int) -> int:
    try:
        if isinstance(value, bool | float):
            raise ValueError
        number = int(value)
    except (TypeError, ValueError):
        raise ConfigError(f"{where}: {value!r} is no whole number") from None
    if not least <= number <= most:
        raise ConfigError(f"{where}: {number} is not between {least} and {most}")
    return number
