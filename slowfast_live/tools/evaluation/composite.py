"""Synthetic backgrounds behind people whose background was removed (in depth recordings, for instance)."""

from __future__ import annotations

import zlib

import cv2
import numpy as np

from slowfast_live.types import U8

BLACK_UP_TO = 48
"""Maximum channel value of a pixel that counts as removed: lossy compression leaves a dark fringe."""


def painted(height: int, width: int, rng: np.random.Generator) -> U8:
    """Paint a wall, a floor and objects in front of them: uint8 (H, W, 3), BGR."""
    wall, floor = rng.uniform(70, 200, 3), rng.uniform(50, 150, 3)
    horizon = int(height * rng.uniform(0.55, 0.8))
    picture = np.empty((height, width, 3), np.float32)
    picture[:horizon], picture[horizon:] = wall, floor
    for _ in range(int(rng.integers(4, 10))):
        x, y = int(rng.uniform(-0.1, 1) * width), int(rng.uniform(0, 0.8) * height)
        w, h = int(rng.uniform(0.05, 0.3) * width), int(rng.uniform(0.05, 0.4) * height)
        cv2.rectangle(picture, (x, y), (x + w, y + h), rng.uniform(20, 230, 3).tolist(), cv2.FILLED)
    left, right = rng.uniform(0.75, 1.15, 2)
    light = np.linspace(left, right, width, dtype=np.float32)[None, :, None]
    grain = cv2.resize(rng.normal(0, 8, (height // 4 + 1, width // 4 + 1, 1)).astype(np.float32), (width, height))
    picture = cv2.GaussianBlur(picture * light, (0, 0), 1.2) + grain[..., None]
    return np.asarray(picture.clip(0, 255), np.uint8)


class PaintedBackground:
    """Replaces the black pixels of one clip by a painted still image.

    Args:
        name: Name of the clip; each clip has its own background.
        seed: The same name and seed give the same background.
    """

    def __init__(self, name: str, seed: int = 0) -> None:
        self._seeds = (seed, zlib.crc32(name.encode()))
        self._painted: U8 | None = None

    def behind(self, image: U8) -> U8:
        """Return uint8 (H, W, 3), BGR, with the background where `image` is black, with softened edges."""
        height, width = image.shape[:2]
        if self._painted is None or self._painted.shape != image.shape:
            self._painted = painted(height, width, np.random.default_rng(self._seeds))
        person = (image.max(2) > BLACK_UP_TO).astype(np.float32)
        share = cv2.GaussianBlur(cv2.erode(person, np.ones((2, 2))), (0, 0), 0.8)[..., None]
        return np.asarray(image * share + self._painted * (1 - share), np.uint8)
