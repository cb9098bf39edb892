"""Python's cyclic garbage, collected on the GUI thread alone."""

from __future__ import annotations

import gc

from PySide6.QtCore import QObject, QTimer

_EVERY_MS = 500


class GarbageCollector(QObject):
    """Collects instead of Python, which would do so on whichever thread happens to allocate.

    A widget that is part of a cycle, as of a lambda that names it, would then be deleted off the GUI thread, which Qt
    forbids: the process dies, rarely and far from the cause.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._was_on = gc.isenabled()
        gc.disable()
        self._timer = QTimer(self)
        self._timer.setInterval(_EVERY_MS)
        self._timer.timeout.connect(self.look)
        self._timer.start()

    def look(self) -> None:
        """Collect the oldest generation that is due by Python's own thresholds; none may be."""
        due = [
            n for n, (count, most) in enumerate(zip(gc.get_count(), gc.get_threshold(), strict=True)) if count > most
        ]
        if due:
            gc.collect(due[-1])

    def close(self) -> None:
        """Leave it to Python again. Safe to call twice."""
        self._timer.stop()
        if self._was_on:
            gc.enable()
