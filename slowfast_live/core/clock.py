"""Clocks: an interface, so that time can be handed in, and the system's clock."""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path
from typing import Protocol

import psutil


class Clock(Protocol):
    """A monotonic clock that threads can wait on."""

    def now_s(self) -> float:
        """Return the current time in monotonic seconds."""
        ...

    def wait(self, condition: threading.Condition, timeout_s: float | None) -> None:
        """Wait on the held `condition` until it is notified or `timeout_s` has passed on this clock.

        As with any condition variable, a wait may end early, so callers must check their predicate again.
        """
        ...


class SystemClock:
    """The system's monotonic clock."""

    def now_s(self) -> float:
        """Return `time.monotonic()`."""
        return time.monotonic()

    def wait(self, condition: threading.Condition, timeout_s: float | None) -> None:
        """Wait on the held `condition`."""
        condition.wait(timeout_s)


def process_started_s() -> float:
    """Return the start time of this process in monotonic seconds, which is before Python and the app were loaded."""
    if sys.platform.startswith("linux"):
        # psutil rounds the boot time to whole seconds. Field 22 counts clock ticks since boot. The program's name
        # (field 2) may contain spaces and ends with the last closing parenthesis.
        stat = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
        age_s = time.clock_gettime(time.CLOCK_BOOTTIME) - int(stat[19]) / os.sysconf("SC_CLK_TCK")
    else:
        age_s = time.time() - psutil.Process().create_time()
    return time.monotonic() - age_s
