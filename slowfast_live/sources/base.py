"""Interfaces of frame sources."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from slowfast_live.types import U8, SourceInfo


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """One frame as delivered by a source.

    Attributes:
        image: uint8 (H, W, 3), BGR, C-contiguous, upright (rotation metadata applied), alpha over black.
        t_s: Live source: monotonic seconds, strictly increasing unless the clock is set back. File: presentation time
            in seconds on the player's clock, which is 0 at the start of the file's sound or video, whichever is first;
            strictly increasing between two calls of `seek`.
    """

    image: U8
    t_s: float


_SET_BACK_S = 1.0
"""If a live time is this much before the previous one, the clock was set back; anything less is jitter."""


def later(t_s: float, last_s: float) -> float:
    """Return the time of a live frame; later than the previous one, unless the clock was set back.

    A coarse clock may give two frames the same time; a difference of more than a second is accepted.
    """
    return t_s if last_s - t_s > _SET_BACK_S else max(t_s, last_s + 1e-6)


class FrameSource(Protocol):
    """A camera, file or stream. May be created on any thread; opened, read and closed by one thread only.

    Each method raises `SourceError` with a message for the user: which file, URL or device, what was expected, and what
    to do.
    """

    @property
    def warning(self) -> str:
        """Problems of the source found so far, although it plays; "" if there are none."""
        ...

    def open(self) -> SourceInfo:
        """Open the source and return its properties. Gives up after a few seconds."""
        ...

    def read(self) -> Picture | None:
        """Wait for the next frame and return it; None at the end of the source.

        Raises:
            SourceError: The source failed, for example an unplugged camera or a stalled stream.
        """
        ...

    def seek(self, t_s: float) -> None:
        """Seek to the last frame at or before `t_s`, which the next `read` returns. Files only."""
        ...

    def close(self) -> None:
        """Release all resources. Never raises; may be called repeatedly and before `open`."""
        ...


class LocalSource(FrameSource, Protocol):
    """A finite, seekable source: a video file, or pictures that form a video."""

    @property
    def zero_s(self) -> float:
        """The source's own time of `Picture.t_s` 0, in seconds."""
        ...
