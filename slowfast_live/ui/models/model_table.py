"""Table of the model manager: Qt model, sorting and search, and precisions as badges."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QRect,
    QSize,
    QSortFilterProxyModel,
    Qt,
)
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from slowfast_live.ui.models.model_catalogue import CatalogueRow, Speed, Speeds
from slowfast_live.ui.style import formatting
from slowfast_live.ui.style.language import tr
from slowfast_live.ui.style.painting import restores_painter
from slowfast_live.ui.style.palette import LIGHT, Theme
from slowfast_live.ui.style.theme import GRID

NAME, BUILT, ACTIONS, TOP1, TOP5, GFLOPS, PARAMS, SIZE, SPEED = range(9)
HEADINGS = (
    (tr("Model"), tr("The network")),
    (tr("Built"), tr("Precisions on this machine")),
    (tr("Actions"), tr("How many actions it knows")),
    (
        tr("Top-1"),
        tr("Published top-1 accuracy in percent, over several views of a video; mAP where several labels are right"),
    ),
    (tr("Top-5"), tr("Published top-5 accuracy in percent, over several views of a video")),
    ("GFLOPs", tr("Multiply-adds per clip in 1e9: the amount of computation")),
    (tr("Params"), tr("Parameters in millions")),
    (tr("On disk"), tr("Size on disk")),
    (tr("Speed here"), tr("Time for one clip on this machine: measured in this session, or estimated from it")),
)
WIDTHS = {BUILT: 148, ACTIONS: 68, TOP1: 76, TOP5: 56, GFLOPS: 68, PARAMS: 68, SIZE: 80, SPEED: 148}
"""Widths of the columns in pixels; the name takes the rest."""
SPARED = (GFLOPS, PARAMS, TOP5, SIZE, ACTIONS)
"""Columns whose content is also in the details, in the order in which a narrow table hides them."""
_NAME_PX = 200
"""Width in pixels, scroll bar included, that the longest names of models need."""
NOT_BUILT = tr("not built")
SORT_ROLE = Qt.ItemDataRole.UserRole
Index = QModelIndex | QPersistentModelIndex


def megabytes(size_mb: float) -> str:
    """Return "36.7 MB", or "138 MB"."""
    return f"{size_mb:.1f} MB" if size_mb < 99.95 else f"{size_mb:.0f} MB"


def spared(width: int) -> set[int]:
    """Return the columns to hide in a table of this width in pixels, so that names are not cut off.

    >>> sorted(spared(1200))
    []
    """
    needed, hidden = _NAME_PX + sum(WIDTHS.values()), set[int]()
    for column in SPARED:
        if needed <= width:
            break
        hidden.add(column)
        needed -= WIDTHS[column]
    return hidden


class RowModel(QAbstractTableModel):
    """The table's rows; speeds are updated by `refresh_speeds`."""

    def __init__(self, speeds: Speeds, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._speeds = speeds
        self.rows: list[CatalogueRow] = []
        self._shown: list[Speed | None] = []
        self._building = ""
        self._running: str | None = None

    def set_rows(self, rows: Sequence[CatalogueRow]) -> None:
        """Replace the rows."""
        self.beginResetModel()
        self.rows = list(rows)
        self._shown = [self._speeds.of(row, self.rows) for row in self.rows]
        self.endResetModel()

    def set_building(self, key: str) -> None:
        """Set the row that is being built; "" for none."""
        if key != self._building:
            self._building = key
            self._changed(BUILT)

    def set_running(self, name: str | None) -> None:
        """Mark the row of the running model."""
        if name != self._running:
            self._running = name
            self._changed(NAME)

    def refresh_speeds(self) -> bool:
        """Update the speeds; return whether any has changed."""
        shown = [self._speeds.of(row, self.rows) for row in self.rows]
        if [s and s.text for s in shown] != [s and s.text for s in self._shown]:
            self._shown = shown
            self._changed(SPEED)
            return True
        return False

    def _changed(self, column: int) -> None:
        if self.rows:
            self.dataChanged.emit(self.index(0, column), self.index(len(self.rows) - 1, column))

    def speed(self, row: int) -> Speed | None:
        """Return the displayed speed of a row."""
        return self._shown[row]

    def badges(self, row: int) -> tuple[str, ...]:
        """Return a row's badges."""
        return self.rows[row].badges

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
            return _alignment(section)
        if role == Qt.ItemDataRole.DisplayRole:
            return HEADINGS[section][0]
        return HEADINGS[section][1] if role == Qt.ItemDataRole.ToolTipRole else None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """See Qt."""
        row, column = self.rows[index.row()], index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(index.row(), column)
        if role == SORT_ROLE:
            return self._value(index.row(), column)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(column)
        if role == Qt.ItemDataRole.ToolTipRole:
            speed = self._shown[index.row()]
            if column == SPEED:
                return speed.origin if speed else tr("Its speed cannot be estimated before a model has run.")
            return formatting.tooltip(f"{row.title}: {self._text(index.row(), column)}")
        if role == Qt.ItemDataRole.AccessibleTextRole:
            if column == NAME:
                return tr("Model: {title}{value}", title=row.title, value=tr(", running") if self._runs(row) else "")
            return f"{HEADINGS[column][0]}: {self._text(index.row(), column)}"
        return None

    def _text(self, number: int, column: int) -> str:
        row, value = self.rows[number], self._value(number, column)
        if column == NAME:
            return f"▸ {row.title}" if self._runs(row) else row.title
        if column == BUILT:
            return tr("being built") if row.key == self._building else ", ".join(row.badges) or NOT_BUILT
        if column == SPEED:
            speed = self._shown[number]
            return speed.text if speed else "-"
        if not value:
            return "-"
        if column == SIZE:
            return megabytes(value)
        if column == ACTIONS:
            return str(value)
        if column == TOP1 and row.accuracy("top-1") is None:
            return tr("{value} mAP", value=f"{value:.1f}")
        return f"{value:.1f} M" if column == PARAMS else f"{value:.1f}"

    def _runs(self, row: CatalogueRow) -> bool:
        return any(one.model.name == self._running for one in row.built)

    def _value(self, number: int, column: int) -> Any:
        row, speed = self.rows[number], self._shown[number]
        values = {
            NAME: row.title.casefold(),
            BUILT: len(row.badges) or None,
            ACTIONS: row.actions,
            TOP1: row.accuracy("top-1") or row.accuracy("mAP"),
            TOP5: row.accuracy("top-5"),
            GFLOPS: row.gflops,
            PARAMS: row.params_m,
            SIZE: row.size_mb or None,
            SPEED: speed.infer_ms if speed else None,
        }
        return values[column]


def _alignment(column: int) -> Qt.AlignmentFlag:
    side = Qt.AlignmentFlag.AlignLeft if column in (NAME, BUILT) else Qt.AlignmentFlag.AlignRight
    return side | Qt.AlignmentFlag.AlignVCenter


class SortedRows(QSortFilterProxyModel):
    """Sorts and filters; rows without a figure always come last."""

    def __init__(self, rows: RowModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows, self._words = rows, ""
        self.setSourceModel(rows)
        self.setSortRole(SORT_ROLE)
        self.setDynamicSortFilter(True)

    def search(self, words: str) -> None:
        """Show only rows that contain all of the words."""
        self._words = words.casefold()
        self.invalidate()

    def filterAcceptsRow(self, source_row: int, source_parent: Index) -> bool:  # noqa: N802
        """See Qt."""
        row = self._rows.rows[source_row]
        text = f"{row.title} {row.key} {row.family} {' '.join(row.badges) or NOT_BUILT}".casefold()
        return all(word in text for word in self._words.split())

    def lessThan(self, left: Index, right: Index) -> bool:  # noqa: N802
        """See Qt."""
        one, other = left.data(SORT_ROLE), right.data(SORT_ROLE)
        if one is None or other is None:
            falls = self.sortOrder() is Qt.SortOrder.DescendingOrder
            return (one is None and other is not None) if falls else (one is not None and other is None)
        return bool(one < other)


class BadgeDelegate(QStyledItemDelegate):
    """Draws each precision as a badge."""

    def __init__(self, badges: Callable[[Index], tuple[str, ...]], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._badges = badges
        self.theme: Theme = LIGHT

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:  # noqa: N802
        """See Qt."""
        size = super().sizeHint(option, index)
        metrics = option.fontMetrics
        width = sum(metrics.horizontalAdvance(text) + 2 * GRID for text in self._badges(index))
        return QSize(max(size.width(), width + 2 * GRID), size.height())

    @restores_painter
    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """See Qt."""
        badges = self._badges(index)
        if not badges:
            self.initStyleOption(option, index)
            option.palette.setColor(option.palette.ColorRole.Text, QColor(self.theme.quiet))
            super().paint(painter, option, index)
            return
        widget = option.widget
        widget.style().drawPrimitive(QStyle.PrimitiveElement.PE_PanelItemViewItem, option, painter, widget)
        rect: QRect = option.rect
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setClipRect(rect)
        x = rect.left() + GRID
        for badge in badges:
            text, _, untrained = badge.partition(" ")  # amber says the rest; tooltip and readers say it in words
            width = painter.fontMetrics().horizontalAdvance(text) + GRID
            frame = QRect(x, rect.center().y() - 9, width, 19)
            painter.setPen(QColor(self.theme.control_border))
            painter.setBrush(QColor(self.theme.window))
            painter.drawRoundedRect(frame, 4, 4)
            painter.setPen(QColor(self.theme.amber if untrained else self.theme.text))
            painter.drawText(frame, Qt.AlignmentFlag.AlignCenter, text)
            x += width + GRID // 2
