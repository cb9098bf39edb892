"""What recordings have in common: the times on a tape, and the names of files."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slowfast_live.errors import ExportError
from slowfast_live.export.coding import coding_for
from slowfast_live.export.disk import reason
from slowfast_live.types import Frame

if TYPE_CHECKING:
    from slowfast_live.export.writer import VideoWriter

_USUAL_STEP_S = 1 / 30
_SHORTEST_S = 1e-4
_LONGEST_USUAL_S = 0.25
_SLACK_S = 0.25
_FASTEST = 3.0
"""A file plays at most at twice its speed; more than this is a jump."""
_LONGEST_NAME = 60


class TapeClock:
    """Times on a tape: the source's own steps while it plays on, one usual step where it jumps.

    A pause of a file leaves no still picture, and a seek, a loop or a reopened stream no hole and no step back.
    """

    def __init__(self) -> None:
        self._last: Frame | None = None
        self._t_s = 0.0
        self._usual_s = _USUAL_STEP_S

    def place(self, frame: Frame) -> float:
        """Return the time of the next frame, in seconds; 0 for the first, then strictly increasing."""
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
        """Whether a frame is of the same source as the ones before; frames of another one count anew."""
        return self._last is None or frame.index > self._last.index


def ending() -> str:
    """Return the ending of new recordings: ".mp4" where there is an H.264 encoder, else ".webm".

    Raises:
        ExportError: There is no encoder at all.
    """
    return ".mp4" if coding_for(".mp4").video == "libx264" else ".webm"


def free_name(folder: Path, source: str, now: datetime) -> Path:
    """Return a name that is not taken: time, then source; a number where two meet.

    Args:
        folder: Made where it is missing.
        source: What was recorded; what file systems forbid is left out.
        now: The time.

    Raises:
        ExportError: The folder cannot be made or read.
    """
    plain = re.sub(r"[^\w\s.,()+@-]", " ", source)
    plain = re.sub(r"\s+", " ", plain).strip(" .")[:_LONGEST_NAME].rstrip(" .")
    stem = f"{now:%Y-%m-%d %H-%M-%S} {plain}".rstrip()
    end = ending()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        number = 1
        while True:
            name = stem if number == 1 else f"{stem} ({number})"
            path, part = folder / f"{name}{end}", folder / f"{name}.part{end}"
            if not path.exists() and not part.exists():
                return path
            number += 1
    except OSError as error:
        raise ExportError(
            f"Recordings cannot be kept in {folder}: {reason(error, folder / 'x')}", repr(error)
        ) from error


def open_video(*arguments: Any, **options: Any) -> VideoWriter:
    """Return a `VideoWriter`. It brings FFmpeg, which takes time to load: not before something is recorded."""
    from slowfast_live.export.writer import VideoWriter

    return VideoWriter(*arguments, **options)
