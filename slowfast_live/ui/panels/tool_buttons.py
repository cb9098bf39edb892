"""The tool buttons beside the record button: save the last seconds, take a snapshot, full screen."""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QToolButton

from slowfast_live.ui.commands.commands import describe, tip
from slowfast_live.ui.style import icons
from slowfast_live.ui.style.palette import Theme

_TOOLS = (("save_last", "replay"), ("snapshot", "camera"), ("full_screen", "full-screen"))
"""The commands that have a button, each with its icon."""


class ToolButtons(QObject):
    """Owns one button for each command.

    Args:
        actions: The window's commands.
    """

    def __init__(self, actions: dict[str, QAction]) -> None:
        super().__init__()
        self._actions = actions
        self.buttons: list[QToolButton] = []
        for name, _icon in _TOOLS:
            button = QToolButton()
            button.setDefaultAction(actions[name])
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
            describe(button, actions[name].text(), tip(name))
            self.buttons.append(button)

    def set_theme(self, theme: Theme) -> None:
        """Apply a theme."""
        for name, icon in _TOOLS:
            self._actions[name].setIcon(icons.icon(icon, theme))
