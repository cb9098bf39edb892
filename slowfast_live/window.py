"""Assembles the window's services: pipeline, cameras, devices, models, session log."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence

import psutil

from slowfast_live import paths
from slowfast_live.core.clock import process_started_s
from slowfast_live.core.history import History
from slowfast_live.inference.backend import Backend, CompiledModel
from slowfast_live.inference.device_backend import DeviceBackend
from slowfast_live.inference.devices import list_devices
from slowfast_live.inference.shared import SharedModels
from slowfast_live.inference.spec import Model, Registry
from slowfast_live.people.detector_port import PersonDetector
from slowfast_live.people.shared_detector import SharedDetectors
from slowfast_live.pipeline import Pipeline
from slowfast_live.session_log import SessionLog, Summary
from slowfast_live.sessions.store import SessionStore
from slowfast_live.sources import make_source
from slowfast_live.sources.cameras import CameraWatcher
from slowfast_live.types import Prediction, Readout, SourceSpec
from slowfast_live.ui.app import Services, run
from slowfast_live.ui.controller.options import AppOptions
from slowfast_live.ui.controller.protocols import SessionFacts

log = logging.getLogger(__name__)


class LateBackend:
    """OpenVINO backend that is imported on first use.

    Loading it takes as long as everything else before the first frame, so the first thread that compiles does it.

    Args:
        throughput: See `OpenVinoBackend`.
        together: See `OpenVinoBackend`.
    """

    def __init__(self, *, throughput: bool = False, together: int = 1) -> None:
        self._throughput, self._together = throughput, together
        self._lock = threading.Lock()
        self._backend: Backend | None = None

    def compile(self, model: Model, device: str) -> CompiledModel:
        """Import OpenVINO if necessary, and compile `model` for `device`."""
        with self._lock:
            if self._backend is None:
                from slowfast_live.inference.openvino_backend import OpenVinoBackend

                self._backend = OpenVinoBackend(throughput=self._throughput, together=self._together)
        return self._backend.compile(model, device)


def run_several(options: AppOptions, sources: Sequence[SourceSpec], title: str = "") -> int:
    """Open the window of several sources; return the exit code when it is closed.

    Args:
        options: Options from the command line.
        sources: The sources, two to nine.
        title: Name of the set of sources; "" for none.
    """
    from slowfast_live.ui.cameras.cameras_app import CameraServices, run_cameras_app

    detectors = SharedDetectors(_make_detector, _follows)
    devices = DeviceBackend(LateBackend(throughput=True, together=len(sources)), throughput=True)
    shared = SharedModels(devices)
    pipelines: list[Pipeline] = []

    def pipeline(history: History) -> Pipeline:
        made = Pipeline(shared, make_source, on_prediction=history.add, history=history, make_detector=detectors.make)
        pipelines.append(made)
        devices.notify = pipelines[0].notify  # what concerns the model is said once
        return made

    services = CameraServices(pipeline, Registry(), sessions=SessionStore(paths.sessions_dir()), limit=shared.limit)
    return run_cameras_app(sources, options, services, title)


def _make_detector(name: str) -> PersonDetector:
    """Import OpenVINO if necessary, and make the person detector of a name."""
    from slowfast_live.people.detector import make_detector

    return make_detector(name)


def _follows(detector: PersonDetector) -> bool:
    """Return whether a detector remembers earlier pictures."""
    from slowfast_live.people.moving import MotionDetector

    return isinstance(detector, MotionDetector)


class WindowSession:
    """One run of the window, from the first frame to the summary in the log."""

    def __init__(self, session_log: SessionLog | None) -> None:
        self._log = session_log
        self._rss_start_mb = _rss_mb()
        self.history = History()
        backend = DeviceBackend(LateBackend())
        self.pipeline = Pipeline(
            backend,
            make_source,
            on_prediction=self._note,
            history=self.history,
            make_detector=_make_detector,
        )
        backend.notify = self.pipeline.notify
        if session_log is not None:
            session_log.notify = self.pipeline.notify

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
                execution_precision=status.execution_precision,
            )
        )


def run_window(options: AppOptions) -> int:
    """Open the window; return the exit code when it is closed.

    Raises:
        UsageError: The session log cannot be written.
    """
    session_log = SessionLog(options.session_log) if options.session_log is not None else None
    session = WindowSession(session_log)
    cameras = CameraWatcher()
    cameras.start()
    services = Services(
        pipeline=lambda: session.pipeline,
        cameras=cameras,
        devices=list_devices,
        registry=Registry(),
        on_close=session.close,
        history=session.history,
        sessions=SessionStore(paths.sessions_dir()),
    )
    try:
        return run(options, services)
    finally:
        cameras.stop()


def _since_start_s(moment_s: float | None) -> float | None:
    """Return the time from the start of the process to a monotonic time, in seconds."""
    return None if moment_s is None else round(moment_s - process_started_s(), 3)


def _rss_mb() -> float:
    """Return the resident memory of this process, in 1e6 bytes."""
    return float(psutil.Process().memory_info().rss) / 1e6
