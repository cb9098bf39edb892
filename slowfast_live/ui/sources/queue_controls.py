"""The commands of the queue of files, and its dialog."""

from __future__ import annotations

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QWidget

from slowfast_live.ui.controller.controller import Controller
from slowfast_live.ui.controller.file_queue import FileQueue
from slowfast_live.ui.sources.queue_dialog import QueueDialog


class QueueControls(QObject):
    """Connects the queue with its commands.

    Args:
        controller: Opens the files.
        actions: The commands' actions, by ID.
        window: Parent of the dialog.
    """

    def __init__(self, controller: Controller, actions: dict[str, QAction], window: QWidget) -> None:
        super().__init__(window)
        self.files = FileQueue(controller, self)
        self.dialog: QueueDialog | None = None
        self._actions, self._window = actions, window
        actions["queue"].triggered.connect(lambda: self.open_dialog())
        actions["next_file"].triggered.connect(lambda: self.files.next())
        actions["previous_file"].triggered.connect(lambda: self.files.previous())
        self.files.changed.connect(self._enable)
        self._enable()

    def open_dialog(self) -> None:
        """Show the queue; the dialog is created once and reused."""
        if self.dialog is None:
            self.dialog = QueueDialog(self.files, self._window)
        self.dialog.show()
        self.dialog.raise_()
        self.dialog.list.setFocus()

    def _enable(self) -> None:
        self._actions["next_file"].setEnabled(self.files.has_next)
        self._actions["previous_file"].setEnabled(self.files.has_previous)
