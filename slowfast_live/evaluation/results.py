"""What an evaluation leaves behind: `results.json` and `clips.csv`."""

from __future__ import annotations

import csv
import math
import os
import platform
from collections.abc import Sequence
from dataclasses import astuple
from importlib import metadata
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np

from slowfast_live import __version__
from slowfast_live.errors import SlowFastLiveError
from slowfast_live.evaluation.metrics import Reliability, confusion, reliability, wilson
from slowfast_live.evaluation.scoring import Failed, Outcomes, Scored, Shown
from slowfast_live.inference.spec import SPEC_FILE, Accuracy, Model, encode

RESULTS_FILE, CLIPS_FILE = "results.json", "clips.csv"


class EvaluationError(SlowFastLiveError):
    """There is nothing to measure, or the results cannot be written."""


class Share(msgspec.Struct, frozen=True):
    """`hits` of `total`, and the 95 % interval of the share (Wilson)."""

    hits: int
    total: int
    share: float
    low: float
    high: float

    @classmethod
    def of(cls, hits: int, total: int) -> Share:
        """Return the share of `hits` in `total` > 0."""
        return cls(hits, total, hits / total, *wilson(hits, total))


class Bins(msgspec.Struct, frozen=True):
    """A reliability diagram: predictions in bins of their score, and the expected calibration error."""

    error: float
    counts: tuple[int, ...]
    confidence: tuple[float | None, ...]
    accuracy: tuple[float | None, ...]

    @classmethod
    def of(cls, found: Reliability) -> Bins:
        """Return the bins as they are written; None where a bin is empty."""
        means = (tuple(None if math.isnan(x) else float(x) for x in a) for a in (found.confidence, found.accuracy))
        return cls(found.error, tuple(map(int, found.counts)), *means)


class Windows(msgspec.Struct, frozen=True):
    """Windows of the clips of known classes, by what the app shows when they end.

    Attributes:
        total: Windows.
        right: Of them, those that show the right label.
        wrong: Those that show a wrong one.
        none: Those that show none.
        by_clip: Mean over the clips of the shares (right, wrong, none), so that a long clip does not outweigh others.
    """

    total: int
    right: int
    wrong: int
    none: int
    by_clip: tuple[float, float, float]


class Rejection(msgspec.Struct, frozen=True):
    """Windows of the clips of unknown classes, and how many of them end as no confident action."""

    clips: int
    windows: int
    none: int


class ClipResult(msgspec.Struct, frozen=True):
    """One clip.

    Attributes:
        file: Its path as given.
        said: Its class in the words of the index, file or folder.
        label: The model's label for it; None where the model does not know it.
        status: "known", "unknown" or "failed".
        right: Whether the best label is the true one; None where that cannot be said.
        best: The three best labels with their mean scores.
        windows: How many were scored.
        shown: [right, wrong, none] windows by readout.
        note: What is wrong with the file; why it failed.
    """

    file: str
    said: str
    label: str | None
    status: Literal["known", "unknown", "failed"]
    right: bool | None = None
    best: tuple[tuple[str, float], ...] = ()
    windows: int = 0
    shown: tuple[int, int, int] = (0, 0, 0)
    note: str = ""


class Confusion(msgspec.Struct, frozen=True):
    """Clips by what is done (rows) and what the model says (columns), of the labels that occur."""

    labels: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]


