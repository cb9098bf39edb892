"""Build the window, connect it to the pipeline, run it and shut it down."""

from __future__ import annotations

import contextlib
import ctypes
import logging
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Protocol

import cv2
from PySide6.QtCore import QMessageLogContext, QObject, QSettings, QTimer, QtMsgType, qInstallMessageHandler
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QApplication

from slowfast_live import __version__, paths
from slowfast_live.core.history import History
from slowfast_live.inference.devices import DeviceInfo
from slowfast_live.inference.spec import Registry
from slowfast_live.sessions.store import SessionStore
from slowfast_live.types import Status
from slowfast_live.ui.closing import Step, take_down
from slowfast_live.ui.commands.menu_bar import RECORDING
from slowfast_live.ui.controller.controller import Controller
from slowfast_live.ui.controller.options import AppOptions
from slowfast_live.ui.controller.pipeline_poller import PipelinePoller
from slowfast_live.ui.controller.protocols import CameraPort, PipelinePort, SessionFacts
from slowfast_live.ui.controller.settings_store import SettingsStore
from slowfast_live.ui.explain.explaining import Explaining
from slowfast_live.ui.main_window import MainWindow
from slowfast_live.ui.models.model_builder import BuildTools, ModelBuilder
from slowfast_live.ui.publish.publishing import Publishing
from slowfast_live.ui.recording.recording import RecordingControls
from slowfast_live.ui.rules.alerts import Alerts
from slowfast_live.ui.sources.queue_controls import QueueControls
from slowfast_live.ui.style.language import translate_qt
from slowfast_live.ui.style.theme import ThemeManager
from slowfast_live.ui.threads.background import BackgroundTasks
from slowfast_live.ui.threads.gc_timer import GcTimer

__all__ = ["AppOptions", "LiveApp", "Services", "make_application", "run"]

log = logging.getLogger(__name__)
qt_log = logging.getLogger("qt")

SWITCH_S = 0.5e-3
"""Python's thread switch interval, in seconds. Painting acquires and releases the GIL a hundred times per frame; at
Python's default of 5 ms, a busy capture or inference thread would stretch 5 ms of painting to 25 ms."""

_M_ARENA_MAX, _ARENAS = -8, 2
"""An option of glibc's `mallopt`, and the number of heaps that the threads share. With the default of one heap per
thread, freed memory is hardly ever reused: switching sources and models at random for half an hour then cost 90 MB."""
_M_MMAP_THRESHOLD, _HEAP_UP_TO = -3, 32 << 20
_M_TRIM_THRESHOLD, _KEPT_FREE = -1, 64 << 20
"""Further ones, in bytes: up to which size memory comes from a heap, and how much free memory a heap keeps at its end.
By default a picture's memory goes back to the system when it is freed, and the system clears it anew, page by page, for
the next one: converting a frame of 1080p then took 1.8 ms instead of 0.7, one of 640x480 0.24 instead of 0.10."""

_LEVELS = {
    QtMsgType.QtDebugMsg: logging.DEBUG,
    QtMsgType.QtInfoMsg: logging.INFO,
    QtMsgType.QtWarningMsg: logging.WARNING,
    QtMsgType.QtCriticalMsg: logging.ERROR,
    QtMsgType.QtFatalMsg: logging.CRITICAL,
}


