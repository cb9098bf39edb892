"""The events as rows: filtered, sorted, and changed row by row, so that selection and place stay."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal
from PySide6.QtGui import QColor, QFont, QIcon, QPixmap

from slowfast_live.colours import action_colour
from slowfast_live.core.corrections import Noted
from slowfast_live.ui import wording
from slowfast_live.ui.theme import GRID, LIGHT, Theme, font

TIME, ACTION, LENGTH, SCORE = range(4)
HEADINGS = (
    ("Time", "When it began"),
    ("Action", "What was done; double click or F2 to rename"),
    ("Length", "How long it lasted"),
    ("Score", "Mean score of the action while it lasted"),
)
Index = QModelIndex | QPersistentModelIndex
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


@dataclass(frozen=True, slots=True)
class Filter:
    """Which events are listed.

    Attributes:
        text: Part of the action's name, in any case; "" for all.
        label: The action; "" for all.
        least_score: Mean score from which an event is listed.
    """

    text: str = ""
    label: str = ""
    least_score: float = 0.0

    def admits(self, noted: Noted) -> bool:
        """Whether an event is listed."""
        event = noted.event
        if self.label and event.label != self.label:
            return False
        return event.mean_score >= self.least_score and self.text.casefold() in event.label.casefold()


_SORT_KEYS: dict[int, Callable[[Noted], Any]] = {
    TIME: lambda noted: noted.event.begin_s,
    ACTION: lambda noted: (noted.event.label.casefold(), noted.event.begin_s),
    LENGTH: lambda noted: noted.event.length_s,
    SCORE: lambda noted: noted.event.mean_score,
}


class EventsModel(QAbstractTableModel):
    """Rows of events.

    Args:
        when: Says a moment in words.
        parent: Qt's owner.
    """

    rename_wanted = Signal(object, str)
    """`Noted` and the name that was typed."""

    def __init__(self, when: Callable[[float], str], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._when = when
        self._notes: Sequence[Noted] = ()
        self._filter = Filter()
        self._sort = (TIME, Qt.SortOrder.AscendingOrder)
        self._theme = LIGHT
        self.rows: list[Noted] = []

    @property
    def sorting(self) -> tuple[int, Qt.SortOrder]:
        """Column and order."""
        return self._sort

    def set_notes(self, notes: Sequence[Noted]) -> None:
        """Take over the events, oldest first; only rows that differ are touched."""
        self._notes = notes
        self._arrange()

    def set_filter(self, filter_: Filter) -> None:
        """List other events."""
        self._filter = filter_
        self._arrange()

    def set_theme(self, theme: Theme) -> None:
        """Take over a theme's colours."""
        self._theme = theme
        self._changed(0, len(self.rows))

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """See Qt."""
        self._sort = (column, order)
        self.layoutAboutToBeChanged.emit()
        held = self.persistentIndexList()
        before = [self.rows[index.row()] for index in held]
        self.rows = self._wanted()
        place = {id(noted): row for row, noted in enumerate(self.rows)}
        self.changePersistentIndexList(
            held, [self.index(place[id(noted)], index.column()) for noted, index in zip(before, held, strict=True)]
        )
        self.layoutChanged.emit()

    def row_of(self, noted: Noted) -> int | None:
        """Return the row of an event, though it may have grown since; None where it is not listed."""
        for row, one in enumerate(self.rows):
            if one.same_as(noted):
                return row
        return None

    def _wanted(self) -> list[Noted]:
        column, order = self._sort
        rows = [noted for noted in self._notes if self._filter.admits(noted)]
        descending = order is Qt.SortOrder.DescendingOrder
        if column != TIME or descending:  # events come in the order of time
            rows.sort(key=_SORT_KEYS[column], reverse=descending)
        return rows

    def _arrange(self) -> None:
        """Make the rows what they should be: what is alike at both ends stays."""
        old, new = self.rows, self._wanted()
        head = _alike(old, new)
        tail = min(_alike(old[::-1], new[::-1]), min(len(old), len(new)) - head)
        old_count, new_count = len(old) - head - tail, len(new) - head - tail
        alike = min(old_count, new_count)
        if old_count > alike:
            self.beginRemoveRows(QModelIndex(), head + alike, head + old_count - 1)
            del self.rows[head + alike : head + old_count]
            self.endRemoveRows()
        elif new_count > alike:
            self.beginInsertRows(QModelIndex(), head + alike, head + new_count - 1)
            self.rows[head + alike : head + alike] = new[head + alike : head + new_count]
            self.endInsertRows()
        self.rows = new
        self._changed(head, head + alike)

    def _changed(self, first: int, stop: int) -> None:
        if stop > first:
            self.dataChanged.emit(self.index(first, 0), self.index(stop - 1, len(HEADINGS) - 1))

    # Qt's own questions

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: N802, B008
        """See Qt."""
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: N802, B008
        """See Qt."""
        return 0 if parent.isValid() else len(HEADINGS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:  # noqa: N802
        """See Qt."""
        if orientation is not Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _RIGHT if section in (LENGTH, SCORE) else _LEFT
        if role == Qt.ItemDataRole.DisplayRole:
            return HEADINGS[section][0]
        return HEADINGS[section][1] if role == Qt.ItemDataRole.ToolTipRole else None

    def flags(self, index: Index) -> Qt.ItemFlag:
        """See Qt."""
        if not index.isValid():
            return Qt.ItemFlag.NoItemFlags
        flags = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemNeverHasChildren
        return flags | Qt.ItemFlag.ItemIsEditable if index.column() == ACTION else flags

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """See Qt."""
        noted, column = self.rows[index.row()], index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(noted, column)
        if role == Qt.ItemDataRole.EditRole:
            return noted.event.label
        if role == Qt.ItemDataRole.ToolTipRole:
            return wording.tooltip(self.details(noted))
        if role == Qt.ItemDataRole.AccessibleDescriptionRole:
            return self.details(noted)
        if role == Qt.ItemDataRole.DecorationRole and column == ACTION:
            return _swatch(action_colour(noted.event.label, self._theme.name))
        if role == Qt.ItemDataRole.TextAlignmentRole and column in (LENGTH, SCORE):
            return _RIGHT
        if role == Qt.ItemDataRole.FontRole and column == ACTION and noted.corrected:
            italic = QFont(font())
            italic.setItalic(True)
            return italic
        return None

    def setData(self, index: Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:  # noqa: N802
        """Ask for another name; whoever keeps the events grants it."""
        name = str(value).strip()
        noted = self.rows[index.row()]
        if role != Qt.ItemDataRole.EditRole or not name or name == noted.event.label:
            return False
        self.rename_wanted.emit(noted, name)
        return True

    def _text(self, noted: Noted, column: int) -> str:
        event = noted.event
        if column == TIME:
            return self._when(event.begin_s)
        if column == ACTION:
            return event.label
        if column == LENGTH:
            return "now" if noted.going_on else wording.length(event.length_s)
        return wording.percent(event.mean_score)

    def details(self, noted: Noted) -> str:
        """Return all there is to say of an event, in two lines."""
        event = noted.event
        said = f" (the model said: {noted.said})" if noted.corrected else ""
        until = "now" if noted.going_on else self._when(event.end_s)
        return (
            f"{event.label}{said}\n{self._when(event.begin_s)} to {until}, {wording.length(event.length_s)} · "
            f"mean {wording.percent(event.mean_score)}, peak {wording.percent(event.peak_score)} "
            f"at {self._when(event.peak_s)}"
        )

    def as_text(self, notes: Sequence[Noted]) -> str:
        """Return events as lines with tabs, which a spreadsheet takes."""
        lines = [
            "\t".join(
                (
                    self._when(noted.event.begin_s),
                    self._when(noted.event.end_s),
                    noted.event.label,
                    wording.length(noted.event.length_s),
                    wording.percent(noted.event.mean_score),
                )
            )
            for noted in notes
        ]
        return "\n".join(lines)


@lru_cache(maxsize=256)
def _swatch(colour: str) -> QIcon:
    """Return a square of a colour that a selection does not tint."""
    square = QPixmap(GRID, GRID)
    square.fill(QColor(colour))
    icon = QIcon(square)
    icon.addPixmap(square, QIcon.Mode.Selected)
    return icon


def _alike(one: Sequence[Noted], other: Sequence[Noted]) -> int:
    """Return how many rows two lists begin with in common."""
    return next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
