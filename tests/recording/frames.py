"""Frames of a source, each carrying its own number."""

from __future__ import annotations

import numpy as np

from slowfast_live.types import Frame
from tests.sources.numbered_video import SIZE, picture


def frame(number: int, t_s: float | None = None, captured_s: float | None = None, index: int | None = None) -> Frame:
    """Frame `number` of a source of 30 fps that is delivered in time, unless told otherwise."""
    t_s = number / 30 if t_s is None else t_s
    image = picture(number % 1024)
    image.flags.writeable = False
    return Frame(image, number if index is None else index, t_s, t_s if captured_s is None else captured_s)


def large(number: int, width: int, height: int, fps: float = 30.0) -> Frame:
    """A frame of noise: what compresses worst."""
    image = np.random.default_rng(number % 8).integers(0, 256, (height, width, 3), np.uint8)
    return Frame(image, number, number / fps, number / fps)


__all__ = ["SIZE", "frame", "large"]
