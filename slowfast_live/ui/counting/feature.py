"""Counts repetitions in what is shown, and shows the current count large on the picture."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent, QPixmap
from PySide6.QtWidgets import QWidget

from slowfast_live.colors import LABEL_OVERLAY
from slowfast_live.core.events import Event
from slowfast_live.counting.counter import RepetitionSet, repetitions_between
from slowfast_live.counting.live import LiveCounter
from slowfast_live.types import SourceSpec, Status
from slowfast_live.ui.controller.protocols import PipelinePort
from slowfast_live.ui.style.language import tr
from slowfast_live.ui.style.theme import GRID, REGULAR, STRONG, TEXT_LARGE, font

_SHARE = 0.16
_SMALLEST_PX, _LARGEST_PX = 40, 140
_STAYS_S = 3.0
"""The count of a set stays on the picture for this long after its end."""


class CountView(QWidget):
    """The count in the upper right corner of the canvas, as large as fits; hidden while nothing repeats.

    Args:
        canvas: The picture.
        above: What may lie over the same corner; the count stands below it.
    """

    def __init__(self, canvas: QWidget, above: QWidget | None = None) -> None:
        super().__init__(canvas)
        self._above = above
        self._number, self._line = "", ""
        self._drawn: tuple[str, str, int, int, float] | None = None
        self._picture = QPixmap()
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAccessibleName(tr("Repetitions"))
        canvas.installEventFilter(self)
        if above is not None:
            above.installEventFilter(self)
        self.hide()

    @property
    def text(self) -> str:
        """What is shown: "12" and "30 a minute", separated by a space; "" if nothing."""
        return f"{self._number} {self._line}".strip()

    def show_set(self, found: RepetitionSet | None) -> None:
        """Show the count and the tempo of a set; None hides the view."""
        texts = (
            ("", "")
            if found is None
            else (str(found.count), tr("{per_minute} a minute", per_minute=f"{found.per_minute:.0f}"))
        )
        if texts == (self._number, self._line):
            return
        self._number, self._line = texts
        self.setAccessibleDescription(self.text)
        self.setVisible(found is not None)
        if found is not None:
            self._fit()
            self.raise_()
            self.update()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Stay in the corner of the canvas, below what else is there."""
        if event.type() in (QEvent.Type.Resize, QEvent.Type.Show, QEvent.Type.Hide, QEvent.Type.Move):
            self._fit()
        return False

    def _pixels(self) -> int:
        canvas = self.parentWidget()
        height = canvas.height() if canvas is not None else 0
        return min(_LARGEST_PX, max(_SMALLEST_PX, round(height * _SHARE)))

    def _fit(self) -> None:
        canvas = self.parentWidget()
        if canvas is None:
            return
        large, small = QFontMetricsF(font(self._pixels(), STRONG)), QFontMetricsF(font(TEXT_LARGE, REGULAR))
        wide = max(large.horizontalAdvance("00"), large.horizontalAdvance(self._number))
        width = round(max(wide, small.horizontalAdvance(tr("000 a minute"))) + 3 * GRID)
        height = round(large.height() + small.height() + GRID)
        above = self._above
        top = above.geometry().bottom() + GRID if above is not None and above.isVisible() else 2 * GRID
        self.setGeometry(canvas.width() - width - 2 * GRID, top, width, height)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Paint the count and the tempo; drawn when they change, not with every frame below them."""
        key = (self._number, self._line, self.width(), self.height(), self.devicePixelRatioF())
        if key != self._drawn:
            self._drawn, self._picture = key, self._draw()
        painter = QPainter(self)
        painter.drawPixmap(0, 0, self._picture)
        painter.end()

    def _draw(self) -> QPixmap:
        ratio = self.devicePixelRatioF()
        picture = QPixmap(self.size() * ratio)
        picture.setDevicePixelRatio(ratio)
        picture.fill(Qt.GlobalColor.transparent)
        painter = QPainter(picture)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ground = QColor(LABEL_OVERLAY.ground)
        ground.setAlphaF(LABEL_OVERLAY.ground_alpha)
        painter.setBrush(ground)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.drawRoundedRect(QRectF(self.rect()), GRID, GRID)
        large = font(self._pixels(), STRONG)
        high = QFontMetricsF(large).height()
        painter.setFont(large)
        painter.setPen(QColor(LABEL_OVERLAY.text))
        painter.drawText(QRectF(0, 0, self.width(), high), Qt.AlignmentFlag.AlignCenter, self._number)
        painter.setFont(font(TEXT_LARGE, REGULAR))
        painter.setPen(QColor(LABEL_OVERLAY.quiet))
        rest = QRectF(0, high - GRID / 2, self.width(), self.height() - high)
        painter.drawText(rest, Qt.AlignmentFlag.AlignCenter, self._line)
        painter.end()
        return picture


class Counting(QObject):
    """Counts while the window is open.

    Args:
        pipeline: Provides the frames.
        canvas: Where the count is shown.
        parent: Qt parent.
        above: What may lie over the same corner of the canvas.
    """

    changed = Signal()
    """Emitted when there are more sets or repetitions than before, or those of another source."""

    def __init__(
        self, pipeline: PipelinePort, canvas: QWidget, parent: QObject | None = None, above: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._pipeline = pipeline
        self.counter = LiveCounter()
        self.view = CountView(canvas, above)
        self._on = False
        self._told: tuple[object, ...] = ()
        self.shown: RepetitionSet | None = None
        """The set whose count is on the picture; may be read from any thread."""

    def set_on(self, on: bool) -> None:
        """Turn counting on or off; what was counted is kept."""
        if on == self._on:
            return
        self._on = on
        if on:
            if not self.counter.running:
                self.counter.start()
            self._pipeline.watch(self.counter.push)
        else:
            self._pipeline.unwatch(self.counter.push)
            self._show(None)

    def show_status(self, status: Status) -> None:
        """Show the count that belongs to the picture shown."""
        if not self._on:
            return
        count = self.counter.count()
        latest = count.current or (count.sets[-1] if count.sets else None)
        told = (count.source, len(count.sets), latest.begin_s if latest else 0.0, latest.count if latest else 0)
        if told != self._told:
            self._told = told
            self.changed.emit()
        here = latest is not None and count.generation == status.generation
        fresh = here and latest is not None and -1.0 <= status.position_s - latest.end_s <= _STAYS_S
        self._show(latest if fresh else None)

    def _show(self, found: RepetitionSet | None) -> None:
        self.shown = found
        self.view.show_set(found)

    def repetitions(self, event: Event, source: SourceSpec) -> int:
        """Return how many repetitions were counted in an event of a source; 0 for another than the last one."""
        count = self.counter.count()
        return repetitions_between(count.sets, event.begin_s, event.end_s) if count.source == source else 0

    def close(self) -> None:
        """End the thread."""
        self._pipeline.unwatch(self.counter.push)
        self.counter.stop()
