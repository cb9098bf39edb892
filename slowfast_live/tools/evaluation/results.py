"""Results of an evaluation: `results.json` and `clips.csv`."""

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

from slowfast_live import __version__, files
from slowfast_live.errors import SlowFastLiveError
from slowfast_live.inference.spec import SPEC_FILE, Accuracy, Model, encode
from slowfast_live.messages import as_text
from slowfast_live.text_safety import encodable
from slowfast_live.tools.evaluation.metrics import Reliability, confusion, reliability, wilson
from slowfast_live.tools.evaluation.scoring import Failed, Outcomes, Scored, Shown

_LARGEST = 256_000_000

RESULTS_FILE, CLIPS_FILE = "results.json", "clips.csv"
CLIPS_COLUMNS = ("file", "said", "label", "status", "right")
"""The first columns of the table of clips."""


class EvaluationError(SlowFastLiveError):
    """There is nothing to measure, or the results cannot be written."""


class Share(msgspec.Struct, frozen=True):
    """`hits` of `total`, and the 95 % confidence interval of the proportion (Wilson)."""

    hits: int
    total: int
    share: float
    low: float
    high: float

    @classmethod
    def of(cls, hits: int, total: int) -> Share:
        """Return the proportion of `hits` in `total` > 0."""
        return cls(hits, total, hits / total, *wilson(hits, total))


class Bins(msgspec.Struct, frozen=True):
    """A reliability diagram: predictions in bins by score, and the expected calibration error."""

    error: float
    counts: tuple[int, ...]
    confidence: tuple[float | None, ...]
    accuracy: tuple[float | None, ...]

    @classmethod
    def of(cls, found: Reliability) -> Bins:
        """Return the bins in the form in which they are written; None for an empty bin."""
        means = (tuple(None if math.isnan(x) else float(x) for x in a) for a in (found.confidence, found.accuracy))
        return cls(found.error, tuple(map(int, found.counts)), *means)


class Windows(msgspec.Struct, frozen=True):
    """Windows of the clips with known classes, by what the app shows when they end.

    Attributes:
        total: Number of windows.
        right: Windows for which the correct label is shown.
        wrong: Windows for which a wrong label is shown.
        none: Windows for which no label is shown.
        by_clip: Mean over the clips of the shares (right, wrong, none), so that long clips do not dominate.
    """

    total: int
    right: int
    wrong: int
    none: int
    by_clip: tuple[float, float, float]


class Rejection(msgspec.Struct, frozen=True):
    """Windows of the clips with unknown classes, and how many of them end without a confident action."""

    clips: int
    windows: int
    none: int


class ClipResult(msgspec.Struct, frozen=True):
    """Result of one clip.

    Attributes:
        file: Its path as given.
        said: Its class as written in the index, or in the name of the file or folder.
        label: The model's label for it; None if the model does not have the class.
        status: "known", "unknown" or "failed".
        right: Whether the best label is the true one; None if that is undefined.
        best: The three best labels with their mean scores.
        windows: Number of windows scored.
        shown: Number of windows by readout: [right, wrong, none].
        note: What is wrong with the file, or why it failed.
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
    """Confusion matrix: clips by true class (rows) and prediction (columns), for the labels that occur."""

    labels: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]


class Results(msgspec.Struct, frozen=True, kw_only=True):
    """The content of `results.json`. Metrics are None if no clip has a class that the model has.

    Attributes:
        schema: Version of this format.
        model: Name of the model, which is that of its folder.
        precision: Precision of the model.
        trained: False if its weights are random.
        device: The device that ran it, with its vendor's name.
        threshold: Score from which a label is shown.
        step_s: Seconds from window to window.
        composite: Whether black pixels were replaced by a painted background.
        made_with: Versions of programs, and the machine.
        infer_ms: Median time of an inference on that machine.
        top1: Known clips whose best label is the true one; a clip's scores are the mean over its windows.
        top3: Known clips whose true label is among the best three.
        mean_ap: Mean average precision over the labels that are right for a clip; only for models that give several
            answers at once. A clip's scores are the maximum over its windows.
        average_precisions: Label -> its average precision; likewise.
        calibration_clips: Calibration of the clips' best scores.
        calibration_windows: Calibration of the windows' best scores, before smoothing.
        shown: Windows of known clips by readout.
        rejection: Windows of unknown clips by readout; None if there are none.
        confusion: Confusion matrix of the clips.
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
    mean_ap: float | None = None
    average_precisions: dict[str, float] = {}

    @property
    def failed(self) -> tuple[ClipResult, ...]:
        """The clips that could not be measured."""
        return tuple(clip for clip in self.clips if clip.status == "failed")


