"""The controls over the picture in full screen; they come when the pointer moves."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QToolButton

from slowfast_live.ui.commands.commands import describe, tip
from slowfast_live.ui.style.language import tr
from slowfast_live.ui.style.theme import GRID
from slowfast_live.ui.video.canvas import Canvas

_CONTROLS = ("play_pause", "big_label", "run_session", "snapshot", "save_last", "leave_full_screen")
_TEXTS = ("big_label", "run_session", "leave_full_screen")
"""Commands that are written out; the others are icons."""
_MARGIN = 3 * GRID


class PresentingBar(QFrame):
    """A row of buttons at the upper edge, away from the label, and how to leave; it hides with the pointer.

    Args:
        actions: The window's commands; those that this version lacks have no button.
        canvas: The picture that it lies over.
    """

    def __init__(self, actions: dict[str, QAction], canvas: Canvas) -> None:
        super().__init__(canvas)
        self._canvas, self._on = canvas, False
        self.setObjectName("presenting")
        row = QHBoxLayout(self)
        row.setContentsMargins(GRID, GRID // 2, GRID, GRID // 2)
        row.setSpacing(GRID // 2)
        self.buttons: dict[str, QToolButton] = {}
        for name in _CONTROLS:
            if name not in actions:
                continue
            button = QToolButton()
            button.setDefaultAction(actions[name])
            style = Qt.ToolButtonStyle
            button.setToolButtonStyle(style.ToolButtonTextOnly if name in _TEXTS else style.ToolButtonIconOnly)
            describe(button, actions[name].text(), tip(name))
            self.buttons[name] = button
            row.addWidget(button)
        self.hint = QLabel(tr("Esc leaves the full screen"))
        self.hint.setProperty("tone", "quiet")
        row.addWidget(self.hint)
        canvas.pointer_rested.connect(self._follow_pointer)
        canvas.installEventFilter(self)
        self.hide()

    def set_on(self, on: bool) -> None:
        """Begin with the controls shown, so that the way out is seen; or end."""
        self._on = on
        self._show(on)

    def _follow_pointer(self, rested: bool) -> None:
        keep = self.underMouse() or self.isAncestorOf(self.focusWidget() or self._canvas)
        if self._on:
            self._show(not rested or keep)

    def _show(self, shown: bool) -> None:
        if shown:
            self._place()
        self.setVisible(shown)
        if shown:
            self.raise_()

    def _place(self) -> None:
        self.adjustSize()
        left = (self._canvas.width() - self.width()) // 2
        self.move(max(0, left), _MARGIN)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Follow the picture's size."""
        if event.type() == QEvent.Type.Resize and self.isVisible():
            self._place()
        return super().eventFilter(watched, event)
