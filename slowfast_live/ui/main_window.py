"""The main window: independent panels, and the connections between them."""

from __future__ import annotations

import gc
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QEvent, QPoint, Qt, Signal
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QKeyEvent
from PySide6.QtWidgets import (
    QApplication,
    QComboBox,
    QMainWindow,
    QVBoxLayout,
    QWidget,
)

from slowfast_live.core.history import History
from slowfast_live.sessions.store import SessionStore
from slowfast_live.types import Level, Notice, PipelineState, Readout, SourceKind, SourceSpec, Status, Topic
from slowfast_live.ui.commands.commands import make_actions
from slowfast_live.ui.commands.keys import keeps_space
from slowfast_live.ui.commands.menu_bar import MenuBar
from slowfast_live.ui.controller.controller import Controller
from slowfast_live.ui.controller.drops import dropped_source, dropped_sources
from slowfast_live.ui.controller.pipeline_poller import PipelinePoller, ShownFrames
from slowfast_live.ui.counting.feature import Counting
from slowfast_live.ui.dialogs import Dialogs
from slowfast_live.ui.events.event_views import EventViews
from slowfast_live.ui.models.measure_offer import MeasureOffer
from slowfast_live.ui.models.model_builder import ModelBuilder
from slowfast_live.ui.panels.divider import Divider
from slowfast_live.ui.panels.notice_bar import NoticeBar
from slowfast_live.ui.panels.side_panel import SidePanel
from slowfast_live.ui.panels.source_bar import SourceBar
from slowfast_live.ui.panels.tool_buttons import ToolButtons
from slowfast_live.ui.people.feature import PeopleFeature
from slowfast_live.ui.sessions.feature import Sessions
from slowfast_live.ui.source_dialogs import SourceDialogs
from slowfast_live.ui.start.welcome import Welcome
from slowfast_live.ui.style import formatting
from slowfast_live.ui.style.language import tr
from slowfast_live.ui.style.palette import Theme
from slowfast_live.ui.style.theme import ThemeManager
from slowfast_live.ui.summary.lesson import TimedSession
from slowfast_live.ui.teaching.feature import Teaching
from slowfast_live.ui.threads.background import BackgroundTasks
from slowfast_live.ui.threads.event_loop_latency import EventLoopLatency
from slowfast_live.ui.video import overlay
from slowfast_live.ui.video.canvas import Canvas, empty_words, ways_out
from slowfast_live.ui.video.frame_scaler import ScaledFrame
from slowfast_live.ui.video.picture_menu import open_picture_menu
from slowfast_live.ui.video.presenting_bar import PresentingBar
from slowfast_live.ui.video.snapshot import Snapshots
from slowfast_live.ui.video.transport import Transport
from slowfast_live.ui.view_options import ViewOptions, WindowParts

_THRESHOLD_STEP = 0.05
_JUMP_S = 5.0
_CALM = 3
"""The live statistics are updated only every third time: users do not follow each change."""


