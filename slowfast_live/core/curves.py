"""Curves of score and activity: stored for a live source, and as columns to draw at any width."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from slowfast_live.core.moments import Curve
from slowfast_live.types import F32

LIVE_SPAN_S = 600.0
"""Length of the curves that are kept for a live source, in seconds."""
CELL_S = 0.05
"""Resolution of the curves: twenty values per second."""
_NO_LABEL = -1
NONE_KNOWN = -2
"""Label number for something else than the actions that the model knows."""


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """Curves with one value for each of n equal columns of time; NaN if nothing is known.

    Attributes:
        score: float32 (n,): highest smoothed score of the label shown, or of the best class if there was none.
        activity: float32 (n,): highest activity, 0..1.
    """

    score: F32
    activity: F32


@dataclass(frozen=True, slots=True, eq=False)
class LiveCurves:
    """Curves of a live source, in cells of equal length.

    Attributes:
        cell_s: Length of a cell, in seconds.
        first: Number of the first cell, which begins at `first * cell_s`.
        names: Label names, indexed by label number.
        label: int32 (n,): label numbers; negative if there is no label.
        score: float32 (n,): NaN if nothing is known.
        activity: float32 (n,): NaN if not measured.
    """

    cell_s: float
    first: int
    names: tuple[str, ...]
    label: NDArray[np.int32]
    score: F32
    activity: F32


class Cells:
    """Label, score and activity over the latest time, in cells of equal length. Not thread-safe.

    Later writes overwrite earlier ones. A time far before the oldest known one starts everything anew.

    Args:
        span_s: Age after which values are discarded.
    """

    def __init__(self, span_s: float = LIVE_SPAN_S) -> None:
        self.cell_s = CELL_S
        self._kept = math.ceil(span_s / CELL_S) + 1
        self._origin: int | None = None
        self._newest = -1
        self._label = np.empty(0, np.int32)
        self._score = np.empty(0, np.float32)
        self._activity = np.empty(0, np.float32)
        self._reserve(1024)

    @property
    def count(self) -> int:
        """Number of allocated cells."""
        return len(self._score)

    def write(self, begin_s: float, end_s: float, label: int, score: float, activity: float) -> None:
        """Set all cells from the one of `begin_s` to the one of `end_s`, inclusive."""
        origin = self._roll_to(self._index(end_s))
        first, last = self._index(begin_s) - origin, self._index(end_s) - origin
        where = slice(max(0, first), last + 1)
        self._label[where], self._score[where], self._activity[where] = label, score, activity
        self._newest = max(self._newest, origin + last)

    def stored(self) -> tuple[int, NDArray[np.int32], F32, F32]:
        """Return the number of the first valid cell, and copies of label, score and activity from there on."""
        first, origin = self._oldest, self._origin or 0
        kept = slice(first - origin, max(first, self._newest + 1) - origin)
        return first, self._label[kept].copy(), self._score[kept].copy(), self._activity[kept].copy()

    def load(self, cell_s: float, first: int, label: NDArray[np.int32], score: F32, activity: F32) -> None:
        """Load values returned by `stored`; only the newest that fit are kept."""
        count = min(len(label), self._kept)
        skipped = len(label) - count
        self.cell_s, self._origin, self._newest = cell_s, first + skipped, first + len(label) - 1
        self._reserve(count)
        for own, values in ((self._label, label), (self._score, score), (self._activity, activity)):
            own[:count] = values[skipped:]

    def at(self, t_s: float) -> tuple[int, float, float] | None:
        """Return (label, score, activity) at a time; None if nothing is known."""
        place = self._place(self._index(t_s))
        if place is None or math.isnan(self._score[place]):
            return None
        return int(self._label[place]), float(self._score[place]), float(self._activity[place])

    def columns(self, begin_s: float, end_s: float, count: int) -> Columns:
        """Return the highest values in each of `count` columns of equal width."""
        edges = np.linspace(begin_s, end_s, count + 1)
        low = np.floor(edges[:-1] / self.cell_s).astype(np.int64)
        high = np.maximum(np.ceil(edges[1:] / self.cell_s).astype(np.int64), low + 1)
        return Columns(self._highest(self._score, low, high), self._highest(self._activity, low, high))

    def _highest(self, values: F32, low: NDArray[np.int64], high: NDArray[np.int64]) -> F32:
        """Return the maximum of values[low:high] (cell numbers) for each pair; NaN if there is none."""
        oldest, newest = self._oldest, self._newest
        result = np.full(len(low), np.nan, np.float32)
        inside = (high > oldest) & (low <= newest)
        if self._origin is None or not inside.any():
            return result
        begin = np.clip(low[inside], oldest, newest)
        end = np.clip(high[inside], oldest + 1, newest + 1)
        base = begin[0]
        known = np.nan_to_num(values[base - self._origin : end[-1] - self._origin], nan=-1.0)
        known = np.append(known, np.float32(-1.0))  # so that the last end is a valid index too
        highest = np.maximum.reduceat(known, np.stack((begin - base, end - base), axis=1).ravel())[::2]
        result[inside] = np.where(highest < 0, np.float32(np.nan), highest)
        return result

    @property
    def _oldest(self) -> int:
        """Number of the oldest valid cell."""
        origin = self._origin or 0
        return max(origin, self._newest - self._kept + 1)

    def _index(self, t_s: float) -> int:
        return math.floor(t_s / self.cell_s)

    def _place(self, index: int) -> int | None:
        if self._origin is None or not self._oldest <= index <= self._newest:
            return None
        return index - self._origin

    def _reserve(self, count: int) -> None:
        have = len(self._score)
        if count <= have:
            return
        more = max(count, 2 * have) - have
        self._label = np.append(self._label, np.full(more, _NO_LABEL, np.int32))
        self._score = np.append(self._score, np.full(more, np.nan, np.float32))
        self._activity = np.append(self._activity, np.full(more, np.nan, np.float32))

    def _roll_to(self, index: int) -> int:
        """Make room for a cell and return the first one; expired cells are dropped once they fill half the memory."""
        if self._origin is None or index < self._origin or index - self._newest >= self._kept:
            self._origin, self._newest = index - self._kept + 1, index
            self._reserve(2 * self._kept)
            self._forget(slice(None))
        elif index - self._origin >= len(self._score):
            by = index - self._kept + 1 - self._origin
            for values in (self._label, self._score, self._activity):
                values[:-by] = values[by:].copy()
            self._forget(slice(-by, None))
            self._origin += by
        return self._origin

    def _forget(self, where: slice) -> None:
        self._label[where], self._score[where], self._activity[where] = _NO_LABEL, np.nan, np.nan


def columns_of(curve: Curve, begin_s: float, end_s: float, count: int) -> Columns:
    """Return the highest values in each of `count` columns of equal width."""
    width_s = (end_s - begin_s) / count
    low = np.clip(np.floor((curve.begin_s - begin_s) / width_s), 0, count - 1).astype(np.int64)
    high = np.clip(np.ceil((curve.end_s - begin_s) / width_s), low + 1, count).astype(np.int64)
    lengths = high - low
    first = np.repeat(low - np.append(0, np.cumsum(lengths)[:-1]), lengths) if len(low) else low
    columns = first + np.arange(len(first))

    def highest(values: F32) -> F32:
        result = np.full(count, -np.inf, np.float32)
        np.maximum.at(result, columns, np.repeat(np.nan_to_num(values, nan=-np.inf), lengths))
        return np.where(np.isinf(result), np.float32(np.nan), result)

    return Columns(highest(curve.score), highest(curve.activity))
