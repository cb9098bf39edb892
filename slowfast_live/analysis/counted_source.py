"""A source that counts the repetitions in what is read from it."""

from __future__ import annotations

from slowfast_live.counting.counter import RepetitionCounter
from slowfast_live.sources.base import FrameSource, Picture
from slowfast_live.types import SourceInfo


class CountedSource:
    """Passes everything on to another source, and its frames to a counter, too.

    Args:
        source: The source to read.
        counter: Counts repetitions.
    """

    def __init__(self, source: FrameSource, counter: RepetitionCounter) -> None:
        self._source, self._counter = source, counter

    @property
    def warning(self) -> str:
        """Problems of the source found so far."""
        return self._source.warning

    def open(self) -> SourceInfo:
        """Open the source."""
        return self._source.open()

    def read(self) -> Picture | None:
        """Return the next frame, or None at the end."""
        picture = self._source.read()
        if picture is not None:
            self._counter.push(picture.image, picture.t_s)
        return picture

    def seek(self, t_s: float) -> None:
        """Seek to the last frame at or before `t_s`."""
        self._source.seek(t_s)

    def close(self) -> None:
        """Release the source."""
        self._source.close()
