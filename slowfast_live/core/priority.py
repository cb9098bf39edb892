"""Thread priorities that keep display and capture smooth under full load."""

from __future__ import annotations

import logging
import os
import sys
import threading

log = logging.getLogger(__name__)

_NICE = 5


def step_back() -> None:
    """Lower the priority of this thread and of threads that it starts later.

    Linux only, where nice values belong to threads and are inherited, so that OpenVINO's worker threads get the lower
    priority too. On Windows and macOS threads do not inherit priorities; there the scheduler's preference for threads
    that mostly sleep has to suffice.
    """
    if not sys.platform.startswith("linux"):
        return
    try:
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
    except OSError as error:
        log.debug("The thread's priority stays as it is: %s", error)
