"""Play, pause, step, time, loop and speed of a file; a live source shows that it is live."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QToolButton, QWidget

from slowfast_live.types import SourceKind, Status
from slowfast_live.ui import icons, wording
from slowfast_live.ui.shortcuts import describe, key_text, tip
from slowfast_live.ui.theme import GRID, Theme

SPEEDS = (0.5, 0.75, 1.0, 1.25, 1.5, 2.0)


class Transport(QWidget):
    """The row below the timeline."""

    speed_chosen = Signal(float)

    def __init__(self, actions: dict[str, QAction], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("transport")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._theme: Theme | None = None
        self._playing = False
        self._scrubbed_s: float | None = None
        self._status: Status | None = None
        self._play = self._button(actions["play_pause"], "Play or pause")
        self._back = self._button(actions["step_back"], "One frame back")
        self._forward = self._button(actions["step_forward"], "One frame forward")
        self._time = QLabel("00:00 / 00:00")
        self._time.setAccessibleName("Time")
        self._speed = QComboBox()
        for speed in SPEEDS:
            self._speed.addItem(f"{speed:g}×", speed)
        self._speed.setCurrentIndex(SPEEDS.index(1.0))
        self._speed.activated.connect(lambda index: self.speed_chosen.emit(SPEEDS[index]))
        describe(self._speed, "Speed", f"Playing speed ({key_text('slower')} slower, {key_text('faster')} faster)")
        self._loop = self._button(actions["loop"], "Loop")
        self.now = self._button(actions["now"], "Now")
        self.now.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
        self.now.setText("Now")
        self.now.hide()
        self._timeline = self._button(actions["timeline"], "Fold the timeline")
        self._live = QLabel("● Live")
        self._live.setAccessibleName("Live source")
        self._live.setProperty("strong", True)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(GRID, GRID // 2, GRID, GRID // 2)
        layout.setSpacing(GRID)
        left: tuple[QWidget, ...] = (self._back, self._play, self._forward, self._live, self._time)
        right: tuple[QWidget, ...] = (self.now, self._speed, self._loop, self._timeline)
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
        )
        self.show_status(Status())

    def _button(self, action: QAction, name: str) -> QToolButton:
        button = QToolButton()
        button.setDefaultAction(action)
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
        describe(button, name, tip(action.objectName()))
        return button

    def set_theme(self, theme: Theme) -> None:
        """Take over a theme's colours."""
        self._theme = theme
        self._back.defaultAction().setIcon(icons.icon("step-back", theme))
        self._forward.defaultAction().setIcon(icons.icon("step-forward", theme))
        self._loop.defaultAction().setIcon(icons.icon("loop", theme))
        self._timeline.defaultAction().setIcon(icons.icon("timeline", theme))
        self._show_play()

    def _show_play(self) -> None:
        if self._theme is not None:
            self._play.defaultAction().setIcon(icons.icon("pause" if self._playing else "play", self._theme))

    def show_status(self, status: Status) -> None:
        """Show where the source is."""
        before, self._status = self._status, status
        live = status.source is not None and status.source.live
        if before is None or before.source != status.source:
            for widget in self._file_only:
                widget.setVisible(not live)
            self._live.setVisible(live)
        duration_s = (status.info.duration_s if status.info else None) or 0.0
        file = not live and status.info is not None
        for widget in (self._back, self._forward):
            widget.setEnabled(file and bool(status.info and status.info.seekable))
        self._play.setEnabled(file)
        self._speed.setEnabled(file)
        playing = file and not status.paused and not status.ended
        if playing != self._playing or before is None:
            self._playing = playing
            self._play.setAccessibleName("Pause" if playing else "Play")
            self._show_play()
        index = self._speed.findData(status.speed)
        if index >= 0 and not self._speed.view().isVisible():
            self._speed.setCurrentIndex(index)
        self._loop.setEnabled(live or status.source is None or status.source.kind is not SourceKind.DEMO)
        if self._scrubbed_s is None:
            self._show_time(status.position_s, duration_s)

    def show_scrubbed(self, t_s: float | None) -> None:
        """Show the moment under a playhead that is being dragged; None: it is let go."""
        self._scrubbed_s = t_s
        if t_s is not None and self._status is not None and self._status.info is not None:
            self._show_time(t_s, self._status.info.duration_s or 0.0)

    def _show_time(self, position_s: float, duration_s: float) -> None:
        total = wording.clock(duration_s) if duration_s else "--:--"
        text = f"{wording.clock(position_s)} / {total}"
        if self._time.text() != text:
            self._time.setText(text)
