"""Turn dropped, typed or selected input into a source, and choose the first source at startup. Imports no Qt."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from slowfast_live.errors import UsageError
from slowfast_live.sessions.format import SUFFIX
from slowfast_live.sources import parse_source
from slowfast_live.sources.address import VIDEO_SUFFIXES
from slowfast_live.sources.picture_files import is_there
from slowfast_live.sources.videos import is_video_name
from slowfast_live.teaching.names import SHARED_SUFFIX
from slowfast_live.types import Level, Notice, SourceKind, SourceSpec
from slowfast_live.ui.style.language import tr

ANIMATED_SUFFIXES = (".webp", ".avif", ".apng", ".png")
"""Image formats that may be animated. A folder scan inspects such files; the file dialog offers them all, because the
user knows which ones are."""
LIST_SUFFIXES = (".m3u8", ".ffconcat")

NO_CAMERA = Notice(Level.INFO, tr("No camera found. Playing the demo."))


def file_filter() -> str:
    """Return the filter of the file dialog."""
    suffixes = dict.fromkeys((*VIDEO_SUFFIXES, *ANIMATED_SUFFIXES, *LIST_SUFFIXES, SUFFIX, SHARED_SUFFIX))
    # In lower and upper case: some dialogs distinguish them.
    kinds = (f"*{form}" for suffix in suffixes for form in (suffix, suffix.upper()))
    return tr("Videos, sessions and models ({join});;All files (*)", join=" ".join(kinds))


def source_of(text: str) -> SourceSpec | None:
    """Return the file or stream that dropped or typed text refers to; None if there is none.

    Args:
        text: A path, a `file:` URL or a stream's URL.
    """
    if "\n" in text.strip():
        return None
    try:
        source = parse_source(text)
        if source.kind is SourceKind.STREAM:
            return source
        path = Path(source.address)
        plausible = source.kind is SourceKind.FILE and _plausible(path)
    except (UsageError, OSError, RuntimeError, ValueError):  # too long, no such home directory, or a NUL character
        return None
    return source if plausible else None


def _plausible(path: Path) -> bool:
    return is_video_name(path.name) or path.exists() or is_there(path)


def file_of(path: Path) -> SourceSpec | None:
    """Return the source of a dropped or selected file; None if it does not exist and is not named like a video."""
    try:
        plausible = _plausible(path)
    except (OSError, ValueError):  # too long, or a NUL character
        return None
    return SourceSpec(SourceKind.FILE, str(path)) if plausible else None


def on_disk(path: Path) -> Path:
    """Return the file that a file dialog refers to: dialogs replace the bytes of a name that are not valid UTF-8."""
    if "\ufffd" not in path.name or path.exists():
        return path
    try:
        candidates = [other for other in path.parent.iterdir() if encodable_name(other.name) == path.name]
    except OSError:
        return path
    return candidates[0] if len(candidates) == 1 else path


def encodable_name(name: str) -> str:
    """Return a name as dialogs show it."""
    return os.fsencode(name).decode("utf-8", "replace")


def first_source(
    asked: SourceSpec | None, last: SourceSpec | None, cameras: Sequence[SourceSpec] | None
) -> tuple[SourceSpec, Notice | None] | None:
    """Choose the first source: the one requested, else the last one, else a camera, else the demo.

    Args:
        asked: The source requested on the command line.
        last: The source of the last session.
        cameras: The available cameras; None while they are still being listed.

    Returns:
        The source and a notice for the user; None if the caller must wait for the cameras.
    """
    if asked is not None:
        return asked, None
    gone = ""
    if last is not None:
        if last.kind is SourceKind.FILE:
            if is_there(Path(last.address)):
                return last, None
            gone = tr("{name} is gone.", name=last.name)
        elif last.kind is not SourceKind.CAMERA:
            return last, None
    if cameras is None:
        return None
    if last is not None and last.kind is SourceKind.CAMERA:
        for camera in cameras:
            if (camera.address, camera.title) == (last.address, last.title):
                return camera, None
        for camera in cameras:  # plugged into another port: a different address, the same name
            if last.title and camera.title == last.title:
                return camera, None
    if cameras:
        return cameras[0], Notice(
            Level.INFO, tr("{gone} Opening {name}.", gone=gone, name=cameras[0].name)
        ) if gone else None
    message = f"{gone} {NO_CAMERA.message}".strip()
    return SourceSpec(SourceKind.DEMO), Notice(Level.INFO, message)
