"""Shared helpers of the custom-painted widgets: restore a borrowed painter, and draw the focus frame."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from PySide6.QtCore import QRect, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QPainter, QPen, QPixmap

from slowfast_live.colors import action_color, action_pattern
from slowfast_live.ui.style.palette import Theme

FOCUS_PX = 2.0
"""Width of the focus frame in logical pixels, the same as in the style sheet."""

_Args = ParamSpec("_Args")
_Result = TypeVar("_Result")


def restores_painter(draw: Callable[_Args, _Result]) -> Callable[_Args, _Result]:
    """Decorate a function that draws with a painter so that it restores the pen, brush, font, clip and transform.

    Use it on every function that takes a painter: what is drawn next must not depend on what was drawn before.

    Args:
        draw: Takes a `QPainter` among its positional arguments.
    """

    @wraps(draw)
    def drawn(*args: _Args.args, **kwargs: _Args.kwargs) -> _Result:
        painter = next(arg for arg in args if isinstance(arg, QPainter))
        painter.save()
        try:
            return draw(*args, **kwargs)
        finally:
            painter.restore()

    return drawn


_BRUSHES = {"stripes": Qt.BrushStyle.BDiagPattern, "dots": Qt.BrushStyle.Dense6Pattern}


@restores_painter
def fill_action(painter: QPainter, rect: QRectF, label: str, theme: Theme) -> None:
    """Fill a rectangle with an action's color and pattern."""
    painter.fillRect(rect, QColor(action_color(label, theme.name)))
    if (style := _BRUSHES.get(action_pattern(label))) is not None:
        over = QColor(theme.surface)
        over.setAlphaF(0.35)
        painter.fillRect(rect, QBrush(over, style))


def action_swatch(label: str, theme: Theme, size: int) -> QPixmap:
    """Return a square with an action's color and pattern, `size` logical pixels wide."""
    square = QPixmap(size, size)
    square.fill(Qt.GlobalColor.transparent)
    painter = QPainter(square)
    fill_action(painter, QRectF(square.rect()), label, theme)
    painter.end()
    return square


@restores_painter
def draw_focus(painter: QPainter, rect: QRect, theme: Theme) -> None:
    """Draw the focus frame along the inside of `rect`, without filling it."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    pen = QPen(QColor(theme.accent), FOCUS_PX)
    pen.setJoinStyle(Qt.PenJoinStyle.MiterJoin)
    painter.setPen(pen)
    half = FOCUS_PX / 2
    painter.drawRect(QRectF(rect).adjusted(half, half, -half, -half))
