"""The list of events: filter, rename, delete, go to, copy, export."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape

from PySide6.QtCore import (
    QItemSelectionModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QPoint,
    QRect,
    QSignalBlocker,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QAction, QGuiApplication, QKeySequence, QPainter
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
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from slowfast_live.core.corrections import AnnotatedEvent
from slowfast_live.ui.commands.commands import describe, tip
from slowfast_live.ui.events.events_model import ACTION, PERSON, TIME, EventsModel, Filter
from slowfast_live.ui.events.events_table import EventsTable
from slowfast_live.ui.events.people_choice import PeopleChoice
from slowfast_live.ui.events.session_events import SessionEvents
from slowfast_live.ui.style import formatting, icons
from slowfast_live.ui.style.language import tr
from slowfast_live.ui.style.link_label import LinkLabel
from slowfast_live.ui.style.names import action_name
from slowfast_live.ui.style.painting import restores_painter
from slowfast_live.ui.style.palette import Theme
from slowfast_live.ui.style.theme import GRID

SCORES = (0.0, 0.5, 0.7, 0.9)
_ROW = 28
_NOW_PX = 3
_ALL = tr("All actions")


class _Namer(QStyledItemDelegate):
    """Edits a name, with completion from the known names."""

    def __init__(self, names: Callable[[], Sequence[str]], parent: QObject) -> None:
        super().__init__(parent)
        self._names = names

    def createEditor(  # noqa: N802
        self, parent: QWidget, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> QWidget:
        """Create the editor, with completion."""
        editor = QLineEdit(parent)
        editor.setObjectName("cell")
        completer = QCompleter(list(self._names()), editor)
        completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        editor.setCompleter(completer)
        editor.setAccessibleName(tr("Name of the action"))
        return editor


class _NowMark(QStyledItemDelegate):
    """Marks the row of the event that is shown now by a bar at its left edge."""

    @restores_painter
    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        """Draw the cell and, if it is now, the bar."""
        super().paint(painter, option, index)
        model = index.model()
        if isinstance(model, EventsModel) and model.is_now(index.row()):
            rect: QRect = option.rect
            painter.fillRect(rect.left(), rect.top() + 4, _NOW_PX, rect.height() - 8, model.now_color)


class EventsPanel(QWidget):
    """Lists the session's events and requests the user's corrections from `SessionEvents`.

    Args:
        session_events: The session's events.
        actions: The window's commands; the panel shows undo and export, too.
    """

    jump = Signal(float)
    """Emits the position in a file to jump to, in seconds."""
    times_wanted = Signal(object)
    """Emits an `AnnotatedEvent` whose begin and end are to be changed."""
    rule_wanted = Signal(object)
    """Emits an `AnnotatedEvent` that a rule is to be made of."""
    reveal = Signal(object)
    """Emits an `AnnotatedEvent` to show in the timeline."""

    def __init__(
        self, session_events: SessionEvents, actions: dict[str, QAction], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session_events = session_events
        self._known: tuple[str, ...] = ()
        self._dialog: QInputDialog | None = None
        self.model = EventsModel(session_events.when, self, session_events.repetitions)
        self.model.rename_wanted.connect(session_events.rename)
        self._search, self._labels, self._scores = self._filters()
        self.whose = PeopleChoice()
        self.whose.currentIndexChanged.connect(self._filter)
        self.table = self._make_table()
        self._empty = QLabel()
        self._empty.setTextFormat(Qt.TextFormat.PlainText)
        self._empty.setProperty("tone", "quiet")
        self._empty.setWordWrap(True)
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._empty.setMargin(2 * GRID)
        self._stack = QStackedWidget()
        self._stack.addWidget(self.table)
        self._stack.addWidget(self._empty)
        self._stack.setMinimumHeight(5 * GRID)  # leaves room for an event's details in a low window, too
        self._details = QLabel()
        self._details.setTextFormat(Qt.TextFormat.PlainText)
        self._details.setProperty("tone", "quiet")
        self._details.setWordWrap(True)
        self._details.hide()
        self._details.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._count = QLabel()
        self._count.setTextFormat(Qt.TextFormat.PlainText)
        self._count.setProperty("tone", "quiet")
        self._own = self._own_actions()
        self._deleted = LinkLabel()
        self._deleted.setTextInteractionFlags(Qt.TextInteractionFlag.LinksAccessibleByMouse)
        self._deleted.linkActivated.connect(lambda _link: actions["undo"].trigger())
        self._deleted.hide()
        self._undo, self._redo, self._export = actions["undo"], actions["redo"], actions["export_events"]
        self._add = actions["add_event"]
        self._buttons: list[tuple[QToolButton, str]] = []
        self._lay_out()
        session_events.changed.connect(self._take)
        session_events.restarted.connect(self._clear)
        session_events.selected_changed.connect(self._show_selected)
        self._take()

    # Building

    def _filters(self) -> tuple[QLineEdit, QComboBox, QComboBox]:
        search, labels, scores = QLineEdit(), QComboBox(), QComboBox()
        search.setPlaceholderText(tr("Filter"))
        search.setClearButtonEnabled(True)
        describe(search, tr("Filter the events"), tip("events", tr("Part of an action's name")))
        labels.addItem(_ALL, "")
        labels.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        describe(labels, tr("Action"), tr("List only the events of one action"))
        for score in SCORES:
            scores.addItem(f"≥ {formatting.percent(score)}" if score else tr("Any score"), score)
        describe(scores, tr("Minimum score"), tr("List only events with at least this mean score"))
        search.textChanged.connect(self._filter)
        labels.currentIndexChanged.connect(self._filter)
        scores.currentIndexChanged.connect(self._filter)
        return search, labels, scores

    def _make_table(self) -> EventsTable:
        table = EventsTable()
        table.setObjectName("events")
        table.setModel(self.model)
        table.setItemDelegateForColumn(ACTION, _Namer(lambda: self._known, table))
        table.setItemDelegateForColumn(TIME, _NowMark(table))
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
        header.moveSection(PERSON, ACTION)  # beside the time
        table.show_columns(people=False, repetitions=False, live=False)
        describe(table, tr("Events"), tr("Enter goes to the event, F2 renames it, Delete deletes it"))
        table.clicked.connect(lambda index: self._go(index))
        table.selectionModel().selectionChanged.connect(self._selection_changed)
        table.customContextMenuRequested.connect(self._open_menu)
        return table

    def _own_actions(self) -> dict[str, QAction]:
        """Create the actions on the selected rows; their keys work while the list has the focus."""
        made = {}
        for name, text, keys, slot in (
            ("go", tr("Go to"), ("Return", "Enter"), self.go_to_selected),
            ("rename", tr("Rename…"), (), self.rename_selected),
            ("rename_all", tr("Rename all…"), (), self.rename_all_of_selected),
            ("times", tr("Change the times…"), (), self.change_times_of_selected),
            ("rule", tr("Make a rule of it…"), (), self.make_rule_of_selected),
            ("delete", tr("Delete"), ("Del", "Backspace"), self.delete_selected),
            ("copy", tr("Copy as text"), ("Ctrl+C",), self.copy_selected),
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
        foot.addStretch(1)
        for action, icon, name, tooltip in (
            (self._add, "add", tr("Add"), tip("add_event")),
            (self._own["rename"], "rename", tr("Rename"), tr("Rename the event (F2)")),
            (self._own["delete"], "delete", tr("Delete"), tr("Delete the selected events (Delete)")),
            (self._own["copy"], "copy", tr("Copy"), tr("Copy the selected events as text (Ctrl+C)")),
            (self._undo, "undo", tr("Undo"), tip("undo")),
            (self._redo, "redo", tr("Redo"), tip("redo")),
            (self._export, "export", tr("Export"), tip("export_events")),
        ):
            button = QToolButton()
            button.setDefaultAction(action)
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
            describe(button, name, tooltip)
            self._buttons.append((button, icon))
            foot.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GRID + GRID // 2, GRID // 2, GRID + GRID // 2, GRID // 2)
        layout.setSpacing(GRID)
        first = QHBoxLayout()
        first.setSpacing(GRID)
        first.addWidget(self._search, 1)
        first.addWidget(self.whose)
        layout.addLayout(first)
        layout.addLayout(second)
        layout.addWidget(self._stack, 1)
        layout.addWidget(self._details)
        layout.addWidget(self._deleted)
        layout.addWidget(self._count)
        layout.addLayout(foot)

    def set_theme(self, theme: Theme) -> None:
        """Apply a theme."""
        for button, name in self._buttons:
            button.defaultAction().setIcon(icons.icon(name, theme))
        self.model.set_theme(theme)
        self.whose.set_theme(theme)

    # Public interface

    def focus_search(self) -> None:
        """Focus the filter field and select its text."""
        self._search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self._search.selectAll()

    def know(self, labels: Sequence[str]) -> None:
        """Set the names offered for renaming."""
        self._known = tuple(sorted(labels, key=str.casefold))

    def filter(self, text: str | None = None, label: str | None = None, least_score: float | None = None) -> None:
        """Set the filter fields as if typed and selected; None leaves a field unchanged."""
        if text is not None:
            self._search.setText(text)
        if label is not None:
            self._labels.setCurrentIndex(max(0, self._labels.findData(label)))
        if least_score is not None:
            self._scores.setCurrentIndex(max(0, self._scores.findData(least_score)))

    @property
    def selected(self) -> list[AnnotatedEvent]:
        """The selected events, in the order of the list."""
        rows = sorted({index.row() for index in self.table.selectionModel().selectedRows()})
        return [self.model.rows[row] for row in rows]

    @property
    def empty_text(self) -> str:
        """The placeholder text if no event is listed; else ""."""
        return self._empty.text() if self._stack.currentWidget() is self._empty else ""

    @property
    def details(self) -> str:
        """The details of the selected event."""
        return self._details.text()

    @property
    def deleted_text(self) -> str:
        """The message about the latest deletion while it can be undone there; else ""."""
        return "" if self._deleted.isHidden() else self._deleted.text()

    def show_now(self, noted: AnnotatedEvent | None) -> None:
        """Mark the event at the playhead or, for a live source, in progress."""
        self.model.set_now(noted)

    def show_counts(self) -> None:
        """Show how many repetitions were counted; the column is there as soon as an event has some."""
        self.model.show_counts()
        self._show_columns()
        if (noted := self._session_events.selected) is not None:
            self._details.setText(self.model.details(noted))

    # Updates

    def _take(self) -> None:
        bar = self.table.verticalScrollBar()
        at_the_end = bar.value() >= bar.maximum()
        count = len(self.model.rows)
        self._offer_labels()
        people = self._session_events.people
        self.whose.offer(people.known, people.followed)
        self.model.set_notes(self._session_events.all_notes)
        if at_the_end and len(self.model.rows) > count:
            self.table.scrollToBottom()
        undo, redo = self._session_events.undoable, self._session_events.redoable
        for action, name, what in ((self._undo, "undo", undo), (self._redo, "redo", redo)):
            action.setEnabled(bool(what))
            action.setToolTip(formatting.tooltip(tip(name, f"{action.text()}: {what}" if what else "")))
        if undo != self._deleted.property("what"):
            self._deleted.hide()
        self._add.setEnabled(self._session_events.source is not None)
        self._show_columns()
        self._export.setEnabled(bool(self._session_events.all_notes))
        self._update_count()

    def _clear(self) -> None:
        with QSignalBlocker(self._labels):
            self._labels.setCurrentIndex(0)
        self._search.clear()
        self.whose.reset()
        self._scores.setCurrentIndex(0)
        self._take()

    def _offer_labels(self) -> None:
        """Offer the actions that occur, including the selected one."""
        labels = sorted({noted.event.label for noted in self._session_events.all_notes}, key=str.casefold)
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
                self._labels.addItem(action_name(label), label)
            self._labels.setCurrentIndex(max(0, self._labels.findData(chosen)))

    def _filter(self) -> None:
        self.model.set_filter(
            Filter(
                self._search.text().strip(),
                self._labels.currentData() or "",
                self._scores.currentData(),
                self.whose.chosen,
            )
        )
        self._show_columns()
        self._update_count()

    def _show_columns(self) -> None:
        """Say whose events they are unless all are one person's."""
        whose = bool(self._session_events.people.known) and self.whose.chosen <= 0
        self.table.show_columns(people=whose, repetitions=self.model.counted, live=self._session_events.live)

    def _update_count(self) -> None:
        """Show the number of events, or why there are none."""
        shown, known = len(self.model.rows), len(self._session_events.all_notes)
        self._stack.setCurrentWidget(self.table if shown else self._empty)
        if known:
            self._empty.setText(tr("No event matches the filter."))
            events = tr("1 event") if known == 1 else tr("{known} events", known=known)
            self._count.setText(events if shown == known else tr("{shown} of {events}", shown=shown, events=events))
            total_s = sum(noted.event.length_s for noted in self.model.rows)
            self._count.setToolTip(tr("{total_s} in all", total_s=formatting.length(total_s)))
        else:
            self._empty.setText(tr("No events yet.\nActions appear here as they are recognized."))
            self._count.setText("")
        self._count.setVisible(shown != known)  # else the tab says it
        self._enable()

    def _enable(self) -> None:
        selected = self.selected
        for name in ("copy", "delete"):
            self._own[name].setEnabled(bool(selected))
        for name in ("go", "rule", "rename", "rename_all", "times"):
            self._own[name].setEnabled(len(selected) == 1)

    def _selection_changed(self) -> None:
        selected = self.selected
        self._enable()
        if len(selected) == 1:
            self._session_events.select(selected[0])
        elif not selected:
            self._details.clear()

    def _show_selected(self) -> None:
        """Show the selected event, regardless of where it was selected."""
        noted = self._session_events.selected
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

    # Commands on rows

    def _go(self, index: QModelIndex) -> None:
        if QGuiApplication.keyboardModifiers() & (
            Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.ControlModifier
        ):
            return  # rows are being added to the selection
        noted = self.model.rows[index.row()]
        self.reveal.emit(noted)
        if not self._session_events.live:
            self.jump.emit(noted.event.begin_s)

    def go_to_selected(self) -> None:
        """Go to the selected event; for a live source, show its place in the timeline."""
        rows = self.table.selectionModel().selectedRows()
        if len(rows) == 1:
            self._go(rows[0])

    def rename_selected(self) -> None:
        """Edit the name of the selected event."""
        rows = self.table.selectionModel().selectedRows()
        if len(rows) == 1 and self._own["rename"].isEnabled():
            self.table.edit(self.model.index(rows[0].row(), ACTION))

    def rename_all_of_selected(self) -> None:
        """Ask for a new name for all events of the selected action, including future ones."""
        selected = self.selected
        if len(selected) != 1:
            return
        label = selected[0].event.label
        self._dialog = dialog = QInputDialog(self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setWindowTitle(tr("Rename all"))
        dialog.setLabelText(tr("New name for every “{label}”, including future ones:", label=label))
        dialog.setTextValue(label)
        dialog.textValueSelected.connect(lambda name: self._session_events.rename_all(label, name))
        dialog.open()

    def change_times_of_selected(self) -> None:
        """Ask for another begin and end of the selected event."""
        if len(selected := self.selected) == 1:
            self.times_wanted.emit(selected[0])

    def make_rule_of_selected(self) -> None:
        """Ask for a rule that fires when the action of the selected event is seen as it was there."""
        if len(selected := self.selected) == 1:
            self.rule_wanted.emit(selected[0])

    def delete_selected(self) -> None:
        """Delete the selected events, offer to undo it, and select the event that follows them."""
        selected = self.selected
        if not selected or not self._own["delete"].isEnabled():
            return
        row = min(index.row() for index in self.table.selectionModel().selectedRows())
        self._session_events.delete(selected)
        what = self._session_events.undoable
        self._deleted.setProperty("what", what)
        self._deleted.setText(tr('{what} · <a href="undo">Undo</a>', what=escape(what)))
        self._deleted.show()
        if self.model.rows:
            self._session_events.select(self.model.rows[min(row, len(self.model.rows) - 1)])

    def copy_selected(self) -> None:
        """Copy the selected events to the clipboard as tab-separated lines."""
        if selected := self.selected:
            QGuiApplication.clipboard().setText(self.model.as_text(selected))

    def _open_menu(self, at: QPoint) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction(self._add)
        if self.selected:
            self._add_own(menu)
        menu.addSeparator()
        menu.addAction(self._undo)
        menu.addAction(self._redo)
        menu.popup(self.table.viewport().mapToGlobal(at))

    def _add_own(self, menu: QMenu) -> None:
        self._own["rename_all"].setText(
            tr("Rename all “{label}”…", label=action_name(self.selected[0].event.label)).replace("&", "&&")
        )
        for name in ("go", "rename", "rename_all", "times", "rule", "delete", "copy"):
            menu.addAction(self._own[name])
