"""Contenders that are the app itself: its pipeline on a playing video, with and without a window."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median

import msgspec
import psutil

from slowfast_live.core.meters import Distribution
from slowfast_live.errors import ModelError, SlowFastLiveError
from slowfast_live.inference.openvino_backend import OpenVinoBackend, OpenVinoCompiledModel
from slowfast_live.inference.spec import Model
from slowfast_live.pipeline import Pipeline
from slowfast_live.tools.bench.protocol import rss_mb
from slowfast_live.tools.bench.results import Facts, Measurement
from slowfast_live.tools.bench.sample_video import EndlessFile
from slowfast_live.types import Prediction, Readout, SourceSpec

READY_WITHIN_S = 120.0
_SETTLE_S = 1.0
_POLL_S = 0.05
NETWORK = "network"
_INFERENCE_THREAD = "inference"
_DECODER = "av:"
"""Prefix of the names of FFmpeg's threads."""
_PARTS = (
    ("capture", "capture"),
    ("recognizer", "recognizer"),
    ("frame scaler", "window"),
    ("MainThread", "window"),
)
"""Prefixes of the names of Python threads -> part of the app."""


class WatchedBackend(OpenVinoBackend):
    """The app's backend, instrumented to record which threads OpenVINO started and what it compiled.

    Args:
        throughput: See `OpenVinoBackend`.
        together: See `OpenVinoBackend`.
    """

    def __init__(self, *, throughput: bool = False, together: int = 1) -> None:
        super().__init__(throughput=throughput, together=together)
        self.threads: frozenset[int] = frozenset()
        self.compiled: OpenVinoCompiledModel | None = None
        self.failure: SlowFastLiveError | None = None

    def compile(self, model: Model, device: str) -> OpenVinoCompiledModel:
        """See `Backend.compile`."""
        before = set(thread_seconds())
        try:
            compiled = super().compile(model, device)
        except SlowFastLiveError as error:
            self.failure = error
            raise
        self.threads |= frozenset(set(thread_seconds()) - before)
        assert isinstance(compiled, OpenVinoCompiledModel)  # models of people are refused before
        self.compiled = compiled
        return compiled

    def facts(self) -> Facts:
        """Return facts about the compiled model."""
        compiled = self.compiled
        return (
            Facts(compiled.execution_precision, compiled.threads, compiled.streams) if compiled is not None else Facts()
        )


