"""Waiting where the system sends no event."""

from __future__ import annotations

import time
from collections.abc import Callable

INTERVAL = 0.01


def until(condition: Callable[[], bool], timeout: float) -> bool:
    """Look again and again until ``condition()`` holds; False when it still does not after ``timeout`` seconds."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(INTERVAL)
    return True
