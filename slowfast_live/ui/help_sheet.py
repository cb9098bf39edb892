"""The `?` sheet: every key, from the one table."""

from __future__ import annotations

from itertools import groupby

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from slowfast_live import __version__
from slowfast_live.ui.shortcuts import COMMANDS, Command, describe
from slowfast_live.ui.theme import GRID


class HelpSheet(QDialog):
    """Lists the shortcuts in two columns, which scroll where the window is small; closes with Esc or `?`."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keyboard shortcuts")
        sheet = QWidget()
        columns = QHBoxLayout(sheet)
        columns.setContentsMargins(0, 0, 2 * GRID, 0)
        columns.setSpacing(3 * GRID)
        groups = [(name, list(entries)) for name, entries in groupby(COMMANDS, key=lambda entry: entry.group)]
        total, placed = sum(len(entries) + 2 for _, entries in groups), 0
        left, right = QGridLayout(), QGridLayout()
        for name, entries in groups:
            column = left if placed + (len(entries) + 2) / 2 < total / 2 else right
            placed += len(entries) + 2
            self._add(column, name, entries)
        for column in (left, right):
            column.setHorizontalSpacing(2 * GRID)
            column.setVerticalSpacing(GRID // 2)
            column.setRowStretch(column.rowCount(), 1)
            columns.addLayout(column)
        version = QLabel(f"SlowFast Live {__version__}")
        version.setProperty("tone", "quiet")
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        close = buttons.button(QDialogButtonBox.StandardButton.Close)
        describe(close, "Close", "Close this sheet (Esc)")
        foot = QHBoxLayout()
        foot.addWidget(version)
        foot.addStretch(1)
        foot.addWidget(buttons)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(3 * GRID, 3 * GRID, 3 * GRID, 2 * GRID)
        layout.setSpacing(2 * GRID)
        scroll = QScrollArea()
        scroll.setWidget(sheet)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        layout.addWidget(scroll, 1)
        layout.addLayout(foot)
        room = parent.size() if parent is not None else self.screen().availableSize()
        wanted = sheet.sizeHint() + QSize(6 * GRID, 5 * GRID + buttons.sizeHint().height() + 2 * GRID)
        self.resize(wanted.boundedTo(room - QSize(2 * GRID, 2 * GRID)))

    def _add(self, column: QGridLayout, name: str, entries: list[Command]) -> None:
        heading = QLabel(name)
        heading.setProperty("scale", "large")
        if column.count():
            column.setRowMinimumHeight(column.rowCount(), GRID)
        row = column.rowCount()
        column.addWidget(heading, row, 0, 1, 2)
        for number, entry in enumerate(entries, row + 1):
            keys = QHBoxLayout()
            keys.setSpacing(GRID // 2)
            for key in entry.keys:
                label = QLabel(QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText))
                label.setObjectName("key")
                keys.addWidget(label)
            keys.addStretch(1)
            column.addLayout(keys, number, 0)
            text = QLabel(entry.tip)
            text.setTextInteractionFlags(Qt.TextInteractionFlag.NoTextInteraction)
            column.addWidget(text, number, 1)
