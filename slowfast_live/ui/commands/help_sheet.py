"""The `?` sheet: all keyboard shortcuts, from the table of commands."""

from __future__ import annotations

from itertools import combinations, groupby, pairwise

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QKeyEvent, QKeySequence
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
from slowfast_live.ui.commands.commands import COMMANDS, Command, describe
from slowfast_live.ui.style import fitting
from slowfast_live.ui.style.language import tr
from slowfast_live.ui.style.theme import GRID

_MARGIN = 3 * GRID
_GAP = 3 * GRID
_MAX_COLUMNS = 3
_TIGHT = 1.15
"""Columns that are too wide by up to this factor are narrowed, so that a few of their texts wrap."""

_Group = tuple[str, list[Command]]


class HelpSheet(QDialog):
    """Lists the shortcuts in as many columns as the screen has room for; closes with Esc or `?`.

    On a small screen the texts wrap, and the arrow keys scroll.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("Keyboard shortcuts"))
        version = QLabel(f"SlowFast Live {__version__}")
        version.setProperty("tone", "quiet")
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        close = buttons.button(QDialogButtonBox.StandardButton.Close)
        describe(close, tr("Close"), tr("Close this sheet (Esc)"))
        foot = QHBoxLayout()
        foot.addWidget(version)
        foot.addStretch(1)
        foot.addWidget(buttons)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(_MARGIN, _MARGIN, _MARGIN, 2 * GRID)
        layout.setSpacing(2 * GRID)
        self._scroll = QScrollArea()
        self._scroll.setWidgetResizable(True)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        layout.addWidget(self._scroll, 1)
        layout.addLayout(foot)
        around = QSize(2 * _MARGIN, _MARGIN + 4 * GRID + buttons.sizeHint().height())
        self._fill(fitting.room(self) or self.screen().availableSize(), around)

    def _fill(self, room: QSize, around: QSize) -> None:
        """Show the sheet in the fewest columns that fit into `room`, else in the most that are not too wide."""
        chosen = 1
        for count in range(1, _MAX_COLUMNS + 1):
            wanted = self._show(count) + around
            if wanted.width() > _TIGHT * room.width():
                break
            chosen = count
            if wanted.height() <= room.height():
                break
        wanted = self._show(chosen) + around
        if wanted.width() > room.width():
            self._show(chosen, wrap=True)
        self.resize(wanted.boundedTo(room))

    def _show(self, columns: int, *, wrap: bool = False) -> QSize:
        """Show the sheet in `columns` columns; return its size."""
        sheet = _sheet(columns, wrap)
        self._scroll.setWidget(sheet)
        for label in sheet.findChildren(QLabel):
            label.ensurePolished()  # apply the style sheet's fonts
        return sheet.sizeHint()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Scroll with the arrow keys."""
        bar = self._scroll.verticalScrollBar()
        steps = {
            Qt.Key.Key_Down: bar.singleStep(),
            Qt.Key.Key_Up: -bar.singleStep(),
            Qt.Key.Key_PageDown: bar.pageStep(),
            Qt.Key.Key_PageUp: -bar.pageStep(),
        }
        if (step := steps.get(Qt.Key(event.key()))) is not None:
            bar.setValue(bar.value() + step)
        else:
            super().keyPressEvent(event)


def _sheet(count: int, wrap: bool) -> QWidget:
    """Return the groups of shortcuts in `count` columns; texts wrap if `wrap` is set."""
    sheet = QWidget()
    columns = QHBoxLayout(sheet)
    columns.setContentsMargins(0, 0, 2 * GRID, 0)  # room for the scroll bar
    columns.setSpacing(_GAP)
    with_keys = [entry for entry in COMMANDS if entry.keys]
    for groups in _balanced([(name, list(found)) for name, found in groupby(with_keys, lambda c: c.group)], count):
        column = QGridLayout()
        column.setHorizontalSpacing(2 * GRID)
        column.setVerticalSpacing(GRID // 2)
        column.setColumnStretch(1, 1)
        for name, entries in groups:
            _add(column, name, entries, wrap)
        column.setRowStretch(column.rowCount(), 1)
        columns.addLayout(column, 1)
    return sheet


def _balanced(groups: list[_Group], count: int) -> list[list[_Group]]:
    """Split the groups, in order, into `count` columns so that the tallest is as short as possible."""

    def rows(part: list[_Group]) -> int:
        return sum(len(entries) + 2 for _name, entries in part)

    ways = (
        [groups[begin:end] for begin, end in pairwise((0, *cuts, len(groups)))]
        for cuts in combinations(range(1, len(groups)), count - 1)
    )
    return min(ways, key=lambda way: max(rows(part) for part in way))


def _add(column: QGridLayout, name: str, entries: list[Command], wrap: bool) -> None:
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
        column.addLayout(keys, number, 0, Qt.AlignmentFlag.AlignTop)
        text = QLabel(entry.tip)
        text.setWordWrap(wrap)
        text.setTextInteractionFlags(Qt.TextInteractionFlag.NoTextInteraction)
        column.addWidget(text, number, 1)
