"""The card above the timeline with the details at the pointer's time and, if available, a preview."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from slowfast_live.colors import LABEL_OVERLAY, action_color, identity_color
from slowfast_live.ui.style.painting import restores_painter
from slowfast_live.ui.style.theme import GRID, RADIUS, STRONG, TEXT, font

_LINE = TEXT + GRID - 2
_WIDEST = 30 * GRID


class HoverCard(QWidget):
    """A card in the overlay's colors that lies over the video and ignores the mouse.

    Args:
        parent: The window; the card may lie over everything in it.
    """

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._window = parent
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAttribute(Qt.WidgetAttribute.WA_NoSystemBackground)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._time, self._label = "", ""
        self._lines: tuple[str, ...] = ("",)
        self._person: int | None = None
        self._image: QImage | None = None
        self._room = QSize(0, 0)
        self.hide()

    @property
    def texts(self) -> tuple[str, ...]:
        """The texts on display, line by line."""
        return (self._time, *self._lines)

    @property
    def image(self) -> QImage | None:
        """The preview on display."""
        return self._image

    def show_texts(self, time: str, label: str, lines: tuple[str, ...], person: int | None = None) -> None:
        """Set the texts.

        Args:
            time: The time.
            label: The action whose color is shown; "" for none.
            lines: The details.
            person: The person whom they are about, whose color is shown in the action's place; None for nobody.
        """
        self._time, self._label, self._lines, self._person = time, label, lines, person

    def show_preview(self, image: QImage | None, room: QSize | None = None) -> None:
        """Show a preview, or reserve `room` for one that is coming, so that the card does not jump."""
        self._image = image
        self._room = image.size() if image is not None else (room or QSize(0, 0))

    def stand_above(self, foot: QPoint) -> None:
        """Show the card with its bottom center at a point in the window, moved as needed to stay inside the window."""
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
        widths = [width + GRID // 2 for width in widths]  # font metrics round down
        if self._dot_color:
            widths[1] += GRID + GRID // 2
        width = max(min(max(widths), _WIDEST), self._room.width())
        height = _LINE * (1 + len(self._lines)) + (self._room.height() + GRID // 2 if self._room.height() else 0)
        return QSize(width + 2 * GRID, height + GRID + GRID // 2)

    @property
    def _dot_color(self) -> str:
        """Color of the square before the first line; "" for none."""
        if self._person is not None:
            return identity_color(self._person)
        return action_color(self._label) if self._label else ""

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Draw the background, the preview and the lines."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ground = QColor(LABEL_OVERLAY.ground)
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
        self._line(painter, self._time, top, LABEL_OVERLAY.text, font(weight=STRONG))
        for number, line in enumerate(self._lines, 1):
            left = 0
            if number == 1 and (color := self._dot_color):
                left = GRID + GRID // 2
                dot = QRectF(GRID, top + number * _LINE + (_LINE - GRID) / 2, GRID, GRID)
                painter.fillRect(dot, QColor(color))
            color = LABEL_OVERLAY.text if number == 1 else LABEL_OVERLAY.quiet
            self._line(painter, line, top + number * _LINE, color, font(), left)
        painter.end()

    @restores_painter
    def _line(self, painter: QPainter, text: str, top: int, color: str, used: QFont, left: int = 0) -> None:
        where = QRectF(GRID + left, top, self.width() - 2 * GRID - left, _LINE)
        painter.setFont(used)
        painter.setPen(QColor(color))
        text = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, int(where.width()))
        painter.drawText(where, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, text)
