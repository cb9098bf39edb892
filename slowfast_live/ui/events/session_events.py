"""The events of a session as the timeline and the events list show them: the history with the user's corrections."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from slowfast_live.core.corrections import AnnotatedEvent, Corrections
from slowfast_live.core.events import Event, EventRule
from slowfast_live.core.history import History, Snapshot
from slowfast_live.core.part import Part
from slowfast_live.inference.spec import Model
from slowfast_live.people.now import PeopleEvents, PeopleNow
from slowfast_live.types import SourceKind, SourceSpec, Status
from slowfast_live.ui.events.session_people import SessionPeople
from slowfast_live.ui.style import formatting
from slowfast_live.ui.style.names import change_text

MAX_NAME = 200
"""Maximum length of a user-defined name, in characters."""
_CALM = 5
"""Number of ticks between updates if an event has only grown: users do not watch its length change."""


def clean_name(text: str) -> str:
    """Return a typed name as one line of limited length, without invisible characters."""
    kept = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(kept.split())[:MAX_NAME]


class SessionEvents(QObject):
    """Tracks the source; a new source starts a new session. For the GUI thread only.

    Args:
        history: The history that the pipeline's predictions are written to.
        parent: Qt parent.
    """

    moved = Signal()
    """Emitted at most ten times a second when the history has new data."""
    changed = Signal()
    """Emitted when the events have changed or, less often, when one of them has grown."""
    restarted = Signal()
    """Emitted when another source is shown."""
    selected_changed = Signal()
    """Emitted when another event is selected, or when the selected one has grown."""
    leaving = Signal()
    """Emitted before another source is shown, while all data about the current one is still available."""
    edited = Signal()
    """Emitted when the user made a correction or undid one."""

    part_changed = Signal()
    """Emitted when another part of the session is marked."""

    def __init__(self, history: History, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.history = history
        self.snapshot = Snapshot()
        self.notes: tuple[AnnotatedEvent, ...] = ()
        self.people = SessionPeople()
        """The events of people, beside those of the whole picture."""
        self.source: SourceSpec | None = None
        self.day_offset_s: float | None = None
        """For a live source, the offset that turns its clock into the time of day, in seconds since midnight; else
        None."""
        self.selected: AnnotatedEvent | None = None
        self.counted: Callable[[Event, SourceSpec], int] = lambda event, _source: event.repetitions
        """Returns how many repetitions were counted in an event of a source."""
        self.corrections = Corrections()
        self.part = Part()
        """The part that is exported and summed up."""
        self.archived = False
        """Whether an earlier session is shown without its source: nothing plays and no new data arrives."""
        self.model = ""
        """Name of the model that recognized the events; "" before any."""
        self._emitted_shape = (0, -1)
        self._changed_silently = False
        self._ticks = 0

    @property
    def live(self) -> bool:
        """Whether the source is live and cannot be searched."""
        return self.source is not None and self.source.live and not self.archived

    @property
    def path(self) -> Path | None:
        """The file being played; None if there is none."""
        if self.source is None or self.source.live or self.archived:
            return None
        if self.source.kind is not SourceKind.DEMO:
            return Path(self.source.address)
        from slowfast_live.sources.demo import demo_path  # deferred: loads the decoders

        return demo_path()

    def know(self, models: Iterable[Model]) -> None:
        """Set the models, whose timing determines how late each one reports an action."""
        self.history.know(
            {model.name: EventRule.for_timing(model.spec.timing, overlapping=model.spec.several) for model in models}
        )

    def tick(self, status: Status) -> None:
        """Check for new data; called ten times a second."""
        another = status.source != self.source or self.archived
        if another and status.source is not None and status.info is not None and not status.opening:
            self._restart(status)
        if status.model is not None:
            self.model = status.model
        if self.live and self.day_offset_s is None and status.position_s:
            now = datetime.now()
            self.day_offset_s = now.hour * 3600 + now.minute * 60 + now.second + now.microsecond / 1e6
            self.day_offset_s -= status.position_s
        self._ticks += 1
        if self.history.version != self.snapshot.version:
            self._refresh()
        elif self._changed_silently and self._ticks % _CALM == 0:
            self._emit()

    @property
    def all_notes(self) -> tuple[AnnotatedEvent, ...]:
        """The events of the whole picture and those of people, oldest first."""
        if not self.people.notes:
            return self.notes
        return tuple(sorted((*self.notes, *self.people.notes), key=lambda noted: noted.event.begin_s))

    def take_people(self, found: PeopleEvents, now: PeopleNow) -> None:
        """Take the current events of people, and who is in the picture; called ten times a second."""
        if self.archived:
            return
        news = self.people.take(found, now)
        if news or self.people.grown:
            self._correct_people()
        if news or (self.people.grown and self._ticks % _CALM == 0):
            self._changed_silently = False
            self.changed.emit()
            self.moved.emit()

    def _correct_people(self) -> None:
        """Show the events of people with the current corrections, and the current version of a selected one."""
        self.people.correct(self.corrections, self.model, overlapping=self.snapshot.overlapping)
        if self.selected is not None and self.selected.person is not None:
            self.select(self.people.current(self.selected))

    def when(self, t_s: float) -> str:
        """Return a time as text: the time of day for a live source, else the time in the file."""
        return formatting.clock(t_s) if self.day_offset_s is None else formatting.time_of_day(t_s + self.day_offset_s)

    def repetitions(self, event: Event) -> int:
        """Return how many repetitions were counted in an event; 0 if it was not played since the window was opened."""
        return 0 if self.source is None or self.archived else self.counted(event, self.source)

    def noted_at(self, t_s: float) -> AnnotatedEvent | None:
        """Return the event in progress at a time, of several the one that ends first; None if there is none."""
        if self.snapshot.overlapping:
            at = [noted for noted in self.notes if noted.event.begin_s <= t_s <= noted.event.end_s]
            return min(at, key=lambda noted: noted.event.end_s, default=None)
        i = bisect_left(self.notes, t_s, key=lambda noted: noted.event.end_s)
        return self.notes[i] if i < len(self.notes) and self.notes[i].event.begin_s <= t_s else None

    def select(self, noted: AnnotatedEvent | None) -> None:
        """Select an event; None clears the selection."""
        if noted != self.selected:
            self.selected = noted
            self.selected_changed.emit()

    def show_archive(
        self, source: SourceSpec, corrections: Corrections, day_offset_s: float | None, generation: int
    ) -> None:
        """Show an earlier session without its source; the caller adds the recognized data to the history.

        Args:
            source: The session's source.
            corrections: The user's edits.
            day_offset_s: For a live source, the offset that turns its clock into the time of day.
            generation: Generation of the session; predictions of older ones do not belong to it.
        """
        self._begin(source, archived=True)
        self.history.begin(live=False, generation=generation, archived=True)
        self.corrections, self.day_offset_s = corrections, day_offset_s
        self.restarted.emit()

    def use(self, corrections: Corrections) -> None:
        """Use these corrections from now on."""
        self.corrections = corrections
        self.refresh()

    # Corrections

    @property
    def undoable(self) -> str:
        """Description of what `undo` would undo; "" if there is nothing."""
        return change_text(self.corrections.last_change)

    @property
    def redoable(self) -> str:
        """Description of what `redo` would redo; "" if there is nothing."""
        return change_text(self.corrections.next_change)

    def rename(self, noted: AnnotatedEvent, name: str) -> None:
        """Rename one event."""
        self.corrections.rename(noted, clean_name(name), self.model)
        self._edited()

    def rename_all(self, label: str, name: str) -> None:
        """Rename all events of a label, including future ones."""
        self.corrections.rename_all(label, clean_name(name))
        self._edited()

    def delete(self, notes: Sequence[AnnotatedEvent]) -> None:
        """Delete events."""
        self.corrections.delete(notes)
        self._edited()

    def add(self, label: str, begin_s: float, end_s: float, person: int | None = None) -> None:
        """Add an event, of a person or of the whole picture, and select it.

        Raises:
            ValueError: The name is empty, or the event does not begin before it ends.
        """
        self.corrections.add(clean_name(label), begin_s, end_s, person)
        self._edited()
        self._select_at((begin_s + end_s) / 2, person)

    def move(self, noted: AnnotatedEvent, begin_s: float, end_s: float) -> None:
        """Give an event other boundaries and keep it selected.

        Raises:
            ValueError: The event would not begin before it ends.
        """
        self.corrections.move(noted, begin_s, end_s)
        self._edited()
        self._select_at((begin_s + end_s) / 2, noted.person)

    def _select_at(self, t_s: float, person: int | None) -> None:
        self.select(self.noted_at(t_s) if person is None else self.people.at(person, t_s))

    def mark(self, begin_s: float | None = None, end_s: float | None = None) -> None:
        """Mark where the part begins or ends that is exported and summed up; None leaves an end as it is.

        An end that the other one would overtake is taken back.
        """
        part = self.part
        if begin_s is not None:
            part = Part(begin_s, part.end_s if part.end_s is not None and part.end_s > begin_s else None)
        if end_s is not None:
            part = Part(part.begin_s if part.begin_s is not None and part.begin_s < end_s else None, end_s)
        self._set_part(part)

    def clear_marks(self) -> None:
        """Export and sum up everything again."""
        self._set_part(Part())

    def _set_part(self, part: Part) -> None:
        if part != self.part:
            self.part = part
            self.part_changed.emit()

    def undo(self) -> None:
        """Undo the latest correction."""
        if self.corrections.undo():
            self._edited()

    def redo(self) -> None:
        """Redo the correction that was undone last."""
        if self.corrections.redo():
            self._edited()

    def _edited(self) -> None:
        self._refresh(corrected=True)
        self.edited.emit()

    def refresh(self) -> None:
        """Show the current history with the current corrections."""
        self._refresh(corrected=True)

    def _restart(self, status: Status) -> None:
        assert status.source is not None
        self._begin(status.source, archived=False)
        self.restarted.emit()

    def _begin(self, source: SourceSpec, *, archived: bool) -> None:
        if self.source is not None:
            self.leaving.emit()
        self.source, self.archived, self.day_offset_s = source, archived, None
        self.corrections = Corrections()
        self.people.clear()
        self.select(None)
        self.clear_marks()

    def _refresh(self, *, corrected: bool = False) -> None:
        self.snapshot = self.history.snapshot()
        self.notes = self.corrections.apply(
            self.snapshot.events, self.snapshot.in_progress, self.model, overlapping=self.snapshot.overlapping
        )
        self._changed_silently = True
        if corrected:
            self._correct_people()
        if self.selected is not None and self.selected.person is None:
            self.select(self._found(self.selected))
        shape = (len(self.notes), -1 if self.snapshot.going_on is None else self.snapshot.going_on)
        if corrected or shape != self._emitted_shape or self._ticks % _CALM == 0:
            self._emitted_shape = shape
            self._emit()
        self.moved.emit()

    def _found(self, noted: AnnotatedEvent) -> AnnotatedEvent | None:
        """Return the current version of an event; None if it is gone."""
        if self.snapshot.overlapping:
            return next((one for one in self.notes if one.same_as(noted)), None)
        i = bisect_left(self.notes, noted.event.begin_s, key=lambda one: one.event.end_s)
        return next((one for one in self.notes[i : i + 3] if one.same_as(noted)), None)

    def _emit(self) -> None:
        self._changed_silently = False
        self.changed.emit()
