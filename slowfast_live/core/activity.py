"""Scene activity: the amount of motion, weighted by the model's confidence."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from slowfast_live.types import F32, U8

STEP_S = 0.25
"""Time step of the motion measurement: long enough for slow steps, short enough for fast waves."""
IDLE_BELOW = 0.02
IDLE_UNTIL = 0.05
IDLE_AFTER_S = 5.0
_GRID = 48
"""Number of cells along the short side; each cell is the mean of its pixels."""
_NOISE_SIGMAS = 5.0
_SIGMA_OF_MEDIAN = 1.4826
"""Ratio of standard deviation to median absolute deviation for a normal distribution."""
_IMMERKAER = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
_MIN_GRAY_LEVELS = 2.0
"""Smallest change that counts as motion; smaller changes come from compression and rounding."""
_HALF_SHARE = 0.02
"""Moving share of the picture at which motion is 0.5: an arm of a person who fills a fifth of it."""
_UNSURE_SHARE = 0.5
"""Weight of motion when the model's confidence is 0."""


@dataclass(frozen=True, slots=True)
class Activity:
    """Scene activity at one point in time.

    Attributes:
        t_s: Time on the source's clock.
        motion: Amount of motion, 0..1.
        level: Motion weighted by the model's confidence, 0..1.
        idle: Whether the scene has been inactive for a while.
    """

    t_s: float
    motion: float
    level: float
    idle: bool


def motion(before: U8, after: U8) -> float:
    """Measure the motion between two pictures, from 0 (none) to 1.

    Pictures are averaged over cells, and the best-fitting gain and offset in brightness between them is removed. The
    result is based on the share of cells that still differ by more than the noise. Noise is estimated in two ways, and
    the smaller estimate is used: the median difference over time, which a moving camera increases, and Immerkaer's mask
    within one picture ("Fast Noise Variance Estimation", 1996), which texture increases.

    Args:
        before: uint8 (h, w, 3), as returned by `Framing.admit`.
        after: uint8, of the same shape.

    Raises:
        ValueError: The shapes differ.
    """
    if before.shape != after.shape:
        raise ValueError(f"motion needs two pictures of one shape, got {before.shape} and {after.shape}")
    first, second = _cells(before), _cells(after)
    difference = np.abs(_without_brightness(first, second))
    shrunk = len(first) / len(before)
    noise = min(_SIGMA_OF_MEDIAN * float(np.median(difference)), math.sqrt(2) * shrunk * _grain(after))
    moved = difference > max(_NOISE_SIGMAS * noise, _MIN_GRAY_LEVELS)
    share = float(np.count_nonzero(moved)) / moved.size
    return share / (share + _HALF_SHARE)


def recent_motion(pictures: Sequence[U8], span_s: float) -> float:
    """Measure the motion at the end of a frame window: the larger value of its last two steps of `STEP_S`.

    The result depends on the frame window only, so it is the same live and offline, at any prediction rate.

    Args:
        pictures: The window's pictures, uint8 (h, w, 3), oldest first, evenly spaced in time.
        span_s: Time from the first to the last picture, in seconds.
    """
    last = len(pictures) - 1
    if last < 1:
        return 0.0
    step = min(max(1, round(last * STEP_S / span_s)) if span_s > 0 else 1, last)
    ends = [end for end in (last, last - step) if end - step >= 0]
    return max(motion(pictures[end - step], pictures[end]) for end in ends)


def level_of(motion: float, confidence: float | None) -> float:
    """Return motion weighted by the model's confidence (0..1; None if no model is running)."""
    return motion * (_UNSURE_SHARE + (1 - _UNSURE_SHARE) * (confidence or 0.0))


class ActivityMeter:
    """Track activity over time and detect idle scenes, with hysteresis to prevent flicker.

    A scene becomes idle when the level has stayed under `until` for `after_s` and the latest level is under `below`. It
    becomes active again as soon as the level reaches `until`.

    Args:
        below: Level under which a scene may become idle.
        until: Level that ends idleness; at least `below`.
        after_s: Seconds without activity before a scene becomes idle.

    Raises:
        ValueError: The levels or the time are out of range.
    """

    def __init__(self, below: float = IDLE_BELOW, until: float = IDLE_UNTIL, after_s: float = IDLE_AFTER_S) -> None:
        if not 0 <= below <= until <= 1 or after_s < 0:
            raise ValueError(f"need 0 <= below <= until <= 1 and after_s >= 0, got {below}, {until}, {after_s}")
        self.below, self.until, self.after_s = below, until, after_s
        self._busy_s: float | None = None
        self._newest_s = -math.inf
        self._idle = False

    def update(self, t_s: float, motion: float, confidence: float | None = None) -> Activity:
        """Add a measurement; if time goes backwards, start over.

        Args:
            t_s: Time on the source's clock.
            motion: Result of `motion` or `recent_motion`, 0..1.
            confidence: Best smoothed score among the actions that the model knows, 0..1; None if no model is running.
        """
        if self._busy_s is None or t_s < self._newest_s:
            self.reset()
            self._busy_s = t_s
        self._newest_s = t_s
        level = level_of(motion, confidence)
        if level >= self.until:
            self._busy_s, self._idle = t_s, False
        elif level < self.below and t_s - self._busy_s >= self.after_s:
            self._idle = True
        return Activity(t_s, motion, level, self._idle)

    def reset(self) -> None:
        """Reset to the initial state: not idle, without history."""
        self._busy_s, self._newest_s, self._idle = None, -math.inf, False


def _cells(picture: U8) -> F32:
    height, width = picture.shape[:2]
    scale = min(1.0, _GRID / min(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    # The green channel carries most of the brightness. Rounded means would hide noise from the measurement.
    return np.asarray(cv2.resize(picture[:, :, 1].astype(np.float32), size, interpolation=cv2.INTER_AREA), np.float32)


def _grain(picture: U8) -> float:
    """Estimate the standard deviation of a picture's pixel noise, in gray levels."""
    grain = cv2.filter2D(picture[:, :, 1], cv2.CV_32F, _IMMERKAER)
    return _SIGMA_OF_MEDIAN * float(np.median(np.abs(grain))) / 6


def _without_brightness(first: F32, second: F32) -> F32:
    """Return `second` minus its best approximation by a gain and offset of `first`, fitted to the best-fitting half."""
    keep = np.ones(first.shape, bool)
    residual = second - first
    for _ in range(2):
        x, y = first[keep], second[keep]
        spread = float(x.var())
        gain = float(((x - x.mean()) * (y - y.mean())).mean()) / spread if spread > 1 else 1.0
        residual = second - (gain * (first - x.mean()) + y.mean())
        keep = np.abs(residual) <= np.median(np.abs(residual))
    return np.asarray(residual, np.float32)
