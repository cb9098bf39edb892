"""Gives people an identity over time: detections of consecutive frames become tracks.

Association follows ByteTrack (Zhang et al., 2022): confident detections first, then weak ones, which may only continue
a track that was seen a moment ago or is exactly there, then confident ones farther away, and last those who were seen
only once. Each track has a Kalman filter with constant velocity per coordinate, and a color histogram that tells people
apart who walk past each other.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from slowfast_live.people.assignment import IMPOSSIBLE, assign
from slowfast_live.people.boxes import Detections, intersection, iou
from slowfast_live.types import F32, U8

BOOLS = NDArray[np.bool_]
Known = Callable[[float], Sequence[tuple[int, tuple[float, float, float, float]]]]

MEMORY_S = 1.0
"""How long a person who is not found any more is remembered."""
SHOWN_AFTER = 2
"""Detections before a person is shown, so that a single false one is not."""
PATH_S = 6.0
"""Seconds of boxes that are kept of each person."""
MOST_TRACKS = 30
"""People that are followed at the same time."""
GLIDE_S = 0.35
"""How long a box follows its velocity between two detections; then it rests where it is."""
LONGEST_STEP_S = 3.0
"""After a longer gap, or if time goes backwards, everybody is forgotten."""

_STEPS = 2
"""Nobody is forgotten before this many steps: on a busy machine one may take longer than the memory."""
_BUFFER = 0.15
"""Share of its size by which a box is enlarged on each side, so that fast people still overlap."""
_LOOK = 1.5
"""Weight of the difference in color, relative to that of position."""
_FARTHEST = 1.8
"""Highest cost of a pair: 1 - overlap + weight * difference in color."""
_WEAK_IOU = 0.3
"""Overlap with the expected place from which a weak box continues a track that was seen a moment ago."""
_NEAR = 0.3
"""Overlap of the enlarged boxes from which a confident box is where somebody is expected; any other comes later."""
_EDGE = 0.3
"""Share of its size by which somebody who leaves the picture is still expected at its edge."""
SAME_IOU = 0.5
"""Overlap from which somebody is who is known to have been there, and from which a weak box finds who was lost."""
_NESTED = 0.75
"""A new person is not believed if this share of the box lies within that of a known one."""
_APART = 0.15
"""Two boxes that overlap by more do not show their people's colors reliably."""
_POSITION_SD, _SIZE_SD = 0.05, 0.07
"""Standard deviation of a detection, in heights of the box."""
_ACCELERATION, _GROWTH = 1.2, 1.2
"""Standard deviation of the acceleration of position and size, in heights per second squared."""
_ASPECT = 16 / 9


@dataclass(frozen=True, slots=True, eq=False)
class TrackedPerson:
    """One person at one time.

    Attributes:
        id: Identity, from 1; never used again for somebody else.
        box: x1, y1, x2, y2 in shares of the picture, smoothed.
        score: Score of the last detection, 0..1.
        first_s: Time of the first detection, on the source's clock.
        seen_s: Time of the last detection.
        lost: Whether the person was not found in the last frame.
        path: float32 (n, 5), rows (t_s - first_s, x1, y1, x2, y2), oldest first: the smoothed boxes of the last
            `PATH_S`.
        at_s: Time of `box`.
        speed: Change of the box per second.
    """

    id: int
    box: tuple[float, float, float, float]
    score: float
    first_s: float
    seen_s: float
    lost: bool
    path: F32
    at_s: float = 0.0
    speed: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)

    def moved(self, t_s: float) -> tuple[float, float, float, float]:
        """Return the box at a time shortly before or after that of the detection, along its velocity."""
        ahead_s = min(max(t_s - self.at_s, -GLIDE_S), GLIDE_S)
        x1, y1, x2, y2 = (edge + ahead_s * change for edge, change in zip(self.box, self.speed, strict=True))
        return (x1, y1, x2, y2) if x2 > x1 and y2 > y1 else self.box

    def box_at(self, t_s: float) -> tuple[float, float, float, float]:
        """Return the box at a time, interpolated between detections; the nearest one outside of them."""
        times = self.path[:, 0]
        x = t_s - self.first_s
        x1, y1, x2, y2 = (float(np.interp(x, times, self.path[:, k])) for k in range(1, 5))
        return x1, y1, x2, y2


