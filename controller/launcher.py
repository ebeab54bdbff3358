"""``flowpath controller``: ryu-manager with Flowpath's application and options, and all of Ryu's own.

Options of Flowpath are read here and handed on in the environment, where the application finds them whichever way it
was started; what is not known here goes to ryu-manager as it is.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import sys
from collections.abc import Sequence
from importlib import metadata
from typing import Any, NoReturn

from controller import config, process, ryu_startup

PROGRAM = "flowpath controller"
VERSION = f"Flowpath {metadata.version('flowpath')}, Ryu {metadata.version('ryu')}"

OPTIONS = {
    "apps": ("NAMES", "applications in the order in which they are asked, with commas between: routing (the"
             " default), learning_switch, package.module:Class or file.py:Class"),
    "mode": ("NAME", "of routing: reactive (the default), proactive or fast-failover"),
    "granularity": ("NAME", "of a flow in reactive routing: mac (the default), ip or flow"),
    "idle_timeout": ("SECONDS", "after which a switch forgets a flow that nobody uses (default 60)"),
    "host": ("ADDRESS", "at which switches are awaited (default 0.0.0.0)"),
    "port": ("NUMBER", "at which switches are awaited (default 6653)"),
    "rest_host": ("ADDRESS", "of the REST interface (default 127.0.0.1)"),
    "rest_port": ("NUMBER", "of the REST interface (default 8080)"),
    "log_level": ("LEVEL", "debug, info, warning or error (default info)"),
}  # fmt: skip
"""Flowpath's options: what stands for the value, and what it is."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        process.refuse(f"{message} (see: {PROGRAM} --help)")


def main(arguments: Sequence[str] | None = None) -> int:
    """Start the controller; returns when it ends."""
    ours, ryus = parse(sys.argv[1:] if arguments is None else arguments)
    try:
        config.load(ours)
    except config.ConfigError as error:
        process.refuse(str(error))
    os.environ.update({f"FLOWPATH_{name.upper()}": value for name, value in ours.items()})
    ryu_startup.prepare()
    from ryu.cmd import manager  # noqa: PLC0415  (it starts to patch the standard library as soon as it is imported)

    words = [*ryus, "controller.app"]
    check_ryus(words)
    manager.main(words, prog=PROGRAM)
    return 0


def check_ryus(words: Sequence[str]) -> None:
    """Refuse, in one line, what Ryu would answer with two screens."""
    from ryu.cfg import CONF  # noqa: PLC0415

    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            CONF(args=words, prog=PROGRAM, project="ryu", version=VERSION, default_config_files=[])
    except SystemExit as end:
        if end.code:
            process.refuse(f"{said.getvalue().rpartition('error: ')[2].strip()} (see: {PROGRAM} --help)")
        raise


def parse(arguments: Sequence[str]) -> tuple[dict[str, Any], list[str]]:
    """What was said about our own options, and what is for ryu-manager."""
    parser = _Parser(
        prog=PROGRAM,
        description="The network operating system alone, for a network of your own.",
        epilog="Everything else goes to ryu-manager: its options (--verbose, --log-file, --ctl-cert ...) and other Ryu"
        " applications (ryu.app.ofctl_rest ...).",
        allow_abbrev=False,
        argument_default=argparse.SUPPRESS,
    )
    for name, (value, text) in OPTIONS.items():
        parser.add_argument(f"--{name.replace('_', '-')}", metavar=value, help=text)
    ours, ryus = parser.parse_known_args(arguments)
    return vars(ours), ryus


if __name__ == "__main__":
    sys.exit(main())
