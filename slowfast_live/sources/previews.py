"""Small pictures of moments of a file, for whoever points at a timeline."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import av.error
import cv2
import numpy as np

from slowfast_live.errors import SourceError
from slowfast_live.sources.containers import decoder, stamp, trust_timestamps, video_stream
from slowfast_live.sources.file import UNINDEXED, open_container
from slowfast_live.sources.pictures import PictureMaker
from slowfast_live.types import U8

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.codeccontext import VideoCodecContext
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

_MOST_FRAMES = 900
"""So many frames are decoded for one preview at most; the last one then has to do."""
_SAME_S = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class _Opened:
    container: InputContainer
    stream: VideoStream
    context: VideoCodecContext
    time_base: float
    pixel_aspect: float


class PreviewReader:
    """Decodes single moments of one file. One thread only; the file is opened with the first of them.

    Args:
        path: The file.
        size: A preview fits into this (width, height).
    """

    def __init__(self, path: Path, size: tuple[int, int]) -> None:
        self.path, self._size = path, size
        self._opened: _Opened | None = None
        self._start_s: float | None = None

    def at(self, t_s: float, wanted: Callable[[], bool] = lambda: True) -> U8 | None:
        """Return the picture that is shown at a moment, small.

        Args:
            t_s: Seconds since the file's first picture.
            wanted: Asked after each frame decoded: once it says no, the work is dropped.

        Returns:
            uint8 (h, w, 3), BGR, contiguous; None where it is no longer wanted or there is no picture.

        Raises:
            SourceError: The file cannot be read.
        """
        try:
            return self._at(t_s, wanted)
        except (av.error.FFmpegError, OSError, ValueError, MemoryError) as error:
            self.close()
            message = f"{self.path.name} gives no preview of {t_s:.1f} s: {error}."
            raise SourceError(message, details=f"{self.path}: {type(error).__name__}: {error}") from error

    def close(self) -> None:
        """Release the file."""
        opened, self._opened = self._opened, None
        if opened is not None:
            opened.container.close()

    def _at(self, t_s: float, wanted: Callable[[], bool]) -> U8 | None:
        if self._start_s is None:
            first = next(_frames(self._open()), None)
            self._start_s = first[1] if first is not None else 0.0
        target_s, back_s = t_s + self._start_s + _SAME_S, 0.0
        while back_s < t_s:  # an index may point behind the picture wanted
            opened = self._search(target_s - back_s)
            if opened is None:
                break
            best, late = self._decode(opened, target_s, wanted)
            if best is not None and not late:
                return _small(best, opened.pixel_aspect, self._size)
            if not wanted():
                return None
            back_s = 3 * back_s + 1
        opened = self._open()
        best, _late = self._decode(opened, target_s, wanted)
        return _small(best, opened.pixel_aspect, self._size) if best is not None else None

    def _decode(self, opened: _Opened, target_s: float, wanted: Callable[[], bool]) -> tuple[VideoFrame | None, bool]:
        """Return the last frame up to a timestamp (else the first one), and whether it is later than that."""
        best: VideoFrame | None = None
        late = False
        for count, (frame, at_s) in enumerate(_frames(opened)):
            if not wanted():
                return None, False
            if best is not None and (at_s > target_s or count >= _MOST_FRAMES):
                break
            best, late = frame, at_s > target_s
        return best, late

    def _search(self, stamp_s: float) -> _Opened | None:
        """Go to the last key frame before a timestamp; None where the file cannot be searched."""
        opened = self._opened or self._open()
        if UNINDEXED & set(opened.container.format.name.split(",")):
            return None
        try:
            opened.container.seek(math.floor(stamp_s / opened.time_base), stream=opened.stream)
        except av.error.FFmpegError:
            return None
        opened.context.flush_buffers()
        return opened

    def _open(self) -> _Opened:
        """Open the file at its start."""
        self.close()
        container = open_container(self.path)
        trust_timestamps(container)
        stream = video_stream(container, self.path.name)
        self._opened = _Opened(
            container,
            stream,
            decoder(stream, "AUTO"),
            float(stream.time_base or 0) or 1.0,
            float(stream.sample_aspect_ratio or 1),
        )
        return self._opened


def _frames(opened: _Opened) -> Iterator[tuple[VideoFrame, float]]:
    """Yield frames from the next key frame on, with their timestamps in seconds, past damaged data."""
    need_key, last_s = True, 0.0
    for packet in opened.container.demux(opened.stream):
        if need_key and packet.size and not packet.is_keyframe:
            continue
        need_key = False
        try:
            frames = opened.context.decode(packet)
        except EOFError:
            return
        except av.error.InvalidDataError:
            continue
        for frame in frames:
            stamp_s, _own = stamp(frame, opened.time_base)
            last_s = last_s if stamp_s is None else stamp_s
            yield frame, last_s


def _small(frame: VideoFrame, pixel_aspect: float, room: tuple[int, int]) -> U8:
    picture = PictureMaker().make(frame, pixel_aspect)
    height, width = picture.shape[:2]
    scale = min(room[0] / width, room[1] / height, 1.0)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.ascontiguousarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
