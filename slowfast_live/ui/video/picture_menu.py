"""The context menu of the picture."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QWidget

ENTRIES = (
    "play_pause", "", "snapshot", "copy_picture", "record", "save_last", "", "add_event", "",
    "overlay_bars", "explain", "big_label", "mirror", "full_screen",
)  # fmt: skip
"""The commands of the menu; "" is a separator."""


def open_picture_menu(actions: dict[str, QAction], at: QPoint, live: bool, window: QWidget) -> QMenu:
    """Open the menu at a point of the screen and return it; it deletes itself when closed.

    Args:
        actions: The window's commands.
        at: Where it opens, in global coordinates.
        live: Whether the source is live and cannot be paused.
        window: Qt parent.
    """
    menu = QMenu(window)
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    for entry in ENTRIES[2:] if live else ENTRIES:
        if entry:
            menu.addAction(actions[entry])
        else:
            menu.addSeparator()
    menu.popup(at)
    return menu
