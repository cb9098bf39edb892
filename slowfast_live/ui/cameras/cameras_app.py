"""Builds the window of several sources, runs it and shuts it down."""

from __future__ import annotations

import logging
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, Qt, QTimer
from PySide6.QtWidgets import QApplication, QMessageBox

from slowfast_live.colors import use_labels
from slowfast_live.core.history import History
from slowfast_live.errors import ModelError, SlowFastLiveError
from slowfast_live.inference.spec import Model, Registry
from slowfast_live.sessions.store import SessionStore
from slowfast_live.types import Level, Notice, SourceSpec, Status, Topic
from slowfast_live.ui.app import SWITCH_S, QuitSignals, make_application
from slowfast_live.ui.cameras.cameras_window import CamerasWindow
from slowfast_live.ui.cameras.pace import SharedPace
from slowfast_live.ui.cameras.shared_rules import SharedRules
from slowfast_live.ui.cameras.tile import CameraTile, TileServices
from slowfast_live.ui.closing import Step, take_down
from slowfast_live.ui.commands.menu_bar import THEMES
from slowfast_live.ui.controller.controller import DEFAULT_DEVICE, NO_MODEL
from slowfast_live.ui.controller.options import AppOptions
from slowfast_live.ui.controller.protocols import PipelinePort
from slowfast_live.ui.controller.settings_store import SettingsStore
from slowfast_live.ui.style import formatting
from slowfast_live.ui.style.fitting import resize_to_fit
from slowfast_live.ui.style.language import tr, words
from slowfast_live.ui.style.theme import Mode, ThemeManager
from slowfast_live.ui.threads.background import BackgroundTasks

log = logging.getLogger(__name__)

_SUM_EVERY_MS = 500
FEW = 4
"""Up to so many sources, people are followed as in the window of one; with more, only where the user wants it."""


@dataclass(frozen=True, slots=True)
class CameraServices:
    """What the window of several sources depends on; each can be replaced in a test.

    Attributes:
        pipeline: Creates a pipeline that writes to a history; all of them share one model.
        registry: The available models.
        recordings: Folder of recordings; None for the user's videos.
        sessions: The session store; None to keep sessions in memory only.
        on_close: Called once on closing, with the tiles.
        limit: Sets the most predictions per second of all sources together; None for no limit.
    """

    pipeline: Callable[[History], PipelinePort]
    registry: Registry
    recordings: Path | None = None
    sessions: SessionStore | None = None
    on_close: Callable[[Sequence[CameraTile]], object] | None = None
    limit: Callable[[float | None], object] = lambda per_s: None


