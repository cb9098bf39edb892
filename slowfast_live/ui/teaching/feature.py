"""Teaching in the window: connects the dialog, the camera, the files, and the list of models."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QStandardPaths, Signal
from PySide6.QtWidgets import QFileDialog, QWidget

from slowfast_live import paths
from slowfast_live.errors import SlowFastLiveError
from slowfast_live.inference.spec import Model
from slowfast_live.recording.recorder import Recorder
from slowfast_live.recording.replay import KeptFrame
from slowfast_live.sources.address import VIDEO_SUFFIXES
from slowfast_live.teaching.names import SHARED_SUFFIX
from slowfast_live.teaching.takes import NOTHING, NOTHING_NAME, Take, TakeStore
from slowfast_live.types import Level, Notice, SourceKind, Status, Topic
from slowfast_live.ui.controller.controller import Controller
from slowfast_live.ui.controller.source_input import on_disk
from slowfast_live.ui.events.session_events import SessionEvents
from slowfast_live.ui.panels.file_manager import open_file
from slowfast_live.ui.style import formatting
from slowfast_live.ui.style.language import shown, tr, words
from slowfast_live.ui.teaching.countdown import Countdown
from slowfast_live.ui.teaching.lesson import Lesson, discard_clip
from slowfast_live.ui.teaching.passage_dialog import PassageDialog
from slowfast_live.ui.teaching.take_recorder import Phase, TakeRecorder
from slowfast_live.ui.threads.background import BackgroundTasks

if TYPE_CHECKING:
    from slowfast_live.teaching.collecting import Stamped
    from slowfast_live.teaching.learning import TeachingReport
    from slowfast_live.ui.teaching.teach_dialog import TeachDialog

_PASSAGE_S = 5.0
_MOST_UNSEEN = 3
"""Passages of a file that are offered at a time as examples of none of the actions."""


class Teaching(QObject):
    """Teaches actions, and opens and shares taught models.

    Args:
        session_events: The events of the source on display.
        controller: Knows the models and the source.
        background: Runs slow work off the GUI thread.
        canvas: Where the countdown is shown.
        window: Parent of the dialog.
        folder: Where the examples are stored; None for the user's folder.
    """

    notice = Signal(object)
    settled = Signal(object)
    """Emits the `Topic` of notices that no longer apply."""

    def __init__(
        self,
        session_events: SessionEvents,
        controller: Controller,
        background: BackgroundTasks,
        canvas: QWidget,
        window: QWidget,
        folder: Path | None = None,
    ) -> None:
        super().__init__(window)
        self._session_events, self._controller = session_events, controller
        self._background, self._window, self._folder = background, window, folder
        self.recorder = TakeRecorder(controller.pipeline, parent=self)
        self.recorder.changed.connect(self._show_recorder)
        self.recorder.taken.connect(self._taken)
        self.recorder.dropped.connect(self._drop)
        self.countdown = Countdown(canvas)
        self.countdown.stopped.connect(self.recorder.cancel)
        self.dialog: TeachDialog | None = None
        self.passages: PassageDialog | None = None
        self.lesson: Lesson | None = None
        self.model: Model | None = None
        """The model that was taught last."""
        self._label, self._source = NOTHING, ""
        self._closed = False
        self._used: list[tuple[str, float, float]] = []
        self.last_frames: Callable[[], list[KeptFrame] | None] = lambda: None
        """Returns the last seconds of what is shown; None if they are not kept."""
        controller.shared_model_wanted.connect(self.open_shared)

    @property
    def commands(self) -> dict[str, Callable[[], object]]:
        """Handlers of the window's commands, by name."""
        return {"teach": self.show}

    def show(self) -> None:
        """Show the dialog; it is created once and reused."""
        if self.dialog is None:
            from slowfast_live.ui.teaching.teach_dialog import TeachDialog

            store = TakeStore(self._folder or paths.teaching_dir() / "my-actions")
            self.lesson = Lesson(store, lambda: self._controller.models, self._background, self)
            self.lesson.learned.connect(self._learned)
            self.lesson.failed.connect(self._failed)
            self.lesson.changed.connect(self._name_broken)
            self.dialog = dialog = TeachDialog(self.lesson, self.recorder, self._window)
            dialog.take_wanted.connect(self.take)
            dialog.passage_wanted.connect(self.ask_passage)
            dialog.files_wanted.connect(self.add_files)
            dialog.unseen_wanted.connect(self.add_unseen)
            dialog.learn_wanted.connect(self.learn)
            dialog.use_wanted.connect(self.use)
            dialog.share_wanted.connect(self.ask_share)
            dialog.clip_wanted.connect(self.show_clip)
            self.lesson.load()
        self.dialog.open_up()
        self.show_status(self._controller.pipeline.status())

    def show_status(self, status: Status) -> None:
        """Offer what the source on display allows."""
        if self.dialog is not None and self.dialog.isVisible():
            there = status.source is not None and status.info is not None
            self.dialog.show_source(live=status.source is not None and status.source.live, there=there)

    def close(self) -> None:
        """End what is running; stored examples are kept."""
        self._closed = True
        self.recorder.cancel()
        if self.lesson is not None:
            self.lesson.close()

    # Taking examples

    def take(self, label: str) -> None:
        """Start the countdown for an example of what is shown."""
        base = self.lesson.base if self.lesson is not None else None
        status = self._controller.pipeline.status()
        if base is None or self.dialog is None:
            self._complain(self.lesson.why_no_base() if self.lesson is not None else "")
            return
        if status.source is None:
            self._complain(tr("There is no picture to take an example from. Choose a camera first."))
            return
        self._label, self._source = label, formatting.source_name(status.source)
        if not status.source.live:
            self._controller.pipeline.play()
        self.dialog.hide()  # it would cover the picture, and with it the person
        self.recorder.start(base.spec, self._recorder_of_clip(status.source_fps))

    def _recorder_of_clip(self, fps: float) -> Recorder | None:
        """Return what records the next example as a video; None if that is not wanted."""
        lesson = self.lesson
        return Recorder(lesson.new_clip(), fps=fps or None) if lesson is not None and lesson.settings.clips else None

    def _drop(self, clip: Recorder) -> None:
        self._background.run(lambda: discard_clip(clip), name="teach")

    def _taken(self, frames: Sequence[Stamped], thumbnail: bytes, clip: Recorder | None) -> None:
        if self.lesson is not None and self.dialog is not None:
            if frames:
                times = [t_s for t_s, _image in frames]
                self._used.append((self._source, times[0], times[-1]))
            mirrored = self.dialog.mirrored.isChecked()
            self.lesson.add_frames(self._label, frames, thumbnail, self._source, mirrored=mirrored, clip=clip)

    def _show_recorder(self) -> None:
        recorder, name = self.recorder, self._label or NOTHING_NAME
        if recorder.phase is Phase.READY:
            self.countdown.show_text(f"{math.ceil(recorder.left_s) or 1}", tr("Get ready: {action}", action=name))
        elif recorder.phase is Phase.TAKING:
            self.countdown.show_text("", tr("{action}: {seconds} s", action=name, seconds=math.ceil(recorder.left_s)))
        else:
            self.countdown.show_text("", "")
            if self.dialog is not None and not self._closed:
                self.dialog.come_back()

    def ask_passage(self, label: str) -> None:
        """Let the user choose passages of the file on display.

        What is marked on the timeline is offered, else the selected event, else the last seconds.
        """
        status = self._controller.pipeline.status()
        if status.source is None or status.source.live or self.dialog is None:
            return
        path = self._file(status)
        if path is None:
            return
        chosen = self._session_events.selected
        begin_s = max(0.0, status.position_s - _PASSAGE_S)
        end_s = begin_s + _PASSAGE_S
        part = self._session_events.part
        if part.begin_s is not None and part.end_s is not None:
            begin_s, end_s = part.begin_s, part.end_s
        elif chosen is not None:
            begin_s, end_s = chosen.event.begin_s, chosen.event.end_s
        dialog = PassageDialog(
            shown(label or NOTHING_NAME),
            begin_s,
            end_s,
            lambda: self._controller.pipeline.status().position_s,
            self.dialog,
        )
        dialog.chosen.connect(lambda begin, end: self.add_passage(label, path, begin, end))
        self.passages = dialog
        dialog.show()

    def add_passage(self, label: str, path: Path, begin_s: float, end_s: float) -> None:
        """Add a passage of a file as an example."""
        if self.lesson is not None and self.dialog is not None:
            self._used.append((str(path), begin_s, end_s))
            mirrored = self.dialog.mirrored.isChecked()
            self.lesson.add_file(label, path, (begin_s, end_s), mirrored=mirrored)

    def add_files(self, label: str, files: Sequence[Path]) -> None:
        """Add whole files as examples; without any, ask for them."""
        if not files:
            self._ask_files(label)
            return
        if self.lesson is not None and self.dialog is not None:
            for path in files:
                self.lesson.add_file(label, path, None, mirrored=self.dialog.mirrored.isChecked())

    def _ask_files(self, label: str) -> None:
        dialog = QFileDialog(self.dialog, tr("Examples of {value}", value=label or NOTHING_NAME))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
        dialog.setNameFilters(
            [tr("Videos ({join})", join=" ".join(f"*{suffix}" for suffix in VIDEO_SUFFIXES)), tr("All files (*)")]
        )
        dialog.filesSelected.connect(lambda names: self.add_files(label, [on_disk(Path(name)) for name in names]))
        dialog.open()

    def add_unseen(self) -> None:
        """Take what ran before as examples of none of the actions: passages that are neither events nor examples.

        Of a file they are read again; of a camera they come from the last seconds that are kept for "Save the last 30
        seconds".
        """
        status = self._controller.pipeline.status()
        path = self._file(status)
        if path is None or status.info is None or not status.info.duration_s:
            self._add_last_seconds(status)
            return
        end_s = status.info.duration_s if status.ended else max(status.position_s, 0.0)
        for begin_s, until_s in self._unseen(str(path), 0.0, end_s):
            self.add_passage(NOTHING, path, begin_s, until_s)

    def _add_last_seconds(self, status: Status) -> None:
        """Take the last seconds of a live source."""
        kept = self.last_frames()
        if kept is None or self.lesson is None or self.dialog is None or status.source is None:
            self._complain(
                tr(
                    "What a camera showed is not kept. Switch on File > Recording options > Keep the last 30 seconds, "
                    "or take an example."
                )
            )
            return
        source = formatting.source_name(status.source)
        begin_s, end_s = (kept[0].source_s, kept[-1].source_s) if kept else (0.0, 0.0)
        for from_s, until_s in self._unseen(source, begin_s, end_s):
            frames = [frame for frame in kept if from_s <= frame.source_s <= until_s]
            self._used.append((source, from_s, until_s))
            self.lesson.add_kept(NOTHING, frames, source, mirrored=self.dialog.mirrored.isChecked())

    def _unseen(self, name: str, begin_s: float, end_s: float) -> list[tuple[float, float]]:
        """Return passages of a source that are neither events nor examples; without any, say so."""
        from slowfast_live.teaching.collecting import passages_without

        taken = [(begin, end) for used, begin, end in self._used if used == name]
        taken += [(noted.event.begin_s, noted.event.end_s) for noted in self._session_events.notes]
        taken = [(begin - begin_s, end - begin_s) for begin, end in taken if end > begin_s]
        free = passages_without(end_s - begin_s, taken)[-_MOST_UNSEEN:]
        if not free:
            self._complain(tr("Nothing ran before that is not an action or an example already. Play on for a while."))
        return [(begin_s + begin, begin_s + end) for begin, end in free]

    def _file(self, status: Status) -> Path | None:
        source = status.source
        if source is None or source.live:
            return None
        return paths.bundled("assets") / "demo.mp4" if source.kind is SourceKind.DEMO else Path(source.address)

    def show_clip(self, take: Take) -> None:
        """Play the clip of an example with the system's player."""
        path = self.lesson.clip_of(take) if self.lesson is not None else None
        if path is None:
            self._complain(tr("This example was kept without its video."))
        elif not open_file(path):
            self._complain(tr("No program for videos was found to play {path}.", path=path))

    # Learning

    def learn(self) -> None:
        """Learn from all examples."""
        if self.lesson is not None:
            self.settled.emit(Topic.TEACHING)
            self.lesson.learn()

    def _learned(self, model: Model, report: TeachingReport) -> None:
        from slowfast_live.teaching.advice import sentences

        self.model = model
        self._controller.rescan()
        if self.dialog is not None:
            self.dialog.show_report([*map(shown, sentences(report)), *self._left_out()])
        if self.dialog is None or not self.dialog.isVisible():
            text = tr("“{title}” is taught. Choose it in the list of models.", title=model.spec.title)
            self.notice.emit(Notice(Level.INFO, text, topic=Topic.TEACHING))

    def _left_out(self) -> list[str]:
        names = self.lesson.without_examples if self.lesson is not None else []
        return [
            tr("“{name}” has no example yet and was left out: take two of it at least.", name=name) for name in names
        ]

    def use(self) -> None:
        """Switch to the taught model."""
        if self.model is not None:
            self._controller.choose_new(self.model)

    def _failed(self, text: str) -> None:
        if self.dialog is None or not self.dialog.isVisible():
            self.notice.emit(Notice(Level.ERROR, text, topic=Topic.TEACHING))

    def _complain(self, text: str) -> None:
        if self.dialog is not None:
            self.dialog.show_problem(text)

    def _name_broken(self) -> None:
        lesson = self.lesson
        if lesson is not None and lesson.broken and self.dialog is not None:
            first, more = words(lesson.broken[0]), len(lesson.broken) - 1
            self.dialog.show_problem(first + (tr(" {more} more cannot be read either.", more=more) if more else ""))
            lesson.broken = []

    # Sharing

    def ask_share(self) -> None:
        """Let the user save the taught model as one file."""
        model = self.model
        if model is None:
            return
        dialog = QFileDialog(self.dialog, tr("Share the model"))
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setNameFilters([tr("Models (*{SHARED_SUFFIX})", SHARED_SUFFIX=SHARED_SUFFIX)])
        dialog.setDefaultSuffix(SHARED_SUFFIX)
        folder = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DocumentsLocation)
        dialog.setDirectory(folder or str(Path.home()))
        dialog.selectFile(f"{model.name}{SHARED_SUFFIX}")
        dialog.fileSelected.connect(lambda name: self.share(Path(name)))
        dialog.open()

    def share(self, path: Path) -> None:
        """Save the taught model as one file."""
        model = self.model
        if model is None:
            return

        def write() -> Path:
            from slowfast_live.teaching.sharing import write_shared

            return write_shared(model, path)

        def written(file: Path) -> None:
            self.notice.emit(Notice(Level.INFO, tr("Saved {file}", file=file), file=file))

        self._background.run(write, written, self._not_shared, name="share")

    def open_shared(self, path: Path) -> None:
        """Add the model of a shared file to the models, and switch to it."""
        self.settled.emit(Topic.TEACHING)

        def read() -> Model:
            from slowfast_live.teaching.sharing import read_shared

            return read_shared(path)

        def added(model: Model) -> None:
            self.model = model
            self.use()
            count = len(model.spec.actions)
            text = tr(
                "“{title}” was added to your models: {counted}.",
                title=model.spec.title,
                counted=formatting.counted(count, "action"),
            )
            self.notice.emit(Notice(Level.INFO, text, topic=Topic.TEACHING))

        self._background.run(read, added, self._not_shared, name="share")

    def _not_shared(self, error: Exception) -> None:
        known = isinstance(error, SlowFastLiveError)
        text = (
            words(error)
            if known
            else tr("The model cannot be shared because of an unexpected error: {error}", error=error)
        )
        self.notice.emit(Notice(Level.ERROR, text, topic=Topic.TEACHING))
