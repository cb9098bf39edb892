"""Recording in the window: the REC button, instant replay of the last seconds, and the destination folder."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from PySide6.QtCore import QObject, QStandardPaths, QTimer, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFileDialog, QMenu, QWidget

from slowfast_live.counting.counter import RepetitionSet
from slowfast_live.errors import ExportError
from slowfast_live.messages import sentences
from slowfast_live.recording import replay as replays
from slowfast_live.recording.drawn import Drawn
from slowfast_live.recording.recorder import Recorder, RecordingProgress
from slowfast_live.recording.replay import KeptFrame, Replay
from slowfast_live.recording.timestamps import free_name
from slowfast_live.types import Level, Notice, Status, Topic
from slowfast_live.ui.controller.protocols import PipelinePort
from slowfast_live.ui.controller.settings_store import SettingsStore
from slowfast_live.ui.controller.workload import Job
from slowfast_live.ui.recording.record_button import RecordButton
from slowfast_live.ui.style import formatting
from slowfast_live.ui.style.language import tr, words
from slowfast_live.ui.threads.background import BackgroundTasks

_POLL_MS = 100
_QUIT_S = 5.0
_NEARLY = 0.95
"""Share of the replay span from which it counts as complete."""


def default_folder() -> Path:
    """Return the user's folder for recordings: "SlowFast Live" in Videos."""
    movies = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.MoviesLocation)
    return Path(movies or Path.home()) / "SlowFast Live"


