"""What is being done now: the line, the best five scores, and the threshold that decides."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QAccessible, QAccessibleEvent, QColor, QFontMetricsF, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QDoubleSpinBox,
    QGridLayout,
    QLabel,
    QSizePolicy,
    QSlider,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from slowfast_live.colours import action_colour
from slowfast_live.types import Readout, ReadoutState
from slowfast_live.ui import icons, wording
from slowfast_live.ui.shortcuts import describe, tip
from slowfast_live.ui.theme import GRID, LIGHT, REGULAR, TEXT, Theme, font

ROWS = 5
_ROW_HEIGHT = 4 * GRID
_STATES = {
    ReadoutState.NO_MODEL: "no model",
    ReadoutState.WARMING_UP: "warming up",
    ReadoutState.RESTING: "idle, resting",
    ReadoutState.TOO_SHORT: "too short to tell",
    ReadoutState.FAILED: "the model gives no answer",
    ReadoutState.UNTRAINED: "untrained model: scores mean nothing",
    ReadoutState.NO_CONFIDENT_ACTION: "no confident action",
}


def sentence(readout: Readout) -> str:
    """Return the readout as one line."""
    if readout.state is ReadoutState.ACTION and readout.label:
        return readout.label
    return _STATES.get(readout.state, "no confident action")


class ScoreBars(QWidget):
    """Five rows of label, score and bar, painted in one go; the threshold is a tick on each bar."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: tuple[tuple[str, float], ...] = ()
        self._trusted = True
        self._threshold: float | None = None
        self._theme = LIGHT
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Best five scores")

    def sizeHint(self) -> QSize:  # noqa: N802
        """Five rows."""
        return QSize(30 * GRID, ROWS * _ROW_HEIGHT)

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """Five rows, narrow."""
        return QSize(16 * GRID, ROWS * _ROW_HEIGHT)

    def show_scores(self, rows: tuple[tuple[str, float], ...], trusted: bool) -> None:
        """Show up to five (label, score) pairs; without colour where they mean nothing."""
        rounded = tuple((label, round(score, 2)) for label, score in rows[:ROWS])
        if (rounded, trusted) != (self._rows, self._trusted):
            self._rows, self._trusted = rounded, trusted
            self.setAccessibleDescription(", ".join(f"{label} {score:.2f}" for label, score in rounded))
            self.update()

    def set_threshold(self, threshold: float | None) -> None:
        """Mark the threshold on the bars."""
        self._threshold = threshold
        self.update()

    def set_theme(self, theme: Theme) -> None:
        """Take over a theme's colours."""
        self._theme = theme
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Draw the rows."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for number in range(ROWS):
            row = self._rows[number] if number < len(self._rows) else None
            self._paint_row(painter, QRectF(0, number * _ROW_HEIGHT, self.width(), _ROW_HEIGHT), row)

    def _paint_row(self, painter: QPainter, area: QRectF, row: tuple[str, float] | None) -> None:
        track = QRectF(area.left(), area.bottom() - 9, area.width(), 4)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self._theme.bar_ground))
        painter.drawRoundedRect(track, 2, 2)
        if row is None:
            return
        label, score = row
        if score > 0:
            painter.setBrush(QColor(action_colour(label, self._theme.name) if self._trusted else self._theme.quiet))
            painter.drawRoundedRect(QRectF(track.left(), track.top(), max(4.0, track.width() * min(1, score)), 4), 2, 2)
        if self._threshold is not None:
            painter.setBrush(QColor(self._theme.quiet))
            painter.drawRect(QRectF(track.left() + track.width() * self._threshold - 0.5, track.top() - 2, 1, 8))
        used = font(TEXT, REGULAR)
        painter.setFont(used)
        painter.setPen(QColor(self._theme.text))
        text = QRectF(area.left(), area.top(), area.width(), 21)
        number = f"{score:.2f}"
        metrics = QFontMetricsF(used)
        painter.drawText(text, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, number)
        room = text.width() - metrics.horizontalAdvance("0.00") - GRID
        shown = metrics.elidedText(label, Qt.TextElideMode.ElideRight, room)
        painter.drawText(text, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, shown)