@dataclass(slots=True, eq=False)
class _Motion:
    """Kalman filter of center x, center y, width and height, in heights of the picture."""

    state: F32  # (4,) values
    speed: F32  # (4,) per second
    spread: F32  # (4, 3): variance of value, covariance, variance of speed

    @classmethod
    def of(cls, box: F32) -> _Motion:
        size = max(1e-3, float(box[3]))
        spread = np.zeros((4, 3), np.float32)
        spread[:2, 0], spread[2:, 0] = (_POSITION_SD * size) ** 2, (_SIZE_SD * size) ** 2
        spread[:2, 2], spread[2:, 2] = (0.7 * size) ** 2, (0.2 * size) ** 2
        return cls(box.copy(), np.zeros(4, np.float32), spread)

    def predict(self, step_s: float) -> None:
        size = max(1e-3, float(self.state[3]))
        noise = np.array([_ACCELERATION, _ACCELERATION, _GROWTH, _GROWTH], np.float32) * size
        self.state = self.state + self.speed * step_s
        self.state[2:] = np.maximum(self.state[2:], 1e-3)
        value, both, speed = self.spread.T
        power = noise**2
        self.spread = np.stack(
            [
                value + 2 * step_s * both + step_s**2 * speed + power * step_s**4 / 4,
                both + step_s * speed + power * step_s**3 / 2,
                speed + power * step_s**2,
            ],
            1,
        ).astype(np.float32)

    def update(self, box: F32) -> None:
        size = max(1e-3, float(box[3]))
        error = np.array([_POSITION_SD, _POSITION_SD, _SIZE_SD, _SIZE_SD], np.float32) * size
        value, both, speed = self.spread.T
        gain = value / (value + error**2)
        speed_gain = both / (value + error**2)
        wrong = box - self.state
        self.state = (self.state + gain * wrong).astype(np.float32)
        self.speed = (self.speed + speed_gain * wrong).astype(np.float32)
        self.spread = np.stack([(1 - gain) * value, (1 - gain) * both, speed - speed_gain * both], 1).astype(np.float32)


@dataclass(slots=True, eq=False)
class _Track:
    id: int
    motion: _Motion
    score: float
    first_s: float
    seen_s: float
    hits: int = 1
    lost: bool = False
    look: F32 | None = None
    path: deque[tuple[float, tuple[float, float, float, float]]] = field(default_factory=deque)

    @property
    def shown(self) -> bool:
        return self.hits >= SHOWN_AFTER


