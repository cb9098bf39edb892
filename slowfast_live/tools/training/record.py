"""What is written beside a trained model: how it came about and what it does on clips that it never saw."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from slowfast_live import __version__
from slowfast_live.tools.evaluation import plots
from slowfast_live.tools.evaluation.metrics import F64, I64, confusion, rank_of, reliability
from slowfast_live.tools.evaluation.results import Bins, Confusion, Share
from slowfast_live.tools.training.train import Point

FOLDER = "training"
RECORD_FILE, CURVE_FILE, CURVE_PICTURE = "record.json", "curve.csv", "curve.png"

_PACKAGES = ("torch", "numpy", "numba", "opencv-python-headless", "openvino", "nncf")


class Operation(msgspec.Struct, frozen=True):
    """What a threshold does to single windows.

    Attributes:
        threshold: Score from which a label is shown.
        right: Share of the clips of known actions that show the right label.
        wrong: Share of them that show another.
        false_alarms: Share of the clips of something else that show a label.
    """

    threshold: float
    right: float
    wrong: float
    false_alarms: float


class HeldOut(msgspec.Struct, frozen=True):
    """Figures on rendered clips that nothing was trained on, fitted to or chosen by."""

    clips: int
    top1: Share
    top3: Share
    calibration: Bins
    operation: Operation
    confusion: Confusion


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """The content of `record.json`.

    Attributes:
        schema: Version of this format.
        config: All numbers of the training, with its seeds.
        versions: Of the programs.
        device: What it was trained on.
        processes: In how many processes.
        steps: Updates done.
        minutes: Wall clock.
        training_clips: How many of each class were trained on.
        recordings: How many motion-capture recordings of each action some of the clips move as.
        surfaces: Whether people have a human surface; else they are made of rounded cones.
        clothes: Whether they wear MakeHuman's clothes.
        panoramas: How many photographs were used as background and light.
        fitted_on: Rendered clips, held out, that temperature and threshold were fitted on.
        temperature: The scores were divided by it.
        threshold_rule: How the threshold was chosen.
        fitted: What the threshold does on the clips that it was chosen on.
        held_out: What the model, in its own precision, does on the other half.
        parity: How far OpenVINO is from torch.
    """

    schema: Literal[1] = 1
    config: dict[str, Any]
    versions: dict[str, str]
    device: str
    processes: int
    steps: int
    minutes: float
    training_clips: dict[str, int]
    fitted_on: int
    temperature: float
    threshold_rule: str
    fitted: Operation
    held_out: HeldOut
    parity: dict[str, Any]
    recordings: dict[str, int] = {}
    surfaces: bool = False
    clothes: bool = False
    panoramas: int = 0


def versions() -> dict[str, str]:
    """Return the versions of what training depends on."""
    return {"slowfast-live": __version__} | {name: metadata.version(name) for name in _PACKAGES}


def operate(probabilities: F64, labels: I64, reject: int, threshold: float) -> Operation:
    """Return what a threshold does.

    Args:
        probabilities: (N, K).
        labels: (N,).
        reject: Index of the label that shows nothing.
        threshold: 0..1.
    """
    best, score = probabilities.argmax(1), probabilities.max(1)
    shown = (best != reject) & (score >= threshold)
    known = labels != reject
    hits = shown & (best == labels)
    return Operation(threshold, _mean(hits[known]), _mean((shown & ~hits)[known]), _mean(shown[~known]))


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if values.size else 0.0


def measure(probabilities: F64, labels: I64, names: Sequence[str], reject: int, threshold: float) -> HeldOut:
    """Return the figures of probabilities (N, K) against labels (N,)."""
    ranks = np.array([rank_of(row, int(label)) for row, label in zip(probabilities, labels, strict=True)])
    counts = confusion(labels, probabilities.argmax(1).astype(np.int64), len(names))
    return HeldOut(
        clips=len(labels),
        top1=Share.of(int((ranks < 1).sum()), len(labels)),
        top3=Share.of(int((ranks < 3).sum()), len(labels)),
        calibration=Bins.of(reliability(probabilities.max(1), ranks == 0)),
        operation=operate(probabilities, labels, reject, threshold),
        confusion=Confusion(tuple(names), tuple(tuple(map(int, row)) for row in counts)),
    )


def write(record: Record, curve: Sequence[Point], title: str, folder: Path) -> None:
    """Write the record, the curve and pictures of the curve and the confusions into a model folder's `training/`."""
    inside = folder / FOLDER
    inside.mkdir(parents=True, exist_ok=True)
    (inside / RECORD_FILE).write_bytes(msgspec.json.format(msgspec.json.encode(record), indent=1) + b"\n")
    with (inside / CURVE_FILE).open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(Point._fields)
        rows.writerows([point.step, *(round(value, 4) for value in point[1:])] for point in curve)
    draw_curve(curve, title).savefig(inside / CURVE_PICTURE, dpi=120)
    plots.confusion(record.held_out.confusion, f"{title}, held out").savefig(inside / plots.CONFUSION_FILE, dpi=120)


def read(path: Path) -> Record:
    """Read a `record.json`."""
    return msgspec.json.decode(path.read_bytes(), type=Record)


def draw_curve(curve: Sequence[Point], title: str) -> Figure:
    """Draw loss and accuracies over the updates."""
    figure = Figure(figsize=(8, 4.6), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    steps = [point.step for point in curve]
    axes.plot(steps, [point.accuracy for point in curve], color="#8894a0", marker=".", label="accuracy, training clips")
    axes.plot(steps, [point.held_out for point in curve], color="#2f6db3", marker=".", label="accuracy, held out")
    axes.set(xlabel="update", ylabel="accuracy", ylim=(0, 1), title=title)
    axes.spines[["top"]].set_visible(False)
    losses = axes.twinx()
    losses.plot(steps, [point.loss for point in curve], color="#e08a1e", marker=".", label="loss (right scale)")
    losses.set(ylabel="loss", ylim=(0, None))
    losses.spines[["top"]].set_visible(False)
    lines = [*axes.get_lines(), *losses.get_lines()]
    figure.legend(lines, [str(line.get_label()) for line in lines], loc="outside lower center", ncols=3, frameon=False)
    return figure
