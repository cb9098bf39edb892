"""Thumbnails of positions in a file, for pointing at the timeline."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av.error
import cv2
import numpy as np

from slowfast_live.errors import SourceError
from slowfast_live.messages import Message
from slowfast_live.sources.base import LocalSource
from slowfast_live.sources.containers import is_damage, stamp
from slowfast_live.sources.local import is_silent, local_source
from slowfast_live.sources.media import UNINDEXED, Media, frame_rate, open_media
from slowfast_live.sources.pictures import PictureMaker
from slowfast_live.types import U8

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.frame import VideoFrame

_MAX_FRAMES = 900
"""Maximum number of frames decoded for one preview; the last one is then used."""
_SAME_S = 1e-3


class PreviewReader:
    """Decodes single frames of one file. Single-threaded; the file is opened for the first one.

    Args:
        path: The file.
        size: Maximum (width, height) of a preview.
        rate: Pictures per second of a folder of pictures; None for the default.
    """

    def __init__(self, path: Path, size: tuple[int, int], rate: float | None = None) -> None:
        self.path, self._size, self._rate = path, size, rate
        self._opened: Media | None = None
        self._zero_s: float | None = None
        self._pictures: LocalSource | None = None

    def at(
        self,
        t_s: float,
        wanted: Callable[[], bool] = lambda: True,
        part: tuple[float, float, float, float] | None = None,
    ) -> U8 | None:
        """Return a small version of the frame at a position.

        Args:
            t_s: Seconds on the file's clock, as in `Picture.t_s`.
            wanted: Called after each decoded frame; the work is canceled once it returns False.
            part: The part that is wanted, left, top, right and bottom in shares of the picture; None for all of it.

        Returns:
            uint8 (h, w, 3), BGR, contiguous; None if canceled or if there is no frame.

        Raises:
            SourceError: The file cannot be read.
        """
        try:
            picture = self._at(t_s, wanted)
            return None if picture is None else _fitted(picture if part is None else _cut(picture, part), self._size)
        except (av.error.FFmpegError, OSError, ValueError, MemoryError) as error:
            self.close()
            message = Message(
                "{name} gives no preview of {t_s:.1f} s: {error}.", name=self.path.name, t_s=t_s, error=error
            )
            raise SourceError(message, details=f"{self.path}: {type(error).__name__}: {error}") from error

    def close(self) -> None:
        """Release the file."""
        opened, self._opened = self._opened, None
        if opened is not None:
            opened.container.close()
        pictures, self._pictures = self._pictures, None
        if pictures is not None:
            pictures.close()

    def _at(self, t_s: float, wanted: Callable[[], bool]) -> U8 | None:
        if is_silent(self.path):
            return self._at_pictures(t_s)
        if self._zero_s is None:
            self._zero_s = self._find_zero()
        target_s, back_s = t_s + self._zero_s + _SAME_S, 0.0
        while back_s < t_s:  # an index may point behind the target
            opened = self._search(target_s - back_s)
            if opened is None:
                break
            best, late = self._decode(opened, target_s, wanted)
            if best is not None and not late:
                return PictureMaker().make(best, opened.pixel_aspect)
            if not wanted():
                return None
            back_s = 3 * back_s + 1
        opened = self._open()
        best, _late = self._decode(opened, target_s, wanted)
        return PictureMaker().make(best, opened.pixel_aspect) if best is not None else None

    def _at_pictures(self, t_s: float) -> U8 | None:
        if self._pictures is None:
            self._pictures = local_source(self.path, self._rate)
            self._pictures.open()
        self._pictures.seek(t_s)
        picture = self._pictures.read()
        return picture.image if picture is not None else None

    def _find_zero(self) -> float:
        """Return the timestamp of the file's time 0."""
        opened = self._open()
        first = next(_frames(opened), None)
        if first is None:
            return 0.0
        frame, _at_s, decoded_from_s = first
        if opened.is_raw:
            return 0.0
        stamp_s, own = stamp(frame, opened.time_base)
        timeline = opened.timeline(None)
        if not own:
            timeline.distrust(decoded_from_s)
        timeline.place(stamp_s)
        return timeline.origin_s or 0.0

    def _decode(self, opened: Media, target_s: float, wanted: Callable[[], bool]) -> tuple[VideoFrame | None, bool]:
        """Return the last frame up to a timestamp (or the first frame), and whether it is later than that."""
        best: VideoFrame | None = None
        late = False
        for count, (frame, at_s, _decoded_from_s) in enumerate(_frames(opened)):
            if not wanted():
                return None, False
            if best is not None and (at_s > target_s or count >= _MAX_FRAMES):
                break
            best, late = frame, at_s > target_s
        return best, late

    def _search(self, stamp_s: float) -> Media | None:
        """Seek to the last key frame before a timestamp; return None if the file is not seekable."""
        opened = self._opened or self._open()
        if UNINDEXED & opened.formats:
            return None
        try:
            opened.container.seek(math.floor(stamp_s / opened.time_base), stream=opened.stream)
        except av.error.FFmpegError:
            return None
        opened.decoder.flush_buffers()
        return opened

    def _open(self) -> Media:
        """Open the file at its start."""
        self.close()
        self._opened = open_media(self.path)
        return self._opened


def _frames(opened: Media) -> Iterator[tuple[VideoFrame, float, float | None]]:
    """Yield frames from the next key frame on, skipping damaged data.

    With each frame come its timestamp in seconds (of raw data, which has none, its time from the first frame on) and
    that of the first packet.
    """
    need_key, last_s, decoded_from_s = True, 0.0, None
    clock = opened.timeline(frame_rate(opened)) if opened.is_raw else None
    for packet in _packets(opened):
        if need_key and packet.size and not packet.is_keyframe:
            continue
        if need_key and packet.size and packet.dts is not None:
            decoded_from_s = packet.dts * opened.time_base
        need_key = need_key and not packet.size
        try:
            frames = opened.decoder.decode(packet)
        except EOFError:
            return
        except av.error.InvalidDataError:
            continue
        for frame in frames:
            stamp_s, _own = stamp(frame, opened.time_base)
            last_s = clock.place(None) if clock else last_s if stamp_s is None else stamp_s
            yield frame, last_s, decoded_from_s


def _packets(opened: Media) -> Iterator[Packet[Any]]:
    """Yield the packets of a file until the end or until it cannot be read."""
    try:
        with contextlib.suppress(av.error.ExitError, IndexError):
            yield from opened.container.demux(opened.stream)
    except av.error.FFmpegError as error:
        if not is_damage(error):
            raise


def _cut(picture: U8, part: tuple[float, float, float, float]) -> U8:
    height, width = picture.shape[:2]
    left, top = max(0, math.floor(part[0] * width)), max(0, math.floor(part[1] * height))
    cut = picture[top : max(top + 1, math.ceil(part[3] * height)), left : max(left + 1, math.ceil(part[2] * width))]
    return cut if cut.size else picture


def _fitted(picture: U8, room: tuple[int, int]) -> U8:
    height, width = picture.shape[:2]
    scale = min(room[0] / width, room[1] / height, 1.0)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.ascontiguousarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
