"""What was recognised over time, in bounded memory: the events, and curves at any number of columns."""

from __future__ import annotations

import math
import threading
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from slowfast_live.core.events import Event, EventRule, EventTracker
from slowfast_live.types import F32, Prediction, Readout

LIVE_SPAN_S = 600.0
"""Of a live source the curves of so many seconds are kept."""
CELL_S = 0.05
"""How finely curves are kept: twenty values a second."""
MOST_CELLS = 1 << 17
"""Of a file: nearly two hours at `CELL_S`. A longer one is kept in longer cells."""
MOST_EVENTS = 20_000
"""When there are more, the oldest are forgotten."""
_NO_LABEL = -1


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """Curves, one value for each of n equal columns of time; NaN where nothing is known.

    Attributes:
        score: float32 (n,): the highest smoothed score of the label shown, of the best class where none was.
        activity: float32 (n,): the highest activity, 0..1.
    """

    score: F32
    activity: F32


@dataclass(frozen=True, slots=True)
class Moment:
    """What was said of one moment.

    Attributes:
        label: The action shown; None where there was no confident one.
        score: Its smoothed score; of the best class where there was none.
        activity: How much was going on, 0..1; None where it was not measured.
    """

    label: str | None
    score: float
    activity: float | None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The events at one time.

    Attributes:
        version: Grows with everything that is new.
        events: Oldest first; none overlaps another.
        going_on: Index of the event that is seen right now; None where there is none.
        begin_s: Since when something is known, on the source's clock.
        end_s: Until when; not after `begin_s` where nothing is known.
    """

    version: int = 0
    events: tuple[Event, ...] = ()
    going_on: int | None = None
    begin_s: float = 0.0
    end_s: float = 0.0


class Cells:
    """Label, score and activity over time, in cells of equal length; what was written last counts. No locking.

    Args:
        span_s: What is older than this is forgotten; None: nothing is, cells grow longer instead.
        most: Cells at most, where nothing is forgotten.
    """

    def __init__(self, span_s: float | None = None, most: int = MOST_CELLS) -> None:
        self.cell_s = CELL_S
        self._kept = most if span_s is None else math.ceil(span_s / CELL_S) + 1
        self._rolls = span_s is not None
        self._origin: int | None = None if self._rolls else 0
        self._newest = -1
        self._label = np.empty(0, np.int32)
        self._score = np.empty(0, np.float32)
        self._activity = np.empty(0, np.float32)
        self._reserve(1024)

    @property
    def count(self) -> int:
        """Cells that memory is held for."""
        return len(self._score)

    def write(self, begin_s: float, end_s: float, label: int, score: float, activity: float) -> None:
        """Set the cells from that of `begin_s` to that of `end_s`, both included."""
        if self._rolls:
            self._roll_to(self._index(end_s))
        else:
            begin_s = max(0.0, begin_s)
            while self._index(end_s) >= self._kept:
                self._thin()
            self._reserve(self._index(end_s) + 1)
        assert self._origin is not None
        first, last = self._index(begin_s) - self._origin, self._index(end_s) - self._origin
        where = slice(max(0, first), last + 1)
        self._label[where], self._score[where], self._activity[where] = label, score, activity
        self._newest = max(self._newest, self._origin + last)

    def at(self, t_s: float) -> tuple[int, float, float] | None:
        """Return (label, score, activity) of a moment; None where nothing is known."""
        place = self._place(self._index(t_s))
        if place is None or math.isnan(self._score[place]):
            return None
        return int(self._label[place]), float(self._score[place]), float(self._activity[place])

    def columns(self, begin_s: float, end_s: float, count: int) -> Columns:
        """Return the highest values in each of `count` columns of equal width."""
        edges = np.linspace(begin_s, end_s, count + 1)
        low = np.floor(edges[:-1] / self.cell_s).astype(np.int64)
        high = np.maximum(np.ceil(edges[1:] / self.cell_s).astype(np.int64), low + 1)
        return Columns(self._highest(self._score, low, high), self._highest(self._activity, low, high))

    def _highest(self, values: F32, low: NDArray[np.int64], high: NDArray[np.int64]) -> F32:
        """Return the largest of values[low:high], cell numbers, for each pair; NaN where there is none."""
        oldest, newest = self._oldest, self._newest
        result = np.full(len(low), np.nan, np.float32)
        inside = (high > oldest) & (low <= newest)
        if self._origin is None or not inside.any():
            return result
        begin = np.clip(low[inside], oldest, newest)
        end = np.clip(high[inside], oldest + 1, newest + 1)
        base = begin[0]
        known = np.nan_to_num(values[base - self._origin : end[-1] - self._origin], nan=-1.0)
        known = np.append(known, np.float32(-1.0))  # so that the last end is an index too
        highest = np.maximum.reduceat(known, np.stack((begin - base, end - base), axis=1).ravel())[::2]
        result[inside] = np.where(highest < 0, np.float32(np.nan), highest)
        return result

    @property
    def _oldest(self) -> int:
        """The oldest cell that counts."""
        origin = self._origin or 0
        return max(origin, self._newest - self._kept + 1) if self._rolls else origin

    def _index(self, t_s: float) -> int:
        return math.floor(t_s / self.cell_s)

    def _place(self, index: int) -> int | None:
        if self._origin is None or not self._oldest <= index <= self._newest:
            return None
        return index - self._origin

    def _reserve(self, count: int) -> None:
        have = len(self._score)
        if count <= have:
            return
        more = max(count, 2 * have) - have
        self._label = np.append(self._label, np.full(more, _NO_LABEL, np.int32))
        self._score = np.append(self._score, np.full(more, np.nan, np.float32))
        self._activity = np.append(self._activity, np.full(more, np.nan, np.float32))

    def _roll_to(self, index: int) -> None:
        """Make room for a cell; what is too old is dropped once it fills half of the memory."""
        if self._origin is None or index < self._origin or index - self._newest >= self._kept:
            self._origin, self._newest = index - self._kept + 1, index
            self._reserve(2 * self._kept)
            self._forget(slice(None))
            return
        if index - self._origin >= len(self._score):
            by = index - self._kept + 1 - self._origin
            for values in (self._label, self._score, self._activity):
                values[:-by] = values[by:].copy()
            self._forget(slice(-by, None))
            self._origin += by

    def _forget(self, where: slice) -> None:
        self._label[where], self._score[where], self._activity[where] = _NO_LABEL, np.nan, np.nan

    def _thin(self) -> None:
        """Make cells twice as long; of two the one with the higher score stays."""
        if len(self._score) % 2:
            self._reserve(len(self._score) + 1)
        label, score, activity = (
            v[: len(v) // 2 * 2].reshape(-1, 2) for v in (self._label, self._score, self._activity)
        )
        rows = np.arange(len(score))
        better = np.argmax(np.nan_to_num(score, nan=-1.0), axis=1)
        self._label, self._score = label[rows, better].copy(), score[rows, better].copy()
        self._activity = np.fmax(activity[:, 0], activity[:, 1])
        self._newest //= 2
        self.cell_s *= 2


class History:
    """Takes predictions from the pipeline's worker; is asked by the window. Safe from any thread.

    A *pass* is time that was played without a jump. Playing a stretch of a file again replaces what was known of
    it. Of a live source the curves of the last `LIVE_SPAN_S` are kept, of a file all.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rules: dict[str, EventRule] = {}
        self._version = 0
        self._start(live=True, since_epoch=0)

    def _start(self, *, live: bool, since_epoch: int) -> None:
        self._cells = Cells(LIVE_SPAN_S if live else None)
        self._since_epoch = since_epoch
        self._names: list[str] = []
        self._numbers: dict[str, int] = {}
        self._told: list[Event] = []  # of earlier passes
        self._pass: _Pass | None = None
        self._step_s = 0.0
        self._range: tuple[float, float] | None = None

    def know(self, rules: dict[str, EventRule]) -> None:
        """Set the rules of models, by their names; a model without one follows `EventRule`'s own."""
        with self._lock:
            self._rules.update(rules)

    def begin(self, *, live: bool, epoch: int = 0) -> None:
        """Forget everything: another source is shown; predictions of an older epoch are not its."""
        with self._lock:
            self._version += 1
            self._start(live=live, since_epoch=epoch)

    def add(self, prediction: Prediction, readout: Readout) -> None:
        """Take in a prediction."""
        with self._lock:
            if prediction.epoch < self._since_epoch:
                return
            self._version += 1
            t_s = prediction.t_end_s
            if self._pass is None or not self._pass.continues(prediction):
                self._end_pass()
                rule = self._rules.get(prediction.model, EventRule())
                rule = replace(rule, hold_s=max(rule.hold_s, 2 * self._step_s))
                self._pass = _Pass(prediction, rule)
            elif t_s > self._pass.newest_s:
                self._step_s = t_s - self._pass.newest_s
            self._write(self._pass, t_s, readout)
            self._pass.add(t_s, readout)
            low, high = self._range or (math.inf, -math.inf)
            self._range = min(low, self._pass.begin_s), max(high, t_s)

    def _write(self, current: _Pass, t_s: float, readout: Readout) -> None:
        """Let the value before stand until now, and the new one from now on, both dated back."""
        lag_s = current.rule.lag_s
        if current.value is not None and t_s > current.newest_s:
            until_s = min(t_s, current.newest_s + current.rule.hold_s)
            self._cells.write(current.newest_s - lag_s, until_s - lag_s, *current.value)
        activity = math.nan if readout.activity is None else readout.activity
        current.value = self._number(readout.label), readout.score, activity
        self._cells.write(t_s - lag_s, t_s, *current.value)

    def _number(self, label: str | None) -> int:
        if label is None:
            return _NO_LABEL
        if label not in self._numbers:
            self._numbers[label] = len(self._names)
            self._names.append(label)
        return self._numbers[label]

    def _end_pass(self) -> None:
        if self._pass is not None:
            ended, self._pass = self._pass, None
            events = [*ended.events, *ended.tracker.finish()]
            self._told = splice(self._told, events, ended.begin_s, ended.sure_until_s(events), ended.rule)[
                -MOST_EVENTS:
            ]

    # What can be asked.

    @property
    def version(self) -> int:
        """Grows with everything that is new."""
        with self._lock:
            return self._version

    def snapshot(self) -> Snapshot:
        """Return the events as they are now."""
        with self._lock:
            begin_s, end_s = self._range or (0.0, 0.0)
            if self._pass is None:
                return Snapshot(self._version, tuple(self._told), None, begin_s, end_s)
            now, current = self._pass, self._pass.tracker.current()
            new = [*now.events, current] if current else now.events
            events = splice(self._told, new, now.begin_s, now.sure_until_s(new), now.rule)[-MOST_EVENTS:]
            going_on = None
            if current is not None and current.end_s >= now.newest_s:
                going_on = bisect_left(events, now.newest_s, key=lambda event: event.end_s)
            return Snapshot(self._version, tuple(events), going_on, begin_s, end_s)

    def at(self, t_s: float) -> Moment | None:
        """Return what was said of a moment; None where nothing is known."""
        with self._lock:
            known = self._cells.at(t_s)
            if known is None:
                return None
            label, score, activity = known
            name = None if label == _NO_LABEL else self._names[label]
            return Moment(name, score, None if math.isnan(activity) else activity)

    def columns(self, begin_s: float, end_s: float, count: int) -> Columns:
        """Return the curves from `begin_s` to `end_s`, in `count` columns: cheap however long the time is."""
        with self._lock:
            return self._cells.columns(begin_s, end_s, count)


