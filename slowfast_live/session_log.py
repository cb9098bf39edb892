"""`--session-log`: events of a session as JSON lines for other programs.

One object per line. `"type": "prediction"` for each prediction:

* `t_video_s`: time of the newest frame on the source's clock; `t_wall_s`: seconds since the log was opened;
* `latency_ms`: time from the capture of that frame to the result; `infer_ms`: inference time;
* `label`: the action shown, null if there is none (untrained model, no confident action); `score`: its smoothed score,
  or that of the best class;
* `top`: the five best [label, score] pairs of this frame window, unsmoothed; `model`, `device`.

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

from slowfast_live import files
from slowfast_live.core.clock import Clock, SystemClock
from slowfast_live.errors import UsageError
from slowfast_live.messages import Message, as_text, system_reason
from slowfast_live.types import Level, Notice, Prediction, Readout, Topic

log = logging.getLogger(__name__)

_LONGEST_LINE = 1_000_000


class PredictionLine(msgspec.Struct, tag="prediction", frozen=True):
    """One prediction; see the module docstring."""

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
    """Summary of the whole session.

    Attributes:
        frames_captured: Frames read from the source.
        frames_shown: Different frames painted in the window.
        frames_dropped: Frames that were too late, or were replaced before they were painted.
        predictions: Predictions made.
        predictions_per_s: Mean rate from the first to the last prediction.
        source_fps: Mean frame rate of capturing.
        display_fps: Mean frame rate of the display.
        latency_ms_p50: Median latency of all predictions.
        latency_ms_p95: 95th percentile of the latency.
        ui_stall_ms_p99: Duration of one iteration of the window's event loop, 99th percentile: its own work, and the
            time that it waited for the processor because of other threads and programs.
        ui_stall_ms_max: Maximum of the same.
        ui_work_ms_p99: Processor time of one iteration of the window's event loop, 99th percentile.
        ui_work_ms_max: Maximum of the same.
        rss_mb_start: Resident memory when the window was shown, in 1e6 bytes.
        rss_mb_end: Resident memory at the end, in 1e6 bytes.
        exit_reason: "closed", "quit-after" or the name of the signal, such as "SIGTERM".
        first_frame_s: Seconds from the start of the process until the first frame was painted; null if there was none.
        first_prediction_s: Seconds until the first prediction; null if there was none.
        execution_precision: Execution precision of the last model, e.g. "bf16" or "int8 + bf16".
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
    execution_precision: str = ""


class SessionLog:
    """Writes the log. Thread-safe. A write error is reported once and ends the log, but not the app.

    Args:
        path: The file; an earlier session log is replaced. A pipe needs a reader that keeps up, because writing never
            waits for it.
        clock: Clock for `t_wall_s`.

    Raises:
        UsageError: The file cannot be written, or contains something other than a session log.
    """

    def __init__(self, path: Path, clock: Clock | None = None) -> None:
        self.path = path
        self._clock = clock or SystemClock()
        self._lock = threading.Lock()
        self._encoder = msgspec.json.Encoder(enc_hook=as_text)
        self._first_s: float | None = None
        self._last_s = 0.0
        self._count = 0
        self.notify: Callable[[Notice], object] = lambda _: None
        """Receives a notice for the user when the log can no longer be written."""
        files.refuse_foreign(path, is_session_log, "--session-log")
        try:
            # Unbuffered, so that a session that is killed keeps what it wrote.
            self._file: RawIOBase | None = FileIO(str(path), "wb", opener=_open_without_waiting)
        except OSError as error:
            reason = Message("no program reads from this pipe") if error.errno == errno.ENXIO else system_reason(error)
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
        """Mean rate from the first to the last prediction; 0 if there are fewer than two."""
        with self._lock:
            if self._first_s is None or self._count < 2 or self._last_s <= self._first_s:
                return 0.0
            return (self._count - 1) / (self._last_s - self._first_s)

    @property
    def first_prediction_at_s(self) -> float | None:
        """Time of the first prediction on the clock; None if there is none yet."""
        with self._lock:
            return self._first_s

    @property
    def elapsed_s(self) -> float:
        """Seconds since the log was opened."""
        return self._clock.now_s() - self._start_s

    def close(self, summary: Summary) -> None:
        """Write the summary and close the file; may be called repeatedly."""
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
            reason = system_reason(error)
            log.warning("The session log %s cannot be written any further: %s", self.path, reason)
            text = Message(
                "The session log {path} can no longer be written: {reason}. The app continues without it.",
                path=self.path,
                reason=reason,
            )
            self.notify(Notice(Level.WARNING, text, repr(error), topic=Topic.SESSION_LOG))


def is_session_log(path: Path) -> bool:
    """Whether a file begins like a session log."""
    with path.open("rb") as file:
        line = file.readline(_LONGEST_LINE)
    try:
        msgspec.json.decode(line, type=PredictionLine | Summary)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False
    return True


def _open_without_waiting(path: str, flags: int) -> int:
    """Open a file without waiting: a pipe without a reader is an error, instead of blocking forever."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0), 0o666)
