"""Whether each of several people gets their own label: rendered people side by side, each doing something else.

Three readings of the same videos tell where a label is lost. *Shown* is what the window shows: found by the detector,
followed, cut out, smoothed, with threshold and hysteresis. *True boxes* is the same with the true boxes in place of the
tracks: what is lost to detector and tracks. *First guess* is the best class of each prediction alone: what is lost to
threshold and smoothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from slowfast_live.core.ring import Ring
from slowfast_live.core.smoothing import LabelHysteresis, Smoother
from slowfast_live.inference.spec import ModelSpec
from slowfast_live.people.detector_port import PersonDetector
from slowfast_live.people.tracker import TrackedPerson, Tracker
from slowfast_live.people.windows import PersonFraming
from slowfast_live.tools.evaluation.people import DETECTIONS_PER_S, RunFilled
from slowfast_live.tools.evaluation.tracks import TrackScore
from slowfast_live.tools.training.staged import StagedFrame, StagedVideo
from slowfast_live.types import F32, FrameWindow

STEP_S = 0.5
_SETTLED_S = 1.0
"""Predictions in the first second after a person's first one are counted apart, too."""


@dataclass(slots=True)
class LabelCount:
    """Predictions about people by what was shown.

    Attributes:
        right: The person's own action was shown.
        none: Nothing was shown.
        wrong: Another action was shown -> how often, by (own, other).
    """

    right: int = 0
    none: int = 0
    wrong: dict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))

    @property
    def total(self) -> int:
        """Number of predictions."""
        return self.right + self.none + sum(self.wrong.values())

    @property
    def share(self) -> float:
        """Share of those that show the right label, 0..1; NaN if there are none."""
        return self.right / self.total if self.total else float("nan")

    def add(self, own: str, shown: str | None) -> None:
        """Count one prediction."""
        if shown == own:
            self.right += 1
        elif shown is None:
            self.none += 1
        else:
            self.wrong[own, shown] += 1


@dataclass(slots=True)
class LabelScore:
    """The three readings, summed over videos.

    Attributes:
        shown: As in the window.
        settled: The same, without each track's first second.
        true_boxes: With the true boxes in place of tracks.
        first_guess: The best class of each prediction, with tracks.
        unfollowed: Predictions that could not be made because nobody was followed there.
        by_action: `shown` by the person's action.
        tracks: Identities against the truth.
    """

    shown: LabelCount = field(default_factory=LabelCount)
    settled: LabelCount = field(default_factory=LabelCount)
    true_boxes: LabelCount = field(default_factory=LabelCount)
    first_guess: LabelCount = field(default_factory=LabelCount)
    unfollowed: int = 0
    by_action: dict[str, LabelCount] = field(default_factory=lambda: defaultdict(LabelCount))
    tracks: TrackScore = field(default_factory=TrackScore)


class _Reader:
    """Smooths the predictions about one person as the window does."""

    def __init__(self, spec: ModelSpec, first_s: float) -> None:
        self._spec, self.first_s = spec, first_s
        self._smoother = Smoother()
        self._guard = LabelHysteresis(spec.labels, spec.decision.background_labels)

    def read(self, probs: F32, t_s: float) -> str | None:
        smoothed = self._smoother.update(probs, t_s)
        threshold = self._spec.decision.threshold
        return self._guard.update(smoothed, t_s, threshold, trained=self._spec.trained).label


