"""The list of earlier sessions: open, rename, delete, save as a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from pathlib import Path
from typing import Any

from PySide6.QtCore import QSortFilterProxyModel, Qt, Signal
from PySide6.QtGui import QAction, QKeySequence, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QHBoxLayout,
    QHeaderView,
    QInputDialog,
    QLabel,
    QLineEdit,
    QPushButton,
    QStackedWidget,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from slowfast_live.sessions.format import Session
from slowfast_live.sessions.identity import path_of
from slowfast_live.sessions.store import MAX_UNEDITED, MAX_UNEDITED_BYTES, MAX_UNEDITED_DAYS
from slowfast_live.ui.commands.commands import describe
from slowfast_live.ui.style import formatting
from slowfast_live.ui.style.fitting import resize_to_fit
from slowfast_live.ui.style.language import tr
from slowfast_live.ui.style.link_label import LinkLabel
from slowfast_live.ui.style.theme import GRID

DATE, SOURCE, EVENTS, EDITS = range(4)
_HEADINGS = (tr("Last used"), tr("Source"), tr("Events"), tr("Edits"))
_SORT = Qt.ItemDataRole.UserRole
_SESSION = Qt.ItemDataRole.UserRole + 1
_ROW = 28


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A session in the list.

    Attributes:
        session: The session.
        missing: Whether its file is no longer where it was.
    """

    session: Session
    missing: bool = False


def date_text(seconds: float) -> str:
    """Return a time as "2026-11-26 14:03"."""
    try:
        return datetime.fromtimestamp(seconds).strftime("%Y-%m-%d %H:%M")
    except (OverflowError, OSError, ValueError):
        return "unknown"


def source_text(row: SessionRow) -> str:
    """Return the text for a session's source."""
    session = row.session
    name = session.source.name or session.source.kind
    if session.source.live:
        name = f"{name}, {date_text(session.began_s)}"
    if session.title:
        name = f"{session.title} ({name})"
    return tr("{name} · file not found", name=name) if row.missing else name


