"""Drag and drop: find the source in dropped data."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import unquote_to_bytes

from PySide6.QtCore import QMimeData, QUrl

from slowfast_live.types import SourceSpec
from slowfast_live.ui.controller import source_input


def dropped_source(data: QMimeData) -> SourceSpec | None:
    """Return the file or stream in dropped data; None if there is nothing that could be opened."""
    for url in data.urls():
        path = local_path(url)
        source = source_input.source_of(url.toString()) if path is None else source_input.file_of(path)
        if source is not None:
            return source
    return source_input.source_of(data.text()) if data.hasText() else None


def dropped_sources(data: QMimeData) -> list[SourceSpec]:
    """Return all files in dropped data if there are several, else what `dropped_source` finds."""
    paths = [path for url in data.urls() if (path := local_path(url)) is not None]
    files = [source for path in paths if (source := source_input.file_of(path)) is not None]
    if len(files) > 1:
        return files
    return [source] if (source := dropped_source(data)) is not None else []


def local_path(url: QUrl) -> Path | None:
    """Return the local file of a URL, or None if it is not local. File names may contain arbitrary bytes."""
    if not url.isLocalFile():
        return None
    text = url.toLocalFile()
    if os.name == "posix":
        encoded = bytes(url.toEncoded(QUrl.ComponentFormattingOption.FullyEncoded).data())
        text = os.fsdecode(unquote_to_bytes(encoded.removeprefix(b"file://")))
        if not text.startswith("/"):
            text = url.toLocalFile()
    return Path(text)
