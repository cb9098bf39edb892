"""Clip buffer: a framing and the ring of frames admitted by it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from slowfast_live.core.framing import Framing
from slowfast_live.core.ring import Ring
from slowfast_live.core.sampling import ClipTiming
from slowfast_live.inference.spec import Clip, ModelSpec
from slowfast_live.people.windows import PersonFraming, WholeFrames
from slowfast_live.types import U8

LONGEST_GAP_S = 0.5
"""Longest gap in a live source before the ring is emptied (or four of the model's steps, if longer)."""


@dataclass(frozen=True, slots=True, eq=False)
class ClipBuffer:
    """A framing and a ring for one kind of clip; models with the same kind of clip share it.

    Immutable: after a discontinuity a new buffer is created, so that a late writer cannot mix old and new frames.

    Attributes:
        clip: The kind of clip.
        framing: Resizes and crops the frames.
        ring: The admitted frames.
    """

    clip: Clip
    framing: Framing
    ring: Ring

    @classmethod
    def for_model(cls, spec: ModelSpec, *, live: bool) -> ClipBuffer:
        """Return an empty clip buffer for frame windows of `spec`.

        Raises:
            ModelError: The model requires an unknown framing.
        """
        return cls(spec.clip, spec.framing(), _ring(spec.timing, live=live))

    @classmethod
    def for_people(cls, spec: ModelSpec, *, live: bool) -> ClipBuffer:
        """Return an empty clip buffer of whole frames, from which the people in them are cut for `spec`."""
        return cls(spec.clip, WholeFrames(PersonFraming(spec.clip)), _ring(spec.timing, live=live))

    def emptied(self, *, live: bool) -> ClipBuffer:
        """Return an empty clip buffer of the same kind."""
        return ClipBuffer(self.clip, self.framing, _ring(self.ring.timing, live=live))

    def push(self, image: U8, t_s: float, captured_s: float, *, mirrored: bool = False) -> bool:
        """Add a frame, uint8 (H, W, 3), BGR, of time `t_s`; return whether the ring kept it.

        A mirrored frame is swapped back if the clip must not show left and right swapped.
        """

        def admit() -> U8:
            wrong = mirrored and not self.clip.mirrored
            return self.framing.admit(np.ascontiguousarray(image[:, ::-1]) if wrong else image)

        return self.ring.push(admit, t_s, captured_s)


def _ring(timing: ClipTiming, *, live: bool) -> Ring:
    return Ring(timing, max(LONGEST_GAP_S, 4 * timing.stride / timing.fps) if live else None)
