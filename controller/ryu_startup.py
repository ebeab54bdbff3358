"""Lets the plain ``ryu-manager`` start with today's eventlet.

Ryu 4.34 imports ``eventlet.wsgi.ALREADY_HANDLED``, which eventlet has no longer, and does so before it imports any
application: a cure inside an application comes too late. So the virtual environment itself carries this one:
``python -m controller.ryu_startup`` writes `LINE` into ``flowpath-ryu.pth`` in its site-packages. Python runs that
line at every start; it imports nothing unless the command is Ryu's.
"""

from __future__ import annotations

import sys
import sysconfig
import warnings
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType

PTH = "flowpath-ryu.pth"
LINE = (
    'import sys; any("ryu-manager" in word or "ryu.cmd" in word for word in sys.orig_argv)'
    ' and __import__("controller.ryu_startup").ryu_startup.prepare()\n'
)
WSGI = "eventlet.wsgi"


class _Finder(MetaPathFinder):
    """Gives ``eventlet.wsgi`` the missing name when it is imported, and has nothing to do with anything else."""

    def find_spec(self, name: str, path: object = None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name != WSGI:
            return None
        sys.meta_path.remove(self)
        spec = PathFinder.find_spec(name, path)  # type: ignore[arg-type]
        if spec is None or spec.loader is None:
            return None
        execute = spec.loader.exec_module

        def execute_and_add(module: ModuleType) -> None:
            execute(module)
            add_name(module)

        spec.loader.exec_module = execute_and_add  # type: ignore[method-assign]
        return spec


def prepare() -> None:
    """Have ``eventlet.wsgi`` come with the name that Ryu needs, whenever it is imported, and without complaints."""
    # Ryu is bound to eventlet; that eventlet is in its last years need not be said at every start.
    warnings.filterwarnings("ignore", r"\s*Eventlet is deprecated")
    if WSGI in sys.modules:
        add_name(sys.modules[WSGI])
    elif not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


def add_name(wsgi: ModuleType) -> None:
    """The body of a response that a websocket has already given: none, as later versions of eventlet have it."""
    if not hasattr(wsgi, "ALREADY_HANDLED"):
        wsgi.ALREADY_HANDLED = []  # type: ignore[attr-defined]


def install() -> Path:
    """Write the .pth file into this environment."""
    path = Path(sysconfig.get_path("purelib")) / PTH
    path.write_text(LINE)
    return path


if __name__ == "__main__":
    print(install())
