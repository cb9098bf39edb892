"""Convert between seconds and pixels: the visible time span and the positions of its ticks. Contains no widgets."""

from __future__ import annotations

import math
from dataclasses import dataclass

SHORTEST_S = 1.0
"""Minimum length of the visible span, in seconds."""
STEPS_S = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400)
"""Tick distances that are easy to read, in seconds."""
LIVE_WHOLES_S = (60.0, 120.0, 300.0, 600.0)
"""The whole span of a live source grows in these steps, so that the scale does not shrink all the time."""

_OVERRUN = 1.05
"""Factor by which a file may exceed its stated length before the length is treated as unknown."""
_GROWTH = 1.25
_FIRST_WHOLE_S = 10.0
_MIN_S = 1.0


@dataclass(frozen=True, slots=True)
class Span:
    """A span of time.

    Attributes:
        begin_s: Seconds on the source's clock.
        end_s: After `begin_s`.
    """

    begin_s: float
    end_s: float

    @property
    def length_s(self) -> float:
        """Length in seconds."""
        return self.end_s - self.begin_s

    def holds(self, t_s: float) -> bool:
        """Return whether a time lies in the span."""
        return self.begin_s <= t_s <= self.end_s

    def moved(self, by_s: float) -> Span:
        """Return the span, moved by `by_s` seconds."""
        return Span(self.begin_s + by_s, self.end_s + by_s)

    def within(self, whole: Span) -> Span:
        """Return the span moved and, if necessary, shortened to lie within `whole`."""
        if self.length_s >= whole.length_s:
            return whole
        if self.begin_s < whole.begin_s:
            return Span(whole.begin_s, whole.begin_s + self.length_s)
        if self.end_s > whole.end_s:
            return Span(whole.end_s - self.length_s, whole.end_s)
        return self

    def zoomed(self, about_s: float, factor: float, whole: Span) -> Span:
        """Return the span shrunk by `factor` (> 1 zooms in) with `about_s` kept in place as far as `whole` allows."""
        shortest_s = min(SHORTEST_S, whole.length_s)
        length_s = min(max(self.length_s / factor, shortest_s), whole.length_s)
        before = (about_s - self.begin_s) / self.length_s
        return Span(about_s - before * length_s, about_s + (1 - before) * length_s).within(whole)


@dataclass(frozen=True, slots=True)
class Scale:
    """A span of time mapped to pixels.

    Attributes:
        span: The visible span.
        left: X position of its begin, in logical pixels.
        width: Its width in logical pixels; positive.
    """

    span: Span
    left: float
    width: float

    def x(self, t_s: float) -> float:
        """Return the x position of a time."""
        return self.left + (t_s - self.span.begin_s) / self.span.length_s * self.width

    def t(self, x: float) -> float:
        """Return the time at an x position."""
        return self.span.begin_s + (x - self.left) / self.width * self.span.length_s

    @property
    def pixel_s(self) -> float:
        """Seconds per logical pixel."""
        return self.span.length_s / self.width


def live_whole(begin_s: float, now_s: float) -> Span:
    """Return the whole span of a live source that has been known since `begin_s`; it ends now."""
    age_s = now_s - begin_s
    length_s = next((whole_s for whole_s in LIVE_WHOLES_S if whole_s >= age_s), LIVE_WHOLES_S[-1])
    return Span(now_s - length_s, now_s)


def file_whole(stated_s: float, reached_s: float) -> Span:
    """Return the whole span of a file; beyond its stated length, it grows in steps rather than continuously.

    Args:
        stated_s: The file's stated length; 0 if it states none.
        reached_s: The farthest position played.
    """
    if stated_s > 0 and reached_s <= stated_s * _OVERRUN:
        return Span(0.0, max(stated_s, reached_s, _MIN_S))
    length_s = max(stated_s, _FIRST_WHOLE_S)
    while length_s < reached_s:
        length_s *= _GROWTH
    return Span(0.0, length_s)


def archived_whole(begin_s: float, end_s: float, *, zero: bool) -> Span:
    """Return the whole span of an earlier session that is shown without its source.

    Args:
        begin_s: Start of the known time span.
        end_s: End of the known time span.
        zero: Whether the source was a file, whose time starts at 0.
    """
    begin_s = 0.0 if zero else begin_s
    return Span(begin_s, max(end_s, begin_s + _MIN_S))


def tick_step_s(scale: Scale, apart: float) -> float:
    """Return the shortest step whose ticks are at least `apart` pixels apart."""
    return next((step_s for step_s in STEPS_S if step_s / scale.pixel_s >= apart), STEPS_S[-1])


def ticks(scale: Scale, step_s: float, offset_s: float = 0.0) -> list[float]:
    """Return the times in the span that are whole multiples of a step.

    Args:
        scale: The visible span and its scale.
        step_s: Distance of the ticks.
        offset_s: Added to each time before counting, so that ticks fall on full minutes of the time of day.
    """
    first = math.ceil((scale.span.begin_s + offset_s) / step_s - 1e-9)
    last = math.floor((scale.span.end_s + offset_s) / step_s + 1e-9)
    return [number * step_s - offset_s for number in range(first, last + 1)]
