"""A model on videos: windows cut and run as the app does it, and what that says of each clip.

A clip's probabilities are the mean of its windows'. Its readouts are what the app would have shown: smoothed over
time and guarded by the threshold.
"""

from __future__ import annotations

import threading
import time
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from slowfast_live.core.framing import Framing
from slowfast_live.core.ring import Ring
from slowfast_live.core.sampling import ClipTiming
from slowfast_live.core.smoothing import LabelGuard, Smoother
from slowfast_live.errors import ModelError, SlowFastLiveError
from slowfast_live.evaluation.classes import Clip
from slowfast_live.evaluation.metrics import F64, I64, rank_of
from slowfast_live.inference.backend import Outcome, Request, Runner
from slowfast_live.inference.spec import ModelSpec
from slowfast_live.sources.file import FileSource
from slowfast_live.types import F32, U8

STEP_S = 0.25

Retouch = Callable[[U8], U8]
"""Changes a decoded picture, uint8 (H, W, 3), BGR, before it is framed."""


@dataclass(frozen=True, slots=True)
class Shown:
    """How many windows end with which readout."""

    right: int = 0
    wrong: int = 0
    none: int = 0

    @property
    def total(self) -> int:
        """Windows."""
        return self.right + self.wrong + self.none

    def __add__(self, other: Shown) -> Shown:
        return Shown(self.right + other.right, self.wrong + other.wrong, self.none + other.none)


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """What the model made of one clip.

    Attributes:
        clip: The clip.
        windows: float32 (W, K), the probabilities of each window, in order of time.
        shown: Readouts of the windows. For a class that the model does not know every label is wrong; where the
            class is one that the model rejects with, showing none is right.
        infer_ms: (W,) time of each inference.
        note: What is wrong with the file although it plays; how a short clip was treated.
    """

    clip: Clip
    windows: F32
    shown: Shown
    infer_ms: F64
    note: str = ""

    @property
    def mean(self) -> F64:
        """(K,) probabilities of the clip."""
        return np.asarray(self.windows.mean(0), np.float64)


@dataclass(frozen=True, slots=True)
class Failed:
    """A clip that could not be measured, and why."""

    clip: Clip
    reason: str


@dataclass(frozen=True, slots=True)
class Outcomes:
    """All clips of an evaluation.

    Attributes:
        labels: K labels of the model.
        known: Clips whose class the model has.
        unknown: The others.
        failed: Those that could not be read.
    """

    labels: tuple[str, ...]
    known: tuple[Scored, ...]
    unknown: tuple[Scored, ...]
    failed: tuple[Failed, ...]

    @property
    def truth(self) -> I64:
        """(N,) index of each known clip's label."""
        return np.array([self.labels.index(scored.clip.label or "") for scored in self.known], np.int64)

    @property
    def ranks(self) -> I64:
        """(N,) how many classes score higher than the true one, for each known clip."""
        pairs = zip(self.known, self.truth, strict=True)
        return np.array([rank_of(scored.mean, int(truth)) for scored, truth in pairs], np.int64)


def windows(
    path: Path, timing: ClipTiming, framing: Framing, step_s: float, retouch: Retouch | None = None
) -> Iterator[tuple[Sequence[U8], float, str]]:
    """Yield the windows of a video as the app cuts them, one each `step_s`.

    A video that is shorter than a window gives one, in which its first picture stands for what came before.

    Yields:
        T admitted pictures, the time of the newest in seconds, and what is wrong with the file so far.

    Raises:
        SourceError: It cannot be read as a video.
    """
    source = FileSource(path)
    ring = Ring(timing)
    early: list[tuple[float, U8]] = []
    due_s: float | None = None
    source.open()
    try:
        while (picture := source.read()) is not None:
            admitted = framing.admit(picture.image if retouch is None else retouch(picture.image))
            ring.push(lambda kept=admitted: kept, picture.t_s, 0.0)  # type: ignore[misc]
            if due_s is None:
                early.append((picture.t_s, admitted))
            elif picture.t_s < due_s - timing.tolerance_s:
                continue
            if (window := ring.window(epoch=0)) is not None:
                early.clear()
                due_s = _following(due_s if due_s is not None else picture.t_s, picture.t_s, step_s)
                yield window.pictures, picture.t_s, source.warning
        if due_s is None:
            note = f"shorter than a window of {timing.span_s:.1f} s"
            yield _stretched(early, timing), early[-1][0], "; ".join(x for x in (source.warning, note) if x)
    finally:
        source.close()


