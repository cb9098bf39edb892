"""Photographs all around (Radiance .hdr): what is behind somebody, and the light that falls on them."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from slowfast_live.errors import UsageError
from slowfast_live.tools.training.chance import Random
from slowfast_live.tools.training.figure import F32
from slowfast_live.tools.training.render import Camera, Light
from slowfast_live.types import U8

_MEDIAN = 0.32
"""What half of a view is darker than once it is exposed, linear, of 1."""

_GAMMA = 1 / 2.2


def found(folder: Path) -> list[Path]:
    """Return the panoramas in a folder, and in those in it.

    Raises:
        UsageError: There is none.
    """
    paths = sorted(folder.rglob("*.hdr"))
    if not paths:
        raise UsageError(f"{folder}, given with --panoramas, holds no panoramas (*.hdr).")
    return paths


@lru_cache(maxsize=32)
def read(path: Path) -> F32:
    """Read a panorama: float32 (H, 2 H, 3), linear RGB; the middle column is ahead, the first row above.

    Raises:
        UsageError: The file cannot be read.
    """
    image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if image is None or image.ndim != 3 or image.dtype != np.float32:
        raise UsageError(f"{path} is no panorama. Expected a Radiance .hdr file.")
    return np.ascontiguousarray(np.nan_to_num(image[..., ::-1], posinf=1e4).clip(0, 1e4))


def view(panorama: F32, camera: Camera, turn: float, height: int, width: int) -> U8:
    """Return what a camera sees of a panorama, uint8 (H, W, 3), RGB, exposed for that view.

    Args:
        panorama: Of `read`.
        camera: Which way it looks, and how narrow.
        turn: How far the panorama is turned about y, radians.
        height: Of the picture.
        width: Of the picture.
    """
    rays = camera.rays(height, width)
    rows, columns = panorama.shape[:2]
    around = (np.arctan2(rays[..., 0], -rays[..., 2]) + turn) / (2 * np.pi) + 0.5
    down = 0.5 - np.arcsin(np.clip(rays[..., 1], -1, 1)) / np.pi
    at = ((around % 1.0) * columns - 0.5).astype(np.float32), (down * rows - 0.5).astype(np.float32)
    seen = cv2.remap(panorama, *at, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
    exposed = seen * (_MEDIAN / max(float(np.median(seen)), 1e-4))
    # Bright skies and lamps end softly instead of at once.
    exposed = np.where(exposed > 0.7, 0.7 + 0.3 * np.tanh((exposed - 0.7) / 0.9), exposed)
    return np.asarray(np.clip(exposed, 0, 1) ** _GAMMA * 255 + 0.5, np.uint8)


def light(panorama: F32, turn: float, rng: Random) -> Light:
    """Return light from where a panorama is brightest, as hard as it is brighter there than elsewhere."""
    small = cv2.resize(panorama, (64, 32), interpolation=cv2.INTER_AREA).mean(-1)
    upper = small[:18]
    row, column = divmod(int(upper.argmax()), 64)
    up = max(0.35, float(np.sin((0.5 - (row + 0.5) / 32) * np.pi)))
    azimuth = ((column + 0.5) / 64 - 0.5) * 2 * np.pi - turn
    flat = float(np.sqrt(max(1 - up**2, 0.05)))
    direction = (flat * float(np.sin(azimuth)), up, -flat * float(np.cos(azimuth)))
    hard = float(np.clip(np.log10(upper.max() / max(float(small.mean()), 1e-4)) / 2.5, 0, 1))
    strength = 0.25 + 0.65 * hard + float(rng.normal(0, 0.06))
    return replace(Light(direction), strength=max(0.1, strength), ambient=float(rng.uniform(0.32, 0.62)))
