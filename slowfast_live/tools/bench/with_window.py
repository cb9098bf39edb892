"""The contenders with a window: the app as users run it, and the video display alone. The only ones that load Qt.

The window runs on the main thread; commands are served on another one.
"""

from __future__ import annotations

import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO

from slowfast_live.inference.devices import DeviceInfo
from slowfast_live.inference.spec import Model, Registry
from slowfast_live.tools.bench.live import Live
from slowfast_live.tools.bench.protocol import Contender, serve
from slowfast_live.tools.bench.results import Facts, Measurement
from slowfast_live.types import SourceKind, SourceSpec
from slowfast_live.ui.app import SWITCH_S, AppOptions, LiveApp, Services, make_application
from slowfast_live.ui.controller.pipeline_poller import ShownFrames
from slowfast_live.ui.threads.wakeup import Wakeup
from slowfast_live.ui.video.canvas import Canvas
from slowfast_live.ui.video.frame_scaler import FrameScaler

_CANVAS = (976, 610)
"""Size in pixels, that of the video area in a window of 1280 x 800."""


class NoCameras:
    """A machine without cameras, so that no camera search disturbs the measurement."""

    version = 1

    def cameras(self) -> list[SourceSpec]:
        """See `CameraPort.cameras`."""
        return []


class WindowContender:
    """A window's pipeline as a `Contender`; created and used on a thread other than the window's.

    Args:
        live: The window's pipeline, which is being opened.
    """

    def __init__(self, live: Live) -> None:
        self._live = live
        live.wait_until_ready()

    def facts(self) -> Facts:
        """See `Contender.facts`."""
        return self._live.facts()

    def run(self, seconds: float) -> Measurement:
        """See `Contender.run`."""
        return self._live.run(seconds)

    def close(self) -> None:
        """See `Contender.close`; the window closes its pipeline itself."""


def run_window(model: Model, device: str, video: Path, orders: IO[bytes], answers: IO[bytes]) -> int:
    """Open the window, serve the commands, close it at the end of the input; return Qt's exit code."""
    app = make_application()
    sys.setswitchinterval(SWITCH_S)
    windows: list[LiveApp] = []
    live = Live(model, device, video, shown=lambda: windows[0].window.shown_frames)
    with tempfile.TemporaryDirectory() as folder:
        options = AppOptions(
            source=SourceSpec(SourceKind.FILE, str(video)),
            model=str(model.folder),
            device=device,
            settings_path=Path(folder) / "settings.json",
        )
        services = Services(
            pipeline=lambda: live.pipeline,
            cameras=NoCameras(),
            devices=lambda: [DeviceInfo(device, device)],
            registry=Registry([]),
        )
        window = LiveApp(app, options, services)
        windows.append(window)
        window.start()

        served = _serve_beside(lambda: WindowContender(live), orders, answers)
        served.rung.connect(window.window.close)
        try:
            return app.exec()
        finally:
            window.close()


def run_picture(model: Model, device: str, video: Path, orders: IO[bytes], answers: IO[bytes]) -> int:
    """Show the video in a bare window, serve the commands; return Qt's exit code.

    The additional cost over the pipeline is the minimum for showing video: scaling on a thread, painting by Qt.
    """
    app = make_application()
    sys.setswitchinterval(SWITCH_S)
    canvas, shown, came = Canvas(), ShownFrames(), Wakeup()
    live = Live(model, device, video, shown=lambda: shown.count)
    scaler = FrameScaler(live.pipeline.frame, came.ring)

    def present() -> None:
        if (presented := scaler.take()) is not None:
            canvas.present(presented)

    def begin() -> Live:
        live.begin(SourceSpec(SourceKind.FILE, str(video)))
        return live

    came.rung.connect(present)
    canvas.painted.connect(shown.add)
    canvas.target_changed.connect(scaler.set_target)
    live.pipeline.watch(lambda _frame: scaler.wake())
    canvas.resize(*_CANVAS)
    canvas.show()
    scaler.start()
    served = _serve_beside(begin, orders, answers)
    served.rung.connect(app.quit)
    try:
        return app.exec()
    finally:
        scaler.stop()
        live.close()


def _serve_beside(make: Callable[[], Contender], orders: IO[bytes], answers: IO[bytes]) -> Wakeup:
    """Serve the commands on a thread; return a wakeup that signals the calling thread when there are no more."""
    served = Wakeup()

    def work() -> None:
        serve(make, orders, answers)
        served.ring()

    threading.Thread(target=work, name="orders", daemon=True).start()
    return served
