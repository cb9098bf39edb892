"""The views of a frame window: one crop as in live mode, or three as in the SlowFast paper (section 4.1)."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from slowfast_live.core.framing import CenterCrop, Framing, resize_short_side, within_bounds
from slowfast_live.errors import UsageError
from slowfast_live.inference.spec import ModelSpec
from slowfast_live.types import U8

VIEWS = (1, 3, 30)
CLIPS_OF_A_VIDEO = 10
"""Temporal clips of the 30-view test, uniformly spaced from the first frame to the last."""


class SideCrop:
    """Resizes the short side to `resize_side`, then takes one of three squares along the long side.

    The squares are left, center and right (top, center and bottom for upright frames).

    Args:
        side: S, side of the square that the network sees, in pixels.
        resize_side: Short side before the crop, in pixels.
        place: 0, 1 or 2; 1 is the crop of `CenterCrop`.
    """

    def __init__(self, side: int, resize_side: int, place: int) -> None:
        self.side, self.resize_side, self.place = side, resize_side, place

    def admit(self, image: U8) -> U8:
        """See `Framing.admit`; returns the whole resized frame, uint8 (h, w, 3), the same for all places."""
        resized = resize_short_side(within_bounds(image), self.resize_side)
        return np.asarray(cv2.cvtColor(resized, cv2.COLOR_BGR2RGB), np.uint8)

    def compose(self, pictures: Sequence[U8], out: U8) -> None:
        """See `Framing.compose`."""
        height, width = pictures[0].shape[:2]
        top, left = round((height - self.side) / 2.0), round((width - self.side) / 2.0)
        if width >= height:
            left = (0, left, width - self.side)[self.place]
        else:
            top = (0, top, height - self.side)[self.place]
        for picture, target in zip(pictures, out, strict=True):
            target[:] = picture[top : top + self.side, left : left + self.side]


def framings(spec: ModelSpec, views: int) -> tuple[Framing, ...]:
    """Return the crops whose probabilities are averaged; frames admitted by the first one fit all of them.

    Raises:
        UsageError: `views` is not one of `VIEWS`, or the model chooses its crop by itself.
    """
    if views not in VIEWS:
        raise UsageError(f"--views: expected one of {', '.join(map(str, VIEWS))}, got {views}.")
    framing = spec.framing()
    if views == 1:
        return (framing,)
    if spec.detects:
        raise UsageError(f"--views {views} does not go with {spec.title}, which sees all of the picture at once.")
    if not isinstance(framing, CenterCrop):
        raise UsageError(
            f"--views {views} does not go with {spec.title}: three crops side by side are how models of a center crop "
            "are tested, but this one follows what moves and has one view only. Leave out --views, or choose another "
            "model."
        )
    return tuple(SideCrop(framing.side, framing.resize_side, place) for place in range(3))