class Results(msgspec.Struct, frozen=True, kw_only=True):
    """The content of `results.json`. Figures are None where no clip has a class that the model knows.

    Attributes:
        schema: Version of this format.
        model: Its name, that of its folder.
        precision: Of the model.
        trained: False where its weights are random.
        device: What ran it, with its maker's name.
        threshold: Score from which a label is shown.
        step_s: Seconds from window to window.
        composite: Whether a painted background was put behind black pixels.
        made_with: Versions of programs, and the machine.
        infer_ms: Median time of an inference on that machine.
        top1: Known clips whose best label is the true one; a clip's scores are the mean of its windows'.
        top3: Known clips whose true label is among the best three.
        calibration_clips: Of the clips' best scores.
        calibration_windows: Of the windows' best scores, before smoothing.
        shown: Windows of known clips by readout.
        rejection: Windows of unknown clips by readout; None where there are none.
        confusion: Clips by class.
        clips: Each clip.
    """

    schema: Literal[1] = 1
    model: str
    precision: str
    trained: bool
    device: str
    threshold: float
    step_s: float
    composite: bool
    made_with: dict[str, str]
    infer_ms: float
    top1: Share | None
    top3: Share | None
    calibration_clips: Bins | None
    calibration_windows: Bins | None
    shown: Windows | None
    rejection: Rejection | None
    confusion: Confusion | None
    clips: tuple[ClipResult, ...]

    @property
    def failed(self) -> tuple[ClipResult, ...]:
        """The clips that could not be measured."""
        return tuple(clip for clip in self.clips if clip.status == "failed")


def summarise(
    outcomes: Outcomes, model: Model, device: str, threshold: float, step_s: float, *, composite: bool
) -> Results:
    """Make the results of what was measured.

    Raises:
        EvaluationError: Nothing was.
    """
    scored = (*outcomes.known, *outcomes.unknown)
    if not scored:
        raise EvaluationError(_nothing(outcomes.failed))
    known, ranks = outcomes.known, outcomes.ranks
    total = len(known)
    return Results(
        model=model.name,
        precision=model.spec.precision,
        trained=model.spec.trained,
        device=device,
        threshold=threshold,
        step_s=step_s,
        composite=composite,
        made_with=_made_with(),
        infer_ms=float(np.median(np.concatenate([s.infer_ms for s in scored]))),
        top1=Share.of(int((ranks < 1).sum()), total) if total else None,
        top3=Share.of(int((ranks < 3).sum()), total) if total else None,
        calibration_clips=Bins.of(_of_clips(outcomes)) if total else None,
        calibration_windows=Bins.of(_of_windows(outcomes)) if total else None,
        shown=_windows(known) if total else None,
        rejection=_rejection(outcomes.unknown),
        confusion=_confusion(outcomes) if total else None,
        clips=_clips(outcomes),
    )


def _nothing(failed: Sequence[Failed]) -> str:
    if not failed:
        return "Nothing could be measured: there are no clips."
    return f"Nothing could be measured: none of {len(failed)} clips can be read. The first: {failed[0].reason}"


def _made_with() -> dict[str, str]:
    packages = {name: metadata.version(name) for name in ("openvino", "av", "numpy", "opencv-python-headless")}
    machine = {"system": platform.platform(), "cores": str(os.cpu_count())}
    return {"slowfast-live": __version__, "python": platform.python_version(), **packages, **machine}


def _of_clips(outcomes: Outcomes) -> Reliability:
    return reliability(np.array([s.mean.max() for s in outcomes.known]), outcomes.ranks == 0)


def _of_windows(outcomes: Outcomes) -> Reliability:
    best = [s.windows.max(1).astype(np.float64) for s in outcomes.known]
    right = [s.windows.argmax(1) == truth for s, truth in zip(outcomes.known, outcomes.truth, strict=True)]
    return reliability(np.concatenate(best), np.concatenate(right))


def _windows(known: Sequence[Scored]) -> Windows:
    shown = sum((s.shown for s in known), Shown())
    right, wrong, none = np.mean([np.array(astuple(s.shown)) / s.shown.total for s in known], axis=0)
    return Windows(shown.total, shown.right, shown.wrong, shown.none, (float(right), float(wrong), float(none)))


def _rejection(unknown: Sequence[Scored]) -> Rejection | None:
    if not unknown:
        return None
    shown = sum((s.shown for s in unknown), Shown())
    return Rejection(len(unknown), shown.total, shown.none)


def _confusion(outcomes: Outcomes) -> Confusion:
    said = np.array([int(s.mean.argmax()) for s in outcomes.known], np.int64)
    counts = confusion(outcomes.truth, said, len(outcomes.labels))
    used = np.flatnonzero(counts.sum(0) + counts.sum(1))
    rows = counts[np.ix_(used, used)]
    return Confusion(tuple(outcomes.labels[i] for i in used), tuple(tuple(map(int, row)) for row in rows))