class NowPanel(QWidget):
    """The current action as text that screen readers follow, the bars, and the threshold."""

    threshold_chosen = Signal(object)
    """A score 0..1, or None for what the model recommends."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._recommended: float | None = None
        self._chosen: float | None = None
        self._action = QLabel()
        self._action.setProperty("scale", "large")
        self._action.setWordWrap(True)
        self._action.setTextFormat(Qt.TextFormat.PlainText)
        self.bars = ScoreBars()
        caption = QLabel("Threshold")
        caption.setProperty("tone", "quiet")
        self._slider = QSlider(Qt.Orientation.Horizontal)
        self._slider.setRange(0, 100)
        self._slider.setPageStep(10)
        self._slider.valueChanged.connect(lambda value: self._choose(value / 100))
        keys = f"{tip('lower', 'Lower')}, {tip('higher', 'higher')}"
        describe(self._slider, "Threshold", f"Smoothed score below which there is no confident action. {keys}")
        self._spin = QDoubleSpinBox()
        self._spin.setRange(0, 1)
        self._spin.setDecimals(2)
        self._spin.setSingleStep(0.05)
        self._spin.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._spin.setFixedWidth(7 * GRID)
        self._spin.setKeyboardTracking(False)
        self._spin.valueChanged.connect(self._choose)
        describe(
            self._spin,
            "Threshold as a number",
            f"Smoothed score below which there is no confident action. {keys}",
        )
        self._reset = QToolButton()
        self._reset.clicked.connect(self.use_recommended)
        describe(self._reset, "Recommended threshold", tip("recommended"))
        caption.setBuddy(self._slider)
        self._note = QLabel()
        self._note.setProperty("tone", "quiet")
        grid = QGridLayout()
        grid.setHorizontalSpacing(GRID)
        grid.setVerticalSpacing(0)
        grid.addWidget(caption, 0, 0)
        grid.addWidget(self._note, 0, 1, 1, 3, Qt.AlignmentFlag.AlignRight)
        grid.addWidget(self._slider, 1, 0, 1, 2)
        grid.addWidget(self._spin, 1, 2)
        grid.addWidget(self._reset, 1, 3)
        grid.setColumnStretch(1, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GRID)
        layout.addWidget(self._action)
        layout.addWidget(self.bars)
        layout.addLayout(grid)
        self.show_readout(Readout(ReadoutState.NO_MODEL))
        self.set_recommended(None)

    @property
    def action_text(self) -> str:
        """The line that says what is being done."""
        return self._action.text()

    def show_readout(self, readout: Readout) -> None:
        """Show what may be shown of the predictions."""
        text = sentence(readout)
        if text != self._action.text():
            self._action.setText(text)
            amber, action = readout.state is ReadoutState.UNTRAINED, readout.state is ReadoutState.ACTION
            self._action.setProperty("tone", "amber" if amber else "" if action else "quiet")
            self._action.style().unpolish(self._action)
            self._action.style().polish(self._action)
            self._action.setAccessibleName(f"Current action: {text}")
            event = QAccessibleEvent(self._action, QAccessible.Event.NameChanged)
            QAccessible.updateAccessibility(event)
        if (score := wording.percent(readout.score)) != self._action.accessibleDescription():
            self._action.setAccessibleDescription(score)
        self.bars.show_scores(readout.top, readout.state is not ReadoutState.UNTRAINED)

    def set_recommended(self, threshold: float | None) -> None:
        """Set what the running model recommends; None without a model."""
        self._recommended = threshold
        self._show_threshold()

    def set_threshold(self, threshold: float | None) -> None:
        """Set the threshold in force without telling anybody; None for the recommended one."""
        self._chosen = threshold
        self._show_threshold()

    def use_recommended(self) -> None:
        """Go back to what the model recommends."""
        self._chosen = None
        self._show_threshold()
        self.threshold_chosen.emit(None)

    def nudge(self, by: float) -> None:
        """Raise or lower the threshold."""
        self._choose(min(1.0, max(0.0, round(self._spin.value() + by, 2))))

    def set_theme(self, theme: Theme) -> None:
        """Take over a theme's colours."""
        self.bars.set_theme(theme)
        self._reset.setIcon(icons.icon("reset", theme))

    def _choose(self, threshold: float) -> None:
        self._chosen = round(threshold, 2)
        self._show_threshold()
        self.threshold_chosen.emit(self._chosen)

    def _show_threshold(self) -> None:
        value = self._chosen if self._chosen is not None else self._recommended
        with QSignalBlocker(self._slider), QSignalBlocker(self._spin):
            self._slider.setValue(round((value or 0) * 100))
            self._spin.setValue(value or 0)
        self._reset.setEnabled(self._chosen is not None)
        for control in (self._slider, self._spin):
            control.setEnabled(value is not None)
        if self._recommended is None:
            self._note.setText("")
        elif self._chosen is None:
            self._note.setText("as the model recommends")
        else:
            self._note.setText(f"recommended: {self._recommended:.2f}")
        self.bars.set_threshold(value)