def _following(due_s: float, now_s: float, step_s: float) -> float:
    """Return the next instant of the grid of `step_s` after now."""
    return due_s + step_s * (int((now_s - due_s) / step_s) + 1)


def _stretched(held: Sequence[tuple[float, U8]], timing: ClipTiming) -> list[U8]:
    times = [t_s for t_s, _ in held]
    instants = [times[-1] + offset + timing.tolerance_s for offset in timing.offsets_s]
    return [held[max(0, bisect_right(times, instant) - 1)][1] for instant in instants]


class Classifier:
    """A compiled model, called like a function. One thread.

    Args:
        runner: The compiled model; closed by who made it.
    """

    def __init__(self, runner: Runner) -> None:
        self._request: Request = runner.requests[0]
        self._framing = runner.model.spec.framing()
        self._name = runner.model.name

    def __call__(self, pictures: Sequence[U8]) -> tuple[F32, float]:
        """Return float32 (K,) for T admitted pictures, and the milliseconds of the inference.

        Raises:
            ModelError: It failed.
        """
        self._framing.compose(pictures, self._request.clip)
        outcomes: list[Outcome] = []
        finished = threading.Event()

        def done(outcome: Outcome) -> None:
            outcomes.append(outcome)
            finished.set()

        began = time.perf_counter()
        self._request.start(done)
        finished.wait()
        elapsed_ms = (time.perf_counter() - began) * 1e3
        outcome = outcomes[0]
        if outcome.probs is None:
            raise ModelError(f"Model '{self._name}' failed: {outcome.error}.") from outcome.error
        return outcome.probs, elapsed_ms


class Evaluator:
    """Scores clips with one model.

    Args:
        classify: The model: T admitted pictures to float32 (K,) and milliseconds.
        spec: Its description.
        threshold: Score from which a label is shown; the model's own where None.
        step_s: Seconds from window to window.
    """

    def __init__(
        self,
        classify: Callable[[Sequence[U8]], tuple[F32, float]],
        spec: ModelSpec,
        threshold: float | None = None,
        step_s: float = STEP_S,
    ) -> None:
        self._classify = classify
        self._spec = spec
        self._framing = spec.framing()
        self.threshold = spec.decision.threshold if threshold is None else threshold
        self.step_s = step_s

    def score(self, clip: Clip, retouch: Retouch | None = None) -> Scored:
        """Run the model on all windows of a clip.

        Raises:
            SourceError: It cannot be read as a video.
            ModelError: The model failed.
        """
        smoother, guard = Smoother(), LabelGuard(self._spec.labels, self._spec.decision.rejects)
        each, elapsed_ms, shown, warning = [], [], Shown(), ""
        for pictures, t_s, note in windows(clip.path, self._spec.timing, self._framing, self.step_s, retouch):
            warning = note
            probs, ms = self._classify(pictures)
            each.append(probs)
            elapsed_ms.append(ms)
            readout = guard.update(smoother.update(probs, t_s), t_s, self.threshold, trained=self._spec.trained)
            shown += self._judge(readout.label, clip.label)
        return Scored(clip, np.stack(each), shown, np.array(elapsed_ms), warning)

    def _judge(self, label: str | None, truth: str | None) -> Shown:
        if label is None:
            return Shown(right=1) if truth in self._spec.decision.rejects else Shown(none=1)
        return Shown(right=1) if label == truth else Shown(wrong=1)

    def run(
        self,
        clips: Sequence[Clip],
        retouch: Callable[[Clip], Retouch] | None = None,
        progress: Callable[[int, Clip], None] = lambda index, clip: None,
    ) -> Outcomes:
        """Score clips one after the other; one that cannot be read does not stop the rest.

        Args:
            clips: What to measure on.
            retouch: Gives, for each clip, what changes its pictures.
            progress: Called before each clip with its number from 0.

        Raises:
            ModelError: The model failed.
        """
        known: list[Scored] = []
        unknown: list[Scored] = []
        failed: list[Failed] = []
        for index, clip in enumerate(clips):
            progress(index, clip)
            try:
                scored = self.score(clip, retouch(clip) if retouch else None)
            except ModelError:
                raise
            except (SlowFastLiveError, ValueError) as error:
                failed.append(Failed(clip, str(error)))
                continue
            (unknown if clip.label is None else known).append(scored)
        return Outcomes(self._spec.labels, tuple(known), tuple(unknown), tuple(failed))
