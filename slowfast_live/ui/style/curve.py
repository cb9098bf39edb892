"""Render a curve over time as pixels, one value per column; used by the timeline's lanes and the latency plot."""

from __future__ import annotations

import numpy as np

from slowfast_live.types import F32, U8

_FILL, _LINE_PX = 0.30, 1.5


def area(values: F32, height: int, tints: U8, ratio: float = 1.0) -> U8:
    """Return an image of a curve and the filled area below it, uint8 (height, n, 4), premultiplied BGRA.

    Args:
        values: float32 (n,), 0..1; NaN if there is no value.
        height: In device pixels; 1.0 reaches the top.
        tints: uint8 (n, 3), RGB.
        ratio: Device pixels per logical pixel; the line width scales with it.
    """
    known = ~np.isnan(values)
    # A known zero is drawn as a line at the bottom; an unknown value lies below the image.
    tall = np.where(known, np.clip(values, 0, 1) * np.float32(height - 1) + 1, np.float32(-_LINE_PX * ratio))
    edge = np.arange(height, 0, -1, dtype=np.float32)[:, None] - tall  # distance of each row's top edge above the curve
    inside = np.clip(1 - edge, 0, 1)
    cover = inside * np.clip(edge + np.float32(_LINE_PX * ratio), np.float32(_FILL), 1)
    alpha = (cover * 256 + 0.5).astype(np.uint16)
    pixels = np.empty((height, len(values), 4), np.uint8)
    for channel in range(3):
        pixels[..., channel] = (alpha * tints[:, 2 - channel]) >> 8
    pixels[..., 3] = alpha - (alpha >> 8)
    return pixels
