"""Between seconds and pixels: the part of the time that is shown, and where its ticks stand. No widgets here."""

from __future__ import annotations

import math
from dataclasses import dataclass

SHORTEST_S = 1.0
"""So much time is shown at least."""
STEPS_S = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400)
"""Distances of ticks that a person reads easily."""
LIVE_WHOLES_S = (60.0, 120.0, 300.0, 600.0)
"""The whole of a live source grows in these steps, so that it does not shrink all the time."""

_OVERRUN = 1.05
"""A file may play on by this factor beyond its stated length without being taken for one of unknown length."""
_GROWTH = 1.25
_FIRST_WHOLE_S = 10.0
_LEAST_S = 1.0


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time.

    Attributes:
        begin_s: Seconds on the source's clock.
        end_s: After `begin_s`.
    """

    begin_s: float
    end_s: float

    @property
    def length_s(self) -> float:
        """Seconds from begin to end."""
        return self.end_s - self.begin_s

    def holds(self, t_s: float) -> bool:
        """Whether a moment lies in it."""
        return self.begin_s <= t_s <= self.end_s

    def moved(self, by_s: float) -> Span:
        """Return it, moved."""
        return Span(self.begin_s + by_s, self.end_s + by_s)

    def within(self, whole: Span) -> Span:
        """Return it moved, and where need be shortened, to lie in `whole`."""
        if self.length_s >= whole.length_s:
            return whole
        if self.begin_s < whole.begin_s:
            return Span(whole.begin_s, whole.begin_s + self.length_s)
        if self.end_s > whole.end_s:
            return Span(whole.end_s - self.length_s, whole.end_s)
        return self

    def zoomed(self, about_s: float, factor: float, whole: Span) -> Span:
        """Return it shrunk `factor` times (> 1: closer), with `about_s` where it was as far as `whole` allows."""
        shortest_s = min(SHORTEST_S, whole.length_s)
        length_s = min(max(self.length_s / factor, shortest_s), whole.length_s)
        before = (about_s - self.begin_s) / self.length_s
        return Span(about_s - before * length_s, about_s + (1 - before) * length_s).within(whole)


@dataclass(frozen=True, slots=True)
class Scale:
    """A stretch of time laid over pixels.

    Attributes:
        span: What is shown.
        left: Where it begins, in logical pixels.
        width: How wide it is, in logical pixels; positive.
    """

    span: Span
    left: float
    width: float

    def x(self, t_s: float) -> float:
        """Return where a moment lies."""
        return self.left + (t_s - self.span.begin_s) / self.span.length_s * self.width

    def t(self, x: float) -> float:
        """Return the moment at a place."""
        return self.span.begin_s + (x - self.left) / self.width * self.span.length_s

    @property
    def pixel_s(self) -> float:
        """Seconds that a logical pixel stands for."""
        return self.span.length_s / self.width


def live_whole(begin_s: float, now_s: float) -> Span:
    """Return the whole of a live source that is known since `begin_s`: it ends now."""
    age_s = now_s - begin_s
    length_s = next((whole_s for whole_s in LIVE_WHOLES_S if whole_s >= age_s), LIVE_WHOLES_S[-1])
    return Span(now_s - length_s, now_s)


def file_whole(stated_s: float, reached_s: float) -> Span:
    """Return the whole of a file; one that plays on beyond what it states grows in steps, not all the time.

    Args:
        stated_s: Its length as it says; 0 where it does not.
        reached_s: How far it was played.
    """
    if stated_s > 0 and reached_s <= stated_s * _OVERRUN:
        return Span(0.0, max(stated_s, reached_s, _LEAST_S))
    length_s = max(stated_s, _FIRST_WHOLE_S)
    while length_s < reached_s:
        length_s *= _GROWTH
    return Span(0.0, length_s)


def tick_step_s(scale: Scale, apart: float) -> float:
    """Return the shortest step whose ticks stand at least `apart` pixels from each other."""
    return next((step_s for step_s in STEPS_S if step_s / scale.pixel_s >= apart), STEPS_S[-1])


def ticks(scale: Scale, step_s: float, offset_s: float = 0.0) -> list[float]:
    """Return the moments in the span that are whole multiples of a step.

    Args:
        scale: What is shown.
        step_s: Their distance.
        offset_s: Added to a moment before it is counted: to have full minutes of the time of day.
    """
    first = math.ceil((scale.span.begin_s + offset_s) / step_s - 1e-9)
    last = math.floor((scale.span.end_s + offset_s) / step_s + 1e-9)
    return [number * step_s - offset_s for number in range(first, last + 1)]
