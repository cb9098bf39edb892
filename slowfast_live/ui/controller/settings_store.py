"""Store the user's settings: read once, and written off the GUI thread shortly after each change."""

from __future__ import annotations

import threading
from pathlib import Path

from PySide6.QtCore import QObject, QTimer

from slowfast_live import settings as store
from slowfast_live.types import Level, Notice, Topic
from slowfast_live.ui.threads.background import BackgroundTasks

_DELAY_MS = 1000


class SettingsStore(QObject):
    """The current settings.

    Args:
        path: The settings file; None for the user's own.
        background: Runs the writing off the GUI thread.
    """

    def __init__(self, path: Path | None, background: BackgroundTasks) -> None:
        super().__init__()
        loaded = store.load(path)
        self.settings = loaded.settings
        self.notice = (
            Notice(Level.WARNING, loaded.notice, loaded.details, topic=Topic.SETTINGS) if loaded.notice else None
        )
        self._path, self._background = path, background
        self._written = store.encode(self.settings)
        self._lock = threading.Lock()
        self._number = self._kept = 0
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_DELAY_MS)
        self._timer.timeout.connect(self._write)

    def changed(self) -> None:
        """Schedule writing the settings."""
        self._timer.start()

    def _write(self) -> None:
        data = store.encode(self.settings)
        if data != self._written:
            self._written = data
            number = self._next()
            self._background.run(lambda: self._put(data, number), name="settings")

    def save_now(self) -> None:
        """Write the settings at once, at shutdown.

        Raises:
            SettingsError: The file cannot be written.
        """
        self._timer.stop()
        self._put(store.encode(self.settings), self._next())

    def _next(self) -> int:
        self._number += 1
        return self._number

    def _put(self, data: bytes, number: int) -> None:
        """Write the settings, unless newer ones were written in the meantime. Safe to call from any thread."""
        with self._lock:
            if number > self._kept:
                store.write(data, self._path)
                self._kept = number
