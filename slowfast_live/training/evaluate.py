"""How well a model knows real clips: top-1, top-3, confusion matrix, calibration, and a row for each clip.

A clip's score is the mean of its windows' probabilities.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import av
import numpy as np

from slowfast_live.core.framing import Framing
from slowfast_live.core.sampling import ClipTiming
from slowfast_live.errors import SlowFastLiveError
from slowfast_live.training.figure import F32, F64
from slowfast_live.types import U8

SYNONYMS = {
    "waving one hand": "waving hand",
    "waving two hands": "waving both hands",
    "walking indoor": "walking",
    "push ups": "push up",
    "squats": "squat",
}
"""File names' ways of saying it -> class names."""


class EvaluationError(SlowFastLiveError):
    """There is nothing to measure, or a clip cannot be read."""


class Recognise(Protocol):
    """Clip uint8 (1, T, S, S, 3) to probabilities (K,)."""

    def __call__(self, clip: U8) -> F32:
        """Return the probabilities of one clip."""
        ...


@dataclass(frozen=True)
class ClipScore:
    """One clip: its file, the true label, the mean probabilities (K,), and those of each window (W, K)."""

    path: Path
    label: str
    mean: F32
    windows: F32


@dataclass(frozen=True)
class Result:
    """Figures over all clips; `ece` is the expected calibration error of the clips' best scores in 10 bins."""

    labels: tuple[str, ...]
    scores: tuple[ClipScore, ...]
    top1: float
    top3: float
    ece: float
    confusion: Any


def label_of(path: Path) -> str:
    """Return what a file's name says is done: `p1_waving_one_hand_org.avi` -> "waving hand"."""
    name = re.sub(r"^p\d+_|_org$|_\d+$|_\d+p$", "", path.stem).replace("_", " ")
    return SYNONYMS.get(name, name)


def pictures(path: Path, framing: Framing) -> tuple[F64, list[U8]]:
    """Read a video: times in seconds (N,), and admitted pictures.

    Raises:
        EvaluationError: It cannot be read as a video.
    """
    times, out = [], []
    try:
        with av.open(str(path)) as container:
            for frame in container.decode(video=0):
                times.append(float(frame.time) if frame.time is not None else len(times) / 25.0)
                out.append(framing.admit(np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)))
    except (av.FFmpegError, IndexError) as error:
        raise EvaluationError(f"{path} cannot be read as a video: {error}.") from error
    if not out:
        raise EvaluationError(f"{path} holds no picture.")
    return np.array(times), out


def windows(
    times: F64, admitted: Sequence[U8], timing: ClipTiming, framing: Framing, side: int, step_s: float
) -> Iterator[U8]:
    """Yield the clips of a video, (1, T, S, S, 3), one each `step_s`; one of what there is where it is too short."""
    last = times[0] + timing.span_s
    ends = np.arange(last, times[-1] + 1e-6, step_s) if last <= times[-1] else np.array([times[-1]])
    for end in ends:
        instants = end + np.array(timing.offsets_s) + timing.tolerance_s
        chosen = np.clip(np.searchsorted(times, instants, side="right") - 1, 0, None)
        out = np.empty((1, timing.frames, side, side, 3), np.uint8)
        framing.compose([admitted[i] for i in chosen], out[0])
        yield out


def calibration_error(confidence: F64, right: Any, bins: int = 10) -> float:
    """Expected calibration error (Guo et al. 2017, arXiv 1706.04599): mean gap of confidence and accuracy by bin."""
    which = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [
        (which == b).mean() * abs(confidence[which == b].mean() - right[which == b].mean())
        for b in range(bins)
        if (which == b).any()
    ]
    return float(sum(gaps))


def evaluate(
    clips: Sequence[tuple[Path, str]],
    labels: tuple[str, ...],
    recognise: Recognise,
    timing: ClipTiming,
    framing: Framing,
    side: int,
    step_s: float = 0.25,
) -> Result:
    """Score clips whose label the model has.

    Raises:
        EvaluationError: None of the clips has a label that the model has, or one cannot be read.
    """
    scores = []
    for path, label in clips:
        if label not in labels:
            continue
        times, admitted = pictures(path, framing)
        each = np.stack([recognise(clip) for clip in windows(times, admitted, timing, framing, side, step_s)])
        scores.append(ClipScore(path, label, np.asarray(each.mean(0), np.float32), each.astype(np.float32)))
    if not scores:
        raise EvaluationError(f"no clip has one of the model's labels: {', '.join(labels)}.")
    truth = np.array([labels.index(s.label) for s in scores])
    mean = np.stack([s.mean for s in scores])
    order = np.argsort(-mean, axis=1)
    right = order[:, 0] == truth
    confusion = np.zeros((len(labels), len(labels)), np.int64)
    np.add.at(confusion, (truth, order[:, 0]), 1)
    return Result(
        labels=labels,
        scores=tuple(scores),
        top1=float(right.mean()),
        top3=float((order[:, :3] == truth[:, None]).any(1).mean()),
        ece=calibration_error(mean.max(1).astype(np.float64), right.astype(np.float64)),
        confusion=confusion,
    )


def write_csv(result: Result, path: Path) -> None:
    """Write a row for each clip: file, label, three best labels with their scores, windows."""
    with path.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(["file", "label", "first", "score", "second", "score", "third", "score", "windows"])
        for s in result.scores:
            best = [x for i in np.argsort(-s.mean)[:3] for x in (result.labels[i], f"{s.mean[i]:.3f}")]
            out.writerow([s.path.name, s.label, *best, len(s.windows)])


def write_confusion(result: Result, path: Path) -> None:
    """Draw the confusion matrix (rows: what is done; columns: what the model says) of the classes that occur."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    used = np.flatnonzero(result.confusion.sum(0) + result.confusion.sum(1))
    names = [result.labels[i] for i in used]
    counts = result.confusion[np.ix_(used, used)]
    size = 2.5 + 0.4 * len(used)
    figure = Figure(figsize=(size, size), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    axes.imshow(counts, cmap="Blues")
    axes.set_xticks(range(len(used)), names, rotation=60, ha="right")
    axes.set_yticks(range(len(used)), names)
    axes.set_xlabel("the model says")
    axes.set_ylabel("is done")
    for row, column in zip(*np.nonzero(counts), strict=True):
        dark = counts[row, column] > counts.max() / 2
        axes.text(column, row, str(counts[row, column]), ha="center", va="center", color="w" if dark else "k")
    figure.savefig(path, dpi=110)
