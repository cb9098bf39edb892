"""The window of several sources: a grid, or one large with the others beside it and its events."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction, QCloseEvent, QKeySequence, QResizeEvent
from PySide6.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QMainWindow,
    QMenu,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from slowfast_live.types import Notice
from slowfast_live.ui.cameras.arrangement import places
from slowfast_live.ui.cameras.tile import CameraTile
from slowfast_live.ui.commands.commands import describe
from slowfast_live.ui.panels.notice_bar import NoticeBar
from slowfast_live.ui.style import icons
from slowfast_live.ui.style.language import shown, tr
from slowfast_live.ui.style.palette import Theme
from slowfast_live.ui.style.theme import GRID, ThemeManager

_EVENTS_WIDTH, _EVENTS_SHARE = 320, 0.31
"""Width of the list of events, and the largest share of the window that it takes."""


class CamerasWindow(QMainWindow):
    """Shows several sources.

    Args:
        tiles: The sources, one to nine.
        themes: Provides the current theme.
        title: What is shown: the name of the set of sources, or "".
    """

    closed = Signal()

    def __init__(self, tiles: Sequence[CameraTile], themes: ThemeManager, title: str = "") -> None:
        super().__init__()
        self.tiles = tuple(tiles)
        self.large: int | None = None
        shown = title or tr("{tiles} sources", tiles=len(self.tiles))
        self.setWindowTitle(f"{shown} – SlowFast Live")
        self.setMinimumSize(720, 480)
        self._wall = QWidget()
        self.notice_bar = NoticeBar({}, self._wall)
        self._model = QLabel()
        self._model.setTextFormat(Qt.TextFormat.PlainText)
        self._model.setProperty("tone", "quiet")
        self._back = QToolButton()
        self._back.setText(tr("All sources"))
        self._back.setToolTip(tr("Show all sources in a grid (Esc)"))
        self._back.clicked.connect(lambda: self.show_large(None))
        self.menu = QMenu(self)
        self._more = QToolButton()
        self._more.setMenu(self.menu)
        self._more.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        describe(self._more, tr("Menu"), tr("What concerns all sources"))
        self.may_close: Callable[[], bool] = lambda: True
        """Returns whether the window may close; if not, the user was asked."""
        self._events = QStackedWidget()
        self._events.setFixedWidth(_EVENTS_WIDTH)
        for tile in self.tiles:
            self._events.addWidget(tile.events)
        self._grid = QGridLayout(self._wall)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(GRID // 2)
        self._lay_out()
        for number, tile in enumerate(self.tiles):
            tile.chosen.connect(partial(self._choose, number))
            tile.large_wanted.connect(partial(self._toggle_large, number))
            tile.notice.connect(partial(self.show_notice, tile))
            tile.settled.connect(self.notice_bar.settle)
            self._shortcut(str(number + 1), partial(self.show_large, number))
        self._shortcut("Escape", lambda: self.show_large(None))
        self._shortcut("0", lambda: self.show_large(None))
        self.full_screen = QAction(tr("Full screen"), self)
        self.full_screen.setShortcut(QKeySequence("F11"))
        self.full_screen.triggered.connect(lambda: self._full_screen())
        self.addAction(self.full_screen)
        self._shortcut("Ctrl+Q", self.close)
        themes.changed.connect(self._set_theme)
        self._set_theme(themes.theme)
        self.show_large(None)

    def _lay_out(self) -> None:
        root = QWidget()
        root.setObjectName("root")
        bar = QWidget()
        bar.setObjectName("bar")
        bar.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        row = QHBoxLayout(bar)
        row.setContentsMargins(GRID, GRID // 2, GRID, GRID // 2)
        row.addWidget(self._back)
        row.addWidget(self._model, 1)
        row.addWidget(self._more)
        column = QVBoxLayout(root)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(bar)
        middle = QHBoxLayout()
        middle.setSpacing(GRID)
        middle.addWidget(self._wall, 1)
        middle.addWidget(self._events)
        column.addLayout(middle, 1)
        self.setCentralWidget(root)
        root.setFocusPolicy(Qt.FocusPolicy.ClickFocus)  # holds the focus until a key moves it
        root.setFocus()

    def show_large(self, number: int | None) -> None:
        """Show one source large, with its events, and the others beside it; None for all alike."""
        if number is not None and not 0 <= number < len(self.tiles):
            return
        self.large = number
        for tile in self.tiles:
            self._grid.removeWidget(tile)
        cells = places(len(self.tiles), number)
        for line in range(self._grid.columnCount()):
            self._grid.setColumnStretch(line, 0)
        for line in range(self._grid.rowCount()):
            self._grid.setRowStretch(line, 0)
        for tile, cell in zip(self.tiles, cells, strict=True):
            self._grid.addWidget(tile, cell.row, cell.column, cell.rows, cell.columns)
            tile.set_large(number is not None and tile is self.tiles[number], len(self.tiles) - 1)
            for line in range(cell.row, cell.row + cell.rows):
                self._grid.setRowStretch(line, 1)
            for line in range(cell.column, cell.column + cell.columns):
                self._grid.setColumnStretch(line, 1)
        self.notice_bar.raise_()
        self._back.setEnabled(number is not None)
        self._events.setVisible(number is not None)
        if number is not None:
            self._events.setCurrentWidget(self.tiles[number].events)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Keep the list of events in proportion."""
        super().resizeEvent(event)
        self._events.setFixedWidth(min(_EVENTS_WIDTH, round(_EVENTS_SHARE * self.width())))

    def show_model(self, text: str) -> None:
        """Show which model recognizes, and how many predictions a second it gives all sources together."""
        if self._model.text() != text:
            self._model.setText(text)

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802
        """Tell the app, which stops everything."""
        if not self.may_close():
            event.ignore()
            return
        super().closeEvent(event)
        self.closed.emit()

    def _choose(self, number: int) -> None:
        if self.large != number:
            self.show_large(number)

    def _toggle_large(self, number: int) -> None:
        self.show_large(None if self.large == number else number)

    def show_notice(self, tile: CameraTile, notice: Notice) -> None:
        """Show a notice about a source, with its name."""
        name = tile.name.whole_text
        message = shown(notice.message)
        if name not in message:
            message = f"{name}: {message}"
        self.notice_bar.show_notice(replace(notice, message=message, command=""))

    def _shortcut(self, key: str, slot: Callable[[], object]) -> None:
        action = QAction(self)
        action.setShortcut(QKeySequence(key))
        action.triggered.connect(lambda _=False: slot())
        self.addAction(action)

    def _full_screen(self) -> None:
        self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen)

    def _set_theme(self, theme: Theme) -> None:
        self.notice_bar.set_theme(theme)
        self._more.setIcon(icons.quiet_icon("menu", theme))
        for tile in self.tiles:
            tile.set_theme(theme)
