"""The window: panels that do not know each other, and the wires between them."""

from __future__ import annotations

import gc
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QByteArray, QEvent, QStandardPaths, Qt, Signal
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QKeyEvent, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QApplication,
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QInputDialog,
    QMainWindow,
    QVBoxLayout,
    QWidget,
)

from slowfast_live.core.history import History
from slowfast_live.inference.spec import Model
from slowfast_live.settings import Panel
from slowfast_live.types import PipelineState, Readout, SourceKind, SourceSpec, Status
from slowfast_live.ui import intake, overlay
from slowfast_live.ui.background import Background
from slowfast_live.ui.bridge import Bridge, ShownFrames
from slowfast_live.ui.canvas import Canvas, empty_words
from slowfast_live.ui.controller import NO_MODEL, Controller
from slowfast_live.ui.drops import dropped_text
from slowfast_live.ui.help_sheet import HelpSheet
from slowfast_live.ui.measure_offer import MeasureOffer
from slowfast_live.ui.menu import MainMenu
from slowfast_live.ui.model_builder import ModelBuilder
from slowfast_live.ui.notice_bar import NoticeBar
from slowfast_live.ui.presenter import Presented
from slowfast_live.ui.shortcuts import make_actions
from slowfast_live.ui.side_dialogs import SideDialogs
from slowfast_live.ui.side_panel import SidePanel
from slowfast_live.ui.snapshot import Snapshots
from slowfast_live.ui.source_bar import SourceBar
from slowfast_live.ui.stalls import StallMeter
from slowfast_live.ui.story import Story
from slowfast_live.ui.theme import Theme, ThemeManager
from slowfast_live.ui.transport import Transport

_THRESHOLD_STEP = 0.05
_JUMP_S = 5.0
_CALM = 3
"""The live numbers are told every third time only: they are read, not watched."""


