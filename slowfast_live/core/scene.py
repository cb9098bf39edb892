"""Why nothing may be recognized: what can be seen of light, motion and framing in the picture alone."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import Enum

import cv2
import numpy as np

from slowfast_live.core.framing import shrink
from slowfast_live.types import F32, U8

STEP_S = 0.25
"""Time between two looks at the picture, in seconds."""
_SPAN_S = 8.0
_MIN_LOOKS = 12
_SIZE = (60, 48)
_DARK = 48.0
"""Mean luma, 0..255, below which a picture is too dark to see limbs in."""
_MIN_CHANGE = 7.0
"""Smallest change of a cell in gray levels that counts as motion."""
_SHAKY_SHARE = 0.8
"""Share of the textured blocks that change at once if the camera moves: a person leaves the corners alone."""
_BLOCK = 12
"""Side of a block in cells."""
_MIN_TEXTURED, _MIN_BLOCKS, _MOVED_IN_BLOCK = 5, 8, 0.25
_EDGE = 20.0
"""Gradient from which a cell is textured, so that a moving camera changes it."""
_STILL_SHARE = 0.004
_OFTEN = 0.12
"""Share of the looks in which a cell must move to belong to the person."""
_CUT_HEIGHT, _CUT_WIDTH = 0.8, 0.8


class Hindrance(Enum):
    """What keeps a person from being recognized."""

    DARK = "dark"
    CAMERA_MOVES = "camera moves"
    NOBODY = "nobody"
    """Nothing moves that could be a person."""
    TOO_NEAR = "too near"
    """Who moves is cut off at the edges of the picture."""
    NOT_KNOWN = "not known"
    """The picture is fine: what is done may not be among the actions."""


@dataclass(frozen=True, slots=True)
class _Look:
    t_s: float
    luma: float
    moved: U8
    shaken: float


class SceneWatch:
    """Looks at a picture now and then, and judges the last seconds. Not thread-safe."""

    def __init__(self) -> None:
        self._looks: deque[_Look] = deque()
        self._before: F32 | None = None
        self._newest_s = -1e9

    def reset(self) -> None:
        """Forget everything, because another source is shown."""
        self._looks.clear()
        self._before = None
        self._newest_s = -1e9

    def see(self, image: U8, t_s: float) -> None:
        """Look at a picture, unless the last look was less than `STEP_S` ago.

        Args:
            image: uint8 (h, w, 3), BGR.
            t_s: Time on the source's clock; if it jumps, everything is forgotten.
        """
        if 0 <= t_s - self._newest_s < STEP_S:
            return
        if not 0 <= t_s - self._newest_s < 4 * STEP_S:
            self.reset()
        self._newest_s = t_s
        # The green channel carries most of the brightness; averaging areas takes the noise away.
        small = shrink(image, *_SIZE, spare=3)[..., 1].astype(np.float32)
        before, self._before = self._before, small
        if before is None:
            return
        change = np.abs(small - before - np.median(small - before))
        moved = (change > _MIN_CHANGE).astype(np.uint8)
        self._looks.append(_Look(t_s, float(small.mean()), moved, _shaken(small, moved)))
        while self._looks and self._looks[0].t_s < t_s - _SPAN_S:
            self._looks.popleft()

    def judge(self) -> Hindrance | None:
        """Return the most likely hindrance; None if too little was seen to tell."""
        if len(self._looks) < _MIN_LOOKS:
            return None
        if np.median([look.luma for look in self._looks]) < _DARK:
            return Hindrance.DARK
        if np.median([look.shaken for look in self._looks]) > _SHAKY_SHARE:
            return Hindrance.CAMERA_MOVES
        often = np.mean([look.moved for look in self._looks], axis=0) >= _OFTEN
        # Single cells are noise or leaves: a limb is larger.
        often = cv2.morphologyEx(often.astype(np.uint8), cv2.MORPH_OPEN, np.ones((2, 2), np.uint8)).astype(bool)
        if often.mean() < _STILL_SHARE:
            return Hindrance.NOBODY
        rows, columns = np.flatnonzero(often.any(1)), np.flatnonzero(often.any(0))
        height = (rows[-1] - rows[0] + 1) / _SIZE[1]
        width = (columns[-1] - columns[0] + 1) / _SIZE[0]
        cut = rows[-1] >= _SIZE[1] - 1 and (height > _CUT_HEIGHT or width > _CUT_WIDTH)
        return Hindrance.TOO_NEAR if cut else Hindrance.NOT_KNOWN


def _shaken(small: F32, moved: U8) -> float:
    """Return the share of textured blocks that moved; 0 if too few have any texture to tell."""
    edges = np.hypot(cv2.Sobel(small, cv2.CV_32F, 1, 0), cv2.Sobel(small, cv2.CV_32F, 0, 1)) > _EDGE
    shape = (small.shape[0] // _BLOCK, _BLOCK, small.shape[1] // _BLOCK, _BLOCK)
    textured = edges.reshape(shape).sum((1, 3))
    blocks = textured >= _MIN_TEXTURED
    if np.count_nonzero(blocks) < _MIN_BLOCKS:
        return 0.0
    changed = (edges & (moved > 0)).reshape(shape).sum((1, 3))
    return float((changed[blocks] / textured[blocks] > _MOVED_IN_BLOCK).mean())
