"""How long the GUI thread works at a stretch: while it works, it neither paints nor answers."""

from __future__ import annotations

import time
from collections.abc import Callable

from PySide6.QtCore import QAbstractEventDispatcher, QCoreApplication, QEvent, QObject

from slowfast_live.core.meters import Distribution


class StallMeter(QObject):
    """Measures each iteration of the GUI thread's event loop: how long it took, and how long it really worked.

    The wall-clock time is what a user waits; it holds also the time that other threads and programs kept the
    GUI thread from the processor. The processor time is what its own slots cost.

    An iteration begins with the first event handled after the loop has slept and ends where it goes to sleep
    again. The dispatcher says when it goes to sleep (`aboutToBlock`), but not when the sleep ends: Qt fires
    timers and system events *before* it emits `awake`, so those two signals alone miss nearly all the work.
    An event filter on the application marks the first event instead, and is then taken off until the next sleep:
    each event that passes through Python costs microseconds.

    Args:
        clock_s: Monotonic seconds.
        work_clock_s: Seconds of processor time of the calling thread.
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
        """Begin anew. Call once the window stands: building it is not a stall."""
        dispatcher, app = QAbstractEventDispatcher.instance(), QCoreApplication.instance()
        if dispatcher is None or app is None:
            raise RuntimeError("the stall meter needs a running application")
        self._stalls, self._work = Distribution(), Distribution()
        self._began_s = None
        app.installEventFilter(self)  # again, too: it may be off until the next sleep
        if not self._running:
            self._running = True
            dispatcher.aboutToBlock.connect(self._sleeps)

    def stop(self) -> None:
        """End the measurement; what was measured stays."""
        if not self._running:
            return
        self._running = False
        if (dispatcher := QAbstractEventDispatcher.instance()) is not None:
            dispatcher.aboutToBlock.disconnect(self._sleeps)
        if (app := QCoreApplication.instance()) is not None:
            app.removeEventFilter(self)

    @property
    def iterations(self) -> int:
        """Iterations measured."""
        return self._stalls.count

    @property
    def p99_ms(self) -> float:
        """99th percentile of the wall-clock time, in milliseconds."""
        return self._stalls.percentile(99)

    @property
    def max_ms(self) -> float:
        """The longest wall-clock time, in milliseconds."""
        return self._stalls.max

    @property
    def work_p99_ms(self) -> float:
        """99th percentile of the processor time, in milliseconds."""
        return self._work.percentile(99)

    @property
    def work_max_ms(self) -> float:
        """The longest processor time, in milliseconds."""
        return self._work.max

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Mark the first event after a sleep; lets it pass."""
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
