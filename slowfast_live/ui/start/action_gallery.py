"""The actions of a model as small moving pictures with their names."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QPersistentModelIndex,
    QRectF,
    QSize,
    QSortFilterProxyModel,
    Qt,
)
from PySide6.QtGui import QColor, QFontMetrics, QHideEvent, QMovie, QPainter, QPainterPath, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from slowfast_live import paths
from slowfast_live.core.action_names import slug
from slowfast_live.ui.commands.commands import describe
from slowfast_live.ui.style import formatting
from slowfast_live.ui.style.language import tr
from slowfast_live.ui.style.names import action_name
from slowfast_live.ui.style.painting import fill_action, restores_painter
from slowfast_live.ui.style.palette import LIGHT, Theme
from slowfast_live.ui.style.theme import GRID, RADIUS, TEXT, font

_NARROWEST = 16 * GRID
"""Width of a picture's cell, with its name; wider where the columns have room."""
_NAME = QSize(26 * GRID, 3 * GRID)
_Index = QModelIndex | QPersistentModelIndex


def picture_of(label: str) -> Path | None:
    """Return the moving picture of an action; None if there is none."""
    path = paths.bundled("assets") / "actions" / f"{slug(label)}.webp"
    return path if path.is_file() else None


class _Actions(QAbstractListModel):
    """The labels of a model; those with a picture come first."""

    def __init__(self) -> None:
        super().__init__()
        self.labels: tuple[str, ...] = ()
        self.pictures: dict[str, Path] = {}

    def replace(self, labels: Sequence[str]) -> None:
        self.beginResetModel()
        self.pictures = {label: path for label in labels if (path := picture_of(label)) is not None}
        self.labels = tuple(sorted(labels, key=lambda label: (label not in self.pictures, label.casefold())))
        self.endResetModel()

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: N802, B008
        return 0 if parent.isValid() else len(self.labels)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        label = self.labels[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return action_name(label)
        if role == Qt.ItemDataRole.UserRole:
            return label
        return formatting.tooltip(action_name(label)) if role == Qt.ItemDataRole.ToolTipRole else None


class ActionGallery(QListView):
    """A grid of pictures that move while it is visible; without pictures, a list of names in columns."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._actions = _Actions()
        self._shown = QSortFilterProxyModel(self)
        self._shown.setSourceModel(self._actions)
        self._shown.setFilterCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self._movies: dict[str, QMovie] = {}
        self._cell = self._cell_in(5 * _NARROWEST)
        self.theme = LIGHT
        self.setModel(self._shown)
        self.setItemDelegate(_Tile(self))
        self.setFlow(QListView.Flow.LeftToRight)
        self.setWrapping(True)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setUniformItemSizes(True)
        self.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setEditTriggers(QListView.EditTrigger.NoEditTriggers)
        self.setObjectName("gallery")
        describe(self, tr("Actions"), tr("The actions that the running model recognizes"))

    @property
    def pictured(self) -> bool:
        """Whether any action has a picture."""
        return bool(self._actions.pictures)

    @property
    def cell(self) -> QSize:
        """Size of an action with its name."""
        return self._cell if self.pictured else _NAME

    @property
    def picture(self) -> QSize:
        """Size of a picture, 4:3."""
        width = self._cell.width() - 2 * GRID
        return QSize(width, round(width * 3 / 4))

    def height_in(self, width: int) -> int:
        """Return the height that all actions need in a given width."""
        cell = self._cell_in(width) if self.pictured else _NAME
        columns = max(1, (width - GRID) // cell.width())
        return math.ceil(len(self._actions.labels) / columns) * cell.height() + GRID

    def _cell_in(self, width: int) -> QSize:
        width -= 2 * GRID  # borders, and room for the scroll bar
        columns = max(1, width // _NARROWEST)
        cell = min(width // columns, 24 * GRID)
        return QSize(cell, round((cell - 2 * GRID) * 3 / 4) + 3 * GRID + GRID // 2)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Fill the width with whole columns."""
        super().resizeEvent(event)
        cell = self._cell_in(self.width())
        if cell != self._cell:
            self._cell = cell
            self.scheduleDelayedItemsLayout()
            if self.isVisible():
                self._stop()
                self._start()

    @property
    def moving(self) -> int:
        """Number of pictures that move now."""
        return sum(movie.state() is QMovie.MovieState.Running for movie in self._movies.values())

    def show_labels(self, labels: Sequence[str]) -> None:
        """Set the actions."""
        if sorted(labels) != sorted(self._actions.labels):
            self._stop()
            self._actions.replace(labels)
            self.scheduleDelayedItemsLayout()
            if self.isVisible():
                self._start()

    def search(self, text: str) -> None:
        """Show only the actions whose name contains a text."""
        self._shown.setFilterFixedString(text.strip())

    def labels(self) -> list[str]:
        """Return the actions that are listed."""
        return [self._shown.index(row, 0).data() for row in range(self._shown.rowCount())]

    def set_theme(self, theme: Theme) -> None:
        """Apply a theme."""
        self.theme = theme
        self.viewport().update()

    def movie(self, label: str) -> QMovie | None:
        """Return the moving picture of an action; None if there is none."""
        return self._movies.get(label)

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        """Let the pictures move."""
        super().showEvent(event)
        self._start()

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802
        """Stop the pictures and free their memory."""
        self._stop()
        super().hideEvent(event)

    def _start(self) -> None:
        ratio = self.devicePixelRatioF()
        for label, path in self._actions.pictures.items():
            movie = QMovie(str(path), parent=self)
            movie.setCacheMode(QMovie.CacheMode.CacheAll)  # decoded once, at the size that is shown
            movie.setScaledSize(self.picture * ratio)
            movie.frameChanged.connect(lambda _number, label=label: self._advance(label))
            self._movies[label] = movie
            movie.start()

    def _stop(self) -> None:
        for movie in self._movies.values():
            movie.stop()
            movie.deleteLater()
        self._movies.clear()

    def _advance(self, label: str) -> None:
        source = self._actions.index(self._actions.labels.index(label), 0)
        self.viewport().update(self.visualRect(self._shown.mapFromSource(source)))


class _Tile(QStyledItemDelegate):
    """Draws an action: its picture and name, or its color and name."""

    def __init__(self, gallery: ActionGallery) -> None:
        super().__init__(gallery)
        self._gallery = gallery

    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:  # noqa: N802
        return self._gallery.cell

    @restores_painter
    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        label, theme = str(index.data(Qt.ItemDataRole.UserRole)), self._gallery.theme
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        self._paint(painter, QRectF(option.rect), label, theme, chosen)

    @restores_painter
    def _paint(self, painter: QPainter, rect: QRectF, label: str, theme: Theme, chosen: bool) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if chosen:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(theme.accent_ground))
            painter.drawRoundedRect(rect.adjusted(1, 1, -1, -1), RADIUS, RADIUS)
        if not self._gallery.pictured:
            fill_action(painter, QRectF(rect.left() + GRID, rect.center().y() - GRID / 2, GRID, GRID), label, theme)
            self._name(painter, rect.adjusted(2.5 * GRID, 0, -GRID, 0), label, theme, Qt.AlignmentFlag.AlignLeft)
            return
        size = self._gallery.picture
        box = QRectF(rect.center().x() - size.width() / 2, rect.top() + GRID / 2, size.width(), size.height())
        outline = QPainterPath()
        outline.addRoundedRect(box, RADIUS, RADIUS)
        painter.save()
        painter.setClipPath(outline)
        if (movie := self._gallery.movie(label)) is not None:
            pixmap = movie.currentPixmap()
            painter.drawPixmap(box, pixmap, QRectF(pixmap.rect()))
        else:
            painter.setOpacity(0.3)
            fill_action(painter, box, label, theme)
        painter.restore()
        text = QRectF(rect.left(), box.bottom(), rect.width(), rect.bottom() - box.bottom())
        self._name(painter, text, label, theme, Qt.AlignmentFlag.AlignHCenter)

    @restores_painter
    def _name(self, painter: QPainter, where: QRectF, label: str, theme: Theme, align: Qt.AlignmentFlag) -> None:
        used = font(TEXT)
        painter.setFont(used)
        painter.setPen(QColor(theme.text))
        shown = QFontMetrics(used).elidedText(action_name(label), Qt.TextElideMode.ElideRight, int(where.width()))
        painter.drawText(where, align | Qt.AlignmentFlag.AlignVCenter, shown)
