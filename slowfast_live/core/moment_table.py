"""Storage for the moments of a file: one row per cell, with the raw scores and what was derived from them."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from slowfast_live.core.moments import NO_LABEL, SAME_CELL, STEP_S, Moment, cell_of, row_type
from slowfast_live.core.smoothing import TIME_CONSTANT_S
from slowfast_live.types import F32

MEMORY_S = 10 * TIME_CONSTANT_S
"""Smoothing memory. Older moments would have a weight of less than 0.005 %."""
_MEMORY_CELLS = round(MEMORY_S / STEP_S)
_UNIT = 65535
_FIRST_ROWS = 1024


class MomentTable:
    """Rows of moments; a row without a moment has the time NaN. Not thread-safe.

    Args:
        classes: Number of classes of the model.
        max_rows: Maximum number of rows. Beyond that, each row represents twice as many cells, and only the first
            moment in them is kept.
        several: Whether several labels may be shown at once.

    Attributes:
        rows: Structured array (n,) of `row_type(classes, several=several)`.
        thin: Number of cells per row.
    """

    def __init__(self, classes: int, max_rows: int, *, several: bool = False) -> None:
        self._classes, self._max = classes, max_rows
        self._dtype = row_type(classes, several=several)
        self.thin = 1
        self.rows = np.empty(0, self._dtype)
        self._reserve(_FIRST_ROWS)

    @property
    def memory_cells(self) -> int:
        """Number of rows that smoothing looks back."""
        return _MEMORY_CELLS // self.thin

    def slot_of(self, cell: int) -> int:
        """Return the row of a cell; there may be no such row yet."""
        return cell // self.thin

    def has(self, slot: int) -> bool:
        """Return whether a row contains a moment."""
        return slot < len(self.rows) and not math.isnan(self.rows["t_s"][slot])

    def slots(self, begin: int = 0, end: int | None = None) -> NDArray[np.int64]:
        """Return the rows from `begin` up to (excluding) `end` that contain a moment, ascending."""
        return np.flatnonzero(~np.isnan(self.rows["t_s"][begin:end])) + begin

    def stored(self) -> NDArray[np.void]:
        """Return a copy of the rows that contain a moment, in order of time."""
        return self.rows[self.slots()]

    def t_s(self, slot: int) -> float:
        """Return the time of the moment in a row, in seconds."""
        return float(self.rows["t_s"][slot])

    def fits(self, moment: Moment) -> bool:
        """Return whether there can be a row for a moment; if not, `thin_out` makes room."""
        return self.slot_of(moment.cell) < self._max

    def add(self, moment: Moment, probs: F32, motion: float | None) -> int | None:
        """Store the raw scores of a moment.

        Args:
            moment: The moment, for which there must be room (see `fits`).
            probs: float32 (K,), the model's prediction.
            motion: Amount of motion, 0..1; None if not measured.

        Returns:
            Its row; None if its row contains a moment already, or is that of the previous frame.
        """
        slot = self.slot_of(moment.cell)
        if self.thin > 1 and moment.before >= 0 and slot == self.slot_of(moment.before):
            return None
        self._reserve(slot + 1)
        if self.has(slot):
            return None
        row = self.rows[slot]
        row["t_s"], row["before"] = moment.t_s, moment.before
        row["motion"] = math.nan if motion is None else motion
        best = np.argsort(-probs, kind="stable")[: row["raw_class"].size]
        row["raw_class"] = best
        row["raw_score"] = np.rint(np.clip(probs[best], 0, 1) * _UNIT)
        return slot

    def add_row(self, row: NDArray[np.void]) -> int | None:
        """Store a row returned by `stored`; return its number, or None if there is a moment already."""
        slot = self.slot_of(cell_of(float(row["t_s"])))
        self._reserve(slot + 1)
        if self.has(slot):
            return None
        self.rows[slot] = row
        return slot

    def load(self, rows: NDArray[np.void], thin: int) -> list[int]:
        """Replace everything by rows returned by `stored`; return their numbers, ascending."""
        self.thin = thin
        slots = np.floor(rows["t_s"] / STEP_S + SAME_CELL).astype(np.int64) // thin
        self.rows = np.empty(0, self._dtype)
        self._reserve(max(_FIRST_ROWS, int(slots[-1]) + 1 if len(slots) else 0))
        self.rows[slots] = rows
        return [int(slot) for slot in slots]

    def thin_out(self) -> list[int]:
        """Double the number of cells per row; return the rows that remain.

        Moments that are not the first of their longer cell are discarded.
        """
        thin, old = 2 * self.thin, self.stored()
        cells = np.floor(old["t_s"] / STEP_S + SAME_CELL).astype(np.int64)
        first = (old["before"] < 0) | (cells // thin != old["before"] // thin)
        return self.load(old[first], thin)

    def smoothed(self, begin: int, end: int) -> F32:
        """Return float32 (K,): the scores of the moments in the rows `begin` to `end`, inclusive, smoothed.

        It is the mean of `core.smoothing.Smoother`, started at `begin`.
        """
        rows = self.rows[begin : end + 1]
        rows = rows[~np.isnan(rows["t_s"])]
        times = rows["t_s"]
        kept = np.exp((times - times[-1]) / TIME_CONSTANT_S)  # remaining share of each moment after the later ones
        weights = np.diff(kept, prepend=0.0)
        scores = rows["raw_score"] * (weights / _UNIT)[:, None]
        total = np.bincount(rows["raw_class"].ravel(), scores.ravel(), minlength=self._classes)
        return np.asarray(total, np.float32)

    def _reserve(self, count: int) -> None:
        have = len(self.rows)
        if count > have:
            rows = np.zeros(max(count, min(2 * have, self._max)), self._dtype)
            rows["t_s"] = rows["score"] = rows["activity"] = np.nan
            rows["label"] = NO_LABEL
            rows[:have] = self.rows
            self.rows = rows
