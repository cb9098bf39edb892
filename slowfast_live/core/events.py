"""Convert labels over time into events with a start and an end."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from slowfast_live.core.sampling import ClipTiming
from slowfast_live.core.smoothing import TIME_CONSTANT_S

_ROUNDING_S = 1e-9
"""Tolerance for lengths, which are sums of time differences."""


@dataclass(frozen=True, slots=True)
class Event:
    """One action, from start to end.

    Attributes:
        label: The action.
        begin_s: Start on the source's clock; before `end_s`.
        end_s: End on the source's clock.
        mean_score: Time-weighted mean of the label's smoothed score, 0..1.
        peak_score: Highest smoothed score.
        peak_s: Time of the highest score.
        by_hand: Added by the user; the scores do not come from a model.
        repetitions: How many times the movement was repeated; 0 if it was not, or if nothing was counted.
    """

    label: str
    begin_s: float
    end_s: float
    mean_score: float
    peak_score: float
    peak_s: float
    by_hand: bool = False
    repetitions: int = 0

    @property
    def length_s(self) -> float:
        """Duration in seconds."""
        return self.end_s - self.begin_s


def label_lag_s(timing: ClipTiming, time_constant_s: float = TIME_CONSTANT_S) -> float:
    """Return the delay between an action and its label, in seconds.

    A frame window shows the label of the action that fills most of it, which is half a span late. Smoothing delays a
    step by another `time_constant_s * ln 2` until the new action leads. The lag never exceeds one span, so that no
    event is dated before the first frame.
    """
    return min(timing.span_s / 2 + math.log(2) * time_constant_s, timing.span_s - timing.tolerance_s)


@dataclass(frozen=True, slots=True)
class EventRule:
    """When labels become an event. Threshold and hysteresis are part of `LabelHysteresis`.

    Attributes:
        shortest_s: Minimum duration of an event.
        gap_s: Longest gap after which the same action continues the same event.
        lag_s: Delay between an action and its label: half a frame window plus smoothing. Events are dated back by it.
        hold_s: Longest time that a label is held until the next one, so that a source that stops or stalls does not
            stretch an event. Must exceed the time between two predictions.
        overlapping: Whether events of different labels may overlap, because the model gives several answers at once.

    Raises:
        ValueError: A time is negative, or `hold_s` is not positive.
    """

    shortest_s: float = 0.6
    gap_s: float = 0.8
    lag_s: float = 0.0
    hold_s: float = 1.0
    overlapping: bool = False

    def __post_init__(self) -> None:
        if min(self.shortest_s, self.gap_s, self.lag_s) < 0 or self.hold_s <= 0:
            raise ValueError(f"an event rule needs times >= 0 and hold_s > 0, got {self}")

    @classmethod
    def for_timing(cls, timing: ClipTiming, longest_step_s: float = 0.0, *, overlapping: bool = False) -> EventRule:
        """Return the rule for a model.

        Args:
            timing: The model's clip, which determines the lag.
            longest_step_s: Time between two predictions in seconds, if known; 0 for live sources.
            overlapping: Whether the model gives several answers at once.
        """
        hold_s = max(cls().hold_s, 2 * longest_step_s)
        return cls(lag_s=label_lag_s(timing), hold_s=hold_s, overlapping=overlapping)


@dataclass(slots=True)
class _Run:
    """Time in which one label was seen. In an event, gaps are included."""

    label: str
    begin_s: float
    end_s: float
    seen_s: float
    area: float  # integral of the score over the time seen
    peak_score: float
    peak_s: float

    def absorb(self, later: _Run) -> None:
        self.end_s = later.end_s
        self.seen_s += later.seen_s
        self.area += later.area
        if later.peak_score > self.peak_score:
            self.peak_score, self.peak_s = later.peak_score, later.peak_s


TrackerState = tuple[tuple[float, str | None, float] | None, "_Run | None", tuple["_Run", ...], float]
"""Complete state of an `EventTracker`: trackers with equal states behave identically from then on."""


class EventTracker:
    """Convert labels into events, one sample at a time, in bounded memory.

    A sample's label lasts until the next sample, but `hold_s` at most. The labels are evaluated from the oldest on:

    1. An event begins with the first label that is seen for a total of `shortest_s` within its first
       `shortest_s + gap_s`. Labels that are seen for less are ignored.
    2. The event continues after a gap of up to `gap_s` if its label returns, unless another label was seen in the gap
       for `shortest_s` without interruption. Shorter labels within a gap are ignored.
    3. Otherwise the event ends where its label was last seen, and the search continues from there.

    Events of one tracker never overlap, begin before they end, and depend only on the labels and their times: samples
    that repeat the previous label change nothing. Start and end are dated back by `lag_s`; an event that is in progress
    when the source ends lasts until the source's end. Not thread-safe.

    >>> tracker = EventTracker()
    >>> for i in range(11):
    ...     _ = tracker.update(i / 10, "waving", 0.9)
    >>> [(event.label, event.begin_s, event.end_s) for event in tracker.finish()]
    [('waving', 0.0, 1.0)]

    Args:
        rule: When labels become an event.
    """

    def __init__(self, rule: EventRule | None = None) -> None:
        self.rule = rule or EventRule()
        self._newest: tuple[float, str | None, float] | None = None
        self._open: _Run | None = None
        self._pending: list[_Run] = []  # runs after the open event, or from the first candidate on
        self._closed_until_s = -math.inf

    def update(self, t_s: float, label: str | None, score: float) -> tuple[Event, ...]:
        """Add the label shown from `t_s` on; None if there is none.

        If time goes backwards, the open event is closed and the tracker starts over.

        Args:
            t_s: Time on the source's clock.
            label: The action shown.
            score: Its smoothed score, 0..1.

        Returns:
            The events that became final, oldest first.
        """
        events: list[Event] = []
        if self._newest is not None and t_s < self._newest[0]:
            events += self.finish()
            self.reset()
        if self._newest is not None:
            self._stand_until(t_s)
            events += self._settle(t_s)
        self._newest = (t_s, label, score)
        return tuple(events)

    def finish(self) -> tuple[Event, ...]:
        """End at the latest sample and return the events that became final."""
        if self._newest is None:
            return ()
        t_s, label, _score = self._newest
        self._stand_until(t_s)
        events = self._settle(math.inf, still_seen=label)
        self._newest = None
        return tuple(events)

    def current(self) -> Event | None:
        """Return the event in progress once it is long enough; it may still grow.

        While its label is seen, it lasts to the latest sample; in a gap, to the time it was last seen.
        """
        if self._open is None or self._newest is None:
            return None
        return self._event(self._open, self._newest[0] if self._newest[1] == self._open.label else None)

    @property
    def idle(self) -> bool:
        """Whether neither an event nor a candidate for one is open, and no label is seen."""
        seen = self._newest is not None and self._newest[1] is not None
        return self._open is None and not self._pending and not seen

    @property
    def state(self) -> TrackerState:
        """Copy of the complete state."""
        opened = None if self._open is None else replace(self._open)
        return self._newest, opened, tuple(replace(run) for run in self._pending), self._closed_until_s

    @classmethod
    def restored(cls, rule: EventRule, state: TrackerState) -> EventTracker:
        """Return a tracker that continues from a saved state."""
        tracker = cls(rule)
        tracker._newest, opened, pending, tracker._closed_until_s = state
        tracker._open = None if opened is None else replace(opened)
        tracker._pending = [replace(run) for run in pending]
        return tracker

    def reset(self) -> None:
        """Reset to the initial state."""
        self._newest = self._open = None
        self._pending.clear()
        self._closed_until_s = -math.inf

    def _stand_until(self, t_s: float) -> None:
        """Extend the latest sample's label to `t_s`."""
        assert self._newest is not None
        begin_s, label, score = self._newest
        end_s = min(t_s, begin_s + self.rule.hold_s)
        if label is None or end_s <= begin_s:
            return
        piece = _Run(label, begin_s, end_s, end_s - begin_s, (end_s - begin_s) * score, score, begin_s)
        if self._open is not None and label == self._open.label and self._bridged(self._open, begin_s):
            self._open.absorb(piece)
            self._pending.clear()
        elif self._pending and self._pending[-1].label == label and self._pending[-1].end_s == begin_s:
            self._pending[-1].absorb(piece)
        else:
            self._pending.append(piece)

    def _settle(self, now_s: float, still_seen: str | None = None) -> list[Event]:
        """Return the events that are final at `now_s`; infinity means that no more samples follow."""
        events: list[Event] = []
        while True:
            if self._open is None and not self._find(now_s):
                return events
            assert self._open is not None
            if not self._closed(self._open, self._pending, now_s):
                return events
            ended, self._open = self._open, None
            lasts = now_s == math.inf and ended.label == still_seen and not self._pending
            assert self._newest is not None
            event = self._event(ended, self._newest[0] if lasts else None)
            if event is not None:
                self._closed_until_s = event.end_s
                events.append(event)

    def _find(self, now_s: float) -> bool:
        """Open the first event among the pending runs; return False if there is none or it is still undecided."""
        while self._pending:
            first = self._pending[0]
            deadline_s = first.begin_s + self.rule.shortest_s + self.rule.gap_s
            joined, seen_s, rest = replace(first), _seen_before(first, deadline_s), 1
            for i, run in enumerate(self._pending[1:], 1):
                if self._closed(joined, self._pending[rest:i], run.begin_s):
                    break
                if run.label == joined.label:
                    joined.absorb(run)
                    seen_s += _seen_before(run, deadline_s)
                    rest = i + 1
            if seen_s >= self.rule.shortest_s - _ROUNDING_S:
                self._open, self._pending = joined, self._pending[rest:]
                return True
            if now_s < deadline_s and not self._closed(joined, self._pending[rest:], now_s):
                return False
            del self._pending[0]
        return False

    def _bridged(self, event: _Run, t_s: float) -> bool:
        return t_s - event.end_s <= self.rule.gap_s + _ROUNDING_S

    def _closed(self, event: _Run, after: list[_Run], now_s: float) -> bool:
        """Whether an event can no longer continue, given the runs seen `after` it until `now_s`."""
        if not self._bridged(event, now_s):
            return True
        return any(run.seen_s >= self.rule.shortest_s - _ROUNDING_S for run in after)

    def _event(self, run: _Run, lasts_to_s: float | None) -> Event | None:
        """Return a run as an event, dated back; None if nothing of it remains after the previous event."""
        lag_s = self.rule.lag_s
        begin_s = max(run.begin_s - lag_s, self._closed_until_s)
        end_s = run.end_s - lag_s if lasts_to_s is None else lasts_to_s
        if begin_s >= end_s:
            return None
        return Event(
            label=run.label,
            begin_s=begin_s,
            end_s=end_s,
            mean_score=min(run.area / run.seen_s, run.peak_score),
            peak_score=run.peak_score,
            peak_s=min(max(run.peak_s - lag_s, begin_s), end_s),
        )


def _seen_before(run: _Run, deadline_s: float) -> float:
    return max(0.0, min(run.end_s, deadline_s) - run.begin_s)