class LabelMeasure:
    """Runs a model on every person of staged videos.

    Args:
        run_filled: The model.
        spec: Its description.
        detector: Finds the people.
    """

    def __init__(self, run_filled: RunFilled, spec: ModelSpec, detector: PersonDetector) -> None:
        self._run, self._spec, self._detector = run_filled, spec, detector
        self._framing = PersonFraming(spec.clip)
        self.score = LabelScore()

    def take(self, video: StagedVideo) -> None:
        """Play one video."""
        labels = [part.label for part in video.parts]
        readers: dict[tuple[str, int], _Reader] = {}
        paths: list[list[tuple[float, F32]]] = [[] for _ in labels]
        for frame, window, matched, people in self._windows(video, paths):
            t_s = frame.t_s
            for index, own in enumerate(labels):
                if not np.isfinite(frame.boxes[index]).all():
                    continue
                truth = readers.setdefault(("truth", index), _Reader(self._spec, t_s))
                probs = self._ask(window, _true_person(index, paths[index]))
                self.score.true_boxes.add(own, truth.read(probs, t_s))
                person = people.get(matched.get(index, -1))
                if person is None:
                    self.score.unfollowed += 1
                    continue
                reader = readers.setdefault(("track", person.id), _Reader(self._spec, t_s))
                probs = self._ask(window, person)
                shown = reader.read(probs, t_s)
                self.score.first_guess.add(own, self._spec.labels[int(probs.argmax())])
                self.score.shown.add(own, shown)
                self.score.by_action[own].add(own, shown)
                if t_s - reader.first_s >= _SETTLED_S:
                    self.score.settled.add(own, shown)

    def _windows(
        self, video: StagedVideo, paths: Sequence[list[tuple[float, F32]]]
    ) -> Iterator[tuple[StagedFrame, FrameWindow, dict[int, int], dict[int, TrackedPerson]]]:
        """Yield each frame at which the model is asked, the frame window, who is who, and the people by identity."""
        ring, tracker = Ring(self._spec.timing), Tracker(self._detector.found)
        self._detector.reset()
        score = self.score.tracks
        score.last.clear()
        score.hidden_since.clear()
        look_s = due_s = 0.0
        matched: dict[int, int] = {}
        people: dict[int, TrackedPerson] = {}
        for frame in video.frames():
            t_s, image = frame.t_s, frame.image
            ring.push(lambda kept=image: self._framing.admit(kept), t_s, 0.0)  # type: ignore[misc]
            for index, box in enumerate(frame.boxes):
                if np.isfinite(box).all():
                    paths[index].append((t_s, box))
            if t_s >= look_s - 1e-6:
                look_s = t_s + 1 / DETECTIONS_PER_S
                shown = tracker.update(self._detector.detect(image, t_s), t_s, image)
                matched = score.add(frame.boxes, frame.visible, shown)
                people = {person.id: person for person in shown}
            if t_s < due_s - 1e-6 or (window := ring.window(0)) is None:
                continue
            due_s = t_s + STEP_S
            yield frame, window, matched, people

    def _ask(self, window: FrameWindow, person: TrackedPerson) -> F32:
        pictures, framing = window.pictures, self._framing
        energy = framing.energy(pictures)
        return self._run(lambda out: framing.compose(pictures, window.times_s, person, energy, out))[0]


def _true_person(index: int, path: Sequence[tuple[float, F32]]) -> TrackedPerson:
    first_s, last_s = path[0][0], path[-1][0]
    rows = np.array([(t_s - first_s, *box) for t_s, box in path], np.float32)
    x1, y1, x2, y2 = (float(edge) for edge in path[-1][1])
    return TrackedPerson(index + 1, (x1, y1, x2, y2), 1.0, first_s, last_s, False, rows, last_s)


def cast(labels: Sequence[str], videos: int, seed: int) -> list[tuple[str, ...]]:
    """Return who does what in each of a number of videos of 2, 3 and 4 people; actions come up equally often.

    Args:
        labels: The actions.
        videos: Number of videos.
        seed: Of their order.
    """
    rng = np.random.default_rng(seed)
    pile: list[str] = []
    casts = []
    for index in range(videos):
        chosen: list[str] = []
        while len(chosen) < 2 + index % 3:
            if not pile:
                pile = [str(label) for label in rng.permutation(list(labels))]
            label = pile.pop()
            if label in chosen:
                pile.insert(0, label)
                continue
            chosen.append(label)
        casts.append(tuple(chosen))
    return casts
