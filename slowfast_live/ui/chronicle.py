"""What happened so far, as the timeline and the events list show it: history with the user's corrections."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from slowfast_live.core.corrections import Corrections, Noted
from slowfast_live.core.events import EventRule
from slowfast_live.core.history import History, Snapshot
from slowfast_live.inference.spec import Model
from slowfast_live.types import SourceKind, SourceSpec, Status
from slowfast_live.ui import wording

_CALM = 5
"""An event that only grows is told every fifth time: its length is read, not watched."""


class Chronicle(QObject):
    """Follows the source: another one begins another chronicle. GUI thread only.

    Args:
        history: What the pipeline's predictions are written to.
        parent: Qt's owner.
    """

    moved = Signal()
    """Something is new in the history; at most ten times a second."""
    changed = Signal()
    """The events are others, or, less often, one of them grew."""
    restarted = Signal()
    """Another source is shown."""
    selected_changed = Signal()
    """Another event is looked at, or the one looked at grew."""

    def __init__(self, history: History, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.history = history
        self.snapshot = Snapshot()
        self.notes: tuple[Noted, ...] = ()
        self.source: SourceSpec | None = None
        self.day_offset_s: float | None = None
        """Of a live source: what makes its clock the time of day, in seconds since midnight; else None."""
        self.selected: Noted | None = None
        self._corrections = Corrections()
        self._told_shape = (0, -1)
        self._untold = False
        self._ticks = 0

    @property
    def live(self) -> bool:
        """Whether the source cannot be searched."""
        return self.source is not None and self.source.live

    @property
    def path(self) -> Path | None:
        """The file that is played; None where there is none."""
        if self.source is None or self.source.live:
            return None
        if self.source.kind is not SourceKind.DEMO:
            return Path(self.source.address)
        from slowfast_live.sources.demo import demo_path  # brings the decoders: not before a file is played

        return demo_path()

    def know(self, models: Iterable[Model]) -> None:
        """Take over how late each model says what it sees."""
        self.history.know({model.name: EventRule.for_timing(model.spec.timing) for model in models})

    def tick(self, status: Status) -> None:
        """Look for what is new; called ten times a second."""
        if status.source != self.source and status.info is not None and not status.opening:
            self._restart(status)
        if self.live and self.day_offset_s is None and status.position_s:
            now = datetime.now()
            self.day_offset_s = now.hour * 3600 + now.minute * 60 + now.second + now.microsecond / 1e6
            self.day_offset_s -= status.position_s
        self._ticks += 1
        if self.history.version != self.snapshot.version:
            self._refresh()
        elif self._untold and self._ticks % _CALM == 0:
            self._tell()

    def when(self, t_s: float) -> str:
        """Return a moment in words: the time of day for a live source, else the time in the file."""
        return wording.clock(t_s) if self.day_offset_s is None else wording.time_of_day(t_s + self.day_offset_s)

    def noted_at(self, t_s: float) -> Noted | None:
        """Return the event that lasts at a moment."""
        i = bisect_left(self.notes, t_s, key=lambda noted: noted.event.end_s)
        return self.notes[i] if i < len(self.notes) and self.notes[i].event.begin_s <= t_s else None

    def select(self, noted: Noted | None) -> None:
        """Look at an event, at no other one."""
        if noted != self.selected:
            self.selected = noted
            self.selected_changed.emit()

    # Corrections

    @property
    def undoable(self) -> str:
        """What `undo` would take back, in words; "" where there is nothing."""
        return self._corrections.last

    def rename(self, noted: Noted, name: str) -> None:
        """Call one event something else."""
        self._corrections.rename(noted, name.strip())
        self._refresh(corrected=True)

    def rename_all(self, label: str, name: str) -> None:
        """Call all events of a label something else, those to come too."""
        self._corrections.rename_all(label, name.strip())
        self._refresh(corrected=True)

    def delete(self, notes: Sequence[Noted]) -> None:
        """Leave events out."""
        self._corrections.delete(notes)
        self._refresh(corrected=True)

    def undo(self) -> None:
        """Take back the newest correction."""
        if self._corrections.undo():
            self._refresh(corrected=True)

    def _restart(self, status: Status) -> None:
        self.source, self.day_offset_s = status.source, None
        self._corrections.clear()
        self.history.begin(live=self.live, epoch=status.epoch)
        self.select(None)
        self.restarted.emit()

    def _refresh(self, *, corrected: bool = False) -> None:
        self.snapshot = self.history.snapshot()
        self.notes = self._corrections.apply(self.snapshot.events, self.snapshot.going_on)
        self._untold = True
        if self.selected is not None:
            self.select(self._found(self.selected))
        shape = (len(self.notes), -1 if self.snapshot.going_on is None else self.snapshot.going_on)
        if corrected or shape != self._told_shape or self._ticks % _CALM == 0:
            self._told_shape = shape
            self._tell()
        self.moved.emit()

    def _found(self, noted: Noted) -> Noted | None:
        """Return an event as it is now; None where it is gone."""
        i = bisect_left(self.notes, noted.event.begin_s, key=lambda one: one.event.end_s)
        return next((one for one in self.notes[i : i + 3] if one.same_as(noted)), None)

    def _tell(self) -> None:
        self._untold = False
        self.changed.emit()
