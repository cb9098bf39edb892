"""A searchable list of the actions that the running model knows; the user checks those that are looked for."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QPersistentModelIndex,
    QSortFilterProxyModel,
    Qt,
    Signal,
)
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListView,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from slowfast_live.ui.commands.commands import describe, tip
from slowfast_live.ui.style import formatting
from slowfast_live.ui.style.language import tr
from slowfast_live.ui.style.names import action_name
from slowfast_live.ui.style.painting import action_swatch
from slowfast_live.ui.style.palette import LIGHT, Theme
from slowfast_live.ui.style.theme import GRID

_Index = QModelIndex | QPersistentModelIndex


class _Labels(QAbstractListModel):
    """Labels with their colors and check marks."""

    toggled = Signal(str, bool)
    """Emits a label and whether it was checked."""

    def __init__(self) -> None:
        super().__init__()
        self._labels: tuple[str, ...] = ()
        self._theme = LIGHT
        self._chosen: frozenset[str] = frozenset()

    def choose(self, chosen: frozenset[str]) -> None:
        self._chosen = chosen
        if self._labels:
            self.dataChanged.emit(self.index(0, 0), self.index(len(self._labels) - 1, 0))

    def replace(self, labels: Sequence[str], theme: Theme) -> None:
        self.beginResetModel()
        self._labels, self._theme = tuple(sorted(labels, key=lambda label: action_name(label).casefold())), theme
        self.endResetModel()

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: N802, B008
        return 0 if parent.isValid() else len(self._labels)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        label = self._labels[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return action_name(label)
        if role == Qt.ItemDataRole.ToolTipRole:
            return formatting.tooltip(action_name(label))
        if role == Qt.ItemDataRole.DecorationRole:
            return action_swatch(label, self._theme, GRID)
        if role == Qt.ItemDataRole.CheckStateRole:
            return Qt.CheckState.Checked if label in self._chosen else Qt.CheckState.Unchecked
        return None

    def flags(self, index: _Index) -> Qt.ItemFlag:
        return super().flags(index) | Qt.ItemFlag.ItemIsUserCheckable

    def setData(self, index: _Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:  # noqa: N802
        if role != Qt.ItemDataRole.CheckStateRole:
            return False
        self.toggled.emit(self._labels[index.row()], Qt.CheckState(value) is Qt.CheckState.Checked)
        return True


class ActionList(QWidget):
    """A search field above a list with check boxes; at least one action stays checked."""

    chosen = Signal(object)
    """Emits the frozenset of the actions to look for."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._known: tuple[str, ...] = ()
        self._chosen: frozenset[str] = frozenset()
        self._theme = LIGHT
        self._labels = _Labels()
        self._labels.toggled.connect(self._toggle)
        self._proxy = QSortFilterProxyModel(self)
        self._proxy.setSourceModel(self._labels)
        self._proxy.setFilterCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self._search = QLineEdit()
        self._search.setPlaceholderText(tr("Search"))
        self._search.setClearButtonEnabled(True)
        self._search.textChanged.connect(self._filter)
        describe(self._search, tr("Search the actions"), tip("find_action"))
        self._list = QListView()
        self._list.setModel(self._proxy)
        self._list.setUniformItemSizes(True)
        self._list.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self._list.setFixedHeight(28 * GRID)
        describe(
            self._list,
            tr("Actions"),
            tip("find_action", tr("Checked actions are looked for. Search")),
        )
        self._all = QToolButton()
        self._all.setText(tr("All"))
        self._all.clicked.connect(lambda: self._choose(frozenset(self._known)))
        describe(self._all, tr("All actions"), tr("Look for all actions again"))
        self._count = QLabel()
        self._count.setTextFormat(Qt.TextFormat.PlainText)
        self._count.setProperty("tone", "quiet")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GRID)
        layout.addWidget(self._search)
        layout.addWidget(self._list)
        foot = QHBoxLayout()
        foot.addWidget(self._count, 1)
        foot.addWidget(self._all)
        layout.addLayout(foot)
        keep = self._all.sizePolicy()
        keep.setRetainSizeWhenHidden(True)
        self._all.setSizePolicy(keep)
        self._show_count()

    def show_labels(self, labels: Sequence[str], chosen: Collection[str] | None = None) -> None:
        """Set the list of actions, and those that are looked for; None for all."""
        wanted = frozenset(labels if chosen is None else chosen) & frozenset(labels)
        if tuple(labels) != self._known or wanted != self._chosen:
            self._known, self._chosen = tuple(labels), wanted
            self._labels.choose(wanted)
            self._labels.replace(self._known, self._theme)
            self._show_count()

    def _toggle(self, label: str, on: bool) -> None:
        chosen = self._chosen | {label} if on else self._chosen - {label}
        if chosen:  # to look for nothing makes no sense
            self._choose(chosen)

    def _choose(self, chosen: frozenset[str]) -> None:
        self._chosen = chosen
        self._labels.choose(chosen)
        self._show_count()
        self.chosen.emit(chosen)

    def set_theme(self, theme: Theme) -> None:
        """Apply a theme."""
        self._theme = theme
        self._labels.replace(self._known, theme)

    def focus_search(self) -> None:
        """Focus the search field and select its text."""
        self._search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self._search.selectAll()

    def visible_labels(self) -> list[str]:
        """Return the labels that match the search."""
        return [self._proxy.index(row, 0).data() for row in range(self._proxy.rowCount())]

    def search(self, text: str) -> None:
        """Set the search text."""
        self._search.setText(text)

    def _filter(self, text: str) -> None:
        self._proxy.setFilterFixedString(text.strip())
        self._show_count()

    def _show_count(self) -> None:
        shown, known = self._proxy.rowCount(), len(self._known)
        self._all.setVisible(len(self._chosen) < known)
        if not known:
            self._count.setText(tr("No model is running."))
        elif shown == known and len(self._chosen) < known:
            self._count.setText(
                tr(
                    "looks for {chosen} of {counted}",
                    chosen=len(self._chosen),
                    counted=formatting.counted(known, "action"),
                )
            )
        elif shown == known:
            self._count.setText(formatting.counted(known, "action"))
        else:
            self._count.setText(
                tr("{shown} of {counted}", shown=shown, counted=formatting.counted(known, "action"))
                if shown
                else tr("The model does not know that action.")
            )
