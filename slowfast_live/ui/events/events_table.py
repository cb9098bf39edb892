"""The table of events: which columns it shows in the room that it has."""

from __future__ import annotations

from collections.abc import Collection

from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QTableView

from slowfast_live.ui.events.events_model import ACTION, LENGTH, PERSON, REPETITIONS, SCORE, TIME
from slowfast_live.ui.style.theme import GRID

_WIDTHS = {LENGTH: 7 * GRID, REPETITIONS: 6 * GRID, SCORE: 7 * GRID, PERSON: 4 * GRID + 4}
_TIME_WIDTHS = {False: 7 * GRID, True: 9 * GRID + GRID // 2}
"""Column widths for the times in a file (False) and for the times of day of a live source (True)."""
_ACTION_PX = 13 * GRID
"""Least width of the action."""
_ORDER = (PERSON, SCORE, REPETITIONS, LENGTH)
"""What is shown as long as there is room; the details of an event say the rest."""


def columns_for(width: int, known: Collection[int], *, live: bool) -> set[int]:
    """Return the columns that fit.

    Args:
        width: Room in logical pixels.
        known: Columns in which anything is known.
        live: Whether times are times of day.
    """
    left = width - _TIME_WIDTHS[live] - _ACTION_PX
    shown = {TIME, ACTION}
    for column in _ORDER:
        if column in known and _WIDTHS[column] <= left:
            shown.add(column)
            left -= _WIDTHS[column]
    return shown


class EventsTable(QTableView):
    """A table whose action is always readable: less important columns go where the list is narrow."""

    def __init__(self) -> None:
        super().__init__()
        self._known: frozenset[int] = frozenset((SCORE, LENGTH))
        self._live = False

    def show_columns(self, *, people: bool, repetitions: bool, live: bool) -> None:
        """Set what is known of the events: whose they are, how often something was repeated; and the form of times."""
        extra = {PERSON: people, REPETITIONS: repetitions}
        self._known = frozenset((SCORE, LENGTH, *(column for column, there in extra.items() if there)))
        self._live = live
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Fit the columns."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        if self.model() is None:
            return
        shown = columns_for(self.viewport().width(), self._known, live=self._live)
        for column, width in (_WIDTHS | {TIME: _TIME_WIDTHS[self._live]}).items():
            self.setColumnHidden(column, column not in shown)
            self.setColumnWidth(column, width)
