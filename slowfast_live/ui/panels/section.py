"""A collapsible section of the side panel."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from slowfast_live.ui.commands.commands import describe, tip
from slowfast_live.ui.style import icons
from slowfast_live.ui.style.palette import Theme
from slowfast_live.ui.style.theme import GRID


class Section(QWidget):
    """A heading that collapses and expands the body below it.

    Args:
        name: Name of the section in the settings; the command `fold_NAME` toggles it.
        title: The heading.
        body: The widget below the heading.
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
        """Collapse or expand the section."""
        self._button.setChecked(not folded)

    def toggle(self) -> None:
        """Toggle between collapsed and expanded."""
        self._button.toggle()

    def set_theme(self, theme: Theme) -> None:
        """Apply a theme."""
        self._theme = theme
        name = "chevron-down" if self._button.isChecked() else "chevron-right"
        self._button.setIcon(icons.quiet_icon(name, theme))

    def _toggled(self, unfolded: bool) -> None:
        self.body.setVisible(unfolded)
        if self._theme is not None:
            self.set_theme(self._theme)
        self.folded.emit(self.name, not unfolded)
