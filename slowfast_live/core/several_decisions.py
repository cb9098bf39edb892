"""Decisions of a model that gives several answers at once, for the moments of a file."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from slowfast_live.core.decisions import DecisionSet
from slowfast_live.core.moments import MAX_MOMENTS, NO_LABEL, TOP, DecisionRule
from slowfast_live.core.several import SeveralLabels, Shown, several_readout, thresholds_of
from slowfast_live.core.spans import Labeled, MomentSpan
from slowfast_live.types import F32, Readout


class SeveralDecisionSet(DecisionSet):
    """A `DecisionSet` in which several labels may be shown at a moment, at most the `TOP` best ones.

    Each label has its own threshold, hysteresis and events. A threshold that the user chooses replaces the default;
    labels with a threshold of their own are raised or lowered by as much.
    """

    _nothing = ()

    def __init__(self, rule: DecisionRule, max_moments: int = MAX_MOMENTS) -> None:
        self._several = SeveralLabels(rule.labels, rule.background_labels)
        self._limits: tuple[float, F32] | None = None  # threshold in effect, thresholds of the labels
        super().__init__(rule, max_moments)

    def _thresholds(self) -> F32:
        if self._limits is None or self._limits[0] != self.threshold:
            rule, own = self.rule, dict(self.rule.thresholds)
            self._limits = self.threshold, thresholds_of(rule.labels, own, rule.threshold, self.threshold)
        return self._limits[1]

    def _held(self, slot: int) -> tuple[int, ...]:
        row = self._table.rows[slot]
        return tuple(int(row["top_class"][i]) for i in range(TOP) if row["shown"] >> i & 1)

    def _choose(self, row: Any, smoothed: F32, held: Any) -> tuple[int, ...]:
        shown: tuple[int, ...] = ()
        if self.rule.trained:
            shown = self._several.choose(smoothed, self._thresholds(), held)
        best = row["top_class"].tolist()
        row["shown"] = sum(1 << best.index(label) for label in shown)
        row["label"] = shown[0] if shown else NO_LABEL
        row["score"] = smoothed[shown[0] if shown else best[0]]
        return shown

    def _relabel(self, span: MomentSpan) -> None:
        """Choose labels again from the best scores, which are stored smoothed: only these can be shown."""
        if not self.rule.trained:
            return
        held: tuple[int, ...] = ()
        smoothed = np.zeros(len(self.rule.labels), np.float32)
        for slot in span.slots:
            row = self._table.rows[slot]
            smoothed[:] = 0
            count = min(TOP, len(smoothed))
            smoothed[row["top_class"][:count]] = row["top_score"][:count]
            held = self._choose(row, smoothed, held)

    def _shown(self, slot: int) -> Shown:
        row = self._table.rows[slot]
        return tuple(
            (self.rule.labels[int(row["top_class"][i])], float(row["top_score"][i]))
            for i in range(TOP)
            if row["shown"] >> i & 1
        )

    def _labeled(self, slot: int) -> Labeled:
        return self._table.t_s(slot), self._shown(slot)

    def _readout(self, slot: int) -> Readout:
        row = self._table.rows[slot]
        count = min(TOP, len(self.rule.labels))
        top = tuple((self.rule.labels[int(row["top_class"][i])], float(row["top_score"][i])) for i in range(count))
        activity = float(row["activity"])
        return several_readout(
            self._shown(slot),
            top,
            float(row["t_s"]),
            trained=self.rule.trained,
            activity=None if math.isnan(activity) else activity,
            background=self._several.background,
        )

    def _within_events(self, readout: Readout, t_s: float, span: MomentSpan, place: int) -> Readout:
        """Return a readout with the labels of the events at `t_s`, if there are any."""
        events, _going_on = self.events()
        labels = {event.label for event in events if event.begin_s <= t_s <= event.end_s}
        if not labels or labels == {label for label, _score in readout.shown}:
            return readout
        smoothed = self._smoothed(span, place)
        pairs = [(label, float(smoothed[self.rule.labels.index(label)])) for label in labels]
        shown = tuple(sorted(pairs, key=lambda pair: (-pair[1], pair[0])))
        return several_readout(
            shown,
            readout.top,
            readout.t_end_s,
            trained=True,
            activity=readout.activity,
            background=readout.background,
        )


def decision_set(rule: DecisionRule) -> DecisionSet:
    """Return an empty decision set for a rule."""
    return SeveralDecisionSet(rule) if rule.several else DecisionSet(rule)
