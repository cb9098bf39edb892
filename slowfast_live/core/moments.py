"""Moments of a file: which frames are decided, and in what form the decisions are stored."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from slowfast_live.core.events import EventRule
from slowfast_live.types import F32

STEP_S = 0.1
"""Cell length: one moment is decided per this many seconds, which matches the window's refresh rate."""
KEPT = 24
"""Number of classes whose raw scores are stored; lower scores count as 0. Smaller models are stored completely."""
TOP = 5
MAX_MOMENTS = 1 << 19
"""More than fourteen hours at `STEP_S`."""
MAX_EVERY = 64
SAME_CELL = 1e-6
"""Tolerance for rounding of a file's timestamps, in cells."""
_SCORE_ROUNDING = 1e-3
NO_LABEL = -1


@dataclass(frozen=True, slots=True)
class DecisionRule:
    """How scores become labels and events.

    Attributes:
        labels: K class names.
        background_labels: Labels that mean "none of the known actions".
        trained: If False, no label is ever shown.
        threshold: Default smoothed score from which a label is shown; used if the user chose none.
        events: When labels become an event, and how far events are dated back.
        mirrored: Whether the model saw left and right swapped.
        model: Name of the model.
        thresholds: (label, threshold) pairs of labels with their own; for models that give several answers at once,
            which is what `events.overlapping` says.
    """

    labels: tuple[str, ...]
    background_labels: tuple[str, ...] = ()
    trained: bool = True
    threshold: float = 0.35
    events: EventRule = field(default_factory=EventRule)
    mirrored: bool = False
    model: str = ""
    thresholds: tuple[tuple[str, float], ...] = ()

    @property
    def several(self) -> bool:
        """Whether several labels may be shown at once."""
        return self.events.overlapping


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment to decide.

    Attributes:
        t_s: Time of its frame, in seconds.
        before: Cell of the previous frame; -1 for the first frame.
        measure: Whether to measure motion (only in every second cell, because it takes several milliseconds).
    """

    t_s: float
    before: int
    measure: bool

    @property
    def cell(self) -> int:
        """Cell in which this is the first frame."""
        return cell_of(self.t_s)


def cell_of(t_s: float) -> int:
    """Return the index of the cell that contains a time."""
    return math.floor(t_s / STEP_S + SAME_CELL)


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """Decisions over time, dated back to the action they describe, oldest first.

    Attributes:
        begin_s: float64 (n,): start of each decision's validity.
        end_s: float64 (n,): end of each decision's validity.
        score: float32 (n,): smoothed score of the label, or of the best class if there is no label.
        activity: float32 (n,): activity; NaN if unknown.
    """

    begin_s: NDArray[np.float64]
    end_s: NDArray[np.float64]
    score: F32
    activity: F32


@dataclass(frozen=True, slots=True, eq=False)
class Decided:
    """All moments of a decision set, in a form that can be saved.

    Attributes:
        rule: How scores became labels and events.
        threshold: Threshold chosen by the user, as a smoothed score; None for the rule's default.
        every: Number of cells from one decided moment to the next.
        thin: Number of cells per row.
        rows: Structured array (n,) of `row_type(len(rule.labels), several=rule.several)`, in order of time.
    """

    rule: DecisionRule
    threshold: float | None
    every: int
    thin: int
    rows: NDArray[np.void]

    @property
    def known_s(self) -> float:
        """Approximate duration that is decided, in seconds."""
        return len(self.rows) * max(self.every, self.thin) * STEP_S


_ROW = [
    ("t_s", np.float64),
    ("before", np.int32),
    ("motion", np.float32),
    ("label", np.int32),
    ("score", np.float32),
    ("activity", np.float32),
    ("top_class", np.uint16, (TOP,)),
    ("top_score", np.float32, (TOP,)),
]


def row_type(classes: int, *, several: bool = False) -> np.dtype[np.void]:
    """Return the row dtype for a model with this many classes.

    Args:
        classes: K.
        several: Whether several labels may be shown at once: bit i of `shown` says that `top_class[i]` is.
    """
    kept = min(KEPT, classes)
    shown = [("shown", np.uint8)] if several else []
    return np.dtype([*_ROW, *shown, ("raw_class", np.uint16, (kept,)), ("raw_score", np.uint16, (kept,))])


def check_rows(decided: Decided) -> None:
    """Validate rows that were read from a file.

    Raises:
        ValueError: The rows cannot come from a `DecisionSet`.
    """
    rows, classes = decided.rows, len(decided.rule.labels)
    for steps in (decided.every, decided.thin):
        if steps < 1 or steps > MAX_EVERY or steps & (steps - 1):
            raise ValueError(f"{steps} cells are no step")
    if not (np.isfinite(rows["t_s"]) & (rows["t_s"] >= 0) & (rows["t_s"] < MAX_MOMENTS * STEP_S * decided.thin)).all():
        raise ValueError("impossible times")
    cells = np.floor(rows["t_s"] / STEP_S + SAME_CELL).astype(np.int64)
    if not (np.diff(cells // decided.thin) > 0).all() or not ((rows["before"] >= -1) & (rows["before"] < cells)).all():
        raise ValueError("moments that are out of order")
    numbers = (rows["label"], rows["top_class"], rows["raw_class"])
    if any((values < low).any() or (values >= classes).any() for values, low in zip(numbers, (-1, 0, 0), strict=True)):
        raise ValueError("classes that the model does not have")
    for name, known in (("score", True), ("top_score", True), ("motion", False), ("activity", False)):
        values = rows[name]
        fits = (values >= 0) & (values <= 1 + _SCORE_ROUNDING)
        if not (fits if known else fits | np.isnan(values)).all():
            raise ValueError(f"a {name} that is impossible")
