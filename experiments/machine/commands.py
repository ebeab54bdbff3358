"""Running the system's own tools."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

from experiments.errors import UserError

PATIENCE = 30.0
"""Seconds that a tool gets, unless told otherwise."""


class CommandFailed(UserError):
    """A tool of the system failed; the text has its own words. ``status`` is its exit code, None when it hung."""

    def __init__(self, text: str, status: int | None) -> None:
        super().__init__(text)
        self.status = status


def run(command: Sequence[str], *, timeout: float = PATIENCE, stdin: str | None = None) -> str:
    """Run a tool and return what it printed. Raises `UserError` when it is not installed, `CommandFailed` else.

    It runs in a session of its own: a Ctrl-C at the terminal shall reach Flowpath, which decides what to give up,
    and not kill a tool that is just undoing something.
    """
    try:
        done = subprocess.run(
            command, input=stdin, capture_output=True, text=True, timeout=timeout, start_new_session=True, check=False
        )
    except FileNotFoundError:
        raise UserError(f"{command[0]} is not installed; run: sudo ./flowpath setup") from None
    except subprocess.TimeoutExpired:
        raise CommandFailed(f"`{shown(command)}` did not answer within {timeout:g} s", None) from None
    if done.returncode:
        said = " ".join((done.stderr or done.stdout).split()) or "nothing said"
        raise CommandFailed(f"`{shown(command)}` failed: {said}", done.returncode)
    return done.stdout


def shown(command: Sequence[str]) -> str:
    """A command as a message shows it: on one line, and only the start of it where it is long."""
    text = " ".join(" ".join(command).split())
    return text if len(text) <= 80 else f"{text[:77]}..."
