"""Whom the model is asked about next: the frames that people are cut from, and whose turn it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from slowfast_live.core.events import EventRule
from slowfast_live.inference.backend import CompiledModel
from slowfast_live.people.everyone import in_clip
from slowfast_live.people.tracker import TrackedPerson
from slowfast_live.people.windows import PersonFraming, PersonView
from slowfast_live.pipeline.clip_buffer import ClipBuffer
from slowfast_live.pipeline.person_labels import LivePersonLabels
from slowfast_live.types import FrameWindow

PeopleOf = Callable[[int], Sequence[TrackedPerson] | None]
"""Returns the people in the latest frame of a generation; None if nobody is followed."""


@dataclass(frozen=True, slots=True, eq=False)
class Turn:
    """One question to the model.

    Attributes:
        person: Whom it is about.
        window: The frame window.
        view: Cuts the clip of the person from it.
    """

    person: TrackedPerson
    window: FrameWindow
    view: PersonView


class Crowd:
    """The people whom the model is asked about. Guarded by the recognizer's lock, except for `labels`.

    Args:
        people: The people in the latest frame.
    """

    def __init__(self, people: PeopleOf) -> None:
        self._people = people
        self._buffer: ClipBuffer | None = None
        self.labels = LivePersonLabels()
        """The labels of each person. Thread-safe."""

    def buffer(self, compiled: CompiledModel | None, generation: int, *, live: bool) -> ClipBuffer | None:
        """Return the buffer for frames from which people are cut; None if nobody is followed."""
        if compiled is None or compiled.model.spec.detects or self._people(generation) is None:
            self._buffer = None
        elif self._buffer is None or self._buffer.clip != compiled.model.spec.clip:
            self._buffer = ClipBuffer.for_people(compiled.model.spec, live=live)
        return self._buffer

    def restart(self, *, live: bool) -> None:
        """Discard all frames because they are not continued."""
        self._buffer = self._buffer.emptied(live=live) if self._buffer else None
        self.labels.forget()

    def close(self) -> None:
        """Release the frames: no model is running, or another one."""
        self._buffer = None
        self.labels.forget()

    def turn(self, compiled: CompiledModel, generation: int, *, swapped: bool) -> Turn | None:
        """Return whom to ask about next; None if nobody is there, or everybody was asked about the newest frame.

        Args:
            compiled: The running model.
            generation: The current generation.
            swapped: Whether left and right of the frames are swapped.
        """
        buffer, people = self._buffer, self._people(generation)
        if buffer is None or not people or buffer.ring.newest_s is None:
            return None
        person = self.labels.next_person(people, buffer.ring.newest_s[1])
        window = buffer.ring.window(generation) if person is not None else None
        if person is None or window is None:
            return None
        self.labels.asked(person.id, window.t_end_s, EventRule.for_timing(compiled.model.spec.timing))
        wrong = swapped and not buffer.clip.mirrored
        return Turn(person, window, PersonView(PersonFraming(buffer.clip), person, window.times_s, wrong))

    def alone(self, window: FrameWindow) -> TrackedPerson | None:
        """Return the only person in the picture, if the model is to be asked about them for a window of all of it.

        None if there are more or none, or if they were asked about.
        """
        people = self._people(window.generation) or ()
        if self._buffer is None or len(people) != 1 or people[0].lost:
            return None
        return people[0] if self.labels.unasked(people[0].id, window.t_end_s) else None

    def everyone(self, compiled: CompiledModel, window: FrameWindow) -> tuple[TrackedPerson, ...]:
        """Return the people whose actions a detection model is asked about for a window; nobody if nobody is there."""
        people = [p for p in self._people(window.generation) or () if in_clip(compiled.model.spec, window, p)]
        rule = EventRule.for_timing(compiled.model.spec.timing, overlapping=True)
        return self.labels.everyone(people, window.t_end_s, rule)

    def served(self, generation: int) -> bool:
        """Whether somebody is there and can be asked about, so that nobody asks about the whole picture."""
        return bool(self._buffer is not None and self._people(generation) and self._buffer.ring.coverage >= 1)
