"""A large message at the top of the picture, for people before the camera: seconds to get ready, seconds left."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from slowfast_live.colors import LABEL_OVERLAY
from slowfast_live.ui.style.language import tr
from slowfast_live.ui.style.theme import GRID, REGULAR, STRONG, TEXT, TEXT_LARGE, font

_SHARE = 0.22
_LARGEST_PX = 180


class Countdown(QWidget):
    """Covers the whole canvas, so that a click anywhere stops; hidden while it has nothing to say."""

    stopped = Signal()
    """Emitted on a click."""

    def __init__(self, canvas: QWidget) -> None:
        super().__init__(canvas)
        self._number, self._line = "", ""
        self.setAccessibleName(tr("Countdown"))
        canvas.installEventFilter(self)
        self.hide()

    def show_text(self, number: str, line: str) -> None:
        """Show a large number and a line below it; hide if both are empty."""
        if (number, line) == (self._number, self._line):
            return
        self._number, self._line = number, line
        self.setAccessibleDescription(f"{number} {line}".strip())
        if not number and not line:
            self.hide()
            return
        self._fit()
        self.show()
        self.raise_()
        self.update()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Keep the size of the canvas."""
        if event.type() == QEvent.Type.Resize:
            self._fit()
        return False

    def _fit(self) -> None:
        if (canvas := self.parentWidget()) is not None:
            self.setGeometry(canvas.rect())

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Stop."""
        self.stopped.emit()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Paint the number and the line."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        large = font(min(_LARGEST_PX, max(48, round(self.height() * _SHARE))), STRONG)
        small = font(TEXT_LARGE, STRONG)
        high, low = QFontMetricsF(large), QFontMetricsF(small)
        hint, least = tr("Click on the picture to stop"), QFontMetricsF(font(TEXT, REGULAR))
        widest = max(
            high.horizontalAdvance(self._number), low.horizontalAdvance(self._line), least.horizontalAdvance(hint)
        )
        width = widest + 6 * GRID
        height = (high.height() if self._number else 0) + low.height() + least.height() + 4 * GRID
        box = QRectF((self.width() - width) / 2, 2 * GRID, width, height)
        ground = QColor(LABEL_OVERLAY.ground)
        ground.setAlphaF(0.72)
        painter.setBrush(ground)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.drawRoundedRect(box, 2 * GRID, 2 * GRID)
        painter.setPen(QColor(LABEL_OVERLAY.text))
        top = box.top() + GRID
        if self._number:
            painter.setFont(large)
            painter.drawText(QRectF(box.left(), top, width, high.height()), Qt.AlignmentFlag.AlignCenter, self._number)
            top += high.height()
        painter.setFont(small)
        painter.drawText(QRectF(box.left(), top, width, low.height() + GRID), Qt.AlignmentFlag.AlignCenter, self._line)
        painter.setFont(font(TEXT, REGULAR))
        painter.setPen(QColor(LABEL_OVERLAY.quiet))
        top += low.height() + GRID
        painter.drawText(QRectF(box.left(), top, width, least.height()), Qt.AlignmentFlag.AlignCenter, hint)
        painter.end()