class _Pass:
    """Time played without a jump.

    Args:
        first: Its first prediction.
        rule: The model's.
    """

    def __init__(self, first: Prediction, rule: EventRule) -> None:
        self.rule, self.model, self.epoch = rule, first.model, first.epoch
        self.tracker = EventTracker(rule)
        self.begin_s, self.newest_s = first.t_end_s - rule.lag_s, first.t_end_s
        self.events: list[Event] = []
        self.value: tuple[int, float, float] | None = None

    def continues(self, prediction: Prediction) -> bool:
        same = prediction.epoch == self.epoch and prediction.model == self.model
        return same and prediction.t_end_s >= self.newest_s

    def sure_until_s(self, events: Sequence[Event]) -> float:
        """Return until when the pass replaces what was known: where it is undecided still, the old word stands."""
        undecided_s = self.rule.lag_s + self.rule.shortest_s + self.rule.gap_s
        return max(self.begin_s, self.newest_s - undecided_s, events[-1].end_s if events else self.begin_s)

    def add(self, t_s: float, readout: Readout) -> None:
        self.newest_s = t_s
        self.events += self.tracker.update(t_s, readout.label, readout.score)
        del self.events[:-MOST_EVENTS]


def splice(
    old: Sequence[Event], new: Sequence[Event], begin_s: float, end_s: float, rule: EventRule | None = None
) -> list[Event]:
    """Return events in which `new` replaces what `old` says of the time from `begin_s` to `end_s`.

    Old events are cut there; what is left of one is dropped where it is too short for an event, and joined with
    the new event of the same action that it meets.

    Args:
        old: Oldest first, none overlapping another.
        new: Likewise, within that time.
        begin_s: Begin of the time replaced.
        end_s: Its end; not before `begin_s`.
        rule: Says what is too short, and over which gap an action goes on.
    """
    rule = rule or EventRule()
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
    """Return the part of an event; None where nothing is left. Of its score the mean is what is known of it."""
    if begin_s >= end_s:
        return None
    if begin_s <= event.peak_s <= end_s:
        return replace(event, begin_s=begin_s, end_s=end_s)
    nearest_s = min(max(event.peak_s, begin_s), end_s)
    return replace(event, begin_s=begin_s, end_s=end_s, peak_score=event.mean_score, peak_s=nearest_s)


def _met(part: Event, middle: list[Event], rule: EventRule, *, at_the_end: bool) -> list[Event]:
    """Put what is left of an old event to one end of the new ones."""
    if middle:
        neighbour = middle[-1] if at_the_end else middle[0]
        early, late = (neighbour, part) if at_the_end else (part, neighbour)
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
