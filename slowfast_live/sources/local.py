"""Sources for local paths: video files, animated pictures, and pictures that form a video."""

from __future__ import annotations

from pathlib import Path

from slowfast_live.sources.base import LocalSource
from slowfast_live.sources.bounded import BoundedSource
from slowfast_live.sources.picture_files import is_animated_webp, names_pictures


def local_source(path: str | Path, rate: float | None = None) -> LocalSource:
    """Create the source for a video file, an animated picture, a folder or a pattern such as "f_%04d.jpg".

    The source is not opened; whether it can be read is checked when it is.

    Args:
        path: File, folder or pattern.
        rate: Pictures per second of a folder or pattern; None for `DEFAULT_PICTURE_RATE`.
    """
    path = Path(path)
    if names_pictures(path):
        from slowfast_live.sources.picture_sequence import PictureSequence

        return PictureSequence(path, rate)
    if is_animated_webp(path):
        from slowfast_live.sources.animation import AnimatedPicture

        return AnimatedPicture(path)
    from slowfast_live.sources.file import FileSource

    return FileSource(path)


def is_silent(path: Path) -> bool:
    """Whether a path refers to pictures, which never have sound."""
    return names_pictures(path) or is_animated_webp(path)


def bounded_source(path: str | Path, rate: float | None = None) -> LocalSource:
    """Create the same source as `local_source`, read on another thread; see `slowfast_live.sources.bounded`."""
    path = Path(path)
    return BoundedSource(local_source(path, rate), path.name)
