"""The forms of output that person detectors have, and how each is decoded into boxes.

Sources: YOLOX: Megvii-BaseDetection/YOLOX, demo/ONNXRuntime. SSD and boxes with labels: openvinotoolkit/
open_model_zoo, models/intel/person-detection-*. Anchors: google-ai-edge/mediapipe,
modules/objectron/object_detection_oid_v4_cpu.pbtxt.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

import cv2
import numpy as np

from slowfast_live.errors import ModelError
from slowfast_live.messages import Message
from slowfast_live.people.boxes import Detections, cleaned
from slowfast_live.types import F32, U8

YOLOX_STRIDES = (8, 16, 32)
_PAD = 114
_ANCHOR_SCALES = (10.0, 10.0, 5.0, 5.0)
_MAPS = (19, 10, 5, 3, 2, 1)
"""Sides of the feature maps of an SSD of 300 x 300 pixels."""


class DetectorFormat(Enum):
    """What the outputs of a detector mean."""

    YOLOX = "yolox"
    """(1, N, 5 + C): x, y, log w, log h relative to a grid cell, objectness, C class scores."""
    SSD = "ssd"
    """(1, 1, N, 7): picture, label, score, x1, y1, x2, y2 in shares; duplicates are suppressed inside."""
    BOXES = "boxes"
    """`boxes` (N, 5): x1, y1, x2, y2 in pixels of the input, score; `labels` (N,); suppressed inside."""
    ANCHORS = "anchors"
    """(1, 1917, 4) offsets from anchors and (1, 1917, C) logits of an SSD of 300 x 300 pixels."""


@dataclass(frozen=True, slots=True)
class Fit:
    """How a picture was fitted into the input of a network.

    Attributes:
        width: Width of the picture in the input, in shares of the input.
        height: Its height, likewise. What remains at the right and below is padding.
    """

    width: float = 1.0
    height: float = 1.0

    def undo(self, boxes: F32) -> F32:
        """Return boxes (N, 4) in shares of the input as shares of the picture."""
        return np.asarray(boxes / np.array([self.width, self.height, self.width, self.height], np.float32), np.float32)


def fitted(image: U8, height: int, width: int, *, letterbox: bool, out: U8) -> Fit:
    """Write a picture, uint8 (H, W, 3), into the input of a network, uint8 (height, width, 3).

    Args:
        image: The picture.
        height: Of the input, in pixels.
        width: Of the input.
        letterbox: Keep the aspect ratio and pad at the right and below with gray; otherwise the picture is stretched.
        out: The input; overwritten completely.
    """
    if not letterbox:
        cv2.resize(image, (width, height), dst=out, interpolation=cv2.INTER_LINEAR)
        return Fit()
    scale = min(height / image.shape[0], width / image.shape[1])
    new_width = min(width, max(1, int(image.shape[1] * scale)))
    new_height = min(height, max(1, int(image.shape[0] * scale)))
    out[:] = _PAD
    out[:new_height, :new_width] = cv2.resize(image, (new_width, new_height), interpolation=cv2.INTER_LINEAR)
    return Fit(new_width / width, new_height / height)


def recognized_format(outputs: Mapping[str, Sequence[int]], height: int, width: int) -> DetectorFormat:
    """Return the format of a network, from the names and shapes of its outputs (-1 for a dynamic dimension).

    Raises:
        ModelError: It is none of the known ones.
    """
    shapes = list(outputs.values())
    if len(shapes) == 1 and len(shapes[0]) == 4 and shapes[0][-1] == 7:
        return DetectorFormat.SSD
    cells = sum(math.ceil(height / s) * math.ceil(width / s) for s in YOLOX_STRIDES)
    if len(shapes) == 1 and len(shapes[0]) == 3 and shapes[0][1] == cells and shapes[0][2] > 5:
        return DetectorFormat.YOLOX
    lasts = sorted(shape[-1] for shape in shapes if len(shape) == 3 and shape[1] == sum_of_anchors())
    if len(shapes) == 2 and len(lasts) == 2 and 4 in lasts:
        return DetectorFormat.ANCHORS
    if any(name == "boxes" and shape[-1] == 5 for name, shape in outputs.items()):
        return DetectorFormat.BOXES
    found = "; ".join(f"{name} {tuple(shape)}" for name, shape in outputs.items())
    raise ModelError(
        Message(
            "its outputs ({found}) are those of none of the detectors that can be used: YOLOX (1, {cells}, 5 + "
            "classes), SSD (1, 1, N, 7), Open Model Zoo's boxes (N, 5) with labels, or an SSD with {anchors} anchors",
            found=found,
            cells=cells,
            anchors=sum_of_anchors(),
        )
    )


def decode(
    form: DetectorFormat,
    outputs: Mapping[str, F32],
    *,
    size: tuple[int, int],
    person: int | None,
    fit: Fit,
    threshold: float,
    overlap: float,
) -> Detections:
    """Return the people in a network's outputs.

    Args:
        form: What the outputs mean.
        outputs: Name -> float32 array.
        size: Height and width of the network's input in pixels.
        person: Index of the class "person"; None if the network has only that one.
        fit: How the picture was fitted into the input.
        threshold: Lowest score that is returned.
        overlap: Intersection over union above which the weaker of two boxes is a duplicate.

    Raises:
        ModelError: The outputs are not usable.
    """
    if form is DetectorFormat.YOLOX:
        boxes, scores = _yolox(next(iter(outputs.values()))[0], size, person or 0)
    elif form is DetectorFormat.SSD:
        boxes, scores = _ssd(next(iter(outputs.values())).reshape(-1, 7), person)
    elif form is DetectorFormat.BOXES:
        boxes, scores = _boxes(outputs, size, person)
    else:
        boxes, scores = _anchored(outputs, person or 0)
    suppressed_inside = form in (DetectorFormat.SSD, DetectorFormat.BOXES)
    return cleaned(fit.undo(boxes), scores, threshold=threshold, overlap=None if suppressed_inside else overlap)


def _yolox(output: F32, size: tuple[int, int], person: int) -> tuple[F32, F32]:
    cells, strides = _yolox_cells(size)
    if output.shape[0] != len(cells) or output.shape[1] <= 5 + person:
        raise ModelError(
            Message(
                "it gives {boxes} boxes of {values} values, expected {count}",
                boxes=output.shape[0],
                values=output.shape[1],
                count=len(cells),
            )
        )
    centers = (output[:, :2] + cells) * strides
    with np.errstate(over="ignore"):  # an infinite box is found by `cleaned`
        sides = np.exp(output[:, 2:4]) * strides
    scale = np.array([size[1], size[0], size[1], size[0]], np.float32)
    boxes = np.concatenate([centers - sides / 2, centers + sides / 2], 1) / scale
    return np.asarray(boxes, np.float32), np.asarray(output[:, 4] * output[:, 5 + person], np.float32)


@lru_cache(maxsize=4)
def _yolox_cells(size: tuple[int, int]) -> tuple[F32, F32]:
    """Return the grid cell (N, 2) as x, y and the stride (N, 1) of each box of an input of (height, width)."""
    cells, strides = [], []
    for stride in YOLOX_STRIDES:
        rows, columns = size[0] // stride, size[1] // stride
        y, x = np.mgrid[:rows, :columns]
        cells.append(np.stack([x.ravel(), y.ravel()], 1))
        strides.append(np.full((rows * columns, 1), stride))
    return np.concatenate(cells).astype(np.float32), np.concatenate(strides).astype(np.float32)


def _ssd(rows: F32, person: int | None) -> tuple[F32, F32]:
    ends = np.flatnonzero(rows[:, 0] < 0)  # the list ends at the first row of picture -1
    rows = rows[: ends[0]] if len(ends) else rows
    if person is not None:
        rows = rows[rows[:, 1] == person]
    return rows[:, 3:7], rows[:, 2]


def _boxes(outputs: Mapping[str, F32], size: tuple[int, int], person: int | None) -> tuple[F32, F32]:
    boxes = outputs["boxes"].reshape(-1, 5)
    if person is not None and "labels" in outputs:
        boxes = boxes[outputs["labels"].reshape(-1)[: len(boxes)] == person]
    scale = np.array([size[1], size[0], size[1], size[0]], np.float32)
    return np.asarray(boxes[:, :4] / scale, np.float32), boxes[:, 4]


def _anchored(outputs: Mapping[str, F32], person: int) -> tuple[F32, F32]:
    arrays = [array[0] for array in outputs.values()]
    encodings, logits = sorted(arrays, key=lambda array: array.shape[-1])
    anchors = ssd_anchors()
    if encodings.shape != anchors.shape or logits.shape[1] <= person:
        raise ModelError(
            Message(
                "it gives boxes {boxes} and classes {classes} for {count} anchors",
                boxes=encodings.shape,
                classes=logits.shape,
                count=len(anchors),
            )
        )
    y, x, h, w = (encodings[:, i] / _ANCHOR_SCALES[i] for i in range(4))
    centers = np.stack([x * anchors[:, 2] + anchors[:, 0], y * anchors[:, 3] + anchors[:, 1]], 1)
    with np.errstate(over="ignore"):
        sides = np.stack([np.exp(w) * anchors[:, 2], np.exp(h) * anchors[:, 3]], 1)
        scores = 1 / (1 + np.exp(-logits[:, person]))
    boxes = np.concatenate([centers - sides / 2, centers + sides / 2], 1)
    return np.asarray(boxes, np.float32), np.asarray(scores, np.float32)


def sum_of_anchors() -> int:
    """Return the number of anchors of an SSD of 300 x 300 pixels."""
    return sum(side * side * (3 if index == 0 else 6) for index, side in enumerate(_MAPS))


@lru_cache(maxsize=1)
def ssd_anchors() -> F32:
    """Return the anchors of an SSD of 300 x 300 pixels, float32 (1917, 4): center x, y, width, height in shares."""
    scales = [0.2 + 0.75 * i / 5 for i in range(6)] + [1.0]
    rows = []
    for index, side in enumerate(_MAPS):
        if index == 0:
            shapes = [(0.1, 1.0), (scales[0], 2.0), (scales[0], 0.5)]
        else:
            shapes = [(scales[index], ratio) for ratio in (1.0, 2.0, 0.5, 3.0, 1 / 3)]
            shapes.append((math.sqrt(scales[index] * scales[index + 1]), 1.0))
        for y in range(side):
            for x in range(side):
                for scale, ratio in shapes:
                    root = math.sqrt(ratio)
                    rows.append(((x + 0.5) / side, (y + 0.5) / side, scale * root, scale / root))
    return np.array(rows, np.float32)
