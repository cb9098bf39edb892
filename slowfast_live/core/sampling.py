"""Which frames of a stream a network sees: sampling by time.

A network was trained on clips of `frames * stride` pictures at `fps` pictures a second, of which
`linspace(0, frames * stride - 1, frames)`, truncated, were taken (pytorchvideo's UniformTemporalSubsample).
Here the same instants are taken *by time*, so that a camera of any rate and a file of variable rate mean the
same to the network: at each instant the newest picture that was there is taken, which on video of the
training rate picks exactly the truncated indices.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_MOST_TOLERANCE_S = 1e-3
"""The largest rounding of timestamps in common files (Matroska counts milliseconds)."""


@dataclass(frozen=True, slots=True)
class ClipTiming:
    """The clip that a network was trained on.

    Attributes:
        frames: T, pictures in a clip.
        stride: Source pictures from one picture of the clip to the next (tau).
        fps: Pictures a second of the training video.
    """

    frames: int
    stride: int
    fps: float = 30.0

    def __post_init__(self) -> None:
        if self.frames < 1 or self.stride < 1 or not self.fps > 0:
            raise ValueError(f"a clip needs frames, stride >= 1 and fps > 0, got {self}")

    @property
    def span_s(self) -> float:
        """Seconds from the first to the last picture of the clip."""
        return (self.frames * self.stride - 1) / self.fps

    @property
    def tolerance_s(self) -> float:
        """Timestamps are rounded: a frame this much after an instant still counts as there.

        On video of the training rate an instant lies on a frame, or at least 1 / (T - 1) of a frame interval
        before one; half of that tells the two apart as well as it can be done.
        """
        return min(_MOST_TOLERANCE_S, 0.5 / (self.fps * max(1, self.frames - 1)))

    @property
    def offsets_s(self) -> tuple[float, ...]:
        """The T instants, in seconds before (<= 0) the newest frame; ascending, the last is 0."""
        last = self.frames * self.stride - 1
        return tuple(float((x - last) / self.fps) for x in np.linspace(0, last, self.frames))


def uniform_temporal_indices(total: int, samples: int) -> tuple[int, ...]:
    """Return `samples` indices into `total` pictures, first and last included, truncated.

    The rule of pytorchvideo's `UniformTemporalSubsample` and, for the slow pathway, of `PackPathway`:
    `linspace(0, total - 1, samples).long()`. For 8 of 32 that is 0, 4, 8, 13, 17, 22, 26, 31.
    """
    if total < 1 or samples < 1:
        raise ValueError(f"need total >= 1 and samples >= 1, got {total} and {samples}")
    return tuple(int(i) for i in np.linspace(0, total - 1, samples, dtype=np.float64).clip(0, total - 1))


def coverage(times_s: Sequence[float], timing: ClipTiming) -> float:
    """Return how much of the clip's span the ascending `times_s` cover: 0..1, 1 when a clip can be taken."""
    if not times_s:
        return 0.0
    if timing.span_s == 0:
        return 1.0
    held = times_s[-1] - times_s[0]
    return 1.0 if held >= timing.span_s - timing.tolerance_s else held / timing.span_s


def pick(times_s: Sequence[float], timing: ClipTiming) -> tuple[int, ...] | None:
    """Return the indices of the T frames that a clip ending with the newest frame is made of.

    Args:
        times_s: Ascending times of the frames at hand, in seconds.
        timing: The clip wanted.

    Returns:
        T ascending indices into `times_s`, the last one the newest frame; None while the span is not covered.
    """
    if not times_s or coverage(times_s, timing) < 1.0:
        return None
    end = times_s[-1] + timing.tolerance_s
    return tuple(max(0, bisect_right(times_s, end + offset) - 1) for offset in timing.offsets_s)
