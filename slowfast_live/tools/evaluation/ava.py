"""Frame mAP of AVA, the measure of the action detection challenge of ActivityNet, from files in its CSV form.

A row is `video, timestamp, x1, y1, x2, y2, action`, in the detections followed by a score; boxes are in shares of the
picture. Per action, detections of all key frames are ranked by score. One is right if the box with which it overlaps
most has an intersection over union of at least 0.5 and was not found before. AP is the area under the precision that is
reached at each recall or a higher one, and mAP its mean over the evaluated actions that occur.

Source: facebookresearch/SlowFast, slowfast/utils/ava_eval_helper.py and ava_evaluation/metrics.py.
"""

from __future__ import annotations

import csv
import math
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from slowfast_live.errors import UsageError
from slowfast_live.people.boxes import iou
from slowfast_live.tools.evaluation.metrics import F64
from slowfast_live.types import F32

SAME_FROM = 0.5
ACTIONS = 80
_LEFT_OUT = frozenset((2, 16, 18, 19, 21, 23, 25, 31, 32, 33, 35, 39, 40, 42, 44, 50, 53, 55, 71, 75))
EVALUATED = tuple(action for action in range(1, ACTIONS + 1) if action not in _LEFT_OUT)
"""The 60 of 80 actions that are evaluated; the others had too few examples."""

KeyFrame = tuple[str, str]
"""Video and timestamp."""


@dataclass(frozen=True, slots=True, eq=False)
class AvaRows:
    """Boxes of one action in one key frame.

    Attributes:
        boxes: float32 (N, 4), x1, y1, x2, y2 in shares of the picture.
        scores: float32 (N,); 1 in the ground truth.
    """

    boxes: F32
    scores: F32


Action = int | str
"""Number of an action in AVA's list, from 1; the label of another model."""
AvaFile = dict[Action, dict[KeyFrame, AvaRows]]
"""Action -> key frame -> boxes."""


@dataclass(frozen=True, slots=True)
class AvaScore:
    """The result.

    Attributes:
        mean: mAP, 0..1; NaN if none of the evaluated actions occurs.
        by_action: Action -> AP; only those that occur in the ground truth.
        key_frames: Number of key frames with ground truth.
    """

    mean: float
    by_action: dict[Action, float]
    key_frames: int


def read_rows(path: Path, *, scored: bool) -> AvaFile:
    """Read ground truth, or detections with a score.

    Raises:
        UsageError: The file cannot be read, or a row is not of this form; the message names it.
    """
    found: dict[Action, dict[KeyFrame, list[tuple[float, ...]]]] = defaultdict(lambda: defaultdict(list))
    try:
        with path.open(newline="", encoding="utf-8") as file:
            for number, row in enumerate(csv.reader(file), 1):
                if row:
                    action, key_frame, values = _parsed(row, scored, f"{path}, line {number}")
                    if action is not None:
                        found[action][key_frame].append(values)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}.") from error
    return {
        action: {
            key: AvaRows(np.array(rows, np.float32)[:, :4], np.array(rows, np.float32)[:, 4])
            for key, rows in frames.items()
        }
        for action, frames in found.items()
    }


def _parsed(row: list[str], scored: bool, where: str) -> tuple[Action | None, KeyFrame, tuple[float, ...]]:
    least = 8 if scored else 7
    if len(row) == 2 and not scored:
        return None, (row[0], row[1]), ()  # a key frame without anybody
    try:
        if len(row) < least:
            raise ValueError(f"{len(row)} values")
        x1, y1, x2, y2 = (float(value) for value in row[2:6])
        action, score = _action(row[6]), float(row[7]) if scored else 1.0
        known = bool(action) if isinstance(action, str) else 1 <= action <= ACTIONS
        if not (known and all(map(math.isfinite, (x1, y1, x2, y2, score)))):
            raise ValueError(f"action {action}")
    except ValueError as error:
        form = "video,timestamp,x1,y1,x2,y2,action" + (",score" if scored else "")
        raise UsageError(
            f"{where}: expected {form} with an action from 1 to {ACTIONS} or a label; found {error}."
        ) from error
    return action, (row[0], _timestamp(row[1])), (x1, y1, x2, y2, score)


def _action(text: str) -> Action:
    """Return the number of an action, or its label if it is no number."""
    try:
        return int(text)
    except ValueError:
        if set(text.strip()) <= set("+-.0123456789"):
            raise
        return text.strip()


def _timestamp(text: str) -> str:
    """Return a timestamp in one form: "902", "0902" and "902.0" mean the same second."""
    return f"{float(text):g}"


def frame_map(truth: AvaFile, found: AvaFile, actions: tuple[int, ...] = EVALUATED) -> AvaScore:
    """Return the frame mAP of detections.

    Args:
        truth: Ground truth.
        found: Detections.
        actions: The actions that are evaluated, beside all that are given by labels.
    """
    evaluated: list[Action] = [*actions, *sorted(action for action in truth if isinstance(action, str))]
    by_action = {
        action: average_precision(truth[action], found.get(action, {})) for action in evaluated if truth.get(action)
    }
    mean = float(np.mean(list(by_action.values()))) if by_action else math.nan
    return AvaScore(mean, by_action, len({key for frames in truth.values() for key in frames}))


def average_precision(truth: dict[KeyFrame, AvaRows], found: dict[KeyFrame, AvaRows]) -> float:
    """Return the AP of one action, 0..1."""
    scores: list[float] = []
    right: list[bool] = []
    for key_frame, rows in found.items():
        there = truth.get(key_frame)
        taken: set[int] = set()
        for index in np.argsort(-rows.scores, kind="stable"):
            hit = False
            if there is not None:
                overlap = iou(rows.boxes[index : index + 1], there.boxes)[0]
                best = int(overlap.argmax())
                hit = float(overlap[best]) >= SAME_FROM and best not in taken
                if hit:
                    taken.add(best)
            scores.append(float(rows.scores[index]))
            right.append(hit)
    if not scores:
        return 0.0
    order = np.argsort(-np.array(scores), kind="stable")
    hits = np.cumsum(np.array(right)[order])
    total = sum(len(rows.scores) for rows in truth.values())
    return _area(hits / total, hits / np.arange(1, len(hits) + 1))


def _area(recall: F64, precision: F64) -> float:
    recall = np.concatenate([[0.0], recall, [1.0]])
    precision = np.concatenate([[0.0], precision, [0.0]])
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    steps = np.flatnonzero(recall[1:] != recall[:-1]) + 1
    return float(np.sum((recall[steps] - recall[steps - 1]) * precision[steps]))
