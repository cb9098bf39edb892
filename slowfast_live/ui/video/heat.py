"""The heat map over the picture: where a score comes from, when, and from which pathway."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPolygonF

from slowfast_live.types import F32
from slowfast_live.ui.style.language import tr
from slowfast_live.ui.style.painting import restores_painter
from slowfast_live.ui.style.theme import GRID, REGULAR, STRONG, TEXT, font

_SIDE = 128
"""Side of the heat map in pixels; it is scaled smoothly to the picture."""
_STRONGEST = 0.62
"""Opacity of the strongest place."""
_COLORS = np.array(((255, 214, 70), (255, 122, 40), (214, 30, 72)), np.float32)
"""From weak to strong; light to dark, so that the order is seen without telling the hues apart."""
_BOX_WIDTH = 31 * GRID
_STRIP = 4 * GRID


@dataclass(frozen=True, slots=True, eq=False)
class Heat:
    """What is drawn over the picture.

    Attributes:
        image: The heat map, with alpha.
        area: Left, top, width and height of what the model sees, as shares of the picture.
        when: Shares by time, oldest first.
        title: The action that is explained.
        detail: Shares of the pathways, or "".
    """

    image: QImage
    area: tuple[float, float, float, float]
    when: tuple[float, ...]
    title: str
    detail: str = ""


def heat_image(heat: F32, *, flipped: bool = False) -> QImage:
    """Return a heat map as an image whose opacity grows with the heat.

    Args:
        heat: float32 (H, W), 0..1.
        flipped: Whether left and right are swapped.
    """
    if flipped:
        heat = heat[:, ::-1]
    place = np.clip(heat, 0, 1) * (len(_COLORS) - 1)
    low = np.minimum(place.astype(int), len(_COLORS) - 2)
    share = (place - low)[..., None]
    rgb = _COLORS[low] * (1 - share) + _COLORS[low + 1] * share
    alpha = np.clip(heat, 0, 1)[..., None] * _STRONGEST
    pixels = np.concatenate([(rgb * alpha)[..., ::-1], alpha * 255], -1).round().astype(np.uint8)
    pixels = np.ascontiguousarray(pixels)
    height, width = heat.shape
    image = QImage(pixels.data, width, height, 4 * width, QImage.Format.Format_ARGB32_Premultiplied)
    return image.copy()  # the array's memory goes


@restores_painter
def paint_heat(painter: QPainter, heat: Heat, picture: QRectF) -> None:
    """Draw a heat map.

    Args:
        painter: The painter.
        heat: What to draw.
        picture: Where the picture is, in logical pixels.
    """
    x, y, width, height = heat.area
    target = QRectF(
        picture.left() + x * picture.width(),
        picture.top() + y * picture.height(),
        width * picture.width(),
        height * picture.height(),
    )
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    painter.save()
    painter.setClipRect(picture)
    painter.drawImage(target, heat.image)
    painter.setPen(QColor(255, 255, 255, 110))
    painter.drawRect(target)
    painter.restore()
    _paint_box(painter, heat, picture)


@restores_painter
def _paint_box(painter: QPainter, heat: Heat, picture: QRectF) -> None:
    """Draw when the score comes from, with the pathways' shares, in the lower right corner."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    lines = 2 if heat.detail else 1
    box = QRectF(0, 0, min(_BOX_WIDTH, picture.width() - 2 * GRID), _STRIP + (2 * lines + 2) * GRID)
    box.moveBottomRight(QPointF(picture.right() - GRID, picture.bottom() - GRID))
    if box.width() < 8 * GRID:
        return
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(12, 14, 18, 200))
    painter.drawRoundedRect(box, 6, 6)
    inside = box.adjusted(GRID, GRID / 2, -GRID, -GRID)
    line = QRectF(inside.left(), inside.top(), inside.width(), 2 * GRID)
    for text, weight in ((tr("Why: {title}", title=heat.title), STRONG), (heat.detail, REGULAR)):
        if not text:
            continue
        chosen = font(TEXT, weight)
        painter.setFont(chosen)
        painter.setPen(QColor(255, 255, 255))
        shown = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, round(line.width()))
        painter.drawText(line, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, shown)
        line.translate(0, 2 * GRID)
    strip = QRectF(inside.left(), inside.bottom() - _STRIP + GRID / 2, inside.width(), _STRIP - GRID / 2)
    _paint_times(painter, heat.when, strip)


@restores_painter
def _paint_times(painter: QPainter, when: tuple[float, ...], strip: QRectF) -> None:
    """Draw the shares by time as bars: upward for the action, downward against it."""
    largest = max((abs(share) for share in when), default=0.0) or 1.0
    middle = strip.center().y()
    step = strip.width() / max(1, len(when))
    painter.setPen(Qt.PenStyle.NoPen)
    for number, share in enumerate(when):
        tall = share / largest * strip.height() / 2
        red, green, blue = (int(part) for part in _COLORS[1 if share >= 0 else 0])
        painter.setBrush(QColor(red, green, blue) if share >= 0 else QColor(140, 150, 165))
        left = strip.left() + number * step
        painter.drawPolygon(
            QPolygonF(
                [
                    QPointF(left, middle),
                    QPointF(left + max(1.0, step - 1), middle),
                    QPointF(left + max(1.0, step - 1), middle - tall),
                    QPointF(left, middle - tall),
                ]
            )
        )
    painter.setPen(QColor(255, 255, 255, 120))
    painter.drawLine(QPointF(strip.left(), middle), QPointF(strip.right(), middle))
