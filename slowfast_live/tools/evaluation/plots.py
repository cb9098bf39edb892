"""Plots of an evaluation as PNG: confusion matrix and reliability diagrams."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

from slowfast_live import files
from slowfast_live.tools.evaluation.results import Bins, Confusion, EvaluationError, Results

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CONFUSION_FILE, RELIABILITY_FILE = "confusion.png", "reliability.png"

MARK = "slowfast-live evaluate"
"""Marker in the metadata of each plot: files with it may be overwritten."""
_DPI = 120
_MAX_NUMBERED = 40
"""With more classes than this, the numbers in the cells would be unreadable."""
_BLUE, _SURPLUS, _GAP, _INK, _QUIET = "#2f6db3", "#9cc3ea", "#e08a1e", "#1c2733", "#8894a0"


def draw(results: Results, folder: Path) -> tuple[Path, ...]:
    """Draw the plots of results into a folder; none if no clip has a class that the model has.

    Raises:
        EvaluationError: They cannot be written.
    """
    if results.confusion is None or results.calibration_clips is None or results.calibration_windows is None:
        return ()
    paths = folder / CONFUSION_FILE, folder / RELIABILITY_FILE
    try:
        save(confusion(results.confusion, results.model), paths[0])
        save(reliability(results.calibration_clips, results.calibration_windows, results.model), paths[1])
    except OSError as error:
        raise EvaluationError(f"The pictures cannot be written into {folder}: {error.strerror or error}.") from error
    return paths


def save(figure: Figure, path: Path) -> None:
    """Write a figure as PNG atomically, with the program's name in its metadata.

    Raises:
        OSError: It cannot be written.
    """
    with files.atomic(path) as part:
        figure.savefig(part, format="png", dpi=_DPI, metadata={"Software": MARK})


def confusion(found: Confusion, model: str) -> Figure:
    """Draw the confusion matrix of clips: rows are true classes, columns predictions; color is the share of the row."""
    counts = np.array(found.counts)
    classes = len(found.labels)
    numbered = classes <= _MAX_NUMBERED
    inches = 3.2 + (0.42 if numbered else 0.16) * classes
    figure = Figure(figsize=(inches, inches), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    share = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
    size = 10 if numbered else 5
    axes.set_xticks(range(classes), found.labels, rotation=90 if classes > 12 else 45, fontsize=size)
    for tick in axes.get_xticklabels():
        tick.set_horizontalalignment("center" if classes > 12 else "right")
        tick.set_rotation_mode("default" if classes > 12 else "anchor")
    axes.set_yticks(range(classes), found.labels, fontsize=size)
    axes.set_xticks(np.arange(classes + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(classes + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="#e3e8ee", linewidth=0.6)
    axes.tick_params(which="both", length=0)
    axes.set_xlabel("the model says", color=_INK)
    axes.set_ylabel("is done", color=_INK)
    axes.set_title(f"{model}: {int(counts.trace())} of {int(counts.sum())} clips right", fontsize=11, color=_INK)
    if numbered:
        for row, column in zip(*np.nonzero(counts), strict=True):
            color = "white" if share[row, column] > 0.55 else _INK
            text = str(counts[row, column])
            axes.text(column, row, text, ha="center", va="center", color=color, fontsize=9)
    return figure


def reliability(clips: Bins, windows: Bins, model: str) -> Figure:
    """Draw accuracy against confidence, for clips and for windows (Guo et al. 2017)."""
    figure = Figure(figsize=(9.6, 5.6), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(f"{model}: how sure, and how often right", fontsize=12, color=_INK)
    grid = figure.subplots(2, 2, sharex=True, height_ratios=(4, 1))
    for column, (name, bins) in enumerate((("clips", clips), ("windows", windows))):
        _diagram(grid[0, column], bins, name)
        _histogram(grid[1, column], bins, name)
    grid[0, 0].set_ylabel("share that is right")
    grid[0, 0].legend(loc="upper left", fontsize=8, frameon=False)
    return figure


def _edges(bins: Bins) -> tuple[np.ndarray, float]:
    width = 1 / len(bins.counts)
    return np.arange(len(bins.counts)) * width, width


def _diagram(axes: Axes, bins: Bins, name: str) -> None:
    left, width = _edges(bins)
    used = np.array(bins.counts) > 0
    accuracy = np.array([0.0 if x is None else x for x in bins.accuracy])[used]
    confidence = np.array([0.0 if x is None else x for x in bins.confidence])[used]
    middle, width = (left + width / 2)[used], width * 0.92
    lower = np.minimum(accuracy, confidence)
    axes.bar(middle, lower, width, color=_BLUE, label="right")
    axes.bar(middle, accuracy - lower, width, lower, color=_SURPLUS, label="right, beyond the score")
    short = confidence > accuracy
    missing = (confidence - lower)[short]
    lacking = axes.bar(middle[short], missing, width, lower[short], label="wrong, though as sure as this")
    for bar in lacking:
        bar.set(facecolor=to_rgba(_GAP, 0.35), edgecolor=_GAP, hatch="///")
    axes.plot((0, 1), (0, 1), color=_QUIET, linewidth=1, linestyle="--", label="perfectly calibrated")
    axes.set(xlim=(0, 1), ylim=(0, 1.02))
    axes.set_title(f"{sum(bins.counts)} {name}, calibration error {bins.error:.3f}", fontsize=10, color=_INK)
    axes.spines[["top", "right"]].set_visible(False)


def _histogram(axes: Axes, bins: Bins, name: str) -> None:
    left, width = _edges(bins)
    axes.bar(left + width / 2, bins.counts, width=width * 0.92, color=_QUIET)
    axes.set_xlabel("score of the best label")
    axes.set_ylabel(name)
    axes.margins(y=0.15)
    axes.spines[["top", "right"]].set_visible(False)
