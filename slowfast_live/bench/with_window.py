"""The contenders with a window: the app as users run it, and the picture alone. The only ones that load Qt.

The window runs on the main thread, orders are served on another one.
"""

from __future__ import annotations

import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO

from slowfast_live.bench.live import Live
from slowfast_live.bench.results import Facts, Reading
from slowfast_live.bench.turns import Contender, serve
from slowfast_live.inference.devices import DeviceInfo
from slowfast_live.inference.spec import Model, Registry
from slowfast_live.types import SourceKind, SourceSpec
from slowfast_live.ui.app import SWITCH_S, AppOptions, LiveApp, Services, make_application
from slowfast_live.ui.bell import Bell
from slowfast_live.ui.bridge import ShownFrames
from slowfast_live.ui.canvas import Canvas
from slowfast_live.ui.presenter import Presenter

_CANVAS = (976, 610)
"""As large as the picture's part of a window of 1280 x 800, in pixels."""


class NoCameras:
    """A machine without cameras: nothing is looked for while something is measured."""

    version = 1

    def cameras(self) -> list[SourceSpec]:
        """See `CameraPort.cameras`."""
        return []


class WindowContender:
    """See `Contender`; made and used on a thread beside the window's.

    Args:
        live: The window's pipeline, being opened.
    """

    def __init__(self, live: Live) -> None:
        self._live = live
        live.wait_until_ready()

    def facts(self) -> Facts:
        """See `Contender.facts`."""
        return self._live.facts()

    def run(self, seconds: float) -> Reading:
        """See `Contender.run`."""
        return self._live.run(seconds)

    def close(self) -> None:
        """See `Contender.close`: the window closes its pipeline itself."""


def run_window(model: Model, device: str, video: Path, orders: IO[bytes], answers: IO[bytes]) -> int:
    """Open the window, serve the orders, close it when there are no more; return Qt's exit code."""
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
    """Show the picture in a window with nothing else, serve the orders; return Qt's exit code.

    What this costs more than the pipeline is the least that showing pictures costs: scaled on a thread, painted by Qt.
    """
    app = make_application()
    sys.setswitchinterval(SWITCH_S)
    canvas, shown, came = Canvas(), ShownFrames(), Bell()
    live = Live(model, device, video, shown=lambda: shown.count)
    presenter = Presenter(live.pipeline.frame, came.ring)

    def present() -> None:
        if (presented := presenter.take()) is not None:
            canvas.present(presented)

    def begin() -> Live:
        live.begin(SourceSpec(SourceKind.FILE, str(video)))
        return live

    came.rung.connect(present)
    canvas.painted.connect(shown.add)
    canvas.target_changed.connect(presenter.set_target)
    live.pipeline.watch(lambda _frame: presenter.wake())
    canvas.resize(*_CANVAS)
    canvas.show()
    presenter.start()
    served = _serve_beside(begin, orders, answers)
    served.rung.connect(app.quit)
    try:
        return app.exec()
    finally:
        presenter.stop()
        live.close()


def _serve_beside(make: Callable[[], Contender], orders: IO[bytes], answers: IO[bytes]) -> Bell:
    """Serve the orders on a thread; return what rings on this one when there are no more."""
    served = Bell()

    def work() -> None:
        serve(make, orders, answers)
        served.ring()

    threading.Thread(target=work, name="orders", daemon=True).start()
    return served
