"""Run one experiment by name.

flowpath run packet-flow --topology linear:5
flowpath run packet-flow --help"""

from __future__ import annotations

import argparse

from experiments.cli import run_module, unknown
from experiments.errors import UserError

EXPERIMENTS = {
    "discovery": "experiments.discovery",
    "link-failure": "experiments.link_failure",
    "packet-flow": "experiments.packet_flow",
    "packet-in-rate": "experiments.packet_in_rate",
    "reachability": "experiments.reachability",
}
"""Experiment -> its module, which has ``add_arguments`` and ``run`` as every command has."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The experiment's name, and everything after it for the experiment itself."""
    parser.add_argument("name", metavar="NAME", help=f"one of: {', '.join(EXPERIMENTS)}")
    rest = parser.add_argument("arguments", nargs=argparse.REMAINDER, help="the experiment's own options")
    rest.required = False  # so that a missing name is all that argparse complains of


def run(args: argparse.Namespace) -> int:
    """Run the named experiment and return its exit code."""
    if args.name not in EXPERIMENTS:
        raise UserError(unknown("experiment", args.name, EXPERIMENTS, "flowpath run --help"))
    return run_module(EXPERIMENTS[args.name], f"flowpath run {args.name}", args.arguments)
