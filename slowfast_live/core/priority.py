"""Who goes first when the machine is fully used: the picture, not the network."""

from __future__ import annotations

import logging
import os
import sys
import threading

log = logging.getLogger(__name__)

_NICE = 5


def step_back() -> None:
    """Let other threads go before this one, and before those that it will start.

    Linux only, where a thread's nice value is its own and is inherited by the threads that it starts, so that
    OpenVINO's workers stand back too. On Windows and macOS threads do not inherit; there the scheduler's own
    preference for threads that mostly sleep has to do.
    """
    if not sys.platform.startswith("linux"):
        return
    try:
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
    except OSError as error:
        log.debug("The thread's priority stays as it is: %s", error)
