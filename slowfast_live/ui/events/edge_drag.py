"""Drag the begin or end of the selected event on the timeline."""

from __future__ import annotations

from dataclasses import dataclass

from slowfast_live.core.corrections import AnnotatedEvent
from slowfast_live.ui.events.time_axis import Scale

REACH_PX = 5.0
"""How near the pointer must be to a boundary."""
MIN_LENGTH_S = 0.1
"""An event is not made shorter than this by dragging."""


@dataclass(frozen=True, slots=True)
class Edge:
    """A boundary of an event that can be dragged.

    Attributes:
        noted: The event.
        begin: Whether it is the begin; else the end.
    """

    noted: AnnotatedEvent
    begin: bool

    def moved(self, t_s: float) -> tuple[float, float]:
        """Return the event's begin and end with this boundary at a time, no shorter than `MIN_LENGTH_S`."""
        event = self.noted.event
        if self.begin:
            return min(t_s, event.end_s - MIN_LENGTH_S), event.end_s
        return event.begin_s, max(t_s, event.begin_s + MIN_LENGTH_S)


def edge_at(x: float, scale: Scale, noted: AnnotatedEvent | None) -> Edge | None:
    """Return the boundary of an event at a pixel; None if there is none, or the event is still in progress.

    Args:
        x: Pixel of the timeline.
        scale: The timeline's scale.
        noted: The selected event; None for none.
    """
    if noted is None or noted.going_on:
        return None
    begin_px, end_px = abs(scale.x(noted.event.begin_s) - x), abs(scale.x(noted.event.end_s) - x)
    if min(begin_px, end_px) > REACH_PX:
        return None
    return Edge(noted, begin_px < end_px)
