"""The picture and the side panel, with an edge between them that can be dragged."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QSplitter, QWidget

from slowfast_live.ui.panels.side_panel import SidePanel
from slowfast_live.ui.style.language import tr

_GRIP_PX = 5
"""Width of the edge that can be dragged; the line in its middle is one pixel wide."""


class Divider(QSplitter):
    """Gives the panel its share of the width until the user drags the edge; a double click returns to that share.

    Args:
        picture: The widget on the left, which takes the rest.
        panel: The side panel.
        chosen: Width that the user gave the panel earlier; 0 for none.
    """

    width_chosen = Signal(int)
    """Emits the panel's width that the user chose, in logical pixels; 0 for the usual share."""

    def __init__(self, picture: QWidget, panel: SidePanel, chosen: int = 0) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self._panel, self._chosen = panel, chosen
        self.setObjectName("divider")
        self.setChildrenCollapsible(False)
        self.setHandleWidth(_GRIP_PX)
        self.addWidget(picture)
        self.addWidget(panel)
        self.setStretchFactor(0, 1)
        self.setStretchFactor(1, 0)
        self.splitterMoved.connect(self._dragged)
        grip = self.handle(1)
        grip.setToolTip(tr("Drag to widen the panel; double click for its usual width"))
        grip.installEventFilter(self)

    def share_out(self) -> None:
        """Give the panel its width."""
        wanted = self._panel.width_in(self.window().width(), self._chosen)
        self.setSizes([max(1, self.width() - wanted - _GRIP_PX), wanted])

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Keep the panel's width, or its share."""
        super().resizeEvent(event)
        self.share_out()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Return to the usual width on a double click."""
        if event.type() == QEvent.Type.MouseButtonDblClick:
            self._choose(0)
            self.share_out()
            return True
        return super().eventFilter(watched, event)

    def _dragged(self) -> None:
        self._choose(self._panel.width())

    def _choose(self, width: int) -> None:
        if width != self._chosen:
            self._chosen = width
            self.width_chosen.emit(width)
