"""Metrics: calibration, confidence intervals, ranks. Pure functions of arrays."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
Bool = NDArray[np.bool_]

BINS = 10


@dataclass(frozen=True, slots=True)
class Reliability:
    """Reliability diagram: confidence against accuracy, in bins of equal width over 0..1.

    Attributes:
        counts: (B,) number of predictions in each bin.
        confidence: (B,) their mean score; NaN in an empty bin.
        accuracy: (B,) share of correct ones; NaN in an empty bin.
    """

    counts: I64
    confidence: F64
    accuracy: F64

    @property
    def error(self) -> float:
        """Expected calibration error (Guo et al. 2017, arXiv 1706.04599), 0..1; NaN without predictions."""
        total = self.counts.sum()
        if not total:
            return math.nan
        used = self.counts > 0
        return float(np.sum(self.counts[used] / total * np.abs(self.confidence[used] - self.accuracy[used])))


def reliability(confidence: F64, right: Bool, bins: int = BINS) -> Reliability:
    """Sort predictions into bins by their score.

    Args:
        confidence: (N,) score of the best class, 0..1.
        right: (N,) whether that class is correct.
        bins: B.
    """
    if confidence.shape != right.shape or confidence.ndim != 1:
        raise ValueError(f"expected two arrays (N,), got {confidence.shape} and {right.shape}")
    which = np.clip((confidence * bins).astype(np.int64), 0, bins - 1)
    counts = np.bincount(which, minlength=bins)
    with np.errstate(invalid="ignore"):
        mean = np.bincount(which, confidence, bins) / counts
        share = np.bincount(which, right.astype(np.float64), bins) / counts
    return Reliability(counts.astype(np.int64), mean, share)


def wilson(hits: int, total: int, z: float = 1.959964) -> tuple[float, float]:
    """Return the confidence interval of a proportion (Wilson 1927), 95 % for the default z.

    (0, 1) without observations.

    Args:
        hits: Successes, 0..total.
        total: Observations.
        z: Quantile of the normal distribution.
    """
    if not 0 <= hits <= total:
        raise ValueError(f"expected 0 <= hits <= total, got {hits} of {total}")
    if total == 0:
        return 0.0, 1.0
    share = hits / total
    center = share + z * z / (2 * total)
    spread = z * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    scale = 1 + z * z / total
    return max(0.0, (center - spread) / scale), min(1.0, (center + spread) / scale)


def rank_of(probabilities: F64, truth: int) -> int:
    """Return the rank of the true class: how many score higher (or equal with a lower index); 0 is correct."""
    order = np.argsort(-probabilities, kind="stable")
    return int(np.flatnonzero(order == truth)[0])


def confusion(truth: I64, said: I64, classes: int) -> I64:
    """Return the confusion matrix, counts (K, K): rows are true classes, columns predicted ones."""
    counts = np.zeros((classes, classes), np.int64)
    np.add.at(counts, (truth, said), 1)
    return counts


def average_precision(scores: F64, positive: Bool) -> float:
    """Return the average precision: the mean, over the positive examples, of the precision down to their score.

    It is the area under the curve of precision over recall without interpolation, as the evaluation of Charades
    computes it. NaN without positive examples.

    >>> average_precision(np.array([0.9, 0.8, 0.1]), np.array([True, False, True]))
    0.8333333333333333

    Args:
        scores: (N,) score of one label for each example.
        positive: (N,) whether the label is right.
    """
    if scores.shape != positive.shape or scores.ndim != 1:
        raise ValueError(f"expected two arrays (N,), got {scores.shape} and {positive.shape}")
    if not positive.any():
        return math.nan
    # Of equal scores, negative examples come first, so that a constant score is worth nothing.
    order = np.lexsort((positive, -scores))
    hits = positive[order]
    precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
    return float(precision[hits].mean())
