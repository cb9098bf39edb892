"""Play, pause, position, step, loop and speed of a file; a live source shows that it is live."""

from __future__ import annotations

from PySide6.QtCore import QElapsedTimer, QSignalBlocker, Qt, Signal
from PySide6.QtGui import QAction, QMouseEvent
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QSlider,
    QStyle,
    QStyleOptionSlider,
    QToolButton,
    QWidget,
)

from slowfast_live.types import SourceKind, Status
from slowfast_live.ui import icons, wording
from slowfast_live.ui.shortcuts import describe, key_text, tip
from slowfast_live.ui.theme import GRID, Theme

SPEEDS = (0.5, 0.75, 1.0, 1.25, 1.5, 2.0)
_STEPS_PER_S = 100
_SCRUB_MS = 40
"""While the handle is dragged, a new moment is asked for at most this often."""


class PositionSlider(QSlider):
    """A slider that jumps to where it is clicked."""

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Put the handle below the pointer, then drag on as usual."""
        if event.button() is Qt.MouseButton.LeftButton:
            option = QStyleOptionSlider()
            self.initStyleOption(option)
            control, part = QStyle.ComplexControl.CC_Slider, QStyle.SubControl
            handle = self.style().subControlRect(control, option, part.SC_SliderHandle, self)
            if not handle.contains(event.position().toPoint()):
                groove = self.style().subControlRect(control, option, part.SC_SliderGroove, self)
                offset = round(event.position().x()) - groove.x() - handle.width() // 2
                span = max(1, groove.width() - handle.width())
                with QSignalBlocker(self):  # the press on the handle that follows speaks of it
                    self.setValue(QStyle.sliderValueFromPosition(self.minimum(), self.maximum(), offset, span))
        super().mousePressEvent(event)


class Transport(QWidget):
    """The row below the picture."""

    seek = Signal(float, bool)
    """A moment in seconds, and whether it is one of many while the handle is dragged."""
    speed_chosen = Signal(float)

    def __init__(self, actions: dict[str, QAction], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("transport")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._theme: Theme | None = None
        self._playing = False
        self._dragging = False
        self._since_scrub = QElapsedTimer()
        self._status: Status | None = None
        self._play = self._button(actions["play_pause"], "Play or pause")
        self._back = self._button(actions["step_back"], "One frame back")
        self._forward = self._button(actions["step_forward"], "One frame forward")
        self._slider = PositionSlider(Qt.Orientation.Horizontal)
        self._slider.setSingleStep(_STEPS_PER_S)
        self._slider.setPageStep(5 * _STEPS_PER_S)
        describe(
            self._slider,
            "Position",
            f"Position in the file ({key_text('back')} and {key_text('forward')}: 5 s)",
        )
        self._slider.sliderPressed.connect(self._press)
        self._slider.sliderMoved.connect(self._scrub)
        self._slider.sliderReleased.connect(self._release)
        self._slider.valueChanged.connect(self._jump)
        self._time = QLabel("00:00 / 00:00")
        self._time.setAccessibleName("Time")
        self._speed = QComboBox()
        for speed in SPEEDS:
            self._speed.addItem(f"{speed:g}×", speed)
        self._speed.setCurrentIndex(SPEEDS.index(1.0))
        self._speed.activated.connect(lambda index: self.speed_chosen.emit(SPEEDS[index]))
        describe(self._speed, "Speed", f"Playing speed ({key_text('slower')} slower, {key_text('faster')} faster)")
        self._loop = self._button(actions["loop"], "Loop")
        self._live = QLabel("● Live")
        self._live.setAccessibleName("Live source")
        self._live.setProperty("strong", True)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(GRID, GRID // 2, GRID, GRID // 2)
        layout.setSpacing(GRID)
        for widget in (self._back, self._play, self._forward, self._live, self._slider, self._time):
            layout.addWidget(widget, 1 if widget is self._slider else 0)
        layout.addWidget(self._speed)
        layout.addWidget(self._loop)
        self.setMinimumHeight(5 * GRID)
        self._file_only = (
            self._back,
            self._play,
            self._forward,
            self._slider,
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

    @property
    def scrubbing(self) -> bool:
        """Whether the handle is being dragged."""
        return self._dragging

    def set_theme(self, theme: Theme) -> None:
        """Take over a theme's colours."""
        self._theme = theme
        self._back.defaultAction().setIcon(icons.icon("step-back", theme))
        self._forward.defaultAction().setIcon(icons.icon("step-forward", theme))
        self._loop.defaultAction().setIcon(icons.icon("loop", theme))
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
        for widget in (self._back, self._forward, self._slider):
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
        if not self._dragging:
            with QSignalBlocker(self._slider):
                self._slider.setRange(0, round(duration_s * _STEPS_PER_S))
                self._slider.setValue(round(status.position_s * _STEPS_PER_S))
            self._show_time(status.position_s, duration_s)

    def _show_time(self, position_s: float, duration_s: float) -> None:
        total = wording.clock(duration_s) if duration_s else "--:--"
        text = f"{wording.clock(position_s)} / {total}"
        if self._time.text() != text:
            self._time.setText(text)

    def _press(self) -> None:
        self._dragging = True
        self._since_scrub.invalidate()
        self._scrub(self._slider.sliderPosition())

    def _scrub(self, value: int) -> None:
        self._show_time(value / _STEPS_PER_S, self._slider.maximum() / _STEPS_PER_S)
        if not self._since_scrub.isValid() or self._since_scrub.elapsed() >= _SCRUB_MS:
            self._since_scrub.start()
            self.seek.emit(value / _STEPS_PER_S, True)

    def _release(self) -> None:
        if self._dragging:
            self._dragging = False
            self.seek.emit(self._slider.sliderPosition() / _STEPS_PER_S, False)

    def _jump(self, value: int) -> None:
        if not self._dragging:  # by key or wheel
            self.seek.emit(value / _STEPS_PER_S, False)
