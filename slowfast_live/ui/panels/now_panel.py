"""The current action, the five best scores, and the threshold."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QAccessible, QAccessibleEvent, QColor, QFontMetricsF, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QGridLayout,
    QLabel,
    QSizePolicy,
    QSlider,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from slowfast_live.colors import action_color
from slowfast_live.core.readout_text import NONE_KNOWN, Tone, readout_text, scores
from slowfast_live.types import Readout, ReadoutState, Status
from slowfast_live.ui.commands.commands import describe, tip
from slowfast_live.ui.commands.keys import SpaceForWindow
from slowfast_live.ui.style import formatting, icons
from slowfast_live.ui.style.fields import number_field
from slowfast_live.ui.style.language import tr
from slowfast_live.ui.style.names import class_name, headline
from slowfast_live.ui.style.painting import restores_painter
from slowfast_live.ui.style.palette import LIGHT, Theme
from slowfast_live.ui.style.theme import GRID, REGULAR, TEXT, font
from slowfast_live.ui.style.tone import set_tone

ROWS = 5
_ROW_HEIGHT = 4 * GRID


class ScoreBars(QWidget):
    """Five rows of label, score and bar, drawn by one widget; a tick on each bar marks the threshold."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: tuple[tuple[str, float], ...] = ()
        self._trusted = True
        self._threshold: float | None = None
        self._theme = LIGHT
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(tr("Best five scores"))

    def sizeHint(self) -> QSize:  # noqa: N802
        """Return the size of five rows."""
        return QSize(30 * GRID, ROWS * _ROW_HEIGHT)

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """Return the minimum size: five narrow rows."""
        return QSize(16 * GRID, ROWS * _ROW_HEIGHT)

    def show_scores(self, rows: tuple[tuple[str, float], ...], trusted: bool) -> None:
        """Show up to five (label, score) pairs; without color if they are not trusted."""
        rounded = tuple((label, round(score, 2)) for label, score in rows[:ROWS])
        if (rounded, trusted) != (self._rows, self._trusted):
            self._rows, self._trusted = rounded, trusted
            said = (f"{class_name(label)} {formatting.percent(score)}" for label, score in rounded)
            self.setAccessibleDescription(", ".join(said))
            self.update()

    def set_threshold(self, threshold: float | None) -> None:
        """Mark the threshold on the bars."""
        self._threshold = threshold
        self.update()

    def set_theme(self, theme: Theme) -> None:
        """Apply a theme."""
        self._theme = theme
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Draw the rows."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for number in range(ROWS):
            row = self._rows[number] if number < len(self._rows) else None
            self._paint_row(painter, QRectF(0, number * _ROW_HEIGHT, self.width(), _ROW_HEIGHT), row)
        painter.end()

    @restores_painter
    def _paint_row(self, painter: QPainter, area: QRectF, row: tuple[str, float] | None) -> None:
        track = QRectF(area.left(), area.bottom() - 9, area.width(), 4)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self._theme.bar_ground))
        painter.drawRoundedRect(track, 2, 2)
        if row is None:
            return
        label, score = row
        if score > 0:
            painter.setBrush(
                QColor(
                    action_color(label, self._theme.name)
                    if self._trusted and label != NONE_KNOWN
                    else self._theme.quiet
                )
            )
            painter.drawRoundedRect(QRectF(track.left(), track.top(), max(4.0, track.width() * min(1, score)), 4), 2, 2)
        if self._threshold is not None:
            painter.setBrush(QColor(self._theme.quiet))
            painter.drawRect(QRectF(track.left() + track.width() * self._threshold - 0.5, track.top() - 2, 1, 8))
        used = font(TEXT, REGULAR)
        painter.setFont(used)
        painter.setPen(QColor(self._theme.text))
        text = QRectF(area.left(), area.top(), area.width(), 21)
        number = formatting.percent(score)
        metrics = QFontMetricsF(used)
        painter.drawText(text, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, number)
        room = text.width() - metrics.horizontalAdvance("100 %") - GRID
        shown = metrics.elidedText(class_name(label), Qt.TextElideMode.ElideRight, room)
        painter.drawText(text, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, shown)