def _clips(outcomes: Outcomes) -> tuple[ClipResult, ...]:
    known = [_clip(s, outcomes.labels, bool(rank == 0)) for s, rank in zip(outcomes.known, outcomes.ranks, strict=True)]
    unknown = [_clip(s, outcomes.labels, None) for s in outcomes.unknown]
    failed = [ClipResult(str(f.clip.path), f.clip.said, f.clip.label, "failed", note=f.reason) for f in outcomes.failed]
    return (*known, *unknown, *failed)


def _clip(scored: Scored, labels: Sequence[str], right: bool | None) -> ClipResult:
    mean = scored.mean
    order = np.argsort(-mean, kind="stable")[:3]
    return ClipResult(
        file=str(scored.clip.path),
        said=scored.clip.said,
        label=scored.clip.label,
        status="unknown" if right is None else "known",
        right=right,
        best=tuple((labels[i], round(float(mean[i]), 4)) for i in order),
        windows=len(scored.windows),
        shown=(scored.shown.right, scored.shown.wrong, scored.shown.none),
        note=scored.note,
    )


def write(results: Results, folder: Path) -> None:
    """Write `results.json` and `clips.csv` into a folder, which is made.

    Raises:
        EvaluationError: They cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / RESULTS_FILE).write_bytes(msgspec.json.format(msgspec.json.encode(results), indent=1) + b"\n")
        _write_clips(results.clips, folder / CLIPS_FILE)
    except OSError as error:
        raise EvaluationError(f"The results cannot be written into {folder}: {error.strerror or error}.") from error


def read(path: Path) -> Results:
    """Read a `results.json`.

    Raises:
        EvaluationError: It is none, or one of another version.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=Results)
    except (OSError, msgspec.DecodeError) as error:
        raise EvaluationError(f"{path} holds no results of an evaluation: {error}.") from error


def figures(found: Results, data_set: str) -> tuple[Accuracy, ...]:
    """Return results as a model's description holds them; none where no clip has a class that the model knows."""
    if found.top1 is None or found.top3 is None or found.calibration_clips is None:
        return ()
    note = f"{found.top1.total} clips, windows averaged; calibration error {found.calibration_clips.error:.2f}"
    return tuple(
        Accuracy(data_set, metric, round(100 * share.share, 1), origin="measured", note=note)
        for metric, share in (("top-1", found.top1), ("top-3", found.top3))
    )


def record(found: Results, data_set: str, model: Model) -> None:
    """Write figures into a model's `model.json`, in place of older ones on the same data set.

    Raises:
        EvaluationError: It cannot be written.
    """
    others = [a for a in model.spec.accuracy if (a.dataset, a.origin) != (data_set, "measured")]
    spec = msgspec.structs.replace(model.spec, accuracy=(*others, *figures(found, data_set)))
    path = model.folder / SPEC_FILE
    try:
        path.with_suffix(".new").write_bytes(encode(spec))
        path.with_suffix(".new").replace(path)
    except OSError as error:
        raise EvaluationError(f"The figures cannot be written into {path}: {error.strerror or error}.") from error


def _write_clips(clips: Sequence[ClipResult], path: Path) -> None:
    best = [column for place in ("first", "second", "third") for column in (place, f"{place}_score")]
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        shown = ("shown_right", "shown_wrong", "shown_none")
        rows.writerow(["file", "said", "label", "status", "right", *best, "windows", *shown, "note"])
        for clip in clips:
            pairs = [*clip.best, *[("", "")] * (3 - len(clip.best))]
            flat = [value for pair in pairs for value in pair]
            right = "" if clip.right is None else ("yes" if clip.right else "no")
            rows.writerow(
                [
                    clip.file,
                    clip.said,
                    clip.label or "",
                    clip.status,
                    right,
                    *flat,
                    clip.windows,
                    *clip.shown,
                    clip.note,
                ]
            )