class Tally:
    """Collects the predictions of a turn: their times and the age of their newest frame. Thread-safe."""

    def __init__(self, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._clock_s = clock_s
        self._lock = threading.Lock()
        self._times_s: list[float] = []
        self._infer_ms: list[float] = []
        self._latency_ms = Distribution()
        self.first = threading.Event()

    def add(self, prediction: Prediction, readout: Readout) -> None:
        """Record a prediction."""
        with self._lock:
            self._times_s.append(self._clock_s())
            self._infer_ms.append(prediction.infer_ms)
            self._latency_ms.add(prediction.latency_ms)
        self.first.set()

    def clear(self) -> None:
        """Discard all predictions."""
        with self._lock:
            self._times_s, self._infer_ms, self._latency_ms = [], [], Distribution()

    def reading(self, elapsed_s: float) -> Measurement:
        """Summarize the predictions since `clear`."""
        with self._lock:
            times_s, latency_ms = self._times_s, self._latency_ms
            span_s = times_s[-1] - times_s[0] if times_s else 0.0
            return Measurement(
                predictions=len(times_s),
                elapsed_s=elapsed_s,
                per_s=(len(times_s) - 1) / span_s if span_s > 0 else len(times_s) / elapsed_s,
                clip_ms=median(self._infer_ms) if times_s else 0.0,
                latency_ms_p50=latency_ms.percentile(50) if times_s else None,
                latency_ms_p95=latency_ms.percentile(95) if times_s else None,
            )


class Live:
    """The pipeline on a video that plays in real time; paused between turns.

    Args:
        model: The model.
        device: OpenVINO device name.
        video: The video to recognize.
        shown: Returns the number of distinct frames painted so far; None without a window.
    """

    def __init__(self, model: Model, device: str, video: Path, shown: Callable[[], int] | None = None) -> None:
        self._backend = WatchedBackend()
        self._tally = Tally()
        self._shown = shown
        self.pipeline = Pipeline(self._backend, lambda _spec: EndlessFile.of(video), on_prediction=self._tally.add)
        self._model, self._device = model, device

    def begin(self, source: SourceSpec) -> None:
        """Load the model, open the source, wait for the first prediction, and pause.

        Raises:
            ModelError: There is no prediction in time; the message says why.
        """
        self.pipeline.use_model(self._model, self._device)
        self._wait(lambda: self._backend.compiled is not None)
        self.pipeline.open(source)
        self.wait_until_ready()

    def wait_until_ready(self) -> None:
        """Wait for the first prediction and pause; see `begin`."""
        self._wait(self._tally.first.is_set)
        self.pipeline.pause()

    def _wait(self, ready: Callable[[], bool]) -> None:
        until_s = time.monotonic() + READY_WITHIN_S
        while not ready():
            if self._backend.failure is not None:
                raise self._backend.failure
            if time.monotonic() > until_s:
                raise ModelError(f"It made no prediction within {READY_WITHIN_S:.0f} s.")
            time.sleep(_POLL_S)

    def facts(self) -> Facts:
        """See `Contender.facts`."""
        return self._backend.facts()

    def run(self, seconds: float) -> Measurement:
        """See `Contender.run`; the first second after resuming does not count."""
        self.pipeline.play()
        time.sleep(_SETTLE_S)
        before, shown = self.pipeline.status(), self._shown() if self._shown else None
        self._tally.clear()
        begin_s, cpu_s, threads = time.monotonic(), time.process_time(), thread_seconds()
        time.sleep(seconds)
        reading = self._tally.reading(time.monotonic() - begin_s)
        cpu_s = time.process_time() - cpu_s
        used = {number: s - threads.get(number, 0.0) for number, s in thread_seconds().items()}
        after, painted = self.pipeline.status(), self._shown() if self._shown else None
        self.pipeline.pause()
        parts = by_part(used, self._backend.threads)
        return msgspec.structs.replace(
            reading,
            cpu_s=cpu_s,
            network_cpu_s=parts.get(NETWORK),
            parts=parts,
            frames=after.frames_captured - before.frames_captured,
            dropped=after.frames_dropped - before.frames_dropped,
            shown=painted - shown if painted is not None and shown is not None else None,
            rss_mb=rss_mb(),
        )

    def close(self) -> None:
        """See `Contender.close`."""
        self.pipeline.stop()


def thread_seconds() -> dict[int, float]:
    """Return the processor time of each thread of this process; empty if the system does not provide it."""
    try:
        return {thread.id: thread.user_time + thread.system_time for thread in psutil.Process().threads()}
    except (psutil.Error, NotImplementedError):
        return {}


def by_part(used: Mapping[int, float], network: frozenset[int]) -> dict[str, float]:
    """Add up processor time by part of the app.

    Args:
        used: Thread id -> seconds.
        network: Ids of the threads that OpenVINO started.
    """
    names = {thread.native_id: thread.name for thread in threading.enumerate()}
    parts: dict[str, float] = {}
    for number, seconds in used.items():
        part = _part(names.get(number, ""), number, network)
        parts[part] = parts.get(part, 0.0) + seconds
    return parts


def _part(name: str, number: int, network: frozenset[int]) -> str:
    if name == _INFERENCE_THREAD or (not name and number in network):
        return NETWORK
    for start, part in _PARTS:
        if name.startswith(start):
            return part
    return "capture" if not name and _thread_name(number).startswith(_DECODER) else "other"


def _thread_name(number: int) -> str:
    """Return the system's name of a thread; "" if the system does not provide it."""
    if not sys.platform.startswith("linux"):
        return ""
    try:
        return Path(f"/proc/self/task/{number}/comm").read_text().strip()
    except OSError:
        return ""
