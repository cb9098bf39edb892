"""The events as a list: filter, rename, delete, go to, copy, export."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import (
    QItemSelectionModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QPoint,
    QSignalBlocker,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QAction, QGuiApplication, QKeySequence
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QCompleter,
    QHBoxLayout,
    QHeaderView,
    QInputDialog,
    QLabel,
    QLineEdit,
    QMenu,
    QStackedWidget,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from slowfast_live.core.corrections import Noted
from slowfast_live.ui import icons, wording
from slowfast_live.ui.chronicle import Chronicle
from slowfast_live.ui.events_model import ACTION, LENGTH, SCORE, TIME, EventsModel, Filter
from slowfast_live.ui.shortcuts import describe, tip
from slowfast_live.ui.theme import GRID, Theme

SCORES = (0.0, 0.5, 0.7, 0.9)
_WIDTHS = {LENGTH: 7 * GRID, SCORE: 6 * GRID}
_TIME_WIDTHS = {False: 7 * GRID, True: 9 * GRID + GRID // 2}
"""Of the times in a file, and of the times of day of a live source."""
_ROW = 28
_ALL = "All actions"


class _Namer(QStyledItemDelegate):
    """Edits a name, and offers those that are known."""

    def __init__(self, names: Callable[[], Sequence[str]], parent: QObject) -> None:
        super().__init__(parent)
        self._names = names

    def createEditor(  # noqa: N802
        self, parent: QWidget, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> QWidget:
        """See Qt."""
        editor = QLineEdit(parent)
        editor.setObjectName("cell")
        completer = QCompleter(list(self._names()), editor)
        completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        editor.setCompleter(completer)
        editor.setAccessibleName("Name of the action")
        return editor


class EventsPanel(QWidget):
    """Lists what the chronicle tells; the chronicle grants what is corrected.

    Args:
        chronicle: What happened.
        actions: The window's commands: undo and export stand here too.
    """

    jump = Signal(float)
    """A moment of a file to go to, in seconds."""
    reveal = Signal(object)
    """`Noted` to show in the timeline."""

    def __init__(self, chronicle: Chronicle, actions: dict[str, QAction], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._chronicle = chronicle
        self._known: tuple[str, ...] = ()
        self._dialog: QInputDialog | None = None
        self.model = EventsModel(chronicle.when, self)
        self.model.rename_wanted.connect(chronicle.rename)
        self._search, self._labels, self._scores = self._filters()
        self.table = self._make_table()
        self._empty = QLabel()
        self._empty.setProperty("tone", "quiet")
        self._empty.setWordWrap(True)
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._empty.setMargin(2 * GRID)
        self._stack = QStackedWidget()
        self._stack.addWidget(self.table)
        self._stack.addWidget(self._empty)
        self._details = QLabel()
        self._details.setProperty("tone", "quiet")
        self._details.setWordWrap(True)
        self._details.hide()
        self._details.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._count = QLabel()
        self._count.setProperty("tone", "quiet")
        self._own = self._own_actions()
        self._undo, self._export = actions["undo"], actions["export_events"]
        self._buttons: list[tuple[QToolButton, str]] = []
        self._lay_out()
        chronicle.changed.connect(self._take)
        chronicle.restarted.connect(self._clear)
        chronicle.selected_changed.connect(self._show_selected)
        self._take()

    # Building

    def _filters(self) -> tuple[QLineEdit, QComboBox, QComboBox]:
        search, labels, scores = QLineEdit(), QComboBox(), QComboBox()
        search.setPlaceholderText("Filter")
        search.setClearButtonEnabled(True)
        describe(search, "Filter the events", tip("events", "Part of an action's name"))
        labels.addItem(_ALL, "")
        labels.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        describe(labels, "Action", "List the events of one action only")
        for score in SCORES:
            scores.addItem(f"≥ {wording.percent(score)}" if score else "Any score", score)
        describe(scores, "Least score", "List events from this mean score on only")
        search.textChanged.connect(self._filter)
        labels.currentIndexChanged.connect(self._filter)
        scores.currentIndexChanged.connect(self._filter)
        return search, labels, scores

    def _make_table(self) -> QTableView:
        table = QTableView()
        table.setObjectName("events")
        table.setModel(self.model)
        table.setItemDelegateForColumn(ACTION, _Namer(lambda: self._known, table))
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        triggers = QAbstractItemView.EditTrigger
        table.setEditTriggers(triggers.DoubleClicked | triggers.EditKeyPressed)
        table.setShowGrid(False)
        table.setIconSize(QSize(GRID, GRID))
        table.setWordWrap(False)
        table.setTabKeyNavigation(False)
        table.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        table.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        table.verticalHeader().hide()
        table.verticalHeader().setDefaultSectionSize(_ROW)
        header = table.horizontalHeader()
        header.setHighlightSections(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header.setSectionResizeMode(ACTION, QHeaderView.ResizeMode.Stretch)
        header.setSortIndicator(*self.model.sorting)
        table.setSortingEnabled(True)
        for column, width in (_WIDTHS | {TIME: _TIME_WIDTHS[False]}).items():
            table.setColumnWidth(column, width)
        describe(table, "Events", "Enter goes to the event, F2 renames it, Delete deletes it")
        table.clicked.connect(lambda index: self._go(index))
        table.selectionModel().selectionChanged.connect(self._selection_changed)
        table.customContextMenuRequested.connect(self._open_menu)
        return table

    def _own_actions(self) -> dict[str, QAction]:
        """Make what works on the rows selected; the keys work while the list has the focus."""
        made = {}
        for name, text, keys, slot in (
            ("go", "Go to", ("Return", "Enter"), self.go_to_selected),
            ("rename", "Rename…", (), self.rename_selected),
            ("rename_all", "Rename all…", (), self.rename_all_of_selected),
            ("delete", "Delete", ("Del", "Backspace"), self.delete_selected),
            ("copy", "Copy as text", ("Ctrl+C",), self.copy_selected),
        ):
            action = QAction(text, self.table)
            action.setShortcuts([QKeySequence(key) for key in keys])
            action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
            action.triggered.connect(lambda _=False, slot=slot: slot())
            self.table.addAction(action)
            made[name] = action
        return made

    def _lay_out(self) -> None:
        second = QHBoxLayout()
        second.setSpacing(GRID)
        second.addWidget(self._labels, 1)
        second.addWidget(self._scores)
        foot = QHBoxLayout()
        foot.setSpacing(0)
        foot.addWidget(self._count, 1)
        for action, icon, name, tooltip in (
            (self._own["rename"], "rename", "Rename", "Rename the event (F2)"),
            (self._own["delete"], "delete", "Delete", "Delete the events selected (Delete)"),
            (self._own["copy"], "copy", "Copy", "Copy the events selected as text (Ctrl+C)"),
            (self._undo, "undo", "Undo", tip("undo")),
            (self._export, "export", "Export", tip("export_events")),
        ):
            button = QToolButton()
            button.setDefaultAction(action)
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
            describe(button, name, tooltip)
            self._buttons.append((button, icon))
            foot.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GRID + GRID // 2, GRID, GRID + GRID // 2, GRID)
        layout.setSpacing(GRID)
        layout.addWidget(self._search)
        layout.addLayout(second)
        layout.addWidget(self._stack, 1)
        layout.addWidget(self._details)
        layout.addLayout(foot)

    def set_theme(self, theme: Theme) -> None:
        """Take over a theme's colours."""
        for button, name in self._buttons:
            button.defaultAction().setIcon(icons.icon(name, theme))
        self.model.set_theme(theme)

    # What others may ask

    def focus_search(self) -> None:
        """Put the cursor into the filter."""
        self._search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self._search.selectAll()

    def know(self, labels: Sequence[str]) -> None:
        """Take over the names that are offered for renaming."""
        self._known = tuple(sorted(labels, key=str.casefold))

    def filter(self, text: str | None = None, label: str | None = None, least_score: float | None = None) -> None:
        """Filter as if it were typed and chosen; None leaves a field as it is."""
        if text is not None:
            self._search.setText(text)
        if label is not None:
            self._labels.setCurrentIndex(max(0, self._labels.findData(label)))
        if least_score is not None:
            self._scores.setCurrentIndex(max(0, self._scores.findData(least_score)))

    @property
    def selected(self) -> list[Noted]:
        """The events selected, in the order of the list."""
        rows = sorted({index.row() for index in self.table.selectionModel().selectedRows()})
        return [self.model.rows[row] for row in rows]

    @property
    def empty_text(self) -> str:
        """What is said where no event is listed; "" where some are."""
        return self._empty.text() if self._stack.currentWidget() is self._empty else ""

    @property
    def details(self) -> str:
        """What is said of the event selected."""
        return self._details.text()

    # News

    def _take(self) -> None:
        bar = self.table.verticalScrollBar()
        at_the_end = bar.value() >= bar.maximum()
        count = len(self.model.rows)
        self._offer_labels()
        self.model.set_notes(self._chronicle.notes)
        if at_the_end and len(self.model.rows) > count:
            self.table.scrollToBottom()
        self._undo.setEnabled(bool(self._chronicle.undoable))
        undo = self._chronicle.undoable
        self._undo.setToolTip(wording.tooltip(tip("undo", f"Undo: {undo}" if undo else "")))
        self._export.setEnabled(bool(self._chronicle.notes))
        self._tell()

    def _clear(self) -> None:
        with QSignalBlocker(self._labels):
            self._labels.setCurrentIndex(0)
        self._search.clear()
        self._scores.setCurrentIndex(0)
        self.table.setColumnWidth(TIME, _TIME_WIDTHS[self._chronicle.live])
        self._take()

    def _offer_labels(self) -> None:
        """Offer the actions there are, the chosen one among them."""
        labels = sorted({noted.event.label for noted in self._chronicle.notes}, key=str.casefold)
        chosen = self._labels.currentData()
        if chosen and chosen not in labels:
            labels.append(chosen)
        if (
            labels == [self._labels.itemData(i) for i in range(1, self._labels.count())]
            or self._labels.view().isVisible()
        ):
            return
        with QSignalBlocker(self._labels):
            self._labels.clear()
            self._labels.addItem(_ALL, "")
            for label in labels:
                self._labels.addItem(label, label)
            self._labels.setCurrentIndex(max(0, self._labels.findData(chosen)))

    def _filter(self) -> None:
        self.model.set_filter(
            Filter(self._search.text().strip(), self._labels.currentData() or "", self._scores.currentData())
        )
        self._tell()

    def _tell(self) -> None:
        """Say how many there are, or why there are none."""
        shown, known = len(self.model.rows), len(self._chronicle.notes)
        self._stack.setCurrentWidget(self.table if shown else self._empty)
        if known:
            self._empty.setText("No event fits the filter.")
            events = "1 event" if known == 1 else f"{known} events"
            self._count.setText(events if shown == known else f"{shown} of {events}")
            total_s = sum(noted.event.length_s for noted in self.model.rows)
            self._count.setToolTip(f"{wording.length(total_s)} in all")
        else:
            self._empty.setText("Nothing happened yet.\nActions appear here as they are recognised.")
            self._count.setText("")
        self._enable()

    def _enable(self) -> None:
        chosen = len(self.table.selectionModel().selectedRows())
        for name in ("delete", "copy"):
            self._own[name].setEnabled(chosen > 0)
        for name in ("go", "rename", "rename_all"):
            self._own[name].setEnabled(chosen == 1)

    def _selection_changed(self) -> None:
        selected = self.selected
        self._enable()
        if len(selected) == 1:
            self._chronicle.select(selected[0])
        elif not selected:
            self._details.clear()

    def _show_selected(self) -> None:
        """Show the event that is looked at, whoever chose it."""
        noted = self._chronicle.selected
        self._details.setText(self.model.details(noted) if noted else "")
        self._details.setVisible(noted is not None)
        if len(self.selected) > 1:
            return
        row = None if noted is None else self.model.row_of(noted)
        selection = self.table.selectionModel()
        with QSignalBlocker(selection):
            if row is None:
                selection.clearSelection()
            elif not selection.isRowSelected(row):
                index = self.model.index(row, ACTION)
                flags = QItemSelectionModel.SelectionFlag
                selection.setCurrentIndex(index, flags.ClearAndSelect | flags.Rows)
                self.table.scrollTo(index)
        self.table.viewport().update()
        self._enable()

    # What can be done with rows

    def _go(self, index: QModelIndex) -> None:
        if QGuiApplication.keyboardModifiers() & (
            Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.ControlModifier
        ):
            return  # rows are being added to the selection
        noted = self.model.rows[index.row()]
        self.reveal.emit(noted)
        if not self._chronicle.live:
            self.jump.emit(noted.event.begin_s)

    def go_to_selected(self) -> None:
        """Go to the event selected; of a live source, show where it lies."""
        rows = self.table.selectionModel().selectedRows()
        if len(rows) == 1:
            self._go(rows[0])

    def rename_selected(self) -> None:
        """Edit the name of the event selected."""
        rows = self.table.selectionModel().selectedRows()
        if len(rows) == 1:
            self.table.edit(self.model.index(rows[0].row(), ACTION))

    def rename_all_of_selected(self) -> None:
        """Ask for another name for all events of the action selected, those to come too."""
        selected = self.selected
        if len(selected) != 1:
            return
        label = selected[0].event.label
        self._dialog = dialog = QInputDialog(self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setWindowTitle("Rename all")
        dialog.setLabelText(f"Call every “{label}”, those to come too:")
        dialog.setTextValue(label)
        dialog.textValueSelected.connect(lambda name: self._chronicle.rename_all(label, name))
        dialog.open()

    def delete_selected(self) -> None:
        """Delete the events selected; undo brings them back."""
        self._chronicle.delete(self.selected)

    def copy_selected(self) -> None:
        """Put the events selected on the clipboard, as lines with tabs."""
        if selected := self.selected:
            QGuiApplication.clipboard().setText(self.model.as_text(selected))

    def _open_menu(self, at: QPoint) -> None:
        if not self.selected:
            return
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._own["rename_all"].setText(f"Rename all “{self.selected[0].event.label}”…".replace("&", "&&"))
        for name in ("go", "rename", "rename_all", "delete", "copy"):
            menu.addAction(self._own[name])
        menu.addSeparator()
        menu.addAction(self._undo)
        menu.popup(self.table.viewport().mapToGlobal(at))
