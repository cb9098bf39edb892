"""Several sources recognized by one model in turns: predictions a second of each, and pictures that were not shown.

What is measured is the window of several sources itself, on pictures that are decoded as a webcam's are.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import msgspec
import numpy as np
from PySide6.QtCore import QEventLoop, QTimer
from PySide6.QtGui import QGuiApplication
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from slowfast_live import files
from slowfast_live.core.history import History
from slowfast_live.errors import DeviceError
from slowfast_live.inference.shared import SharedModels
from slowfast_live.inference.spec import Model, Registry
from slowfast_live.pipeline import Pipeline
from slowfast_live.sources.base import Picture
from slowfast_live.tools.bench import machine
from slowfast_live.tools.bench.live import NETWORK, READY_WITHIN_S, WatchedBackend, by_part, thread_seconds
from slowfast_live.types import U8, SourceInfo, SourceKind, SourceSpec
from slowfast_live.ui.app import SWITCH_S, make_application
from slowfast_live.ui.cameras.cameras_app import CamerasApp, CameraServices
from slowfast_live.ui.controller.options import AppOptions

WIDTH, HEIGHT, FPS = 640, 480, 15.0
COUNTS = (1, 4, 9)
_COLUMNS = (
    "sources",
    "predictions/s each",
    "together",
    "latency ms",
    "pictures",
    "not shown",
    "CPU s",
    "of it network",
    "clips a request",
)
_PICTURES = 30
_POLL_MS = 50


class SeveralMeasurement(msgspec.Struct, frozen=True):
    """What was measured with a number of sources.

    Attributes:
        sources: Number of sources.
        seconds: How long they were measured.
        per_s: Predictions a second of each source.
        captured: Pictures that all sources delivered.
        shown: Pictures that were painted.
        latency_ms: Median time from the capture of a window's newest picture to its prediction, of each source.
        cpu_s: Processor time used in that time.
        parts: That time by part of the app, in seconds.
        together: Clips that run in one request when so many wait.
    """

    sources: int
    seconds: float
    per_s: tuple[float, ...]
    captured: int
    shown: int
    latency_ms: tuple[float, ...]
    cpu_s: float
    parts: dict[str, float] = {}
    together: int = 1

    @property
    def dropped(self) -> int:
        """Pictures that were not shown; one of each source may still be under way."""
        return max(0, self.captured - self.shown - self.sources)


class PacedSource:
    """A webcam that never fails: JPEG pictures of 640x480 at 15 a second, with a square that moves."""

    warning = ""

    def __init__(self, number: int) -> None:
        random = np.random.default_rng(number)
        ground = random.integers(40, 200, (HEIGHT // 8, WIDTH // 8, 3), np.uint8).repeat(8, 0).repeat(8, 1)
        self._pictures: list[U8] = []
        for at in range(_PICTURES):
            image = ground.copy()
            left = 60 + round(abs(_PICTURES / 2 - at) * 30)
            image[160:360, left : left + 80] = 230
            self._pictures.append(np.asarray(cv2.imencode(".jpg", image)[1], np.uint8))
        self._next, self._began_s = 0, 0.0

    def open(self) -> SourceInfo:
        """See `FrameSource.open`."""
        self._began_s = time.monotonic()
        return SourceInfo(WIDTH, HEIGHT, FPS)

    def read(self) -> Picture:
        """See `FrameSource.read`."""
        due_s = self._began_s + self._next / FPS
        time.sleep(max(0.0, due_s - time.monotonic()))
        image = np.asarray(cv2.imdecode(self._pictures[self._next % _PICTURES], cv2.IMREAD_COLOR), np.uint8)
        image.flags.writeable = False
        self._next += 1
        return Picture(image, time.monotonic())

    def seek(self, t_s: float) -> None:
        """See `FrameSource.seek`; a camera cannot."""

    def close(self) -> None:
        """See `FrameSource.close`."""


class _Counted:
    """The window of several sources, and how many pictures of each were painted."""

    def __init__(self, model: Model, device: str, count: int, folder: Path) -> None:
        self.backend = WatchedBackend(throughput=count > 1, together=count)
        shared = SharedModels(self.backend)
        self.pipelines: list[Pipeline] = []
        self.shown = 0

        def pipeline(history: History) -> Pipeline:
            made = Pipeline(shared, _camera, on_prediction=history.add, history=history)
            self.pipelines.append(made)
            return made

        options = AppOptions(model=str(model.folder), device=device, settings_path=folder / "settings.json")
        sources = [SourceSpec(SourceKind.CAMERA, str(number), f"Camera {number + 1}") for number in range(count)]
        services = CameraServices(pipeline, Registry(), folder, limit=shared.limit)
        self.live = CamerasApp(make_application(), sources, options, services)
        for tile in self.live.tiles:
            tile.canvas.painted.connect(self._painted)

    def _painted(self) -> None:
        self.shown += 1

    @property
    def together(self) -> int:
        """Number of clips that run in one request when so many wait."""
        compiled = self.backend.compiled
        return len(compiled.batches[0].clips) if compiled is not None and compiled.batches else 1

    def wait_until_ready(self) -> None:
        """Run the window until every source is recognized.

        Raises:
            DeviceError: The model gives no predictions.
        """
        until_s = time.monotonic() + READY_WITHIN_S

        def ready() -> bool:
            return all(pipeline.status().predictions > 2 for pipeline in self.pipelines)

        _run_window(lambda: ready() or self._problem() != "" or time.monotonic() > until_s)
        if not ready():
            raise DeviceError(self._problem() or "The model gives no predictions.")

    def _problem(self) -> str:
        notice = self.live.window.notice_bar.notice
        return notice.message if notice is not None else ""


def _camera(spec: SourceSpec) -> PacedSource:
    return PacedSource(int(spec.address))


def _run_window(until: Callable[[], bool]) -> None:
    loop, timer = QEventLoop(), QTimer()
    timer.timeout.connect(lambda: loop.quit() if until() else None)
    timer.start(_POLL_MS)
    loop.exec()


def measure(model: Model, device: str, count: int, seconds: float) -> SeveralMeasurement:
    """Measure one model with `count` sources.

    Raises:
        DeviceError: It gives no predictions.
    """
    if sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    before_s = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_S)
    with tempfile.TemporaryDirectory() as folder:
        counted = _Counted(model, device, count, Path(folder))
        try:
            counted.live.start()
            counted.wait_until_ready()
            return _measured(counted, seconds)
        finally:
            counted.live.window.close()
            sys.setswitchinterval(before_s)


def _measured(counted: _Counted, seconds: float) -> SeveralMeasurement:
    pipelines = counted.pipelines
    before, shown = [pipeline.status() for pipeline in pipelines], counted.shown
    threads, began_s, cpu_s = thread_seconds(), time.monotonic(), time.process_time()
    _run_window(lambda: time.monotonic() - began_s >= seconds)
    elapsed_s, cpu_s = time.monotonic() - began_s, time.process_time() - cpu_s
    used = {number: s - threads.get(number, 0.0) for number, s in thread_seconds().items()}
    after, shown = [pipeline.status() for pipeline in pipelines], counted.shown - shown
    pairs = list(zip(before, after, strict=True))
    return SeveralMeasurement(
        sources=len(pipelines),
        seconds=round(elapsed_s, 3),
        per_s=tuple(round((b.predictions - a.predictions) / elapsed_s, 2) for a, b in pairs),
        captured=sum(b.frames_captured - a.frames_captured for a, b in pairs),
        shown=shown,
        latency_ms=tuple(round(pipeline.latency_ms.percentile(50), 1) for pipeline in pipelines),
        cpu_s=round(cpu_s, 2),
        parts={part: round(s, 2) for part, s in by_part(used, counted.backend.threads).items()},
        together=counted.together,
    )


def run(model: Model, device: str, counts: Sequence[int], seconds: float, json: Path | None) -> int:
    """Measure, print a table, write JSON if it is wanted, and return the exit code."""
    console = Console(stderr=json is not None and str(json) == "-")
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for column in _COLUMNS:
        table.add_column(column, justify="right")
    found = []
    for count in counts:
        one = measure(model, device, count, seconds)
        found.append(one)
        table.add_row(
            str(count),
            f"{min(one.per_s):.1f} to {max(one.per_s):.1f}",
            f"{sum(one.per_s):.1f}",
            f"{min(one.latency_ms):.0f} to {max(one.latency_ms):.0f}",
            str(one.captured),
            str(one.dropped),
            f"{one.cpu_s:.1f}",
            f"{one.parts[NETWORK]:.1f}" if NETWORK in one.parts else "",
            str(one.together),
        )
    about = machine.describe()
    window = QGuiApplication.platformName()
    console.print(
        f"{model.spec.display_name} on {device}, sources of {WIDTH}x{HEIGHT} at {FPS:.0f} pictures a second, "
        f"window on Qt's platform {window!r}, {about.cores} cores"
    )
    console.print(table)
    if json is not None:
        data = msgspec.json.format(
            msgspec.json.encode({"model": model.name, "device": device, "machine": about, "several": found}), indent=2
        )
        if str(json) == "-":
            sys.stdout.write(data.decode() + "\n")
        else:
            files.write_bytes(json, data + b"\n")
    return 0
