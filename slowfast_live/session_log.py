"""`--session-log`: what happened, as JSON lines that other programs can read.

One object a line. `"type": "prediction"` for each prediction:

* `t_video_s`: time of the newest frame on the source's clock; `t_wall_s`: seconds since the log was opened;
* `latency_ms`: capture of that frame to the result; `infer_ms`: inference alone;
* `label`: the action shown, null where none is (untrained model, no confident action); `score`: its smoothed
  score, or the best class's;
* `top`: the five best [label, score] of this window, unsmoothed; `model`, `device`.

The last line is `"type": "summary"`; its fields are those of `Summary`.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import threading
from collections.abc import Callable
from io import FileIO, RawIOBase
from pathlib import Path

import msgspec

from slowfast_live.core.clock import Clock, SystemClock
from slowfast_live.errors import UsageError
from slowfast_live.types import Level, Notice, Prediction, Readout

log = logging.getLogger(__name__)


class PredictionLine(msgspec.Struct, tag="prediction", frozen=True):
    """One prediction; see the module."""

    t_video_s: float
    t_wall_s: float
    latency_ms: float
    infer_ms: float
    label: str | None
    score: float
    top: tuple[tuple[str, float], ...]
    model: str
    device: str


class Summary(msgspec.Struct, tag="summary", frozen=True):
    """The whole session.

    Attributes:
        frames_captured: Frames read from the source.
        frames_shown: Different frames painted in the window.
        frames_dropped: Frames that came too late, or were replaced before they were painted.
        predictions: Predictions made.
        predictions_per_s: Mean from the first to the last prediction.
        source_fps: Mean frames a second captured.
        display_fps: Mean frames a second shown.
        latency_ms_p50: Median of all predictions' latencies.
        latency_ms_p95: 95th percentile.
        ui_stall_ms_p99: How long one turn of the window's event loop took, 99th percentile: its own work, and
            the time that other threads and programs kept it from the processor.
        ui_stall_ms_max: The longest.
        ui_work_ms_p99: Processor time of one turn of the window's event loop, 99th percentile.
        ui_work_ms_max: The most.
        rss_mb_start: Resident memory when the window was shown, in 1e6 bytes.
        rss_mb_end: Resident memory at the end.
        exit_reason: "closed", "quit-after" or the name of the signal, such as "SIGTERM".
        first_frame_s: Seconds from the start of the process until the first frame was painted; null without one.
        first_prediction_s: Likewise until the first prediction.
        computes_in: What the last model was computed in, e.g. "bf16" or "int8 + bf16".
    """

    frames_captured: int
    frames_shown: int
    frames_dropped: int
    predictions: int
    predictions_per_s: float
    source_fps: float
    display_fps: float
    latency_ms_p50: float
    latency_ms_p95: float
    ui_stall_ms_p99: float
    ui_stall_ms_max: float
    ui_work_ms_p99: float
    ui_work_ms_max: float
    rss_mb_start: float
    rss_mb_end: float
    exit_reason: str
    first_frame_s: float | None = None
    first_prediction_s: float | None = None
    computes_in: str = ""


class SessionLog:
    """Writes the log; safe from any thread. What cannot be written is told once and ends the log, not the app.

    Args:
        path: The file; replaced where it exists. A pipe needs a reader that keeps up: nothing waits for it.
        clock: For `t_wall_s`.

    Raises:
        UsageError: The file cannot be written.
    """

    def __init__(self, path: Path, clock: Clock | None = None) -> None:
        self.path = path
        self._clock = clock or SystemClock()
        self._lock = threading.Lock()
        self._encoder = msgspec.json.Encoder()
        self._first_s: float | None = None
        self._last_s = 0.0
        self._count = 0
        self.tell: Callable[[Notice], object] = lambda _: None
        """Takes what the user should read: that the log could not be written any further."""
        try:
            # Unbuffered: a session that is killed keeps what it wrote.
            self._file: RawIOBase | None = FileIO(str(path), "wb", opener=_open_without_waiting)
        except OSError as error:
            reason = "nobody reads from this pipe" if error.errno == errno.ENXIO else error.strerror or str(error)
            raise UsageError(f"--session-log: {path} cannot be written: {reason}. Name another file.") from error
        self._start_s = self._clock.now_s()

    def prediction(self, prediction: Prediction, readout: Readout) -> None:
        """Write one prediction."""
        now_s = self._clock.now_s()
        line = PredictionLine(
            t_video_s=round(prediction.t_end_s, 6),
            t_wall_s=round(now_s - self._start_s, 6),
            latency_ms=round(prediction.latency_ms, 3),
            infer_ms=round(prediction.infer_ms, 3),
            label=readout.label,
            score=round(readout.score, 6),
            top=tuple((label, round(score, 6)) for label, score in prediction.top),
            model=prediction.model,
            device=prediction.device,
        )
        with self._lock:
            self._first_s = now_s if self._first_s is None else self._first_s
            self._last_s = now_s
            self._count += 1
            self._write(line)

    @property
    def predictions_per_s(self) -> float:
        """Mean from the first to the last prediction; 0 with fewer than two."""
        with self._lock:
            if self._first_s is None or self._count < 2 or self._last_s <= self._first_s:
                return 0.0
            return (self._count - 1) / (self._last_s - self._first_s)

    @property
    def first_prediction_at_s(self) -> float | None:
        """When the first prediction was written, on the clock; None before it."""
        with self._lock:
            return self._first_s

    @property
    def elapsed_s(self) -> float:
        """Seconds since the log was opened."""
        return self._clock.now_s() - self._start_s

    def close(self, summary: Summary) -> None:
        """Write the summary and close the file; may be called twice."""
        with self._lock:
            self._write(summary)
            file, self._file = self._file, None
            if file is not None:
                file.close()

    def _write(self, line: msgspec.Struct) -> None:
        if self._file is None:
            return
        data = memoryview(self._encoder.encode(line) + b"\n")
        try:
            while data:
                written = self._file.write(data)
                if written is None:
                    raise BlockingIOError(errno.EAGAIN, "whoever reads from this pipe does not keep up")
                data = data[written:]
        except OSError as error:
            file, self._file = self._file, None
            with contextlib.suppress(OSError):
                file.close()
            reason = error.strerror or str(error)
            log.warning("The session log %s cannot be written any further: %s", self.path, reason)
            text = f"The session log {self.path} cannot be written any further: {reason}. The app goes on without it."
            self.tell(Notice(Level.WARNING, text, repr(error)))


def _open_without_waiting(path: str, flags: int) -> int:
    """Open a file; a pipe that nobody reads from is an error at once, where the usual way waits for ever."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0), 0o666)
