"""Dialog for choosing a passage of the file on display: its begin and end."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDialog, QGridLayout, QHBoxLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

from slowfast_live.ui.commands.commands import describe
from slowfast_live.ui.style import formatting
from slowfast_live.ui.style.language import tr
from slowfast_live.ui.style.theme import GRID


class PassageDialog(QDialog):
    """Asks for a passage; begin and end can be typed, or taken from where the file stands.

    Args:
        action: Name of the action that the passage shows.
        begin_s: The begin offered by default, in seconds.
        end_s: The end offered by default.
        position_s: Returns where the file stands.
        parent: The dialog that it belongs to.
    """

    chosen = Signal(float, float)
    """Emits begin and end in seconds; the dialog stays open for the next passage."""

    def __init__(
        self, action: str, begin_s: float, end_s: float, position_s: Callable[[], float], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("A passage of this video"))
        self.begin, self.end = QLineEdit(formatting.clock_tenths(begin_s)), QLineEdit(formatting.clock_tenths(end_s))
        self.message = QLabel()
        self.message.setTextFormat(Qt.TextFormat.PlainText)
        self.message.setWordWrap(True)
        self.message.setProperty("tone", "red")
        self.add = QPushButton(tr("Add the passage"))
        self.add.setObjectName("primary")
        grid = QGridLayout()
        grid.setSpacing(GRID)
        for row, (name, field) in enumerate(((tr("From"), self.begin), (tr("To"), self.end))):
            describe(field, name, f"{name}, e.g. 1:23.4")
            here = QPushButton(tr("Here"))
            here.setAutoDefault(False)
            describe(here, tr("{name} here", name=name), tr("Take the time at which the video stands"))
            here.clicked.connect(lambda _=False, field=field: field.setText(formatting.clock_tenths(position_s())))
            grid.addWidget(QLabel(name), row, 0)
            grid.addWidget(field, row, 1)
            grid.addWidget(here, row, 2)
        close = QPushButton(tr("Close"))
        close.setAutoDefault(False)
        close.clicked.connect(self.close)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(self.add)
        buttons.addWidget(close)
        words = QLabel(tr("Play to where “{action}” begins and ends, or type the times.", action=action))
        words.setTextFormat(Qt.TextFormat.PlainText)
        words.setWordWrap(True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(3 * GRID, 2 * GRID, 3 * GRID, 2 * GRID)
        layout.setSpacing(GRID)
        layout.addWidget(words)
        layout.addLayout(grid)
        layout.addWidget(self.message)
        layout.addLayout(buttons)
        self.message.hide()
        self.add.clicked.connect(self._choose)
        self.setMinimumWidth(44 * GRID)

    def _choose(self) -> None:
        begin_s, end_s = (formatting.parse_clock(field.text()) for field in (self.begin, self.end))
        problem = ""
        if begin_s is None or end_s is None:
            problem = tr("Write times as 1:23.4 or 1:02:03.")
        elif end_s - begin_s < 0.5:
            problem = tr("The passage ends before it begins, or lasts less than half a second.")
        self.message.setText(problem)
        self.message.setVisible(bool(problem))
        if not problem and begin_s is not None and end_s is not None:
            self.chosen.emit(begin_s, end_s)
            self.begin.setText(formatting.clock_tenths(end_s))
