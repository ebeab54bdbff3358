"""Examine this machine: what it can and cannot do, and the command that mends each fault.

Nothing is changed. Exit code 0 when a demo can run, 1 when something stands in its way.
Each finding is explained in docs/troubleshooting.md under its name, the word in brackets."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import textwrap
from dataclasses import asdict

from experiments.doctor import findings, probes
from experiments.doctor.findings import Finding
from experiments.errors import Exit

COLOURS = {"ok": "32", "note": "33", "problem": "1;31"}
"""ANSI colour of each level."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The doctor's only option."""
    parser.add_argument("--json", action="store_true", help="print the findings as one JSON object")


def run(args: argparse.Namespace) -> int:
    """Look, judge and tell."""
    found = findings.examine(probes.look())
    able = findings.demo_can_run(found)
    if args.json:
        print(json.dumps({"demo_can_run": able, "findings": [asdict(finding) for finding in found]}, indent=2))
    else:
        colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
        print(told(found, colour=colour, width=min(120, shutil.get_terminal_size((120, 24)).columns)))
    return Exit.FINE if able else Exit.NOT_SHOWN


def told(found: list[Finding], *, colour: bool, width: int) -> str:
    """The findings for people, in lines of at most ``width`` columns (commands stay in one piece, to be copied)."""
    indent = " " * 9
    wrapped = textwrap.TextWrapper(width, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)
    lines = []
    for finding in found:
        paint = f"\033[{COLOURS[finding.level]}m{{}}\033[0m" if colour else "{}"
        text = wrapped.fill(f"{finding.text} [{finding.id}]").removeprefix(indent)
        lines.append(paint.format(f"{finding.level:{len(indent)}}") + text)
        if finding.command:
            lines.append(f"{indent}  $ {finding.command}")
    problems = sum(finding.level == "problem" for finding in found)
    if problems:
        lines.append(f"\n{problems} problem{'s' * (problems > 1)} to mend before a demo can run.")
    else:
        lines.append("\nA demo can run: sudo ./flowpath demo")
    return "\n".join(lines)
