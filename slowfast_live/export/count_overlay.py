"""The count of repetitions in recordings and annotated videos: the same as in the window, but drawn without Qt."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from slowfast_live.colors import LABEL_OVERLAY
from slowfast_live.counting.counter import RepetitionCounter, RepetitionSet
from slowfast_live.export.label_overlay import GRID, blended, cover_of, font_of, scale_of
from slowfast_live.types import U8

_SHARE = 0.16
_SMALLEST_PX, _LARGEST_PX = 40, 140
"""Height of the count: share of the frame's height, and its limits at the overlay's reference size."""
_LINE_PX = 16
STAYS_S = 3.0
"""The count of a set stays on the picture for this long after its end."""


def shown_set(counter: RepetitionCounter, t_s: float) -> RepetitionSet | None:
    """Return the set to show at a time: the one in progress, or the last one for a few seconds; None for none."""
    last = counter.current or (counter.sets[-1] if counter.sets else None)
    return last if last is not None and t_s - last.end_s <= STAYS_S else None


def draw_count(image: U8, found: RepetitionSet | None) -> U8:
    """Return a copy of a frame with the count in its upper right corner; the frame itself if there is none.

    Args:
        image: uint8 (H, W, 3), BGR.
        found: The set to show.
    """
    height, width = image.shape[:2]
    if found is None or min(height, width) < 4 * GRID:
        return image
    patch, cover = _box(str(found.count), f"{found.per_minute:.0f} a minute", width, height)
    margin = min(round(2 * GRID * scale_of(width, height)), width - patch.shape[1], height - patch.shape[0])
    return blended(image, patch, cover, top=margin, left=width - margin - patch.shape[1])


@lru_cache(maxsize=64)
def _box(number: str, tempo: str, width: int, height: int) -> tuple[NDArray[np.uint16], NDArray[np.uint16]]:
    """Draw the count for frames of this size; see `label_overlay.blended`."""
    scale = scale_of(width, height)
    unit = GRID * scale
    large_px = min(_LARGEST_PX * scale, max(_SMALLEST_PX * scale, height * _SHARE))
    large, small = font_of(large_px), font_of(_LINE_PX * scale)
    widest = max(large.getlength("00"), large.getlength(number), small.getlength("000 a minute"))
    box_width = max(1, min(round(widest + 3 * unit), width))
    box_height = max(1, min(round(large_px + 2 * _LINE_PX * scale + unit), height))
    picture = Image.new("RGB", (box_width, box_height), LABEL_OVERLAY.ground)
    pen = ImageDraw.Draw(picture)
    middle = box_width / 2
    pen.text((middle, unit + large_px / 2), number, font=large, fill=LABEL_OVERLAY.text, anchor="mm")
    line = (middle, unit + large_px + _LINE_PX * scale)
    pen.text(line, tempo, font=small, fill=LABEL_OVERLAY.quiet, anchor="mm")
    cover = cover_of(picture, unit)
    return np.asarray(picture, np.uint16)[:, :, ::-1] * cover, cover
