"""Flowpath's networks for Mininet's own tool, by their names or from a file::

    sudo mn --custom topologies/mn.py --topo fattree,4 --controller remote --switch ovs,protocols=OpenFlow13
    sudo mn --custom topologies/mn.py --topo flowpath,torus:3x3 ...

``flowpath,SPEC`` takes every spec (what follows ``flowpath``); and each family has its own name, without hyphens and
with commas for ``x``: ``leafspine,2,4,2``. Where Mininet has a family of that name (single, linear, tree, torus), its
own is left alone.

``mn`` runs under the system's Python, which needs networkx (and PyYAML for YAML files). This file adds the checkout to
that Python's path, and behind everything that it has already the packages of the checkout's ``.venv``, so that Debian's
Mininet stays the one that runs.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

# mn hands the file over as text, without __file__; what is compiled knows where it came from all the same.
# Names without an underscore would replace mn's own of the same name.
_home = Path(sys._getframe().f_code.co_filename).resolve().parents[1]
if str(_home) not in sys.path:
    sys.path.insert(0, str(_home))
    sys.path += map(str, sorted(_home.glob(".venv/lib/python3*/site-packages")))


def _topo(name: str) -> Callable[..., Any]:
    """What mn calls with the numbers behind the name."""

    def build(*sizes: object) -> Any:
        try:
            import topologies  # noqa: PLC0415
        except ModuleNotFoundError as error:
            sys.exit(f"flowpath: {sys.executable} finds no {error.name}; run: ./flowpath setup, or install it there")
        words = [str(size) for size in sizes]
        spec = ",".join(words) if name == "flowpath" else ":".join([name, "x".join(words)][: 1 + bool(words)])
        try:
            return topologies.build(spec)
        except topologies.TopologyError as error:
            sys.exit(f"flowpath: {error}")

    return build


topos = {
    "flowpath": _topo("flowpath"),
    "ring": _topo("ring"),
    "star": _topo("star"),
    "mesh": _topo("mesh"),
    "grid": _topo("grid"),
    "leafspine": _topo("leaf-spine"),
    "fattree": _topo("fat-tree"),
    "jellyfish": _topo("jellyfish"),
    "random": _topo("random"),
    "campus": _topo("campus"),
    "wan": _topo("wan"),
}
