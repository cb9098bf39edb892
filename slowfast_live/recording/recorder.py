"""Records the live picture on its own thread, so that the thread that delivers frames never waits."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slowfast_live.core.priority import step_back
from slowfast_live.errors import ExportError
from slowfast_live.export.codecs import Effort
from slowfast_live.messages import Message
from slowfast_live.recording.drawn import Drawn
from slowfast_live.recording.timestamps import TapeClock, open_video
from slowfast_live.types import Frame

if TYPE_CHECKING:
    from slowfast_live.export.writer import VideoWriter

log = logging.getLogger(__name__)

MAX_WAITING = 32
MAX_WAITING_BYTES = 96_000_000
"""Frames are queued for the encoder up to both of these limits; frames beyond them are dropped and counted."""
_COMPLETE_BELOW_BYTES = 200_000_000
"""When in a hurry, only a file smaller than this is remuxed to its final form; a larger one is playable as it is."""


@dataclass(frozen=True, slots=True)
class RecordingProgress:
    """State of a recording.

    Attributes:
        elapsed_s: Length of the recording so far.
        size: Bytes written.
        dropped: Frames dropped because disk or encoder was slower than the source.
        running: Whether it is recording or finalizing its file.
        stopping: Whether it is finalizing its file.
        path: Path of the file once it is no longer running; None if nothing is kept.
        error: Why it ended by itself; None if it did not.
    """

    elapsed_s: float = 0.0
    size: int = 0
    dropped: int = 0
    running: bool = True
    stopping: bool = False
    path: Path | None = None
    error: ExportError | None = None


class Recorder:
    """One recording. `offer` may be called from any thread and returns immediately.

    It ends when it is stopped, when frames of another source arrive, and when its file cannot be written.

    Args:
        target: The file.
        drawn: Returns what to draw over each frame; None for no overlay.
        fps: Frame rate, as far as known.
        make_writer: Opens the file, on the recorder's thread; replaced in tests.
    """

    def __init__(
        self,
        target: Path,
        drawn: Callable[[], Drawn] | None = None,
        fps: float | None = None,
        make_writer: Callable[..., VideoWriter] = open_video,
    ) -> None:
        self.target = target
        self._drawn, self._fps, self._make_writer = drawn, fps, make_writer
        self._changed = threading.Condition()
        self._waiting: deque[tuple[Frame, Drawn | None]] = deque()
        self._waiting_bytes = 0
        self._clock = TapeClock()
        self._stopping = self._hurry = False
        self._progress = RecordingProgress()
        self._thread = threading.Thread(target=self._run, name="slowfast-live-recorder", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def offer(self, frame: Frame) -> None:
        """Queue a frame without copying it; drop it if the queue is full."""
        drawn = self._drawn() if self._drawn is not None else None
        size = frame.image.nbytes
        with self._changed:
            if self._stopping:
                return
            full = len(self._waiting) >= MAX_WAITING or self._waiting_bytes + size > MAX_WAITING_BYTES
            if full and self._waiting:
                self._report(dropped=self._progress.dropped + 1)
                return
            self._waiting.append((frame, drawn))
            self._waiting_bytes += size
            self._changed.notify_all()

    def stop(self, *, hurry: bool = False) -> None:
        """Request the end: queued frames are written, then the file is finalized.

        Args:
            hurry: Leave a large file in its fragmented form, which takes no time.
        """
        with self._changed:
            self._stopping, self._hurry = True, self._hurry or hurry
            self._report(stopping=True)
            self._changed.notify_all()

    def join(self, timeout_s: float) -> bool:
        """Wait for the end; return False on timeout. The file is playable even then."""
        self._thread.join(timeout_s)
        if self._thread.is_alive():
            log.warning("The recording %s is not complete after %.0f s and is left as it is.", self.target, timeout_s)
        return not self._thread.is_alive()

    def progress(self) -> RecordingProgress:
        """Return the current state."""
        with self._changed:
            return self._progress

    def _report(self, **changes: Any) -> None:
        self._progress = replace(self._progress, **changes)

    # Recorder thread

    def _run(self) -> None:
        step_back()
        writer: VideoWriter | None = None
        path: Path | None = None
        error: ExportError | None = None
        try:
            writer = self._make_writer(self.target, effort=Effort.LIVE, fps=self._fps)
            while (item := self._next()) is not None:
                self._write(writer, *item)
            path = writer.close(plain=not self._hurry or writer.size < _COMPLETE_BELOW_BYTES)
        except ExportError as failure:
            error = failure
            path = writer.target if writer is not None and writer.kept else None
        except Exception as failure:
            log.exception("Recording %s failed", self.target)
            error = ExportError(
                Message("Recording {name} failed because of an unexpected error.", name=self.target.name), repr(failure)
            )
        with self._changed:
            self._stopping = True
            self._waiting.clear()
            size = path.stat().st_size if path is not None and path.exists() else self._progress.size
            self._report(running=False, stopping=True, path=path, error=error, size=size)

    def _next(self) -> tuple[Frame, Drawn | None] | None:
        with self._changed:
            while not self._waiting and not self._stopping:
                self._changed.wait()
            if not self._waiting:
                return None
            frame, drawn = self._waiting.popleft()
            self._waiting_bytes -= frame.image.nbytes
            if not self._clock.continues(frame):
                self._stopping = True
                self._waiting.clear()
                self._report(stopping=True)
                return None
            return frame, drawn

    def _write(self, writer: VideoWriter, frame: Frame, drawn: Drawn | None) -> None:
        t_s = self._clock.place(frame)
        writer.write(drawn.over(frame.image) if drawn is not None else frame.image, t_s)
        with self._changed:
            self._report(elapsed_s=t_s, size=writer.size)
