"""Selection of the frames that a network sees: sampling by time.

A network was trained on clips of `frames * stride` frames at `fps` frames per second, of which
`linspace(0, frames * stride - 1, frames)`, truncated, were taken (pytorchvideo's UniformTemporalSubsample). Here the
same instants are sampled *by time*, so that cameras of any rate and files with a variable frame rate mean the same to
the network. For each instant the latest available frame is taken, which for video at the training rate gives exactly
the truncated indices.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_MAX_TOLERANCE_S = 1e-3
"""Largest rounding of timestamps in common file formats (Matroska counts milliseconds)."""


@dataclass(frozen=True, slots=True)
class ClipTiming:
    """The clip that a network was trained on.

    >>> timing = ClipTiming(frames=4, stride=2, fps=10)
    >>> timing.span_s
    0.7
    >>> [round(offset, 2) for offset in timing.offsets_s]
    [-0.7, -0.47, -0.23, 0.0]

    Attributes:
        frames: T, the number of frames in a clip.
        stride: Source frames from one frame of the clip to the next (tau).
        fps: Frames per second of the training video.

    Raises:
        ValueError: A value is out of range.
    """

    frames: int
    stride: int
    fps: float = 30.0

    def __post_init__(self) -> None:
        if self.frames < 1 or self.stride < 1 or not self.fps > 0:
            raise ValueError(f"a clip needs frames, stride >= 1 and fps > 0, got {self}")

    @property
    def span_s(self) -> float:
        """Time from the first to the last frame of the clip, in seconds."""
        return (self.frames * self.stride - 1) / self.fps

    @property
    def tolerance_s(self) -> float:
        """Tolerance for rounded timestamps: a frame this much after an instant still counts as on time.

        For video at the training rate, an instant lies on a frame or at least 1 / (T - 1) of a frame interval before
        one; half of that is the best tolerance for telling the two apart.
        """
        return min(_MAX_TOLERANCE_S, 0.5 / (self.fps * max(1, self.frames - 1)))

    @property
    def offsets_s(self) -> tuple[float, ...]:
        """The T instants, in seconds relative to the newest frame (<= 0); ascending, the last is 0."""
        last = self.frames * self.stride - 1
        return tuple(float((x - last) / self.fps) for x in np.linspace(0, last, self.frames))


def uniform_temporal_indices(total: int, samples: int) -> tuple[int, ...]:
    """Return `samples` indices into `total` frames, including first and last, truncated.

    Matches pytorchvideo's `UniformTemporalSubsample` and, for the slow pathway, `PackPathway`:
    `linspace(0, total - 1, samples).long()`.

    >>> uniform_temporal_indices(32, 8)
    (0, 4, 8, 13, 17, 22, 26, 31)

    Raises:
        ValueError: A number is less than 1.
    """
    if total < 1 or samples < 1:
        raise ValueError(f"need total >= 1 and samples >= 1, got {total} and {samples}")
    return tuple(int(i) for i in np.linspace(0, total - 1, samples, dtype=np.float64).clip(0, total - 1))


def coverage(times_s: Sequence[float], timing: ClipTiming) -> float:
    """Return the share of the clip's span that the ascending `times_s` cover, 0..1; 1 if a clip can be taken."""
    if not times_s:
        return 0.0
    if timing.span_s == 0:
        return 1.0
    held = times_s[-1] - times_s[0]
    return 1.0 if held >= timing.span_s - timing.tolerance_s else held / timing.span_s


def pick(times_s: Sequence[float], timing: ClipTiming) -> tuple[int, ...] | None:
    """Return the indices of the T frames of the clip that ends with the newest frame.

    >>> pick([i / 10 for i in range(8)], ClipTiming(frames=4, stride=2, fps=10))
    (0, 2, 4, 7)

    Args:
        times_s: Ascending times of the available frames, in seconds.
        timing: The clip.

    Returns:
        T ascending indices into `times_s`, the last one that of the newest frame; None while the span is not covered.
    """
    if not times_s or coverage(times_s, timing) < 1.0:
        return None
    end = times_s[-1] + timing.tolerance_s
    return tuple(max(0, bisect_right(times_s, end + offset) - 1) for offset in timing.offsets_s)
