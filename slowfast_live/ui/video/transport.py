"""Playback controls of a file: play, pause, step, time, loop and speed. Live sources show a "live" mark."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QToolButton, QWidget

from slowfast_live.types import SPEEDS, SourceKind, Status
from slowfast_live.ui.commands.commands import describe, key_text, tip
from slowfast_live.ui.style import formatting, icons
from slowfast_live.ui.style.language import tr
from slowfast_live.ui.style.palette import Theme
from slowfast_live.ui.style.theme import GRID


class Transport(QWidget):
    """The row of playback controls below the timeline."""

    speed_chosen = Signal(float)

    def __init__(self, actions: dict[str, QAction], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("transport")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._theme: Theme | None = None
        self._playing = False
        self._position_s = 0.0
        self._status: Status | None = None
        self._play = self._button(actions["play_pause"], tr("Play or pause"))
        self._back = self._button(actions["step_back"], tr("One frame back"))
        self._forward = self._button(actions["step_forward"], tr("One frame forward"))
        self._time = QLabel("00:00 / 00:00")
        self._time.setTextFormat(Qt.TextFormat.PlainText)
        self._time.setAccessibleName(tr("Time"))
        self._speed = QComboBox()
        for speed in SPEEDS:
            self._speed.addItem(f"{speed:g}×", speed)
        self._speed.setCurrentIndex(SPEEDS.index(1.0))
        self._speed.activated.connect(lambda index: self.speed_chosen.emit(SPEEDS[index]))
        describe(
            self._speed,
            tr("Speed"),
            tr(
                "Playback speed ({keys} slower, {other_keys} faster)",
                keys=key_text("slower"),
                other_keys=key_text("faster"),
            ),
        )
        self._loop = self._button(actions["loop"], tr("Loop"))
        self.now = self._button(actions["now"], tr("Now"))
        self.now.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
        self.now.setText(tr("Now"))
        self.now.hide()
        self._analyze = self._button(actions["analyze_this"], tr("Analyze this file"))
        self._timeline = self._button(actions["timeline"], tr("Collapse the timeline"))
        self._live = QLabel(tr("● Live"))
        self._live.setAccessibleName(tr("Live source"))
        self._live.setProperty("strong", True)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(GRID, GRID // 2, GRID, GRID // 2)
        layout.setSpacing(GRID)
        left: tuple[QWidget, ...] = (self._back, self._play, self._forward, self._live, self._time)
        right: tuple[QWidget, ...] = (self.now, self._speed, self._loop, self._analyze, self._timeline)
        for widget in left:
            layout.addWidget(widget)
        layout.addStretch(1)
        for widget in right:
            layout.addWidget(widget)
        self.setMinimumHeight(5 * GRID)
        self._file_only = (
            self._back,
            self._play,
            self._forward,
            self._time,
            self._speed,
            self._loop,
            self._analyze,
        )
        self.show_status(Status())

    def _button(self, action: QAction, name: str) -> QToolButton:
        button = QToolButton()
        button.setDefaultAction(action)
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
        describe(button, name, tip(action.objectName()))
        return button

    def set_theme(self, theme: Theme) -> None:
        """Apply a theme."""
        self._theme = theme
        self._back.defaultAction().setIcon(icons.icon("step-back", theme))
        self._forward.defaultAction().setIcon(icons.icon("step-forward", theme))
        self._loop.defaultAction().setIcon(icons.icon("loop", theme))
        self._analyze.defaultAction().setIcon(icons.icon("analyze", theme))
        self._timeline.defaultAction().setIcon(icons.icon("timeline", theme))
        self._show_play()

    def _show_play(self) -> None:
        if self._theme is not None:
            self._play.defaultAction().setIcon(icons.icon("pause" if self._playing else "play", self._theme))

    def show_status(self, status: Status) -> None:
        """Show the state and position of the source."""
        before, self._status = self._status, status
        live = status.source is not None and status.source.live
        if before is None or before.source != status.source:
            for widget in self._file_only:
                widget.setVisible(not live)
            self._live.setVisible(live)
        file = not live and status.info is not None
        for widget in (self._back, self._forward):
            widget.setEnabled(file and bool(status.info and status.info.seekable))
        self._play.setEnabled(file)
        self._speed.setEnabled(file)
        playing = file and not status.paused and not status.ended
        if playing != self._playing or before is None:
            self._playing = playing
            self._play.setAccessibleName(tr("Pause") if playing else tr("Play"))
            self._show_play()
        analyzed = file and status.source is not None and status.source.kind is SourceKind.FILE
        self._analyze.defaultAction().setEnabled(bool(analyzed))
        index = self._speed.findData(status.speed)
        if index >= 0 and not self._speed.view().isVisible():
            self._speed.setCurrentIndex(index)
        self._loop.setEnabled(live or status.source is None or status.source.kind is not SourceKind.DEMO)
        self._show_time()

    def show_position(self, t_s: float) -> None:
        """Show the playhead's time, which may differ from the pipeline's for a while."""
        self._position_s = t_s
        self._show_time()

    def _show_time(self) -> None:
        info = self._status.info if self._status else None
        total = formatting.clock(info.duration_s) if info is not None and info.duration_s else "--:--"
        text = f"{formatting.clock(self._position_s)} / {total}"
        if self._time.text() != text:
            self._time.setText(text)
