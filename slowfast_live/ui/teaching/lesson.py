"""What is being taught: the takes, the network that they are for, and learning from them. Contains no widgets."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import msgspec
from PySide6.QtCore import QObject, QTimer, Signal

from slowfast_live.errors import SlowFastLiveError, TeachingError
from slowfast_live.inference.spec import Model
from slowfast_live.recording.recorder import Recorder
from slowfast_live.recording.replay import KeptFrame, ReplayReader
from slowfast_live.recording.replay import save as save_replay
from slowfast_live.teaching.takes import NOTHING, NOTHING_NAME, Take, TakeStore, TeachingSet
from slowfast_live.types import Frame
from slowfast_live.ui.style.language import tr, words
from slowfast_live.ui.threads.background import BackgroundTasks

_POLL_MS = 60
_CLIP_S = 20.0
"""Longest wait for the file of a clip."""


class Cancelled(Exception):  # noqa: N818 - not an error
    """Raised by work that the user ended."""


class Lesson(QObject):
    """Holds the takes of one teaching set, stores each change at once, and does the slow work in the background.

    Args:
        store: Where the takes are stored.
        models: Returns the models at hand.
        background: Runs slow work off the GUI thread.
        parent: Qt parent.
    """

    changed = Signal()
    """Emitted when takes or actions change."""
    working = Signal(str, float)
    """Emits what is being done and the share done, 0..1; "" when nothing is."""
    failed = Signal(str)
    """Emits what went wrong, for the user."""
    learned = Signal(object, object)
    """Emits the `Model` that was written and the `Report`."""

    def __init__(
        self,
        store: TakeStore,
        models: Callable[[], Sequence[Model]],
        background: BackgroundTasks,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._store, self._models, self._background = store, models, background
        self.settings: TeachingSet = store.settings()
        if self.settings.title == TeachingSet().title:  # nobody has named it yet
            self.settings = msgspec.structs.replace(self.settings, title=tr("My actions"))
        self.takes: list[Take] = []
        self.broken: list[TeachingError] = []
        self._trunk: object | None = None
        self._one_at_a_time = threading.Lock()
        self._ended = False
        self._complete = False
        self._clip_problem = ""
        self._share, self._task, self._waiting = 0.0, "", 0
        self._timer = QTimer(self)
        self._timer.setInterval(_POLL_MS)
        self._timer.timeout.connect(lambda: self.working.emit(self._task, self._share))

    @property
    def folder(self) -> Path:
        """The folder of the takes."""
        return self._store.folder

    @property
    def busy(self) -> bool:
        """Whether takes are being computed or learned from."""
        return self._waiting > 0

    @property
    def labels(self) -> list[str]:
        """The actions, in the order in which they were added; `NOTHING` is last."""
        found = dict.fromkeys([*(take.label for take in self.takes if take.label != NOTHING), *self.settings.actions])
        return [*found, NOTHING]

    def takes_of(self, label: str) -> list[Take]:
        """Return the takes of an action."""
        return [take for take in self.takes if take.label == label]

    def load(self) -> None:
        """Read the takes from disk, in the background."""

        def loaded(found: tuple[list[Take], list[TeachingError]]) -> None:
            self.takes, self.broken = found
            self._complete = not self.broken
            self._end_task()
            self.changed.emit()

        def read() -> tuple[list[Take], list[TeachingError]]:
            takes, broken = self._store.load()
            if not broken:
                self._store.sweep(takes)
            return takes, broken

        self._begin_task(tr("Reading the examples"))
        self._background.run(read, loaded, self._failed, name="teach")

    # Actions and settings

    def add_action(self, name: str) -> bool:
        """Add an action; return whether it is new and has a name."""
        name = " ".join(name.split())
        if not name or name.casefold() in {label.casefold() for label in self.labels}:
            return False
        self.set(actions=(*self.settings.actions, name))
        self.changed.emit()
        return True

    def remove_action(self, label: str) -> None:
        """Remove an action with its takes."""
        self.set(actions=tuple(name for name in self.settings.actions if name != label))
        self.remove(self.takes_of(label))

    def set(self, **changes: object) -> None:
        """Change settings and store them."""
        self.settings = msgspec.structs.replace(self.settings, **changes)
        self._guarded(lambda: self._store.save_settings(self.settings))

    @property
    def base(self) -> Model | None:
        """The model to build on; None if there is none.

        The one that the examples were taken with, or one that was taught on it; before the first example the chosen
        one, or the first that is offered.
        """
        settings, models = self.settings, list(self._models())
        named = [model for model in models if model.name == settings.base]
        if settings.trunk:
            return next(iter([*named, *(m for m in models if m.spec.origin.get("trunk") == settings.trunk)]), None)
        return next(iter([*named, *self.bases]), None)

    @property
    def bases(self) -> list[Model]:
        """The models to choose from: those that are trained, and not taught themselves."""
        return [model for model in self._models() if model.spec.trained and "taught" not in model.spec.origin]

    def choose_base(self, name: str) -> None:
        """Choose the model to build on, before the first example is taken."""
        if not self.takes and not self.busy:
            self.set(base=name, trunk="")
            self._trunk = None
            self.changed.emit()

    def why_no_base(self) -> str:
        """Return why there is no model to build on, and what to do."""
        from slowfast_live.teaching.trunks import gone

        if self.settings.trunk:
            return words(gone(self.settings.base))
        return tr("There is no trained model to build on. Build one under Models….")

    @property
    def without_examples(self) -> list[str]:
        """The actions that have no example yet."""
        seen = {take.label for take in self.takes}
        return [label for label in self.labels if label not in seen and label != NOTHING]

    # Takes

    def add_frames(
        self,
        label: str,
        frames: Sequence[object],
        thumbnail: bytes,
        source: str,
        *,
        mirrored: bool,
        clip: Recorder | None = None,
    ) -> None:
        """Compute the features of collected frames and store them as a take, with the clip that was recorded."""

        def work() -> Take:
            from slowfast_live.teaching.collecting import take_of_frames

            try:
                take = take_of_frames(self._network(), label, frames, thumbnail, source, mirrored=mirrored)  # type: ignore[arg-type]
            except BaseException:
                if clip is not None:
                    discard_clip(clip)
                raise
            return take if clip is None else msgspec.structs.replace(take, clip=self._finished(clip))

        self._add(tr("Learning what “{value}” looks like", value=label or NOTHING_NAME), work)

    def add_kept(self, label: str, kept: Sequence[KeptFrame], source: str, *, mirrored: bool) -> None:
        """Compute the features of frames that were kept for instant replay and store them as a take."""

        def frames(reader: ReplayReader) -> Iterator[Frame]:
            for number, frame in enumerate(kept):
                self._check()
                image = reader.picture(frame)
                if image is not None:
                    yield Frame(image, number, frame.source_s, frame.source_s)

        def work() -> Take:
            from slowfast_live.teaching.clips import make_private
            from slowfast_live.teaching.collecting import take_of_pictures

            with closing(ReplayReader()) as reader:
                take = take_of_pictures(self._network(), label, frames(reader), source, mirrored=mirrored)  # type: ignore[arg-type]
            if not self.settings.clips:
                return take
            clip = save_replay(list(kept), self.new_clip(), overlay=False)
            make_private(clip)
            return msgspec.structs.replace(take, clip=clip.name)

        self._add(tr("Learning what “{value}” looks like", value=label or NOTHING_NAME), work)

    def add_file(self, label: str, path: Path, passage: tuple[float, float] | None, *, mirrored: bool) -> None:
        """Compute the features of a video, or of a passage of it, and store them as a take."""

        def work() -> Take:
            from slowfast_live.teaching.collecting import take_of_file

            clip = self.new_clip() if self.settings.clips else None
            return take_of_file(
                self._network(),  # type: ignore[arg-type]
                label,
                path,
                passage,
                mirrored=mirrored,
                check=self._check,
                clip=clip,
            )

        self._add(tr("Reading {name}", name=path.name), work)

    def new_clip(self) -> Path:
        """Return a path for the clip of a new take."""
        from slowfast_live.recording.timestamps import ending
        from slowfast_live.teaching.clips import new_clip

        return new_clip(self.folder, ending())

    def clip_of(self, take: Take) -> Path | None:
        """Return the clip of a take; None if it has none."""
        return self._store.clip_of(take)

    def _finished(self, clip: Recorder) -> str:
        """Return the file name of a clip once it is complete; "" if it could not be kept. Off the GUI thread."""
        from slowfast_live.teaching.clips import make_private

        clip.join(_CLIP_S)
        progress = clip.progress()
        if progress.error is not None or progress.path is None:
            reason = words(progress.error) if progress.error is not None else str(clip.target)
            self._clip_problem = tr("The example is kept, but not its video: {reason}", reason=reason)
            return ""
        make_private(progress.path)
        return progress.path.name

    def _add(self, task: str, work: Callable[[], Take]) -> None:
        def stored() -> Take:
            with self._one_at_a_time:
                self._check()
                take = work()
                self._store.put(take)
                return take

        def done(take: Take) -> None:
            self._end_task()
            self.takes.append(take)
            if not self.settings.trunk and (base := self.base) is not None:
                self.set(trunk=take.trunk, base=base.name)
            self.changed.emit()
            problem, self._clip_problem = self._clip_problem, ""
            if problem:
                self.failed.emit(problem)

        self._begin_task(task)
        self._background.run(stored, done, self._failed, name="teach")

    def remove(self, takes: Sequence[Take]) -> None:
        """Remove takes."""
        self._guarded(lambda: self._store.remove(takes))
        gone = {take.id for take in takes}
        self.takes = [take for take in self.takes if take.id not in gone]
        if not self.takes and self.settings.trunk:
            self.set(trunk="")
            self._trunk = None
        self.changed.emit()

    def restore(self, takes: Sequence[Take]) -> None:
        """Restore removed takes."""
        for take in takes:
            self._guarded(lambda take=take: self._store.put(take))  # type: ignore[misc]
        self.takes = sorted([*self.takes, *takes], key=lambda take: (take.made, take.id))
        if takes and not self.settings.trunk:
            self.set(trunk=takes[0].trunk)
        self.changed.emit()

    def set_mirrored(self, takes: Sequence[Take], mirrored: bool) -> None:
        """Set whether the mirror images of takes are examples, too."""
        new = {take.id: msgspec.structs.replace(take, mirrored=mirrored) for take in takes}
        for take in new.values():
            self._guarded(lambda take=take: self._store.put(take))  # type: ignore[misc]
        self.takes = [new.get(take.id, take) for take in self.takes]
        self.changed.emit()

    # Learning

    def learn(self, output: Path | None = None) -> None:
        """Learn from all takes, and write the model."""
        takes, settings = list(self.takes), self.settings

        def work() -> tuple[Model, object]:
            from slowfast_live.teaching.building import build
            from slowfast_live.teaching.learning import learn
            from slowfast_live.teaching.trunks import find_trunk

            with self._one_at_a_time:
                base = find_trunk(takes[0].trunk, settings.base, self._models()) if takes else None
                learned = learn(takes, self._progress)
                assert base is not None  # nothing is learned from no takes
                return build(learned, base, settings.title, output, beside=settings.beside), learned.report

        def done(found: tuple[Model, object]) -> None:
            self._end_task()
            self.learned.emit(*found)

        self._begin_task(tr("Learning"))
        self._background.run(work, done, self._failed, name="teach")

    def close(self) -> None:
        """End the work in progress; takes that are stored are kept, the clips of removed ones are not."""
        self._ended = True
        if self._complete and not self.busy:
            self._guarded(lambda: self._store.sweep(self.takes))
        self._timer.stop()

    # Work in the background

    def _network(self) -> object:
        """Return the network for new takes; runs off the GUI thread."""
        from slowfast_live.teaching.trunks import Trunk, find_trunk

        if self._trunk is None:
            if self.settings.trunk:
                base = find_trunk(self.settings.trunk, self.settings.base, self._models())
            elif (chosen := self.base) is not None:
                base = chosen
            else:
                raise TeachingError(self.why_no_base())
            self._trunk = Trunk(base)
        return self._trunk

    def _check(self) -> None:
        if self._ended:
            raise Cancelled

    def _progress(self, share: float) -> None:
        self._check()
        self._share = share

    def _begin_task(self, task: str) -> None:
        self._waiting += 1
        self._task, self._share = task, 0.0
        self._timer.start()
        self.working.emit(task, 0.0)

    def _end_task(self) -> None:
        self._waiting -= 1
        if self._waiting == 0:
            self._timer.stop()
            self.working.emit("", 1.0)

    def _failed(self, error: Exception) -> None:
        self._end_task()
        if isinstance(error, Cancelled):
            return
        known = isinstance(error, SlowFastLiveError)
        self.failed.emit(
            words(error) if known else tr("This failed because of an unexpected error: {error}", error=error)
        )

    def _guarded(self, work: Callable[[], object]) -> None:
        try:
            work()
        except TeachingError as error:
            self.failed.emit(words(error))


def discard_clip(clip: Recorder) -> None:
    """End the recording of a clip that is not wanted, and remove its file; runs off the GUI thread."""
    clip.stop(hurry=True)
    clip.join(_CLIP_S)
    if (path := clip.progress().path) is not None:
        path.unlink(missing_ok=True)
