"""Where each person was and what was said of them, for timelines, previews and exports; bounded. Not thread-safe."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

import numpy as np

from slowfast_live.core.events import Event
from slowfast_live.people.boxes import iou
from slowfast_live.people.now import PersonEvent
from slowfast_live.people.tracker import MEMORY_S, SAME_IOU, TrackedPerson
from slowfast_live.types import Readout

T = TypeVar("T")
Box = tuple[float, float, float, float]
BoxRow = tuple[float, float, float, float, float]
"""Time in seconds and x1, y1, x2, y2 in shares of the picture."""

STEP_S = 0.2
"""Boxes of a person are kept at this interval."""
MAX_ROWS = 60_000
"""Boxes and predictions that are kept of all people; those of whom nothing was heard for longest are dropped first."""
MAX_EVENTS = 2000
"""Events of people that are kept; the oldest are dropped first."""
_LABELS = 3
_SURE_S = 0.5
"""Somebody is recognized as a person of an earlier pass after this time."""
_SAME_S = 0.1
"""Predictions of a person within such a step replace each other when a file is played again."""
_SHORTEST_S, _GAP_S = 0.2, 0.8


@dataclass(frozen=True, slots=True)
class SaidOfPerson:
    """What was shown of one person at one time.

    Attributes:
        t_s: Time of the newest frame that it is based on, on the source's clock.
        label: The action; None if none was certain enough.
        score: Its smoothed score; that of the best class if there is no label.
        top: Up to three (label, smoothed score) pairs, best first.
    """

    t_s: float
    label: str | None
    score: float
    top: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True, eq=False)
class PersonTrail:
    """One person over the whole source.

    Attributes:
        id: Identity.
        boxes: Where the person was, oldest first.
        said: What was said of them, oldest first.
    """

    id: int
    boxes: tuple[BoxRow, ...]
    said: tuple[SaidOfPerson, ...]


@dataclass(frozen=True, slots=True, eq=False)
class KnownPeople:
    """Everything that is known of the people in one source.

    Attributes:
        trails: Where everybody was and what was said of them, by identity.
        events: Their events, oldest first.
        joined: Former identities of people, and their present ones.
        mirrored: Whether left and right of the boxes are swapped.
        detector: Title of the person detector; "" if unknown.
    """

    trails: tuple[PersonTrail, ...] = ()
    events: tuple[PersonEvent, ...] = ()
    joined: Mapping[int, int] = field(default_factory=dict)
    mirrored: bool = False
    detector: str = ""

    @property
    def rows(self) -> int:
        """Number of boxes and predictions."""
        return sum(len(trail.boxes) + len(trail.said) for trail in self.trails)

    @property
    def highest(self) -> int:
        """The highest identity that was given; 0 if there is none."""
        given = (trail.id for trail in self.trails), (one.person for one in self.events), iter(self.joined)
        return max((identity for group in given for identity in group), default=0)

    @property
    def range_s(self) -> tuple[float, float]:
        """The time of the first and of the last thing that is known; (0, 0) if nothing is."""
        times = [row[0] for trail in self.trails for row in (*trail.boxes[:1], *trail.boxes[-1:])]
        times += [t for one in self.events for t in (one.event.begin_s, one.event.end_s)]
        return (min(times), max(times)) if times else (0.0, 0.0)

    def mirror(self) -> KnownPeople:
        """Return the same with left and right swapped."""
        trails = tuple(replace(trail, boxes=tuple(_mirrored(trail.boxes))) for trail in self.trails)
        return replace(self, trails=trails, mirrored=not self.mirrored)


@dataclass(slots=True)
class _Trail:
    boxes: list[BoxRow] = field(default_factory=list)
    said: list[SaidOfPerson] = field(default_factory=list)

    @property
    def rows(self) -> int:
        return len(self.boxes) + len(self.said)

    def halve(self) -> None:
        del self.boxes[: len(self.boxes) // 2 + 1]
        del self.said[: len(self.said) // 2 + 1]


class PersonRecords:
    """Boxes and labels of everybody who was followed in one source.

    A file may be played again: a later pass replaces what an earlier one found at the same times.
    """

    def __init__(self) -> None:
        self._trails: dict[int, _Trail] = {}  # those heard of last come last
        self._rows = 0
        self._latest_s = -math.inf

    def clear(self) -> None:
        """Forget everything."""
        self._trails.clear()
        self._rows, self._latest_s = 0, -math.inf

    def earlier(self, people: Sequence[TrackedPerson], t_s: float) -> list[tuple[int, int]]:
        """Return who of the people in the picture is who else of an earlier pass: pairs of new and earlier identity.

        Somebody may be found from the middle of a file on, and from its beginning when it is played again.
        """
        if t_s >= self._latest_s - MEMORY_S:  # nothing is played again
            return []
        there = {person.id for person in people}
        known = self.who_at(t_s)
        pairs = []
        for person in people:
            if person.lost or t_s - person.first_s < _SURE_S:
                continue
            for other, box in known:
                if other not in there and overlap(person.box, box) >= SAME_IOU:
                    pairs.append((person.id, other))
                    there.add(other)
                    break
        return pairs

    def join(self, identity: int, other: int) -> None:
        """Let what is known of another person be that of this one."""
        taken = self._trails.pop(other, None)
        if taken is not None:
            trail = self._trail(identity)
            trail.boxes = sorted((*trail.boxes, *taken.boxes))
            trail.said = sorted((*trail.said, *taken.said), key=lambda said: said.t_s)

    def saw(self, people: Iterable[TrackedPerson], t_s: float) -> None:
        """Note where people are at a time."""
        self._latest_s = max(self._latest_s, t_s)
        for person in people:
            if not person.lost:
                self._place(self._trail(person.id).boxes, (t_s, *person.box))
        self._bound()

    def said(self, identity: int, readout: Readout) -> None:
        """Note what is shown of a person."""
        said = SaidOfPerson(readout.t_end_s, readout.label, readout.score, readout.top[:_LABELS])
        rows = self._trail(identity).said
        if not rows or said.t_s > rows[-1].t_s:
            rows.append(said)
            self._rows += 1
            return
        self._rows += _replace(rows, said, lambda row: _step(row.t_s, _SAME_S))

    def box_at(self, identity: int, t_s: float) -> Box | None:
        """Return where a person was at a time; None if that is not known."""
        trail = self._trails.get(identity)
        return None if trail is None else _box_in(trail.boxes, t_s, MEMORY_S)

    def who_at(self, t_s: float) -> list[tuple[int, Box]]:
        """Return everybody who is known to have been in the picture at a time, and where."""
        found = []
        for identity, trail in self._trails.items():
            if (box := _box_in(trail.boxes, t_s, MEMORY_S)) is not None:
                found.append((identity, box))
        return found

    def trails(self) -> tuple[PersonTrail, ...]:
        """Return everything that is known, by identity."""
        return tuple(PersonTrail(i, tuple(t.boxes), tuple(t.said)) for i, t in sorted(self._trails.items()))

    def mirror(self) -> None:
        """Swap left and right: the pictures are mirrored from now on, or no longer."""
        for trail in self._trails.values():
            trail.boxes = _mirrored(trail.boxes)

    def restore(self, trails: Iterable[PersonTrail]) -> None:
        """Forget everything, and take what is known of an earlier run."""
        self.clear()
        for trail in trails:
            self._trails[trail.id] = kept = _Trail(list(trail.boxes), list(trail.said))
            self._rows += kept.rows
            if trail.boxes:
                self._latest_s = max(self._latest_s, trail.boxes[-1][0])
        self._bound()

    @property
    def rows(self) -> int:
        """Number of rows that are kept."""
        return self._rows

    def _trail(self, identity: int) -> _Trail:
        trail = self._trails.pop(identity, None) or _Trail()
        self._trails[identity] = trail
        return trail

    def _place(self, rows: list[BoxRow], new: BoxRow) -> None:
        if not rows or new[0] >= rows[-1][0] + STEP_S - 1e-6:
            rows.append(new)
            self._rows += 1
        elif new[0] < rows[-1][0]:  # played again
            self._rows += _replace(rows, new, lambda row: _step(row[0], STEP_S))

    def _bound(self) -> None:
        while self._rows > MAX_ROWS:
            oldest = next(iter(self._trails))
            trail = self._trails[oldest]
            before = trail.rows
            if len(self._trails) > 1:
                del self._trails[oldest]
                self._rows -= before
            else:
                trail.halve()
                self._rows -= before - trail.rows


def _replace(rows: list[T], new: T, step: Callable[[T], int]) -> int:
    """Put a row in place of those of the same step; return how many rows there are more."""
    first = bisect_left(rows, step(new), key=step)
    end = bisect_right(rows, step(new), lo=first, key=step)
    rows[first:end] = [new]
    return 1 - (end - first)


def _step(t_s: float, length_s: float) -> int:
    """Return in which of the steps of a length a time lies: what lies in one step is replaced when it is seen again."""
    return math.floor(t_s / length_s + 1e-6)


def _mirrored(rows: Iterable[BoxRow]) -> list[BoxRow]:
    return [(t_s, 1 - x2, y1, 1 - x1, y2) for t_s, x1, y1, x2, y2 in rows]


def _box_in(rows: Sequence[BoxRow], t_s: float, beyond_s: float) -> Box | None:
    if not rows:
        return None
    index = bisect_left(rows, t_s, key=lambda row: row[0])
    after = rows[index] if index < len(rows) else None
    before = rows[index - 1] if index else None
    if before is None or after is None:
        near = before or after
        assert near is not None
        return near[1:] if abs(near[0] - t_s) <= beyond_s else None
    if after[0] - before[0] > 2 * beyond_s:  # was out of sight
        near = before if t_s - before[0] < after[0] - t_s else after
        return near[1:] if abs(near[0] - t_s) <= beyond_s else None
    share = (t_s - before[0]) / (after[0] - before[0])
    x1, y1, x2, y2 = (a + share * (b - a) for a, b in zip(before[1:], after[1:], strict=True))
    return x1, y1, x2, y2


def overlap(one: Box, other: Box) -> float:
    """Return the intersection over union of two boxes."""
    return float(iou(np.array([one], np.float32), np.array([other], np.float32))[0, 0])


class PersonEvents:
    """The finished events of people. Where a file is played again, the later pass replaces the earlier one."""

    def __init__(self) -> None:
        self._kept: list[tuple[int, PersonEvent]] = []  # number of the pass, event
        self._pass = 0
        self._begin_s: float | None = None
        self.joined: dict[int, int] = {}
        """Former identities of people, and their present ones."""
        self.version = 0
        """Incremented with every change."""

    def clear(self) -> None:
        """Forget everything."""
        self._kept.clear()
        self.joined = {}
        self._begin_s = None
        self.version += 1

    def restore(self, events: Iterable[PersonEvent], joined: Mapping[int, int]) -> None:
        """Forget everything, and take the events of an earlier run; what follows does not continue them."""
        self.clear()
        self._kept = [(self._pass, replace(one, going_on=False)) for one in events][-MAX_EVENTS:]
        self.joined = dict(joined)
        self.end_pass()

    def join(self, identity: int, other: int) -> None:
        """Let the events of another person be those of this one."""
        self._kept = [(k, replace(one, person=identity) if one.person == other else one) for k, one in self._kept]
        self.joined = {old: identity if now == other else now for old, now in self.joined.items()} | {other: identity}
        self.version += 1

    def end_pass(self) -> None:
        """What follows does not continue what was before."""
        self._pass += 1
        self._begin_s = None

    def reached(self, begin_s: float, end_s: float) -> None:
        """Note that a pass covers a time; what earlier ones found there is dropped."""
        if self._begin_s is None:
            self._begin_s = begin_s
        low_s = self._begin_s
        if not any(
            kept < self._pass and one.event.begin_s < end_s > low_s < one.event.end_s for kept, one in self._kept
        ):
            return
        rest: list[tuple[int, PersonEvent]] = []
        for kept, one in self._kept:
            event = one.event
            if kept == self._pass or event.begin_s >= end_s or event.end_s <= low_s:
                rest.append((kept, one))
                continue
            for from_s, to_s in ((event.begin_s, min(event.end_s, low_s)), (max(event.begin_s, end_s), event.end_s)):
                if to_s - from_s >= _SHORTEST_S:
                    peak_s = min(max(event.peak_s, from_s), to_s)
                    rest.append((kept, replace(one, event=replace(event, begin_s=from_s, end_s=to_s, peak_s=peak_s))))
        self._kept = rest
        self.version += 1

    def add(self, identity: int, events: Iterable[Event]) -> None:
        """Add finished events of a person."""
        for event in events:
            self._kept.append((self._pass, PersonEvent(identity, event)))
            self.version += 1
        del self._kept[: max(0, len(self._kept) - MAX_EVENTS)]

    def all(self, going_on: Iterable[PersonEvent] = ()) -> tuple[PersonEvent, ...]:
        """Return all events, oldest first, with those in progress; what one pass cut in two is joined again."""
        joined: list[PersonEvent] = []
        last: dict[tuple[int, str], int] = {}
        for one in sorted((*(kept for _, kept in self._kept), *going_on), key=lambda e: e.event.begin_s):
            key = one.person, one.event.label
            index = last.get(key)
            if index is not None and one.event.begin_s - joined[index].event.end_s <= _GAP_S:
                joined[index] = _together(joined[index], one)
                continue
            last[key] = len(joined)
            joined.append(one)
        return tuple(joined)


def _together(one: PersonEvent, two: PersonEvent) -> PersonEvent:
    a, b = one.event, two.event
    total_s = a.length_s + b.length_s
    peak = a if a.peak_score >= b.peak_score else b
    event = replace(
        a,
        end_s=max(a.end_s, b.end_s),
        mean_score=(a.mean_score * a.length_s + b.mean_score * b.length_s) / total_s if total_s > 0 else a.mean_score,
        peak_score=peak.peak_score,
        peak_s=peak.peak_s,
    )
    return PersonEvent(one.person, event, one.going_on or two.going_on)
