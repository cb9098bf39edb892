"""Conversion of source frames into the square clips that a network sees.

A framing has two steps, so that each frame is resized once no matter how many frame windows contain it: `admit` is
called when a frame enters the ring, `compose` when T admitted frames become a clip.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

import cv2
import numpy as np

from slowfast_live.core.motion import Box, motion_box
from slowfast_live.types import U8

_WIDEST = 4
"""Longest aspect ratio that is resized; longer frames are cut first to limit the amount of work."""


class Framing(Protocol):
    """How frames become the clip of a network. Stateless and thread-safe."""

    def admit(self, image: U8) -> U8:
        """Resize one frame, and crop it if the crop does not depend on other frames.

        Args:
            image: uint8 (H, W, 3), BGR.

        Returns:
            uint8 (h, w, 3), RGB, C-contiguous; the same shape for all frames of one size.
        """
        ...

    def compose(self, pictures: Sequence[U8], out: U8) -> None:
        """Make a clip of T admitted frames.

        Args:
            pictures: T results of `admit`, oldest first, of one shape.
            out: uint8 (T, S, S, 3), RGB; overwritten completely.
        """
        ...


def short_side_size(height: int, width: int, side: int) -> tuple[int, int]:
    """Return (height, width) with the short side scaled to `side`; the long side is truncated as in pytorchvideo."""
    if width < height:
        return math.floor(height / width * side), side
    return side, math.floor(width / height * side)


def resize_short_side(image: U8, side: int) -> U8:
    """Scale uint8 (H, W, C) so that the short side is `side`, bilinear without antialiasing.

    Matches pytorchvideo's `ShortSideScale` (`interpolate(..., "bilinear", align_corners=False)`).
    """
    height, width = image.shape[:2]
    new_height, new_width = short_side_size(height, width, side)
    if (new_height, new_width) == (height, width):
        return image
    return np.asarray(cv2.resize(image, (new_width, new_height), interpolation=cv2.INTER_LINEAR), np.uint8)


def shrink(image: U8, width: int, height: int, *, spare: int = 1) -> U8:
    """Scale uint8 (H, W, C) down to (height, width, C), averaging the pixels of each area.

    The picture is halved repeatedly as long as it stays large enough, then scaled to its final size. OpenCV averages
    pairs of rows and columns many times faster than areas of any other size, and the result differs only by rounding
    and by the weight of pixels at area edges: the less, the larger the picture stays before the last step.

    Args:
        image: The picture.
        width: Of the result, in pixels.
        height: Likewise.
        spare: How many times larger than the result the picture stays at least while it is halved.
    """
    while image.shape[0] >= 2 * spare * height and image.shape[1] >= 2 * spare * width:
        half = (image.shape[1] // 2, image.shape[0] // 2)
        image = np.asarray(cv2.resize(image, half, interpolation=cv2.INTER_AREA), np.uint8)
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def center_crop(image: U8, side: int) -> U8:
    """Return a view of the central `side` x `side` square; matches torchvision's `CenterCropVideo`."""
    height, width = image.shape[:2]
    top, left = round((height - side) / 2.0), round((width - side) / 2.0)
    return image[top : top + side, left : left + side]


def within_bounds(image: U8) -> U8:
    """Return a view of the picture, cropped to its middle if it is more than `_WIDEST` times as long as wide."""
    height, width = image.shape[:2]
    longest = _WIDEST * min(height, width)
    if max(height, width) <= longest:
        return image
    top, left = max(0, (height - longest) // 2), max(0, (width - longest) // 2)
    return image[top : top + longest, left : left + longest]


class CenterCrop:
    """Resize the short side to `resize_side` and crop the central square, as in the training of Kinetics models.

    Args:
        side: S, side of the square that the network sees, in pixels.
        resize_side: Short side before the crop, at least `side`; defaults to `side`.

    Raises:
        ValueError: `resize_side` is smaller than `side`.
    """

    def __init__(self, side: int, resize_side: int | None = None) -> None:
        self.side = side
        self.resize_side = resize_side or side
        if self.resize_side < side:
            raise ValueError(f"resize_side {self.resize_side} is smaller than the crop {side}")

    def admit(self, image: U8) -> U8:
        """Resize and crop one frame; returns uint8 (S, S, 3), RGB."""
        image = within_bounds(image)
        square = center_crop(resize_short_side(image, self.resize_side), self.side)
        return np.asarray(cv2.cvtColor(square, cv2.COLOR_BGR2RGB), np.uint8)

    def compose(self, pictures: Sequence[U8], out: U8) -> None:
        """Stack T admitted frames into a clip."""
        np.stack(pictures, out=out)


class WholePicture:
    """Resize the short side to `side` and keep all of the picture, as AVA's networks are tested.

    A clip thus has the shape of its pictures. A picture more than four times as long as wide is compressed to that.

    Args:
        side: Short side in pixels.
        square: Keep the central square only, when the clip is made; boxes of people refer to the whole picture.
    """

    def __init__(self, side: int, *, square: bool = False) -> None:
        self.side, self.square = side, square

    def admit(self, image: U8) -> U8:
        """Resize one frame; returns all of it, uint8 (h, w, 3), RGB."""
        sides = short_side_size(image.shape[0], image.shape[1], self.side)
        height, width = (min(side, _WIDEST * self.side) for side in sides)
        if image.shape[:2] != (height, width):
            image = np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)
        return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)

    def area(self, picture: U8) -> tuple[int, int, int, int]:
        """Return (left, top, width, height) of what the clip shows of an admitted frame, in pixels."""
        height, width = picture.shape[:2]
        if not self.square:
            return 0, 0, width, height
        return round((width - self.side) / 2), round((height - self.side) / 2), self.side, self.side

    def compose(self, pictures: Sequence[U8], out: U8) -> None:
        """Stack T admitted frames; `out` is uint8 (T, height, width, 3) with the size of `area`."""
        left, top, width, height = self.area(pictures[0])
        for picture, target in zip(pictures, out, strict=True):
            target[:] = picture[top : top + height, left : left + width]


