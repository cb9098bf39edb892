"""Augmentations of a rendered clip that leave its action recognizable."""

from __future__ import annotations

import cv2
import numpy as np

from slowfast_live.tools.training.config import Augmentation
from slowfast_live.types import U8

Random = np.random.Generator
F64 = np.typing.NDArray[np.float64]


def reduced(clip: U8, side: int) -> U8:
    """Return a clip uint8 (T, S, S, 3) with pictures of `side` pixels, averaged."""
    if clip.shape[1] == side:
        return clip
    return np.stack([cv2.resize(p, (side, side), interpolation=cv2.INTER_AREA) for p in clip]).astype(np.uint8)


def augment(clip: U8, rng: Random, side: int, how: Augmentation) -> U8:
    """Mirror, turn, shift and zoom a clip, blur it and change its light, the same in all its pictures.

    Args:
        clip: uint8 (T, S, S, 3).
        rng: Same state, same changes.
        side: Pixels of the result.
        how: Strengths of the augmentations.

    Returns:
        uint8 (T, side, side, 3).
    """
    clip = reduced(clip, side)
    matrix = _placement(rng, side, how)
    coarse = round(side * rng.uniform(how.coarsest, how.finest)) if rng.random() < how.blur else side
    gain, lift = float(np.exp(rng.normal(0, how.gain))), float(rng.normal(0, how.lift))
    order = rng.permutation(3) if rng.random() < how.swap_colors else np.arange(3)
    out = np.empty_like(clip)
    for picture, target in zip(clip, out, strict=True):
        moved = cv2.warpAffine(picture, matrix, (side, side), flags=cv2.INTER_LINEAR)
        if coarse < side:
            moved = cv2.resize(cv2.resize(moved, (coarse, coarse), interpolation=cv2.INTER_AREA), (side, side))
        target[:] = cv2.convertScaleAbs(moved, alpha=gain, beta=max(lift, 0.0))[..., order]
    return out


def _placement(rng: Random, side: int, how: Augmentation) -> F64:
    """Draw an affine map (2, 3)."""
    zoom, mirrored = float(np.exp(rng.normal(0, how.zoom))), rng.random() < how.mirror
    turn = float(rng.normal(0, how.turn_degrees))
    matrix = np.array(cv2.getRotationMatrix2D((side / 2, side / 2), turn, zoom), np.float64)
    matrix[:, 2] += rng.normal(0, how.shift * side, 2)
    if mirrored:
        matrix[0] = -matrix[0]
        matrix[0, 2] += side - 1
    return matrix
