"""Instant replay: the last seconds of the live picture, which can be saved afterward.

Frames of a camera or a stream are kept in memory as JPEG, which takes half the processor time of H.264 at its fastest
setting (measured), at the price of more memory, which is bounded here. Frames of a file are read from it again.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from slowfast_live.core.priority import step_back
from slowfast_live.errors import ExportError, SourceError
from slowfast_live.export.codecs import Effort
from slowfast_live.messages import Message
from slowfast_live.recording.drawn import Drawn
from slowfast_live.recording.timestamps import TapeClock, open_video
from slowfast_live.sources import FrameSource, make_source
from slowfast_live.types import U8, Frame, SourceSpec

if TYPE_CHECKING:
    from slowfast_live.export.writer import VideoWriter

log = logging.getLogger(__name__)

SPAN_S = 30.0
LIMIT_BYTES = 150_000_000
MAX_WAITING = 4
"""Maximum number of frames waiting to be compressed; the oldest are dropped."""
_QUALITY = 85
_SHORTEST_STEP_S = 0.9 / 30
"""Minimum interval between kept frames: a source with more than 30 frames per second is thinned out."""
_MAX_PIXELS = 1920 * 1088
"""Larger frames are kept at half their size or less."""
_SAME_S = 1e-3


@dataclass(frozen=True, slots=True)
class FramePlace:
    """Where a frame is in a file: the file, the time in seconds, and whether it was mirrored."""

    file: SourceSpec
    t_s: float
    mirrored: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class KeptFrame:
    """One frame: its times in the recording and at the source, what is drawn over it, its JPEG or place in a file."""

    t_s: float
    drawn: Drawn | None
    picture: bytes | FramePlace
    source_s: float


class Replay:
    """Keeps the latest frames, compressed on its own thread. Thread-safe.

    Args:
        drawn: Returns what to draw over the current frame.
        span_s: Maximum length of what is kept, in seconds.
        limit_bytes: Maximum memory of what is kept, in bytes.
    """

    def __init__(
        self,
        drawn: Callable[[], Drawn] | None = None,
        span_s: float = SPAN_S,
        limit_bytes: int = LIMIT_BYTES,
    ) -> None:
        self.span_s, self.limit_bytes = span_s, limit_bytes
        self._drawn = drawn
        self._changed = threading.Condition()
        self._waiting: deque[tuple[Frame, Drawn | None]] = deque(maxlen=MAX_WAITING)
        self._kept: deque[KeptFrame] = deque()
        self._size = 0
        self._clock = TapeClock()
        self._stopping = False
        self._busy = False
        self._thread = threading.Thread(target=self._run, name="slowfast-live-replay", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def offer(self, frame: Frame) -> None:
        """Queue a frame without copying it."""
        drawn = self._drawn() if self._drawn is not None else None
        with self._changed:
            self._waiting.append((frame, drawn))
            self._changed.notify_all()

    def stop(self, timeout_s: float = 2.0) -> bool:
        """Stop the thread and discard everything; return False on timeout."""
        with self._changed:
            self._stopping = True
            self._waiting.clear()
            self._kept.clear()
            self._size = 0
            self._changed.notify_all()
        if self._thread.ident is not None:
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    @property
    def size(self) -> int:
        """Memory of what is kept now, in bytes."""
        with self._changed:
            return self._size

    def settle(self, timeout_s: float) -> bool:
        """Wait until every frame offered so far is kept; return False on timeout."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._waiting and not self._busy, timeout_s)

    def pictures(self) -> list[KeptFrame]:
        """Return what is kept now, oldest first. The image data is shared, not copied."""
        with self._changed:
            return list(self._kept)

    # Compression thread

    def _run(self) -> None:
        step_back()
        while True:
            with self._changed:
                self._busy = False
                self._changed.notify_all()
                while not self._waiting and not self._stopping:
                    self._changed.wait()
                if self._stopping:
                    return
                self._busy = True
                frame, drawn = self._waiting.popleft()
            try:
                self._keep(frame, drawn)
            except (cv2.error, MemoryError):
                log.exception("a frame of %s cannot be kept", frame.image.shape)

    def _keep(self, frame: Frame, drawn: Drawn | None) -> None:
        if not self._clock.continues(frame):
            self._clock = TapeClock()
            with self._changed:
                self._kept.clear()
                self._size = 0
        t_s = self._clock.place(frame)
        with self._changed:
            if self._kept and t_s - self._kept[-1].t_s < _SHORTEST_STEP_S:
                return
        kept = KeptFrame(t_s, drawn, _place(frame) or compressed(frame.image), frame.t_s)
        with self._changed:
            if self._stopping:
                return
            self._kept.append(kept)
            self._size += _memory(kept)
            while self._kept and (t_s - self._kept[0].t_s > self.span_s or self._size > self.limit_bytes):
                self._size -= _memory(self._kept.popleft())


