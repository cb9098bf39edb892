"""How many predictions a second all sources together may take: pictures come first. No Qt."""

from __future__ import annotations

FEWEST = 5.0
"""Predictions a second of each source that are always allowed."""
_TOLERATED = 0.02
"""So large a share of pictures may be late."""
_SLOWER, _FASTER = 0.8, 1.2
_UNBOUND = 1.5
"""A limit so much higher than what is reached limits nothing."""


class SharedPace:
    """Lowers the predictions a second while pictures come too late to be shown, and raises them again.

    >>> pace = SharedPace(sources=9)
    >>> pace.update(came=60, late=12, per_s=100.0)
    80.0
    >>> round(pace.update(came=60, late=0, per_s=80.0), 1)
    96.0

    Args:
        sources: Number of sources.
    """

    def __init__(self, sources: int) -> None:
        self._fewest = FEWEST * sources
        self.per_s: float | None = None
        """The limit for all sources together; None for none."""

    def update(self, came: int, late: int, per_s: float) -> float | None:
        """Take what happened since the last update, and return the limit from now on.

        Args:
            came: Pictures that came.
            late: Pictures among them that the next one replaced before they were shown.
            per_s: Predictions a second of all sources together.
        """
        if late > max(1.0, _TOLERATED * came):
            reached = per_s if self.per_s is None else min(per_s, self.per_s)
            if reached > self._fewest:  # else it is not the model that holds the pictures up
                self.per_s = max(self._fewest, _SLOWER * reached)
        elif self.per_s is not None:
            faster = _FASTER * self.per_s
            self.per_s = None if faster > _UNBOUND * max(per_s, self._fewest) else faster
        return self.per_s
