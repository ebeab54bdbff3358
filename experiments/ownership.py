"""Under sudo, what is written into the checkout belongs to its owner, who could not remove it otherwise."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

HOME = Path(__file__).resolve().parents[1]
SOURCES = ("controller", "experiments", "topologies")


def give_back_caches(home: Path = HOME, environment: Mapping[str, str] = os.environ) -> None:
    """Give the caches of compiled Python to the owner of the checkout, when that is who called sudo."""
    owner = home.stat()
    if os.geteuid() != 0 or environment.get("SUDO_UID", "0") == "0" or int(environment["SUDO_UID"]) != owner.st_uid:
        return
    for source in SOURCES:
        for cache in (home / source).rglob("__pycache__"):
            for path in (cache, *cache.iterdir()):
                with suppress(FileNotFoundError):  # a parallel start replaces these files
                    if path.lstat().st_uid == 0:
                        os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)
