"""Runs a model on videos: frame windows are cut and run as in the app, and summarized per clip.

A clip's probabilities are the mean over its windows. Its readouts are what the app would have shown: smoothed over
time, with hysteresis and threshold applied.
"""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from slowfast_live.analysis.windows import every
from slowfast_live.core.framing import Framing
from slowfast_live.core.ring import Ring
from slowfast_live.core.sampling import ClipTiming
from slowfast_live.core.several import SeveralLabels, thresholds_of
from slowfast_live.core.smoothing import LabelHysteresis, Smoother
from slowfast_live.errors import ModelError, SlowFastLiveError
from slowfast_live.inference.backend import CompiledModel, InferRequest, infer_once
from slowfast_live.inference.spec import ModelSpec
from slowfast_live.sources.local import bounded_source
from slowfast_live.tools.evaluation.classes import LabeledClip
from slowfast_live.tools.evaluation.metrics import F64, I64, average_precision, rank_of
from slowfast_live.types import F32, U8, Readout

STEP_S = 0.25

Retouch = Callable[[U8], U8]
"""Modifies a decoded frame, uint8 (H, W, 3), BGR, before it is cropped."""


@dataclass(frozen=True, slots=True)
class Shown:
    """Number of windows by readout."""

    right: int = 0
    wrong: int = 0
    none: int = 0

    @property
    def total(self) -> int:
        """Number of windows."""
        return self.right + self.wrong + self.none

    def __add__(self, other: Shown) -> Shown:
        return Shown(self.right + other.right, self.wrong + other.wrong, self.none + other.none)


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """The model's output for one clip.

    Attributes:
        clip: The clip.
        windows: float32 (W, K), the probabilities of each window, in order of time.
        shown: Readouts of the windows. For a class that the model does not have, every label is wrong; for a background
            class, showing none is right.
        infer_ms: (W,) time of each inference.
        note: Damage in a file that can still be played; how a short clip was handled.
    """

    clip: LabeledClip
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

    clip: LabeledClip
    reason: str


