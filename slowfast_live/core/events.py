"""What happened when: from labels that come and go to events with a begin and an end."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Event:
    """One action, from its begin to its end.

    Attributes:
        label: The action.
        begin_s: On the source's clock; before `end_s`.
        end_s: On the source's clock.
        mean_score: Mean smoothed score of the label while it lasted, weighted by time, 0..1.
        peak_score: Highest smoothed score.
        peak_s: When that was.
    """

    label: str
    begin_s: float
    end_s: float
    mean_score: float
    peak_score: float
    peak_s: float

    @property
    def length_s(self) -> float:
        """Seconds from begin to end."""
        return self.end_s - self.begin_s


@dataclass(frozen=True, slots=True)
class EventRule:
    """When labels become an event. The threshold and its hysteresis are `LabelGuard`'s.

    Attributes:
        shortest_s: An action seen for less is no event.
        gap_s: The same action again within this time goes on as one event.
        lag_s: How much later than the action its label is seen: half a window and the smoothing. Events are
            dated back by it.
    """

    shortest_s: float = 0.6
    gap_s: float = 0.8
    lag_s: float = 0.0
