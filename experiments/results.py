"""Where an experiment's results go, and what to write down about the machine that they come from."""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from experiments.errors import UserError

VARIABLE = "FLOWPATH_RESULTS"
"""Environment variable: the directory for results, ``results`` in the working directory if not set."""

PACKAGES = ("flowpath", "ryu", "eventlet", "mininet", "scapy", "networkx", "matplotlib", "rich", "jinja2")


def new_directory(experiment: str, base: Path | None = None, now: datetime | None = None) -> Path:
    """Make ``<base>/<experiment>/<UTC time>/`` and let ``latest`` beside it point there. Raises `UserError`."""
    parent = (base or Path(os.environ.get(VARIABLE, "results"))) / experiment
    name = (now or datetime.now(UTC)).strftime("%Y-%m-%dT%H-%M-%SZ")
    directory = parent / name
    try:
        parent.mkdir(parents=True, exist_ok=True)
        serial = 2
        while directory.exists():
            directory = parent / f"{name}-{serial}"
            serial += 1
        directory.mkdir()
        _point(parent / "latest", directory.name)
    except OSError as error:
        raise UserError(f"results cannot be written to {directory}: {error.strerror}; choose another --out") from None
    return directory


def _point(link: Path, target: str) -> None:
    """Let a symbolic link point to ``target``, in one step; something else of that name is left alone."""
    if link.exists() and not link.is_symlink():
        return
    fresh = link.with_name(f".{link.name}-{os.getpid()}")
    fresh.symlink_to(target)
    fresh.replace(link)


def give_to_user(directory: Path) -> None:
    """Under sudo, let the results belong to who typed it: the directory, all in it, and those above that are new."""
    uid, gid = os.environ.get("SUDO_UID"), os.environ.get("SUDO_GID")
    if os.geteuid() != 0 or not uid or not gid:
        return
    ours = [directory, *directory.rglob("*"), directory.parent, directory.parent.parent, directory.parent / "latest"]
    for path in ours:
        if path.lstat().st_uid == 0:
            os.chown(path, int(uid), int(gid), follow_symlinks=False)


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write a result for people and programs alike."""
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def machine() -> dict[str, Any]:
    """The machine in a few facts."""
    return {
        "system": _os_name(),
        "kernel": platform.release(),
        "architecture": platform.machine(),
        "processor": _field("/proc/cpuinfo", "model name"),
        "processors": len(os.sched_getaffinity(0)),
        "memory": _field("/proc/meminfo", "MemTotal"),
    }


def versions() -> dict[str, str]:
    """The versions of all that takes part."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    for name, command in (("open vswitch", ("ovs-vswitchd", "--version")), ("ping", ("ping", "-V"))):
        if shutil.which(command[0]):
            said = subprocess.run(command, capture_output=True, text=True, check=False, timeout=10).stdout
            if number := re.search(r"[0-9]+(\.[0-9]+)+|[0-9]{8}", said):
                found[name] = number[0]
    return found


def _os_name() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return platform.system()


def _field(path: str, name: str) -> str:
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(name)), "")