@dataclass(frozen=True, slots=True)
class Outcomes:
    """All clips of an evaluation.

    Attributes:
        labels: K labels of the model.
        known: Clips whose class the model has.
        unknown: Clips whose class it does not have.
        failed: Clips that could not be read.
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
    def average_precisions(self) -> dict[str, float]:
        """Label -> its average precision over all clips, for each label that is right for a clip.

        A clip's score is the maximum over its windows.
        """
        scored = (*self.known, *self.unknown)
        scores = np.stack([one.windows.max(0).astype(np.float64) for one in scored])
        found = {}
        for index, label in enumerate(self.labels):
            positive = np.array([label in one.clip.labels for one in scored])
            if positive.any():
                found[label] = average_precision(scores[:, index], positive)
        return found

    @property
    def ranks(self) -> I64:
        """(N,) rank of the true class, for each known clip: how many classes score higher."""
        pairs = zip(self.known, self.truth, strict=True)
        return np.array([rank_of(scored.mean, int(truth)) for scored, truth in pairs], np.int64)


def windows(
    path: Path, timing: ClipTiming, framing: Framing, step_s: float, retouch: Retouch | None = None
) -> Iterator[tuple[Sequence[U8], float, str]]:
    """Yield the windows of a video as the app cuts them, one every `step_s`.

    A video shorter than a window gives one window, in which its first frame is repeated in place of earlier ones.

    Yields:
        T admitted frames, the time of the newest in seconds, and what is wrong with the file so far.

    Raises:
        SourceError: It cannot be read as a video.
    """
    source = bounded_source(path)
    early: list[tuple[float, U8]] = []  # until there is a window
    found = False

    def admitted() -> Iterator[tuple[float, Callable[[], U8]]]:
        while (picture := source.read()) is not None:
            kept = framing.admit(picture.image if retouch is None else retouch(picture.image))
            if not found:
                early.append((picture.t_s, kept))
            yield picture.t_s, lambda kept=kept: kept  # type: ignore[misc]

    source.open()
    try:
        for window in every(admitted(), Ring(timing), step_s, timing.tolerance_s):
            found = True
            early.clear()
            yield window.pictures, window.t_end_s, source.warning
        if not found:
            note = f"shorter than a window of {timing.span_s:.1f} s"
            yield _stretched(early, timing), early[-1][0], "; ".join(x for x in (source.warning, note) if x)
    finally:
        source.close()


def following_due(due_s: float, now_s: float, step_s: float) -> float:
    """Return the next due time after now, in steps of `step_s`."""
    return due_s + step_s * (int((now_s - due_s) / step_s) + 1)


def _stretched(held: Sequence[tuple[float, U8]], timing: ClipTiming) -> list[U8]:
    times = [t_s for t_s, _ in held]
    instants = [times[-1] + offset + timing.tolerance_s for offset in timing.offsets_s]
    return [held[max(0, bisect_right(times, instant) - 1)][1] for instant in instants]


class Classifier:
    """A compiled model that is called like a function. Not thread-safe.

    Args:
        compiled: The compiled model; the caller closes it.
    """

    def __init__(self, compiled: CompiledModel) -> None:
        self._request: InferRequest = compiled.requests[0]
        self._framing = compiled.model.spec.framing()
        self._name = compiled.model.name

    def __call__(self, pictures: Sequence[U8]) -> tuple[F32, float]:
        """Return float32 (K,) for T admitted frames, and the inference time in milliseconds.

        Raises:
            ModelError: The inference failed.
        """
        return self.run_filled(lambda out: self._framing.compose(pictures, out))

    def run_filled(self, fill: Callable[[U8], None]) -> tuple[F32, float]:
        """Return float32 (K,) for the clip that `fill` writes, and the inference time in milliseconds.

        Raises:
            ModelError: The inference failed.
        """
        fill(self._request.clip)
        began = time.perf_counter()
        result = infer_once(self._request)
        elapsed_ms = (time.perf_counter() - began) * 1e3
        if result.probs is None:
            raise ModelError(f"Model '{self._name}' failed: {result.error}.") from result.error
        return result.probs, elapsed_ms


class Evaluator:
    """Scores clips with one model.

    Args:
        classify: The model: maps T admitted frames to float32 (K,) and milliseconds.
        spec: Its description.
        threshold: Score from which a label is shown; None for the model's own threshold.
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

    def score(self, clip: LabeledClip, retouch: Retouch | None = None) -> Scored:
        """Run the model on all windows of a clip.

        Raises:
            SourceError: It cannot be read as a video.
            ModelError: The model failed.
        """
        smoother, read = Smoother(), self._reader()
        each, elapsed_ms, shown, warning = [], [], Shown(), ""
        for pictures, t_s, note in windows(clip.path, self._spec.timing, self._framing, self.step_s, retouch):
            warning = note
            probs, ms = self._classify(pictures)
            each.append(probs)
            elapsed_ms.append(ms)
            shown += self._judge(read(smoother.update(probs, t_s), t_s), clip)
        return Scored(clip, np.stack(each), shown, np.array(elapsed_ms), warning)

    def _reader(self) -> Callable[[F32, float], Readout]:
        """Return a function of smoothed scores and their time that returns what the app would show."""
        spec = self._spec
        if not spec.several:
            hysteresis = LabelHysteresis(spec.labels, spec.decision.background_labels)
            return lambda scores, t_s: hysteresis.update(scores, t_s, self.threshold, trained=spec.trained)
        several = SeveralLabels(spec.labels, spec.decision.background_labels)
        limits = thresholds_of(spec.labels, spec.decision.thresholds, spec.decision.threshold, self.threshold)
        held: tuple[int, ...] = ()

        def read(scores: F32, t_s: float) -> Readout:
            nonlocal held
            if spec.trained:
                held = several.choose(scores, limits, held)
            return several.readout(scores, held, t_s, trained=spec.trained)

        return read

    def _judge(self, readout: Readout, clip: LabeledClip) -> Shown:
        """Count a window; of several labels that are shown, one that is right suffices."""
        shown = {label for label, _score in readout.shown}
        if not shown:
            return Shown(right=1) if clip.label in self._spec.decision.background_labels else Shown(none=1)
        return Shown(right=1) if shown & clip.labels else Shown(wrong=1)

    def run(
        self,
        clips: Sequence[LabeledClip],
        retouch: Callable[[LabeledClip], Retouch] | None = None,
        progress: Callable[[int, LabeledClip], None] = lambda index, clip: None,
    ) -> Outcomes:
        """Score clips one after another; one that cannot be read does not stop the others.

        Args:
            clips: The clips to measure.
            retouch: Returns, for each clip, the function that modifies its frames.
            progress: Called before each clip with its index from 0.

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
