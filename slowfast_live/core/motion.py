"""Locate motion in a clip, for both static and moving cameras."""

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
"""Use every second picture."""
_GRID = 48
"""For a static camera: approximate number of samples along the short side."""
_TAIL = 0.03
"""Share of the energy that may lie outside the box, on each side."""
_NOISE, _FLOOR = 2.0, 6.0
"""Noise level, because noise is the same everywhere: this multiple of the median energy, plus a fixed amount."""

_MOVING_TAIL, _MOVING_NOISE, _MOVING_FLOOR = 0.04, 3.0, 8.0
"""The same for a moving camera: the remaining edges of the background are stronger than noise."""
_MIN_SHIFT_PX = 0.15
"""If the background moves less than this between two pictures, it is static."""
_MIN_CHANGE_PX = 0.5
"""If the background moves less than this within a clip, the camera is static."""
_CELL_PX, _MIN_CHANGE = 3, 1.0
"""The camera is also static if the median change in cells of 3 x 3 pixels is at most this many gray levels."""
_CORNERS, _MIN_CORNERS = 80, 10
_ATTEMPTS = 200
_STRAY_PX = 0.8
"""Largest distance of a background corner from its position predicted by the camera's motion."""
_BACKGROUND = 0.5
"""Minimum share of corners that must belong to the background."""
_EXPLAINED = 0.9
"""A camera motion is accepted if it leaves less than this share of the difference between two pictures."""
_MIN_MOVES = 2
"""Minimum number of picture pairs with camera motion; a single one may be a mistake."""


def motion_box(pictures: Sequence[U8], within: Box | None = None) -> Box | None:
    """Locate motion in a clip.

    For a static camera, motion is where the pictures differ from their temporal mean. For a moving camera, the camera's
    motion between consecutive pictures is compensated first; the remaining differences are motion.

    Args:
        pictures: T pictures uint8 (h, w, 3) of one shape.
        within: Only motion within this box counts, for example that of one person; None: all of it.

    Returns:
        The box that contains all but a small share of the motion; None if nothing moves.
    """
    return MotionEnergy.of(pictures).box(within)


@dataclass(frozen=True, slots=True, eq=False)
class MotionEnergy:
    """How much moves where in a clip; computed once for all the people in it.

    Attributes:
        energy: float32 (h, w), above noise.
        step: Pixels per sample of `energy`.
        tail: Share of the energy that may lie outside the box, on each side.
        least: Smallest number of samples with energy that make a box.
        limits: Width and height of the pictures.
    """

    energy: F32
    step: int
    tail: float
    least: int
    limits: tuple[int, int]

    @classmethod
    def of(cls, pictures: Sequence[U8]) -> MotionEnergy:
        """Return the energy of T pictures, uint8 (h, w, 3) of one shape."""
        few = [np.ascontiguousarray(picture[..., 1]) for picture in pictures[::_EVERY]]
        height, width = few[0].shape
        energy = None if _rests(few) else _energy_before_background(few)
        if energy is not None:
            return cls(energy, 1, _MOVING_TAIL, 16, (width, height))
        return cls(*_energy_while_resting(few), _TAIL, 4, (width, height))

    def box(self, within: Box | None = None) -> Box | None:
        """Return the box that contains all but a small share of the motion, in pixels; None if nothing moves.

        Args:
            within: Only motion within this box counts.
        """
        energy, step = self.energy, self.step
        if within is not None:
            left, top, right, bottom = (max(0, round(edge / step)) for edge in within)
            energy = np.zeros_like(energy)
            energy[top:bottom, left:right] = self.energy[top:bottom, left:right]
        return _box(energy, step, self.tail, least=self.least, limits=self.limits)


