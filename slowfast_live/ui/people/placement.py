"""Where the labels of people go: beside their boxes, not over faces, not over each other, and not jumping about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from PySide6.QtCore import QRectF, QSizeF

_GAP = 4.0
_FACE = 0.24
"""Share of a box's height that may hold the face, at its top."""
_OUTSIDE, _ON_LABEL, _ON_FACE, _ON_BOX = 100.0, 40.0, 25.0, 1.5
"""Cost of a whole label outside the picture, over other labels, over faces, over other people."""
_STAYS = 3.0
"""A label moves to another side only if that is better by this much."""


class Side(Enum):
    """Where a label is, relative to the box; the earlier ones are preferred."""

    ABOVE = 0
    BELOW = 1
    RIGHT = 2
    LEFT = 3
    INSIDE = 4


@dataclass(frozen=True, slots=True)
class Label:
    """One label to place.

    Attributes:
        identity: The person.
        box: The person's box in the picture.
        size: Size of the label.
    """

    identity: int
    box: QRectF
    size: QSizeF


class LabelPlacer:
    """Places labels, and remembers on which side each one is, so that it does not jump."""

    def __init__(self) -> None:
        self._sides: dict[int, Side] = {}

    def place(self, labels: Sequence[Label], bounds: QRectF, obstacles: Sequence[QRectF] = ()) -> dict[int, QRectF]:
        """Return where each label goes, by identity.

        Args:
            labels: The labels, the most important one first.
            bounds: The picture.
            obstacles: What else must not be covered.
        """
        faces = {label.identity: _face(label.box) for label in labels}
        placed: dict[int, QRectF] = {}
        for label in labels:
            costs = {}
            for side in Side:
                rect = _clamped(_at(side, label), bounds)
                cost = 0.5 * side.value
                cost += _OUTSIDE * (1 - _share(rect, bounds))
                cost += _ON_LABEL * sum(_share(rect, other) for other in (*placed.values(), *obstacles))
                cost += _ON_FACE * sum(_share(rect, face) for face in faces.values())
                cost += _ON_BOX * sum(_share(rect, o.box) for o in labels if o.identity != label.identity)
                costs[side] = (cost, rect)
            best = min(costs, key=lambda side: costs[side][0])
            held = self._sides.get(label.identity)
            if held is not None and costs[held][0] <= costs[best][0] + _STAYS:
                best = held
            self._sides[label.identity] = best
            placed[label.identity] = costs[best][1]
        there = {label.identity for label in labels}
        self._sides = {identity: side for identity, side in self._sides.items() if identity in there}
        return placed


def _face(box: QRectF) -> QRectF:
    return QRectF(box.left(), box.top(), box.width(), _FACE * box.height())


def _at(side: Side, label: Label) -> QRectF:
    box, size = label.box, label.size
    left, top = box.left(), box.top()
    match side:
        case Side.ABOVE:
            corner = (left, top - size.height() - _GAP)
        case Side.BELOW:
            corner = (left, box.bottom() + _GAP)
        case Side.RIGHT:
            corner = (box.right() + _GAP, top)
        case Side.LEFT:
            corner = (left - size.width() - _GAP, top)
        case _:
            corner = (left + _GAP, box.bottom() - size.height() - _GAP)
    return QRectF(corner[0], corner[1], size.width(), size.height())


def _clamped(rect: QRectF, bounds: QRectF) -> QRectF:
    """Return the rectangle moved sideways into the bounds, as far as it fits; it is not moved up or down."""
    left = min(max(rect.left(), bounds.left()), max(bounds.left(), bounds.right() - rect.width()))
    return QRectF(left, rect.top(), rect.width(), rect.height())


def _share(rect: QRectF, other: QRectF) -> float:
    """Return the share of a rectangle that lies within another."""
    both = rect.intersected(other)
    area = rect.width() * rect.height()
    return both.width() * both.height() / area if area > 0 and not both.isEmpty() else 0.0
