"""Buttons of dialogs."""

from __future__ import annotations

from PySide6.QtWidgets import QPushButton

from slowfast_live.ui.commands.commands import describe


def push_button(text: str, tip: str) -> QPushButton:
    """Return a button that is not pressed by Enter in another field."""
    button = QPushButton(text)
    button.setAutoDefault(False)
    describe(button, text.rstrip("…"), tip)
    return button
