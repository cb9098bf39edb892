"""A folder of pictures or a pattern such as "frame_%04d.jpg", played like a video."""

from __future__ import annotations

import bisect
import logging
import math
from pathlib import Path

import cv2
import numpy as np

from slowfast_live.errors import SourceError
from slowfast_live.messages import Message, system_reason
from slowfast_live.sources.base import Picture
from slowfast_live.sources.picture_files import NamedPictures, pictures_of
from slowfast_live.sources.stills import load_still
from slowfast_live.types import DEFAULT_PICTURE_RATE, U8, SourceInfo

log = logging.getLogger(__name__)

MAX_RATE = 1000.0
_SAME_S = 1e-6
_GIVE_UP_AFTER = 64
"""Number of consecutive unreadable pictures that ends the sequence."""


class PictureSequence:
    """Plays pictures in sequence at a constant rate. Single-threaded; holds one picture in memory at a time.

    Pictures are sorted in natural order. If their names are numbered, the picture before a missing number lasts longer.
    Pictures whose size differs from the first are fitted into its frame, over black.

    Args:
        path: A folder or pattern.
        rate: Pictures per second; None for `DEFAULT_PICTURE_RATE`.

    Raises:
        SourceError: The rate is out of range.
    """

    def __init__(self, path: Path, rate: float | None = None) -> None:
        self._path = path
        self._rate = rate or DEFAULT_PICTURE_RATE
        if not 0 < self._rate <= MAX_RATE:
            raise SourceError(
                Message(
                    "A rate is more than 0 and at most {max_rate:g} pictures a second, not {rate:g}.",
                    max_rate=MAX_RATE,
                    rate=self._rate,
                )
            )
        self._named: NamedPictures | None = None
        self._times: list[float] = []
        self._next = 0
        self._size: tuple[int, int] | None = None
        self._unreadable: dict[int, str] = {}
        self._other_sizes: set[int] = set()

    @property
    def zero_s(self) -> float:
        """Time of the first picture: always 0."""
        return 0.0

    @property
    def warning(self) -> str:
        """Problems found so far; "" if there are none."""
        if self._named is None:
            return ""
        name, count = self._path.name, len(self._named.files)
        parts = []
        if self._named.missing:
            missing, first_gap = self._named.missing, self._named.first_gap
            parts.append(
                Message(
                    "{name}: {missing} pictures are missing in the count (first {first}); the one before is shown "
                    "instead.",
                    name=name,
                    missing=missing,
                    first=first_gap,
                )
                if missing > 1
                else Message(
                    "{name}: 1 picture is missing in the count ({first}); the one before is shown instead.",
                    name=name,
                    first=first_gap,
                )
            )
        if self._unreadable:
            first = self._unreadable[min(self._unreadable)]
            parts.append(
                Message(
                    "{name}: {count} of {total} pictures cannot be read (first {first}).",
                    name=name,
                    count=len(self._unreadable),
                    total=count,
                    first=first,
                )
            )
        if self._other_sizes and self._size is not None:
            width, height = self._size
            parts.append(
                Message(
                    "{name}: {count} of {total} pictures have another size and are fitted into {width} x {height}.",
                    name=name,
                    count=len(self._other_sizes),
                    total=count,
                    width=width,
                    height=height,
                )
            )
        return " ".join(parts)

    def open(self) -> SourceInfo:
        """Open the sequence and read its first picture."""
        self.close()
        try:
            named = pictures_of(self._path)
        except FileNotFoundError as error:
            raise SourceError(Message("{path} does not exist. Was it moved or renamed?", path=self._path)) from error
        except OSError as error:
            raise SourceError(
                Message("{path} cannot be read: {reason}.", path=self._path, reason=system_reason(error))
            ) from error
        if not named.files:
            raise SourceError(
                Message("No picture is named like {name} in {parent}.", name=self._path.name, parent=self._path.parent),
                details=str(self._path),
            )
        self._named = named
        self._times = [place / self._rate for place in named.places]
        self._unreadable.clear()
        self._other_sizes.clear()
        first = self._read_from(0)
        if first is None:
            why = next(iter(self._unreadable.values()))
            self.close()
            raise SourceError(
                Message("None of the pictures in {name} can be read, not even {why}.", name=self._path.name, why=why)
            )
        self._next = 0
        height, width = first.image.shape[:2]
        return SourceInfo(
            width=width,
            height=height,
            fps=self._rate,
            duration_s=self._times[-1] + 1 / self._rate,
            seekable=True,
            codec=named.files[0].suffix.lower().lstrip("."),
        )

    def read(self) -> Picture | None:
        """Return the next picture, or None at the end."""
        self._opened()
        return self._read_from(self._next)

    def seek(self, t_s: float) -> None:
        """Seek to the last picture at or before `t_s`."""
        self._opened()
        target = t_s if math.isfinite(t_s) and t_s > 0 else 0.0
        at = max(0, bisect.bisect_right(self._times, target + _SAME_S) - 1)
        while at > 0 and at in self._unreadable:
            at -= 1
        self._next = at

    def close(self) -> None:
        """Release the list of pictures."""
        self._named, self._times, self._next, self._size = None, [], 0, None

    def _read_from(self, at: int) -> Picture | None:
        """Return the first readable picture from an index on."""
        files, failed = self._opened().files, 0
        while at < len(files) and failed < _GIVE_UP_AFTER:
            if at not in self._unreadable:
                try:
                    image = self._fitted(load_still(files[at]), at)
                except (SourceError, MemoryError) as error:
                    log.debug("%s: %s", files[at], error)
                    self._unreadable[at] = files[at].name
                    failed += 1
                else:
                    self._next = at + 1
                    return Picture(image, self._times[at])
            at += 1
        self._next = len(files)
        return None

    def _fitted(self, image: U8, at: int) -> U8:
        """Return a picture in the size of the first one."""
        height, width = image.shape[:2]
        if self._size is None:
            self._size = (width, height)
        if (width, height) == self._size:
            return image
        self._other_sizes.add(at)
        wide, high = self._size
        scale = min(wide / width, high / height)
        inside = max(1, min(wide, round(width * scale))), max(1, min(high, round(height * scale)))
        way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        frame = np.zeros((high, wide, 3), np.uint8)
        left, top = (wide - inside[0]) // 2, (high - inside[1]) // 2
        frame[top : top + inside[1], left : left + inside[0]] = cv2.resize(image, inside, interpolation=way)
        frame.flags.writeable = False
        return frame

    def _opened(self) -> NamedPictures:
        if self._named is None:
            raise SourceError(Message("{name} is not open.", name=self._path.name))
        return self._named
