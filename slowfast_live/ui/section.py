"""A part of the side panel that folds."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from slowfast_live.ui import icons
from slowfast_live.ui.shortcuts import describe, tip
from slowfast_live.ui.theme import GRID, Theme


class Section(QWidget):
    """A heading that folds what stands below it.

    Args:
        name: Its name in settings; the command `fold_NAME` folds it.
        title: Its heading.
        body: What stands below.
    """

    folded = Signal(str, bool)

    def __init__(self, name: str, title: str, body: QWidget) -> None:
        super().__init__()
        self.name = name
        self.body = body
        self._theme: Theme | None = None
        self._button = QToolButton()
        self._button.setObjectName("section")
        self._button.setText(title)
        self._button.setCheckable(True)
        self._button.setChecked(True)
        self._button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._button.toggled.connect(self._toggled)
        describe(self._button, title, tip(f"fold_{name}"))
        rule = QFrame()
        rule.setObjectName("rule")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GRID, 0, GRID, 0)
        layout.setSpacing(0)
        layout.addWidget(self._button)
        layout.addWidget(body)
        layout.addWidget(rule)
        body.setContentsMargins(GRID // 2, 0, GRID // 2, GRID + GRID // 2)

    def set_folded(self, folded: bool) -> None:
        """Fold or unfold."""
        self._button.setChecked(not folded)

    def toggle(self) -> None:
        """Fold or unfold, whichever it is not."""
        self._button.toggle()

    def set_theme(self, theme: Theme) -> None:
        """Take over a theme's colours."""
        self._theme = theme
        name = "chevron-down" if self._button.isChecked() else "chevron-right"
        self._button.setIcon(icons.quiet_icon(name, theme))

    def _toggled(self, unfolded: bool) -> None:
        self.body.setVisible(unfolded)
        if self._theme is not None:
            self.set_theme(self._theme)
        self.folded.emit(self.name, not unfolded)
