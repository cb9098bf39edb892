"""The moments of a file that wait for the model."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Hashable, Iterable
from dataclasses import dataclass

from slowfast_live.content import content_key
from slowfast_live.core.decisions import DecisionSet
from slowfast_live.core.events import EventRule
from slowfast_live.core.moments import DecisionRule, Moment
from slowfast_live.inference.spec import WEIGHTS_FILE, Model, encode
from slowfast_live.pipeline.clip_buffer import ClipBuffer
from slowfast_live.types import FrameWindow

MAX_PENDING = 8
"""Maximum number of moments that wait; the oldest is dropped and remains a gap."""
_SPARE = 1.25
"""Ratio of the time between two moments of a file to the model's inference time."""


def decision_rule(model: Model, *, mirrored: bool) -> tuple[Hashable, DecisionRule]:
    """Return the key of a model's decisions, which contains everything that affects them, and their rule."""
    spec = model.spec
    rule = DecisionRule(
        labels=spec.labels,
        background_labels=spec.decision.background_labels,
        trained=spec.trained,
        threshold=spec.decision.threshold,
        events=EventRule.for_timing(spec.timing, overlapping=spec.several),
        mirrored=mirrored,
        model=model.name,
        thresholds=tuple(spec.decision.thresholds.items()) if spec.several else (),
    )
    weights = content_key(model.folder / WEIGHTS_FILE)  # the content of a model may change under the same name
    return (model.name, encode(spec), weights, mirrored), rule


@dataclass(frozen=True, slots=True, eq=False)
class PendingMoment:
    """A moment to decide.

    Attributes:
        decisions: Where the decision is stored.
        moment: The moment.
        buffer: The clip buffer that its frame window comes from.
        window: The frame window that ends at the moment.
    """

    decisions: DecisionSet
    moment: Moment
    buffer: ClipBuffer
    window: FrameWindow

    def same_as(self, other: PendingMoment) -> bool:
        """Return whether both are the same moment of the same decision set."""
        return self.decisions is other.decisions and self.moment.cell == other.moment.cell


class PendingMoments:
    """Queue of the moments of a file, newest first, and the density at which the running model can decide them.

    Not thread-safe: guarded by the recognizer's lock.
    """

    def __init__(self) -> None:
        self.decisions: DecisionSet | None = None
        """The running model's decisions for the current file; None if they are not stored."""
        self._waiting: deque[PendingMoment] = deque()
        self._fastest_s = math.inf  # shortest inference time of the running model
        self._limit_s = 0.0  # least time between two moments that a rate limit allows

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self._waiting)

    def use(self, decisions: DecisionSet | None) -> None:
        """Store decisions in another set; what waits for the previous one is dropped."""
        if decisions is not self.decisions:
            self.decisions = decisions
            self._waiting.clear()
            self._fit()

    def limit(self, per_s: float | None) -> None:
        """Decide at most so many moments per second of the file; None for as many as the model can."""
        self._limit_s = 0.0 if per_s is None else 1 / per_s
        self._fit()

    def another_model(self) -> None:
        """Forget how fast the previous model was."""
        self._fastest_s = math.inf

    def measured(self, infer_s: float) -> None:
        """Record an inference time of the running model, in seconds."""
        self._fastest_s = min(self._fastest_s, infer_s)

    def add(self, pending: PendingMoment, being_decided: Iterable[PendingMoment]) -> None:
        """Queue a moment, unless it is queued or being decided already, or belongs to another decision set."""
        known = any(other.same_as(pending) for other in (*self._waiting, *being_decided))
        if known or pending.decisions is not self.decisions:
            return
        self._waiting.append(pending)
        if len(self._waiting) > MAX_PENDING:
            self._waiting.popleft()
            self._fit()

    def take(self) -> PendingMoment | None:
        """Return the newest moment and remove it from the queue; None if none waits."""
        return self._waiting.pop() if self._waiting else None

    def _fit(self) -> None:
        """Limit the number of moments to what the model can decide."""
        if self.decisions is None:
            return
        fastest_s = self._fastest_s if self._fastest_s < math.inf else 0.0
        if needed_s := max(_SPARE * fastest_s, self._limit_s):
            self.decisions.fit(needed_s)
