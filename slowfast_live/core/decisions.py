"""A model's decisions for the moments of a file. Each moment is decided once, independent of the order of playback.

Three rules make the result a function of the file and the model, not of how the file was played:

1. *Moments lie on the file's own clock.* The first frame in each cell of `STEP_S` is the moment. Its frame window
   contains only that frame and the ones before it, so it is the same after a seek as in continuous playback.
2. *Raw scores are stored once.* The scores of a moment are never replaced or computed again.
3. *Everything else is derived from the stored scores*: smoothing, hysteresis, events and curves. Consecutive moments
   form a span, and each span is derived from its first moment on. Filling a gap joins two spans and derives the
   affected parts again. The same moments therefore give the same result in any order.

Smoothing looks back `MEMORY_S` at most, which limits how much has to be derived again after a gap is filled. Labels
change only until the hysteresis arrives at the same label as before.

If a model is too slow for every moment, only every second, fourth, ... one is used (`DecisionSet.fit`), based on the
model's best inference time. A moment that is missed because the machine is busy remains a gap and is decided when that
part of the file is played again.

For each moment, the `KEPT` best raw scores, its motion and the derived values are stored, about 160 bytes. Eight hours
take 46 MB; beyond `MAX_MOMENTS` cells, every second one is discarded.
"""

from __future__ import annotations

import math
import threading
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from slowfast_live.core.activity import level_of
from slowfast_live.core.events import Event
from slowfast_live.core.moment_table import MomentTable
from slowfast_live.core.moments import (
    MAX_EVERY,
    MAX_MOMENTS,
    NO_LABEL,
    SAME_CELL,
    STEP_S,
    TOP,
    Curve,
    Decided,
    DecisionRule,
    Moment,
    cell_of,
)
from slowfast_live.core.smoothing import LabelHysteresis, make_readout
from slowfast_live.core.spans import Labeled, MomentSpan, until
from slowfast_live.types import F32, Readout

BRIDGE_S = 1.0
"""Longest gap of missed moments over which a label is held."""
_MEASURED = 2
_FIRST_S = 1e-6


