"""The clip that the model sees now, and which part of the picture it shows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from slowfast_live.core.framing import CenterCrop, FollowMotion, Framing
from slowfast_live.inference.spec import Model
from slowfast_live.types import U8, FrameWindow

_LONGEST = 4
"""As in `core.framing`: longer pictures are cut to their middle first."""


@dataclass(frozen=True, slots=True, eq=False)
class NewestClip:
    """The newest clip of the running model.

    Attributes:
        model: The model.
        device: The device that runs it.
        clip: uint8 (T, S, S, 3), RGB.
        window: The frames that it was made of.
        framing: How it was made.
        flipped: Whether it shows left and right swapped, compared with the picture in the window.
        size: Height and width of the source's pictures.
    """

    model: Model
    device: str
    clip: U8
    window: FrameWindow
    framing: Framing
    flipped: bool = False
    size: tuple[int, int] = (1, 1)

    def area(self, width: int, height: int) -> tuple[float, float, float, float]:
        """Return what the clip shows of a picture, as shares of its width and height.

        Args:
            width: Width of the source's pictures.
            height: Their height.

        Returns:
            Left, top, width, height; a part may lie outside the picture.
        """
        short = min(width, height)
        inner_width, inner_height = min(width, _LONGEST * short), min(height, _LONGEST * short)
        if isinstance(self.framing, FollowMotion):
            left, top, side = self.framing.square(self.window.pictures)
            rows, columns = self.window.pictures[0].shape[:2]
            x, y = left / columns, top / rows
            w, h = side / columns, side / rows
        else:
            share = self.framing.side / self.framing.resize_side if isinstance(self.framing, CenterCrop) else 1.0
            w, h = short * share / inner_width, short * share / inner_height
            x, y = (1 - w) / 2, (1 - h) / 2
        if self.flipped:
            x = 1 - x - w
        # From the middle part to the whole picture.
        across, down = inner_width / width, inner_height / height
        return (1 - across) / 2 + x * across, (1 - down) / 2 + y * down, w * across, h * down


def compose(
    model: Model,
    device: str,
    window: FrameWindow,
    framing: Framing,
    *,
    flipped: bool = False,
) -> NewestClip:
    """Make the clip of a frame window; takes a few milliseconds."""
    clip = np.empty(model.spec.input_shape[1:], np.uint8)
    framing.compose(window.pictures, clip)
    return NewestClip(model, device, clip, window, framing, flipped)
