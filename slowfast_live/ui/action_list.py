"""The actions that the running model knows, to be searched."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QPersistentModelIndex,
    QSortFilterProxyModel,
    Qt,
)
from PySide6.QtGui import QColor, QPixmap
from PySide6.QtWidgets import QAbstractItemView, QLabel, QLineEdit, QListView, QVBoxLayout, QWidget

from slowfast_live.colours import action_colour
from slowfast_live.ui import wording
from slowfast_live.ui.shortcuts import describe, tip
from slowfast_live.ui.theme import GRID, LIGHT, Theme

_Index = QModelIndex | QPersistentModelIndex


class _Labels(QAbstractListModel):
    """Labels with their colours."""

    def __init__(self) -> None:
        super().__init__()
        self._labels: tuple[str, ...] = ()
        self._theme = LIGHT

    def replace(self, labels: Sequence[str], theme: Theme) -> None:
        self.beginResetModel()
        self._labels, self._theme = tuple(sorted(labels, key=str.casefold)), theme
        self.endResetModel()

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: N802, B008
        return 0 if parent.isValid() else len(self._labels)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        label = self._labels[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return label
        if role == Qt.ItemDataRole.ToolTipRole:
            return wording.tooltip(label)
        if role == Qt.ItemDataRole.DecorationRole:
            dot = QPixmap(GRID, GRID)
            dot.fill(QColor(action_colour(label, self._theme.name)))
            return dot
        return None


class ActionList(QWidget):
    """A search field above a list."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._known: tuple[str, ...] = ()
        self._theme = LIGHT
        self._labels = _Labels()
        self._proxy = QSortFilterProxyModel(self)
        self._proxy.setSourceModel(self._labels)
        self._proxy.setFilterCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self._search = QLineEdit()
        self._search.setPlaceholderText("Search")
        self._search.setClearButtonEnabled(True)
        self._search.textChanged.connect(self._filter)
        describe(self._search, "Search the actions", tip("find_action"))
        self._list = QListView()
        self._list.setModel(self._proxy)
        self._list.setUniformItemSizes(True)
        self._list.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self._list.setFixedHeight(28 * GRID)
        describe(self._list, "Actions", tip("find_action", "Actions that the model knows. Search"))
        self._count = QLabel()
        self._count.setProperty("tone", "quiet")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GRID)
        for widget in (self._search, self._list, self._count):
            layout.addWidget(widget)
        self._tell()

    def show_labels(self, labels: Sequence[str]) -> None:
        """Set the actions that are known."""
        if tuple(labels) != self._known:
            self._known = tuple(labels)
            self._labels.replace(self._known, self._theme)
            self._tell()

    def set_theme(self, theme: Theme) -> None:
        """Take over a theme's colours."""
        self._theme = theme
        self._labels.replace(self._known, theme)

    def focus_search(self) -> None:
        """Put the cursor into the search field."""
        self._search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self._search.selectAll()

    def visible_labels(self) -> list[str]:
        """Return what the list shows now."""
        return [self._proxy.index(row, 0).data() for row in range(self._proxy.rowCount())]

    def search(self, text: str) -> None:
        """Search as if it were typed."""
        self._search.setText(text)

    def _filter(self, text: str) -> None:
        self._proxy.setFilterFixedString(text.strip())
        self._tell()

    def _tell(self) -> None:
        shown, known = self._proxy.rowCount(), len(self._known)
        if not known:
            self._count.setText("No model is running.")
        elif shown == known:
            self._count.setText(f"{known} actions")
        else:
            self._count.setText(f"{shown} of {known} actions" if shown else "The model does not know that action.")
