"""Records the live picture from a thread of its own; whoever delivers frames never waits."""

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
from slowfast_live.export import plate
from slowfast_live.export.coding import Effort
from slowfast_live.recording.tape import TapeClock, open_video
from slowfast_live.types import Frame, Readout

if TYPE_CHECKING:
    from slowfast_live.export.writer import VideoWriter

log = logging.getLogger(__name__)

MOST_WAITING = 32
MOST_WAITING_BYTES = 96_000_000
"""Frames wait for the encoder up to both of these; what comes then is left out, and counted."""
_COMPLETE_BELOW_BYTES = 200_000_000
"""In a hurry only a file smaller than this is copied into its final form; a larger one plays as it is."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How a recording stands.

    Attributes:
        elapsed_s: Length of what was recorded.
        size: Bytes written.
        dropped: Frames that were left out because disk or encoder was slower than the source.
        running: It still records, or completes its file.
        stopping: It completes its file.
        path: Where it lies once it does not run any more; None where nothing is kept.
        error: Why it ended by itself; None where it did not.
    """

    elapsed_s: float = 0.0
    size: int = 0
    dropped: int = 0
    running: bool = True
    stopping: bool = False
    path: Path | None = None
    error: ExportError | None = None


class Recorder:
    """One recording. `offer` may be called from any thread and returns at once.

    It ends when it is told to, when frames of another source come, and when its file cannot be written.

    Args:
        target: The file.
        readout: Returns what to draw over each frame; None for plain pictures.
        fps: Pictures a second, as far as known.
        make_writer: Opens the file, on the recorder's thread; handed in by tests.
    """

    def __init__(
        self,
        target: Path,
        readout: Callable[[], Readout] | None = None,
        fps: float | None = None,
        make_writer: Callable[..., VideoWriter] = open_video,
    ) -> None:
        self.target = target
        self._readout, self._fps, self._make_writer = readout, fps, make_writer
        self._changed = threading.Condition()
        self._waiting: deque[tuple[Frame, Readout | None]] = deque()
        self._waiting_bytes = 0
        self._clock = TapeClock()
        self._stopping = self._hurry = False
        self._progress = Progress()
        self._thread = threading.Thread(target=self._run, name="slowfast-live-recorder", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def offer(self, frame: Frame) -> None:
        """Take in a frame, without copying it; leave it out where too many wait."""
        readout = self._readout() if self._readout is not None else None
        size = frame.image.nbytes
        with self._changed:
            if self._stopping:
                return
            full = len(self._waiting) >= MOST_WAITING or self._waiting_bytes + size > MOST_WAITING_BYTES
            if full and self._waiting:
                self._tell(dropped=self._progress.dropped + 1)
                return
            self._waiting.append((frame, readout))
            self._waiting_bytes += size
            self._changed.notify_all()

    def stop(self, *, hurry: bool = False) -> None:
        """Ask it to end: what waits is written, then the file completed.

        Args:
            hurry: Leave a large file in the form in which it grew, which takes no time.
        """
        with self._changed:
            self._stopping, self._hurry = True, self._hurry or hurry
            self._tell(stopping=True)
            self._changed.notify_all()

    def join(self, timeout_s: float) -> bool:
        """Wait for the end; False where it is not reached in time. The file is playable even so."""
        self._thread.join(timeout_s)
        if self._thread.is_alive():
            log.warning("The recording %s is not complete after %.0f s and is left as it is.", self.target, timeout_s)
        return not self._thread.is_alive()

    def progress(self) -> Progress:
        """Return how it stands."""
        with self._changed:
            return self._progress

    def _tell(self, **changes: Any) -> None:
        self._progress = replace(self._progress, **changes)

    # The thread.

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
            path = self.target if writer is not None and self.target.exists() else None
        except Exception as failure:
            log.exception("Recording %s failed", self.target)
            error = ExportError(f"Recording {self.target.name} failed because of an unexpected error.", repr(failure))
        with self._changed:
            self._stopping = True
            self._waiting.clear()
            size = path.stat().st_size if path is not None and path.exists() else self._progress.size
            self._tell(running=False, stopping=True, path=path, error=error, size=size)

    def _next(self) -> tuple[Frame, Readout | None] | None:
        with self._changed:
            while not self._waiting and not self._stopping:
                self._changed.wait()
            if not self._waiting:
                return None
            frame, readout = self._waiting.popleft()
            self._waiting_bytes -= frame.image.nbytes
            if not self._clock.continues(frame):
                self._stopping = True
                self._waiting.clear()
                self._tell(stopping=True)
                return None
            return frame, readout

    def _write(self, writer: VideoWriter, frame: Frame, readout: Readout | None) -> None:
        t_s = self._clock.place(frame)
        writer.write(plate.draw(frame.image, readout) if readout is not None else frame.image, t_s)
        with self._changed:
            self._tell(elapsed_s=t_s, size=writer.size)