class MainWindow(QMainWindow):
    """Shows what the bridge tells and passes on to the controller what the user wants.

    Args:
        bridge: Where pictures and news come from.
        controller: Where wishes go.
        themes: The theme in force.
        background: Who runs what takes time.
        builder: Who builds models.
        history: What was recognised so far.
        snapshots: Folder of the snapshots.
    """

    closed = Signal()

    def __init__(
        self,
        bridge: Bridge,
        controller: Controller,
        themes: ThemeManager,
        background: Background,
        builder: ModelBuilder,
        history: History,
        snapshots: Path | None = None,
    ) -> None:
        super().__init__()
        self._bridge, self._controller, self._themes, self._background = (
            bridge,
            controller,
            themes,
            background,
        )
        self.dialogs = SideDialogs(controller, themes, background, builder, self)
        self._settings = controller.memory.settings
        self._dialog: QWidget | None = None
        self._normal_state = Qt.WindowState.WindowNoState
        self._shown = ShownFrames()
        self._ticks = 0
        self.stall_meter = StallMeter(self)
        self.setWindowTitle("SlowFast Live")
        self.setMinimumSize(720, 480)
        self.setAcceptDrops(True)
        self.actions_by_id = make_actions(self)
        self.menu = MainMenu(
            self.actions_by_id,
            recent=lambda: self._settings.recent_files,
            on_recent=lambda path: controller.open_source(SourceSpec(SourceKind.FILE, path)),
            on_forget=controller.forget_recent,
            on_camera_size=controller.set_camera_size,
            on_theme=self._choose_theme,
            parent=self,
        )
        self.menu.aboutToShow.connect(lambda: self.menu.show_chosen(self._settings.camera_size, themes.mode))
        self.source_bar = SourceBar(self.menu)
        self.notice_bar = NoticeBar(self.actions_by_id)
        self._offer = MeasureOffer(controller.memory, self.notice_bar.show_notice)
        self.canvas = Canvas()
        self.snapshots = Snapshots(self.canvas, background, snapshots, self)
        self.story = Story(history, controller, self.actions_by_id, background, self)
        self.timeline = self.story.timeline
        self.side_panel = SidePanel(self.story.events, self._settings.folded)
        self.transport = Transport(self.actions_by_id)
        self._lay_out()
        self._wire()
        self._wire_actions()
        self._apply_settings()
        themes.changed.connect(self._set_theme)
        self._set_theme(themes.theme)

    # What others may ask

    @property
    def shown_frames(self) -> int:
        """Distinct frames painted so far."""
        return self._shown.count

    @property
    def first_shown_s(self) -> float | None:
        """When the first frame was painted, in monotonic seconds; None before it."""
        return self._shown.first_s

    @property
    def display_fps(self) -> float:
        """Frames painted a second, over the last two seconds."""
        return self._shown.fps

    @property
    def mean_display_fps(self) -> float:
        """Frames painted a second, from the first to the last one."""
        return self._shown.mean_fps

    # Building

    def _lay_out(self) -> None:
        root = QWidget()
        root.setObjectName("root")
        column = QVBoxLayout(root)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        middle = QHBoxLayout()
        middle.setSpacing(0)
        middle.addWidget(self.canvas, 1)
        middle.addWidget(self.side_panel)
        column.addWidget(self.source_bar)
        column.addWidget(self.notice_bar)
        column.addLayout(middle, 1)
        column.addWidget(self.timeline)
        column.addWidget(self.transport)
        self.setCentralWidget(root)
        root.setFocusPolicy(Qt.FocusPolicy.ClickFocus)  # holds the focus until a key asks for it
        root.setFocus()

    def _wire(self) -> None:
        bridge, controller = self._bridge, self._controller
        bridge.presented.connect(self._present)
        bridge.status.connect(self._show_status)
        bridge.readout.connect(self._show_readout)
        bridge.notice.connect(self.notice_bar.show_notice)
        self.dialogs.notice.connect(self.notice_bar.show_notice)
        self.canvas.target_changed.connect(bridge.presenter.set_target)
        self.canvas.painted.connect(self._painted)
        self.canvas.activated.connect(self.actions_by_id["full_screen"].trigger)
        controller.notice.connect(self.notice_bar.show_notice)
        controller.sources_changed.connect(self._offer_sources)
        controller.models_changed.connect(self._offer_models)
        controller.devices_changed.connect(self.source_bar.offer_devices)
        controller.devices_changed.connect(self._offer.know)
        self.dialogs.machine_check.begun.connect(self._offer.settle)
        controller.model_changed.connect(self.side_panel.show_model)
        self.source_bar.source_chosen.connect(controller.open_source)
        self.source_bar.file_wanted.connect(self.ask_file)
        self.source_bar.url_wanted.connect(self.ask_url)
        self.source_bar.manager_wanted.connect(self.dialogs.show_models)
        self.source_bar.model_chosen.connect(controller.choose_model)
        self.source_bar.device_chosen.connect(controller.choose_device)
        self.timeline.scrubbed.connect(self.transport.show_scrubbed)
        self.snapshots.notice.connect(self.notice_bar.show_notice)
        self.story.notice.connect(self.notice_bar.show_notice)
        self.story.following_changed.connect(lambda on: self.transport.now.setVisible(not on))
        self.story.chronicle.changed.connect(lambda: self.side_panel.show_count(len(self.story.chronicle.notes)))
        self.transport.speed_chosen.connect(controller.pipeline.set_speed)
        self.side_panel.now.threshold_chosen.connect(controller.set_threshold)
        self.side_panel.folded_changed.connect(self._remember_folded)
        self.side_panel.panel_changed.connect(self._remember_panel)

    def _wire_actions(self) -> None:
        controller, now = self._controller, self.side_panel.now
        triggered: dict[str, Callable[[], object]] = {
            "open_file": self.ask_file,
            "open_url": self.ask_url,
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
            "lower": lambda: now.nudge(-_THRESHOLD_STEP),
            "higher": lambda: now.nudge(_THRESHOLD_STEP),
            "recommended": now.use_recommended,
            "models": self.dialogs.show_models,
            "analyze": self.dialogs.show_analyze,
            "measure": self.dialogs.measure_machine,
            "focus_source": lambda: self._open_choice(self.source_bar.sources),
            "focus_model": lambda: self._open_choice(self.source_bar.models),
            "focus_device": lambda: self._open_choice(self.source_bar.devices),
            "find_action": self._find_action,
            "events": self._show_events,
            **self.story.commands,
            "menu": self.source_bar.open_menu,
            "dismiss": self.notice_bar.dismiss,
            "help": self.show_help,
            "quit": self.close,
        }
        for name in self.side_panel.sections:
            triggered[f"fold_{name}"] = self.side_panel.sections[name].toggle
        toggled: dict[str, Callable[[bool], object]] = {
            "mirror": controller.set_mirror,
            "loop": controller.set_loop,
            "rest": controller.set_rest,
            "full_screen": self.set_full_screen,
            "side_panel": self._set_side_panel,
            "timeline": self._set_timeline,
            "overlay_bars": self._set_overlay_bars,
            "on_top": self._set_on_top,
        }
        for name, slot in triggered.items():
            self.actions_by_id[name].triggered.connect(lambda _=False, slot=slot: slot())
        for name, choose in toggled.items():
            self.actions_by_id[name].toggled.connect(choose)
        self.actions_by_id["leave_full_screen"].setEnabled(False)

    def _apply_settings(self) -> None:
        settings = self._settings
        for name, value in (
            ("mirror", self._controller.mirror),
            ("loop", self._controller.loop),
            ("overlay_bars", settings.overlay_bars),
            ("rest", settings.rest),
        ):
            self.actions_by_id[name].blockSignals(True)
            self.actions_by_id[name].setChecked(value)
            self.actions_by_id[name].blockSignals(False)
        self.actions_by_id["side_panel"].setChecked(settings.side_panel)
        self.side_panel.setVisible(settings.side_panel)
        self.side_panel.show_panel(settings.panel)
        self.actions_by_id["timeline"].setChecked(settings.timeline)
        self.timeline.set_slim(not settings.timeline)
        self.actions_by_id["on_top"].setChecked(settings.on_top)
        self.side_panel.now.set_threshold(self._controller.threshold)
        if not settings.geometry or not self.restoreGeometry(QByteArray.fromBase64(settings.geometry.encode())):
            self.resize(1280, 800)

    # News

    def _present(self, presented: Presented) -> None:
        if self._bridge.latest_status.state is not PipelineState.FAILED:
            self.canvas.present(presented)
            self.story.show_picture(presented)

    def _painted(self) -> None:
        self._shown.add()
        if self._shown.count == 1:
            # What stands now stays to the end: the collector need not look through it again and again, which holds
            # Python's lock, and with it the picture, for tens of milliseconds.
            gc.freeze()
            self.stall_meter.start()

    def _show_status(self, status: Status) -> None:
        self._controller.tick(status)
        if (prediction := self._controller.pipeline.prediction()) is not None:
            self.dialogs.note(prediction)
        self.source_bar.show_status(status)
        self.transport.show_status(status)
        self.story.show_status(status)
        self._offer.look(status, self._controller.models)
        self._ticks += 1
        if self.side_panel.isVisible() and self._ticks % _CALM == 0:
            self.side_panel.show_status(status, self._shown.fps)
        if status.state is PipelineState.FAILED and self.canvas.frame is not None:
            self.canvas.clear()
        self.canvas.set_message(*empty_words(status))
        self._show_overlay()

    def _show_readout(self, readout: Readout) -> None:
        self.side_panel.show_readout(readout)
        self._show_overlay()

    def _show_overlay(self) -> None:
        readout, status = self._bridge.latest_readout, self._bridge.latest_status
        self.canvas.set_overlay(overlay.compose(readout, status, bars=self._settings.overlay_bars))

    def _offer_sources(self) -> None:
        self.source_bar.offer_sources(self._controller.cameras, self._settings.recent_files)

    def _offer_models(self, models: list[Model]) -> None:
        self.source_bar.offer_models(models)
        if models:
            self.notice_bar.withdraw(NO_MODEL)

    def _set_theme(self, theme: Theme) -> None:
        for part in (self.source_bar, self.notice_bar, self.canvas, self.side_panel, self.story, self.transport):
            part.set_theme(theme)

    # Wishes

    def ask_file(self) -> None:
        """Let the user pick a file, without blocking anything."""
        dialog = QFileDialog(self, "Open a video")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setNameFilters(intake.file_filter().split(";;"))
        recent = self._settings.recent_files
        movies = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.MoviesLocation)
        dialog.setDirectory(str(Path(recent[0]).parent) if recent else movies)
        dialog.fileSelected.connect(lambda path: self._controller.open_source(SourceSpec(SourceKind.FILE, path)))
        self._open_dialog(dialog)

    def ask_url(self) -> None:
        """Let the user type a stream's address, without blocking anything."""
        dialog = QInputDialog(self)
        dialog.setWindowTitle("Open a stream")
        dialog.setLabelText("Address of the stream, e.g. rtsp://192.168.1.20/stream")
        dialog.setInputMode(QInputDialog.InputMode.TextInput)
        dialog.setOkButtonText("Open")
        dialog.resize(480, dialog.sizeHint().height())
        dialog.textValueSelected.connect(self._controller.open_text)
        self._open_dialog(dialog)

    def show_help(self) -> None:
        """Show the sheet of shortcuts."""
        self._open_dialog(HelpSheet(self))

    def _open_dialog(self, dialog: QFileDialog | QInputDialog | HelpSheet) -> None:
        self._dialog = dialog
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    def _open_choice(self, choice: QComboBox) -> None:
        choice.setFocus(Qt.FocusReason.ShortcutFocusReason)
        choice.showPopup()

    def _find_action(self) -> None:
        self.actions_by_id["side_panel"].setChecked(True)
        self.side_panel.find_action()

    def _show_events(self) -> None:
        self.actions_by_id["side_panel"].setChecked(True)
        self.side_panel.show_panel("events")
        self.story.events.focus_search()

    def set_full_screen(self, on: bool) -> None:
        """Show only picture and overlay on the whole screen, or go back."""
        if on:
            self._normal_state = self.windowState()
        for part in (self.source_bar, self.timeline, self.transport):
            part.setVisible(not on)
        self.side_panel.setVisible(not on and self._settings.side_panel)
        self.notice_bar.set_silent(on)
        self.canvas.hide_pointer(on)
        self.actions_by_id["leave_full_screen"].setEnabled(on)
        self.setWindowState(Qt.WindowState.WindowFullScreen if on else self._normal_state)

    def _set_side_panel(self, on: bool) -> None:
        self._settings.side_panel = on
        self.side_panel.setVisible(on and not self.isFullScreen())
        self._controller.memory.changed()

    def _set_timeline(self, on: bool) -> None:
        self._settings.timeline = on
        self.timeline.set_slim(not on)
        self._controller.memory.changed()

    def _set_overlay_bars(self, on: bool) -> None:
        self._settings.overlay_bars = on
        self._show_overlay()
        self._controller.memory.changed()

    def _set_on_top(self, on: bool) -> None:
        self._settings.on_top = on
        self._controller.memory.changed()
        visible = self.isVisible()
        self.setWindowFlag(Qt.WindowType.WindowStaysOnTopHint, on)
        if visible:  # Qt hides a window whose flags change
            self.show()

    def _choose_theme(self, mode: str) -> None:
        if mode in ("auto", "light", "dark"):
            self._themes.set_mode(mode)  # type: ignore[arg-type]
            self._settings.theme = mode  # type: ignore[assignment]
            self._controller.memory.changed()

    def _remember_panel(self, name: Panel) -> None:
        self._settings.panel = name
        self._controller.memory.changed()

    def _remember_folded(self, names: list[str]) -> None:
        self._settings.folded = names
        self._controller.memory.changed()

    # Qt's own events

    def event(self, event: QEvent) -> bool:
        """Let Space press the button that has the focus rather than play or pause."""
        if (
            event.type() == QEvent.Type.ShortcutOverride
            and isinstance(event, QKeyEvent)
            and event.key() == Qt.Key.Key_Space
            and isinstance(QApplication.focusWidget(), QAbstractButton | QComboBox | QAbstractItemView)
        ):
            event.accept()
            return True
        return super().event(event)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Give the side panel its share."""
        self.side_panel.fit(self.width())
        super().resizeEvent(event)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        """Look for models when the user comes back, perhaps from building one."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.ActivationChange and self.isActiveWindow():
            self._controller.look_for_models()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802
        """Accept what can be opened."""
        if dropped_text(event.mimeData()) is not None:
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802
        """Open what was dropped."""
        if (text := dropped_text(event.mimeData())) is not None:
            event.acceptProposedAction()
            self._controller.open_text(text)

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802
        """Remember the window's place."""
        if not self.isFullScreen():
            self._settings.geometry = bytes(self.saveGeometry().toBase64().data()).decode()
        self.dialogs.close()
        super().closeEvent(event)
        self.closed.emit()
