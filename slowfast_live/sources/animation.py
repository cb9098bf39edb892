"""Animated WebP, which FFmpeg cannot read, decoded with Pillow.

FFmpeg reads GIF, APNG and animated AVIF like video files.
"""

from __future__ import annotations

import bisect
import io
import math
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from PIL import Image, UnidentifiedImageError

from slowfast_live.errors import SourceError
from slowfast_live.messages import Message, system_reason
from slowfast_live.sources.base import Picture
from slowfast_live.sources.stills import as_bgr, check_size
from slowfast_live.types import SourceInfo

_SHORTEST_MS, _USUAL_MS = 10, 100
"""Frames with a duration of 10 ms or less are shown for 100 ms, as in browsers."""
_MAX_BYTES = 1024**3
"""Size limit, because the decoder holds the whole file in memory."""
_MAX_FRAMES = 1_000_000
_FRAME_HEAD = 16
_SAME_S = 1e-6


class AnimatedPicture:
    """Plays an animated WebP file with its own frame times. Single-threaded.

    Holds two frames and the file in memory. Each frame builds on the previous ones, so seeking backwards decodes from
    the start.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._image: Image.Image | None = None
        self._times: list[float] = []
        self._next = 0
        self._warning = ""

    @property
    def zero_s(self) -> float:
        """Time of the first frame: always 0."""
        return 0.0

    @property
    def warning(self) -> str:
        """Problems found so far; "" if there are none."""
        return self._warning

    def open(self) -> SourceInfo:
        """Open the file and decode its first frame."""
        self.close()
        self._warning = ""
        name = self._path.name
        try:
            with self._path.open("rb") as file:
                layout = read_layout(file)
            durations_s = layout.durations_s
            if layout.end > _MAX_BYTES:
                raise SourceError(
                    Message(
                        "{name} is an animated picture of more than {max_bytes} MB.",
                        name=name,
                        max_bytes=_MAX_BYTES // 1024**2,
                    )
                )
            if not durations_s:
                raise SourceError(
                    Message("{name} contains no complete frame. Is it truncated?", name=name), details=str(self._path)
                )
            self._image = self._open_image(layout)
            if not layout.complete:
                self._warning = Message(
                    "{name} is cut off; {count} frames are whole.", name=name, count=len(durations_s)
                )
        except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
            self.close()
            raise self._failure(error) from error
        except SourceError:
            self.close()
            raise
        self._times = [0.0]
        for duration_s in durations_s:
            self._times.append(self._times[-1] + duration_s)
        length_s = self._times.pop()
        try:
            first = self._decode(0)
        except SourceError:
            self.close()
            raise
        height, width = first.image.shape[:2]
        return SourceInfo(
            width=width,
            height=height,
            fps=min(1000.0, len(durations_s) / length_s),
            duration_s=length_s,
            seekable=True,
            codec="webp",
        )

    def read(self) -> Picture | None:
        """Return the next frame, or None at the end."""
        self._opened()
        if self._next >= len(self._times):
            return None
        try:
            picture = self._decode(self._next)
        except SourceError as error:
            if self._next == 0:
                raise
            self._warning = Message(
                "{name} is damaged or cut off after {times:.1f} s.", name=self._path.name, times=self._times[self._next]
            )
            self._next = len(self._times)
            del error
            return None
        self._next += 1
        return picture

    def seek(self, t_s: float) -> None:
        """Seek to the last frame at or before `t_s`."""
        self._opened()
        target = t_s if math.isfinite(t_s) and t_s > 0 else 0.0
        self._next = max(0, bisect.bisect_right(self._times, target + _SAME_S) - 1)

    def close(self) -> None:
        """Release the file."""
        image, self._image = self._image, None
        self._times, self._next = [], 0
        if image is not None:
            image.close()

    def _open_image(self, layout: Layout) -> Image.Image:
        what: Path | io.BytesIO = self._path
        if not layout.complete:  # the decoder only accepts complete files
            with self._path.open("rb") as file:
                data = bytearray(file.read(layout.end))
            data[4:8] = (layout.end - 8).to_bytes(4, "little")
            what = io.BytesIO(data)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about sizes, which are checked here
            try:
                image = Image.open(what)
            except Image.DecompressionBombError as error:
                raise SourceError(
                    Message("{name} has pictures that would fill the memory.", name=self._path.name)
                ) from error
        check_size(image.size, self._path.name)
        return image

    def _decode(self, at: int) -> Picture:
        image = self._opened()
        try:
            image.seek(at)
            image.load()
            return Picture(as_bgr(image), self._times[at])
        except (OSError, EOFError, ValueError, SyntaxError) as error:
            raise self._failure(error) from error

    def _opened(self) -> Image.Image:
        if self._image is None:
            raise SourceError(Message("{name} is not open.", name=self._path.name))
        return self._image

    def _failure(self, error: BaseException) -> SourceError:
        reason = system_reason(error)
        return SourceError(
            Message("{name} cannot be read as an animated picture: {reason}.", name=self._path.name, reason=reason),
            details=f"{self._path}: {error!r}",
        )


@dataclass(frozen=True, slots=True)
class Layout:
    """Layout of a WebP file.

    Attributes:
        durations_s: Duration of each complete frame, in seconds.
        end: End of the last complete chunk, in bytes from the start.
        complete: Whether the file is as long as its header states.
    """

    durations_s: list[float]
    end: int
    complete: bool


def read_layout(file: IO[bytes]) -> Layout:
    """Return the layout of a WebP file from its chunk headers; nothing is decoded, whatever its size."""
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    head = file.read(12)
    if len(head) < 12 or head[:4] != b"RIFF" or head[8:] != b"WEBP":
        return Layout([], 0, False)
    stated = 8 + int.from_bytes(head[4:8], "little")
    durations_s: list[float] = []
    at = 12
    while at < min(size, stated) and len(durations_s) < _MAX_FRAMES:
        head = file.read(8 + _FRAME_HEAD)
        length = int.from_bytes(head[4:8], "little")
        following = at + 8 + length + length % 2
        if len(head) < 8 or following > size:
            break
        if head[:4] == b"ANMF" and length >= _FRAME_HEAD:
            milliseconds = int.from_bytes(head[20:23], "little")
            durations_s.append((milliseconds if milliseconds > _SHORTEST_MS else _USUAL_MS) / 1000)
        at = following
        file.seek(at)
    return Layout(durations_s, at, at >= stated)
