"""Dialog for adding an event by hand, or changing its times: its action, begin and end."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QDialog, QDialogButtonBox, QFormLayout, QLabel, QLineEdit, QVBoxLayout, QWidget

from slowfast_live.ui.commands.commands import describe
from slowfast_live.ui.style import formatting
from slowfast_live.ui.style.language import tr
from slowfast_live.ui.style.names import person_title
from slowfast_live.ui.style.theme import GRID

LENGTH_S = 2.0
"""Default length of an added event, in seconds."""


class AddEventDialog(QDialog):
    """Asks for an action and its time. Times are entered in the format used elsewhere in the window.

    Args:
        labels: Actions to choose from; any other may be typed.
        begin_s: The begin offered by default, on the source's clock.
        end_s: The end offered by default.
        offset_s: Added to a time before it is displayed; turns a live source's clock into the time of day.
        parent: The window.
        name: The action of an event whose times are changed; "" to add one.
        people: Identities of the people whose event it can be.
        person: The one offered by default; None for the whole picture.
    """

    added = Signal(str, float, float, object)
    """Emits name, begin, end, and whose event it is, None for the whole picture; times are on the source's clock."""

    def __init__(
        self,
        labels: Sequence[str],
        begin_s: float,
        end_s: float,
        offset_s: float = 0.0,
        parent: QWidget | None = None,
        name: str = "",
        people: Sequence[int] = (),
        person: int | None = None,
    ) -> None:
        super().__init__(parent)
        self._offset_s = offset_s
        self.setWindowTitle(tr("Change the times") if name else tr("Add an event"))
        self.name = QComboBox()
        self.name.setEditable(True)
        self.name.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.name.setMinimumContentsLength(24)
        self.name.addItems(list(labels))
        self.name.setCurrentIndex(-1)
        if (editor := self.name.lineEdit()) is not None:
            editor.setPlaceholderText(tr("Choose or type an action"))
        describe(self.name, tr("Action"), tr("The action: one that the model knows, or any other name"))
        self.who = QComboBox()
        self.who.addItem(tr("Whole picture"), None)
        for identity in people:
            self.who.addItem(person_title(identity), identity)
        self.who.setCurrentIndex(max(0, self.who.findData(person)))
        describe(self.who, tr("Who"), tr("Who does it"))
        self.begin, self.end = QLineEdit(self._text(begin_s)), QLineEdit(self._text(end_s))
        describe(self.begin, tr("From"), tr("When it began, e.g. 1:23.4"))
        describe(self.end, tr("To"), tr("When it ended, e.g. 1:25.4"))
        self.message = QLabel()
        self.message.setWordWrap(True)
        self.message.setProperty("tone", "red")
        self.message.setTextFormat(Qt.TextFormat.PlainText)
        form = QFormLayout()
        form.setSpacing(GRID)
        form.addRow(tr("Action"), self.name)
        if people and not name:
            form.addRow(tr("Who"), self.who)
        form.addRow(tr("From"), self.begin)
        form.addRow(tr("To"), self.end)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        buttons.button(QDialogButtonBox.StandardButton.Ok).setText(tr("Change") if name else tr("Add"))
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(3 * GRID, 3 * GRID, 3 * GRID, 2 * GRID)
        layout.setSpacing(2 * GRID)
        layout.addLayout(form)
        layout.addWidget(self.message)
        layout.addWidget(buttons)
        self.message.hide()
        if name:
            self.name.setEditText(name)
            self.name.setEnabled(False)
        (self.begin if name else self.name).setFocus()

    def accept(self) -> None:
        """Add the event, or show what is missing."""
        begin_s, end_s = (formatting.parse_clock(field.text()) for field in (self.begin, self.end))
        name = self.name.currentText().strip()
        if not name:
            self._show_message(tr("Choose or type an action."), self.name)
        elif begin_s is None or end_s is None:
            self._show_message(tr("Enter times as 1:23.4 or 1:02:03."), self.begin if begin_s is None else self.end)
        elif begin_s >= end_s:
            self._show_message(tr("The event must begin before it ends."), self.end)
        else:
            self.added.emit(name, begin_s - self._offset_s, end_s - self._offset_s, self.who.currentData())
            super().accept()

    def _text(self, t_s: float) -> str:
        return formatting.clock_tenths(t_s + self._offset_s)

    def _show_message(self, text: str, field: QWidget) -> None:
        self.message.setText(text)
        self.message.show()
        field.setFocus()


def offered_span(position_s: float, known_end_s: float | None, *, live: bool) -> tuple[float, float]:
    """Return the default time span: from the current position on or, for a live source, up to now.

    Args:
        position_s: The current position.
        known_end_s: End of a file; None if unknown.
        live: Whether the source is live, so that nothing lies after the current position.
    """
    if live:
        return position_s - LENGTH_S, position_s
    end_s = position_s + LENGTH_S
    if known_end_s is not None and end_s > known_end_s > LENGTH_S:
        end_s = known_end_s
        position_s = min(position_s, end_s - LENGTH_S)
    return position_s, end_s
