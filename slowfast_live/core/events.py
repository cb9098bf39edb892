"""What happened when: from labels that come and go to events with a begin and an end."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from slowfast_live.core.sampling import ClipTiming
from slowfast_live.core.smoothing import TIME_CONSTANT_S

_ROUNDING_S = 1e-9
"""Lengths are sums of differences of times; this much less still counts as as long."""


@dataclass(frozen=True, slots=True)
class Event:
    """One action, from its begin to its end.

    Attributes:
        label: The action.
        begin_s: On the source's clock; before `end_s`.
        end_s: On the source's clock.
        mean_score: Mean smoothed score of the label while it lasted, weighted by time, 0..1.
        peak_score: Highest smoothed score.
        peak_s: When that was.
    """

    label: str
    begin_s: float
    end_s: float
    mean_score: float
    peak_score: float
    peak_s: float

    @property
    def length_s(self) -> float:
        """Seconds from begin to end."""
        return self.end_s - self.begin_s


def label_lag_s(timing: ClipTiming, time_constant_s: float = TIME_CONSTANT_S) -> float:
    """Return how much later than the action its label is seen, in seconds.

    A window tells the action that fills most of it: half a span. Smoothing delays a step by
    `time_constant_s * ln 2` until the new action leads. Never more than a span, so that nothing is dated before
    the first picture.
    """
    return min(timing.span_s / 2 + math.log(2) * time_constant_s, timing.span_s - timing.tolerance_s)


@dataclass(frozen=True, slots=True)
class EventRule:
    """When labels become an event. The threshold and its hysteresis are `LabelGuard`'s.

    Attributes:
        shortest_s: An action seen for less is no event.
        gap_s: The same action again within this time goes on as one event.
        lag_s: How much later than the action its label is seen: half a window and the smoothing. Events are
            dated back by it.
        hold_s: A label stands until the next one, but no longer than this: a source that stops or falls silent
            does not stretch an event. Must exceed the time between two predictions.
    """

    shortest_s: float = 0.6
    gap_s: float = 0.8
    lag_s: float = 0.0
    hold_s: float = 1.0

    def __post_init__(self) -> None:
        if min(self.shortest_s, self.gap_s, self.lag_s) < 0 or self.hold_s <= 0:
            raise ValueError(f"an event rule needs times >= 0 and hold_s > 0, got {self}")

    @classmethod
    def for_timing(cls, timing: ClipTiming, longest_step_s: float = 0.0) -> EventRule:
        """Return the rule for a model.

        Args:
            timing: The model's clip; gives the lag.
            longest_step_s: Time between two predictions, where it is known; 0 for live ones.
        """
        return cls(lag_s=label_lag_s(timing), hold_s=max(cls().hold_s, 2 * longest_step_s))


@dataclass(slots=True)
class _Run:
    """Time in which one label was seen; of an event: with the gaps between closed."""

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


class EventTracker:
    """Makes events of labels, one sample after the other, in bounded memory.

    A sample's label stands from its time to the next sample's, at most `hold_s`. In this succession of labelled
    times, from the left:

    1. An event begins with the first label that is seen for `shortest_s` altogether within its first
       `shortest_s + gap_s`. What begins but is seen for less is passed over.
    2. It goes on over a gap of up to `gap_s` when its label comes back, unless another label was seen there for
       `shortest_s` without a break. Shorter labels inside a gap are swallowed.
    3. Else it ends where its label was last seen, and the search goes on from there.

    So events of one tracker never overlap, begin before they end, and depend on the labels and their times alone:
    samples that only repeat the one before change nothing. Begin and end are dated back by `lag_s`; what is still
    seen when the source ends lasts to its end. No thread of its own: one caller at a time.

    Args:
        rule: When labels become an event.
    """

    def __init__(self, rule: EventRule | None = None) -> None:
        self.rule = rule or EventRule()
        self._newest: tuple[float, str | None, float] | None = None
        self._open: _Run | None = None
        self._pending: list[_Run] = []  # runs after the open event, or from the first that may become one
        self._told_until_s = -math.inf

    def update(self, t_s: float, label: str | None, score: float) -> tuple[Event, ...]:
        """Take in the label shown from `t_s` on, None where there is none.

        A time that goes back is a new occasion: what was open is finished first.

        Args:
            t_s: Time on the source's clock.
            label: The action shown.
            score: Its smoothed score, 0..1.

        Returns:
            The events that are final now, oldest first.
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
        """End the occasion with its newest sample and return the events that are final by that."""
        if self._newest is None:
            return ()
        t_s, label, _score = self._newest
        self._stand_until(t_s)
        events = self._settle(math.inf, still_seen=label)
        self._newest = None
        return tuple(events)

    def current(self) -> Event | None:
        """Return the event that is going on, once it is sure to become one; it may still grow.

        While its label is seen it lasts to the newest sample; in a gap, to where it was last seen.
        """
        if self._open is None or self._newest is None:
            return None
        return self._event(self._open, self._newest[0] if self._newest[1] == self._open.label else None)

    def reset(self) -> None:
        """Forget everything, as if nothing had been seen."""
        self._newest = self._open = None
        self._pending.clear()
        self._told_until_s = -math.inf

    def _stand_until(self, t_s: float) -> None:
        """Let the newest sample's label stand until `t_s`."""
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
        """Decide what can be decided at `now_s`; infinite: nothing more will come."""
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
                self._told_until_s = event.end_s
                events.append(event)

    def _find(self, now_s: float) -> bool:
        """Open the first event among the pending runs; False where there is none, or none is sure yet."""
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
        """Whether an event can no longer go on, with what was seen `after` it until `now_s`."""
        if not self._bridged(event, now_s):
            return True
        return any(run.seen_s >= self.rule.shortest_s - _ROUNDING_S for run in after)

    def _event(self, run: _Run, lasts_to_s: float | None) -> Event | None:
        """Date a run back; None where nothing of it is left after the event before."""
        lag_s = self.rule.lag_s
        begin_s = max(run.begin_s - lag_s, self._told_until_s)
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
