"""One source in the window of several: picture with overlay, timeline row, events, session, rules and recording."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from PySide6.QtCore import QObject, QPointF, QTimer, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QHBoxLayout, QMenu, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from slowfast_live.core.history import History
from slowfast_live.inference.spec import Model
from slowfast_live.people.now import AUTOMATIC, OFF
from slowfast_live.recording.replay import LIMIT_BYTES
from slowfast_live.sessions.store import SessionStore
from slowfast_live.types import Notice, PipelineState, SourceSpec, Status, Topic
from slowfast_live.ui.commands.commands import describe
from slowfast_live.ui.controller.pipeline_poller import STATUS_POLL_MS, PipelinePoller
from slowfast_live.ui.controller.protocols import PipelinePort
from slowfast_live.ui.controller.settings_store import SettingsStore
from slowfast_live.ui.events.event_views import EventViews
from slowfast_live.ui.people.feature import PeopleFeature
from slowfast_live.ui.recording.recording import RecordingControls
from slowfast_live.ui.sessions.keeper import SessionKeeper
from slowfast_live.ui.style import formatting, icons
from slowfast_live.ui.style.elided_label import ElidedLabel
from slowfast_live.ui.style.language import tr
from slowfast_live.ui.style.palette import Theme
from slowfast_live.ui.style.theme import GRID
from slowfast_live.ui.threads.background import BackgroundTasks
from slowfast_live.ui.video import overlay
from slowfast_live.ui.video.canvas import Canvas, empty_words
from slowfast_live.ui.video.frame_scaler import ScaledFrame
from slowfast_live.ui.video.overlay import Overlay

_FEW = 3
"""So few other sources cost nothing worth saving."""
_SMALL_PX, _NARROW_PX = 150, 320
"""A picture of less height or width is too small for a label over it."""
_BUTTONS_PX = 240
"""A source of less width has no room for buttons beside its label; its menu has them, too."""
_TAGS_PX = 320
"""A picture of less height has no room for the names and actions of people beside its label."""
SMALL_POLL_MS = 300
"""How often the status of a source is polled that is not shown large: nobody follows nine timelines closely, and
polling and painting them all ten times a second costs a seventh of a core."""
RETRY_S = 5
"""Seconds between two tries to open a camera or stream that failed at the start."""
_COMMANDS = {
    "large": tr("Show large"),
    "play_pause": tr("Play or pause"),
    "retry": tr("Try again"),
    "record": tr("Record"),
    "save_last": tr("Save the last 30 seconds"),
    "people": tr("Follow people"),
    "mirror": tr("Mirror the picture"),
    "add_event": tr("Add an event…"),
    "export_events": tr("Export events…"),
    "undo": tr("Undo"),
    "redo": tr("Redo"),
    "rules": tr("Rules…"),
}
_MENU = (
    "large", "play_pause", "retry", "", "record", "save_last", "", "people", "mirror", "", "add_event", "export_events",
)  # fmt: skip
"""The commands of a source's menu; "" is a separator."""
_CHECKABLE = ("people", "mirror")


@dataclass(frozen=True, slots=True)
class TileServices:
    """What all sources share.

    Attributes:
        memory: The settings.
        background: Runs slow work off the GUI thread.
        recordings: Folder of recordings; None for the user's videos.
        sessions: The session store; None to keep sessions in memory only.
        count: Number of sources, which share the memory for their last seconds.
    """

    memory: SettingsStore
    background: BackgroundTasks
    recordings: Path | None = None
    sessions: SessionStore | None = None
    count: int = 1


class TileModel(QObject):
    """What the views of a source's events need to know of the model."""

    model_changed = Signal(object)
    """Emits the `Model` that runs now."""
    models_changed = Signal(object)
    """Emits the available models."""
    threshold: float | None = None
    labels: tuple[str, ...] = ()
    """The actions that the model knows."""
    mirror: bool = False
    """Whether left and right are swapped."""

    def __init__(self, pipeline: PipelinePort, parent: QObject) -> None:
        super().__init__(parent)
        self.pipeline = pipeline

    def use(self, model: Model) -> None:
        """Take over another model."""
        self.labels = model.spec.actions
        self.models_changed.emit([model])
        self.model_changed.emit(model)


