"""Puts the real parts together behind the window: pipeline, cameras, devices, models, session log."""

from __future__ import annotations

import logging

import psutil

from slowfast_live.inference.devices import list_devices
from slowfast_live.inference.openvino_backend import OpenVinoBackend
from slowfast_live.inference.spec import Registry
from slowfast_live.pipeline import Pipeline
from slowfast_live.session_log import SessionLog, Summary
from slowfast_live.sources import make_source
from slowfast_live.sources.cameras import CameraWatcher
from slowfast_live.ui.app import Services, run
from slowfast_live.ui.options import AppOptions
from slowfast_live.ui.ports import SessionFacts

log = logging.getLogger(__name__)


class Session:
    """One run of the window, from the first frame to the summary of its log."""

    def __init__(self, session_log: SessionLog | None) -> None:
        self._log = session_log
        self._rss_start_mb = _rss_mb()
        self.pipeline = Pipeline(
            OpenVinoBackend(), make_source, on_prediction=session_log.prediction if session_log else None
        )

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
    )
    try:
        return run(options, services)
    finally:
        cameras.stop()


def _rss_mb() -> float:
    """Return the resident memory of this process, in 1e6 bytes."""
    return float(psutil.Process().memory_info().rss) / 1e6
