"""Windows and dialogs that fit the screen, also a small one, or one at 200 %."""

from __future__ import annotations

from PySide6.QtCore import QSize
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget

_FRAME = QSize(16, 48)
"""Left for the frame and the title bar, in logical pixels."""


def room(window: QWidget) -> QSize | None:
    """Return the size in logical pixels that a window may have on its screen; None if nothing limits it."""
    if QGuiApplication.platformName() == "offscreen":
        return None
    return window.screen().availableSize() - _FRAME


def resize_to_fit(window: QWidget, width: int, height: int) -> None:
    """Give a window the wanted size in logical pixels, or less where its screen has no room for that."""
    most = room(window)
    window.resize(QSize(width, height) if most is None else QSize(width, height).boundedTo(most))
