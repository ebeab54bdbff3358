"""Whether a virtual environment is whole: a set-up cut short leaves packages of which files are missing."""

from __future__ import annotations

import csv
import re
import sys
from dataclasses import dataclass, field
from importlib.metadata import Distribution, distributions
from pathlib import Path


@dataclass(frozen=True)
class Environment:
    """What is installed under one site-packages folder."""

    versions: dict[str, str] = field(default_factory=dict)
    """Distribution -> version, for what is there completely."""
    damaged: tuple[str, ...] = ()
    """Distributions of which files are missing."""
    missing: tuple[str, ...] = ()
    """What Flowpath requires and is not there at all."""

    @property
    def whole(self) -> bool:
        """Whether Flowpath itself and all that it requires are there completely."""
        return "flowpath" in self.versions and not self.damaged and not self.missing


def examine(site_packages: Path) -> Environment:
    """Compare what is installed in ``site_packages`` with the lists of files that came with it (takes about 0.3 s)."""
    versions: dict[str, str] = {}
    damaged: list[str] = []
    required: set[str] = set()
    for distribution in distributions(path=[str(site_packages)]):
        name = _normal(distribution.metadata["Name"] or "unnamed")
        if not _complete(distribution):
            damaged.append(name)
            continue
        versions[name] = distribution.version
        if name == "flowpath":
            required = {_requirement(line) for line in distribution.requires or () if "extra ==" not in line}
    return Environment(versions, tuple(sorted(damaged)), tuple(sorted(required - versions.keys() - set(damaged))))


def _complete(distribution: Distribution) -> bool:
    """Whether every file of a distribution exists; compiled Python may be missing, the interpreter makes it again."""
    # Not distribution.files: since Python 3.12 that leaves out exactly the files that are missing.
    record = distribution.read_text("RECORD")
    paths = [row[0] for row in csv.reader((record or "").splitlines()) if row]
    return bool(paths) and all(
        path.endswith(".pyc") or Path(str(distribution.locate_file(path))).exists() for path in paths
    )


def _requirement(line: str) -> str:
    """The distribution that a requirement names: ``Jinja2>=3.1; python_version...`` -> ``jinja2``."""
    found = re.match(r"[A-Za-z0-9._-]+", line)
    return _normal(found.group()) if found else line


def _normal(name: str) -> str:
    """A distribution's name as comparisons need it (Python packaging specification, name normalization)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def main() -> int:
    """Examine the environment of this very Python; 1 and a line for each fault if it is not whole."""
    environment = examine(Path(sys.prefix, "lib", f"python{sys.version_info[0]}.{sys.version_info[1]}/site-packages"))
    for name in environment.damaged:
        print(f"{name}: files are missing")
    for name in environment.missing:
        print(f"{name}: not installed")
    return 0 if environment.whole else 1


if __name__ == "__main__":
    sys.exit(main())
