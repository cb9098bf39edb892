"""The inferences in progress: which infer requests are free, and which inference takes too long."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from slowfast_live.core.framing import Framing
from slowfast_live.inference.backend import CompiledModel, InferRequest
from slowfast_live.people.tracker import TrackedPerson
from slowfast_live.pipeline.pending_moments import PendingMoment
from slowfast_live.types import F32, FrameWindow, Prediction

STUCK_AFTER_S = 30.0
"""If an inference takes longer than this while frames keep arriving, it is reported as failed."""


@dataclass(frozen=True, slots=True, eq=False)
class Inference:
    """An inference in progress.

    Attributes:
        compiled: The model that runs.
        framing: How frames become its clip.
        request: The infer request that it occupies.
        window: The frame window.
        started_s: When it was started, on the pipeline's clock.
        pending: The moment of a file that it decides; None if the prediction is only shown.
        of_file: Whether the moments of the source are decided and stored.
        person: The person that the clip is about; None: the whole picture.
        alone: The only person in the whole picture, if a clip of theirs would show the same.
        everyone: The people whose actions are scored, of a model that does so; None for other models.
    """

    compiled: CompiledModel
    framing: Framing
    request: InferRequest
    window: FrameWindow
    started_s: float
    pending: PendingMoment | None = None
    of_file: bool = False
    person: TrackedPerson | None = None
    alone: TrackedPerson | None = None
    everyone: tuple[TrackedPerson, ...] | None = None

    def prediction(self, probs: F32, latency_s: float, infer_s: float) -> Prediction:
        """Return the prediction that it results in.

        Args:
            probs: float32 (K,), the probabilities.
            latency_s: Time from the capture of the newest frame to the result, in seconds.
            infer_s: Time from the start of the inference to the result, in seconds.
        """
        model = self.compiled.model
        best = np.argsort(-probs, kind="stable")[:5]
        return Prediction(
            probs=probs,
            top=tuple((model.spec.labels[i], float(probs[i])) for i in best),
            t_end_s=self.window.t_end_s,
            latency_ms=latency_s * 1000,
            infer_ms=infer_s * 1000,
            model=model.name,
            device=self.compiled.device,
            generation=self.window.generation,
        )


class Inferences:
    """All inferences in progress. Not thread-safe: guarded by the recognizer's lock."""

    def __init__(self) -> None:
        self._busy: dict[int, Inference] = {}  # by the id of the request
        self._waited: tuple[Inference, float, float] | None = None  # oldest inference, waiting time, last check

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self._busy)

    def free(self, compiled: CompiledModel) -> InferRequest | None:
        """Return a free infer request of a model; None if all are in use."""
        return next((request for request in compiled.requests if id(request) not in self._busy), None)

    def in_use(self, compiled: CompiledModel) -> bool:
        """Return whether one of a model's infer requests is in use."""
        return any(id(request) in self._busy for request in compiled.requests)

    def add(self, inference: Inference) -> None:
        """Occupy the request of an inference."""
        self._busy[id(inference.request)] = inference

    def remove(self, inference: Inference) -> None:
        """Free the request of an inference; has no effect if it is free."""
        self._busy.pop(id(inference.request), None)

    def moments(self) -> Iterator[PendingMoment]:
        """Yield the moments that are being decided."""
        return (inference.pending for inference in self._busy.values() if inference.pending is not None)

    def stuck(self, compiled: CompiledModel | None, now_s: float) -> Inference | None:
        """Return a model's inference if it takes longer than `STUCK_AFTER_S`; to be called with each frame.

        Only time in which frames arrive counts, at most one second per frame: time in which the computer slept is not
        waiting time.
        """
        oldest = next((inference for inference in self._busy.values() if inference.compiled is compiled), None)
        if oldest is None:
            self._waited = None
            return None
        if self._waited is None or self._waited[0] is not oldest:
            self._waited = (oldest, 0.0, now_s)
            return None
        _, waited_s, seen_s = self._waited
        self._waited = (oldest, waited_s + min(1.0, max(0.0, now_s - seen_s)), now_s)
        return oldest if self._waited[1] > STUCK_AFTER_S else None
