"""Input of the contenders: the demo clip in any size, looped endlessly without a break in its times."""

from __future__ import annotations

import os
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import cv2
import numpy as np
from av.video.stream import VideoStream

from slowfast_live import paths
from slowfast_live.errors import UsageError
from slowfast_live.sources.base import FrameSource, Picture
from slowfast_live.sources.demo import demo_path
from slowfast_live.sources.file import FileSource
from slowfast_live.types import SourceInfo

FPS = 30
_LONGEST_S = 12
_CODECS = ("libx264", "libopenh264", "mpeg4")


def sample_video_file(size: tuple[int, int], folder: Path | None = None) -> Path:
    """Return the demo video in `size` (width, height) at 30 frames per second; created on the first call and cached.

    Raises:
        UsageError: It cannot be created.
    """
    path = (folder or paths.cache_dir() / "bench") / f"footage-{size[0]}x{size[1]}.mp4"
    if path.is_file():
        return path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{os.getpid()}-{path.name}")
        _encode(_pictures(size), size, part)
        part.replace(path)
    except (OSError, av.error.FFmpegError) as error:
        raise UsageError(f"The video to measure with, {path}, cannot be made: {error}.") from error
    return path


def _pictures(size: tuple[int, int]) -> Iterator[np.ndarray]:
    with av.open(str(demo_path())) as container:
        for index, frame in enumerate(container.decode(video=0)):
            if index >= _LONGEST_S * FPS:
                return
            yield cv2.resize(frame.to_ndarray(format="bgr24"), size, interpolation=cv2.INTER_CUBIC)


def _encode(pictures: Iterator[np.ndarray], size: tuple[int, int], path: Path) -> None:
    codec = next(name for name in _CODECS if name in av.codecs_available)
    with av.open(str(path), "w", format="mp4") as container:
        stream = cast(VideoStream, container.add_stream(codec, rate=FPS))
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        stream.time_base = Fraction(1, FPS)
        if codec == "libx264":
            stream.options = {"preset": "veryfast", "crf": "23"}
        for picture in pictures:
            for packet in stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")):
                container.mux(packet)
        for packet in stream.encode(None):
            container.mux(packet)


class EndlessFile:
    """A file that restarts at its end with continuing times: to its reader, one endless recording.

    The app's own loop starts a new generation, and with it a time without predictions, which is right for viewing but
    wrong for measuring.

    Args:
        source: The file.
    """

    def __init__(self, source: FrameSource) -> None:
        self._source = source
        self._offset_s = 0.0
        self._last_s = 0.0
        self._interval_s = 1 / FPS

    @classmethod
    def of(cls, path: Path) -> EndlessFile:
        """Return the file at `path` as an endless source."""
        return cls(FileSource(path))

    @property
    def warning(self) -> str:
        """See `FrameSource.warning`."""
        return self._source.warning

    def open(self) -> SourceInfo:
        """See `FrameSource.open`."""
        info = self._source.open()
        self._interval_s = 1 / (info.fps or FPS)
        return SourceInfo(info.width, info.height, info.fps, None, False, info.codec)

    def read(self) -> Picture | None:
        """See `FrameSource.read`; None only for a file without frames."""
        picture = self._source.read()
        if picture is None:
            self._offset_s = self._last_s + self._interval_s
            self._source.seek(0.0)
            picture = self._source.read()
            if picture is None:
                return None
        self._last_s = picture.t_s + self._offset_s
        return Picture(picture.image, self._last_s)

    def seek(self, t_s: float) -> None:
        """See `FrameSource.seek`; does nothing, because the source cannot go back."""

    def close(self) -> None:
        """See `FrameSource.close`."""
        self._source.close()
