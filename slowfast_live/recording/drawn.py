"""What is drawn over the frames of a recording."""

from __future__ import annotations

from dataclasses import dataclass

from slowfast_live.counting.counter import RepetitionSet
from slowfast_live.export import label_overlay
from slowfast_live.export.count_overlay import draw_count
from slowfast_live.types import U8, Readout


@dataclass(frozen=True, slots=True)
class Drawn:
    """What a frame shows besides the picture.

    Attributes:
        readout: What was recognized.
        count: The repetitions; None if nothing repeats.
    """

    readout: Readout
    count: RepetitionSet | None = None

    def over(self, image: U8) -> U8:
        """Return a copy of a frame, uint8 (H, W, 3), BGR, with it; the frame itself if there is nothing to draw."""
        return draw_count(label_overlay.draw(image, self.readout), self.count)
