"""Shut down an app step by step; a failing step never prevents the next one from running."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

log = logging.getLogger(__name__)

Step = tuple[str, Callable[[], object]]
"""Name of what is stopped or saved, and the function that does it."""


def take_down(steps: Sequence[Step]) -> list[str]:
    """Run all steps in order; return the names of those that failed. Each failure is logged with its reason."""
    failed = []
    for name, step in steps:
        try:
            step()
        except Exception as error:
            failed.append(name)
            log.error("While the app was closed, %s failed: %s", name, error)
            log.debug("%s", name, exc_info=True)
    return failed
