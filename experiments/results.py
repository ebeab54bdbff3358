"""Where an experiment's results go, and what to write down about the machine that they come from."""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from experiments.errors import UserError

VARIABLE = "FLOWPATH_RESULTS"
"""Environment variable: the directory for results, ``results`` in the working directory if not set."""

PACKAGES = ("flowpath", "ryu", "eventlet", "mininet", "scapy", "networkx", "matplotlib", "rich", "jinja2")


def new_directory(experiment: str, base: Path | None = None, now: datetime | None = None) -> Path:
    """Make ``<base>/<experiment>/<UTC time>/``. Raises `UserError`."""
    parent = (base or Path(os.environ.get(VARIABLE, "results"))) / experiment
    name = (now or datetime.now(UTC)).strftime("%Y-%m-%dT%H-%M-%SZ")
    directory = parent / name
    missing = [folder for folder in (parent, *parent.parents) if not folder.exists()]
    try:
        parent.mkdir(parents=True, exist_ok=True)
        _give_to_user(missing)
        serial = 2
        while directory.exists():
            directory = parent / f"{name}-{serial}"
            serial += 1
        directory.mkdir()
    except OSError as error:
        raise UserError(f"results cannot be written to {directory}: {error.strerror}; choose another --out") from None
    return directory


def finish(directory: Path) -> None:
    """Results are complete: ``latest`` beside them points there, and under sudo they belong to who typed it."""
    link = directory.parent / "latest"
    if link.is_symlink() or not link.exists():
        fresh = link.with_name(f".latest-{os.getpid()}")
        fresh.symlink_to(directory.name)
        fresh.replace(link)
    _give_to_user([directory, *directory.rglob("*"), link])


def _give_to_user(paths: Iterable[Path]) -> None:
    """Under sudo, what a run made belongs to who typed it; what was there before is not touched."""
    uid, gid = os.environ.get("SUDO_UID"), os.environ.get("SUDO_GID")
    if os.geteuid() == 0 and uid and gid:
        for path in paths:
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
