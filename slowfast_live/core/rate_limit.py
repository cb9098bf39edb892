"""Economy: a limit on predictions a second, and what it saves."""

from __future__ import annotations

import math

LIMITS = (10.0, 5.0, 2.0, 1.0, 0.5, 0.2)
"""Limits that can be chosen in the window, in predictions per second."""
LOWEST, HIGHEST = 0.01, 1000.0
_EARLY_S = 1e-3


class RateLimit:
    """When the next inference may start. Not thread-safe.

    >>> limit = RateLimit()
    >>> limit.per_s = 2.0
    >>> limit.started(10.0)
    >>> limit.wait_s(10.1), limit.wait_s(10.5)
    (0.4, 0.0)
    """

    def __init__(self) -> None:
        self.per_s: float | None = None
        """Most predictions per second; None for no limit."""
        self._latest_s = -math.inf

    def wait_s(self, now_s: float) -> float:
        """Return the time until an inference may start, in seconds; 0 if one may start now."""
        if self.per_s is None:
            return 0.0
        wait_s = round(self._latest_s + 1 / self.per_s - now_s, 6)
        # A clock that was set back must not stop recognition.
        return wait_s if _EARLY_S < wait_s <= 1 / self.per_s else 0.0

    def started(self, now_s: float) -> None:
        """Record the start of an inference."""
        self._latest_s = now_s


def saved_share(per_s: float | None, infer_ms: float) -> float:
    """Return the share of the model's time that a limit saves, 0..1, compared with one inference after the other.

    >>> f"{saved_share(1.0, 200.0):.0%}", f"{saved_share(10.0, 200.0):.0%}"
    ('80%', '0%')

    Args:
        per_s: The limit in predictions per second; None for no limit.
        infer_ms: Time of an inference, in milliseconds.
    """
    return 0.0 if per_s is None or infer_ms <= 0 else max(0.0, 1 - per_s * infer_ms / 1000)