class SessionsDialog(QDialog):
    """Lists sessions and emits the user's requests; the owner of the store carries them out.

    Args:
        folder: Folder of the sessions; None if they are not saved.
        parent: The window.
    """

    open_wanted = Signal(object)
    rename_wanted = Signal(object, str)
    delete_wanted = Signal(list)
    undo_wanted = Signal()
    save_wanted = Signal(object)
    folder_wanted = Signal()

    def __init__(self, folder: Path | None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("Sessions"))
        self._model = QStandardItemModel(0, len(_HEADINGS), self)
        self._proxy = QSortFilterProxyModel(self)
        self._proxy.setSourceModel(self._model)
        self._proxy.setSortRole(_SORT)
        self._proxy.setFilterKeyColumn(SOURCE)
        self._proxy.setFilterCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self._dialog: QInputDialog | None = None
        self.search = QLineEdit()
        self.search.setPlaceholderText(tr("Filter"))
        self.search.setClearButtonEnabled(True)
        describe(self.search, tr("Filter the sessions"), tr("Part of a source's or a session's name"))
        self.search.textChanged.connect(self._proxy.setFilterFixedString)
        self.table = self._make_table()
        self._empty = QLabel(tr("No sessions yet.\nWhat is recognized and your edits are saved here automatically."))
        self._empty.setProperty("tone", "quiet")
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._stack = QStackedWidget()
        self._stack.addWidget(self.table)
        self._stack.addWidget(self._empty)
        self.message = LinkLabel()
        self.message.setWordWrap(True)
        self.message.linkActivated.connect(lambda _link: self.undo_wanted.emit())
        self.message.hide()
        self.buttons = {
            "open": self._button(tr("Open"), tr("Open the session (Enter)"), self.open_selected),
            "rename": self._button(tr("Rename…"), tr("Rename the session (F2)"), self.rename_selected),
            "save": self._button(
                tr("Save as file…"), tr("Save the session as a file, to share it"), self.save_selected
            ),
            "delete": self._button(tr("Delete"), tr("Delete the selected sessions (Delete)"), self.delete_selected),
        }
        self.delete_all = self._button(tr("Delete all"), tr("Delete all sessions"), self._delete_all)
        self._lay_out(folder)
        self._enable()
        resize_to_fit(self, 760, 520)

    def _make_table(self) -> QTableView:
        table = QTableView()
        table.setModel(self._proxy)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        table.setShowGrid(False)
        table.setWordWrap(False)
        table.setTabKeyNavigation(False)
        table.verticalHeader().hide()
        table.verticalHeader().setDefaultSectionSize(_ROW)
        self._model.setHorizontalHeaderLabels(list(_HEADINGS))
        header = table.horizontalHeader()
        header.setHighlightSections(False)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header.setSectionResizeMode(SOURCE, QHeaderView.ResizeMode.Stretch)
        for column, width in ((DATE, 18 * GRID), (EVENTS, 9 * GRID), (EDITS, 11 * GRID)):
            table.setColumnWidth(column, width)
        header.setSortIndicator(DATE, Qt.SortOrder.DescendingOrder)
        table.setSortingEnabled(True)
        describe(table, tr("Sessions"), tr("Enter opens a session, F2 renames it, Delete deletes it"))
        table.doubleClicked.connect(lambda _index: self.open_selected())
        table.selectionModel().selectionChanged.connect(lambda _on, _off: self._enable())
        for keys, slot in (
            (("Return", "Enter"), self.open_selected),
            (("F2",), self.rename_selected),
            (("Del", "Backspace"), self.delete_selected),
            (("Ctrl+Z",), self.undo_wanted.emit),
        ):
            action = QAction(table)
            action.setShortcuts([QKeySequence(key) for key in keys])
            action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
            action.triggered.connect(lambda _=False, slot=slot: slot())
            table.addAction(action)
        return table

    def _button(self, text: str, tooltip: str, slot: Any) -> QPushButton:
        button = QPushButton(text)
        button.setAutoDefault(False)
        describe(button, text, tooltip)
        button.clicked.connect(lambda _=False: slot())
        return button

    def _lay_out(self, folder: Path | None) -> None:
        row = QHBoxLayout()
        row.setSpacing(GRID)
        for button in self.buttons.values():
            row.addWidget(button)
        row.addStretch(1)
        row.addWidget(self.delete_all)
        note = LinkLabel(_note(folder))
        note.setProperty("tone", "quiet")
        note.setWordWrap(True)
        note.linkActivated.connect(lambda _link: self.folder_wanted.emit())
        layout = QVBoxLayout(self)
        layout.setContentsMargins(3 * GRID, 3 * GRID, 3 * GRID, 2 * GRID)
        layout.setSpacing(GRID + GRID // 2)
        for part in (self.search, self._stack):
            layout.addWidget(part, 1 if part is self._stack else 0)
        layout.addWidget(self.message)
        layout.addLayout(row)
        layout.addWidget(note)

    # Public interface

    @property
    def rows(self) -> list[SessionRow]:
        """The sessions on display, in the order of the list."""
        return [self._row(row) for row in range(self._proxy.rowCount())]

    @property
    def selected(self) -> list[SessionRow]:
        """The selected sessions, in the order of the list."""
        rows = sorted({index.row() for index in self.table.selectionModel().selectedRows()})
        return [self._row(row) for row in rows]

    def show_rows(self, rows: Sequence[SessionRow]) -> None:
        """Set the sessions; selected ones stay selected, or else what took their place is selected."""
        chosen = {row.session.id for row in self.selected}
        place = min((index.row() for index in self.table.selectionModel().selectedRows()), default=0)
        self._model.removeRows(0, self._model.rowCount())
        for row in rows:
            self._model.appendRow(_items(row))
        self._proxy.invalidate()
        selection = self.table.selectionModel()
        kept = [i for i, row in enumerate(self.rows) if row.session.id in chosen]
        count = self._proxy.rowCount()
        for i in kept or ([min(place, count - 1)] if count else []):
            index = self._proxy.index(i, DATE)
            selection.select(index, selection.SelectionFlag.Select | selection.SelectionFlag.Rows)
            selection.setCurrentIndex(index, selection.SelectionFlag.NoUpdate)
        self._stack.setCurrentWidget(self.table if rows else self._empty)
        self.delete_all.setEnabled(bool(rows))
        self._enable()

    def show_message(self, text: str, *, undo: bool = False) -> None:
        """Show what was done, optionally with an undo link; "" for nothing."""
        self.message.setText(tr('{value} · <a href="undo">Undo</a>', value=escape(text)) if undo else escape(text))
        self.message.setVisible(bool(text))

    def _row(self, row: int) -> SessionRow:
        found = self._proxy.index(row, DATE).data(_SESSION)
        assert isinstance(found, SessionRow)
        return found

    def _enable(self) -> None:
        count = len(self.table.selectionModel().selectedRows())
        for name, button in self.buttons.items():
            button.setEnabled(count > 0 if name == "delete" else count == 1)

    # Commands

    def open_selected(self) -> None:
        """Open the selected session."""
        if len(selected := self.selected) == 1:
            self.open_wanted.emit(selected[0].session)

    def save_selected(self) -> None:
        """Save the selected session as a file."""
        if len(selected := self.selected) == 1:
            self.save_wanted.emit(selected[0].session)

    def rename_selected(self) -> None:
        """Ask for a new name of the selected session."""
        selected = self.selected
        if len(selected) != 1:
            return
        session = selected[0].session
        self._dialog = dialog = QInputDialog(self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setWindowTitle(tr("Rename the session"))
        dialog.setLabelText(tr("Name (empty for the source's name):"))
        dialog.setTextValue(session.title or session.source.name)
        dialog.resize(400, dialog.sizeHint().height())
        dialog.textValueSelected.connect(
            lambda text: self.rename_wanted.emit(session, "" if text.strip() == session.source.name else text)
        )
        dialog.open()

    def delete_selected(self) -> None:
        """Delete the selected sessions."""
        if selected := self.selected:
            self.delete_wanted.emit([row.session for row in selected])

    def _delete_all(self) -> None:
        rows = [self._model.item(row, DATE).data(_SESSION) for row in range(self._model.rowCount())]
        self.delete_wanted.emit([row.session for row in rows])


def _items(row: SessionRow) -> list[QStandardItem]:
    session = row.session
    edits = "none"
    if session.edit_count:
        edits = tr("1 edit") if session.edit_count == 1 else tr("{edit_count} edits", edit_count=session.edit_count)
    cells: tuple[tuple[str, Any], ...] = (
        (date_text(session.changed_s), session.changed_s),
        (source_text(row), source_text(row).casefold()),
        (str(session.events), session.events),
        (edits, session.edit_count),
    )
    path = path_of(session.source)
    items = []
    for column, (text, key) in enumerate(cells):
        item = QStandardItem(text)
        item.setEditable(False)
        item.setData(key, _SORT)
        item.setData(row, _SESSION)
        item.setToolTip(formatting.tooltip(str(path) if path is not None and column == SOURCE else text))
        items.append(item)
    return items


def _note(folder: Path | None) -> str:
    if folder is None:
        return tr("Sessions are not saved in this run.")
    return tr(
        'Sessions are stored in <a href="folder">{folder}</a>, only on this computer: recognized '
        "events and your edits, but no pictures and no sound. Those without edits and without a "
        "name are removed after {MAX_UNEDITED_DAYS} days, or when there are more than "
        "{MAX_UNEDITED} or {MAX_UNEDITED_BYTES} MB of them. Edited ones stay until you delete "
        "them.",
        folder=escape(str(folder)),
        MAX_UNEDITED_DAYS=MAX_UNEDITED_DAYS,
        MAX_UNEDITED=MAX_UNEDITED,
        MAX_UNEDITED_BYTES=MAX_UNEDITED_BYTES // 10**6,
    )
