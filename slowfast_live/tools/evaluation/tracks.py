"""Compares tracks with the truth: people found, identity switches with and without an occlusion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from slowfast_live.people.assignment import IMPOSSIBLE, assign
from slowfast_live.people.boxes import intersection, iou
from slowfast_live.people.tracker import TrackedPerson
from slowfast_live.types import F32

SAME_FROM = 0.5
"""Intersection over union from which a track is on a person."""
HIDDEN_BELOW = 0.7
"""Visible share of a person below which an identity switch has an excuse."""


@dataclass(slots=True)
class TrackScore:
    """How well tracks agree with the truth; `add` takes one frame after another.

    Attributes:
        people: People who are visible enough to be found, summed over frames.
        found: Those of them with a track.
        extra: Tracks that are on nobody.
        switches: Identity switches without an occlusion since the person was last tracked.
        switches_hidden: Identity switches with one.
        identities: Distinct identities that were given.
        same_from: Intersection over union from which a track is on a person.
    """

    people: int = 0
    found: int = 0
    extra: int = 0
    switches: int = 0
    switches_hidden: int = 0
    identities: set[int] = field(default_factory=set)
    same_from: float = SAME_FROM
    last: dict[int, int] = field(default_factory=dict)
    hidden_since: dict[int, bool] = field(default_factory=dict)

    def add(self, boxes: F32, visible: F32, tracks: Sequence[TrackedPerson]) -> dict[int, int]:
        """Take one frame; return which identity each person has.

        Args:
            boxes: float32 (N, 4), the true boxes; NaN for who is not in the picture.
            visible: float32 (N,), the visible share of each.
            tracks: What is shown.
        """
        there = np.flatnonzero(np.isfinite(boxes).all(1))
        for person in range(len(boxes)):
            if person not in there or visible[person] < HIDDEN_BELOW:
                self.hidden_since[person] = True
                for other in there:  # who hides somebody has a part in it
                    if person in there and float(intersection(boxes[[person]], boxes[[other]])[0, 0]) > 0:
                        self.hidden_since[int(other)] = True
        shown = [track for track in tracks if not track.lost]
        self.identities |= {track.id for track in shown}
        matched: dict[int, int] = {}
        if shown and len(there):
            overlap = iou(boxes[there], np.array([track.box for track in shown], np.float32))
            cost = np.where(overlap >= self.same_from, 1 - overlap, IMPOSSIBLE).astype(np.float32)
            matched = {int(there[row]): shown[column].id for row, column in assign(cost)}
        clear = [int(p) for p in there if visible[p] >= HIDDEN_BELOW]
        self.people += len(clear)
        self.found += sum(person in matched for person in clear)
        self.extra += len(shown) - len(matched)
        for person, identity in matched.items():
            if self.last.get(person, identity) != identity:
                if self.hidden_since.get(person):
                    self.switches_hidden += 1
                else:
                    self.switches += 1
            self.last[person] = identity
            if self._alone(person, there, boxes, visible):
                self.hidden_since[person] = False
        return matched

    @staticmethod
    def _alone(person: int, there: NDArray[np.intp], boxes: F32, visible: F32) -> bool:
        """Whether nobody hides a person, nor does the person hide anybody."""
        if visible[person] < HIDDEN_BELOW:
            return False
        others = [other for other in there if other != person and visible[other] < HIDDEN_BELOW]
        return not others or float(intersection(boxes[[person]], boxes[others]).max()) == 0
