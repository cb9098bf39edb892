"""Follows the people through one file, and asks the model about each of them at fixed steps.

A model that classifies clips is asked about a clip of each person; one that scores what each person does, about all of
them at once.
"""

from __future__ import annotations

import queue
from collections import defaultdict

from slowfast_live.analysis.postprocess import PredictionCollector
from slowfast_live.core.framing import WholePicture
from slowfast_live.core.ring import Ring
from slowfast_live.errors import DeviceError
from slowfast_live.export.findings import Parameters, PersonLabels, PersonRecord
from slowfast_live.inference.backend import CompiledModel, InferRequest, InferResult, infer_once
from slowfast_live.inference.spec import ModelSpec
from slowfast_live.messages import Message
from slowfast_live.people.detector_port import PersonDetector
from slowfast_live.people.everyone import fill, in_clip, nobody, usable_people
from slowfast_live.people.tracker import TrackedPerson, Tracker
from slowfast_live.people.windows import PersonFraming, PersonView
from slowfast_live.types import F32, U8, FrameWindow

DETECTIONS_PER_S = 7.5
"""Detections per second of the file."""
_LABELS = 3
_DIGITS = 4
_SAME_MOMENT_S = 0.25e-3


class _Person:
    """What was found out about one person."""

    def __init__(self, spec: ModelSpec, method: Parameters) -> None:
        self.collector = PredictionCollector(spec, method.threshold, method.rule, method.smoothing_s)
        self.boxes: list[tuple[float, float, float, float, float]] = []

    def record(self, identity: int) -> PersonRecord:
        """Return the record of the person; nothing is added later."""
        self.collector.finish()
        return PersonRecord(
            id=identity,
            begin_s=self.boxes[0][0],
            end_s=self.boxes[-1][0],
            boxes=tuple(self.boxes),
            events=tuple(self.collector.events),
            predictions=tuple(
                PersonLabels(t_s=row.end_s, label=row.label, score=row.score, labels=row.smoothed[:_LABELS])
                for row in self.collector.rows
            ),
        )


class PeopleAnalysis:
    """Takes the frames of one file in their order. Not thread-safe.

    Args:
        compiled: The compiled model; nothing else may use it meanwhile.
        detector: Finds the people.
        method: Stride, threshold, smoothing and rule of events.
    """

    def __init__(self, compiled: CompiledModel, detector: PersonDetector, method: Parameters) -> None:
        self._compiled, self._detector, self._method = compiled, detector, method
        self._spec = compiled.model.spec
        self._framing: WholePicture | PersonFraming = PersonFraming(self._spec.clip)
        self._ring = Ring(self._spec.timing)
        self._tracker = Tracker(detector.found)
        self._shown: tuple[TrackedPerson, ...] = ()
        self._people: dict[int, _Person] = defaultdict(lambda: _Person(self._spec, method))
        self._look_s: float | None = None
        self._due_s: float | None = None
        detector.reset()

    @property
    def found(self) -> bool:
        """Whether anybody was found so far."""
        return bool(self._people)

    def take(self, image: U8, t_s: float) -> None:
        """Add a frame, uint8 (H, W, 3), BGR, of time `t_s`.

        Raises:
            ModelError: The detector's outputs are not usable.
            DeviceError: A device failed.
        """
        self._ring.push(lambda: self._framing.admit(image), t_s, 0.0)
        if self._look_s is None or t_s >= self._look_s - _SAME_MOMENT_S:
            self._look_s = t_s + 1 / DETECTIONS_PER_S
            self._shown = self._tracker.update(self._detector.detect(image, t_s), t_s, image)
            for person in self._shown:
                if not person.lost:
                    self._people[person.id].boxes.append(_row(person, t_s))
        if self._due_s is not None and t_s < self._due_s - _SAME_MOMENT_S:
            return
        window = self._ring.window(0)
        there = [person for person in self._shown if not person.lost]
        if window is None:
            return
        self._due_s = t_s + (self._method.stride_s or 0.0)
        self._ask(window, there)

    def _ask(self, window: FrameWindow, there: list[TrackedPerson]) -> None:
        """Ask the model about everybody who is there, and keep its answers."""
        for person, probs in zip(there, self._infer(window, there), strict=True):
            self._people[person.id].collector.take(window, probs)

    def finish(self) -> tuple[PersonRecord, ...]:
        """End the file; return everybody who was followed, by identity."""
        return tuple(person.record(identity) for identity, person in sorted(self._people.items()) if person.boxes)

    def _infer(self, window: FrameWindow, people: list[TrackedPerson]) -> list[F32]:
        """Return the model's probabilities for each person, float32 (K,), using all infer requests."""
        finished: queue.SimpleQueue[tuple[int, InferRequest, InferResult]] = queue.SimpleQueue()
        free = list(self._compiled.requests)
        results: dict[int, InferResult] = {}
        framing = self._framing
        assert isinstance(framing, PersonFraming)

        def take_one() -> None:
            index, request, result = finished.get()
            results[index] = result
            free.append(request)

        for index, person in enumerate(people):
            if not free:
                take_one()
            request = free.pop()
            PersonView(framing, person, window.times_s).compose(window.pictures, request.clip)
            request.start(lambda result, i=index, r=request: finished.put((i, r, result)))  # type: ignore[misc]
        while len(results) < len(people):
            take_one()
        return [self._usable(results[index]) for index in range(len(people))]

    def _usable(self, result: InferResult) -> F32:
        if result.probs is None:
            raise self._failed(result.error)
        return result.probs

    def _failed(self, error: Exception | None) -> DeviceError:
        model = self._compiled
        failure = DeviceError(
            Message(
                "Model '{name}' failed on {device}: {error}. Choose another device.",
                name=model.model.name,
                device=model.device,
                error=error,
            ),
            details=repr(error),
        )
        failure.__cause__ = error
        return failure


class DetectionAnalysis(PeopleAnalysis):
    """A `PeopleAnalysis` with a model that scores what each person does.

    Args:
        compiled: The compiled model; nothing else may use it meanwhile.
        detector: Finds the people.
        method: Stride, threshold, smoothing and rule of events.
        whole: Receives, of each label, the highest score of anybody: what is done in the picture.
    """

    def __init__(
        self, compiled: CompiledModel, detector: PersonDetector, method: Parameters, whole: PredictionCollector
    ) -> None:
        super().__init__(compiled, detector, method)
        self._framing, self._whole = WholePicture(self._spec.clip.side), whole

    def _ask(self, window: FrameWindow, there: list[TrackedPerson]) -> None:
        people = [person for person in there if in_clip(self._spec, window, person)]
        scores = self._infer_all(window, people)
        for person, probs in zip(people, scores, strict=True):
            self._people[person.id].collector.take(window, probs)
        self._whole.take(window, scores.max(0, initial=0))

    def _infer_all(self, window: FrameWindow, people: list[TrackedPerson]) -> F32:
        """Return the scores of everybody, float32 (N, K); if nobody is there, the model is not run."""
        if not people:
            return nobody(self._spec)
        request = self._compiled.requests[0]
        fill(request, self._spec, window, people)
        result = infer_once(request)
        scores, error = usable_people(result, len(people), self._spec)
        if scores is None:
            raise self._failed(error)
        return scores


def _row(person: TrackedPerson, t_s: float) -> tuple[float, float, float, float, float]:
    x1, y1, x2, y2 = (round(min(1.0, max(0.0, edge)), _DIGITS) for edge in person.box)
    return round(t_s, 3), x1, y1, x2, y2
