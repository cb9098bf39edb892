"""The clip of one person: a square that follows them through the frames of a window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from slowfast_live.core.framing import FollowMotion, crop_square, shrink
from slowfast_live.core.motion import Box, MotionEnergy
from slowfast_live.inference.spec import Clip
from slowfast_live.people.tracker import TrackedPerson
from slowfast_live.types import F32, U8

_DETAIL = 2
"""Admitted frames are this much larger than the model's own, so that people far away keep some detail."""
_MOST_PIXELS = 256
"""But no larger than this on the short side, or the side that the model itself needs."""
_WIDEN = 1.3
"""Ratio of the square's side to the longer side of the box, for models that see all of the picture."""
_REACH = 0.25
"""Share of the box by which the region in which a person moves is larger, on each side: arms and legs leave it."""
_ROUNDING_PX = 1
_SMOOTH_S = 0.4
"""The square's path is a moving average over this time."""


@dataclass(frozen=True, slots=True)
class PersonFraming:
    """How frames become the clip of one person, for one kind of clip. Stateless and thread-safe.

    For a model that was trained on squares around what moves, the square is around what moves of this person. For
    others it follows the person's box.

    Attributes:
        clip: The clip that the model sees.
    """

    clip: Clip

    @property
    def side(self) -> int:
        """Short side in pixels of the admitted frames."""
        own = self.clip.resize_side or self.clip.side
        return max(own, min(_DETAIL * own, _MOST_PIXELS))

    def admit(self, image: U8) -> U8:
        """Resize one frame, uint8 (H, W, 3), BGR; returns all of it, uint8 (h, w, 3), RGB."""
        return FollowMotion(self.clip.side, self.side).admit(image)

    def energy(self, pictures: Sequence[U8]) -> MotionEnergy | None:
        """Return what `compose` needs of all pictures, once for all people in them; None if it needs nothing."""
        if self.clip.crop != "motion":
            return None
        smaller = (self.clip.resize_side or self.clip.side) / self.side
        height, width = (max(1, round(side * smaller)) for side in pictures[0].shape[:2])
        return MotionEnergy.of([shrink(picture, width, height) for picture in pictures])

    def shows_whole(self, pictures: Sequence[U8], times_s: Sequence[float], person: TrackedPerson) -> bool:
        """Return whether the clip of a person shows the same square as that of the whole picture, but for rounding.

        That is so if nothing else moves. Models whose square does not depend on motion never see the same.

        Args:
            pictures: T pictures as the model's own framing admits them, oldest first.
            times_s: Their times on the source's clock.
            person: The person.
        """
        if self.clip.crop != "motion":
            return False
        height, width = pictures[0].shape[:2]
        energy = MotionEnergy.of(pictures)
        boxes = boxes_over(person, times_s) * np.array([width, height, width, height], np.float32)
        everything, own = energy.box(), energy.box(region(boxes))
        if everything is None or own is None:
            return False
        framing = FollowMotion(self.clip.side, self.clip.resize_side or self.clip.side)
        squares = [framing.square_around(box, height, width) for box in (everything, own)]
        return all(abs(one - other) <= _ROUNDING_PX for one, other in zip(*squares, strict=True))

    def compose(
        self,
        pictures: Sequence[U8],
        times_s: Sequence[float],
        person: TrackedPerson,
        energy: MotionEnergy | None,
        out: U8,
    ) -> None:
        """Make the clip of one person.

        Args:
            pictures: T results of `admit`, oldest first, of one shape.
            times_s: Their times on the source's clock.
            person: Who it is about.
            energy: The result of `energy` for these pictures.
            out: uint8 (T, S, S, 3), RGB; overwritten completely.
        """
        height, width = pictures[0].shape[:2]
        boxes = boxes_over(person, times_s) * np.array([width, height, width, height], np.float32)
        if energy is not None and (square := self._moving_square(energy, boxes, height, width)) is not None:
            for picture, target in zip(pictures, out, strict=True):
                crop_square(picture, *square, target)
            return
        for picture, (left, top, side), target in zip(pictures, following_squares(boxes, times_s), out, strict=True):
            crop_square(picture, left, top, side, target)

    def _moving_square(self, energy: MotionEnergy, boxes: F32, height: int, width: int) -> tuple[int, int, int] | None:
        """Return (left, top, side) of the square around what moves of the person; None if nothing does."""
        scale = height / energy.limits[1]
        within = region(boxes)
        box = energy.box(tuple(edge / scale for edge in within))  # type: ignore[arg-type]
        if box is None:
            return None
        left, top, right, bottom = (edge * scale for edge in box)
        return FollowMotion(self.clip.side, self.side).square_around((left, top, right, bottom), height, width)