class FollowMotion:
    """Crop an enlarged square around what moves, or the center if nothing does. The camera may move too.

    A person who fills a fifth of the frame thus appears as large as one who fills all of it. Parts of the square
    outside the frame are black.

    Args:
        side: S, side of the square that the network sees, in pixels.
        resize_side: Short side of the admitted frames, in pixels.
        widen: Ratio of the square's side to the longer side of the moving area.
    """

    def __init__(self, side: int, resize_side: int = 128, widen: float = 1.7) -> None:
        self.side = side
        self.resize_side = resize_side
        self.widen = widen

    def admit(self, image: U8) -> U8:
        """Resize one frame; returns all of it, uint8 (h, w, 3), RGB, with short side `resize_side`."""
        image = within_bounds(image)
        # Average pixels instead of skipping them, so that small details do not flicker.
        height, width = short_side_size(image.shape[0], image.shape[1], self.resize_side)
        shrinks = min(image.shape[:2]) > self.resize_side
        small = shrink(image, width, height) if shrinks else cv2.resize(image, (width, height))
        return np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2RGB), np.uint8)

    def square(self, pictures: Sequence[U8]) -> tuple[int, int, int]:
        """Return (left, top, side) of the square in admitted frames; it may extend beyond them."""
        height, width = pictures[0].shape[:2]
        box = motion_box(pictures)
        if box is None:
            side = min(height, width)
            return (width - side) // 2, (height - side) // 2, side
        return self.square_around(box, height, width)

    def square_around(self, box: Box, height: int, width: int) -> tuple[int, int, int]:
        """Return (left, top, side) of the enlarged square around what moves in pictures of that size."""
        left, top, right, bottom = box
        side = round(min(max(self.widen * max(right - left, bottom - top), self.resize_side * 0.3), max(height, width)))
        x, y = round((left + right - side) / 2), round((top + bottom - side) / 2)
        x = min(max(x, 0), width - side) if side <= width else (width - side) // 2
        y = min(max(y, 0), height - side) if side <= height else (height - side) // 2
        return x, y, side

    def compose(self, pictures: Sequence[U8], out: U8) -> None:
        """Crop the square from T admitted frames and scale it to the clip."""
        left, top, side = self.square(pictures)
        for picture, target in zip(pictures, out, strict=True):
            crop_square(picture, left, top, side, target)


def crop_square(picture: U8, left: int, top: int, side: int, out: U8) -> None:
    """Crop a square from a picture and scale it to `out`; what is outside the picture is black.

    Args:
        picture: uint8 (h, w, 3).
        left: Of the square, in pixels; may be negative.
        top: Likewise.
        side: Side of the square in pixels.
        out: uint8 (S, S, 3); overwritten completely.
    """
    height, width = picture.shape[:2]
    size = len(out)
    x0, y0, x1, y1 = max(left, 0), max(top, 0), min(left + side, width), min(top + side, height)
    if x1 <= x0 or y1 <= y0:
        out[:] = 0
        return
    scale = size / side
    u0, v0 = round((x0 - left) * scale), round((y0 - top) * scale)
    u1, v1 = max(u0 + 1, round((x1 - left) * scale)), max(v0 + 1, round((y1 - top) * scale))
    u0, v0, u1, v1 = min(u0, size - 1), min(v0, size - 1), min(u1, size), min(v1, size)
    if (u1 - u0, v1 - v0) != (size, size):
        out[:] = 0
    method = cv2.INTER_AREA if scale < 0.75 else cv2.INTER_LINEAR
    out[v0:v1, u0:u1] = cv2.resize(picture[y0:y1, x0:x1], (u1 - u0, v1 - v0), interpolation=method)
