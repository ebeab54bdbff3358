"""What a command can end with."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """The exit codes of every ``flowpath`` command, as ``flowpath --help`` promises them."""

    FINE = 0
    NOT_SHOWN = 1
    """The experiment or the tests ran and did not show what they should."""
    USAGE = 2
    """A wrong argument, or a machine that lacks something."""
    INTERRUPTED = 130
    """Ctrl-C (128 + SIGINT, as a shell reports it)."""


class UserError(Exception):
    """Something that the user caused and can mend; the command line shows no traceback for it.

    The text is one line: what was wrong, where, and what to do. It is printed after ``flowpath: ``.
    """
