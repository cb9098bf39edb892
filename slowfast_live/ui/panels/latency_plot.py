"""A plot of the latest latency readings."""

from __future__ import annotations

import math
from collections import deque

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from slowfast_live.types import F32
from slowfast_live.ui.style.curve import area
from slowfast_live.ui.style.language import tr
from slowfast_live.ui.style.painting import restores_painter
from slowfast_live.ui.style.palette import LIGHT, Theme
from slowfast_live.ui.style.theme import GRID, TEXT, font

POINTS = 120
_HEIGHT = 11 * GRID
_GUTTER = 5 * GRID
_STEPS = (1, 2, 5)


def scale_top(highest: float) -> float:
    """Return the top of the scale for values up to `highest`: a round number with a round half.

    It leaves some headroom, so that it does not change with each reading.
    """
    wanted = max(highest * 1.1, 2.0)
    decade = 10.0 ** math.floor(math.log10(wanted / 2))
    half = next(step * decade for step in (*_STEPS, 10) if 2 * step * decade >= wanted)
    return 2 * half


class LatencyPlot(QWidget):
    """Plots the latest `POINTS` readings, the newest at the right edge."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._readings: deque[float] = deque(maxlen=POINTS)
        self._theme = LIGHT
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setAccessibleName(tr("Latency plot"))
        self.setToolTip(tr("Latency of the last {count} predictions, in milliseconds", count=POINTS))

    @property
    def readings(self) -> tuple[float, ...]:
        """The readings on display, in milliseconds, oldest first."""
        return tuple(self._readings)

    def add(self, latency_ms: float) -> None:
        """Add a reading."""
        self._readings.append(latency_ms)
        low, high = min(self._readings), max(self._readings)
        self.setAccessibleDescription(
            tr(
                "Now {latency_ms} ms, between {low} and {high} ms",
                latency_ms=f"{latency_ms:.0f}",
                low=f"{low:.0f}",
                high=f"{high:.0f}",
            )
        )
        self.update()

    def clear(self) -> None:
        """Remove all readings, for a new source or model."""
        self._readings.clear()
        self.setAccessibleDescription("")
        self.update()

    def set_theme(self, theme: Theme) -> None:
        """Apply a theme."""
        self._theme = theme
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802
        """Prefer a low, wide plot."""
        return QSize(30 * GRID, _HEIGHT)

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """Return the minimum size: narrow, but of the same height."""
        return QSize(16 * GRID, _HEIGHT)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Draw the scale and the curve."""
        painter = QPainter(self)
        top_ms = scale_top(max(self._readings, default=0.0))
        field = QRectF(_GUTTER, TEXT / 2 + 1, max(1, self.width() - _GUTTER), self.height() - TEXT - 2)
        self._paint_scale(painter, field, top_ms)
        if self._readings:
            self._paint_curve(painter, field, top_ms)
        painter.end()

    @restores_painter
    def _paint_scale(self, painter: QPainter, field: QRectF, top_ms: float) -> None:
        painter.setFont(font())
        painter.setPen(QColor(self._theme.quiet))
        for share in (0.0, 0.5, 1.0):
            y = round(field.bottom() - share * field.height())
            painter.fillRect(QRectF(field.left(), y, field.width(), 1), QColor(self._theme.border))
            if self._readings:
                text = QRectF(0, y - TEXT, _GUTTER - GRID, 2 * TEXT)
                side = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
                painter.drawText(text, side, f"{share * top_ms:g}")

    @restores_painter
    def _paint_curve(self, painter: QPainter, field: QRectF, top_ms: float) -> None:
        ratio = self.devicePixelRatioF()
        columns = self._columns(max(2, round(field.width() * ratio))) / np.float32(top_ms)
        accent = QColor(self._theme.accent)
        tints = np.tile(np.array([accent.red(), accent.green(), accent.blue()], np.uint8), (len(columns), 1))
        pixels = area(columns, max(1, round(field.height() * ratio)), tints, ratio)
        image = QImage(pixels.data, pixels.shape[1], pixels.shape[0], QImage.Format.Format_ARGB32_Premultiplied)
        image.setDevicePixelRatio(ratio)
        painter.drawImage(QPointF(field.left(), field.top()), image)

    def _columns(self, count: int) -> F32:
        """Return a value for each device pixel, float32 (count,), NaN before the first reading."""
        places = np.linspace(0, POINTS - 1, count)
        known = np.arange(POINTS - len(self._readings), POINTS)
        values = np.interp(places, known, self._readings, left=np.nan)
        return values.astype(np.float32)
