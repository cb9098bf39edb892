"""Waiting for what other threads and processes bring about."""

import time
from collections.abc import Callable


def eventually(condition: Callable[[], object], what: str = "", timeout_s: float = 20.0) -> None:
    """Wait until `condition()` holds. The limit is generous: it only matters where the test fails."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"never happened: {what or condition}"
        time.sleep(0.001)