def _place(frame: Frame) -> FramePlace | None:
    if frame.source is None or frame.source.live:
        return None
    return FramePlace(frame.source, frame.t_s, frame.mirrored)


def _memory(kept: KeptFrame) -> int:
    return len(kept.picture) if isinstance(kept.picture, bytes) else 0


def compressed(image: U8) -> bytes:
    """Return an image, uint8 (H, W, 3) BGR, as JPEG; above 1080p it is downscaled by averaging n x n pixels."""
    height, width = image.shape[:2]
    parts = 1
    while height * width > _MAX_PIXELS * parts * parts:
        parts += 1
    if parts > 1:
        size = max(1, width // parts), max(1, height // parts)
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    done, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    if not done:
        raise MemoryError("OpenCV cannot compress a picture")
    return data.tobytes()


class ReplayReader:
    """Decodes kept frames one after the other. Not thread-safe.

    Args:
        make: Creates the source of a file; replaced in tests.
    """

    def __init__(self, make: Callable[[SourceSpec], FrameSource] = make_source) -> None:
        self._make = make
        self._file: SourceSpec | None = None
        self._source: FrameSource | None = None

    def picture(self, kept: KeptFrame) -> U8 | None:
        """Return a frame, uint8 (H, W, 3) BGR; None if its file no longer contains it.

        Raises:
            SourceError: Its file can no longer be read.
        """
        if isinstance(kept.picture, bytes):
            return np.asarray(cv2.imdecode(np.frombuffer(kept.picture, np.uint8), cv2.IMREAD_COLOR), np.uint8)
        image = self._read(self._open(kept.picture.file), kept.picture.t_s)
        return np.asarray(cv2.flip(image, 1), np.uint8) if image is not None and kept.picture.mirrored else image

    def _open(self, file: SourceSpec) -> FrameSource:
        if self._source is None or file != self._file:
            self.close()
            self._source, self._file = self._make(file), file
            self._source.open()
        return self._source

    @staticmethod
    def _read(source: FrameSource, t_s: float) -> U8 | None:
        following = source.read()
        if following is None or abs(following.t_s - t_s) > _SAME_S:
            source.seek(t_s)
            following = source.read()
        return following.image if following is not None and abs(following.t_s - t_s) <= _SAME_S else None

    def close(self) -> None:
        """Close the file."""
        source, self._source = self._source, None
        if source is not None:
            source.close()


def save(
    pictures: list[KeptFrame],
    target: Path,
    *,
    overlay: bool = False,
    make_writer: Callable[..., VideoWriter] = open_video,
) -> Path:
    """Write kept frames as a video. Slow: call it on a worker thread.

    Args:
        pictures: See `Replay.pictures`.
        target: The file.
        overlay: Whether to draw what belongs over each frame.
        make_writer: Opens the file; replaced in tests.

    Raises:
        ExportError: It cannot be written, or there is nothing to write.
        SourceError: The frames come from a file that can no longer be read.
    """
    if not pictures:
        raise ExportError(Message("There is nothing to save yet: no picture has arrived."))
    step_back()
    with contextlib.closing(ReplayReader()) as projector:
        writer = make_writer(target, effort=Effort.LIVE)
        for kept in pictures:
            try:
                image = projector.picture(kept)
            except SourceError:
                writer.discard()
                raise
            if image is None:
                continue
            if overlay and kept.drawn is not None:
                image = kept.drawn.over(image)
            writer.write(image, kept.t_s - pictures[0].t_s)
        return writer.close()
