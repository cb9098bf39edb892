"""A part of a session, from an in point to an out point."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from slowfast_live.core.events import Event


@dataclass(frozen=True, slots=True)
class Part:
    """A span of time whose ends may be open.

    >>> Part(2.0, None).within(0.0, 10.0)
    (2.0, 10.0)

    Attributes:
        begin_s: The in point on the source's clock; None for the begin of what is known.
        end_s: The out point; None for the end of what is known.
    """

    begin_s: float | None = None
    end_s: float | None = None

    @property
    def marked(self) -> bool:
        """Whether an end is marked."""
        return self.begin_s is not None or self.end_s is not None

    def within(self, begin_s: float, end_s: float) -> tuple[float, float]:
        """Return the part's begin and end within a known span of time; empty if they do not overlap."""
        first = begin_s if self.begin_s is None else max(begin_s, self.begin_s)
        last = end_s if self.end_s is None else min(end_s, self.end_s)
        return first, max(first, last)

    def cut(self, events: Iterable[Event]) -> tuple[Event, ...]:
        """Return the events within the part; those that reach beyond it are cut at its ends."""
        found = []
        for event in events:
            begin_s, end_s = self.within(event.begin_s, event.end_s)
            if begin_s < end_s:
                peak_s = min(max(event.peak_s, begin_s), end_s)
                found.append(replace(event, begin_s=begin_s, end_s=end_s, peak_s=peak_s))
        return tuple(found)
