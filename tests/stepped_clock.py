"""A clock that tests advance by hand."""

from __future__ import annotations

import threading


class SteppedClock:
    """A clock that advances only when stepped; every step wakes all waiting threads.

    Args:
        start_s: Initial time, in seconds.
    """

    def __init__(self, start_s: float = 0.0) -> None:
        self._now_s = start_s
        self._lock = threading.Lock()
        self._waiting: dict[int, threading.Condition] = {}

    def now_s(self) -> float:
        """Return the current time of this clock, in seconds."""
        with self._lock:
            return self._now_s

    def wait(self, condition: threading.Condition, timeout_s: float | None) -> None:
        """Wait on the held `condition`; polls, so that a step just before the wait is not missed."""
        with self._lock:
            self._waiting[id(condition)] = condition
        condition.wait(0.005 if timeout_s is not None else None)

    def step(self, seconds: float) -> None:
        """Advance the clock by `seconds`; a negative value makes it jump back."""
        with self._lock:
            self._now_s += seconds
            waiting = list(self._waiting.values())
        for condition in waiting:
            with condition:
                condition.notify_all()
