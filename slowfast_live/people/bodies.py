"""Joins regions that move into bodies.

A hand and a foot of somebody whose trunk rests are one person, and a shadow is nobody.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from slowfast_live.people.boxes import area, intersection
from slowfast_live.types import F32

_MEMORY_S = 2.0
"""How long the extent of a body is remembered after all of it moved."""
_SHRINK_S = 1.5
"""Time constant with which the remembered extent approaches what moves now."""
_WITHIN = 0.6
"""A region belongs to a body if this share of it lies within the body's remembered extent."""
_PART = 0.6
"""Regions that are as high as this share of the body are bodies of their own, such as two people who step apart."""
_ABOVE = 0.5
"""Regions one above the other are one body if this share of the narrower one lies below the wider one ..."""
_GAP = 0.6
"""... and the gap between them is smaller than this multiple of the higher one."""

_SMALL, _LOW, _LOW_SMALL = 0.16, 0.4, 0.3
"""Beside a body, what has a smaller share of its area is a shadow, a reflection or a thing; so is what is lower than a
share of its height and smaller than the last share of its area. People far behind somebody near are not found."""


@dataclass(slots=True)
class _Body:
    box: F32  # (4,)
    seen_s: float


class Bodies:
    """Joins the regions of each frame, with a short memory of how large each body is. Not thread-safe."""

    def __init__(self) -> None:
        self._bodies: list[_Body] = []

    def reset(self) -> None:
        """Forget the bodies."""
        self._bodies = []

    def join(self, regions: F32, t_s: float) -> F32:
        """Return the boxes of bodies, the largest first.

        Args:
            regions: float32 (N, 4), x1, y1, x2, y2 in shares of the picture.
            t_s: Time of the frame, later than that of the one before.
        """
        self._bodies = [body for body in self._bodies if t_s - body.seen_s <= _MEMORY_S]
        groups = _stacked([[region] for region in regions])
        remembered: dict[int, list[list[F32]]] = {}
        alone: list[list[F32]] = []
        for group in groups:
            index = self._body_of(_union(group))
            if index is None:
                alone.append(group)
            else:
                remembered.setdefault(index, []).append(group)
        joined = [_union(group) for group in alone]
        kept: list[_Body] = []
        for index, parts in remembered.items():
            body = self._bodies[index]
            small = [part for part in parts if _height(_union(part)) < _PART * _height(body.box)]
            large = [part for part in parts if _height(_union(part)) >= _PART * _height(body.box)]
            if len(large) <= 1:
                whole = _union([box for part in parts for box in part])
                joined.append(whole)
                kept.append(_Body(_toward(body.box, whole, t_s - body.seen_s), t_s))
                continue
            boxes = [_union(part) for part in large]
            for part in small:  # each to the nearest of those who stepped apart
                box = _union(part)
                nearest = min(range(len(boxes)), key=lambda i: abs(_middle(boxes[i]) - _middle(box)))
                boxes[nearest] = _union([boxes[nearest], box])
            joined += boxes
            kept += [_Body(box, t_s) for box in boxes]
        still = [body for index, body in enumerate(self._bodies) if index not in remembered]
        self._bodies = [*still, *kept, *(_Body(_union(group), t_s) for group in alone)]
        if not joined:
            return np.zeros((0, 4), np.float32)
        found = self._large_enough(np.array(joined, np.float32))
        return found[np.argsort(-area(found), kind="stable")]

    def _large_enough(self, boxes: F32) -> F32:
        known = np.array([body.box for body in self._bodies], np.float32)
        largest = known[int(area(known).argmax())]
        areas = area(boxes) / max(1e-6, float(area(largest[None])[0]))
        heights = (boxes[:, 3] - boxes[:, 1]) / max(1e-6, _height(largest))
        return boxes[(areas >= _SMALL) & ((heights >= _LOW) | (areas >= _LOW_SMALL))]

    def _body_of(self, box: F32) -> int | None:
        """Return the body within whose remembered extent a box lies."""
        if not self._bodies:
            return None
        known = np.array([body.box for body in self._bodies], np.float32)
        shares = intersection(box[None], known)[0] / max(1e-6, float(area(box[None])[0]))
        best = int(shares.argmax())
        return best if shares[best] >= _WITHIN else None


def _stacked(groups: list[list[F32]]) -> list[list[F32]]:
    """Join what lies above one another: arms and legs of somebody whose trunk rests."""
    groups = list(groups)
    joined = True
    while joined:
        joined = False
        for i in range(len(groups)):
            for j in range(i + 1, len(groups)):
                if _above(_union(groups[i]), _union(groups[j])):
                    groups[i] += groups.pop(j)
                    joined = True
                    break
            if joined:
                break
    return groups


def _above(one: F32, other: F32) -> bool:
    shared = min(one[2], other[2]) - max(one[0], other[0])
    narrower = min(one[2] - one[0], other[2] - other[0])
    gap = max(one[1], other[1]) - min(one[3], other[3])
    return bool(shared >= _ABOVE * narrower and gap <= _GAP * max(_height(one), _height(other)))


def _toward(old: F32, new: F32, step_s: float) -> F32:
    """Grow at once, shrink slowly."""
    larger = _union([old, new])
    weight = np.float32(np.exp(-step_s / _SHRINK_S))
    return np.asarray(weight * larger + (1 - weight) * new, np.float32)


def _union(boxes: list[F32]) -> F32:
    stack = np.array(boxes, np.float32)
    return np.concatenate([stack[:, :2].min(0), stack[:, 2:].max(0)])


def _height(box: F32) -> float:
    return float(box[3] - box[1])


def _middle(box: F32) -> float:
    return float(box[0] + box[2]) / 2
