"""Network applications: pure ``(packet, network, now) -> Decision``, and how they are found by name."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import inspect
import pkgutil
import sys
from pathlib import Path
from types import ModuleType
from typing import Self

from controller.config import Config
from controller.model import Apply, Decision, Event, Match, Output, Packet, PortNo, Rule
from controller.services.network import Network

ASK = Rule(Match(), (Apply((Output(PortNo.CONTROLLER),)),), priority=0)
"""The rule that has a switch ask about every packet that no other rule matches."""


class App:
    """What every application is: something that may decide about packets and events.

    It holds state of its own, but no sockets, clocks or threads; ``now`` is seconds, never running back. Applications
    are asked about a packet in the order of their configuration, and the first Decision counts; an event reaches all.
    """

    name = ""
    """How the log and the story call it; the class's name when empty."""

    @classmethod
    def create(cls, config: Config) -> Self:
        """One for this configuration. An application with options of its own takes them out of ``config`` here."""
        return cls()

    def packet_in(self, packet: Packet, network: Network, now: float) -> Decision | None:
        """What to do about a packet that a switch asks about; None to leave it to the next application."""
        return None

    def event(self, event: Event, network: Network, now: float) -> Decision | None:
        """What to do about a change in the network, which the services have already taken in."""
        return None


class AppError(Exception):
    """An application that cannot be loaded. The text is one line: which, why, and what to do."""


def load(spec: str, config: Config) -> App:
    """The application that ``spec`` names: ``learning_switch``, ``package.module:Class`` or ``folder/file.py:Class``.

    Raises AppError.
    """
    where, _, class_name = spec.partition(":")
    module = _import_file(spec, where) if where.endswith(".py") else _import_module(spec, where, bool(class_name))
    app_class = _class(spec, module, class_name)
    try:
        app = app_class.create(config)
    except Exception as error:
        raise AppError(f"application {spec}: {app_class.__name__} does not start: {_line(error)}") from error
    app.name = app.name or app_class.__name__
    return app


def _import_module(spec: str, where: str, class_named: bool) -> ModuleType:
    name = where if class_named else f"{__name__}.{where}"
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise AppError(f"application {spec}: it needs the module {error.name}, which is not installed") from error
        own = sorted(found.name for found in pkgutil.iter_modules(__path__))
        raise AppError(
            f"there is no application {spec}; there are {', '.join(own)}, and your own as module:Class or file.py:Class"
        ) from None
    except Exception as error:
        raise AppError(f"application {spec} does not load: {_line(error)}") from error


def _import_file(spec: str, where: str) -> ModuleType:
    path = Path(where).resolve()
    # Two files of one name are two modules; one file is one, however often it is named.
    name = f"{path.stem}_{hashlib.sha256(bytes(path)).hexdigest()[:8]}"
    if name in sys.modules:
        return sys.modules[name]
    if not path.is_file():
        raise AppError(f"application {spec}: there is no file {path}")
    module_spec = importlib.util.spec_from_file_location(name, path)
    if module_spec is None or module_spec.loader is None:
        raise AppError(f"application {spec}: {path} is no Python file")
    module = importlib.util.module_from_spec(module_spec)
    sys.modules[name] = module
    try:
        module_spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        raise AppError(f"application {spec} does not load: {_line(error)}") from error
    return module


def _class(spec: str, module: ModuleType, class_name: str) -> type[App]:
    # An application may be a package whose class is in one of its modules.
    defined = [
        value
        for value in vars(module).values()
        if inspect.isclass(value)
        and issubclass(value, App)
        and f"{value.__module__}.".startswith(f"{module.__name__}.")
    ]
    if not class_name and len(defined) == 1:
        return defined[0]
    for app_class in defined:
        if app_class.__name__ == class_name:
            return app_class
    imported = getattr(module, class_name, None) if class_name else None
    if inspect.isclass(imported) and issubclass(imported, App):
        return imported
    there = ", ".join(app_class.__name__ for app_class in defined) or "none"
    raise AppError(f"application {spec}: name one of the classes of controller.apps.App in it, with a colon: {there}")


def _line(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"