class RecordingControls(QObject):
    """Starts and stops recordings, buffers the last seconds for replay, and reports the outcome in notices.

    Args:
        pipeline: Provides frames and readouts.
        memory: The settings.
        background: Runs slow work off the GUI thread.
        actions: The commands' actions, by ID.
        folder: Default folder of recordings; None for the user's videos. The folder in the settings takes precedence.
        parent: Qt parent.
        replay_bytes: Most memory of the last seconds.
        mark: Added to the names of files, where sources of the same name are recorded.
    """

    notice = Signal(object)
    """Emits a `Notice`."""
    replay_chosen = Signal(bool)
    """Emits whether the user wants the last seconds to be kept."""
    began = Signal(object)
    """Emits the `Job` that keeps the processor busy from now on."""
    ended = Signal(object)
    """Emits the `Job` that has ended."""
    settled = Signal(object)
    """Emits the `Topic` of notices that no longer apply."""

    def __init__(
        self,
        pipeline: PipelinePort,
        memory: SettingsStore,
        background: BackgroundTasks,
        actions: dict[str, QAction],
        folder: Path | None = None,
        parent: QObject | None = None,
        *,
        replay_bytes: int = replays.LIMIT_BYTES,
        mark: str = "",
    ) -> None:
        super().__init__(parent)
        self._pipeline, self._memory, self._background, self._folder = pipeline, memory, background, folder
        self._replay_bytes, self._mark = replay_bytes, mark
        self.count: Callable[[], RepetitionSet | None] = lambda: None
        """Returns the set of repetitions that is shown; called from any thread."""
        self._status = Status()
        self._recorder: Recorder | None = None
        self._recorded: str = ""
        self._reported_drops = False
        self._replay: Replay | None = None
        self._actions = actions
        self.button = RecordButton()
        self.button.clicked.connect(self.toggle)
        self._timer = QTimer(self)
        self._timer.setInterval(_POLL_MS)
        self._timer.timeout.connect(self._poll)
        actions["record"].triggered.connect(lambda: self.toggle())
        actions["save_last"].triggered.connect(lambda: self.save_last())
        self.keep_last(memory.settings.replay)

    def fill_menu(self, menu: QMenu) -> None:
        """Add the options of recordings to a menu."""
        settings = self._memory.settings
        self._switch(menu, tr("Record the overlay too"), settings.record_overlay, self._set_overlay)
        self._switch(menu, tr("Keep the last 30 seconds"), settings.replay, self._choose_replay)
        menu.addSeparator()
        menu.addAction(tr("Folder for recordings…")).triggered.connect(lambda: self._ask_folder(menu))

    @property
    def folder(self) -> Path:
        """The folder in which recordings are saved."""
        chosen = self._memory.settings.recordings_folder
        return Path(chosen) if chosen else self._folder or default_folder()

    @property
    def _stem(self) -> str:
        return formatting.source_stem(self._status.source) + self._mark

    @property
    def progress(self) -> RecordingProgress | None:
        """Progress of the current recording; None if there is none."""
        return self._recorder.progress() if self._recorder is not None else None

    def show_status(self, status: Status) -> None:
        """Follow the pipeline's state; a recording ends with its source."""
        self._status = status
        name = formatting.source_name(status.source) if status.source is not None else ""
        if self._recorder is not None and not status.opening and name != self._recorded:
            self.stop()

    # Recording

    def toggle(self) -> None:
        """Start a recording, or stop the current one."""
        if self._recorder is None:
            self.start()
        else:
            self.stop()

    def start(self) -> None:
        """Start a recording."""
        status = self._status
        if status.source is None or status.info is None:
            self.notice.emit(Notice(Level.INFO, tr("There is nothing to record yet. Open a source first.")))
            return
        self._recorded = formatting.source_name(status.source)
        drawn = self._drawn if self._memory.settings.record_overlay else None
        self._begin(drawn, status.info.fps or status.source_fps or None)

    def _begin(self, drawn: Callable[[], Drawn] | None, fps: float | None) -> None:
        try:
            target = free_name(self.folder, self._stem, datetime.now())
        except ExportError as error:
            self.notice.emit(Notice(Level.ERROR, error.message, error.details, topic=Topic.RECORDING))
            return
        self._recorder = Recorder(target, drawn, fps)
        self._reported_drops = False
        self.settled.emit(Topic.RECORDING)
        self.began.emit(Job.RECORDING)
        self._recorder.start()
        self._pipeline.watch(self._recorder.offer)
        self._timer.start()
        self._poll()

    def stop(self) -> None:
        """Stop the recording; a notice follows when its file is complete."""
        if self._recorder is not None:
            self._pipeline.unwatch(self._recorder.offer)
            self._recorder.stop()
            self._poll()

    def _drawn(self) -> Drawn:
        """Return what to draw over the current frame; called on the thread that delivers the frames."""
        return Drawn(self._pipeline.readout(), self.count())

    def _poll(self) -> None:
        recorder = self._recorder
        if recorder is None:
            return
        progress = recorder.progress()
        self.button.show_progress(progress)
        self._actions["record"].setText(tr("Record") if not progress.running else tr("Stop recording"))
        self._actions["record"].setEnabled(not (progress.running and progress.stopping))
        self.button.setEnabled(self._actions["record"].isEnabled())
        if progress.dropped and not self._reported_drops:
            self._reported_drops = True
            text = tr("The recording is dropping pictures: the disk or processor is slower than the source.")
            self.notice.emit(Notice(Level.WARNING, text, topic=Topic.RECORDING))
        if not progress.running:
            self._pipeline.unwatch(recorder.offer)
            self._timer.stop()
            self._recorder = None
            self.ended.emit(Job.RECORDING)
            self.settled.emit(Topic.RECORDING)
            self.notice.emit(outcome(progress))

    # Instant replay

    def last_frames(self) -> list[KeptFrame] | None:
        """Return the last seconds of what is shown, oldest first; None if they are not kept."""
        return self._replay.pictures() if self._replay is not None else None

    def save_last(self) -> None:
        """Save the last seconds as a video, off the GUI thread; a notice names the file."""
        replay = self._replay
        pictures = replay.pictures() if replay is not None else []
        if replay is None or not pictures:
            off = tr("switch on File > Recording options > Keep the last 30 seconds")
            why = tr("no picture arrived") if replay is not None else off
            self.notice.emit(Notice(Level.INFO, tr("There is nothing to save yet: {why}.", why=why)))
            return
        seconds = pictures[-1].t_s - pictures[0].t_s
        full = replay.size > _NEARLY * replay.limit_bytes and seconds < _NEARLY * replay.span_s
        source = self._stem
        folder, overlay = self.folder, self._memory.settings.record_overlay
        saving = tr("Saving the last {seconds} s…", seconds=f"{seconds:.0f}")
        self.settled.emit(Topic.REPLAY)
        self.notice.emit(Notice(Level.INFO, saving, topic=Topic.REPLAY))

        def saved(path: Path) -> None:
            self.ended.emit(Job.SAVING)
            self.settled.emit(Topic.REPLAY)
            self._saved(path, seconds, replay.limit_bytes if full else 0)

        def failed(error: Exception) -> None:
            self.ended.emit(Job.SAVING)
            self.settled.emit(Topic.REPLAY)
            details = getattr(error, "details", "") or repr(error)
            self.notice.emit(Notice(Level.ERROR, words(error), details, topic=Topic.REPLAY))

        self.began.emit(Job.SAVING)
        self._background.run(
            lambda: replays.save(pictures, free_name(folder, source, datetime.now()), overlay=overlay),
            saved,
            failed,
            name="save-last",
        )

    def _saved(self, path: Path, seconds: float, limit_bytes: int) -> None:
        more = (
            tr(" More does not fit into {limit_bytes} of memory.", limit_bytes=formatting.size(limit_bytes))
            if limit_bytes
            else ""
        )
        self.notice.emit(
            Notice(
                Level.INFO,
                tr("Saved the last {seconds} s as {name}.{more}", seconds=f"{seconds:.0f}", name=path.name, more=more),
                file=path,
            )
        )

    # Settings

    def _switch(self, menu: QMenu, text: str, on: bool, choose: Callable[[bool], object]) -> None:
        action = menu.addAction(text)
        action.setCheckable(True)
        action.setChecked(on)
        action.toggled.connect(choose)

    def _set_overlay(self, on: bool) -> None:
        self._memory.settings.record_overlay = on
        self._memory.changed()

    def _choose_replay(self, on: bool) -> None:
        self._memory.settings.replay = on
        self._memory.changed()
        self.keep_last(on)
        self.replay_chosen.emit(on)

    def keep_last(self, on: bool) -> None:
        """Keep the last seconds in memory from now on, or not."""
        replay, self._replay = self._replay, None
        if replay is not None:
            self._pipeline.unwatch(replay.offer)
            replay.stop()
        if on:
            self._replay = Replay(self._drawn, limit_bytes=self._replay_bytes)
            self._replay.start()
            self._pipeline.watch(self._replay.offer)
        self._actions["save_last"].setEnabled(on)

    def _ask_folder(self, parent: QWidget) -> None:
        dialog = QFileDialog(parent, tr("Folder for recordings"))
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        dialog.setDirectory(str(self.folder))
        dialog.fileSelected.connect(self._set_folder)
        dialog.open()

    def _set_folder(self, path: str) -> None:
        self._memory.settings.recordings_folder = path
        self._memory.changed()

    def close(self) -> None:
        """Stop everything; wait at most 5 s for the recording, which is playable even if finishing takes longer."""
        self._timer.stop()
        recorder, self._recorder = self._recorder, None
        if recorder is not None:
            self._pipeline.unwatch(recorder.offer)
            recorder.stop(hurry=True)
            recorder.join(_QUIT_S)
        self.keep_last(False)


def outcome(progress: RecordingProgress) -> Notice:
    """Return the notice for a recording that ended."""
    if progress.error is not None:
        error = progress.error
        return Notice(Level.ERROR, error.message, error.details, progress.path, topic=Topic.RECORDING)
    assert progress.path is not None  # always set after success
    text = tr(
        "Recorded {elapsed_s} as {name} ({size}).",
        elapsed_s=formatting.clock(progress.elapsed_s),
        name=progress.path.name,
        size=formatting.size(progress.size),
    )
    if left_out := formatting.left_out(progress.dropped):
        return Notice(
            Level.WARNING,
            sentences(text, f"{left_out[0].upper()}{left_out[1:]}."),
            file=progress.path,
            topic=Topic.RECORDING,
        )
    return Notice(Level.INFO, text, file=progress.path)