def summarize(
    outcomes: Outcomes, model: Model, device: str, threshold: float, step_s: float, *, composite: bool
) -> Results:
    """Summarize the measurements.

    Raises:
        EvaluationError: Nothing was measured.
    """
    scored = (*outcomes.known, *outcomes.unknown)
    if not scored:
        raise EvaluationError(_nothing(outcomes.failed))
    known, ranks = outcomes.known, outcomes.ranks
    total = len(known)
    precisions = outcomes.average_precisions if model.spec.several and total else {}
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
        mean_ap=float(np.mean(list(precisions.values()))) if precisions else None,
        average_precisions={label: round(value, 4) for label, value in precisions.items()},
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
    failed = [
        ClipResult(encodable(str(f.clip.path)), encodable(f.clip.said), f.clip.label, "failed", note=f.reason)
        for f in outcomes.failed
    ]
    return (*known, *unknown, *failed)


def _clip(scored: Scored, labels: Sequence[str], right: bool | None) -> ClipResult:
    mean = scored.mean
    order = np.argsort(-mean, kind="stable")[:3]
    return ClipResult(
        file=encodable(str(scored.clip.path)),
        said=encodable(scored.clip.said),
        label=scored.clip.label,
        status="unknown" if right is None else "known",
        right=right,
        best=tuple((labels[i], round(float(mean[i]), 4)) for i in order),
        windows=len(scored.windows),
        shown=(scored.shown.right, scored.shown.wrong, scored.shown.none),
        note=scored.note,
    )


def write(results: Results, folder: Path) -> None:
    """Write `results.json` and `clips.csv` into a folder, which is created if necessary.

    Raises:
        EvaluationError: They cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        data = msgspec.json.format(msgspec.json.encode(results, enc_hook=as_text), indent=1) + b"\n"
        files.write_bytes(folder / RESULTS_FILE, data)
        with files.atomic(folder / CLIPS_FILE) as part:
            _write_clips(results.clips, part)
    except OSError as error:
        raise EvaluationError(f"The results cannot be written into {folder}: {error.strerror or error}.") from error


def is_results(path: Path) -> bool:
    """Return whether a file is the `results.json` of an evaluation."""
    try:
        read(path)
    except EvaluationError:
        return False
    return True


def read(path: Path) -> Results:
    """Read a `results.json`.

    Raises:
        EvaluationError: It is not one, or has another version.
    """
    try:
        return msgspec.json.decode(files.read_bytes(path, _LARGEST), type=Results)
    except (OSError, msgspec.DecodeError) as error:
        raise EvaluationError(f"{path} holds no results of an evaluation: {error}.") from error


def figures(found: Results, data_set: str) -> tuple[Accuracy, ...]:
    """Return the results in the form of a model's description; none if no clip has a class that the model has."""
    if found.top1 is None or found.top3 is None or found.calibration_clips is None:
        return ()
    if found.mean_ap is not None:
        note = f"{found.top1.total} clips, {len(found.average_precisions)} labels, maximum over the windows"
        return (Accuracy(data_set, "mAP", round(100 * found.mean_ap, 1), origin="measured", note=note),)
    note = f"{found.top1.total} clips, windows averaged; calibration error {found.calibration_clips.error:.2f}"
    return tuple(
        Accuracy(data_set, metric, round(100 * share.share, 1), origin="measured", note=note)
        for metric, share in (("top-1", found.top1), ("top-3", found.top3))
    )


def record(found: Results, data_set: str, model: Model) -> None:
    """Write the accuracy into a model's `model.json`, replacing earlier values for the same data set.

    Raises:
        EvaluationError: It cannot be written.
    """
    others = [a for a in model.spec.accuracy if (a.dataset, a.origin) != (data_set, "measured")]
    spec = msgspec.structs.replace(model.spec, accuracy=(*others, *figures(found, data_set)))
    path = model.folder / SPEC_FILE
    try:
        files.write_bytes(path, encode(spec))
    except OSError as error:
        raise EvaluationError(f"The figures cannot be written into {path}: {error.strerror or error}.") from error


def _write_clips(clips: Sequence[ClipResult], path: Path) -> None:
    best = [column for place in ("first", "second", "third") for column in (place, f"{place}_score")]
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        shown = ("shown_right", "shown_wrong", "shown_none")
        rows.writerow([*CLIPS_COLUMNS, *best, "windows", *shown, "note"])
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
