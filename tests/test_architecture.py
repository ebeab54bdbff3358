"""The walls of docs/architecture.md, held against every import statement of the project."""

from __future__ import annotations

import ast
import configparser
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

HOME = Path(__file__).resolve().parents[1]
PACKAGES = ("controller", "topologies", "experiments")
LONGEST_FILE = 400

MAY_IMPORT = {
    "controller.model": {"controller.model"},
    "controller.config": {"controller.config"},
    "controller.southbound": {"controller.southbound", "controller.model"},
    "controller.services": {"controller.services", "controller.southbound", "controller.model"},
    "controller.apps": {
        "controller.apps", "controller.services", "controller.southbound.frames", "controller.model",
        "controller.config",
    },
    "controller.network_os": {
        "controller.network_os", "controller.apps", "controller.services", "controller.southbound", "controller.model",
        "controller.config",
    },
    "controller.northbound": {
        "controller.northbound", "controller.network_os", "controller.services", "controller.model",
        "controller.config",
    },
    "controller": {"controller"},
    "topologies": {"topologies", "controller"},
    "experiments": {"experiments", "topologies"},
    "experiments.benchmarks": {"experiments", "topologies", "controller"},
}  # fmt: skip
"""Room -> the rooms of ours that it may import; the longest name that fits a module counts."""

OUTSIDERS = {
    "ryu": ("controller.app", "controller.launcher", "controller.southbound.channel"),
    "mininet": ("topologies.mininet_net",),
    "scapy": ("experiments.capture",),
}
"""Third party -> the only rooms that may know it."""

DISTRIBUTIONS = {"yaml": "pyyaml"}
"""Third party -> what its distribution is called, where that differs."""

PURE = ("controller.model", "controller.services", "controller.apps", "controller.network_os", "controller.southbound")
IMPURE = ("controller.southbound.channel",)
WORLD = {"asyncio", "eventlet", "select", "selectors", "socket", "subprocess", "threading", "time"}
"""What pure parts do without: they are told what time it is, and hold no sockets, threads or greenlets."""


def modules(*packages: str) -> Iterator[tuple[str, Path]]:
    for package in packages:
        for path in sorted((HOME / package).rglob("*.py")):
            parts = path.relative_to(HOME).with_suffix("").parts
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


def imports(module: str, path: Path, tree: ast.Module | None = None) -> Iterator[tuple[str, bool]]:
    """The full name of everything that a module imports, wherever it does, and whether only for type checkers."""
    tree = tree or ast.parse(path.read_text())
    for_types = {id(node) for block in ast.walk(tree) if _is_for_types(block) for node in ast.walk(block)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, id(node) in for_types) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                package = module if path.name == "__init__.py" else module.rpartition(".")[0]
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, base]).rstrip(".")
            yield from ((f"{base}.{alias.name}", id(node) in for_types) for alias in node.names)


def _is_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def within(name: str, room: str) -> bool:
    return name == room or name.startswith(room + ".")


def breaches(module: str, imported: Iterator[tuple[str, bool]]) -> list[str]:
    """The imports of a module that go through a wall; a third party may be named for type checkers anywhere."""
    found = []
    home = max((room for room in MAY_IMPORT if within(module, room)), key=len)
    pure = any(within(module, room) for room in PURE) and not any(within(module, room) for room in IMPURE)
    for name, for_types in imported:
        top = name.partition(".")[0]
        upward = top in PACKAGES and not any(within(name, room) or within(room, name) for room in MAY_IMPORT[home])
        foreign = top in OUTSIDERS and not for_types and not any(within(module, room) for room in OUTSIDERS[top])
        if upward or foreign or (pure and top in WORLD):
            found.append(f"{module} imports {name}")
    return found


def test_every_import_follows_the_arrows() -> None:
    found = [breach for module, path in modules(*PACKAGES) for breach in breaches(module, imports(module, path))]
    assert not found, "\n".join(found)


def test_neighbours_use_only_pure_parts_of_the_controller() -> None:
    forbidden = ("controller.app", "controller.launcher", "controller.southbound.channel")
    found = [
        f"{module} imports {name}"
        for module, path in modules("topologies", "experiments")
        for name, _ in imports(module, path)
        if any(within(name, room) for room in forbidden)
    ]
    assert not found, "\n".join(found)


def test_every_third_party_is_a_declared_requirement() -> None:
    setup = configparser.ConfigParser()
    setup.read(HOME / "setup.cfg")
    declared = set(re.findall(r"^[a-z0-9]+", setup["options"]["install_requires"], re.MULTILINE))
    third_parties = {
        name.partition(".")[0] for module, path in modules(*PACKAGES) for name, _ in imports(module, path)
    } - {*PACKAGES, *sys.stdlib_module_names}
    assert {DISTRIBUTIONS.get(name, name) for name in third_parties} <= declared


def test_no_file_is_longer_than_one_can_keep_in_mind() -> None:
    lengths = {path: len(path.read_text().splitlines()) for _, path in modules(*PACKAGES, "tests")}
    too_long = [
        f"{path.relative_to(HOME)}: {length} lines" for path, length in lengths.items() if length > LONGEST_FILE
    ]
    assert not too_long, "\n".join(too_long)


@pytest.mark.parametrize(
    ("module", "statement"),
    [
        ("controller.services.paths", "import ryu.base.app_manager"),
        ("controller.services.paths", "from time import monotonic"),
        ("controller.services.paths", "from controller import apps"),
        ("controller.services.paths", "from ..northbound import health"),
        ("controller.model", "from controller.services import paths"),
        ("controller.apps.routing", "from controller.southbound import openflow"),
        ("controller.southbound.openflow", "import socket"),
        ("controller.network_os", "from controller.northbound import health"),
        ("controller.launcher", "import experiments.cli"),
        ("topologies.catalog", "import mininet.net"),
        ("experiments.machine.network", "from controller.model import Packet"),
        ("experiments.story", "def lazily():\n    import scapy.all"),
    ],
)
def test_the_guard_sees_a_breach(module: str, statement: str) -> None:
    path = HOME / f"{module.replace('.', '/')}.py"
    assert breaches(module, imports(module, path, ast.parse(statement)))


@pytest.mark.parametrize(
    ("module", "statement"),
    [
        ("controller.apps.routing", "from controller.southbound import frames"),
        ("controller.apps.routing", "from controller.services.paths import shortest"),
        ("controller.southbound.channel", "import socket, ryu.controller"),
        ("controller.network_os", "from controller import model"),
        ("experiments.capture.decode", "import scapy.all"),
        ("topologies.simulator", "from controller.services import paths"),
    ],
)
def test_the_guard_lets_an_arrow_pass(module: str, statement: str) -> None:
    path = HOME / f"{module.replace('.', '/')}.py"
    assert not breaches(module, imports(module, path, ast.parse(statement)))