class Tracker:
    """Follows people from detection to detection. Not thread-safe.

        >>> import numpy as np
        >>> tracker = Tracker(found=0.5)
        >>> someone = Detections(np.array([[0.4, 0.2, 0.6, 0.9]], np.float32), np.array([0.9], np.float32))
        >>> [[person.id for person in tracker.update(someone, t_s)] for t_s in (0.0, 0.2, 0.4)]
        [[], [1], [1]]

    Args:
            found: Score from which a new person is believed; weaker detections only continue a track.
            first_id: Identity of the first person.
            known: Returns who is known to have been where at a time, so that people of a file that is played again
                are the same as before.
    """

    def __init__(self, found: float = 0.5, first_id: int = 1, known: Known | None = None) -> None:
        self.found = found
        self._known = known
        self._next_id = first_id
        self._unnamed = 0  # those who are not shown yet have numbers below 0
        self._tracks: list[_Track] = []
        self._t_s: float | None = None
        self._aspect = _ASPECT

    @property
    def next_id(self) -> int:
        """The identity that the next new person gets."""
        return self._next_id

    def reset(self) -> None:
        """Forget everybody; identities are not used again."""
        self._tracks = []
        self._t_s = None

    def update(self, detections: Detections, t_s: float, image: U8 | None = None) -> tuple[TrackedPerson, ...]:
        """Take the detections of the frame of time `t_s`; return the people who are shown, by identity.

        Args:
            detections: What the detector found.
            t_s: Time on the source's clock.
            image: The frame, uint8 (H, W, 3), BGR, for the people's colors; None: without.
        """
        if self._t_s is not None and not 0 <= t_s - self._t_s <= LONGEST_STEP_S:
            self.reset()
        step_s = t_s - self._t_s if self._t_s is not None else 0.0
        self._t_s = t_s
        if image is not None:
            self._aspect = image.shape[1] / image.shape[0]
        for track in self._tracks:
            # Somebody who is hidden is expected where the velocity leads, but not ever farther away.
            track.motion.predict(min(step_s, max(0.0, track.seen_s + MEMORY_S / 2 - t_s + step_s)))
        boxes = _centers(detections.boxes, self._aspect)
        looks = _looks(detections.boxes, image)
        confident = [int(index) for index in np.flatnonzero(detections.scores >= self.found)]
        pairs = self._associate(detections, confident, looks)
        overlapping = _overlapping(detections.boxes) | self._behind(detections.boxes, pairs)
        for track, index in pairs:
            self._continue(track, boxes[index], detections, index, t_s)
            if not overlapping[index] and looks[index] is not None:
                seen = looks[index]
                assert seen is not None
                track.look = seen if track.look is None else np.asarray(0.9 * track.look + 0.1 * seen, np.float32)
        found = {index for _, index in pairs}
        continued = {track.id for track, _ in pairs}
        for track in self._tracks:
            if track.id not in continued:
                track.lost = True
        memory_s = max(MEMORY_S, _STEPS * step_s) + 1e-6
        self._tracks = [t for t in self._tracks if t.id in continued or (t.shown and t_s - t.seen_s <= memory_s)]
        for new in confident:
            if new not in found and len(self._tracks) < MOST_TRACKS and not self._nested(detections, new):
                self._begin(boxes[new], detections, new, looks[new], t_s)
        return self.people(t_s)

    def _associate(
        self, detections: Detections, confident: Sequence[int], looks: list[F32 | None]
    ) -> list[tuple[_Track, int]]:
        """Return which detections continue which tracks; each step takes what the ones before left.

        First confident boxes where people are expected. Then weak ones there, before somebody whose own box is weak
        takes the box of a neighbor; then confident ones farther away. Who is not shown yet comes last: a second box
        that a detector gives once for somebody is nobody, and does not take over.
        """
        weak = [int(index) for index in np.flatnonzero(detections.scores < self.found)]
        shown = [track for track in self._tracks if track.shown]
        pairs: list[tuple[_Track, int]] = []
        pairs += self._pairs(shown, detections, confident, looks, least=_NEAR)
        pairs += self._weak_pairs(_left(shown, pairs), detections, weak)
        for tracks in (shown, [track for track in self._tracks if not track.shown]):
            taken = {index for _, index in pairs}
            rest = [index for index in confident if index not in taken]
            pairs += self._pairs(_left(tracks, pairs), detections, rest, looks)
        return pairs

    def people(self, t_s: float) -> tuple[TrackedPerson, ...]:
        """Return the people who are shown at a time shortly after the last detection, by identity."""
        return tuple(self._person(track, t_s) for track in sorted(self._tracks, key=lambda t: t.id) if track.shown)

    def _person(self, track: _Track, t_s: float) -> TrackedPerson:
        ahead_s = 0.0 if self._t_s is None else min(max(0.0, t_s - self._t_s), GLIDE_S)
        box = _corners(track.motion.state + track.motion.speed * ahead_s, self._aspect)
        rows = [(at_s - track.first_s, *row) for at_s, row in track.path]
        x, y, width, height = (float(value) for value in track.motion.speed)
        speed = ((x - width / 2) / self._aspect, y - height / 2, (x + width / 2) / self._aspect, y + height / 2)
        return TrackedPerson(
            track.id,
            box,
            track.score,
            track.first_s,
            track.seen_s,
            track.lost,
            np.array(rows, np.float32),
            t_s,
            speed,
        )

    def _pairs(
        self,
        tracks: Sequence[_Track],
        detections: Detections,
        chosen: Iterable[int],
        looks: list[F32 | None],
        least: float = 0.0,
    ) -> list[tuple[_Track, int]]:
        """Return the best pairs by place and color, of those whose enlarged boxes overlap by more than `least`."""
        indices = [int(i) for i in chosen]
        if not tracks or not indices:
            return []
        expected = self._expected(tracks)
        overlap = iou(_enlarged(expected), _enlarged(detections.boxes[indices]))
        cost = 1 - overlap
        for row, track in enumerate(tracks):
            for column, index in enumerate(indices):
                cost[row, column] += _LOOK * _difference(track.look, looks[index])
        cost[(overlap <= least) | (cost > _FARTHEST)] = IMPOSSIBLE
        return [(tracks[row], indices[column]) for row, column in assign(cost)]

    def _expected(self, tracks: Sequence[_Track]) -> F32:
        """Return where the detector would find people, float32 (N, 4): it finds the part that is in the picture.

        Of somebody at the edge that part grows and shrinks, which looks like a movement out of the picture.
        """
        boxes = np.array([_corners(track.motion.state, self._aspect) for track in tracks], np.float32)
        low, high = boxes[:, :2], boxes[:, 2:]
        inside = np.clip(low, 0, 1 - _EDGE * (high - low)), np.clip(high, _EDGE * (high - low), 1)
        return np.concatenate(inside, 1).astype(np.float32)

    def _weak_pairs(
        self, tracks: Sequence[_Track], detections: Detections, chosen: Iterable[int]
    ) -> list[tuple[_Track, int]]:
        indices = [int(i) for i in chosen]
        if not tracks or not indices:
            return []
        expected = self._expected(tracks)
        overlap = iou(expected, detections.boxes[indices])
        least = np.array([[SAME_IOU if track.lost else _WEAK_IOU] for track in tracks], np.float32)
        cost = np.where(overlap >= least, 1 - overlap, IMPOSSIBLE).astype(np.float32)
        return [(tracks[row], indices[column]) for row, column in assign(cost)]

    def _continue(self, track: _Track, box: F32, detections: Detections, index: int, t_s: float) -> None:
        track.motion.update(box)
        track.score = float(detections.scores[index])
        track.seen_s, track.lost = t_s, False
        track.hits += 1
        if track.id < 0 and track.shown:
            known = self._known_as(detections.boxes[index], t_s)
            track.id = self._next_id if known is None else known
            self._next_id += known is None
        self._note(track, t_s)

    def _note(self, track: _Track, t_s: float) -> None:
        track.path.append((t_s, _corners(track.motion.state, self._aspect)))
        while len(track.path) > 1 and track.path[0][0] < t_s - PATH_S:
            track.path.popleft()

    def _begin(self, box: F32, detections: Detections, index: int, look: F32 | None, t_s: float) -> None:
        self._unnamed -= 1
        track = _Track(self._unnamed, _Motion.of(box), float(detections.scores[index]), t_s, t_s, look=look)
        self._note(track, t_s)
        self._tracks.append(track)

    def _known_as(self, box: F32, t_s: float) -> int | None:
        """Return who is known to have been at a place at a time, unless they are followed already; None for nobody."""
        taken = {track.id for track in self._tracks}
        free = [
            (identity, where) for identity, where in (self._known(t_s) if self._known else ()) if identity not in taken
        ]
        if not free:
            return None
        overlap = iou(box[None], np.array([where for _, where in free], np.float32))[0]
        best = int(overlap.argmax())
        return free[best][0] if overlap[best] >= SAME_IOU else None

    def _behind(self, boxes: F32, pairs: Sequence[tuple[_Track, int]]) -> BOOLS:
        """Which detections may show somebody else, who is expected in the same place but was not found."""
        behind = np.zeros(len(boxes), bool)
        continued = {track.id for track, _ in pairs}
        others = [_corners(t.motion.state, self._aspect) for t in self._tracks if t.id not in continued and t.shown]
        if others and len(boxes):
            behind = iou(boxes, np.array(others, np.float32)).max(1) > _APART
        return behind

    def _nested(self, detections: Detections, index: int) -> bool:
        """Whether a detection is a part of somebody who is followed, such as a second box around the upper body."""
        if not self._tracks:
            return False
        box = detections.boxes[index : index + 1]
        known = np.array([_corners(t.motion.state, self._aspect) for t in self._tracks if not t.lost], np.float32)
        if not len(known):
            return False
        own = float((box[0, 2] - box[0, 0]) * (box[0, 3] - box[0, 1]))
        return bool(intersection(box, known).max() > _NESTED * own)


