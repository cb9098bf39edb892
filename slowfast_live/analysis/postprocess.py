"""Turns a sequence of predictions into a result: smoothing, hysteresis and event tracking exactly as in live mode."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from slowfast_live.core.activity import ActivityMeter, recent_motion
from slowfast_live.core.events import Event, EventRule, EventTracker
from slowfast_live.core.several import OverlapTracker, SeveralLabels, in_order, thresholds_of
from slowfast_live.core.smoothing import TIME_CONSTANT_S, LabelHysteresis, Smoother
from slowfast_live.export.findings import PredictionRecord, Scores, make_row, rounded_event, rounded_scores
from slowfast_live.inference.spec import ModelSpec
from slowfast_live.types import F32, FrameWindow, Readout

TOP = 5


@dataclass(frozen=True, slots=True, eq=False)
class MeasuredWindow:
    """What is kept of one frame window: all that a result is made of, without its pictures.

    Attributes:
        t_start_s: Time of its first frame.
        t_end_s: Time of its last frame.
        moving: How much moved lately, see `core.activity.recent_motion`.
        probs: The model's probabilities, float32 (K,).
    """

    t_start_s: float
    t_end_s: float
    moving: float
    probs: F32


def measured(window: FrameWindow, probs: F32) -> MeasuredWindow:
    """Return what is kept of a frame window and its probabilities, float32 (K,)."""
    moving = recent_motion(window.pictures, window.t_end_s - window.t_start_s)
    return MeasuredWindow(window.t_start_s, window.t_end_s, moving, probs)


class PredictionCollector:
    """Collects a record of each prediction, without the frames.

    Args:
        spec: The model that predicts.
        threshold: Smoothed score from which a label is shown.
        rule: When labels become an event.
        smoothing_s: Time constant of the smoothing; 0 for clips that are not consecutive.
    """

    def __init__(
        self, spec: ModelSpec, threshold: float, rule: EventRule, smoothing_s: float = TIME_CONSTANT_S
    ) -> None:
        self._spec = spec
        self._threshold = threshold
        self._smoother = Smoother(smoothing_s)
        self._hysteresis = LabelHysteresis(spec.labels, spec.decision.background_labels)
        self._known = np.array([label not in spec.decision.background_labels for label in spec.labels])
        self._tracker = EventTracker(rule)
        self._overlapping = OverlapTracker(rule)
        self._labels = SeveralLabels(spec.labels, spec.decision.background_labels)
        self._limits = thresholds_of(spec.labels, spec.decision.thresholds, spec.decision.threshold, threshold)
        self._held: tuple[int, ...] = ()
        self._activity = ActivityMeter()
        self._sum = np.zeros(len(spec.labels))
        self.rows: list[PredictionRecord] = []
        self.events: list[Event] = []

    def take(self, window: FrameWindow, probs: F32) -> None:
        """Add the model's probabilities for `window`, float32 (K,)."""
        self.take_measured(measured(window, probs))

    def take_measured(self, one: MeasuredWindow) -> None:
        """Add a prediction that was measured elsewhere; in the order of time."""
        probs, t_end_s, moving = one.probs, one.t_end_s, one.moving
        smoothed = self._smoother.update(probs, t_end_s)
        readout = self._read(smoothed, t_end_s)
        confidence = float(smoothed[self._known].max(initial=0)) if self._spec.trained else None
        activity = self._activity.update(t_end_s, moving, confidence)
        if self._spec.several:
            self.events += map(rounded_event, self._overlapping.update(t_end_s, readout.shown))
        else:
            self.events += map(rounded_event, self._tracker.update(t_end_s, readout.label, readout.score))
        self.rows.append(make_row(readout, self._best(probs), one.t_start_s, moving, activity.level, activity.idle))
        self._sum += probs

    def finish(self) -> None:
        """End the source: an action that is still visible becomes an event."""
        if self._spec.several:
            self.events += map(rounded_event, self._overlapping.finish())
            self.events = in_order(self.events)
        else:
            self.events += map(rounded_event, self._tracker.finish())

    def _read(self, smoothed: F32, t_s: float) -> Readout:
        trained = self._spec.trained
        if not self._spec.several:
            return self._hysteresis.update(smoothed, t_s, self._threshold, trained=trained)
        if trained:
            self._held = self._labels.choose(smoothed, self._limits, self._held)
        return self._labels.readout(smoothed, self._held, t_s, trained=trained)

    @property
    def whole(self) -> Scores:
        """Return the mean scores over all predictions; empty if there are none."""
        return self._best(self._sum / len(self.rows)) if self.rows else ()

    def _best(self, probs: np.ndarray) -> Scores:
        order = np.argsort(-probs, kind="stable")[:TOP]
        return rounded_scores([(self._spec.labels[i], float(probs[i])) for i in order])