class CameraTile(QWidget):
    """One source with everything of its own: pipeline, overlay, timeline row, events, session, recording.

    Args:
        source: The source; opened with `start`.
        pipeline: Its pipeline.
        history: What that pipeline has recognized.
        services: What all sources share.
        mark: Added to the names of its recordings, where another source has the same name.
        parent: Qt parent.
    """

    chosen = Signal()
    """Emitted when the user clicks the picture: show it large."""
    large_wanted = Signal()
    """Emitted when the user wants it large, or no longer so."""
    notice = Signal(object)
    settled = Signal(object)
    """Emits the `Topic` of notices that no longer apply."""

    def __init__(
        self,
        source: SourceSpec,
        pipeline: PipelinePort,
        history: History,
        services: TileServices,
        mark: str = "",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.source, self.pipeline, self._memory = source, pipeline, services.memory
        self.poller = PipelinePoller(pipeline, self)
        self.canvas = Canvas()
        self.canvas.setMinimumSize(128, 80)
        self.commands = {name: QAction(text, self) for name, text in _COMMANDS.items()}
        for name in _CHECKABLE:
            self.commands[name].setCheckable(True)
        self.model = TileModel(pipeline, self)
        self.event_views = EventViews(history, self.model, self.commands, services.background, self)
        self.session_events, self.events = self.event_views.session_events, self.event_views.events
        self.timeline = self.event_views.timeline
        self.keeper = SessionKeeper(self.session_events, pipeline, services.sessions, services.background, self)
        self.people = PeopleFeature(pipeline, self)
        self.canvas.set_layer(self.people.paint)
        self.recording = RecordingControls(
            pipeline,
            services.memory,
            services.background,
            self.commands,
            services.recordings,
            self,
            replay_bytes=min(LIMIT_BYTES, 3 * LIMIT_BYTES // services.count),
            mark=mark,
        )
        self.retry = QTimer(self)
        self.retry.setInterval(RETRY_S * 1000)
        self.retry.timeout.connect(self._open_again)
        self._silent = self._large = False
        self.name = ElidedLabel()
        self.name.set_text(formatting.source_name(source))
        self.rate = ElidedLabel()
        self.rate.setProperty("tone", "quiet")
        self.rate.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.menu = self._make_menu()
        self._more = QToolButton()
        self._more.setMenu(self.menu)
        self._more.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        describe(self._more, tr("Menu of {name}", name=self.name.whole_text), tr("What can be done with this source"))
        self._lay_out()
        self._wire()

    def _make_menu(self) -> QMenu:
        menu = QMenu(self)
        for name in _MENU:
            if name:
                menu.addAction(self.commands[name])
            else:
                menu.addSeparator()
        self.commands["play_pause"].setVisible(not self.source.live)
        self.commands["retry"].setVisible(False)
        return menu

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setContentsMargins(GRID, GRID // 2, GRID // 2, GRID // 2)
        head.setSpacing(GRID // 2)
        head.addWidget(self.name, 2)
        head.addWidget(self.rate, 3)
        head.addWidget(self.recording.button)
        head.addWidget(self._more)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(head)
        column.addWidget(self.canvas, 1)
        column.addWidget(self.timeline)

    def _wire(self) -> None:
        self.poller.presented.connect(self._present)
        self.poller.status.connect(self._show_status)
        self.poller.readout.connect(lambda _readout: self._show_overlay())
        self.poller.notice.connect(self._pass_on)
        self.canvas.target_changed.connect(self.poller.scaler.set_target)
        self.canvas.menu_wanted.connect(self.menu.popup)
        self.canvas.clicked.connect(self._click)
        for part in (self.recording, self.event_views, self.keeper):
            part.notice.connect(self._pass_on)
            part.settled.connect(self.settled)
        triggered: dict[str, Callable[[], object]] = {
            **self.event_views.commands,
            "large": self.large_wanted.emit,
            "play_pause": self._play_pause,
            "retry": lambda: self.pipeline.open(self.source),
        }
        for name in ("large", "play_pause", "retry", "undo", "redo", "add_event", "export_events"):
            self.commands[name].triggered.connect(lambda _=False, run=triggered[name]: run())
        self.commands["people"].toggled.connect(self._follow_people)
        self.commands["mirror"].toggled.connect(self._mirror)

    def start(self) -> None:
        """Open the source and show it."""
        self.poller.start()
        self.pipeline.open(self.source)

    def use_model(self, model: Model, device: str) -> None:
        """Recognize with `model` on `device`."""
        self.pipeline.use_model(model, device)
        self.model.use(model)

    def set_large(self, large: bool, beside: int) -> None:
        """Show this source large or small.

        Args:
            large: Whether it has a full timeline.
            beside: Number of other sources in the window.
        """
        self._large = large
        self.commands["large"].setText(tr("All sources") if large else tr("Show large"))
        self.timeline.set_slim(not large)
        self.poller.set_interval(STATUS_POLL_MS if large or beside < _FEW else SMALL_POLL_MS)

    def set_theme(self, theme: Theme) -> None:
        """Apply a theme."""
        for part in (self.canvas, self.timeline, self.events, self.recording.button):
            part.set_theme(theme)
        self._more.setIcon(icons.quiet_icon("menu", theme))

    def close_source(self) -> None:
        """Save what was recorded, and stop everything; returns within a few seconds."""
        self.retry.stop()
        self.recording.close()
        self.poller.stop()
        self.event_views.close()
        self.pipeline.stop()

    def _click(self, point: QPointF) -> None:
        """Show this source large or, if it is, follow the person at that point."""
        if self._large:
            self.people.click(point)
        else:
            self.chosen.emit()

    def _follow_people(self, on: bool) -> None:
        self.pipeline.use_people((self._memory.settings.detector or AUTOMATIC) if on else OFF)

    def _mirror(self, on: bool) -> None:
        self.model.mirror = on
        self.pipeline.set_mirror(on)

    def _play_pause(self) -> None:
        status = self.poller.latest_status
        if status.paused or status.ended:
            self.pipeline.play()
        else:
            self.pipeline.pause()

    def _present(self, presented: ScaledFrame) -> None:
        if self.poller.latest_status.state is not PipelineState.FAILED:
            self.canvas.present(presented)
            self.event_views.show_picture(presented)

    def _show_status(self, status: Status) -> None:
        self.event_views.show_status(status)
        self.commands["retry"].setVisible(status.state is PipelineState.FAILED)
        self.recording.show_status(status)
        if status.state is PipelineState.FAILED and self.canvas.frame is not None:
            self.canvas.clear()
        self._retry(status)
        title, hint = empty_words(status, self.source)
        if self.retry.isActive():
            hint = tr("It is tried again every {RETRY_S} s.", RETRY_S=RETRY_S)
        self.canvas.set_message(title, hint if self.canvas.height() >= _SMALL_PX else "")
        self._show_overlay()

    def _retry(self, status: Status) -> None:
        """Try a live source again that could not be opened; one that was open is reopened by its pipeline."""
        failed = status.state is PipelineState.FAILED and self.source.live
        if failed and not self.retry.isActive():
            self.retry.start()
        elif not failed and status.source_frames > 0:
            self.retry.stop()
            self._silent = False

    def _open_again(self) -> None:
        if self.poller.latest_status.state is PipelineState.FAILED:
            self._silent = True  # its first failure was shown
            self.pipeline.open(self.source)

    def _show_overlay(self) -> None:
        shown = overlay.compose(self.poller.latest_readout, self.poller.latest_status, bars=False)
        small = self.canvas.height() < _SMALL_PX or self.canvas.width() < _NARROW_PX
        self.people.labeled = self.canvas.height() >= _TAGS_PX
        status = self.poller.latest_status
        stats = formatting.stats_line(status.source_fps, status.predictions_per_s, status.latency_ms)
        # Over a small picture the label would hide it: it stands above it instead.
        self.canvas.set_overlay(Overlay() if small else replace(shown, stats=""))
        self.rate.set_text(f"{shown.headline} {shown.value}".strip() if small else stats if status.model else "")
        self.name.setVisible(not small)
        roomy = self.width() >= _BUTTONS_PX
        self._more.setVisible(roomy)
        self.recording.button.setVisible(roomy or self.recording.progress is not None)

    def _pass_on(self, notice: Notice) -> None:
        if not (self._silent and notice.topic is Topic.SOURCE):
            self.notice.emit(notice)
