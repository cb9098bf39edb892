"""Timestamps and file names of recordings."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slowfast_live.errors import ExportError
from slowfast_live.export.codecs import coding_for
from slowfast_live.export.io_errors import reason
from slowfast_live.files import numbered
from slowfast_live.messages import Message
from slowfast_live.types import Frame

if TYPE_CHECKING:
    from slowfast_live.export.writer import VideoWriter

_USUAL_STEP_S = 1 / 30
_SHORTEST_S = 1e-4
_LONGEST_USUAL_S = 0.25
_SLACK_S = 0.25
_FASTEST = 3.0
"""A file plays at no more than twice its speed; a larger step than this is a jump."""
_LONGEST_NAME = 60


class TapeClock:
    """Assigns timestamps: the source's own steps during playback, one typical step at a jump.

    As a result, pausing a file records no still image, and a seek, a loop or a reconnected stream leaves no gap and no
    backward step.
    """

    def __init__(self) -> None:
        self._last: Frame | None = None
        self._t_s = 0.0
        self._usual_s = _USUAL_STEP_S

    def place(self, frame: Frame) -> float:
        """Return the timestamp of the next frame, in seconds; 0 for the first one, then strictly increasing."""
        if self._last is not None:
            step_s = frame.t_s - self._last.t_s
            passed_s = frame.captured_s - self._last.captured_s
            if not _SHORTEST_S <= step_s <= _FASTEST * passed_s + _SLACK_S:
                step_s = self._usual_s
            elif step_s < _LONGEST_USUAL_S:
                self._usual_s = step_s
            self._t_s += step_s
        self._last = frame
        return self._t_s

    def continues(self, frame: Frame) -> bool:
        """Return whether a frame is of the same source as the previous ones; times of another source start over."""
        return self._last is None or frame.index > self._last.index


def ending() -> str:
    """Return the extension of new recordings: ".mp4" if there is an H.264 encoder, else ".webm".

    Raises:
        ExportError: There is no encoder at all.
    """
    return ".mp4" if coding_for(".mp4").video == "libx264" else ".webm"


def free_name(folder: Path, source: str, now: datetime) -> Path:
    """Return an unused file name made of time and source, with a number to avoid collisions.

    Args:
        folder: Created if it does not exist.
        source: Name of the source; characters that file systems forbid are removed.
        now: The time.

    Raises:
        ExportError: The folder cannot be created or read.
    """
    plain = re.sub(r"[^\w\s.,()+@-]", " ", source)
    plain = re.sub(r"\s+", " ", plain).strip(" .")[:_LONGEST_NAME].rstrip(" .")
    stem = f"{now:%Y-%m-%d %H-%M-%S} {plain}".rstrip()
    end = ending()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return next(
            path
            for path in numbered(folder / f"{stem}{end}")
            if not path.exists() and not path.with_name(f"{path.stem}.part{end}").exists()
        )
    except OSError as error:
        raise ExportError(
            Message(
                "Recordings cannot be kept in {folder}: {reason}", folder=folder, reason=reason(error, folder / "x")
            ),
            repr(error),
        ) from error


def open_video(*arguments: Any, **options: Any) -> VideoWriter:
    """Return a `VideoWriter`. Loads FFmpeg, which takes time, only when something is recorded."""
    from slowfast_live.export.writer import VideoWriter

    return VideoWriter(*arguments, **options)
