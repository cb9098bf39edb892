"""What every source of frames can do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from slowfast_live.types import U8, SourceInfo


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """One picture as a source delivers it.

    Attributes:
        image: uint8 (H, W, 3), BGR, C-contiguous, upright (rotation metadata applied), alpha over black.
        t_s: Live source: monotonic seconds, strictly increasing unless the clock is set back.
            File: presentation time in seconds, 0 at the file's first frame, strictly increasing between two calls
            of `seek`.
    """

    image: U8
    t_s: float


_SET_BACK_S = 1.0
"""A live time that is this much before the last one tells of a clock that was set back, not of jitter."""


def later(t_s: float, last_s: float) -> float:
    """Return the time of a live picture: later than that of the one before, unless the clock was set back.

    A coarse clock may give two pictures the same time; what is behind by more than a second is believed.
    """
    return t_s if last_s - t_s > _SET_BACK_S else max(t_s, last_s + 1e-6)


class FrameSource(Protocol):
    """A camera, file or stream. Made anywhere; opened, read and closed by one thread only.

    Each method raises `SourceError` with a message for the user: which file, URL or device, what was
    expected, what to do.
    """

    @property
    def warning(self) -> str:
        """What is wrong with the source although it plays, as far as it was read; "" where nothing is."""
        ...

    def open(self) -> SourceInfo:
        """Open the source and return what it is. Bounded: gives up after a few seconds."""
        ...

    def read(self) -> Picture | None:
        """Return the next picture, waiting for it as long as the source needs; None where it has played to its end.

        Raises:
            SourceError: The source broke: a camera was unplugged, a stream fell silent.
        """
        ...

    def seek(self, t_s: float) -> None:
        """Go to the last frame at or before `t_s`: the next `read` returns it. Files only."""
        ...

    def close(self) -> None:
        """Release everything. Never raises; may be called twice and before `open`."""
        ...
