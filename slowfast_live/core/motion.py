"""Where something moves in a clip, also where the camera moves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np

from slowfast_live.types import F32, U8

Box = tuple[float, float, float, float]
"""(left, top, right, bottom) in pixels."""

_EVERY = 2
"""Motion is looked for in every other picture."""
_GRID = 48
"""While the camera rests: on about this many samples along the short side."""
_TAIL = 0.03
"""Share of the energy that may lie outside the box, on each of its sides."""
_NOISE, _FLOOR = 2.0, 6.0
"""Noise moves everywhere alike: so many times the median energy, and so much in any case, is taken for it."""

_MOVING_TAIL, _MOVING_NOISE, _MOVING_FLOOR = 0.04, 3.0, 8.0
"""The same where the camera moves: what is left of the background's edges is more than noise."""
_LEAST_SHIFT_PX = 0.15
"""A background that moves less from one picture to the next rests."""
_LEAST_CHANGE_PX = 0.5
"""A camera whose background moves less within a clip rests."""
_CELL_PX, _LEAST_CHANGE = 3, 1.0
"""So does one before which, in the median of cells of 3 x 3 pixels, no more grey levels change."""
_CORNERS, _LEAST_CORNERS = 80, 10
_ATTEMPTS = 200
_STRAY_PX = 0.8
"""A corner of the background may lie this far from where the camera's motion would carry it."""
_BACKGROUND = 0.5
"""Share of the corners that must belong to the background."""
_EXPLAINED = 0.9
"""A motion of the camera counts where it leaves less than this share of the difference between two pictures."""
_LEAST_MOVES = 2
"""So many pairs of pictures must differ by the camera's motion; one alone may be a mistake."""


def motion_box(pictures: Sequence[U8]) -> Box | None:
    """Find where something moves.

    While the camera rests that is where the pictures differ from their temporal mean. Where it moves, its motion from
    each picture to the next is undone first: what still differs moves by itself.

    Args:
        pictures: T pictures uint8 (h, w, 3) of one shape.

    Returns:
        The box that holds all but a small share of the motion, or None where nothing moves.
    """
    few = [np.ascontiguousarray(picture[..., 1]) for picture in pictures[::_EVERY]]
    energy = None if _rests(few) else _energy_before_background(few)
    if energy is not None:
        return _box(energy, 1, _MOVING_TAIL)
    return _box_while_resting(few)


def _box_while_resting(few: Sequence[U8]) -> Box | None:
    height, width = few[0].shape
    step = max(1, round(min(height, width) / _GRID))
    energy = np.stack([each[step // 2 :: step, step // 2 :: step] for each in few]).astype(np.float32).var(0)
    energy = _above_noise(energy, 3, _NOISE, _FLOOR)
    return _box(energy, step, _TAIL, least=4, limits=(width, height))


def _rests(few: Sequence[U8]) -> bool:
    """Whether the camera shows the same view at the beginning, in the middle and at the end."""
    first, *others = few[0], few[len(few) // 2], few[-1]
    changed = [other for other in others if _change(first, other) > _LEAST_CHANGE]
    if not changed:
        return True
    corners = _corners(first)
    return all(_follow(first, other, corners).shift_px < _LEAST_CHANGE_PX for other in changed)


def _change(before: U8, after: U8) -> float:
    """Return how much most of the picture changed, in grey levels: a glance that saves following corners."""
    size = before.shape[1] // _CELL_PX, before.shape[0] // _CELL_PX
    cells = [cv2.resize(image, size, interpolation=cv2.INTER_AREA).astype(np.float32) for image in (before, after)]
    return float(np.median(np.abs(cells[1] - cells[0])))


def _energy_before_background(few: Sequence[U8]) -> F32 | None:
    """Return the energy, float32 (h, w), of what moves before a moving background; None where none is recognised."""
    energy = np.zeros(few[0].shape, np.float32)
    moves = 0
    for before, after in pairwise(few):
        difference = cv2.absdiff(before, after)
        motion = camera_motion(before, after)
        if motion is not None:
            undone, inside = _undone(after, motion), _undone(np.full_like(after, 255), motion)
            left = cv2.bitwise_and(cv2.absdiff(undone, before), cv2.erode(inside, np.ones((3, 3), np.uint8)))
            common = inside > 0
            if left[common].sum() < _EXPLAINED * difference[common].sum():
                difference = left
                moves += 1
        energy += difference.astype(np.float32) ** 2
    if moves < _LEAST_MOVES:
        return None
    energy /= len(few) - 1
    return _above_noise(energy, 5, _MOVING_NOISE, _MOVING_FLOOR)


def camera_motion(before: U8, after: U8) -> F32 | None:
    """Find how the background moved from one picture to the next.

    Corners are followed (Lucas and Kanade); the motion that most of them agree on (RANSAC) is the background's.

    Args:
        before: uint8 (h, w).
        after: uint8 (h, w).

    Returns:
        float32 (2, 3): the similarity that carries points of `before` to `after`; None where the background rests
        or no motion is agreed on.
    """
    track = _follow(before, after, _corners(before))
    if track.shift_px < _LEAST_SHIFT_PX:
        return None
    motion, agree = cv2.estimateAffinePartial2D(
        track.here, track.there, ransacReprojThreshold=_STRAY_PX, maxIters=_ATTEMPTS
    )
    if motion is None or agree.sum() < _BACKGROUND * len(track.here):
        return None
    return np.asarray(motion, np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class _Track:
    """Corners in two pictures, float32 (n, 2) each."""

    here: F32
    there: F32

    @property
    def shift_px(self) -> float:
        """How far a corner moved, in the median; 0 where too few are known to tell."""
        if len(self.here) < _LEAST_CORNERS:
            return 0.0
        return float(np.median(np.abs(self.there - self.here).max(axis=1)))


def _corners(image: U8) -> F32:
    corners = cv2.goodFeaturesToTrack(image, _CORNERS, 0.02, 6, blockSize=5)
    return np.empty((0, 1, 2), np.float32) if corners is None else np.asarray(corners, np.float32)


def _follow(before: U8, after: U8, corners: F32) -> _Track:
    if len(corners) == 0:
        return _Track(corners[:, 0], corners[:, 0])
    there, found, _ = cv2.calcOpticalFlowPyrLK(
        before, after, corners, np.empty_like(corners), winSize=(11, 11), maxLevel=3
    )
    known = found.ravel() == 1
    return _Track(corners[known, 0], np.asarray(there, np.float32)[known, 0])


def _undone(image: U8, motion: F32) -> U8:
    height, width = image.shape
    return np.asarray(cv2.warpAffine(image, motion, (width, height), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP))


def _above_noise(energy: F32, blur: int, times: float, floor: float) -> F32:
    smooth = np.asarray(cv2.blur(energy, (blur, blur)), np.float32)
    return np.asarray(np.maximum(smooth - times * np.median(smooth) - floor, 0), np.float32)


def _box(energy: F32, step: int, tail: float, least: int = 16, limits: tuple[int, int] | None = None) -> Box | None:
    """Return the box that all but a share of the energy lies in, in pixels `step` times as fine as its samples."""
    if np.count_nonzero(energy) < least:
        return None
    width, height = limits or (energy.shape[1], energy.shape[0])
    sides = []
    for axis, limit in ((0, width), (1, height)):
        share = np.cumsum(energy.sum(axis))
        low, high = np.searchsorted(share, (tail * share[-1], (1 - tail) * share[-1]))
        sides.append((float(low * step), float(min(limit, (high + 1) * step))))
    (left, right), (top, bottom) = sides
    return left, top, right, bottom