def _left(tracks: Iterable[_Track], pairs: Sequence[tuple[_Track, int]]) -> list[_Track]:
    """Return the tracks that have no detection yet."""
    taken = {track.id for track, _ in pairs}
    return [track for track in tracks if track.id not in taken]


def _centers(boxes: F32, aspect: float) -> F32:
    """Return boxes (N, 4) in shares as center x, center y, width, height in heights of the picture."""
    low, high = boxes[:, :2] * (aspect, 1), boxes[:, 2:] * (aspect, 1)
    return np.concatenate([(low + high) / 2, high - low], 1).astype(np.float32)


def _corners(state: F32, aspect: float) -> tuple[float, float, float, float]:
    x, y, width, height = (float(value) for value in state)
    x1, x2 = (x - width / 2) / aspect, (x + width / 2) / aspect
    y1, y2 = y - height / 2, y + height / 2
    return tuple(min(max(value, -1.0), 2.0) for value in (x1, y1, x2, y2))  # type: ignore[return-value]


def _enlarged(boxes: F32) -> F32:
    more = _BUFFER * (boxes[:, 2:] - boxes[:, :2])
    return np.concatenate([boxes[:, :2] - more, boxes[:, 2:] + more], 1)


def _overlapping(boxes: F32) -> BOOLS:
    pairs = iou(boxes, boxes)
    np.fill_diagonal(pairs, 0)
    return np.asarray(pairs.max(1, initial=0) > _APART, bool)


