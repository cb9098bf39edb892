"""Table model of the events: filtered, sorted, and updated row by row so that selection and scroll position survive."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal
from PySide6.QtGui import QColor, QFont, QIcon, QPainter, QPixmap

from slowfast_live.colors import identity_color
from slowfast_live.core.corrections import AnnotatedEvent
from slowfast_live.core.events import Event
from slowfast_live.ui.style import formatting
from slowfast_live.ui.style.language import tr
from slowfast_live.ui.style.names import action_name, person_title
from slowfast_live.ui.style.painting import action_swatch
from slowfast_live.ui.style.palette import LIGHT, Theme
from slowfast_live.ui.style.theme import GRID, font

TIME, ACTION, LENGTH, REPETITIONS, SCORE, PERSON = range(6)
EVERYTHING, WHOLE_PICTURE, EVERYBODY = 0, -1, -2
"""In place of a person: all events, those of the whole picture, those of people."""
HEADINGS = (
    (tr("Time"), tr("When it began")),
    (tr("Action"), tr("The action; double-click or press F2 to rename it")),
    (tr("Length"), tr("How long it lasted")),
    (tr("Reps"), tr("How many times the movement was repeated")),
    (tr("Score"), tr("Mean score over the event")),
    (tr("Who"), tr("Number of the person; empty if it is about the whole picture")),
)
BY_HAND = tr("added")
"""Shown instead of a score for events that the user added."""
Index = QModelIndex | QPersistentModelIndex
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_NUMBERS = (LENGTH, REPETITIONS, SCORE)


@dataclass(frozen=True, slots=True)
class Filter:
    """Determines which events are listed.

    Attributes:
        text: Part of the action's name, ignoring case; "" for all.
        label: The action; "" for all.
        least_score: Minimum mean score of a listed event.
        person: Whose events: a person's number, `EVERYTHING`, `WHOLE_PICTURE` or `EVERYBODY`.
    """

    text: str = ""
    label: str = ""
    least_score: float = 0.0
    person: int = EVERYTHING

    def admits(self, noted: AnnotatedEvent) -> bool:
        """Return whether an event passes the filter."""
        event = noted.event
        if not self._about(noted.person):
            return False
        if self.label and event.label != self.label:
            return False
        names = (event.label.casefold(), action_name(event.label).casefold())
        return event.mean_score >= self.least_score and any(self.text.casefold() in name for name in names)

    def _about(self, person: int | None) -> bool:
        if person is None:
            return self.person in (EVERYTHING, WHOLE_PICTURE)
        return self.person in (EVERYTHING, EVERYBODY, person)


def _recorded(event: Event) -> int:
    return event.repetitions


class EventsModel(QAbstractTableModel):
    """Table model with one row per event.

    Args:
        when: Formats a time as text.
        parent: Qt parent.
        repetitions: Returns how many repetitions were counted in an event.
    """

    rename_wanted = Signal(object, str)
    """Emits an `AnnotatedEvent` and the new name that was typed."""

    def __init__(
        self,
        when: Callable[[float], str],
        parent: QObject | None = None,
        repetitions: Callable[[Event], int] = _recorded,
    ) -> None:
        super().__init__(parent)
        self._when, self._repetitions = when, repetitions
        self._sort_keys: dict[int, Callable[[AnnotatedEvent], Any]] = {
            TIME: lambda noted: noted.event.begin_s,
            ACTION: lambda noted: (noted.event.label.casefold(), noted.event.begin_s),
            LENGTH: lambda noted: noted.event.length_s,
            REPETITIONS: lambda noted: repetitions(noted.event),
            SCORE: lambda noted: noted.event.mean_score,
            PERSON: lambda noted: (noted.person or 0, noted.event.begin_s),
        }
        self._notes: Sequence[AnnotatedEvent] = ()
        self._filter = Filter()
        self._sort = (TIME, Qt.SortOrder.AscendingOrder)
        self._theme = LIGHT
        self.rows: list[AnnotatedEvent] = []
        self.now: AnnotatedEvent | None = None
        """The event at the playhead or, for a live source, in progress."""

    @property
    def sorting(self) -> tuple[int, Qt.SortOrder]:
        """The sort column and order."""
        return self._sort

    def set_notes(self, notes: Sequence[AnnotatedEvent]) -> None:
        """Set the events, oldest first; only rows that differ are updated."""
        self._notes = notes
        self._arrange()

    def set_filter(self, filter_: Filter) -> None:
        """Set the filter."""
        self._filter = filter_
        self._arrange()

    def set_theme(self, theme: Theme) -> None:
        """Apply a theme."""
        self._theme = theme
        self._changed(0, len(self.rows))

    def show_counts(self) -> None:
        """Show what was counted meanwhile; rows that are sorted by it are put in order."""
        if self._sort[0] == REPETITIONS:
            self.sort(*self._sort)
        if self.rows:
            self.dataChanged.emit(self.index(0, REPETITIONS), self.index(len(self.rows) - 1, REPETITIONS))

    @property
    def counted(self) -> bool:
        """Whether repetitions were counted in any of the events, listed or not."""
        return any(self._repetitions(noted.event) for noted in self._notes)

    @property
    def now_color(self) -> QColor:
        """Color of the mark of the event that is shown now."""
        return QColor(self._theme.accent)

    def set_now(self, noted: AnnotatedEvent | None) -> None:
        """Mark the event that is shown now; None for none."""
        before, self.now = self.now, noted
        if before is noted or (before is not None and noted is not None and before.same_as(noted)):
            return
        for one in (before, noted):
            if one is not None and (row := self.row_of(one)) is not None:
                self._changed(row, row + 1)

    def is_now(self, row: int) -> bool:
        """Return whether a row's event is the one shown now."""
        return self.now is not None and self.rows[row].same_as(self.now)

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort the rows, keeping the selection."""
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

    def row_of(self, noted: AnnotatedEvent) -> int | None:
        """Return the row of an event, even if it has grown in the meantime; None if it is not listed."""
        for row, one in enumerate(self.rows):
            if one.same_as(noted):
                return row
        return None

    def _wanted(self) -> list[AnnotatedEvent]:
        column, order = self._sort
        rows = [noted for noted in self._notes if self._filter.admits(noted)]
        descending = order is Qt.SortOrder.DescendingOrder
        if column != TIME or descending:  # events arrive in chronological order
            rows.sort(key=self._sort_keys[column], reverse=descending)
        return rows

    def _arrange(self) -> None:
        """Update the rows; those that are equal at both ends are left alone."""
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

    # Methods that Qt calls

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: N802, B008
        """Return the number of events listed."""
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: N802, B008
        """Return the number of columns."""
        return 0 if parent.isValid() else len(HEADINGS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:  # noqa: N802
        """Return a column's heading, tooltip and alignment."""
        if orientation is not Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _RIGHT if section in _NUMBERS else _LEFT
        if role == Qt.ItemDataRole.DisplayRole:
            return HEADINGS[section][0]
        return HEADINGS[section][1] if role == Qt.ItemDataRole.ToolTipRole else None

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Return what can be done with a cell."""
        if not index.isValid():
            return Qt.ItemFlag.NoItemFlags
        flags = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemNeverHasChildren
        return flags | Qt.ItemFlag.ItemIsEditable if index.column() == ACTION else flags

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return a cell's text, color swatch, tooltip, alignment or font."""
        noted, column = self.rows[index.row()], index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(noted, column)
        if role == Qt.ItemDataRole.EditRole:
            return noted.event.label
        if role == Qt.ItemDataRole.ToolTipRole:
            return formatting.tooltip(self.details(noted))
        if role == Qt.ItemDataRole.AccessibleDescriptionRole:
            return (tr("Now. ") if self.is_now(index.row()) else "") + self.details(noted)
        if role == Qt.ItemDataRole.DecorationRole and column == ACTION:
            return _swatch(noted.event.label, self._theme)
        if role == Qt.ItemDataRole.ForegroundRole and column == PERSON and noted.person is not None:
            return QColor(identity_color(noted.person, self._theme.name))
        if role == Qt.ItemDataRole.TextAlignmentRole and column in _NUMBERS:
            return _RIGHT
        if role == Qt.ItemDataRole.FontRole and column == ACTION and (noted.corrected or noted.event.by_hand):
            italic = QFont(font())
            italic.setItalic(True)
            return italic
        return None

    def setData(self, index: Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:  # noqa: N802
        """Request a new name for the event; the owner of the events applies it."""
        name = str(value).strip()
        noted = self.rows[index.row()]
        if role != Qt.ItemDataRole.EditRole or not name or name == noted.event.label:
            return False
        self.rename_wanted.emit(noted, name)
        return True

    def _text(self, noted: AnnotatedEvent, column: int) -> str:
        event = noted.event
        if column == TIME:
            return self._when(event.begin_s)
        if column == ACTION:
            return action_name(event.label)
        if column == LENGTH:
            return tr("now") if noted.going_on else formatting.length(event.length_s)
        if column == PERSON:
            return "" if noted.person is None else str(noted.person)
        if column == REPETITIONS:
            return "" if noted.person is not None else str(self._repetitions(event) or "")
        return BY_HAND if event.by_hand else formatting.percent(event.mean_score)

    def details(self, noted: AnnotatedEvent) -> str:
        """Return the details of an event, in two lines."""
        event = noted.event
        name = action_name(event.label)
        if noted.person is not None:
            name = tr("{person}: {action}", person=person_title(noted.person), action=name)
        until = tr("now") if noted.going_on else self._when(event.end_s)
        lasts = tr(
            "{begin_s} to {until}, {length_s}",
            begin_s=self._when(event.begin_s),
            until=until,
            length_s=formatting.length(event.length_s),
        )
        if repetitions := self._repetitions(event):
            lasts = f"{lasts}, {formatting.counted(repetitions, 'repetition')}"
        if event.by_hand:
            return tr("{action_name}\n{lasts} · added manually", action_name=name, lasts=lasts)
        said = tr(" (the model: {action_name})", action_name=action_name(noted.said)) if noted.corrected else ""
        return tr(
            "{action_name}{said}\n{lasts} · mean {mean_score}, peak {peak_score} at {peak_s}",
            action_name=name,
            said=said,
            lasts=lasts,
            mean_score=formatting.percent(event.mean_score),
            peak_score=formatting.percent(event.peak_score),
            peak_s=self._when(event.peak_s),
        )

    def as_text(self, notes: Sequence[AnnotatedEvent]) -> str:
        """Return events as tab-separated lines, which can be pasted into a spreadsheet."""
        whose = any(noted.person is not None for noted in notes)
        lines = [
            "\t".join(
                (
                    self._when(noted.event.begin_s),
                    self._when(noted.event.end_s),
                    noted.event.label,
                    *(("" if noted.person is None else person_title(noted.person),) if whose else ()),
                    formatting.length(noted.event.length_s),
                    BY_HAND if noted.event.by_hand else formatting.percent(noted.event.mean_score),
                    str(self._repetitions(noted.event) or ""),
                )
            )
            for noted in notes
        ]
        return "\n".join(lines)


def _swatch(label: str, theme: Theme) -> QIcon:
    """Return an action's square that a selection does not tint."""
    square = action_swatch(label, theme, GRID)
    icon = QIcon(square)
    icon.addPixmap(square, QIcon.Mode.Selected)
    return icon


def person_dot(person: int, theme: Theme) -> QIcon:
    """Return a dot in a person's color that a selection does not tint."""
    dot = QPixmap(GRID, GRID)
    dot.fill(Qt.GlobalColor.transparent)
    painter = QPainter(dot)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(identity_color(person, theme.name)))
    painter.drawEllipse(dot.rect())
    painter.end()
    icon = QIcon(dot)
    icon.addPixmap(dot, QIcon.Mode.Selected)
    return icon


def _alike(one: Sequence[AnnotatedEvent], other: Sequence[AnnotatedEvent]) -> int:
    """Return the length of the common prefix of two lists."""
    return next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