class MainWindow(QMainWindow):
    """Shows what the poller emits and passes user actions to the controller.

    Args:
        poller: Emits frames and status updates.
        controller: Receives user actions.
        themes: Provides the current theme.
        background: Runs slow work off the GUI thread.
        builder: Builds models.
        history: What has been recognized so far.
        snapshots: Folder of snapshots.
        sessions: The session store; None to keep sessions in memory only.
    """

    closed = Signal()

    def __init__(
        self,
        poller: PipelinePoller,
        controller: Controller,
        themes: ThemeManager,
        background: BackgroundTasks,
        builder: ModelBuilder,
        history: History,
        snapshots: Path | None = None,
        sessions: SessionStore | None = None,
    ) -> None:
        super().__init__()
        self._poller, self._controller, self._themes, self._background = (
            poller,
            controller,
            themes,
            background,
        )
        self.dialogs = Dialogs(controller, themes, background, builder, self)
        self._settings = controller.memory.settings
        self.source_dialogs = SourceDialogs(controller, background, self)
        self._shown = ShownFrames()
        self._ticks = 0
        self.loop_latency = EventLoopLatency(self)
        self.setWindowTitle("SlowFast Live")
        self.setMinimumSize(720, 480)
        self.setAcceptDrops(True)
        self.actions_by_id = make_actions(self)
        self.menu = MenuBar(
            self.actions_by_id,
            recent=lambda: self._settings.recent_files,
            on_recent=lambda path: controller.open_source(SourceSpec(SourceKind.FILE, path)),
            on_forget=controller.forget_recent,
            on_camera_size=controller.set_camera_size,
            on_theme=lambda mode: self.view.choose_theme(mode),
            on_language=self._choose_language,
            parent=self,
        )
        for menu in self.menu.submenus.values():
            menu.aboutToShow.connect(self._check_choices)
        self.setMenuBar(self.menu)
        self.source_bar = SourceBar()
        self.tools = ToolButtons(self.actions_by_id)
        self.canvas = Canvas()
        self.notice_bar = NoticeBar(self.actions_by_id, self.canvas)
        self._offer = MeasureOffer(controller.memory, self.notice_bar.show_notice)
        self.people = PeopleFeature(controller.pipeline, self)
        self.canvas.set_layer(self.people.paint)
        self.snapshots = Snapshots(self.canvas, background, snapshots, self)
        self.event_views = EventViews(history, controller, self.actions_by_id, background, self)
        self.timeline = self.event_views.timeline
        self.lesson = TimedSession(self.event_views.session_events, controller, self.actions_by_id, self)
        self.teaching = Teaching(self.event_views.session_events, controller, background, self.canvas, self)
        self.counting = Counting(controller.pipeline, self.canvas, self, self.notice_bar)
        self.event_views.session_events.counted = self.counting.repetitions
        self.counting.changed.connect(self.event_views.events.show_counts)
        self.counting.set_on(self._settings.count_repetitions)
        self.sessions = Sessions(self.event_views.session_events, sessions, controller, background, self)
        self.unattended = False
        """Whether no user is present to answer a question; the window then closes without asking."""
        self.side_panel = SidePanel(self.event_views.events, self._settings.folded)
        self.middle = Divider(self.canvas, self.side_panel, self._settings.panel_width)
        self.transport = Transport(self.actions_by_id)
        self.presenting = PresentingBar(self.actions_by_id, self.canvas)
        parts = WindowParts(
            self.menu,
            self.source_bar,
            self.notice_bar,
            self.canvas,
            self.side_panel,
            self.timeline,
            self.transport,
            self.presenting,
        )
        self.view = ViewOptions(parts, self.actions_by_id, controller.memory, themes, self._show_overlay, self)
        self._lay_out()
        central = self.centralWidget()
        assert central is not None  # just set
        self.welcome = Welcome(controller, self.actions_by_id, central)
        self._wire()
        self._wire_actions()
        self.view.apply(mirror=controller.mirror, loop=controller.loop, threshold=controller.threshold)
        themes.changed.connect(self._set_theme)
        self._set_theme(themes.theme)

    # Public interface

    @property
    def shown_frames(self) -> int:
        """Distinct frames painted so far."""
        return self._shown.count

    @property
    def first_shown_s(self) -> float | None:
        """When the first frame was painted, in monotonic seconds; None before that."""
        return self._shown.first_s

    @property
    def display_fps(self) -> float:
        """Frames painted per second, over the last two seconds."""
        return self._shown.fps

    @property
    def mean_display_fps(self) -> float:
        """Frames painted per second, from the first frame to the last."""
        return self._shown.mean_fps

    def add_tools(self, record: QWidget) -> None:
        """Append the record button, and the tool buttons after it, to the row above the picture."""
        for tool in (record, *self.tools.buttons):
            self.source_bar.add_tool(tool)

    # Building

    def _lay_out(self) -> None:
        root = QWidget()
        root.setObjectName("root")
        column = QVBoxLayout(root)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.source_bar)
        column.addWidget(self.middle, 1)
        column.addWidget(self.timeline)
        column.addWidget(self.transport)
        self.setCentralWidget(root)
        root.setFocusPolicy(Qt.FocusPolicy.ClickFocus)  # holds the focus until a key moves it
        root.setFocus()

    def _wire(self) -> None:
        poller, controller = self._poller, self._controller
        poller.presented.connect(self._present)
        poller.status.connect(self._show_status)
        poller.readout.connect(self._show_readout)
        poller.notice.connect(self.notice_bar.show_notice)
        for part in (controller, self.dialogs, self.snapshots, self.event_views, self.welcome):
            part.settled.connect(self.notice_bar.settle)
        self.lesson.notice.connect(self.notice_bar.show_notice)
        self.welcome.notice.connect(self.notice_bar.show_notice)
        self.dialogs.notice.connect(self.notice_bar.show_notice)
        self.canvas.target_changed.connect(poller.scaler.set_target)
        self.canvas.painted.connect(self._painted)
        self.canvas.menu_wanted.connect(self._open_picture_menu)
        self.canvas.clicked.connect(self.people.click)
        self.canvas.activated.connect(self.actions_by_id["full_screen"].trigger)
        controller.notice.connect(self.notice_bar.show_notice)
        controller.sources_changed.connect(self._offer_sources)
        controller.models_changed.connect(self.source_bar.offer_models)
        controller.devices_changed.connect(self.source_bar.offer_devices)
        controller.devices_changed.connect(self._offer.know)
        self.dialogs.machine_check.begun.connect(self._offer.settle)
        controller.model_changed.connect(
            lambda model: self.side_panel.show_model(model, controller.chosen_actions(model) if model else None)
        )
        self.side_panel.actions_known.chosen.connect(controller.choose_actions)
        self.source_bar.source_chosen.connect(controller.open_source)
        self.source_bar.file_wanted.connect(self.source_dialogs.ask_file)
        self.source_bar.pictures_wanted.connect(self.source_dialogs.ask_pictures)
        self.source_bar.url_wanted.connect(self.source_dialogs.ask_url)
        self.source_bar.screen_wanted.connect(self.source_dialogs.ask_screen)
        self.source_bar.manager_wanted.connect(self.dialogs.show_models)
        self.source_bar.model_chosen.connect(controller.choose_model)
        self.source_bar.device_chosen.connect(controller.choose_device)
        self.source_bar.server_wanted.connect(self.source_dialogs.ask_server)
        self.timeline.person_clicked.connect(self.people.toggle)
        self.timeline.stands_at.connect(self.transport.show_position)
        self.snapshots.notice.connect(self.notice_bar.show_notice)
        self.event_views.notice.connect(self.notice_bar.show_notice)
        for feature in (self.sessions, self.teaching):
            feature.notice.connect(self.notice_bar.show_notice)
            feature.settled.connect(self.notice_bar.settle)
        self.sessions.archived.connect(self._show_archive)
        self.event_views.following_changed.connect(lambda on: self.transport.now.setVisible(not on))
        self.event_views.session_events.changed.connect(
            lambda: self.side_panel.show_count(len(self.event_views.session_events.all_notes))
        )
        self.transport.speed_chosen.connect(controller.pipeline.set_speed)
        self.side_panel.now.threshold_chosen.connect(controller.set_threshold)
        self.side_panel.live.pace.limit_chosen.connect(controller.choose_limit)
        self.side_panel.live.pace.span_chosen.connect(controller.choose_span)
        self.side_panel.folded_changed.connect(self.view.remember_folded)
        self.middle.width_chosen.connect(self.view.remember_panel_width)
        self.side_panel.panel_changed.connect(self.view.remember_panel)

    def _wire_actions(self) -> None:
        controller, now, view = self._controller, self.side_panel.now, self.view
        triggered: dict[str, Callable[[], object]] = {
            "open_camera": controller.open_camera,
            "open_file": self.source_dialogs.ask_file,
            "open_pictures": self.source_dialogs.ask_pictures,
            "open_url": self.source_dialogs.ask_url,
            "open_screen": self.source_dialogs.ask_screen,
            "retry": controller.retry,
            "open_demo": lambda: controller.open_source(SourceSpec(SourceKind.DEMO)),
            "play_pause": controller.play_pause,
            "step_back": lambda: controller.step(-1),
            "step_forward": lambda: controller.step(1),
            "back": lambda: controller.jump(-_JUMP_S),
            "forward": lambda: controller.jump(_JUMP_S),
            "slower": lambda: controller.faster(-1),
            "faster": lambda: controller.faster(1),
            "leave_full_screen": lambda: self.actions_by_id["full_screen"].setChecked(False),
            "snapshot": self.snapshots.take,
            "copy_picture": self.snapshots.copy,
            "lower": lambda: now.nudge(-_THRESHOLD_STEP),
            "higher": lambda: now.nudge(_THRESHOLD_STEP),
            "recommended": now.use_recommended,
            "models": self.dialogs.show_models,
            "recognize_400": self.dialogs.show_kinetics,
            "person_detector": self.dialogs.show_detectors,
            "analyze": self.dialogs.show_analyze,
            "measure": self.dialogs.measure_machine,
            "focus_source": lambda: self._open_choice(self.source_bar.sources),
            "focus_model": lambda: self._open_choice(self.source_bar.models),
            "focus_device": lambda: self._open_choice(self.source_bar.devices),
            "find_action": self._find_action,
            "events": self._show_events,
            **self.event_views.commands,
            **self.lesson.commands,
            "analyze_this": self.dialogs.analyze_this,
            **self.sessions.commands,
            **self.teaching.commands,
            "menu": self.menu.open_first,
            "dismiss": self.notice_bar.dismiss,
            "help": self.dialogs.show_help,
            "start_card": self.welcome.card.open_card,
            "about": lambda: self.dialogs.show_about(self._poller.latest_status),
            "quit": self.close,
        }
        for name in self.side_panel.sections:
            triggered[f"fold_{name}"] = self.side_panel.sections[name].toggle
        toggled: dict[str, Callable[[bool], object]] = {
            "mirror": controller.set_mirror,
            "loop": controller.set_loop,
            "rest": controller.set_rest,
            "people": self._set_people,
            "count": self._set_counting,
            "full_screen": view.set_full_screen,
            "side_panel": view.set_side_panel,
            "timeline": view.set_timeline,
            "overlay_bars": view.set_overlay_bars,
            "run_session": self.lesson.run,
            "big_label": view.set_big_label,
            "on_top": view.set_on_top,
        }
        for name, slot in triggered.items():
            self.actions_by_id[name].triggered.connect(lambda _=False, slot=slot: slot())
        for name, choose in toggled.items():
            self.actions_by_id[name].toggled.connect(choose)
        self.actions_by_id["leave_full_screen"].setEnabled(False)

    # Updates

    def _present(self, presented: ScaledFrame) -> None:
        if (
            self._poller.latest_status.state is not PipelineState.FAILED
            and not self.event_views.session_events.archived
        ):
            self.canvas.present(presented)
            self.event_views.show_picture(presented)
            self.welcome.see(presented.frame)

    def _painted(self) -> None:
        self._shown.add()
        if self._shown.count == 1:
            # What exists now stays until the end: exempt it from garbage collection, which would otherwise traverse it
            # again and again and hold the GIL, and with it the video, for tens of milliseconds.
            gc.freeze()
            self.loop_latency.start()

    def _show_status(self, status: Status) -> None:
        self._controller.tick(status)
        status = self._controller.shown(status)
        if (prediction := self._controller.pipeline.prediction()) is not None:
            self.dialogs.note(prediction)
        self.source_bar.show_status(status)
        self.transport.show_status(status)
        self.event_views.show_status(status)
        self.teaching.show_status(status)
        self.counting.show_status(status)
        self._offer.update(status, self._controller.models)
        self._ticks += 1
        if self.side_panel.isVisible() and self._ticks % _CALM == 0:
            self.side_panel.show_status(status, self._shown.fps)
        if status.state is PipelineState.FAILED and self.canvas.frame is not None:
            self.canvas.clear()
        self.lesson.show_status(status)
        self.welcome.look(status, self._poller.latest_readout)
        self._show_what_is_missing(status)
        title = self._title(status)
        self.setWindowTitle(f"{title} – SlowFast Live" if title else "SlowFast Live")
        self.actions_by_id["retry"].setEnabled(self._controller.can_retry and "retry" in ways_out(status))
        self._show_overlay()

    def _show_what_is_missing(self, status: Status) -> None:
        """Show why there is no video, and offer ways to get one."""
        if self._shows_archive(status):
            hint = tr("These are the events of an earlier session. Its pictures were not saved.")
            self.canvas.set_message(self._title(status), hint)
            self.canvas.offer([])
        else:
            self.canvas.set_message(*empty_words(status, self._controller.tried))
            self.canvas.offer([self.actions_by_id[name] for name in self._ways_out(status)])

    def _shows_archive(self, status: Status) -> bool:
        return self.event_views.session_events.archived and not status.opening

    def _title(self, status: Status) -> str:
        source = self.event_views.session_events.source if self._shows_archive(status) else status.source
        return formatting.source_name(source) if source is not None else ""

    def _ways_out(self, status: Status) -> tuple[str, ...]:
        if self._controller.waits_for_cameras:
            return ()
        return tuple(name for name in ways_out(status) if name != "retry" or self._controller.can_retry)

    def _show_archive(self) -> None:
        self.canvas.clear()
        self._show_events()

    def _show_readout(self, readout: Readout) -> None:
        self._show_overlay()

    def _show_overlay(self) -> None:
        readout, status = self._poller.latest_readout, self._controller.shown(self._poller.latest_status)
        self.side_panel.show_readout(readout, status)
        composed = overlay.compose(readout, status, bars=self._settings.overlay_bars)
        self.canvas.set_overlay(overlay.big(composed) if self._settings.big_label else composed)

    def _offer_sources(self) -> None:
        self.source_bar.offer_sources(self._controller.cameras, self._settings.recent_files)

    def _set_theme(self, theme: Theme) -> None:
        window = (self.welcome, self.tools, self.notice_bar, self.canvas)
        for part in (*window, self.side_panel, self.event_views, self.transport):
            part.set_theme(theme)

    # User actions

    def _open_choice(self, choice: QComboBox) -> None:
        choice.setFocus(Qt.FocusReason.ShortcutFocusReason)
        choice.showPopup()

    def _set_people(self, on: bool) -> None:
        self._controller.set_people(on)
        if on:
            self.dialogs.offer_detector()

    def _set_counting(self, on: bool) -> None:
        self._settings.count_repetitions = on
        self._controller.memory.changed()
        self.counting.set_on(on)

    def _find_action(self) -> None:
        self.actions_by_id["side_panel"].setChecked(True)
        self.side_panel.find_action()

    def _show_events(self) -> None:
        self.actions_by_id["side_panel"].setChecked(True)
        self.side_panel.show_panel("events")
        self.event_views.events.focus_search()

    def _check_choices(self) -> None:
        settings = self._settings
        self.menu.show_chosen(settings.camera_size, self._themes.mode, settings.language)

    def _choose_language(self, code: str) -> None:
        """Remember the language; texts are made once, so that it holds from the next start on."""
        if code != self._settings.language:
            self._settings.language = code
            self._controller.memory.changed()
            self.notice_bar.show_notice(
                Notice(
                    Level.INFO, tr("The language changes with the next start."), command="quit", topic=Topic.SETTINGS
                )
            )

    def _open_picture_menu(self, at: QPoint) -> None:
        source = self._poller.latest_status.source
        open_picture_menu(self.actions_by_id, at, source is None or source.live, self)

    # Qt's event handlers

    def event(self, event: QEvent) -> bool:
        """Leave Space to the focused control that it operates, rather than play or pause."""
        if (
            event.type() == QEvent.Type.ShortcutOverride
            and isinstance(event, QKeyEvent)
            and event.key() == Qt.Key.Key_Space
            and keeps_space(QApplication.focusWidget())
        ):
            event.accept()
            return True
        return super().event(event)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        """Search for models when the user returns, perhaps from building one."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.ActivationChange and self.isActiveWindow():
            self._controller.scan_models_again()
            self.sessions.keeper.check_for_changes()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802
        """Accept files and streams that can be opened."""
        if dropped_source(event.mimeData()) is not None:
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802
        """Open the dropped source."""
        if sources := dropped_sources(event.mimeData()):
            event.acceptProposedAction()
            self._controller.open_several(sources)

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802
        """Save the user's edits, or ask what to do if that fails; the receiver of `closed` then shuts the app down."""
        if not self.unattended and not self.sessions.may_close():
            event.ignore()
            return
        super().closeEvent(event)
        self.closed.emit()
