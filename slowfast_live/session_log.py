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

import logging
import threading
from io import RawIOBase
from pathlib import Path

import msgspec

from slowfast_live.core.clock import Clock, SystemClock
from slowfast_live.errors import UsageError
from slowfast_live.types import Prediction, Readout

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


class SessionLog:
    """Writes the log; safe from any thread. What cannot be written is told once and ends the log, not the app.

    Args:
        path: The file; replaced where it exists.
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
        try:
            # Unbuffered: a session that is killed keeps what it wrote.
            self._file: RawIOBase | None = path.open("wb", buffering=0)
        except OSError as error:
            raise UsageError(
                f"--session-log: {path} cannot be written: {error.strerror or error}. Name another file."
            ) from error
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
        try:
            self._file.write(self._encoder.encode(line) + b"\n")
        except OSError as error:
            log.error("The session log %s cannot be written any further: %s", self.path, error)
            self._file.close()
            self._file = None
