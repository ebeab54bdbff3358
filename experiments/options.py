"""Options that experiments share: the network, the controller's application and mode, where results go."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

MODES = ("reactive", "proactive", "fast-failover")


def add_common(parser: argparse.ArgumentParser, topology: str) -> None:
    """``--topology``, ``--out``, ``--wait``."""
    parser.add_argument(
        "--topology", metavar="SPEC", default=topology, help=f"the network: ring:6, torus:3x3 ... (default: {topology})"
    )
    parser.add_argument(
        "--out", metavar="DIR", type=Path,
        help="where results go, in <experiment>/<UTC time>/ (default: results, or $FLOWPATH_RESULTS)",
    )  # fmt: skip
    parser.add_argument(
        "--wait", metavar="SECONDS", type=float, default=0.0,
        help="wait so long for another run on this machine to end (default: do not wait)",
    )  # fmt: skip


def controller_options(app: str, mode: str) -> dict[str, Any]:
    """The controller's options for an application, and routing's mode."""
    return {"mode": mode} if app == "routing" else {}
