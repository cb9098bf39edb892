"""What one kind of clip needs: how pictures are framed, and the ring that keeps them."""

from __future__ import annotations

from dataclasses import dataclass

from slowfast_live.core.framing import Framing
from slowfast_live.core.ring import Ring
from slowfast_live.core.sampling import ClipTiming
from slowfast_live.inference.spec import Clip, ModelSpec
from slowfast_live.types import U8

LONGEST_GAP_S = 0.5
"""A live source that is silent for longer starts a new occasion (or four of its model's steps, if longer)."""


@dataclass(frozen=True, slots=True, eq=False)
class Lane:
    """A framing and a ring for clips of one kind; models of the same kind of clip share one.

    Immutable: what does not continue the past gets a new lane, so that a late writer cannot mix occasions.
    """

    clip: Clip
    framing: Framing
    ring: Ring

    @classmethod
    def for_model(cls, spec: ModelSpec, *, live: bool) -> Lane:
        """Return an empty lane for windows of `spec`.

        Raises:
            ModelError: The model wants a framing that there is not.
        """
        return cls(spec.clip, spec.framing(), _ring(spec.timing, live=live))

    def emptied(self, *, live: bool) -> Lane:
        """Return an empty lane of the same kind."""
        return Lane(self.clip, self.framing, _ring(self.ring.timing, live=live))

    def push(self, image: U8, t_s: float, captured_s: float) -> None:
        """Admit uint8 (H, W, 3), BGR, of time `t_s`."""
        self.ring.push(lambda: self.framing.admit(image), t_s, captured_s)


def _ring(timing: ClipTiming, *, live: bool) -> Ring:
    return Ring(timing, max(LONGEST_GAP_S, 4 * timing.stride / timing.fps) if live else None)
