"""Builds the window, wires the pipeline to it, runs it and takes it down again."""

from __future__ import annotations

import contextlib
import ctypes
import logging
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

import cv2
from PySide6.QtCore import QMessageLogContext, QObject, QTimer, QtMsgType, qInstallMessageHandler
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QApplication

from slowfast_live import __version__, paths
from slowfast_live.core.history import History
from slowfast_live.inference.devices import DeviceInfo
from slowfast_live.inference.spec import Registry
from slowfast_live.ui.alerts import Alerts
from slowfast_live.ui.background import Background
from slowfast_live.ui.bridge import Bridge
from slowfast_live.ui.controller import Controller
from slowfast_live.ui.garbage import GarbageCollector
from slowfast_live.ui.main_window import MainWindow
from slowfast_live.ui.memory import Memory
from slowfast_live.ui.model_builder import BuildTools, ModelBuilder
from slowfast_live.ui.options import AppOptions
from slowfast_live.ui.ports import CameraPort, PipelinePort, SessionFacts
from slowfast_live.ui.recording import Recording
from slowfast_live.ui.theme import ThemeManager

__all__ = ["AppOptions", "LiveApp", "Services", "make_application", "run"]

log = logging.getLogger(__name__)
qt_log = logging.getLogger("qt")

SWITCH_S = 0.5e-3
"""A thread that wants Python's lock gets it after this time. Painting takes and leaves the lock a hundred times a
picture; at Python's own 5 ms a busy capture or inference thread would stretch 5 ms of painting to 25."""

_M_ARENA_MAX, _ARENAS = -8, 2
"""An option of glibc's `mallopt`, and how many heaps the threads share: of one each, as it makes them by itself, what
is freed is hardly used again. Switching sources and models at random for half an hour then cost 90 MB."""

_LEVELS = {
    QtMsgType.QtDebugMsg: logging.DEBUG,
    QtMsgType.QtInfoMsg: logging.INFO,
    QtMsgType.QtWarningMsg: logging.WARNING,
    QtMsgType.QtCriticalMsg: logging.ERROR,
    QtMsgType.QtFatalMsg: logging.CRITICAL,
}


@dataclass(frozen=True, slots=True)
class Services:
    """What the window runs on; each can be faked.

    Attributes:
        pipeline: Makes the pipeline; it opens nothing yet.
        cameras: The cameras at hand.
        devices: Lists the devices; called on a thread.
        registry: The models at hand.
        on_close: Called once with what only the window knows, when it is closed.
        snapshots: Folder of the snapshots; the user's pictures where None.
        recordings: Folder of the recordings; the user's videos where None.
        build: What builds models.
        history: What the pipeline's predictions are written to.
    """

    pipeline: Callable[[], PipelinePort]
    cameras: CameraPort
    devices: Callable[[], list[DeviceInfo]]
    registry: Registry
    on_close: Callable[[SessionFacts], object] | None = None
    snapshots: Path | None = None
    recordings: Path | None = None
    build: BuildTools | None = None
    history: History = field(default_factory=History)


