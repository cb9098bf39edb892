"""Run Python's cyclic garbage collection on the GUI thread only."""

from __future__ import annotations

import gc

from PySide6.QtCore import QObject, QTimer

_EVERY_MS = 500


class GcTimer(QObject):
    """Replaces automatic garbage collection, which runs on whichever thread happens to allocate.

    A widget in a reference cycle, such as one referenced by a lambda of its own, could then be deleted off the GUI
    thread, which Qt forbids: the process crashes, rarely and far from the cause.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._was_on = gc.isenabled()
        gc.disable()
        self._timer = QTimer(self)
        self._timer.setInterval(_EVERY_MS)
        self._timer.timeout.connect(self.collect_if_due)
        self._timer.start()

    def collect_if_due(self) -> None:
        """Collect the oldest generation that is due by Python's own thresholds, if any."""
        due = [
            n for n, (count, most) in enumerate(zip(gc.get_count(), gc.get_threshold(), strict=True)) if count > most
        ]
        if due:
            gc.collect(due[-1])

    def close(self) -> None:
        """Re-enable automatic garbage collection. Safe to call twice."""
        self._timer.stop()
        if self._was_on:
            gc.enable()
