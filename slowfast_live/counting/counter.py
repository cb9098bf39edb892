"""Count repetitions: a set begins with its second repetition, and ends after a pause."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from slowfast_live.counting.periodicity import RATE, Periodicity, sketch
from slowfast_live.types import U8

_TICK_S = 1 / RATE
_LONGEST_GAP_S = 0.5
"""Longest time between two frames; after a longer one counting starts anew."""
_PAUSE = 1.0
"""A set ends when nothing repeats for this many of its periods."""
_NEARLY = 0.25
"""Part of a repetition that may be missing at its end, where people slow down."""
_FEWEST = 1.5
"""A set of fewer repetitions is none: it was cut off by the one before it."""
_DOUBLE = 0.2
"""A period differs by up to this factor from twice another one that is taken for the same movement."""
MAX_SETS = 10_000
"""Number of sets that are kept; the oldest ones are dropped."""


@dataclass(frozen=True, slots=True)
class RepetitionSet:
    """Repetitions without a pause.

    Attributes:
        begin_s: Start on the source's clock.
        end_s: End, or the time up to which it lasts so far.
        amount: Number of repetitions, with the part of the one in progress.
        period_s: Duration of the latest repetition, in seconds.
    """

    begin_s: float
    end_s: float
    amount: float
    period_s: float

    @property
    def count(self) -> int:
        """Number of complete repetitions."""
        return math.floor(self.amount + _NEARLY)

    @property
    def per_minute(self) -> float:
        """Tempo: repetitions per minute."""
        return 60 / self.period_s


def _is_double(period_s: float, known_s: float) -> bool:
    """Whether a period is two of the known one: what the last pictures hold is as similar, but the movement ended."""
    return abs(period_s / known_s - 2) <= _DOUBLE


def repetitions_between(sets: Sequence[RepetitionSet], begin_s: float, end_s: float) -> int:
    """Return how many repetitions lie between two times; of a set that lies there in part, as much as does.

    >>> sets = [RepetitionSet(0.0, 10.0, 10.0, 1.0), RepetitionSet(20.0, 24.0, 2.0, 2.0)]
    >>> repetitions_between(sets, 0.0, 30.0), repetitions_between(sets, 5.0, 22.0)
    (12, 6)
    """
    total = 0
    for each in sets:
        common_s = min(end_s, each.end_s) - max(begin_s, each.begin_s)
        length_s = each.end_s - each.begin_s
        if common_s >= length_s - _TICK_S:
            total += each.count
        elif common_s > 0:
            total += math.floor(each.amount * common_s / length_s + _NEARLY)
    return total


class RepetitionCounter:
    """Counts what repeats in a sequence of frames. Not thread-safe.

    The count grows with time over period, so it does not depend on the phase of the movement. A set is known when its
    second repetition is complete; its begin is dated back, but never into the set before it.
    """

    def __init__(self) -> None:
        self._periodicity = Periodicity()
        self._sets: list[RepetitionSet] = []
        self._current: RepetitionSet | None = None
        self._free_s = -math.inf
        self._due_s: float | None = None
        self._last_s = -math.inf

    @property
    def current(self) -> RepetitionSet | None:
        """The set in progress; None if nothing repeats."""
        return self._current

    @property
    def sets(self) -> tuple[RepetitionSet, ...]:
        """All sets so far, oldest first, with the one in progress."""
        return (*self._sets, *([self._current] if self._current is not None else []))

    def clear(self) -> None:
        """Forget everything."""
        self._start_anew()
        self._sets, self._free_s = [], -math.inf

    def push(self, image: U8, t_s: float) -> None:
        """Take in a frame, uint8 (H, W, 3), BGR, of time `t_s`; more than `RATE` a second are skipped.

        If time goes back, or stops for long, counting starts anew; the sets so far are kept.
        """
        if t_s < self._last_s or t_s - self._last_s > _LONGEST_GAP_S:
            self._start_anew()
        self._last_s = t_s
        if self._due_s is not None and t_s < self._due_s:
            return
        picture = sketch(image)
        steps = 1 if self._due_s is None else 1 + math.floor((t_s - self._due_s) / _TICK_S + 1e-6)
        for _ in range(steps):  # a frame is shown until the next one
            self._periodicity.push(picture)
        self._due_s = (t_s if self._due_s is None else self._due_s + (steps - 1) * _TICK_S) + _TICK_S - 1e-6
        self._update(t_s)

    def _update(self, t_s: float) -> None:
        period = self._periodicity.period()
        current = self._current
        if period is not None and current is not None and _is_double(period / RATE, current.period_s):
            period = None
        if period is not None:
            period_s = period / RATE
            if current is None:
                begin_s = max(self._free_s, t_s - 2 * period_s)
                self._current = RepetitionSet(begin_s, t_s, (t_s - begin_s) / period_s, period_s)
            elif self._periodicity.moving(period):  # a rest counts when the movement goes on after it
                amount = current.amount + (t_s - current.end_s) / period_s
                self._current = replace(current, end_s=t_s, amount=amount, period_s=period_s)
        elif current is not None and t_s - current.end_s > _PAUSE * current.period_s:
            self._finish()

    def _finish(self) -> None:
        if self._current is not None:
            self._free_s = self._current.end_s
            if self._current.amount >= _FEWEST:
                self._sets = [*self._sets[-(MAX_SETS - 1) :], self._current]
        self._current = None

    def _start_anew(self) -> None:
        self._finish()
        self._periodicity.clear()
        self._free_s = -math.inf
        self._due_s, self._last_s = None, -math.inf
