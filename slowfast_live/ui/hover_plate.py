"""What is known of the moment that the pointer is at: a plate above the timeline, with a preview where there is one."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from slowfast_live.colours import PLATE, action_colour
from slowfast_live.ui.theme import GRID, RADIUS, STRONG, TEXT, font

_LINE = TEXT + GRID - 2
_WIDEST = 30 * GRID


class HoverPlate(QWidget):
    """Lies over the picture in the overlay's colours and lets the mouse through.

    Args:
        parent: The window: the plate may lie over everything in it.
    """

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._window = parent
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAttribute(Qt.WidgetAttribute.WA_NoSystemBackground)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._time, self._label = "", ""
        self._lines: tuple[str, ...] = ("",)
        self._image: QImage | None = None
        self._room = QSize(0, 0)
        self.hide()

    @property
    def texts(self) -> tuple[str, ...]:
        """What it says, line by line."""
        return (self._time, *self._lines)

    @property
    def image(self) -> QImage | None:
        """The preview that it shows."""
        return self._image

    def say(self, time: str, label: str, lines: tuple[str, ...]) -> None:
        """Say what is known.

        Args:
            time: When.
            label: The action, whose colour is shown; "" for none.
            lines: What there is to say.
        """
        self._time, self._label, self._lines = time, label, lines

    def show_preview(self, image: QImage | None, room: QSize | None = None) -> None:
        """Show a preview, or keep `room` for one that comes, so that the plate does not jump."""
        self._image = image
        self._room = image.size() if image is not None else (room or QSize(0, 0))

    def stand_above(self, foot: QPoint) -> None:
        """Show it, its foot in the middle at a place in the window, moved as far as the window needs."""
        self.resize(self._needed())
        left = foot.x() - self.width() // 2
        widest = self._window.width() - self.width() - GRID // 2
        self.move(max(GRID // 2, min(left, widest)), max(0, foot.y() - self.height()))
        self.raise_()
        self.show()
        self.update()

    def _needed(self) -> QSize:
        plain, strong = QFontMetrics(font()), QFontMetrics(font(weight=STRONG))
        widths = [strong.horizontalAdvance(self._time), *(plain.horizontalAdvance(line) for line in self._lines)]
        widths = [width + GRID // 2 for width in widths]  # metrics round down
        if self._label:
            widths[1] += GRID + GRID // 2
        width = max(min(max(widths), _WIDEST), self._room.width())
        height = _LINE * (1 + len(self._lines)) + (self._room.height() + GRID // 2 if self._room.height() else 0)
        return QSize(width + 2 * GRID, height + GRID + GRID // 2)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Paint plate, preview and lines."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ground = QColor(PLATE.ground)
        ground.setAlphaF(0.92)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(ground)
        painter.drawRoundedRect(QRectF(self.rect()), RADIUS, RADIUS)
        top = GRID
        if self._room.height():
            where = QRectF((self.width() - self._room.width()) / 2, top, self._room.width(), self._room.height())
            if self._image is not None:
                painter.drawImage(where, self._image)
            else:
                painter.fillRect(where, QColor(255, 255, 255, 20))
            top += self._room.height() + GRID // 2
        painter.setFont(font(weight=STRONG))
        painter.setPen(QColor(PLATE.text))
        self._line(painter, self._time, top)
        painter.setFont(font())
        for number, line in enumerate(self._lines, 1):
            left = 0
            if number == 1 and self._label:
                left = GRID + GRID // 2
                dot = QRectF(GRID, top + number * _LINE + (_LINE - GRID) / 2, GRID, GRID)
                painter.fillRect(dot, QColor(action_colour(self._label)))
            painter.setPen(QColor(PLATE.text if number == 1 else PLATE.quiet))
            self._line(painter, line, top + number * _LINE, left)
        painter.end()

    def _line(self, painter: QPainter, text: str, top: int, left: int = 0) -> None:
        where = QRectF(GRID + left, top, self.width() - 2 * GRID - left, _LINE)
        text = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, int(where.width()))
        painter.drawText(where, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, text)
