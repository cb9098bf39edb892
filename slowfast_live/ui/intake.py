"""From what a person drops, types or picks to a source; and which source to begin with. No Qt here."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from slowfast_live.errors import UsageError
from slowfast_live.sources import parse_source
from slowfast_live.sources.address import VIDEO_SUFFIXES
from slowfast_live.types import Level, Notice, SourceKind, SourceSpec

NO_CAMERA = Notice(Level.INFO, "No camera found. Playing the demo.")


def file_filter() -> str:
    """Return the filter of the file dialog."""
    return "Videos ({});;All files (*)".format(" ".join(f"*{suffix}" for suffix in VIDEO_SUFFIXES))


def source_of(text: str) -> SourceSpec | None:
    """Return the file or stream that a dropped or typed text means; None where it means none.

    Args:
        text: A path, a `file:` address or a stream's address.
    """
    if "\n" in text.strip():
        return None
    try:
        source = parse_source(text)
        if source.kind is SourceKind.STREAM:
            return source
        path = Path(source.address)
        plausible = source.kind is SourceKind.FILE and (path.suffix.lower() in VIDEO_SUFFIXES or path.exists())
    except (UsageError, OSError, RuntimeError, ValueError):  # too long, no such home, a NUL inside
        return None
    return source if plausible else None


def first_source(
    asked: SourceSpec | None, last: SourceSpec | None, cameras: Sequence[SourceSpec] | None
) -> tuple[SourceSpec, Notice | None] | None:
    """Choose what to open at the start: what was asked for, else the last, else a camera, else the demo.

    Args:
        asked: The command line's source.
        last: The last session's source.
        cameras: The cameras at hand; None while they are still being listed.

    Returns:
        The source and a notice for the user; None where the cameras must be waited for.
    """
    if asked is not None:
        return asked, None
    gone = ""
    if last is not None:
        if last.kind is SourceKind.FILE:
            if Path(last.address).is_file():
                return last, None
            gone = f"{last.name} is gone."
        elif last.kind is not SourceKind.CAMERA:
            return last, None
    if cameras is None:
        return None
    if last is not None and last.kind is SourceKind.CAMERA:
        for camera in cameras:
            if (camera.address, camera.title) == (last.address, last.title):
                return camera, None
        for camera in cameras:  # plugged into another socket: another address, the same name
            if last.title and camera.title == last.title:
                return camera, None
    if cameras:
        return cameras[0], Notice(Level.INFO, f"{gone} Opening {cameras[0].name}.") if gone else None
    message = f"{gone} {NO_CAMERA.message}".strip()
    return SourceSpec(SourceKind.DEMO), Notice(Level.INFO, message)