def _energy_while_resting(few: Sequence[U8]) -> tuple[F32, int]:
    height, width = few[0].shape
    step = max(1, round(min(height, width) / _GRID))
    energy = np.stack([each[step // 2 :: step, step // 2 :: step] for each in few]).astype(np.float32).var(0)
    return _above_noise(energy, 3, _NOISE, _FLOOR), step


def _rests(few: Sequence[U8]) -> bool:
    """Whether the camera shows the same view at the beginning, in the middle and at the end."""
    first, *others = few[0], few[len(few) // 2], few[-1]
    changed = [other for other in others if _change(first, other) > _MIN_CHANGE]
    if not changed:
        return True
    corners = _corners(first)
    return all(_follow(first, other, corners).shift_px < _MIN_CHANGE_PX for other in changed)


def _change(before: U8, after: U8) -> float:
    """Return the median change in gray levels; a cheap check that can avoid tracking corners."""
    size = before.shape[1] // _CELL_PX, before.shape[0] // _CELL_PX
    cells = [cv2.resize(image, size, interpolation=cv2.INTER_AREA).astype(np.float32) for image in (before, after)]
    return float(np.median(np.abs(cells[1] - cells[0])))


def _energy_before_background(few: Sequence[U8]) -> F32 | None:
    """Return the motion energy, float32 (h, w), before a moving background; None if there is no such background."""
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
    if moves < _MIN_MOVES:
        return None
    energy /= len(few) - 1
    return _above_noise(energy, 5, _MOVING_NOISE, _MOVING_FLOOR)


def camera_motion(before: U8, after: U8) -> F32 | None:
    """Estimate how the background moved from one picture to the next.

    Corners are tracked with the Lucas-Kanade method; the motion that most of them agree on (RANSAC) is that of the
    background.

    Args:
        before: uint8 (h, w).
        after: uint8 (h, w).

    Returns:
        float32 (2, 3): the similarity transform from points in `before` to points in `after`; None if the background is
        static or the corners do not agree.
    """
    track = _follow(before, after, _corners(before))
    if track.shift_px < _MIN_SHIFT_PX:
        return None
    motion, agree = cv2.estimateAffinePartial2D(
        track.here, track.there, ransacReprojThreshold=_STRAY_PX, maxIters=_ATTEMPTS
    )
    if motion is None or agree.sum() < _BACKGROUND * len(track.here):
        return None
    return np.asarray(motion, np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class _Displacement:
    """Corners in two pictures, float32 (n, 2) each."""

    here: F32
    there: F32

    @property
    def shift_px(self) -> float:
        """Median displacement of a corner; 0 if there are too few corners."""
        if len(self.here) < _MIN_CORNERS:
            return 0.0
        return float(np.median(np.abs(self.there - self.here).max(axis=1)))


def _corners(image: U8) -> F32:
    corners = cv2.goodFeaturesToTrack(image, _CORNERS, 0.02, 6, blockSize=5)
    return np.empty((0, 1, 2), np.float32) if corners is None else np.asarray(corners, np.float32)


def _follow(before: U8, after: U8, corners: F32) -> _Displacement:
    if len(corners) == 0:
        return _Displacement(corners[:, 0], corners[:, 0])
    there, found, _ = cv2.calcOpticalFlowPyrLK(
        before, after, corners, np.empty_like(corners), winSize=(11, 11), maxLevel=3
    )
    known = found.ravel() == 1
    return _Displacement(corners[known, 0], np.asarray(there, np.float32)[known, 0])


def _undone(image: U8, motion: F32) -> U8:
    height, width = image.shape
    return np.asarray(cv2.warpAffine(image, motion, (width, height), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP))


def _above_noise(energy: F32, blur: int, times: float, floor: float) -> F32:
    smooth = np.asarray(cv2.blur(energy, (blur, blur)), np.float32)
    return np.asarray(np.maximum(smooth - times * np.median(smooth) - floor, 0), np.float32)


def _box(energy: F32, step: int, tail: float, least: int = 16, limits: tuple[int, int] | None = None) -> Box | None:
    """Return the box that contains all but a share of the energy, in pixels (`step` pixels per sample)."""
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
