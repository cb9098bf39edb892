"""Whom to speak of if there is room for one person only, and whose turn it is if the machine cannot serve all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from slowfast_live.people.tracker import TrackedPerson

_LEAD = 1.5
"""Another person takes the lead if they weigh this much more."""
_GROWN_UP_S = 2.0
"""Somebody counts fully after this time in the picture."""


class Lead:
    """Chooses the person that the one label of the window is about. Not thread-safe."""

    def __init__(self) -> None:
        self._held: int | None = None
        self.followed: int | None = None
        """The person that the user follows; None: the most prominent one."""

    def choose(self, people: Sequence[TrackedPerson]) -> TrackedPerson | None:
        """Return whom to speak of: the one who is followed, else the most prominent one; None if nobody is there."""
        by_id = {person.id: person for person in people}
        if self.followed in by_id:
            return by_id[self.followed]
        if not people:
            return None
        best = max(people, key=_weight)
        held = by_id.get(self._held) if self._held is not None else None
        if held is not None and _weight(best) <= _LEAD * _weight(held):
            return held
        self._held = best.id
        return best


def _weight(person: TrackedPerson) -> float:
    x1, y1, x2, y2 = person.box
    area = max(0.0, min(x2, 1) - max(x1, 0)) * max(0.0, min(y2, 1) - max(y1, 0))
    return area * min(1.0, 0.2 + (person.seen_s - person.first_s) / _GROWN_UP_S)


def turns(people: Iterable[TrackedPerson], served_s: Mapping[int, float], first: int | None = None) -> list[int]:
    """Return the identities of the people in the order in which the model should be asked about them.

    Whoever waited longest comes first, so that all are served equally often; the one who is followed takes every other
    turn at most by coming first among equals.

    Args:
        people: Those who are in the picture.
        served_s: Time of the newest frame in each one's last prediction.
        first: Who comes first among those who waited equally long.
    """
    there = [person for person in people if not person.lost]
    return [
        person.id for person in sorted(there, key=lambda p: (served_s.get(p.id, float("-inf")), p.id != first, p.id))
    ]