class CamerasApp(QObject):
    """The window of several sources and everything that belongs to it.

    Args:
        app: The application.
        sources: The sources, one to nine.
        options: Options from the command line.
        services: What it depends on.
        title: Name of the set of sources; "" for none.
    """

    def __init__(
        self,
        app: QApplication,
        sources: Sequence[SourceSpec],
        options: AppOptions,
        services: CameraServices,
        title: str = "",
    ) -> None:
        super().__init__()
        self._app, self._options, self._services, self._closed = app, options, services, False
        self._unattended = False
        self.background = BackgroundTasks(self)
        self.memory = SettingsStore(options.settings_path, self.background)
        self.themes = ThemeManager(app, self.memory.settings.theme)
        self._shared = TileServices(self.memory, self.background, services.recordings, services.sessions, len(sources))
        marks = marks_of([formatting.source_stem(source) for source in sources])
        self.tiles = [self._tile(source, mark) for source, mark in zip(sources, marks, strict=True)]
        self.window = CamerasWindow(self.tiles, self.themes, title)
        self.window.closed.connect(self.close)
        self.window.may_close = self._may_close
        self.rules = SharedRules(self.tiles, self.memory, self.background, self.window)
        self.rules.notice.connect(self.window.show_notice)
        self.rules.settled.connect(self.window.notice_bar.settle)
        self._fill_menu()
        self._timer = QTimer(self)
        self._timer.setInterval(_SUM_EVERY_MS)
        self._timer.timeout.connect(self._sum_up)
        self._model: Model | None = None
        self._pace, self._counted = SharedPace(len(self.tiles)), (0, 0)

    def _tile(self, source: SourceSpec, mark: str) -> CameraTile:
        history = History()
        pipeline = self._services.pipeline(history)
        options, settings = self._options, self.memory.settings
        pipeline.set_loop(settings.loop if options.loop is None else options.loop)
        pipeline.set_threshold(settings.threshold if options.threshold is None else options.threshold)
        if options.rate is not None:
            pipeline.set_rate_limit(options.rate)
        tile = CameraTile(source, pipeline, history, self._shared, mark)
        tile.model.threshold = settings.threshold if options.threshold is None else options.threshold
        tile.commands["mirror"].setChecked(settings.mirror if options.mirror is None else options.mirror)
        tile.commands["people"].setChecked(settings.people and self._shared.count <= FEW)
        return tile

    def _fill_menu(self) -> None:
        """Add what concerns all sources to the window's menu."""
        menu, tiles = self.window.menu, self.tiles
        self._record = menu.addAction(tr("Record all sources"))
        self._record.triggered.connect(lambda: self._record_all())
        tiles[0].recording.fill_menu(menu.addMenu(tr("Recording options")))
        for tile in tiles[1:]:
            tiles[0].recording.replay_chosen.connect(tile.recording.keep_last)
        people = menu.addAction(tr("Follow people"))
        people.setCheckable(True)
        people.setChecked(all(tile.commands["people"].isChecked() for tile in tiles))
        for tile in tiles:
            people.toggled.connect(tile.commands["people"].setChecked)
        menu.addAction(tiles[0].commands["rules"])
        menu.addSeparator()
        themes = menu.addMenu(tr("Theme"))
        for text, mode in THEMES:
            themes.addAction(text).triggered.connect(lambda _=False, mode=mode: self._choose_theme(mode))
        menu.addAction(self.window.full_screen)
        menu.aboutToShow.connect(lambda: self._record.setText(self._record_text()))

    def _choose_theme(self, mode: Mode) -> None:
        self.memory.settings.theme = mode
        self.memory.changed()
        self.themes.set_mode(mode)

    def _record_text(self) -> str:
        recording = all(tile.recording.progress is not None for tile in self.tiles)
        return tr("Stop all recordings") if recording else tr("Record all sources")

    def _record_all(self) -> None:
        """Record every source from now on; if all are recorded, stop that."""
        idle = [tile for tile in self.tiles if tile.recording.progress is None]
        for tile in idle or self.tiles:
            tile.recording.toggle()

    def _may_close(self) -> bool:
        """Save all sessions; if that fails, ask what to do, without blocking, and return False until answered."""
        failures = [failure for tile in self.tiles if (failure := tile.keeper.save_now()) is not None]
        if not failures or self._unattended:
            return True
        box = QMessageBox(self.window)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.setWindowTitle(tr("Edits cannot be saved"))
        box.setTextFormat(Qt.TextFormat.PlainText)
        box.setIcon(QMessageBox.Icon.Warning)
        names = [one.source.name for tile in self.tiles for one in tile.keeper.unkept]
        box.setText(tr("Your edits of {names} cannot be saved.", names=", ".join(dict.fromkeys(names))))
        box.setInformativeText(str(failures[0]))
        leave = box.addButton(tr("Quit without saving"), QMessageBox.ButtonRole.DestructiveRole)
        stay = box.addButton(tr("Stay"), QMessageBox.ButtonRole.RejectRole)
        box.setDefaultButton(stay)
        box.setEscapeButton(stay)
        leave.clicked.connect(lambda: self.quit("edits are not saved"))
        box.open()
        return False

    def quit(self, reason: str) -> None:
        """Close the window without asking."""
        log.info("Closing: %s", reason)
        self._unattended = True
        self.window.close()

    def start(self) -> None:
        """Show the window; sources and model follow when it is on the screen."""
        resize_to_fit(self.window, 1280, 800)
        self.window.show()
        QTimer.singleShot(0, self, self._begin)
        if self._options.quit_after_s is not None:
            QTimer.singleShot(round(self._options.quit_after_s * 1000), self, lambda: self.quit("quit-after"))

    def _begin(self) -> None:
        if self._closed:
            return
        for tile in self.tiles:
            tile.start()
        self.tiles[0].keeper.prune()
        self._timer.start()
        self.background.run(self._find_model, self._use, self._no_model, name="models")

    def _find_model(self) -> Model:
        registry, asked = self._services.registry, self._options.model or self.memory.settings.model
        if asked is not None:
            try:
                return registry.find(asked)
            except SlowFastLiveError:
                if self._options.model is not None:
                    raise
        models, _ = registry.scan()
        if not models:
            raise ModelError(NO_MODEL)
        return models[0]

    def _use(self, model: Model) -> None:
        self._model = model
        use_labels(model.spec.actions)
        device = self._options.device or self.memory.settings.device or DEFAULT_DEVICE
        for tile in self.tiles:
            tile.use_model(model, device)

    def _no_model(self, error: Exception) -> None:
        self.window.notice_bar.show_notice(Notice(Level.ERROR, words(error), repr(error), topic=Topic.MODELS))

    def _sum_up(self) -> None:
        statuses = [tile.poller.latest_status for tile in self.tiles]
        self._keep_pace(statuses)
        device = next((status.device for status in statuses if status.device), "")
        if self._model is None or not device or not any(status.source_fps > 0 for status in statuses):
            return
        rates = [status.predictions_per_s for status in statuses if status.source_fps > 0]
        self.window.show_model(
            tr(
                "{model} on {device}: {all} predictions/s for {sources} sources, {least} to {most} each",
                model=self._model.spec.display_name,
                device=device,
                all=f"{sum(rates):.1f}",
                sources=len(rates),
                least=f"{min(rates):.1f}",
                most=f"{max(rates):.1f}",
            )
        )

    def _keep_pace(self, statuses: Sequence[Status]) -> None:
        """Let the model run less often while pictures come too late to be shown."""
        came = sum(status.frames_captured for status in statuses)
        late = sum(s.frames_dropped + tile.poller.scaler.late for s, tile in zip(statuses, self.tiles, strict=True))
        before, self._counted = self._counted, (came, late)
        known = self._pace.per_s
        limit = self._pace.update(came - before[0], late - before[1], sum(s.predictions_per_s for s in statuses))
        if limit != known:
            self._services.limit(limit)

    def close(self) -> None:
        """Shut everything down within a bounded time, each step even if earlier ones failed. Safe to call twice."""
        if self._closed:
            return
        self._closed = True
        self._timer.stop()
        steps: list[Step] = [("the settings", self.memory.save_now)]
        steps += [(f"session {number}", tile.keeper.save_now) for number, tile in enumerate(self.tiles, 1)]
        steps.append(("the rules", self.rules.close))
        if self._services.on_close is not None:
            on_close = self._services.on_close
            steps.append(("the summary", lambda: on_close(self.tiles)))
        steps += [(f"source {number}", tile.close_source) for number, tile in enumerate(self.tiles, 1)]
        steps += [
            ("work in the background", lambda: self.background.wait(0.3)),
            ("the theme", self.themes.close),
            ("the application", self._app.quit),
        ]
        take_down(steps)


def marks_of(stems: Sequence[str]) -> list[str]:
    """Return what tells sources of the same name apart: " 1", " 2" ... for those, "" for the others."""
    counts, seen = Counter(stems), Counter[str]()
    marks = []
    for stem in stems:
        seen[stem] += 1
        marks.append(f" {seen[stem]}" if counts[stem] > 1 else "")
    return marks


def run_cameras_app(
    sources: Sequence[SourceSpec], options: AppOptions, services: CameraServices, title: str = ""
) -> int:
    """Run the window of several sources until it is closed; return the exit code."""
    signals = QuitSignals()
    app = make_application()
    before_s = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_S)
    live = CamerasApp(app, sources, options, services, title)
    try:
        signals.attach(live)
        live.start()
        return app.exec()
    finally:
        live.close()
        signals.restore()
        sys.setswitchinterval(before_s)