class NowPanel(QWidget):
    """The current action as text that screen readers follow, the score bars, and the threshold."""

    threshold_chosen = Signal(object)
    """Emits a score 0..1, or None for the model's recommended threshold."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._recommended: float | None = None
        self._chosen: float | None = None
        self._action = QLabel()
        self._action.setProperty("scale", "large")
        self._action.setWordWrap(True)
        self._action.setTextFormat(Qt.TextFormat.PlainText)
        self.bars = ScoreBars()
        caption = QLabel(tr("Threshold"))
        caption.setProperty("tone", "quiet")
        self._slider = QSlider(Qt.Orientation.Horizontal)
        self._slider.setRange(0, 100)
        self._slider.setPageStep(10)
        self._slider.valueChanged.connect(lambda value: self._choose(value / 100))
        keys = ", ".join((tip("lower", tr("Lower")), tip("higher", tr("higher"))))
        describe(
            self._slider,
            tr("Threshold"),
            tr("Smoothed score below which there is no confident action. {keys}", keys=keys),
        )
        self._spin = number_field(0, 100, 0, 5, "%", width=9 * GRID)
        SpaceForWindow(self._spin)
        self._spin.setKeyboardTracking(False)
        self._spin.valueChanged.connect(lambda value: self._choose(value / 100))
        describe(
            self._spin,
            tr("Threshold in percent"),
            tr("Smoothed score below which there is no confident action. {keys}", keys=keys),
        )
        self._reset = QToolButton()
        self._reset.clicked.connect(self.use_recommended)
        describe(self._reset, tr("Recommended threshold"), tip("recommended"))
        caption.setBuddy(self._slider)
        self._note = QLabel()
        self._note.setTextFormat(Qt.TextFormat.PlainText)
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
        """The text of the current action."""
        return self._action.text()

    def show_readout(self, readout: Readout, status: Status | None = None) -> None:
        """Show the current readout, with the same text as the overlay."""
        text = readout_text(readout, status)
        shown = headline(text)
        if shown != self._action.text():
            self._action.setText(shown)
            tone = {Tone.PLAIN: "", Tone.QUIET: "quiet", Tone.AMBER: "amber"}[text.tone]
            set_tone(self._action, tone)
            self._action.setAccessibleName(tr("Current action: {shown}", shown=shown))
            event = QAccessibleEvent(self._action, QAccessible.Event.NameChanged)
            QAccessible.updateAccessibility(event)
        if text.value != self._action.accessibleDescription():
            self._action.setAccessibleDescription(text.value)
        self.bars.show_scores(scores(readout), readout.state is not ReadoutState.UNTRAINED)

    def set_recommended(self, threshold: float | None) -> None:
        """Set the threshold that the running model recommends; None without a model."""
        self._recommended = threshold
        self._show_threshold()

    def set_threshold(self, threshold: float | None) -> None:
        """Set the current threshold without emitting a signal; None for the recommended one."""
        self._chosen = threshold
        self._show_threshold()

    def use_recommended(self) -> None:
        """Reset to the model's recommended threshold."""
        self._chosen = None
        self._show_threshold()
        self.threshold_chosen.emit(None)

    def nudge(self, by: float) -> None:
        """Raise or lower the threshold by `by`."""
        self._choose(min(1.0, max(0.0, round(self._spin.value() / 100 + by, 2))))

    def set_theme(self, theme: Theme) -> None:
        """Apply a theme."""
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
            self._spin.setValue(round((value or 0) * 100))
        self._reset.setEnabled(self._chosen is not None)
        for control in (self._slider, self._spin):
            control.setEnabled(value is not None)
        if self._recommended is None:
            self._note.setText("")
        elif self._chosen is None:
            self._note.setText(tr("recommended by the model"))
        else:
            self._note.setText(tr("recommended: {recommended}", recommended=formatting.percent(self._recommended)))
        self.bars.set_threshold(value)
