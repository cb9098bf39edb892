"""Puts the real parts together behind the window: pipeline, cameras, devices, models, session log."""

from __future__ import annotations

import logging
import threading

import psutil

from slowfast_live.core.clock import process_started_s
from slowfast_live.core.history import History
from slowfast_live.inference.backend import Backend, Runner
from slowfast_live.inference.devices import list_devices
from slowfast_live.inference.spec import Model, Registry
from slowfast_live.pipeline import Pipeline
from slowfast_live.session_log import SessionLog, Summary
from slowfast_live.sources import make_source
from slowfast_live.sources.cameras import CameraWatcher
from slowfast_live.types import Prediction, Readout
from slowfast_live.ui.app import Services, run
from slowfast_live.ui.options import AppOptions
from slowfast_live.ui.ports import SessionFacts

log = logging.getLogger(__name__)


class LateBackend:
    """OpenVINO, loaded by the first thread that compiles: that takes as long as all the rest before the first frame."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._backend: Backend | None = None

    def compile(self, model: Model, device: str) -> Runner:
        """See `Backend.compile`."""
        with self._lock:
            if self._backend is None:
                from slowfast_live.inference.openvino_backend import OpenVinoBackend

                self._backend = OpenVinoBackend()
        return self._backend.compile(model, device)


class Session:
    """One run of the window, from the first frame to the summary of its log."""

    def __init__(self, session_log: SessionLog | None) -> None:
        self._log = session_log
        self._rss_start_mb = _rss_mb()
        self.history = History()
        self.pipeline = Pipeline(LateBackend(), make_source, on_prediction=self._note)
        if session_log is not None:
            session_log.tell = self.pipeline.tell

    def _note(self, prediction: Prediction, readout: Readout) -> None:
        self.history.add(prediction, readout)
        if self._log is not None:
            self._log.prediction(prediction, readout)

    def close(self, facts: SessionFacts) -> None:
        """Write the summary."""
        if self._log is None:
            return
        status, latency = facts.status, self.pipeline.latency_ms
        elapsed_s = self._log.elapsed_s
        self._log.close(
            Summary(
                frames_captured=status.frames_captured,
                frames_shown=facts.frames_shown,
                frames_dropped=status.frames_dropped,
                predictions=status.predictions,
                predictions_per_s=round(self._log.predictions_per_s, 3),
                source_fps=round(status.frames_captured / elapsed_s, 3) if elapsed_s > 0 else 0.0,
                display_fps=round(facts.display_fps, 3),
                latency_ms_p50=round(latency.percentile(50), 3),
                latency_ms_p95=round(latency.percentile(95), 3),
                ui_stall_ms_p99=round(facts.ui_stall_ms_p99, 3),
                ui_stall_ms_max=round(facts.ui_stall_ms_max, 3),
                ui_work_ms_p99=round(facts.ui_work_ms_p99, 3),
                ui_work_ms_max=round(facts.ui_work_ms_max, 3),
                rss_mb_start=round(self._rss_start_mb, 1),
                rss_mb_end=round(_rss_mb(), 1),
                exit_reason=facts.exit_reason,
                first_frame_s=_since_start_s(facts.first_shown_s),
                first_prediction_s=_since_start_s(self._log.first_prediction_at_s),
                computes_in=status.computes_in,
            )
        )


def run_window(options: AppOptions) -> int:
    """Open the window and return the exit code when it is closed.

    Raises:
        UsageError: The session log cannot be written.
    """
    session_log = SessionLog(options.session_log) if options.session_log is not None else None
    session = Session(session_log)
    cameras = CameraWatcher()
    cameras.start()
    services = Services(
        pipeline=lambda: session.pipeline,
        cameras=cameras,
        devices=list_devices,
        registry=Registry(),
        on_close=session.close,
        history=session.history,
    )
    try:
        return run(options, services)
    finally:
        cameras.stop()


def _since_start_s(moment_s: float | None) -> float | None:
    """Return how long after the start of the process a monotonic moment was."""
    return None if moment_s is None else round(moment_s - process_started_s(), 3)


def _rss_mb() -> float:
    """Return the resident memory of this process, in 1e6 bytes."""
    return float(psutil.Process().memory_info().rss) / 1e6
