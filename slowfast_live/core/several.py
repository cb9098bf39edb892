"""Several answers at once: which of the labels that a model scores by themselves are shown, and the events of each.

A label appears when its smoothed score reaches its threshold, and stays until it falls `HYSTERESIS` below. `MOST_SHOWN`
labels are shown at a time, the best ones. Each label has events of its own, by the rules of `core.events`; events of
different labels may overlap.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from slowfast_live.core.events import Event, EventRule, EventTracker, TrackerState
from slowfast_live.core.smoothing import HYSTERESIS, make_readout
from slowfast_live.types import F32, Readout

MOST_SHOWN = 5
"""Maximum number of labels that are shown at a time."""

Shown = tuple[tuple[str, float], ...]
"""(label, smoothed score) pairs, best first."""


def thresholds_of(labels: Sequence[str], own: Mapping[str, float], default: float, chosen: float | None = None) -> F32:
    """Return the threshold of each label, float32 (K,).

    Args:
        labels: K class names.
        own: Label -> its own threshold.
        default: Threshold of the other labels.
        chosen: The user's threshold in place of `default`; labels with their own are raised or lowered by as much.
    """
    shift = 0.0 if chosen is None else chosen - default
    return np.array([min(1.0, max(0.0, own.get(label, default) + shift)) for label in labels], np.float32)


class SeveralLabels:
    """Select the labels to show, each by its own threshold with hysteresis. Depends on the arguments only.

    >>> import numpy as np
    >>> several = SeveralLabels(["sitting", "reading", "eating"], hysteresis=0.05)
    >>> limits = np.array([0.5, 0.5, 0.5], np.float32)
    >>> several.choose(np.array([0.9, 0.6, 0.1], np.float32), limits, ())
    (0, 1)
    >>> several.choose(np.array([0.47, 0.3, 0.8], np.float32), limits, (0, 1))
    (2, 0)

    Args:
        labels: K class names.
        background_labels: Labels that mean "none of the known actions"; never shown.
        hysteresis: Difference in score.
    """

    def __init__(
        self, labels: Sequence[str], background_labels: Sequence[str] = (), hysteresis: float = HYSTERESIS
    ) -> None:
        self.labels = tuple(labels)
        self.hysteresis = hysteresis
        self.background = frozenset(background_labels)
        self._known = np.array([label not in self.background for label in self.labels])

    def choose(self, probs: F32, thresholds: F32, held: Sequence[int]) -> tuple[int, ...]:
        """Return the indices of the labels to show after those in `held`, best first.

        Args:
            probs: float32 (K,), smoothed.
            thresholds: float32 (K,).
            held: Indices of the labels that are shown.
        """
        limits = thresholds.copy()
        limits[list(held)] -= self.hysteresis
        order = np.argsort(-probs, kind="stable")[:MOST_SHOWN]
        return tuple(int(i) for i in order if self._known[i] and probs[i] >= limits[i])

    def readout(
        self, probs: F32, shown: Sequence[int], t_s: float, *, trained: bool, activity: float | None = None
    ) -> Readout:
        """Return the readout in which the labels `shown` are shown.

        Args:
            probs: float32 (K,), smoothed.
            shown: Indices of the labels, best first.
            t_s: Time on the source's clock.
            trained: If False, scores are shown, but no label.
            activity: Activity, 0..1; None if unknown.
        """
        order = np.argsort(-probs, kind="stable")
        top = tuple((self.labels[i], float(probs[i])) for i in order[:5])
        pairs = tuple((self.labels[i], float(probs[i])) for i in shown)
        return several_readout(pairs, top, t_s, trained=trained, activity=activity, background=self.background)


def several_readout(
    shown: Shown,
    top: tuple[tuple[str, float], ...],
    t_s: float,
    *,
    trained: bool,
    activity: float | None,
    background: frozenset[str],
) -> Readout:
    """Return the readout that shows several labels; see `core.smoothing.make_readout`."""
    label, score = shown[0] if shown else (None, top[0][1] if top else 0.0)
    return make_readout(
        label,
        score,
        top,
        t_s,
        trained=trained,
        activity=activity,
        background=background,
        others=shown[1:],
        several=True,
    )


OverlapState = tuple[tuple[tuple[str, TrackerState], ...], float | None]


class OverlapTracker:
    """Convert several labels at a time into events: an `EventTracker` for each label. Not thread-safe.

    >>> tracker = OverlapTracker()
    >>> for i in range(11):
    ...     _ = tracker.update(i / 10, (("sitting", 0.9), ("reading", 0.6)) if i < 8 else (("sitting", 0.9),))
    >>> [(event.label, event.begin_s, event.end_s) for event in tracker.finish()]
    [('reading', 0.0, 0.8), ('sitting', 0.0, 1.0)]

    Args:
        rule: When labels become an event.
    """

    def __init__(self, rule: EventRule | None = None) -> None:
        self.rule = rule or EventRule()
        self._trackers: dict[str, EventTracker] = {}
        self._newest_s: float | None = None

    def update(self, t_s: float, shown: Shown) -> tuple[Event, ...]:
        """Add the labels shown from `t_s` on; return the events that became final, by their ends.

        If time goes backwards, all open events are closed and the tracker starts over.
        """
        events: list[Event] = []
        if self._newest_s is not None and t_s < self._newest_s:
            events += self.finish()
            self._trackers.clear()
        self._newest_s = t_s
        scores = dict(shown)
        for label in scores.keys() - self._trackers.keys():
            self._trackers[label] = EventTracker(self.rule)
        for label, tracker in list(self._trackers.items()):
            score = scores.get(label)
            events += tracker.update(t_s, None if score is None else label, score or 0.0)
            if score is None and tracker.idle:
                del self._trackers[label]
        return tuple(in_order(events))

    def finish(self) -> tuple[Event, ...]:
        """End at the latest sample and return the events that became final."""
        events = [event for tracker in self._trackers.values() for event in tracker.finish()]
        self._newest_s = None
        return tuple(in_order(events))

    def current(self) -> tuple[Event, ...]:
        """Return the events in progress that are long enough; they may still grow."""
        found = [tracker.current() for tracker in self._trackers.values()]
        return tuple(in_order([event for event in found if event is not None]))

    @property
    def state(self) -> OverlapState:
        """Copy of the complete state: trackers with equal states behave identically from then on."""
        return tuple(sorted((label, tracker.state) for label, tracker in self._trackers.items())), self._newest_s

    @classmethod
    def restored(cls, rule: EventRule, state: OverlapState) -> OverlapTracker:
        """Return a tracker that continues from a saved state."""
        tracker = cls(rule)
        trackers, tracker._newest_s = state
        tracker._trackers = {label: EventTracker.restored(rule, inside) for label, inside in trackers}
        return tracker


def in_order(events: Sequence[Event]) -> list[Event]:
    """Return events of several labels, oldest first; of those that begin together, the shortest first."""
    return sorted(events, key=lambda event: (event.begin_s, event.end_s, event.label))


def rows_of(events: Sequence[Event]) -> list[int]:
    """Return a row for each event, from 0, such that events in one row do not overlap: each in the first free one.

    >>> rows_of([Event("a", 0, 4, 1, 1, 0), Event("b", 1, 2, 1, 1, 1), Event("c", 2, 5, 1, 1, 2)])
    [0, 1, 1]

    Args:
        events: Events by their begin.
    """
    ends: list[float] = []
    rows = []
    for event in events:
        row = next((i for i, end_s in enumerate(ends) if end_s <= event.begin_s), len(ends))
        ends[row:] = [event.end_s, *ends[row + 1 :]]
        rows.append(row)
    return rows


def latest_end_s(events: Sequence[Event]) -> float:
    """Return when the last of the events ends; minus infinity if there are none."""
    return max((event.end_s for event in events), default=-math.inf)