class DecisionSet:
    """All decisions of one model for one file. Thread-safe.

    Args:
        rule: How scores become labels and events.
        max_moments: Maximum number of cells; see the module docstring.
    """

    def __init__(self, rule: DecisionRule, max_moments: int = MAX_MOMENTS) -> None:
        self.rule = rule
        self._lock = threading.RLock()
        self._chosen: float | None = None
        self._every = 1  # cells from one decided moment to the next
        self._table = MomentTable(len(rule.labels), max_moments, several=rule.several)
        self._version = 0
        self._newest: int | None = None
        self._events: tuple[tuple[Event, ...], int | None] | None = ((), None)  # None: to be computed
        self._count = 0
        self._spans: list[MomentSpan] = []
        self._hysteresis = LabelHysteresis(rule.labels, rule.background_labels)
        self._known = np.array([label not in rule.background_labels for label in rule.labels])
        self._events_rule = replace(rule.events, hold_s=math.inf)  # within a span, a label is held until the next one

    # Choosing and deciding moments.

    def fit(self, infer_s: float) -> None:
        """Decide only as many moments as an inference time of `infer_s` allows. The density never increases again."""
        with self._lock:
            every = self._every
            while every * STEP_S < infer_s and every < MAX_EVERY:
                every *= 2
            if every != self._every:
                self._every = every
                self._version += 1
                self._derive([int(slot) for slot in self._table.slots()])

    @property
    def step_s(self) -> float:
        """Time from one moment to the next, in seconds."""
        with self._lock:
            return self._cells * STEP_S

    @property
    def count(self) -> int:
        """Number of decided moments."""
        with self._lock:
            return self._count

    @property
    def memory_bytes(self) -> int:
        """Memory allocated for moments, in bytes."""
        with self._lock:
            return self._table.rows.nbytes

    def moment(self, before_s: float | None, t_s: float) -> Moment | None:
        """Return the moment of a frame, or None if it is not a moment or is already decided.

        Args:
            before_s: Time of the previous frame; None if there is none, for example after a seek. It is then unknown
                whether this frame is the first of its cell, unless it is the first frame of the file.
            t_s: Time of the frame.
        """
        if before_s is None and t_s > _FIRST_S:
            return None
        cell, before = cell_of(t_s), -1 if before_s is None else cell_of(before_s)
        with self._lock:
            if before >= 0 and cell // self._cells == before // self._cells:
                return None
            if self._table.has(self._table.slot_of(cell)):
                return None
        return Moment(t_s, before, before < 0 or cell // _MEASURED != before // _MEASURED)

    def add(self, moment: Moment, probs: F32, motion: float | None = None) -> None:
        """Decide a moment; a moment that is already decided does not change.

        Args:
            moment: Result of `moment`.
            probs: float32 (K,), the prediction for the frame window that ends there.
            motion: Amount of motion, 0..1 (see `core.activity.recent_motion`); None if not measured.
        """
        with self._lock:
            while not self._table.fits(moment):
                kept = self._table.thin_out()
                self._count = len(kept)
                self._derive(kept)
            slot = self._table.add(moment, probs, motion)
            if slot is not None:
                self._added(slot)
                self._version += 1

    def _added(self, slot: int) -> None:
        self._newest = slot
        self._count += 1
        self._settle(*self._place(slot))

    def _derive(self, slots: Sequence[int]) -> None:
        """Derive everything again from the raw scores in these rows, ascending."""
        self._spans = []
        for slot in slots:
            self._settle(*self._place(slot))

    @property
    def _cells(self) -> int:
        """Number of cells from one decided moment to the next."""
        return max(self._every, self._table.thin)

    def set_threshold(self, threshold: float | None) -> None:
        """Apply another threshold to all decisions; None for the model's default."""
        with self._lock:
            if threshold != self._chosen:
                self._chosen = threshold
                self._version += 1
                for span in self._spans:
                    self._relabel(span)
                    self._track(span, 0, len(span.slots))

    @property
    def threshold(self) -> float:
        """Threshold in effect."""
        with self._lock:
            return self.rule.threshold if self._chosen is None else self._chosen

    # Saving and restoring.

    def decided(self) -> Decided:
        """Return all decisions for saving."""
        with self._lock:
            return Decided(self.rule, self._chosen, self._every, self._table.thin, self._table.stored())

    def restore(self, decided: Decided) -> None:
        """Load the decisions of an earlier run; decisions made since then are kept.

        Args:
            decided: Result of `decided`, for the same model and file.
        """
        with self._lock:
            since = self._table.stored()
            threshold, self._chosen = self._chosen, decided.threshold
            self._every = decided.every
            slots, self._spans = self._table.load(decided.rows, decided.thin), []
            self._count, self._newest = len(slots), None
            self._version += 1
            for slot in slots:
                if not self._spans or not self._follows(self._spans[-1].slots[-1], slot):
                    self._spans.append(MomentSpan(self._events_rule))
                self._spans[-1].slots.append(slot)
            for span in self._spans:
                self._track(span, 0, len(span.slots))
            for row in since:
                if (added := self._table.add_row(row)) is not None:
                    self._added(added)
            self.set_threshold(threshold)

    # Queries.

    @property
    def version(self) -> int:
        """Incremented with every change."""
        with self._lock:
            return self._version

    @property
    def range_s(self) -> tuple[float, float] | None:
        """Start and end of the decided time; None if nothing is decided."""
        with self._lock:
            if not self._spans:
                return None
            return self._table.t_s(self._spans[0].slots[0]) - self.rule.events.lag_s, self._table.t_s(
                self._spans[-1].slots[-1]
            )

    def readout_of(self, moment: Moment) -> Readout | None:
        """Return the readout for the frame window that ends at a moment; None if it is not decided."""
        with self._lock:
            slot = self._table.slot_of(moment.cell)
            return self._readout(slot) if self._table.has(slot) else None

    def readout_at(self, t_s: float, stands_s: float | None = None) -> Readout | None:
        """Return the readout for a time, dated back consistently with curves and events; None if there is none.

        The frame windows that show a moment best end `lag_s` after it. If those are not decided yet, the newest
        decision before them is used. Within an event its label is shown, even in gaps that the event bridges.

        Args:
            t_s: Time in the file.
            stands_s: How long the newest decision remains valid, in seconds; None: until the next moment.
        """
        with self._lock:
            newest = self._find(t_s + self.rule.events.lag_s)
            if newest is None:
                return None
            span, place = newest
            slot = span.slots[place]
            if place + 1 == len(span.slots):
                step_s = self.step_s
                stands_s = 1.5 * step_s if stands_s is None else max(stands_s, 2 * step_s)
                if t_s > self._table.t_s(slot) + stands_s:
                    return None
            return self._within_events(self._readout(slot), t_s, span, place)

    def _within_events(self, readout: Readout, t_s: float, span: MomentSpan, place: int) -> Readout:
        """Return a readout with the label of the event at `t_s`, if there is one."""
        event = self._event_at(t_s)
        if event is None or event.label == readout.label:
            return readout
        score = float(self._smoothed(span, place)[self.rule.labels.index(event.label)])
        return make_readout(
            event.label,
            score,
            readout.top,
            readout.t_end_s,
            trained=True,
            activity=readout.activity,
            background=readout.background,
        )

    def _event_at(self, t_s: float) -> Event | None:
        events, _going_on = self.events()
        place = bisect_right(events, t_s, key=lambda event: event.begin_s) - 1
        return events[place] if place >= 0 and t_s <= events[place].end_s else None

    def events(self) -> tuple[tuple[Event, ...], int | None]:
        """Return the events, oldest first, and the index of the event in progress.

        Events do not overlap, unless the model gives several answers at once.

        The event in progress is the one that lasts to the end of the span that grew last; None if there is none.
        """
        with self._lock:
            if self._events is None:
                self._events = self._all_events()
            return self._events

    def _all_events(self) -> tuple[tuple[Event, ...], int | None]:
        events: list[Event] = []
        going_on: int | None = None
        for number, span in enumerate(self._spans):
            limit_s = math.inf
            if number + 1 < len(self._spans):
                limit_s = self._table.t_s(self._spans[number + 1].slots[0]) - self.rule.events.lag_s
            first = len(events)
            events += [event for one in span.events() if (event := until(one, limit_s)) is not None]
            end_s = self._table.t_s(span.slots[-1])
            if self._newest == span.slots[-1]:
                lasting = (i for i in reversed(range(first, len(events))) if events[i].end_s >= end_s)
                going_on = next(lasting, None)
        return tuple(events), going_on

    def curve(self, begin_s: float, end_s: float) -> Curve:
        """Return the decisions that describe the time from `begin_s` to `end_s`."""
        with self._lock:
            lag_s, step_s = self.rule.events.lag_s, self.step_s
            found = self._find(begin_s)
            first = 0 if found is None else found[0].slots[found[1]]
            last = max(0, self._table.slot_of(cell_of(end_s + lag_s)) + 1)
            slots, rows = self._table.slots(first, last), self._table.rows
            times = rows["t_s"][slots]
            begins = times - lag_s
            ends = np.append(begins[1:], np.inf)
            lasts = np.array([span.slots[-1] for span in self._spans])
            at_end = np.isin(slots, lasts)
            ends[at_end] = np.minimum(ends[at_end], times[at_end] + step_s)
            known = (ends > begin_s) & (begins < end_s)
            return Curve(
                begins[known],
                ends[known],
                rows["score"][slots][known],
                rows["activity"][slots][known],
            )

    def _find(self, t_s: float) -> tuple[MomentSpan, int] | None:
        """Return the span and position of the newest moment at or before a time."""
        slot = self._table.slot_of(cell_of(t_s))
        number = bisect_right(self._spans, slot, key=lambda span: span.slots[0]) - 1
        if number < 0:
            return None
        span = self._spans[number]
        position = bisect_right(span.slots, slot) - 1
        if self._table.t_s(span.slots[position]) > t_s + SAME_CELL:
            position -= 1
        if position < 0:
            number -= 1
            if number < 0:
                return None
            span = self._spans[number]
            position = len(span.slots) - 1
        return span, position

    def _readout(self, slot: int) -> Readout:
        row = self._table.rows[slot]
        top = tuple(
            (self.rule.labels[int(i)], float(score))
            for i, score in zip(row["top_class"], row["top_score"], strict=True)
        )[: len(self.rule.labels)]
        label = int(row["label"])
        activity = float(row["activity"])
        return make_readout(
            None if label == NO_LABEL else self.rule.labels[label],
            float(row["score"]),
            top,
            float(row["t_s"]),
            trained=self.rule.trained,
            background=self._hysteresis.background,
            activity=None if math.isnan(activity) else activity,
        )

    # Spans.

    def _follows(self, early: int, late: int) -> bool:
        """Whether two moments are consecutive: no frame lies between them, or only a short time."""
        table, cells = self._table, self._cells
        if table.t_s(late) - table.t_s(early) <= max(BRIDGE_S, 2 * self.step_s):
            return True
        return early * table.thin // cells >= int(table.rows["before"][late]) // cells

    def _place(self, slot: int) -> tuple[MomentSpan, int, MomentSpan | None]:
        """Insert a moment into a span; return the span, the position, and the following span if it was joined."""
        number = bisect_right(self._spans, slot, key=lambda span: span.slots[0]) - 1
        before = self._spans[number] if number >= 0 else None
        if before is not None and slot < before.slots[-1]:
            position = bisect_left(before.slots, slot)
            before.slots.insert(position, slot)
            return before, position, None
        after = self._spans[number + 1] if number + 1 < len(self._spans) else None
        if before is None or not self._follows(before.slots[-1], slot):
            before = MomentSpan(self._events_rule)
            number += 1
            self._spans.insert(number, before)
        position = len(before.slots)
        before.slots.append(slot)
        if after is not None and self._follows(slot, after.slots[0]):
            before.slots.extend(after.slots)
            del self._spans[number + 1]
            return before, position, after
        return before, position, None

    def _settle(self, span: MomentSpan, position: int, joined: MomentSpan | None) -> None:
        """Derive everything again that depends on the moment at `position`; see `_place`."""
        slots = span.slots
        reaches = slots[position] + self._table.memory_cells
        held = self._held(slots[position - 1]) if position else self._nothing
        other, place = True, position
        while place < len(slots) and (slots[place] <= reaches or other):
            was = self._held(slots[place])
            held = self._decide(span, place, held)
            other = place == position or held != was
            place += 1
        self._track(span, position, place, joined)

    _nothing: Any = NO_LABEL
    """What is held before the first moment of a span."""

    def _held(self, slot: int) -> Any:
        """Return what the moment in a row shows, as the next one's hysteresis needs it."""
        return int(self._table.rows["label"][slot])

    def _decide(self, span: MomentSpan, place: int, held: Any) -> Any:
        """Smooth the scores, choose what to show after `held`, and store both; return what is shown."""
        slot, smoothed = span.slots[place], self._smoothed(span, place)
        row = self._table.rows[slot]
        best = np.argsort(-smoothed, kind="stable")[:TOP]
        row["top_class"][: len(best)] = best
        row["top_score"][: len(best)] = smoothed[best]
        confidence = float(smoothed[self._known].max(initial=0)) if self.rule.trained else None
        motion = self._motion(span, place)
        row["activity"] = math.nan if motion is None else level_of(motion, confidence)
        return self._choose(row, smoothed, held)

    def _choose(self, row: Any, smoothed: F32, held: Any) -> Any:
        """Choose what to show after `held`, and store it in a row whose best classes are known."""
        shown = None
        if self.rule.trained:
            shown = self._hysteresis.choose(smoothed, self.threshold, None if held == NO_LABEL else held)
        row["label"] = NO_LABEL if shown is None else shown
        row["score"] = smoothed[row["top_class"][0] if shown is None else shown]
        return int(row["label"])

    def _smoothed(self, span: MomentSpan, place: int) -> F32:
        """Return float32 (K,): the smoothed scores, with a memory that starts `MEMORY_S` ago or with the span."""
        slots = span.slots
        first = bisect_left(slots, slots[place] - self._table.memory_cells, hi=place)
        return self._table.smoothed(slots[first], slots[place])

    def _motion(self, span: MomentSpan, place: int) -> float | None:
        """Return the latest motion measured at this moment or one of the two before it."""
        for slot in reversed(span.slots[max(0, place - 2) : place + 1]):
            motion = float(self._table.rows["motion"][slot])
            if not math.isnan(motion):
                return motion
        return None

    def _relabel(self, span: MomentSpan) -> None:
        """Choose labels again from scores that are already smoothed."""
        if not self.rule.trained:
            return
        threshold, held = self.threshold, NO_LABEL
        release = threshold - self._hysteresis.hysteresis
        rows = self._table.rows
        bests, scores = rows["top_class"][:, 0], rows["top_score"][:, 0]
        for place, slot in enumerate(span.slots):
            best, score = int(bests[slot]), float(scores[slot])
            nothing = held == NO_LABEL and (score < threshold or best in self._hysteresis.rejected)
            if not nothing and not (held == best and score >= release):
                held = self._decide(span, place, held)
                continue
            rows["score"][slot] = score
            rows["label"][slot] = held

    def _track(self, span: MomentSpan, begin: int, end: int, joined: MomentSpan | None = None) -> None:
        self._events = None
        span.track(self._labeled, begin, end, joined)

    def _labeled(self, slot: int) -> Labeled:
        row = self._table.rows[slot]
        label = int(row["label"])
        return float(row["t_s"]), None if label == NO_LABEL else self.rule.labels[label], float(row["score"])
