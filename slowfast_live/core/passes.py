"""Passes: the events of a live source between two interruptions, and how they replace earlier ones."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import replace

from slowfast_live.core.events import Event, EventRule, EventTracker
from slowfast_live.core.several import OverlapTracker, in_order, latest_end_s
from slowfast_live.types import Prediction, Readout

MAX_EVENTS = 20_000
"""Maximum number of events; the oldest are discarded first."""


class Pass:
    """A period of a live source without interruption.

    Args:
        first: Its first prediction.
        rule: The model's event rule.
    """

    def __init__(self, first: Prediction, rule: EventRule) -> None:
        self.rule, self.model, self.generation = rule, first.model, first.generation
        self.tracker: EventTracker | OverlapTracker = OverlapTracker(rule) if rule.overlapping else EventTracker(rule)
        self.begin_s, self.newest_s = first.t_end_s - rule.lag_s, first.t_end_s
        self.events: list[Event] = []
        self.value: tuple[int, float, float] | None = None

    def continues(self, prediction: Prediction) -> bool:
        """Return whether a prediction continues this pass."""
        same = prediction.generation == self.generation and prediction.model == self.model
        return same and prediction.t_end_s >= self.newest_s

    def sure_until_s(self, events: Sequence[Event]) -> float:
        """Return the time up to which the pass replaces earlier events; after that it is still undecided."""
        undecided_s = self.rule.lag_s + self.rule.shortest_s + self.rule.gap_s
        return max(self.begin_s, self.newest_s - undecided_s, latest_end_s(events))

    def add(self, t_s: float, readout: Readout) -> None:
        """Add the readout of the prediction at `t_s`."""
        self.newest_s = t_s
        if isinstance(self.tracker, OverlapTracker):
            self.events = in_order([*self.events, *self.tracker.update(t_s, readout.shown)])
        else:
            self.events += self.tracker.update(t_s, readout.label, readout.score)
        del self.events[:-MAX_EVENTS]

    def current(self) -> tuple[Event, ...]:
        """Return the events in progress."""
        current = self.tracker.current()
        if current is None:
            return ()
        return current if isinstance(current, tuple) else (current,)


def splice(old: Sequence[Event], new: Sequence[Event], begin_s: float, end_s: float, rule: EventRule) -> list[Event]:
    """Replace the events between `begin_s` and `end_s` by `new`; if events may overlap, those of each label.

    See `_splice` for the arguments.
    """
    if not rule.overlapping:
        return _splice(old, new, begin_s, end_s, rule)
    labels = {event.label for event in (*old, *new)}
    return in_order(
        [event for label in labels for event in _splice(_of(label, old), _of(label, new), begin_s, end_s, rule)]
    )


def _of(label: str, events: Sequence[Event]) -> list[Event]:
    return [event for event in events if event.label == label]


def _splice(old: Sequence[Event], new: Sequence[Event], begin_s: float, end_s: float, rule: EventRule) -> list[Event]:
    """Replace the events between `begin_s` and `end_s` by `new`.

    Old events are cut at both ends. A remainder that is too short for an event is dropped; a remainder next to a new
    event of the same action is joined with it.

    Args:
        old: Events, oldest first, without overlaps.
        new: Events within that time, oldest first, without overlaps.
        begin_s: Start of the time replaced.
        end_s: End of the time replaced; not before `begin_s`.
        rule: Minimum length of an event, and longest gap within an action.
    """
    first = bisect_left(old, begin_s, key=lambda event: event.end_s)
    last = bisect_left(old, end_s, key=lambda event: event.begin_s)
    before, after = list(old[:first]), list(old[max(first, last) :])
    middle = list(new)
    if first < last:
        left = _part(old[first], old[first].begin_s, min(begin_s, old[first].end_s))
        right = _part(old[last - 1], max(end_s, old[last - 1].begin_s), old[last - 1].end_s)
        if left is not None:
            middle = _met(left, middle, rule, at_the_end=False)
        if right is not None:
            middle = _met(right, middle, rule, at_the_end=True)
    return [*before, *middle, *after]


def _part(event: Event, begin_s: float, end_s: float) -> Event | None:
    """Return the part of an event; None if nothing remains. If the peak lies outside, the mean score replaces it."""
    if begin_s >= end_s:
        return None
    if begin_s <= event.peak_s <= end_s:
        return replace(event, begin_s=begin_s, end_s=end_s)
    nearest_s = min(max(event.peak_s, begin_s), end_s)
    return replace(event, begin_s=begin_s, end_s=end_s, peak_score=event.mean_score, peak_s=nearest_s)


def _met(part: Event, middle: list[Event], rule: EventRule, *, at_the_end: bool) -> list[Event]:
    """Add the remainder of an old event to one end of the new events."""
    if middle:
        neighbor = middle[-1] if at_the_end else middle[0]
        early, late = (neighbor, part) if at_the_end else (part, neighbor)
        if early.label == late.label and late.begin_s - early.end_s <= rule.gap_s:
            joined = _joined(early, late)
            return [*middle[:-1], joined] if at_the_end else [joined, *middle[1:]]
    if part.length_s < rule.shortest_s:
        return middle
    return [*middle, part] if at_the_end else [part, *middle]


def _joined(early: Event, late: Event) -> Event:
    weight = early.length_s / (early.length_s + late.length_s)
    best = early if early.peak_score >= late.peak_score else late
    mean = early.mean_score * weight + late.mean_score * (1 - weight)
    return replace(best, begin_s=early.begin_s, end_s=late.end_s, mean_score=min(mean, best.peak_score))
