"""From probabilities that jump to a label that can be read."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from slowfast_live.types import F32, Readout, ReadoutState

TIME_CONSTANT_S = 0.6
"""After this long, a change in the probabilities is 63 % visible."""
HYSTERESIS = 0.05
"""How much a label may fall below the threshold, or behind another one, before it is given up."""


class Smoother:
    """Exponential mean of probabilities over time, the same whatever the number of predictions a second.

    Args:
        time_constant_s: Seconds after which a step is 63 % visible; 0 turns smoothing off.
    """

    def __init__(self, time_constant_s: float = TIME_CONSTANT_S) -> None:
        self.time_constant_s = time_constant_s
        self._mean: F32 | None = None
        self._t_s = 0.0

    def update(self, probs: F32, t_s: float) -> F32:
        """Take in float32 (K,) of time `t_s` and return the smoothed float32 (K,).

        A time that goes back, or another K, starts afresh.
        """
        gap_s = t_s - self._t_s
        if self._mean is None or self._mean.shape != probs.shape or gap_s < 0 or self.time_constant_s <= 0:
            self._mean = probs.astype(np.float32, copy=True)
        else:
            self._mean = self._mean + (1 - math.exp(-gap_s / self.time_constant_s)) * (probs - self._mean)
        self._t_s = t_s
        return self._mean

    def reset(self) -> None:
        """Forget the past."""
        self._mean = None


class LabelGuard:
    """Decides which label may be shown: a threshold, with hysteresis against flicker.

    A label appears when it leads with at least `threshold`. It stays until it falls `hysteresis` below the
    threshold, or until another label that reaches the threshold leads by more than `hysteresis`.

    Args:
        labels: K class names.
        rejects: Those that mean "nothing that the model knows"; never shown.
        hysteresis: In units of probability.
    """

    def __init__(self, labels: Sequence[str], rejects: Sequence[str] = (), hysteresis: float = HYSTERESIS) -> None:
        self.labels = tuple(labels)
        self.hysteresis = hysteresis
        self._rejects = frozenset(i for i, label in enumerate(labels) if label in set(rejects))
        self._shown: int | None = None

    def update(self, probs: F32, t_s: float, threshold: float, *, trained: bool = True) -> Readout:
        """Return the readout for smoothed float32 (K,) of time `t_s`.

        Args:
            probs: One value for each label.
            t_s: Time on the source's clock.
            threshold: Score from which a label is shown.
            trained: False: scores are shown, but never a label.
        """
        order = np.argsort(-probs, kind="stable")
        top = tuple((self.labels[i], float(probs[i])) for i in order[:5])
        if not trained:
            return Readout(ReadoutState.UNTRAINED, None, top[0][1], top, t_s)
        self._shown = self._choose(probs, int(order[0]), threshold)
        if self._shown is None:
            return Readout(ReadoutState.NO_CONFIDENT_ACTION, None, top[0][1], top, t_s)
        return Readout(ReadoutState.ACTION, self.labels[self._shown], float(probs[self._shown]), top, t_s)

    def _choose(self, probs: F32, best: int, threshold: float) -> int | None:
        challenger = best if best not in self._rejects and probs[best] >= threshold else None
        held = self._shown
        if held is None or probs[held] < threshold - self.hysteresis:
            return challenger
        if best != held and probs[best] > probs[held] + self.hysteresis:
            return challenger
        return held

    def reset(self) -> None:
        """Forget which label was shown."""
        self._shown = None
