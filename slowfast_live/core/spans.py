"""Spans of consecutive moments, and the events in them."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from slowfast_live.core.events import Event, EventRule, EventTracker, TrackerState
from slowfast_live.core.several import OverlapState, OverlapTracker, Shown, in_order

_CHECKPOINT = 256
"""Number of moments of a span between two tracker checkpoints."""

Labeled = tuple[float, str | None, float] | tuple[float, Shown]
"""Time of a moment in seconds, and the label shown there (None if there is none) with its smoothed score.

If the event rule lets events overlap: its time, and all (label, smoothed score) pairs that are shown there.
"""
_State = TrackerState | OverlapState


class MomentSpan:
    """Consecutive moments and the events in them. Not thread-safe.

    Args:
        rule: Event rule; within a span, a label is held until the next moment.

    Attributes:
        slots: Rows of its moments, ascending; whoever changes them calls `track`.
    """

    __slots__ = ("_checkpoints", "_closed", "_events", "_fed", "_rule", "_tracker", "slots")

    def __init__(self, rule: EventRule) -> None:
        self.slots: array[int] = array("l")
        self._rule = rule
        self._tracker = self._new_tracker()
        self._fed = 0  # number of slots processed by the tracker
        self._closed: list[Event] = []  # events returned by the tracker
        self._checkpoints: list[tuple[int, _State, int]] = []  # (last slot, state, number of closed events)
        self._events: list[Event] | None = None  # None: not computed yet

    def events(self) -> list[Event]:
        """Return the events, oldest first, as if the span ended with its last moment."""
        if self._events is None:
            tracker = self._restored(self._tracker.state)
            self._events = [*self._closed, *tracker.finish()]
            if self._rule.overlapping:
                self._events = in_order(self._events)
        return self._events

    def _new_tracker(self) -> Any:
        return OverlapTracker(self._rule) if self._rule.overlapping else EventTracker(self._rule)

    def _restored(self, state: Any) -> Any:
        return (OverlapTracker if self._rule.overlapping else EventTracker).restored(self._rule, state)

    def track(self, labeled: Callable[[int], Labeled], begin: int, end: int, joined: MomentSpan | None = None) -> None:
        """Derive the events again after the labels at positions `begin` up to (excluding) `end` have changed.

        Once the tracker reaches the same state as in an earlier pass, the rest of that pass is reused.

        Args:
            labeled: Returns what is shown at the moment in a row.
            begin: Position of the first changed moment.
            end: Position after the last changed moment.
            joined: The following span, if its moments were just appended to this one.
        """
        self._events = None
        slots = self.slots
        earlier = self if joined is None else joined
        old_closed, old_tracker = earlier._closed, earlier._tracker
        later: list[tuple[int, _State, int]] = []
        if joined is not None:
            later = [point for point in joined._checkpoints if point[0] > slots[end - 1]]
        position = self._fed
        if begin < self._fed:
            known = bisect_left(self._checkpoints, slots[begin], key=lambda point: point[0])
            later = [point for point in self._checkpoints[known:] if point[0] > slots[end - 1]]
            position = self._rewind(known, old_closed)
        later.reverse()
        while position < len(slots):
            slot = slots[position]
            self._closed += self._tracker.update(*labeled(slot))
            position += 1
            while later and later[-1][0] < slot:
                later.pop()
            if later and later[-1][0] == slot:
                if later[-1][1] == self._tracker.state:  # everything from here on is unchanged
                    self._rejoin(later, old_closed, old_tracker)
                    break
            elif position % _CHECKPOINT == 0:
                self._checkpoints.append((slot, self._tracker.state, len(self._closed)))
        self._fed = len(slots)

    def _rewind(self, known: int, closed: list[Event]) -> int:
        """Return to the last of the first `known` checkpoints; return the position after it."""
        self._checkpoints = self._checkpoints[:known]
        if not self._checkpoints:
            self._tracker, self._closed = self._new_tracker(), []
            return 0
        slot, state, count = self._checkpoints[-1]
        self._tracker, self._closed = self._restored(state), closed[:count]
        return bisect_right(self.slots, slot)

    def _rejoin(self, later: list[tuple[int, _State, int]], closed: list[Event], tracker: Any) -> None:
        """Reuse the results of an earlier tracker pass from the newest of the checkpoints `later` on."""
        moved = len(self._closed) - later[-1][2]
        self._closed = self._closed + closed[later[-1][2] :]
        self._checkpoints += [(slot, state, count + moved) for slot, state, count in reversed(later)]
        self._tracker = tracker


def until(event: Event, limit_s: float) -> Event | None:
    """Return the part of an event before a time; None if nothing remains."""
    if event.end_s <= limit_s:
        return event
    if event.begin_s >= limit_s:
        return None
    return replace(event, end_s=limit_s, peak_s=min(event.peak_s, limit_s))
