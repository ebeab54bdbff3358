"""What a wrong topology ends with."""

from __future__ import annotations


class TopologyError(ValueError):
    """A topology that cannot be: its text is one line that says where it is wrong and what to write instead."""