class LiveApp(QObject):
    """The window and all that belongs to it, inside a QApplication that exists already.

    Args:
        app: The application.
        options: What the command line asked for.
        services: What the window runs on.
    """

    def __init__(self, app: QApplication, options: AppOptions, services: Services) -> None:
        super().__init__()
        self._app, self._options, self._on_close = app, options, services.on_close
        self._exit_reason = "closed"
        self._closed = False
        self.garbage = GarbageCollector(self)
        self.background = Background(self)
        self.memory = Memory(options.settings_path, self.background)
        self.themes = ThemeManager(app, self.memory.settings.theme)
        self.pipeline = services.pipeline()
        self.bridge = Bridge(self.pipeline, self)
        self.controller = Controller(
            self.pipeline,
            services.cameras,
            services.devices,
            services.registry,
            self.memory,
            self.background,
            options,
        )
        self.builder = ModelBuilder(services.build, self)
        self.window = MainWindow(
            self.bridge,
            self.controller,
            self.themes,
            self.background,
            self.builder,
            services.history,
            services.snapshots,
        )
        self.window.closed.connect(self.close)
        self.recording = self._add_recording(services.recordings)
        self.alerts = self._add_alerts()

    def _add_recording(self, folder: Path | None) -> Recording:
        window = self.window
        recording = Recording(self.pipeline, self.memory, self.background, window.actions_by_id, folder, self)
        recording.notice.connect(window.notice_bar.show_notice)
        recording.settled.connect(window.notice_bar.withdraw)
        recording.button.set_theme(self.themes.theme)
        self.themes.changed.connect(recording.button.set_theme)
        self.bridge.status.connect(recording.show_status)
        window.source_bar.add_tool(recording.button)
        window.menu.insertMenu(window.actions_by_id["full_screen"], recording.make_menu(window.menu))
        return recording

    def _add_alerts(self) -> Alerts:
        actions = self.window.actions_by_id
        alerts = Alerts(
            lambda: self.bridge.latest_readout,
            lambda: self.controller.labels,
            self.memory,
            self.background,
            actions["rules"],
            self.window,
        )
        alerts.notice.connect(self.window.notice_bar.show_notice)
        self.bridge.status.connect(alerts.look)
        self.window.menu.insertAction(actions["models"], actions["rules"])
        return alerts

    def start(self) -> None:
        """Show the window; everything that takes time begins after it is on the screen."""
        self.window.show()
        QTimer.singleShot(0, self, self._begin)
        if self._options.quit_after_s is not None:
            QTimer.singleShot(round(self._options.quit_after_s * 1000), self, lambda: self.quit("quit-after"))

    def _begin(self) -> None:
        if self._closed:
            return
        if self.memory.notice is not None:
            self.bridge.tell(self.memory.notice)
        self.bridge.start()
        self.controller.start()

    def quit(self, reason: str) -> None:
        """Close the window, for a reason that the session's log names."""
        if not self._closed:
            self._exit_reason = reason
            self.window.close()

    def close(self) -> None:
        """Take everything down; bounded. Safe to call twice."""
        if self._closed:
            return
        self._closed = True
        self.window.stall_meter.stop()
        self.builder.close()
        status = self.pipeline.status()
        facts = SessionFacts(
            frames_shown=self.window.shown_frames,
            display_fps=self.window.mean_display_fps,
            ui_stall_ms_p99=self.window.stall_meter.p99_ms,
            ui_stall_ms_max=self.window.stall_meter.max_ms,
            ui_work_ms_p99=self.window.stall_meter.work_p99_ms,
            ui_work_ms_max=self.window.stall_meter.work_max_ms,
            exit_reason=self._exit_reason,
            status=status,
            first_shown_s=self.window.first_shown_s,
        )
        self.bridge.stop()
        self.window.story.close()
        self.recording.close()
        self.alerts.close()
        self.themes.close()
        self.pipeline.stop()
        self.memory.save_now()
        self.background.wait(1.0)
        self.garbage.close()
        if self._on_close is not None:
            self._on_close(facts)
        log.info(
            "shown %d frames, %.1f a second; GUI thread away at most %.1f ms (99 %%: %.1f), at work %.1f (%.1f)",
            facts.frames_shown,
            facts.display_fps,
            facts.ui_stall_ms_max,
            facts.ui_stall_ms_p99,
            facts.ui_work_ms_max,
            facts.ui_work_ms_p99,
        )
        self._app.quit()


def make_application() -> QApplication:
    """Make the QApplication: name, icon, and Qt's messages into our log; and set what the whole process needs."""
    qInstallMessageHandler(_to_log)
    cv2.setNumThreads(1)  # its workers wait by spinning, on the cores that the network needs
    if sys.platform.startswith("linux"):
        with contextlib.suppress(OSError, AttributeError):  # another C library has no such option
            ctypes.CDLL(None).mallopt(_M_ARENA_MAX, _ARENAS)
    QApplication.setApplicationName(paths.APP)
    QApplication.setApplicationDisplayName("SlowFast Live")
    QApplication.setApplicationVersion(__version__)
    QApplication.setDesktopFileName(paths.APP)
    existing = QApplication.instance()
    app = existing if isinstance(existing, QApplication) else QApplication(sys.argv[:1])
    app.setWindowIcon(QIcon(str(paths.bundled("assets") / "icon.svg")))
    return app


def run(options: AppOptions, services: Services) -> int:
    """Run the window until it is closed; return the exit code.

    Args:
        options: What the command line asked for.
        services: What the window runs on.
    """
    app = make_application()
    switch_s = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_S)
    live = LiveApp(app, options, services)
    restore = _quit_on_signals(live)
    try:
        live.start()
        return app.exec()
    finally:
        live.close()
        restore()
        sys.setswitchinterval(switch_s)


def _quit_on_signals(live: LiveApp) -> Callable[[], None]:
    """Close the window on SIGINT and SIGTERM; return what puts the old handlers back.

    Python runs a handler between two of its own instructions; the bridge's timers give it some.
    """

    def handle(number: int, frame: FrameType | None) -> None:
        name = signal.Signals(number).name
        QTimer.singleShot(0, live, lambda: live.quit(name))

    before = {which: signal.signal(which, handle) for which in (signal.SIGINT, signal.SIGTERM)}

    def restore() -> None:
        for which, handler in before.items():
            signal.signal(which, handler)

    return restore


def _to_log(kind: QtMsgType, context: QMessageLogContext, message: str) -> None:
    qt_log.log(_LEVELS.get(kind, logging.WARNING), "%s", message)
