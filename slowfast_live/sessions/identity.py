"""Identity of sources: files are recognized by their content, even after they were moved."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote_from_bytes, unquote_to_bytes

from slowfast_live.content import content_key
from slowfast_live.sessions.format import MAX_NAME, SourceRef
from slowfast_live.text_safety import visible
from slowfast_live.types import SourceKind, SourceSpec
from slowfast_live.urls import display_url


def identify(spec: SourceSpec, path: Path | None = None) -> SourceRef:
    """Return a reference to the source of a spec. Reads the file.

    Args:
        spec: The source.
        path: Path of the demo clip; not needed for other sources.
    """
    if spec.kind is SourceKind.FILE:
        path = Path(spec.address)
    if path is None:
        name = display_url(spec.name) if spec.kind is SourceKind.STREAM else spec.name
        return SourceRef(kind=spec.kind.value, name=visible(name)[:MAX_NAME])
    try:
        status = path.stat()
        size_bytes, modified_ns = status.st_size, status.st_mtime_ns
    except (OSError, ValueError):
        size_bytes, modified_ns = 0, 0
    return SourceRef(
        kind=spec.kind.value,
        name=visible(spec.name)[:MAX_NAME],
        path=quoted(path.absolute()) if spec.kind is SourceKind.FILE else "",
        size_bytes=size_bytes,
        modified_ns=modified_ns,
        content=content_key(path),
    )


def quoted(path: Path) -> str:
    """Return a path as percent-encoded text without control characters, whatever bytes it has."""
    return quote_from_bytes(os.fsencode(path), safe="/:\\ ")


def path_of(source: SourceRef) -> Path | None:
    """Return the path of a file when it was last opened; None if it is not a file or the path is unknown."""
    return Path(os.fsdecode(unquote_to_bytes(source.path))) if source.path else None


def is_same_file(path: Path, source: SourceRef) -> bool:
    """Return whether the file at a path has the content that a session is about."""
    return bool(source.content) and content_key(path) == source.content
