"""Properties that the style sheet selects by, set while a widget is shown."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget


def restyle(*widgets: QWidget) -> None:
    """Apply the style sheet anew: Qt does not notice that a property or a name has changed."""
    for widget in widgets:
        widget.style().unpolish(widget)
        widget.style().polish(widget)


def set_tone(widget: QWidget, tone: str) -> None:
    """Set the tone of a text: "plain" or "", "quiet", "amber" or "red"."""
    if widget.property("tone") != tone:
        widget.setProperty("tone", tone)
        restyle(widget)
