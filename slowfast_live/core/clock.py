"""Time that can be handed in: the system's for the app, one that is stepped by hand for tests."""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path
from typing import Protocol

import psutil


class Clock(Protocol):
    """Monotonic time, and waiting on it."""

    def now_s(self) -> float:
        """Return monotonic seconds."""
        ...

    def wait(self, condition: threading.Condition, timeout_s: float | None) -> None:
        """Wait on the held `condition` until it is notified or `timeout_s` has passed on this clock.

        As with any condition the caller checks again what it waited for: a wait may end early.
        """
        ...


class SystemClock:
    """The machine's monotonic clock."""

    def now_s(self) -> float:
        """See `Clock.now_s`."""
        return time.monotonic()

    def wait(self, condition: threading.Condition, timeout_s: float | None) -> None:
        """See `Clock.wait`."""
        condition.wait(timeout_s)


class SteppedClock:
    """A clock that stands still until it is stepped; what waits on it is woken at each step.

    Args:
        start_s: The first reading.
    """

    def __init__(self, start_s: float = 0.0) -> None:
        self._now_s = start_s
        self._lock = threading.Lock()
        self._waiting: dict[int, threading.Condition] = {}

    def now_s(self) -> float:
        """See `Clock.now_s`."""
        with self._lock:
            return self._now_s

    def wait(self, condition: threading.Condition, timeout_s: float | None) -> None:
        """See `Clock.wait`. Looks up now and then, so that a step just before the wait is not missed."""
        with self._lock:
            self._waiting[id(condition)] = condition
        condition.wait(0.005 if timeout_s is not None else None)

    def step(self, seconds: float) -> None:
        """Let `seconds` pass (negative: the clock jumps back)."""
        with self._lock:
            self._now_s += seconds
            waiting = list(self._waiting.values())
        for condition in waiting:
            with condition:
                condition.notify_all()


def process_started_s() -> float:
    """Return when this process was started, in monotonic seconds: before Python, let alone the app, was loaded."""
    if sys.platform.startswith("linux"):
        # psutil rounds the time of boot to a second. Field 22 counts clock ticks since boot; the program's name,
        # field 2, may hold spaces and ends with the last bracket.
        stat = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
        age_s = time.clock_gettime(time.CLOCK_BOOTTIME) - int(stat[19]) / os.sysconf("SC_CLK_TCK")
    else:
        age_s = time.time() - psutil.Process().create_time()
    return time.monotonic() - age_s
