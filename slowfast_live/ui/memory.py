"""Keeps the user's settings: reads them once, writes them a moment after they change, off the GUI thread."""

from __future__ import annotations

import logging
from pathlib import Path

from PySide6.QtCore import QObject, QTimer

from slowfast_live import settings as store
from slowfast_live.errors import SettingsError
from slowfast_live.types import Level, Notice
from slowfast_live.ui.background import Background

log = logging.getLogger(__name__)

_DELAY_MS = 1000


class Memory(QObject):
    """The settings in force.

    Args:
        path: The file; the user's own where None.
        background: Who writes.
    """

    def __init__(self, path: Path | None, background: Background) -> None:
        super().__init__()
        loaded = store.load(path)
        self.settings = loaded.settings
        self.notice = Notice(Level.WARNING, loaded.notice, loaded.details) if loaded.notice else None
        self._path, self._background = path, background
        self._written = store.encode(self.settings)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_DELAY_MS)
        self._timer.timeout.connect(self._write)

    def changed(self) -> None:
        """Write the settings soon."""
        self._timer.start()

    def _write(self) -> None:
        data = store.encode(self.settings)
        if data != self._written:
            self._written = data
            self._background.run(lambda: store.write(data, self._path), name="settings")

    def save_now(self) -> None:
        """Write the settings at once, at the end; a failure is logged."""
        self._timer.stop()
        try:
            store.save(self.settings, self._path)
        except SettingsError as error:
            log.warning("%s", error.message)
