"""The command line: finds the command, runs it, and turns what went wrong into one line and an exit code.

A command is a module with ``add_arguments(parser) -> None`` and ``run(args) -> int``. It is imported when it runs
and not before, so that ``flowpath --help`` answers at once.
"""

from __future__ import annotations

import argparse
import difflib
import os
import sys
from collections.abc import Iterable, Sequence
from importlib import import_module, metadata
from pathlib import Path
from typing import NoReturn

from experiments.errors import Exit, UserError
from experiments.ownership import give_back_caches

COMMANDS = {
    "demo": "experiments.demo",
    "run": "experiments.run",
    "capture": "experiments.capture.command",
    "doctor": "experiments.doctor.command",
    "topology": "topologies.command",
}
"""Command -> the module that carries it out."""

EXECUTED = ("controller", "setup", "test")
"""Commands that replace this process: Ryu brings its own event loop, and the set-up may replace this very Python."""

USAGE = Path(__file__).with_name("usage.txt")


class Parser(argparse.ArgumentParser):
    """An argument parser whose complaints are one line, like everyone else's."""

    def error(self, message: str) -> NoReturn:
        """Raise `UserError` for arguments that make no sense."""
        raise UserError(f"{message} (see: {self.prog} --help)")


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``flowpath argv...`` and return its exit code (`Exit`)."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        code = dispatch(arguments)
        sys.stdout.flush()  # while it can still be noticed that the reader has left
        return code
    except KeyboardInterrupt:
        print("\nflowpath: interrupted", file=sys.stderr)
        return Exit.INTERRUPTED
    except BrokenPipeError:
        # The reader (head, less) has seen enough. Without this, the interpreter complains again while flushing.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.FINE
    except Exception as error:
        if not caused_by_user(error):
            raise
        print(f"flowpath: {error}", file=sys.stderr)
        return Exit.USAGE
    finally:
        give_back_caches()


def dispatch(arguments: list[str]) -> int:
    """Run the command that the first argument names."""
    name, *rest = arguments or ["--help"]
    if name in {"-h", "--help", "help"}:
        print(USAGE.read_text(), end="")
        return Exit.FINE
    if name in {"-V", "--version"}:
        print(f"flowpath {metadata.version('flowpath')}")
        return Exit.FINE
    if name in EXECUTED:
        replace_process(name, rest)
    if name not in COMMANDS:
        raise UserError(unknown("command", name, [*COMMANDS, *EXECUTED], "flowpath --help"))
    return run_module(COMMANDS[name], f"flowpath {name}", rest)


def run_module(module_name: str, prog: str, arguments: Sequence[str]) -> int:
    """Import a command's module, parse its arguments and run it."""
    module = import_module(module_name)
    parser = Parser(prog=prog, description=module.__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    module.add_arguments(parser)
    try:
        parsed = parser.parse_args(arguments)
    except SystemExit:
        return Exit.FINE  # only --help ends so: complaints are raised as UserError
    return int(module.run(parsed))


def replace_process(name: str, arguments: Sequence[str]) -> NoReturn:
    """Become the controller, or the shell script that sets up and tests."""
    if name == "controller":
        command = [sys.executable, "-P", "-m", "controller.launcher", *arguments]
    else:
        script = Path(__file__).resolve().parent.parent / "flowpath"
        if not script.is_file():
            raise UserError(f"`flowpath {name}` works in a checkout of the project, and {script} does not exist")
        command = [str(script), name, *arguments]
    os.execv(command[0], command)


def unknown(kind: str, name: str, known: Iterable[str], where: str) -> str:
    """The line for a misspelt name: what is near it, and where all of them are listed."""
    near = difflib.get_close_matches(name, sorted(known), n=2)
    suggestion = f"did you mean {' or '.join(near)}? " if near else ""
    return f"there is no {kind} {name!r}; {suggestion}(all of them: {where})"


def caused_by_user(error: Exception) -> bool:
    """Whether an exception is one of those that need no traceback."""
    topologies = sys.modules.get("topologies")  # not imported here: a command that needs no graph shall not pay for one
    return isinstance(error, (UserError, getattr(topologies, "TopologyError", UserError)))


if __name__ == "__main__":
    sys.exit(main())