def _looks(boxes: F32, image: U8 | None) -> list[F32 | None]:
    return [None if image is None else _look(image, box) for box in boxes]


def _look(image: U8, box: F32) -> F32 | None:
    """Return the square root of the color histogram of the trunk and the thighs; None if the box is too small."""
    height, width = image.shape[:2]
    x1, y1, x2, y2 = (float(value) for value in box)
    left, right = x1 + 0.25 * (x2 - x1), x2 - 0.25 * (x2 - x1)
    top, bottom = y1 + 0.15 * (y2 - y1), y1 + 0.75 * (y2 - y1)
    part = image[
        max(0, math.floor(top * height)) : math.ceil(bottom * height),
        max(0, math.floor(left * width)) : math.ceil(right * width),
    ]
    if part.shape[0] < 4 or part.shape[1] < 3:
        return None
    halves = []
    for half in (part[: len(part) // 2], part[len(part) // 2 :]):
        small = cv2.resize(half, (16, 24), interpolation=cv2.INTER_AREA)
        lab = cv2.cvtColor(small, cv2.COLOR_BGR2LAB)
        counts = cv2.calcHist([lab], [0, 1, 2], None, [4, 16, 16], [0, 256] * 3)
        # Neighboring colors count in part, so that an edge between two bins makes no difference.
        halves.append(np.concatenate([cv2.GaussianBlur(plane, (3, 3), 0.8).ravel() for plane in counts]))
    look = np.concatenate(halves)
    return np.asarray(np.sqrt(look / max(1.0, float(look.sum()))), np.float32)


def _difference(first: F32 | None, second: F32 | None) -> float:
    """Return the Hellinger distance of two histograms, 0..1; 0.5 if one is unknown."""
    if first is None or second is None:
        return 0.5
    norm = float(np.linalg.norm(first)) * float(np.linalg.norm(second))
    return math.sqrt(max(0.0, 1 - float(first @ second) / max(norm, 1e-6)))