@dataclass(frozen=True, slots=True)
class Services:
    """The services that the window depends on; each can be replaced in a test.

    Attributes:
        pipeline: Creates the pipeline, without opening anything yet.
        cameras: The available cameras.
        devices: Lists the devices; called off the GUI thread.
        registry: The available models.
        on_close: Called once on closing, with what only the window knows.
        snapshots: Folder of snapshots; None for the user's pictures.
        recordings: Folder of recordings; None for the user's videos.
        build: Builds models.
        history: The history that the pipeline's predictions are written to.
        sessions: The session store; None to keep sessions in memory only.
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
    sessions: SessionStore | None = None


class LiveApp(QObject):
    """The window and everything that belongs to it, for an existing QApplication.

    Args:
        app: The application.
        options: Options from the command line.
        services: The services that the window depends on.
    """

    def __init__(self, app: QApplication, options: AppOptions, services: Services) -> None:
        super().__init__()
        self._app, self._options, self._on_close = app, options, services.on_close
        self._exit_reason = "closed"
        self._closed = False
        self.failed_steps: list[str] = []
        """Names of the steps that failed when the app was closed."""
        self.garbage = GcTimer(self)
        self.background = BackgroundTasks(self)
        self.memory = SettingsStore(options.settings_path, self.background)
        self.themes = ThemeManager(app, self.memory.settings.theme)
        self.pipeline = services.pipeline()
        self.poller = PipelinePoller(self.pipeline, self)
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
            self.poller,
            self.controller,
            self.themes,
            self.background,
            self.builder,
            services.history,
            services.snapshots,
            services.sessions,
        )
        self.window.closed.connect(self.close)
        self.recording = self._add_recording(services.recordings)
        self.alerts = self._add_alerts()
        self.queue = self._add_queue()
        self.publishing = self._add_publishing()
        self.explaining = self._add_explaining()

    def _add_recording(self, folder: Path | None) -> RecordingControls:
        window = self.window
        recording = RecordingControls(self.pipeline, self.memory, self.background, window.actions_by_id, folder, self)
        recording.count = lambda: window.counting.shown
        window.teaching.last_frames = recording.last_frames
        recording.notice.connect(window.notice_bar.show_notice)
        recording.began.connect(self.controller.workload.begin)
        recording.ended.connect(self.controller.workload.end)
        recording.settled.connect(window.notice_bar.settle)
        recording.button.set_theme(self.themes.theme)
        self.themes.changed.connect(recording.button.set_theme)
        self.poller.status.connect(recording.show_status)
        window.add_tools(recording.button)
        recording.fill_menu(window.menu.submenus[RECORDING])
        return recording

    def _add_alerts(self) -> Alerts:
        actions = self.window.actions_by_id
        alerts = Alerts(
            lambda: self.poller.latest_readout,
            lambda: self.controller.labels,
            self.memory,
            self.background,
            actions["rules"],
            self.window,
            people=self.window.people.readouts,
        )
        alerts.notice.connect(self.window.notice_bar.show_notice)
        self.window.event_views.events.rule_wanted.connect(alerts.make_rule)
        alerts.settled.connect(self.window.notice_bar.settle)
        self.poller.status.connect(alerts.update)
        return alerts

    def _add_queue(self) -> QueueControls:
        queue = QueueControls(self.controller, self.window.actions_by_id, self.window)
        self.poller.status.connect(queue.files.update)
        return queue

    def _add_publishing(self) -> Publishing:
        publishing = Publishing(self.memory, self._options.publish, self.window.actions_by_id["publish"], self.window)
        publishing.notice.connect(self.window.notice_bar.show_notice)
        publishing.settled.connect(self.window.notice_bar.settle)
        self.poller.status.connect(lambda status: publishing.update(status, self.poller.latest_readout))
        return publishing

    def _add_explaining(self) -> Explaining:
        window = self.window
        explaining = Explaining(self.pipeline, window.canvas, self.background, window.actions_by_id["explain"], self)
        explaining.notice.connect(window.notice_bar.show_notice)
        explaining.settled.connect(window.notice_bar.settle)
        self.poller.status.connect(lambda status: explaining.update(status, self.poller.latest_readout))
        return explaining

    def start(self) -> None:
        """Show the window; everything slow starts after it is on the screen."""
        self.window.show()
        QTimer.singleShot(0, self, self._begin)
        if self._options.quit_after_s is not None:
            QTimer.singleShot(round(self._options.quit_after_s * 1000), self, lambda: self.quit("quit-after"))

    def _begin(self) -> None:
        if self._closed:
            return
        if self.memory.notice is not None:
            self.poller.emit_notice(self.memory.notice)
        self.poller.start()
        self.controller.start()
        self.publishing.start()
        if self._options.queue:
            self.queue.files.load(self._options.queue)
        self.window.sessions.start()
        if self._options.source is None:  # who names a source knows what they want
            self.window.welcome.greet()

    def quit(self, reason: str) -> None:
        """Close the window, with a reason for the session log."""
        if not self._closed:
            self._exit_reason = reason
            self.window.unattended = True
            self.window.close()

    def close(self) -> None:
        """Shut everything down within a bounded time, each step even if earlier ones failed. Safe to call twice."""
        if self._closed:
            return
        self._closed = True
        self.failed_steps = take_down(self._closing_steps())

    def _closing_steps(self) -> list[Step]:
        """Return the steps of closing: first save what the user made, then stop what is running."""
        facts: list[SessionFacts] = []
        dialogs = self.window.dialogs
        return [
            ("measuring the window", self.window.loop_latency.stop),
            ("collecting the session's facts", lambda: facts.append(self._facts())),
            ("the place of the window", self.window.view.remember_place),
            ("the settings", self.memory.save_now),
            ("the sessions", self.window.sessions.keeper.save_now),
            ("the recording", self.recording.close),
            ("counting", self.window.counting.close),
            ("what is being taught", self.window.teaching.close),
            ("the analysis of files", dialogs.end_analysis),
            ("the measurement of this machine", dialogs.machine_check.close),
            ("the setup of a network", dialogs.setup.close),
            ("the setup of a person detector", dialogs.detectors.close),
            ("the building of models", self.builder.close),
            ("the news of the pipeline", self.poller.stop),
            ("the events", self.window.event_views.close),
            ("the rules", self.alerts.close),
            ("the explanation", self.explaining.close),
            ("the channels to other programs", self.publishing.close),
            ("the theme", self.themes.close),
            ("the source and the model", self.pipeline.stop),
            ("work in the background", lambda: self.background.wait(0.3)),
            ("the collection of garbage", self.garbage.close),
            ("the summary of the session", lambda: self._summarize(facts)),
            ("the application", self._app.quit),
        ]

    def _facts(self) -> SessionFacts:
        return SessionFacts(
            frames_shown=self.window.shown_frames,
            display_fps=self.window.mean_display_fps,
            ui_stall_ms_p99=self.window.loop_latency.p99_ms,
            ui_stall_ms_max=self.window.loop_latency.max_ms,
            ui_work_ms_p99=self.window.loop_latency.work_p99_ms,
            ui_work_ms_max=self.window.loop_latency.work_max_ms,
            exit_reason=self._exit_reason,
            status=self.pipeline.status(),
            first_shown_s=self.window.first_shown_s,
        )

    def _summarize(self, known: Sequence[SessionFacts]) -> None:
        facts = known[0] if known else SessionFacts(0, 0.0, 0.0, 0.0, 0.0, 0.0, self._exit_reason, Status())
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


def make_application() -> QApplication:
    """Create the QApplication: name, icon, Qt messages to our log, and process-wide settings."""
    qInstallMessageHandler(_to_log)
    cv2.setNumThreads(1)  # its worker threads spin while waiting, on cores that the network needs
    if sys.platform.startswith("linux"):
        with contextlib.suppress(OSError, AttributeError):  # other C libraries have no such option
            mallopt = ctypes.CDLL(None).mallopt
            for option, value in (
                (_M_ARENA_MAX, _ARENAS),
                (_M_MMAP_THRESHOLD, _HEAP_UP_TO),
                (_M_TRIM_THRESHOLD, _KEPT_FREE),
            ):
                mallopt(option, value)
    QApplication.setApplicationName(paths.APP)
    QApplication.setApplicationDisplayName("SlowFast Live")
    QApplication.setApplicationVersion(__version__)
    QApplication.setDesktopFileName(paths.APP)
    # Qt's file dialog saves its own size and folders in a file of this scope: keep it with our settings.
    for kind in (QSettings.Format.NativeFormat, QSettings.Format.IniFormat):
        QSettings.setPath(kind, QSettings.Scope.UserScope, str(paths.settings_file().parent))
    existing = QApplication.instance()
    app = existing if isinstance(existing, QApplication) else QApplication(sys.argv[:1])
    translate_qt(app)
    app.setWindowIcon(QIcon(str(paths.bundled("assets") / "icon.svg")))
    return app


def run(options: AppOptions, services: Services) -> int:
    """Run the window until it is closed; return the exit code, 1 if something could not be saved on closing.

    Args:
        options: Options from the command line.
        services: The services that the window depends on.
    """
    signals = QuitSignals()
    switch_s = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_S)
    live: LiveApp | None = None
    try:
        app = make_application()
        live = LiveApp(app, options, services)
        signals.attach(live)
        live.start()
        code = app.exec()
        live.close()
        return code or int(bool(live.failed_steps))
    finally:
        if live is not None:
            live.close()
        signals.restore()
        sys.setswitchinterval(switch_s)


class Quits(Protocol):
    """An app that can be asked to close its window."""

    def quit(self, reason: str) -> None:
        """Close the window, with a reason for the session log."""
        ...


class QuitSignals:
    """Makes SIGINT and SIGTERM close the window.

    The handler raises nothing: PySide crashes if an exception interrupts a Qt call that runs Python code, such as
    setting a style sheet. Python runs it between two bytecode instructions; the poller's timer keeps Python running.
    """

    def __init__(self) -> None:
        self._live: Quits | None = None
        self._received = ""
        self._before = {which: signal.signal(which, self._handle) for which in (signal.SIGINT, signal.SIGTERM)}

    def attach(self, live: Quits) -> None:
        """Close this app on a signal, also on one that has come before."""
        self._live = live
        if self._received:
            self._quit()

    def restore(self) -> None:
        """Restore the previous handlers."""
        for which, handler in self._before.items():
            signal.signal(which, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self._received = signal.Signals(number).name
        if self._live is not None:
            self._quit()

    def _quit(self) -> None:
        live, name = self._live, self._received
        assert live is not None
        assert isinstance(live, QObject)
        QTimer.singleShot(0, live, lambda: live.quit(name))


def _to_log(kind: QtMsgType, context: QMessageLogContext, message: str) -> None:
    qt_log.log(_LEVELS.get(kind, logging.WARNING), "%s", message)
