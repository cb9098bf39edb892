"""The events of people as the timeline and the events list show them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from slowfast_live.core.corrections import AnnotatedEvent, Corrections
from slowfast_live.core.events import Event
from slowfast_live.people.now import PeopleEvents, PeopleNow, PersonEvent
from slowfast_live.people.records import KnownPeople
from slowfast_live.ui.events.time_axis import Span

_TOGETHER_S = 1.0
"""Events of people are shown once two people have done something at the same time for this long, or once somebody is
followed: one person alone, and people who come one after the other, are the whole picture."""


@dataclass(frozen=True, slots=True)
class PeopleRow:
    """A row of the timeline.

    Attributes:
        people: Whose events are in it: one person, or all who have no row of their own.
        notes: Their events in the span, oldest first.
    """

    people: tuple[int, ...]
    notes: tuple[AnnotatedEvent, ...]

    @property
    def person(self) -> int | None:
        """The person; None if it is the row of all others."""
        return self.people[0] if len(self.people) == 1 else None


class SessionPeople:
    """The events of people in one session. For the GUI thread only."""

    def __init__(self) -> None:
        self.notes: tuple[AnnotatedEvent, ...] = ()
        """The events of people with the user's edits, oldest first; none until they say more than those of the whole
        picture."""
        self.everything: tuple[AnnotatedEvent, ...] = ()
        """The same, also if they say no more than those of the whole picture."""
        self.known: tuple[int, ...] = ()
        """Identities of all who have events that are shown."""
        self.followed: int | None = None
        """The person whom the user follows."""
        self.grown = False
        """Whether an event in progress grew since the last change."""
        self.archive = KnownPeople()
        """The people of an earlier session that is shown without its source."""
        self._found = PeopleEvents()
        self._shape: tuple[object, ...] = ()
        self._shown = False

    def clear(self) -> None:
        """Forget everybody: another source follows."""
        self.notes, self.everything, self.known, self.followed, self.grown = (), (), (), None, False
        self.archive, self._found = KnownPeople(), PeopleEvents()
        self._shape, self._shown = (), False

    def take(self, found: PeopleEvents, now: PeopleNow) -> bool:
        """Take the current events; return whether more has changed than the length of events in progress.

        They are shown by `correct`.
        """
        going_on = tuple((one.person, one.event.label) for one in found.events if one.going_on)
        shape = (found.version, now.followed, going_on)
        if shape == self._shape and not going_on:
            self.grown = False
            return False
        news, self._shape, self.followed = shape != self._shape, shape, now.followed
        self.grown = bool(going_on)
        self._found = found
        return news

    def take_archive(self, known: KnownPeople) -> None:
        """Take the people of an earlier session; they are shown by `correct`."""
        self.archive = known
        self._found = PeopleEvents(events=known.events, joined=known.joined)

    def correct(self, corrections: Corrections, model: str, *, overlapping: bool) -> None:
        """Show the events with the user's edits.

        Args:
            corrections: The edits.
            model: Name of the model that recognized the events; "" if unknown.
            overlapping: Whether the model gives several answers at once.
        """
        joined = self._found.joined
        edited = corrections.people(joined)
        by_person: dict[int, list[PersonEvent]] = {person: [] for person in edited}
        for one in self._found.events:
            by_person.setdefault(one.person, []).append(one)
        notes: list[AnnotatedEvent] = []
        for person, own in by_person.items():
            events = [one.event for one in own]
            notes += corrections.apply(
                events,
                [i for i, one in enumerate(own) if one.going_on],
                model,
                overlapping=overlapping or _overlap(events),
                person=person,
                joined=joined,
            )
        self.everything = tuple(sorted(notes, key=lambda noted: noted.event.begin_s))
        # What is shown once stays.
        self._shown = self._shown or bool(edited) or self.followed is not None or _together(self._found.events)
        self.notes = self.everything if self._shown else ()
        self.known = tuple(sorted({noted.person for noted in self.notes if noted.person is not None}))

    def current(self, noted: AnnotatedEvent) -> AnnotatedEvent | None:
        """Return the current version of an event; None if it is gone."""
        return next((one for one in self.notes if one.same_as(noted)), None)

    def at(self, person: int, t_s: float) -> AnnotatedEvent | None:
        """Return what a person does at a time; None if nothing is known."""
        return next((n for n in self.notes if n.person == person and n.event.begin_s <= t_s <= n.event.end_s), None)

    def rows(self, span: Span, most: int) -> tuple[PeopleRow, ...]:
        """Return the rows for a span of time: of who is followed, and of who does something for longest there.

        Args:
            span: The span.
            most: Number of rows; if there are more people, the last one is that of all others.
        """
        shown = [n for n in self.notes if n.event.end_s > span.begin_s and n.event.begin_s < span.end_s]
        busy_s: dict[int, float] = {}
        for noted in shown:
            if noted.person is not None:
                inside_s = min(noted.event.end_s, span.end_s) - max(noted.event.begin_s, span.begin_s)
                busy_s[noted.person] = busy_s.get(noted.person, 0.0) + inside_s
        ranked = sorted(busy_s, key=lambda person: (person != self.followed, -busy_s[person], person))
        own = ranked if len(ranked) <= most else ranked[: max(0, most - 1)]
        rows = [PeopleRow((person,), _of((person,), shown)) for person in sorted(own)]
        if others := tuple(sorted(set(ranked) - set(own))):
            rows.append(PeopleRow(others, _of(others, shown)))
        return tuple(rows)


def _together(events: Sequence[PersonEvent]) -> bool:
    """Whether two people have done something at the same time; `events` are oldest first."""
    last: tuple[int, float] | None = None  # who is busy for longest, and until when
    other_s = -math.inf  # until when anybody else is
    for one in events:
        begin_s, end_s = one.event.begin_s, one.event.end_s
        until_s = -math.inf if last is None else (last[1] if last[0] != one.person else other_s)
        if min(end_s, until_s) - begin_s >= _TOGETHER_S:
            return True
        if last is None or last[0] == one.person:
            last = (one.person, max(end_s, last[1] if last is not None else end_s))
        elif end_s > last[1]:
            last, other_s = (one.person, end_s), last[1]
        else:
            other_s = max(other_s, end_s)
    return False


def _overlap(events: Sequence[Event]) -> bool:
    """Whether one begins before another one ends; `events` are oldest first."""
    return any(later.begin_s < earlier.end_s for earlier, later in pairwise(events))


def _of(people: Iterable[int], notes: Iterable[AnnotatedEvent]) -> tuple[AnnotatedEvent, ...]:
    wanted = set(people)
    return tuple(noted for noted in notes if noted.person in wanted)
