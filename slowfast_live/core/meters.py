"""Rate and distribution meters in bounded memory."""

from __future__ import annotations

import math
import threading
from collections import deque

_BINS_PER_DECADE = 116
"""Bins 2 % wide: percentiles are accurate to 1 %."""


class RateMeter:
    """Event rate over the last seconds. Thread-safe.

    Args:
        span_s: Length of the sliding window, in seconds.
    """

    def __init__(self, span_s: float = 2.0) -> None:
        self.span_s = span_s
        self._lock = threading.Lock()
        self._times_s: deque[float] = deque(maxlen=4096)

    def tick(self, now_s: float) -> None:
        """Count one event at monotonic time `now_s`."""
        with self._lock:
            if self._times_s and now_s < self._times_s[-1]:
                self._times_s.clear()
            self._times_s.append(now_s)

    def rate(self, now_s: float) -> float:
        """Return events per second at monotonic time `now_s`; 0 if there were none recently."""
        with self._lock:
            while self._times_s and self._times_s[0] < now_s - self.span_s:
                self._times_s.popleft()
            if len(self._times_s) < 2:
                return 0.0
            # There are n - 1 intervals between the first and the last event. An overdue event reduces the rate at once,
            # so that a source that died does not keep its last rate for two seconds.
            first, last = self._times_s[0], self._times_s[-1]
            interval_s = (last - first) / (len(self._times_s) - 1)
            overdue_s = max(0.0, now_s - last - interval_s)
            elapsed_s = last - first + overdue_s
            return (len(self._times_s) - 1) / elapsed_s if elapsed_s > 0 else 0.0

    def clear(self) -> None:
        """Discard all events."""
        with self._lock:
            self._times_s.clear()


class Distribution:
    """Percentiles of positive values in constant memory: a histogram with logarithmic bins. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._bins: dict[int, int] = {}
        self._count = 0
        self._max = 0.0

    def add(self, value: float) -> None:
        """Add one value; values that are not positive count as the smallest."""
        with self._lock:
            key = math.floor(math.log10(max(value, 1e-6)) * _BINS_PER_DECADE)
            self._bins[key] = self._bins.get(key, 0) + 1
            self._count += 1
            self._max = max(self._max, value)

    @property
    def count(self) -> int:
        """Number of values added."""
        with self._lock:
            return self._count

    @property
    def max(self) -> float:
        """The largest value, exact; 0 if there is none."""
        with self._lock:
            return self._max

    def percentile(self, percent: float) -> float:
        """Return the value that `percent` % of the values do not exceed, accurate to 1 %; 0 if there are no values."""
        with self._lock:
            wanted = self._count * percent / 100
            seen = 0
            for key in sorted(self._bins):
                seen += self._bins[key]
                if seen >= wanted:
                    return min(self._max, 10 ** ((key + 0.5) / _BINS_PER_DECADE))
            return 0.0
