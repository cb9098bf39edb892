"""How much is going on: whether anything moves, and how sure the model is of what it is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from slowfast_live.types import F32, U8

STEP_S = 0.25
"""Motion is what changes within this time: a slow step and a fast wave both show."""
IDLE_BELOW = 0.02
IDLE_UNTIL = 0.05
IDLE_AFTER_S = 5.0
_GRID = 48
"""Cells along the short side; a cell is the mean of its pixels."""
_NOISE_SIGMAS = 5.0
_SIGMA_OF_MEDIAN = 1.4826
"""Standard deviation over median absolute deviation, of a normal distribution."""
_IMMERKAER = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
_LEAST_GREY_LEVELS = 2.0
"""What changes less is never motion: compression and rounding."""
_HALF_SHARE = 0.02
"""Share of the picture that moves at which motion is 0.5: an arm of a person who fills a fifth of it."""
_UNSURE_SHARE = 0.5
"""What motion counts for where the model is sure of nothing."""


@dataclass(frozen=True, slots=True)
class Activity:
    """How much is going on at one time.

    Attributes:
        t_s: Time on the source's clock.
        motion: How much moves, 0..1.
        level: Motion weighted by the model's confidence, 0..1.
        idle: Nothing has been going on for a while.
    """

    t_s: float
    motion: float
    level: float
    idle: bool


def motion(before: U8, after: U8) -> float:
    """Return how much moves between two pictures, 0 (nothing) to 1.

    Pictures are averaged over cells, the best gain and offset of brightness between the two is taken out, and
    cells count that then differ by more than noise. Noise is measured twice, and the smaller is believed: over
    time as the median difference, which a moving camera raises, and within a picture by Immerkaer's mask ("Fast
    Noise Variance Estimation", 1996), which texture raises.

    Args:
        before: uint8 (h, w, 3), as admitted by a framing.
        after: uint8, of the same shape.
    """
    if before.shape != after.shape:
        raise ValueError(f"motion needs two pictures of one shape, got {before.shape} and {after.shape}")
    first, second = _cells(before), _cells(after)
    difference = np.abs(_without_brightness(first, second))
    shrunk = len(first) / len(before)
    noise = min(_SIGMA_OF_MEDIAN * float(np.median(difference)), math.sqrt(2) * shrunk * _grain(after))
    moved = difference > max(_NOISE_SIGMAS * noise, _LEAST_GREY_LEVELS)
    share = float(np.count_nonzero(moved)) / moved.size
    return share / (share + _HALF_SHARE)


def recent_motion(pictures: Sequence[U8], span_s: float) -> float:
    """Return how much moved at the end of a window: the larger of its last two steps of `STEP_S`.

    It depends on the window alone, so it is the same live and offline, at any number of predictions a second.

    Args:
        pictures: The window's pictures, uint8 (h, w, 3), oldest first, evenly spaced in time.
        span_s: From the first to the last picture, in seconds.
    """
    last = len(pictures) - 1
    if last < 1:
        return 0.0
    step = min(max(1, round(last * STEP_S / span_s)) if span_s > 0 else 1, last)
    ends = [end for end in (last, last - step) if end - step >= 0]
    return max(motion(pictures[end - step], pictures[end]) for end in ends)


class ActivityMeter:
    """Activity over time, and whether a scene is idle: with hysteresis, so that it does not flicker.

    Idle after `after_s` without a level of `until`, the last of it below `below`; over at once when the level
    reaches `until`.

    Args:
        below: Level under which a scene may become idle.
        until: Level that ends idleness; at least `below`.
        after_s: How long nothing must have been going on.
    """

    def __init__(self, below: float = IDLE_BELOW, until: float = IDLE_UNTIL, after_s: float = IDLE_AFTER_S) -> None:
        if not 0 <= below <= until <= 1 or after_s < 0:
            raise ValueError(f"need 0 <= below <= until <= 1 and after_s >= 0, got {below}, {until}, {after_s}")
        self.below, self.until, self.after_s = below, until, after_s
        self._busy_s: float | None = None
        self._newest_s = -math.inf
        self._idle = False

    def update(self, t_s: float, motion: float, confidence: float | None = None) -> Activity:
        """Take in what is known of time `t_s`; a time that goes back starts afresh.

        Args:
            t_s: Time on the source's clock.
            motion: See `motion`.
            confidence: Smoothed score of the best action that the model knows, 0..1; None while no model runs.
        """
        if self._busy_s is None or t_s < self._newest_s:
            self.reset()
            self._busy_s = t_s
        self._newest_s = t_s
        level = motion * (_UNSURE_SHARE + (1 - _UNSURE_SHARE) * (confidence or 0.0))
        if level >= self.until:
            self._busy_s, self._idle = t_s, False
        elif level < self.below and t_s - self._busy_s >= self.after_s:
            self._idle = True
        return Activity(t_s, motion, level, self._idle)

    def reset(self) -> None:
        """Forget the past: not idle, and nothing known of how long."""
        self._busy_s, self._newest_s, self._idle = None, -math.inf, False


def _cells(picture: U8) -> F32:
    height, width = picture.shape[:2]
    scale = min(1.0, _GRID / min(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    # The green channel carries most of the brightness. Rounded means would hide noise from its measurement.
    return np.asarray(cv2.resize(picture[:, :, 1].astype(np.float32), size, interpolation=cv2.INTER_AREA), np.float32)


def _grain(picture: U8) -> float:
    """Return the standard deviation of a picture's pixel noise, in grey levels."""
    grain = cv2.filter2D(picture[:, :, 1], cv2.CV_32F, _IMMERKAER)
    return _SIGMA_OF_MEDIAN * float(np.median(np.abs(grain))) / 6


def _without_brightness(first: F32, second: F32) -> F32:
    """Return `second` less what gain and offset make of `first`; fitted to the half that fits best."""
    keep = np.ones(first.shape, bool)
    residual = second - first
    for _ in range(2):
        x, y = first[keep], second[keep]
        spread = float(x.var())
        gain = float(((x - x.mean()) * (y - y.mean())).mean()) / spread if spread > 1 else 1.0
        residual = second - (gain * (first - x.mean()) + y.mean())
        keep = np.abs(residual) <= np.median(np.abs(residual))
    return np.asarray(residual, np.float32)
