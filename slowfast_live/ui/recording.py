"""Recording in the window: the REC button, the last seconds after the fact, and where the files go."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from PySide6.QtCore import QObject, QStandardPaths, QTimer, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFileDialog, QMenu, QWidget

from slowfast_live.errors import ExportError
from slowfast_live.recording import replay as replays
from slowfast_live.recording.recorder import Progress, Recorder
from slowfast_live.recording.replay import Replay
from slowfast_live.recording.tape import free_name
from slowfast_live.types import Level, Notice, Status
from slowfast_live.ui import wording
from slowfast_live.ui.background import Background
from slowfast_live.ui.memory import Memory
from slowfast_live.ui.ports import PipelinePort
from slowfast_live.ui.record_button import RecordButton

_POLL_MS = 100
_QUIT_S = 5.0
_NEARLY = 0.95
"""So much of the span counts as all of it."""


def default_folder() -> Path:
    """Return the user's folder for recordings: "SlowFast Live" in Videos."""
    movies = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.MoviesLocation)
    return Path(movies or Path.home()) / "SlowFast Live"


class Recording(QObject):
    """Starts and stops recordings, keeps the last seconds, and says what became of them.

    Args:
        pipeline: Where frames and readouts come from.
        memory: The settings.
        background: Who runs what takes time.
        actions: The commands' actions, by id.
        folder: Where recordings go; None for the settings' choice, else the user's videos.
        parent: Qt's owner.
    """

    notice = Signal(object)
    """`Notice`."""
    settled = Signal(str)
    """Message of a notice that is no news any more."""

    def __init__(
        self,
        pipeline: PipelinePort,
        memory: Memory,
        background: Background,
        actions: dict[str, QAction],
        folder: Path | None = None,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._pipeline, self._memory, self._background, self._folder = pipeline, memory, background, folder
        self._status = Status()
        self._recorder: Recorder | None = None
        self._recorded: str = ""
        self._told_of_drops = False
        self._replay: Replay | None = None
        self._actions = actions
        self.button = RecordButton()
        self.button.clicked.connect(self.toggle)
        self._timer = QTimer(self)
        self._timer.setInterval(_POLL_MS)
        self._timer.timeout.connect(self._poll)
        actions["record"].triggered.connect(lambda: self.toggle())
        actions["save_last"].triggered.connect(lambda: self.save_last())
        self._set_replay(memory.settings.replay)

    def make_menu(self, parent: QWidget) -> QMenu:
        """Return the menu of all that has to do with recordings."""
        settings = self._memory.settings
        menu = QMenu("Recording", parent)
        menu.addAction(self._actions["record"])
        menu.addAction(self._actions["save_last"])
        menu.addSeparator()
        self._switch(menu, "Record the overlay too", settings.record_overlay, self._set_overlay)
        self._switch(menu, "Keep the last 30 seconds", settings.replay, self._choose_replay)
        menu.addSeparator()
        menu.addAction("Folder of the recordings…").triggered.connect(lambda: self._ask_folder(parent))
        return menu

    @property
    def folder(self) -> Path:
        """Where recordings go."""
        chosen = self._memory.settings.recordings_folder
        return Path(chosen) if chosen else self._folder or default_folder()

    @property
    def progress(self) -> Progress | None:
        """How the recording stands; None without one."""
        return self._recorder.progress() if self._recorder is not None else None

    def show_status(self, status: Status) -> None:
        """Learn what plays; a recording ends with its source."""
        self._status = status
        name = wording.source_name(status.source) if status.source is not None else ""
        if self._recorder is not None and not status.opening and name != self._recorded:
            self.stop()

    # Recording

    def toggle(self) -> None:
        """Start a recording, or end the one that runs."""
        if self._recorder is None:
            self.start()
        else:
            self.stop()

    def start(self) -> None:
        """Start a recording."""
        status = self._status
        if status.source is None or status.info is None:
            self.notice.emit(Notice(Level.INFO, "There is nothing to record yet: open a source first."))
            return
        self._recorded = wording.source_name(status.source)
        readout = self._pipeline.readout if self._memory.settings.record_overlay else None
        self._begin(readout, status.info.fps or status.source_fps or None)

    def _begin(self, readout: Callable[..., object] | None, fps: float | None) -> None:
        try:
            target = free_name(self.folder, wording.source_stem(self._status.source), datetime.now())
        except ExportError as error:
            self.notice.emit(Notice(Level.ERROR, error.message, error.details))
            return
        self._recorder = Recorder(target, readout, fps)  # type: ignore[arg-type]
        self._told_of_drops = False
        self._recorder.start()
        self._pipeline.watch(self._recorder.offer)
        self._timer.start()
        self._poll()

    def stop(self) -> None:
        """End the recording; a notice follows when its file is complete."""
        if self._recorder is not None:
            self._pipeline.unwatch(self._recorder.offer)
            self._recorder.stop()
            self._poll()

    def _poll(self) -> None:
        recorder = self._recorder
        if recorder is None:
            return
        progress = recorder.progress()
        self.button.show_progress(progress)
        self._actions["record"].setText("Record" if not progress.running else "Stop recording")
        self._actions["record"].setEnabled(not (progress.running and progress.stopping))
        self.button.setEnabled(self._actions["record"].isEnabled())
        if progress.dropped and not self._told_of_drops:
            self._told_of_drops = True
            text = "The recording leaves out pictures: disk or processor are slower than the source."
            self.notice.emit(Notice(Level.WARNING, text))
        if not progress.running:
            self._pipeline.unwatch(recorder.offer)
            self._timer.stop()
            self._recorder = None
            self.notice.emit(outcome(progress))

    # The last seconds

    def save_last(self) -> None:
        """Save the last seconds as a video, on a thread; a notice names it."""
        replay = self._replay
        pictures = replay.pictures() if replay is not None else []
        if replay is None or not pictures:
            why = (
                "no picture has come" if replay is not None else "switch on Menu > Recording > Keep the last 30 seconds"
            )
            self.notice.emit(Notice(Level.INFO, f"There is nothing to save yet: {why}."))
            return
        seconds = pictures[-1].t_s - pictures[0].t_s
        full = replay.size > _NEARLY * replay.limit_bytes and seconds < _NEARLY * replay.span_s
        source = wording.source_stem(self._status.source)
        folder, overlay = self.folder, self._memory.settings.record_overlay
        saving = f"Saving the last {seconds:.0f} s…"
        self.notice.emit(Notice(Level.INFO, saving))

        def saved(path: Path) -> None:
            self.settled.emit(saving)
            self._saved(path, seconds, replay.limit_bytes if full else 0)

        def failed(error: Exception) -> None:
            self.settled.emit(saving)
            self.notice.emit(Notice(Level.ERROR, str(error), getattr(error, "details", "") or repr(error)))

        self._background.run(
            lambda: replays.save(pictures, free_name(folder, source, datetime.now()), overlay=overlay),
            saved,
            failed,
            name="save-last",
        )

    def _saved(self, path: Path, seconds: float, limit_bytes: int) -> None:
        more = f" More than that does not fit into {wording.size(limit_bytes)} of memory." if limit_bytes else ""
        self.notice.emit(Notice(Level.INFO, f"Saved the last {seconds:.0f} s as {path.name}.{more}", file=path))

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
        self._set_replay(on)

    def _set_replay(self, on: bool) -> None:
        replay, self._replay = self._replay, None
        if replay is not None:
            self._pipeline.unwatch(replay.offer)
            replay.stop()
        if on:
            self._replay = Replay(self._pipeline.readout)
            self._replay.start()
            self._pipeline.watch(self._replay.offer)
        self._actions["save_last"].setEnabled(on)

    def _ask_folder(self, parent: QWidget) -> None:
        dialog = QFileDialog(parent, "Folder of the recordings")
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        dialog.setDirectory(str(self.folder))
        dialog.fileSelected.connect(self._set_folder)
        dialog.open()

    def _set_folder(self, path: str) -> None:
        self._memory.settings.recordings_folder = path
        self._memory.changed()

    def close(self) -> None:
        """End everything; bounded. What is recorded is playable even where its completion takes longer."""
        self._timer.stop()
        recorder, self._recorder = self._recorder, None
        if recorder is not None:
            self._pipeline.unwatch(recorder.offer)
            recorder.stop(hurry=True)
            recorder.join(_QUIT_S)
        self._set_replay(False)


def outcome(progress: Progress) -> Notice:
    """Say what became of a recording that ended."""
    if progress.error is not None:
        return Notice(Level.ERROR, progress.error.message, progress.error.details, progress.path)
    assert progress.path is not None  # it ended well
    words = f"Recorded {wording.clock(progress.elapsed_s)} as {progress.path.name} ({wording.size(progress.size)})."
    if left_out := wording.left_out(progress.dropped):
        return Notice(Level.WARNING, f"{words} {left_out[0].upper()}{left_out[1:]}.", file=progress.path)
    return Notice(Level.INFO, words, file=progress.path)
