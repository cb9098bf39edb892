"""Measure how long the GUI thread is busy at a stretch, during which it neither paints nor responds."""

from __future__ import annotations

import time
from collections.abc import Callable

from PySide6.QtCore import QAbstractEventDispatcher, QCoreApplication, QEvent, QObject

from slowfast_live.core.meters import Distribution


class EventLoopLatency(QObject):
    """Measures the wall-clock time and the processor time of each iteration of the GUI thread's event loop.

    The wall-clock time is what a user waits for; it includes the time in which other threads and programs kept the GUI
    thread off the processor. The processor time is the cost of its own slots.

    An iteration begins with the first event handled after the loop has slept and ends when it goes to sleep again. The
    dispatcher signals when it goes to sleep (`aboutToBlock`), but not when the sleep ends: Qt fires timers and system
    events *before* it emits `awake`, so those two signals alone miss nearly all the work. An event filter on the
    application marks the first event instead, and is then removed until the next sleep: each event that passes through
    Python costs microseconds.

    Args:
        clock_s: Monotonic clock, in seconds.
        work_clock_s: Processor time of the calling thread, in seconds.
    """

    def __init__(
        self,
        parent: QObject | None = None,
        clock_s: Callable[[], float] = time.perf_counter,
        work_clock_s: Callable[[], float] = time.thread_time,
    ) -> None:
        super().__init__(parent)
        self._clock_s, self._work_clock_s = clock_s, work_clock_s
        self._began_s: float | None = None
        self._began_work_s = 0.0
        self._running = False
        self._stalls, self._work = Distribution(), Distribution()

    def start(self) -> None:
        """Restart the measurement. Call once the window is built: building it does not count as a stall."""
        dispatcher, app = QAbstractEventDispatcher.instance(), QCoreApplication.instance()
        if dispatcher is None or app is None:
            raise RuntimeError("the stall meter needs a running application")
        self._stalls, self._work = Distribution(), Distribution()
        self._began_s = None
        app.installEventFilter(self)  # reinstall it: it may have been removed until the next sleep
        if not self._running:
            self._running = True
            dispatcher.aboutToBlock.connect(self._sleeps)

    def stop(self) -> None:
        """End the measurement and keep its results."""
        if not self._running:
            return
        self._running = False
        if (dispatcher := QAbstractEventDispatcher.instance()) is not None:
            dispatcher.aboutToBlock.disconnect(self._sleeps)
        if (app := QCoreApplication.instance()) is not None:
            app.removeEventFilter(self)

    @property
    def iterations(self) -> int:
        """Number of iterations measured."""
        return self._stalls.count

    @property
    def p99_ms(self) -> float:
        """99th percentile of the wall-clock time, in milliseconds."""
        return self._stalls.percentile(99)

    @property
    def max_ms(self) -> float:
        """Maximum wall-clock time, in milliseconds."""
        return self._stalls.max

    @property
    def work_p99_ms(self) -> float:
        """99th percentile of the processor time, in milliseconds."""
        return self._work.percentile(99)

    @property
    def work_max_ms(self) -> float:
        """Maximum processor time, in milliseconds."""
        return self._work.max

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Mark the first event after a sleep; never consumes the event."""
        if self._began_s is None:
            self._began_work_s = self._work_clock_s()
            self._began_s = self._clock_s()
        if (app := QCoreApplication.instance()) is not None:
            app.removeEventFilter(self)
        return False

    def _sleeps(self) -> None:
        if self._began_s is not None:
            self._stalls.add((self._clock_s() - self._began_s) * 1e3)
            self._work.add((self._work_clock_s() - self._began_work_s) * 1e3)
            self._began_s = None
            if (app := QCoreApplication.instance()) is not None:
                app.installEventFilter(self)
