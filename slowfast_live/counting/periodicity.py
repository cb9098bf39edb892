"""Find the period of a movement from how similar the picture is to itself some time ago.

For each lag L the pictures of the last L are compared with those one lag earlier, and the mean squared difference is
divided by that between any two pictures of the last 2 L. The ratio is about 1 for unrelated pictures and falls toward 0
where the movement repeats after L. The smallest lag whose ratio is low and a local minimum is the period; larger
multiples of it, which are as similar, are thereby left out. This is the normalized difference function of the pitch
detector YIN (de Cheveigné and Kawahara 2002, doi 10.1121/1.1458024), applied to pictures in place of sound samples;
the comparison of a video with itself over all lags is that of RepNet (Dwibedi et al. 2020, arXiv 2006.15418).
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from slowfast_live.core.framing import shrink
from slowfast_live.types import F32, U8

RATE = 10.0
"""Pictures per second that are compared."""
SHORTEST_S, LONGEST_S = 0.5, 5.0
"""Range of periods, in seconds."""
_CHANGE_S = 0.5
"""What changed within this time is compared as well: slow drifts, such as those of a hand-held camera, drop out."""
_RATIO, _CHANGE_RATIO = 0.5, 0.4
"""A lag is a period if the ratio of the pictures, or that of the changes, is below these."""
_MIN_SPREAD, _CHANGE_MIN_SPREAD = 4.0, 8.0
"""Mean squared difference, in squared gray levels, below which nothing moves: noise repeats as well."""
_STILL, _STILL_SHARE = 4, 0.03
"""The picture rests if the last pictures differ by less than this share of the largest difference."""
_SIDE, _MIDDLE_SIDE, _BLUR = 16, 64, 1.5

F64 = NDArray[np.float64]


def sketch(image: U8) -> F32:
    """Reduce a frame, uint8 (H, W, 3), to a small blurred gray picture, float32 (n,); its size depends on the ratio."""
    height, width = image.shape[:2]
    scale = _MIDDLE_SIDE / min(height, width)
    size = max(_SIDE, round(width * scale)), max(_SIDE, round(height * scale))
    gray = cv2.cvtColor(shrink(image, *size, spare=3), cv2.COLOR_BGR2GRAY)
    scale = _SIDE / _MIDDLE_SIDE
    small = max(8, round(size[0] * scale)), max(8, round(size[1] * scale))
    blurred = cv2.GaussianBlur(gray.astype(np.float32), (0, 0), _BLUR)
    return np.asarray(cv2.resize(blurred, small, interpolation=cv2.INTER_AREA), np.float32).ravel()


class _Signal:
    """The differences between the last pictures of one kind."""

    def __init__(self, ratio: float, min_spread: float) -> None:
        self._ratio, self._min_spread = ratio, min_spread
        self._shortest, self._longest = round(SHORTEST_S * RATE), round(LONGEST_S * RATE)
        self._size = 2 * (self._longest + 1)
        self._pictures: list[F32] = []
        self._differences: F64 = np.zeros((0, 0))

    def clear(self) -> None:
        self._pictures, self._differences = [], np.zeros((0, 0))

    def push(self, picture: F32) -> None:
        self._pictures = [*self._pictures[-(self._size - 1) :], picture]
        count = len(self._pictures)
        row = ((np.stack(self._pictures) - picture) ** 2).mean(axis=1)
        grown = np.empty((count, count))
        if count > 1:
            grown[:-1, :-1] = self._differences[-(count - 1) :, -(count - 1) :]
        grown[-1], grown[:, -1] = row, row
        self._differences = grown

    def moving(self, period: int) -> bool:
        """Whether the last 0.3 s differ, compared with the last two periods.

        What was before them does not matter: a light that went on, a cut, or somebody who came into the picture.
        """
        latest = self._differences[-1, -(2 * period + 1) :] if self._pictures else np.zeros(1)
        return bool(latest[-_STILL:].max() > _STILL_SHARE * latest.max())

    def period(self) -> int | None:
        ratios = self._ratios()
        for lag in range(self._shortest, len(ratios) - 1):
            if ratios[lag] < self._ratio and ratios[lag] <= ratios[lag - 1] and ratios[lag] <= ratios[lag + 1]:
                return lag
        return None

    def _ratios(self) -> F64:
        """Return the ratio of each lag from 0 on; infinite if it is not covered twice yet or nothing moves."""
        differences, count = self._differences, len(self._pictures)
        longest = min(self._longest + 1, count // 2)
        found = np.full(longest + 2, np.inf)  # one more, so that the last lag can be a minimum
        sums = np.zeros((count + 1, count + 1))
        sums[1:, 1:] = differences.cumsum(0).cumsum(1)
        for lag in range(self._shortest - 1, longest + 1):
            first = count - 2 * lag
            block = sums[count, count] - 2 * sums[first, count] + sums[first, first]
            spread = block / (2 * lag) ** 2
            if spread > self._min_spread:
                found[lag] = np.diagonal(differences, -lag)[-lag:].mean() / spread
        return found


class Periodicity:
    """The last pictures, and the period in which they repeat. Not thread-safe.

    >>> periodicity = Periodicity()
    >>> for i in range(40):  # repeats every 1.2 s
    ...     periodicity.push(np.float32([20 * np.sin(i / 12 * 2 * np.pi), 20 * np.cos(i / 12 * 2 * np.pi)]))
    >>> periodicity.period()
    12
    """

    def __init__(self) -> None:
        self._signals = _Signal(_RATIO, _MIN_SPREAD), _Signal(_CHANGE_RATIO, _CHANGE_MIN_SPREAD)
        self._recent: list[F32] = []

    def clear(self) -> None:
        """Forget all pictures."""
        self._recent = []
        for signal in self._signals:
            signal.clear()

    def push(self, picture: F32) -> None:
        """Add a picture of `sketch`, `1 / RATE` seconds after the last one; one of another size starts anew."""
        if self._recent and self._recent[-1].shape != picture.shape:
            self.clear()
        self._recent = [*self._recent[-round(_CHANGE_S * RATE) :], picture]
        pictures, changes = self._signals
        pictures.push(picture)
        changes.push(picture - self._recent[0])

    def moving(self, period: int) -> bool:
        """Whether anything moves now, compared with the last two periods (in pictures)."""
        return self._signals[0].moving(period)

    def period(self) -> int | None:
        """Return the period in pictures; None if the last two of it do not repeat."""
        pictures, changes = self._signals
        found = pictures.period()
        return changes.period() if found is None else found
