"""Boxes of people: overlap, suppression of duplicates, and the checks that keep a faulty detector from doing harm.

Boxes are float32 (N, 4) rows (x1, y1, x2, y2) in shares of the picture: 0, 0 is its top left corner, 1, 1 the bottom
right one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from slowfast_live.errors import ModelError
from slowfast_live.messages import Message
from slowfast_live.types import F32

MOST_PEOPLE = 50
"""Most boxes that a detection keeps, the best ones; a faulty detector can give thousands."""
SMALLEST_SIDE = 0.004
"""Boxes with a shorter side, in shares of the picture, are dropped: nobody can be recognized in so few pixels."""
_WILD = 100.0
"""Boxes that leave the picture by this many pictures are an overflow, not an estimate."""


@dataclass(frozen=True, slots=True, eq=False)
class Detections:
    """The people that a detector found in one frame, best first.

    Attributes:
        boxes: float32 (N, 4), x1, y1, x2, y2 in shares of the picture, clipped to it.
        scores: float32 (N,), 0..1.
    """

    boxes: F32
    scores: F32

    @classmethod
    def none(cls) -> Detections:
        """Return the detection of an empty picture."""
        return cls(np.empty((0, 4), np.float32), np.empty(0, np.float32))

    def __len__(self) -> int:
        return len(self.scores)


def iou(first: F32, second: F32) -> F32:
    """Return the intersection over union of all pairs, float32 (N, M), of boxes (N, 4) and (M, 4).

    >>> iou(np.array([[0, 0, 1, 1]], np.float32), np.array([[0, 0, 1, 0.5]], np.float32))
    array([[0.5]], dtype=float32)
    """
    shared = intersection(first, second)
    union = area(first)[:, None] + area(second)[None] - shared
    return np.asarray(np.divide(shared, union, out=np.zeros_like(shared), where=union > 0), np.float32)


def intersection(first: F32, second: F32) -> F32:
    """Return the area that each pair of boxes (N, 4) and (M, 4) shares, float32 (N, M)."""
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    return np.asarray(np.clip(high - low, 0, None).prod(-1), np.float32)


def area(boxes: F32) -> F32:
    """Return the area of each of the boxes (N, 4), float32 (N,)."""
    return np.asarray(np.clip(boxes[:, 2:] - boxes[:, :2], 0, None).prod(-1), np.float32)


def suppress(boxes: F32, scores: F32, overlap: float) -> NDArray[np.intp]:
    """Return the indices of the boxes that remain, best first: non-maximum suppression.

    A box goes when its intersection over union with a better one exceeds `overlap`.
    """
    order = np.argsort(-scores, kind="stable")
    keep = []
    pairs = iou(boxes, boxes)
    gone = np.zeros(len(boxes), bool)
    for index in order:
        if gone[index]:
            continue
        keep.append(index)
        gone |= pairs[index] > overlap
    return np.array(keep, np.intp)


def cleaned(boxes: F32, scores: F32, *, threshold: float, overlap: float | None) -> Detections:
    """Return what is usable of a detector's raw boxes and scores, best first, at most `MOST_PEOPLE`.

    Args:
        boxes: float32 (N, 4), x1, y1, x2, y2 in shares of the picture; may leave it.
        scores: float32 (N,).
        threshold: Lowest score that is kept.
        overlap: Intersection over union above which the weaker of two boxes goes; None if the network does that.

    Raises:
        ModelError: The values are not numbers, or out of any reason.
    """
    kept = scores >= threshold if np.isfinite(scores).all() else np.zeros(len(scores), bool)
    if not np.isfinite(scores).all() or not np.isfinite(boxes[kept]).all():
        raise ModelError(Message("its output is not a number (NaN or infinite)"))
    boxes, scores = boxes[kept], scores[kept]
    if len(boxes) and (np.abs(boxes).max() > _WILD or scores.max() > 1 + 1e-3):
        raise ModelError(Message("its boxes are far outside the picture, or its scores are no probabilities"))
    best = np.argsort(-scores, kind="stable")[: 8 * MOST_PEOPLE]  # bounds the work of comparing all pairs
    boxes = np.clip(boxes[best], 0, 1).astype(np.float32)
    scores = np.clip(scores[best], 0, 1).astype(np.float32)
    sides = boxes[:, 2:] - boxes[:, :2]
    sound = (sides >= SMALLEST_SIDE).all(1)
    boxes, scores = boxes[sound], scores[sound]
    if overlap is not None and len(boxes):
        remaining = suppress(boxes, scores, overlap)
        boxes, scores = boxes[remaining], scores[remaining]
    return Detections(boxes[:MOST_PEOPLE], scores[:MOST_PEOPLE])
