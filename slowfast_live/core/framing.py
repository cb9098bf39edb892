"""From a source's picture to the square that a network sees.

A framing works in two steps, so that each picture is resized once however many windows it is part of:
`admit` when a frame enters the ring, `compose` when T admitted pictures become a clip.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

import cv2
import numpy as np

from slowfast_live.core.motion import motion_box
from slowfast_live.types import U8

_WIDEST = 4
"""A picture more than this many times longer than wide is cut before it is resized, to bound the work."""


class Framing(Protocol):
    """How pictures become the clip of a network. Stateless; safe from any thread."""

    def admit(self, image: U8) -> U8:
        """Resize (and cut, where the cut is known) one picture.

        Args:
            image: uint8 (H, W, 3), BGR.

        Returns:
            uint8 (h, w, 3), RGB, C-contiguous; of the same shape for all pictures of one size.
        """
        ...

    def compose(self, pictures: Sequence[U8], out: U8) -> None:
        """Make a clip of T admitted pictures.

        Args:
            pictures: T results of `admit`, oldest first, of one shape.
            out: uint8 (T, S, S, 3), RGB; written in full.
        """
        ...


def short_side_size(height: int, width: int, side: int) -> tuple[int, int]:
    """Return (height, width) with the short side scaled to `side`; the long one as pytorchvideo truncates it."""
    if width < height:
        return math.floor(height / width * side), side
    return side, math.floor(width / height * side)


def resize_short_side(image: U8, side: int) -> U8:
    """Scale uint8 (H, W, C) so that the short side is `side`, bilinear without antialiasing.

    The rule of pytorchvideo's `ShortSideScale` (`interpolate(..., "bilinear", align_corners=False)`).
    """
    height, width = image.shape[:2]
    new_height, new_width = short_side_size(height, width, side)
    if (new_height, new_width) == (height, width):
        return image
    return np.asarray(cv2.resize(image, (new_width, new_height), interpolation=cv2.INTER_LINEAR), np.uint8)


def shrink(image: U8, width: int, height: int) -> U8:
    """Scale uint8 (H, W, C) down to (height, width, C), averaging the pixels of each area.

    It is halved as often as that leaves it large enough, then scaled to size: OpenCV averages pairs of rows and
    columns many times faster than areas of any other size, and the result is the same to within rounding and the
    weight of pixels at the edges of areas.
    """
    while image.shape[0] >= 2 * height and image.shape[1] >= 2 * width:
        half = (image.shape[1] // 2, image.shape[0] // 2)
        image = np.asarray(cv2.resize(image, half, interpolation=cv2.INTER_AREA), np.uint8)
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def centre_crop(image: U8, side: int) -> U8:
    """Return the view of the central `side` x `side` square; the rule of torchvision's `CenterCropVideo`."""
    height, width = image.shape[:2]
    top, left = round((height - side) / 2.0), round((width - side) / 2.0)
    return image[top : top + side, left : left + side]


def within_bounds(image: U8) -> U8:
    """Return the view of the middle of a picture that is more than `_WIDEST` times longer than wide."""
    height, width = image.shape[:2]
    longest = _WIDEST * min(height, width)
    if max(height, width) <= longest:
        return image
    top, left = max(0, (height - longest) // 2), max(0, (width - longest) // 2)
    return image[top : top + longest, left : left + longest]


class CentreCrop:
    """Short side to `resize_side`, then the central `side` square: what Kinetics models were trained with.

    Args:
        side: S, pixels of the square that the network sees.
        resize_side: Short side before the crop, at least `side`; `side` where None.
    """

    def __init__(self, side: int, resize_side: int | None = None) -> None:
        self.side = side
        self.resize_side = resize_side or side
        if self.resize_side < side:
            raise ValueError(f"resize_side {self.resize_side} is smaller than the crop {side}")

    def admit(self, image: U8) -> U8:
        """See `Framing.admit`; returns uint8 (S, S, 3)."""
        image = within_bounds(image)
        square = centre_crop(resize_short_side(image, self.resize_side), self.side)
        return np.asarray(cv2.cvtColor(square, cv2.COLOR_BGR2RGB), np.uint8)

    def compose(self, pictures: Sequence[U8], out: U8) -> None:
        """See `Framing.compose`."""
        np.stack(pictures, out=out)


class FollowMotion:
    """The square around what moves, widened; the centre where nothing does. The camera may move too.

    A person who fills a fifth of the picture is thus seen as large as one who fills it. Where the square
    reaches beyond the picture it is black there.

    Args:
        side: S, pixels of the square that the network sees.
        resize_side: Short side at which pictures are kept.
        widen: Side of the square over the longer side of what moves.
    """

    def __init__(self, side: int, resize_side: int = 128, widen: float = 1.7) -> None:
        self.side = side
        self.resize_side = resize_side
        self.widen = widen

    def admit(self, image: U8) -> U8:
        """See `Framing.admit`; returns the whole picture, uint8 (h, w, 3), its short side `resize_side`."""
        image = within_bounds(image)
        # Pixels are averaged, not skipped: what is small must not flicker.
        height, width = short_side_size(image.shape[0], image.shape[1], self.resize_side)
        shrinks = min(image.shape[:2]) > self.resize_side
        small = shrink(image, width, height) if shrinks else cv2.resize(image, (width, height))
        return np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2RGB), np.uint8)

    def square(self, pictures: Sequence[U8]) -> tuple[int, int, int]:
        """Return (left, top, side) of the square in admitted pictures; it may reach beyond them."""
        height, width = pictures[0].shape[:2]
        box = motion_box(pictures)
        if box is None:
            side = min(height, width)
            return (width - side) // 2, (height - side) // 2, side
        left, top, right, bottom = box
        side = round(min(max(self.widen * max(right - left, bottom - top), self.resize_side * 0.3), max(height, width)))
        x, y = round((left + right - side) / 2), round((top + bottom - side) / 2)
        x = min(max(x, 0), width - side) if side <= width else (width - side) // 2
        y = min(max(y, 0), height - side) if side <= height else (height - side) // 2
        return x, y, side

    def compose(self, pictures: Sequence[U8], out: U8) -> None:
        """See `Framing.compose`."""
        height, width = pictures[0].shape[:2]
        left, top, side = self.square(pictures)
        x0, y0, x1, y1 = max(left, 0), max(top, 0), min(left + side, width), min(top + side, height)
        scale = self.side / side
        u0, v0 = round((x0 - left) * scale), round((y0 - top) * scale)
        u1, v1 = max(u0 + 1, round((x1 - left) * scale)), max(v0 + 1, round((y1 - top) * scale))
        if (u1 - u0, v1 - v0) != (self.side, self.side):
            out[:] = 0
        method = cv2.INTER_AREA if scale < 0.75 else cv2.INTER_LINEAR
        for picture, target in zip(pictures, out, strict=True):
            target[v0:v1, u0:u1] = cv2.resize(picture[y0:y1, x0:x1], (u1 - u0, v1 - v0), interpolation=method)
