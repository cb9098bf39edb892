"""Temporal smoothing of probabilities, and stable labels with hysteresis."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from slowfast_live.types import F32, Readout, ReadoutState

TIME_CONSTANT_S = 0.6
"""Time after which 63 % of a change in the probabilities is visible."""
HYSTERESIS = 0.05
"""How far a label may fall below the threshold, or behind another label, before it is dropped."""


class Smoother:
    """Exponential moving average of probabilities, independent of the prediction rate.

    >>> import numpy as np
    >>> smoother = Smoother(time_constant_s=0.6)
    >>> _ = smoother.update(np.array([1, 0], np.float32), t_s=0.0)
    >>> [f"{probability:.2f}" for probability in smoother.update(np.array([0, 1], np.float32), t_s=0.6)]
    ['0.37', '0.63']

    Args:
        time_constant_s: Seconds after which 63 % of a step is visible; 0 disables smoothing.
    """

    def __init__(self, time_constant_s: float = TIME_CONSTANT_S) -> None:
        self.time_constant_s = time_constant_s
        self._mean: F32 | None = None
        self._t_s = 0.0

    def update(self, probs: F32, t_s: float) -> F32:
        """Add the probabilities of time `t_s`, float32 (K,), and return the smoothed ones, float32 (K,).

        If time goes backwards or K changes, the average starts over.
        """
        gap_s = t_s - self._t_s
        if self._mean is None or self._mean.shape != probs.shape or gap_s < 0 or self.time_constant_s <= 0:
            self._mean = probs.astype(np.float32, copy=True)
        else:
            self._mean = self._mean + (1 - math.exp(-gap_s / self.time_constant_s)) * (probs - self._mean)
        self._t_s = t_s
        return self._mean

    def reset(self) -> None:
        """Reset to the initial state."""
        self._mean = None


class LabelHysteresis:
    """Select the label to show: a threshold with hysteresis against flicker.

    A label appears when it has the highest score and reaches `threshold`. It stays until it falls `hysteresis` below
    the threshold, or until another label that reaches the threshold leads by more than `hysteresis`.

    >>> import numpy as np
    >>> label_filter = LabelHysteresis(["walking", "waving"], hysteresis=0.05)
    >>> scores = np.array([[0.6, 0.4], [0.49, 0.51], [0.3, 0.7]], np.float32)
    >>> [label_filter.update(probs, t_s, threshold=0.5).label for t_s, probs in enumerate(scores)]
    ['walking', 'walking', 'waving']

    Args:
        labels: K class names.
        background_labels: Labels that mean "none of the known actions"; never shown.
        hysteresis: Difference in score.
    """

    def __init__(
        self, labels: Sequence[str], background_labels: Sequence[str] = (), hysteresis: float = HYSTERESIS
    ) -> None:
        self.labels = tuple(labels)
        self.hysteresis = hysteresis
        self.background = frozenset(background_labels)
        self.rejected = frozenset(i for i, label in enumerate(labels) if label in set(background_labels))
        self._shown: int | None = None

    def update(self, probs: F32, t_s: float, threshold: float, *, trained: bool = True) -> Readout:
        """Return the readout for smoothed probabilities, float32 (K,), of time `t_s`.

        Args:
            probs: One value per label.
            t_s: Time on the source's clock.
            threshold: Score from which a label is shown.
            trained: If False, scores are shown, but no label.
        """
        order = np.argsort(-probs, kind="stable")
        top = tuple((self.labels[i], float(probs[i])) for i in order[:5])
        if trained:
            self._shown = self.choose(probs, threshold, self._shown)
        label, score = None, top[0][1]
        if trained and self._shown is not None:
            label, score = self.labels[self._shown], float(probs[self._shown])
        return make_readout(label, score, top, t_s, trained=trained, background=self.background)

    def choose(self, probs: F32, threshold: float, held: int | None) -> int | None:
        """Return the index of the label to show after `held`; None if there is none. Depends on the arguments only."""
        best = int(np.argmax(probs))
        score = float(probs[best])
        challenger = best if best not in self.rejected and score >= threshold else None
        if held is None or float(probs[held]) < threshold - self.hysteresis:
            return challenger
        if best != held and score > float(probs[held]) + self.hysteresis:
            return challenger
        return held

    def reset(self) -> None:
        """Reset to no label."""
        self._shown = None


def make_readout(
    label: str | None,
    score: float,
    top: tuple[tuple[str, float], ...],
    t_s: float,
    *,
    trained: bool,
    activity: float | None = None,
    background: frozenset[str] = frozenset(),
    others: tuple[tuple[str, float], ...] = (),
    several: bool = False,
) -> Readout:
    """Return the readout of a decision; the only place that determines its state.

    Args:
        label: The label to show; None if there is none.
        score: Its smoothed score, or that of the best class if there is no label.
        top: The best (label, smoothed score) pairs.
        t_s: Time of the newest frame that the decision is based on.
        trained: If False, no label is ever shown.
        activity: Activity, 0..1; None if unknown.
        background: The model's background labels.
        others: Further (label, smoothed score) pairs that are shown at the same time, best first.
        several: Whether the model gives several answers at once.
    """
    if not trained:
        return Readout(ReadoutState.UNTRAINED, None, score, top, t_s, activity, background, (), several)
    state = ReadoutState.NO_CONFIDENT_ACTION if label is None else ReadoutState.ACTION
    return Readout(state, label, score, top, t_s, activity, background, others, several)