def boxes_over(person: TrackedPerson, times_s: Sequence[float]) -> F32:
    """Return the boxes of a person at some times, float32 (T, 4), in shares of the picture."""
    x = np.asarray(times_s, np.float64) - person.first_s
    columns = [np.interp(x, person.path[:, 0], person.path[:, k]) for k in range(1, 5)]
    return np.stack(columns, 1).astype(np.float32)


def region(boxes: F32) -> Box:
    """Return the part of the picture in which a person with these boxes (T, 4) moves."""
    more_x = _REACH * float(np.median(boxes[:, 2] - boxes[:, 0]))
    more_y = _REACH * float(np.median(boxes[:, 3] - boxes[:, 1])) / 2
    left, top = boxes[:, 0].min() - more_x, boxes[:, 1].min() - more_y
    right, bottom = boxes[:, 2].max() + more_x, boxes[:, 3].max() + more_y
    return float(left), float(top), float(right), float(bottom)


def following_squares(boxes: F32, times_s: Sequence[float], widen: float = _WIDEN) -> list[tuple[int, int, int]]:
    """Return (left, top, side) of the squares that follow a person, in pixels.

    The side is the same in all of them, so that the person does not pulsate; the center is smoothed over time.

    Args:
        boxes: float32 (T, 4), x1, y1, x2, y2 in pixels.
        times_s: Times of the pictures in seconds.
        widen: Ratio of the side to the longer side of the box.
    """
    sides = np.maximum(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1])
    side = max(2, round(widen * float(np.quantile(sides, 0.9))))
    centers = (boxes[:, :2] + boxes[:, 2:]) / 2
    times = np.asarray(times_s, np.float64)
    near = (np.abs(times[:, None] - times[None]) <= _SMOOTH_S / 2).astype(np.float64)
    smooth = near @ centers / near.sum(1, keepdims=True)
    return [(round(float(x) - side / 2), round(float(y) - side / 2), side) for x, y in smooth]


@dataclass(frozen=True, slots=True, eq=False)
class PersonView:
    """A `Framing` that makes the clip of one person from one frame window.

    Attributes:
        framing: Resizes frames and cuts the clip.
        person: Who it is about.
        times_s: Times of the window's pictures.
        swapped: Whether left and right of the clip are swapped, because the frames are mirrored and the model must not
            see that.
    """

    framing: PersonFraming
    person: TrackedPerson
    times_s: tuple[float, ...]
    swapped: bool = False

    def admit(self, image: U8) -> U8:
        """Resize one frame; see `PersonFraming.admit`."""
        return self.framing.admit(image)

    def compose(self, pictures: Sequence[U8], out: U8) -> None:
        """Make the clip, uint8 (T, S, S, 3), RGB."""
        self.framing.compose(pictures, self.times_s, self.person, self.framing.energy(pictures), out)
        if self.swapped:
            out[:] = out[:, :, ::-1].copy()


@dataclass(frozen=True, slots=True)
class WholeFrames:
    """A `Framing` that only admits frames, for windows from which people are cut later."""

    framing: PersonFraming

    def admit(self, image: U8) -> U8:
        """Resize one frame; see `PersonFraming.admit`."""
        return self.framing.admit(image)

    def compose(self, pictures: Sequence[U8], out: U8) -> None:
        """Stack the middle of the frames; only used while nobody is there."""
        FollowMotion(self.framing.clip.side, self.framing.side).compose(pictures, out)
