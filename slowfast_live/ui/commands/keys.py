"""Decide which widget keeps a key that is also a command of the window.

A text field keeps what is typed into it; Qt ensures that. Space is kept by controls that it operates: a button or box
that it presses, a dropdown that it opens, a list whose entries it checks. Everywhere else, including other lists,
sliders and number fields, it plays and pauses.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QAbstractButton, QAbstractItemView, QAbstractSpinBox, QComboBox, QWidget


def keeps_space(widget: QWidget | None) -> bool:
    """Return whether Space operates a widget, so that it does not play or pause."""
    if isinstance(widget, QAbstractItemView):
        index = widget.currentIndex()
        return index.isValid() and bool(index.flags() & Qt.ItemFlag.ItemIsUserCheckable)
    return isinstance(widget, QAbstractButton | QComboBox)


class SpaceForWindow(QObject):
    """Makes a number field pass Space, which no number contains, on to the window.

    Args:
        field: The field; it owns this object.
    """

    def __init__(self, field: QAbstractSpinBox) -> None:
        super().__init__(field)
        field.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Leave the key to the window's command."""
        override = event.type() == QEvent.Type.ShortcutOverride
        if override and isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_Space:
            event.ignore()
            return True
        return super().eventFilter(watched, event)
