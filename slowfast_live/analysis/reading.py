"""From one prediction after the other to findings: smoothed, guarded and tracked exactly as live."""

from __future__ import annotations

import numpy as np

from slowfast_live.core.activity import ActivityMeter, recent_motion
from slowfast_live.core.events import Event, EventRule, EventTracker
from slowfast_live.core.smoothing import TIME_CONSTANT_S, LabelGuard, Smoother
from slowfast_live.export.findings import Row, Scores, make_row, rounded_event, rounded_scores
from slowfast_live.inference.spec import ModelSpec
from slowfast_live.types import F32, Window

TOP = 5


class Reading:
    """Keeps of each prediction its row, and no picture.

    Args:
        spec: The model that predicts.
        threshold: Smoothed score from which a label is shown.
        rule: When labels become an event.
        smoothing_s: Time constant of the smoothing; 0 for clips that do not follow each other.
    """

    def __init__(
        self, spec: ModelSpec, threshold: float, rule: EventRule, smoothing_s: float = TIME_CONSTANT_S
    ) -> None:
        self._spec = spec
        self._threshold = threshold
        self._smoother = Smoother(smoothing_s)
        self._guard = LabelGuard(spec.labels, spec.decision.rejects)
        self._known = np.array([label not in spec.decision.rejects for label in spec.labels])
        self._tracker = EventTracker(rule)
        self._activity = ActivityMeter()
        self._sum = np.zeros(len(spec.labels))
        self.rows: list[Row] = []
        self.events: list[Event] = []

    def take(self, window: Window, probs: F32) -> None:
        """Take in float32 (K,), what the model says of `window`."""
        smoothed = self._smoother.update(probs, window.t_end_s)
        readout = self._guard.update(smoothed, window.t_end_s, self._threshold, trained=self._spec.trained)
        confidence = float(smoothed[self._known].max(initial=0)) if self._spec.trained else None
        moving = recent_motion(window.pictures, window.t_end_s - window.t_start_s)
        activity = self._activity.update(window.t_end_s, moving, confidence)
        self.events += map(rounded_event, self._tracker.update(window.t_end_s, readout.label, readout.score))
        self.rows.append(make_row(readout, self._best(probs), window.t_start_s, moving, activity.level, activity.idle))
        self._sum += probs

    def finish(self) -> None:
        """The source has ended: what is still seen becomes an event."""
        self.events += map(rounded_event, self._tracker.finish())

    @property
    def whole(self) -> Scores:
        """Mean scores over all predictions; empty without one."""
        return self._best(self._sum / len(self.rows)) if self.rows else ()

    def _best(self, probs: np.ndarray) -> Scores:
        order = np.argsort(-probs, kind="stable")[:TOP]
        return rounded_scores([(self._spec.labels[i], float(probs[i])) for i in order])
