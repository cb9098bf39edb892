"""A single-line label that elides text that does not fit and shows the full text in its tooltip."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget

from slowfast_live.ui.style import formatting


class ElidedLabel(QLabel):
    """A label that requests the width of its full text but can shrink below it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._whole = ""
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Preferred)

    @property
    def whole_text(self) -> str:
        """The full text."""
        return self._whole

    def set_text(self, text: str) -> None:
        """Set the text."""
        if text != self._whole:
            self._whole = text
            self.setAccessibleName(text)
            self.updateGeometry()
            self._show()

    def sizeHint(self) -> QSize:  # noqa: N802
        """Return the size of the full text."""
        size = super().sizeHint()
        size.setWidth(self.fontMetrics().horizontalAdvance(self._whole) + 2 if self._whole else 0)
        return size

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """Return a width of zero, so that the label can shrink freely."""
        return QSize(0, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Elide the text to the new width."""
        super().resizeEvent(event)
        self._show()

    def _show(self) -> None:
        shown = self.fontMetrics().elidedText(self._whole, Qt.TextElideMode.ElideRight, self.width())
        if shown != self.text():
            self.setText(shown)
        self.setToolTip(formatting.tooltip(self._whole))
