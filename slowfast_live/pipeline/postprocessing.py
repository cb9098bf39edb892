"""What follows an inference: check the output, smooth it, choose the label, and measure activity."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from slowfast_live.core.activity import Activity, ActivityMeter, recent_motion
from slowfast_live.core.several import SeveralLabels, thresholds_of
from slowfast_live.core.smoothing import LabelHysteresis, Smoother
from slowfast_live.errors import ModelError
from slowfast_live.inference.backend import InferResult
from slowfast_live.inference.spec import Model
from slowfast_live.messages import Message
from slowfast_live.types import F32, FrameWindow, Prediction, Readout

ACTIVITY_EVERY_S = 0.25
"""Interval of activity measurements, which take a few milliseconds."""


def usable_probs(result: InferResult, classes: int) -> tuple[F32 | None, Exception | None]:
    """Return the probabilities, float32 (K,), or the reason why they are not usable."""
    probs = result.probs
    if probs is None:
        return None, result.error
    if probs.shape != (classes,):
        return None, ModelError(
            Message(
                "it gives {size} values {shape} for {classes} labels",
                size=probs.size,
                shape=probs.shape,
                classes=classes,
            )
        )
    if not np.isfinite(probs).all():
        return None, ModelError(Message("its output is not a number (NaN or infinite)"))
    return probs, None


def motion_of(window: FrameWindow) -> float:
    """Return the amount of motion at the end of a frame window, 0..1."""
    return recent_motion(window.pictures, window.t_end_s - window.t_start_s)


class Postprocessor:
    """Turns consecutive predictions into readouts. Not thread-safe: used by the worker only."""

    def __init__(self) -> None:
        self._smoother = Smoother()
        self._hysteresis: LabelHysteresis | None = None
        self._several: SeveralLabels | None = None
        self._held: tuple[int, ...] = ()
        self._smoothed_generation = -1
        self._meter = ActivityMeter()
        self._measured_generation = -1
        self._activity: Activity | None = None

    def read(self, prediction: Prediction, model: Model, threshold: float | None) -> Readout:
        """Return the readout after a prediction; one of another generation does not continue the previous ones.

        Args:
            prediction: The prediction.
            model: Its model.
            threshold: Smoothed score from which a label is shown; None for the model's recommendation.
        """
        if prediction.generation != self._smoothed_generation or self._hysteresis is None:
            self._smoothed_generation = prediction.generation
            self._smoother.reset()
            self._hysteresis = LabelHysteresis(model.spec.labels, model.spec.decision.background_labels)
            self._several = SeveralLabels(model.spec.labels, model.spec.decision.background_labels)
            self._held = ()
        smoothed = self._smoother.update(prediction.probs, prediction.t_end_s)
        if model.spec.several and self._several is not None:
            return self._read_several(self._several, smoothed, prediction.t_end_s, model, threshold)
        if threshold is None:
            threshold = model.spec.decision.threshold
        readout = self._hysteresis.update(smoothed, prediction.t_end_s, threshold, trained=model.spec.trained)
        return replace(readout, activity=self._activity.level if self._activity is not None else None)

    def _read_several(
        self, labels: SeveralLabels, smoothed: F32, t_s: float, model: Model, threshold: float | None
    ) -> Readout:
        decision, trained = model.spec.decision, model.spec.trained
        if trained:
            limits = thresholds_of(model.spec.labels, decision.thresholds, decision.threshold, threshold)
            self._held = labels.choose(smoothed, limits, self._held)
        activity = self._activity.level if self._activity is not None else None
        return labels.readout(smoothed, self._held, t_s, trained=trained, activity=activity)

    def interrupt(self) -> None:
        """Start smoothing anew with the next prediction."""
        self._smoothed_generation = -1

    def idle(self, window: FrameWindow, confidence: float | None, *, measure: bool) -> bool:
        """Measure the activity at intervals; return whether nothing moves.

        Args:
            window: The latest frame window.
            confidence: Score of the label shown; None if there is none.
            measure: Whether to measure now, even if the interval has not passed.
        """
        if window.generation != self._measured_generation:
            self._meter.reset()
            self._measured_generation, self._activity = window.generation, None
        due = self._activity is None or window.t_end_s - self._activity.t_s >= ACTIVITY_EVERY_S
        if due or measure:
            self._activity = self._meter.update(window.t_end_s, motion_of(window), confidence)
        return self._activity is not None and self._activity.idle

    def measured(self, window: FrameWindow, motion: float, confidence: float) -> None:
        """Record the motion of a frame window that was measured for a moment of a file."""
        self._activity = self._meter.update(window.t_end_s, motion, confidence)
