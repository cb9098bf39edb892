"""What may be dropped on the window."""

from __future__ import annotations

from PySide6.QtCore import QMimeData

from slowfast_live.ui import intake


def dropped_text(data: QMimeData) -> str | None:
    """Return the path or address in dropped data, None where there is none that could be opened."""
    for url in data.urls():
        text = url.toLocalFile() if url.isLocalFile() else url.toString()
        if intake.source_of(text) is not None:
            return text
    if data.hasText() and intake.source_of(data.text()) is not None:
        return data.text()
    return None
