"""Finds people without a network: regions that move, before a resting or a moving camera."""

from __future__ import annotations

import cv2
import numpy as np

from slowfast_live.core.framing import short_side_size, shrink
from slowfast_live.core.motion import camera_motion
from slowfast_live.people.bodies import Bodies
from slowfast_live.people.boxes import Detections
from slowfast_live.types import F32, U8

_SIDE = 120
"""Short side in pixels of the pictures that are compared."""
_RECENT_S = 0.3
"""A pixel counts as moving for this long after it changed (a motion history image)."""
_LONGEST_GAP_S = 1.0
_NOISE, _FLOOR = 5.0, 20.0
"""Changes below this multiple of the median, plus a fixed amount, are noise; in squared gray levels."""
_MOVING_NOISE, _MOVING_FLOOR = 8.0, 60.0
"""The same for a moving camera, which leaves residues along edges."""
_EXPLAINED = 0.85
"""A camera motion is believed if it leaves less than this share of the difference between two pictures."""
_ALONG_EDGES = 0.4
"""Before a moving camera, differences up to this share of the local contrast are residues, not motion."""
_SPECK = 6
"""Regions of fewer pixels, before parts are joined, are noise."""
_FILLED = 0.06
"""Smallest share of a region's box that moves."""
_SMALLEST = 0.006
"""Smallest share of the picture that a moving region covers."""
_SHORTEST = 0.1
"""Smallest height of a region, in shares of the picture's height."""
_JOIN_ACROSS, _JOIN_ALONG = 0.035, 0.10
"""Moving parts that are nearer than this, across and along the body, belong together; in heights of the picture."""
_TAIL = 0.01
_MANY = 0.45
"""If more than this share of the picture moves, the light changed or a scene was cut."""
_SCORE = 0.6


class MotionDetector:
    """Finds the regions that move; stands in for a person detector if there is none. Not thread-safe.

    People who stand still are not found, and two who touch each other are one.
    """

    title = "Motion"
    found = 0.5

    def __init__(self) -> None:
        self._bodies = Bodies()
        self._before: U8 | None = None
        self._changed_s: F32 | None = None  # when each pixel changed, in seconds since `_origin_s`
        self._origin_s = self._t_s = 0.0

    def reset(self) -> None:
        """Forget earlier pictures."""
        self._bodies.reset()
        self._before = self._changed_s = None

    def detect(self, image: U8, t_s: float) -> Detections:
        """Return the regions that have moved lately; see `PersonDetector.detect`."""
        gray = _gray(image)
        step_s = t_s - self._t_s
        before, history = self._before, self._changed_s
        self._before, self._t_s = gray, t_s
        if before is None or before.shape != gray.shape or not 0 < step_s <= _LONGEST_GAP_S:
            self._changed_s = None
            return Detections.none()
        if history is None:
            history, self._origin_s = np.full(gray.shape, -_LONGEST_GAP_S, np.float32), t_s
        now_s = t_s - self._origin_s
        change, motion = _change(before, gray)
        energy = np.asarray(cv2.blur(change * change, (3, 3)), np.float32)
        times, floor = (_NOISE, _FLOOR) if motion is None else (_MOVING_NOISE, _MOVING_FLOOR)
        moving = (energy > times * float(np.median(energy)) + floor).astype(np.uint8)
        if moving.mean() > _MANY:
            self._changed_s = None
            return Detections.none()
        if motion is not None:
            size = (gray.shape[1], gray.shape[0])
            warped = cv2.warpAffine(
                history, motion, size, flags=cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT, borderValue=-1e3
            )
            history = np.asarray(warped, np.float32)
        history[_without_specks(moving) > 0] = now_s
        self._changed_s = history
        boxes = self._bodies.join(_regions((now_s - history <= _RECENT_S).astype(np.uint8)), t_s)
        return Detections(boxes, np.full(len(boxes), _SCORE, np.float32))


def _change(before: U8, after: U8) -> tuple[F32, F32 | None]:
    """Return the difference of two pictures after the camera's motion is undone, and that motion, float32 (2, 3)."""
    plain = cv2.absdiff(before, after)
    motion = camera_motion(before, after)
    if motion is None:
        return plain.astype(np.float32), None
    size = (after.shape[1], after.shape[0])
    covered = np.where(cv2.warpAffine(np.full_like(before, 255), motion, size) == 255, 255, 0).astype(np.uint8)
    inside = cv2.erode(covered, np.ones((5, 5), np.uint8), borderType=cv2.BORDER_CONSTANT, borderValue=0)
    moved = cv2.warpAffine(before, motion, size, flags=cv2.INTER_LINEAR)
    left = cv2.bitwise_and(cv2.absdiff(moved, after), inside)
    if float(left.sum()) >= _EXPLAINED * float(cv2.bitwise_and(plain, inside).sum()):
        return plain.astype(np.float32), None
    # What remains along sharp edges comes from shifts of a fraction of a pixel.
    edges = cv2.morphologyEx(after, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
    return np.clip(left.astype(np.float32) - _ALONG_EDGES * edges.astype(np.float32), 0, None), motion


def _without_specks(mask: U8) -> U8:
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    large = stats[:, cv2.CC_STAT_AREA] >= _SPECK
    large[0] = False
    return np.asarray(large[labels], np.uint8) if count > 1 else mask


def _gray(image: U8) -> U8:
    height, width = short_side_size(image.shape[0], image.shape[1], _SIDE)
    green = np.ascontiguousarray(image[..., 1])
    if min(image.shape[:2]) > _SIDE:
        return shrink(green, width, height)
    return np.asarray(cv2.resize(green, (width, height)), np.uint8)


def _regions(mask: U8) -> F32:
    """Return the boxes of what moves, float32 (N, 4)."""
    height, width = mask.shape
    across, along = (max(1, round(share * height)) for share in (_JOIN_ACROSS, _JOIN_ALONG))
    joined = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((2 * along + 1, 2 * across + 1), np.uint8))
    count, labels = cv2.connectedComponents(joined, connectivity=8)
    boxes = []
    for index in range(1, count):
        part = (labels == index) & (mask > 0)
        if not part.any():
            continue
        box = _bounds(part)
        if part.sum() < _FILLED * (box[2] - box[0]) * (box[3] - box[1]):
            continue
        if box[3] - box[1] < _SHORTEST * height or (box[2] - box[0]) * (box[3] - box[1]) < _SMALLEST * height * width:
            continue
        boxes.append([box[0] / width, box[1] / height, box[2] / width, box[3] / height])
    return np.array(boxes, np.float32).reshape(-1, 4)


def _bounds(part: np.ndarray) -> tuple[int, int, int, int]:
    """Return the box that holds all but a small share of the marked pixels."""
    sides = []
    for axis in (0, 1):
        share = np.cumsum(part.sum(axis))
        low, high = np.searchsorted(share, (_TAIL * share[-1] + 1e-9, (1 - _TAIL) * share[-1]))
        sides.append((int(low), int(high) + 1))
    (left, right), (top, bottom) = sides
    return left, top, right, bottom
