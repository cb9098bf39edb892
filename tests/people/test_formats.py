from __future__ import annotations

import numpy as np
import pytest

from slowfast_live.errors import ModelError
from slowfast_live.people.formats import DetectorFormat, Fit, decode, fitted, recognized_format, ssd_anchors
from slowfast_live.types import F32

BOX = (0.25, 0.125, 0.5, 0.875)


def _decoded(
    form: DetectorFormat, outputs: dict[str, F32], size: tuple[int, int], person: int | None = None
) -> list[list[float]]:
    found = decode(form, outputs, size=size, person=person, fit=Fit(), threshold=0.4, overlap=0.5)
    return [[*map(float, box), float(score)] for box, score in zip(found.boxes, found.scores, strict=True)]


def test_yolox_is_decoded_from_the_cell_of_its_grid() -> None:
    size, stride = (64, 128), 16
    cells = [(y, x, s) for s in (8, 16, 32) for y in range(size[0] // s) for x in range(size[1] // s)]
    output = np.zeros((1, len(cells), 85), np.float32)
    center = ((BOX[0] + BOX[2]) / 2 * size[1] / stride, (BOX[1] + BOX[3]) / 2 * size[0] / stride)
    index = cells.index((int(center[1]), int(center[0]), stride))
    sides = ((BOX[2] - BOX[0]) * size[1] / stride, (BOX[3] - BOX[1]) * size[0] / stride)
    output[0, index, :4] = (center[0] - int(center[0]), center[1] - int(center[1]), *np.log(sides))
    output[0, index, 4:6] = (0.9, 0.8)
    output[0, 3, 4], output[0, 3, 7] = 0.9, 0.9  # another class
    assert _decoded(DetectorFormat.YOLOX, {"output0": output}, size, 0) == [pytest.approx([*BOX, 0.72], abs=1e-5)]


def test_letterbox_is_undone() -> None:
    image = np.full((100, 200, 3), 9, np.uint8)
    canvas = np.empty((416, 416, 3), np.uint8)
    fit = fitted(image, 416, 416, letterbox=True, out=canvas)
    assert (canvas[:208] == 9).all() and (canvas[208:] == 114).all()
    assert fit.undo(np.array([[0, 0, 1, 0.5]], np.float32)).tolist() == [[0, 0, 1, 1]]


def test_ssd_rows_end_at_picture_minus_one() -> None:
    rows = np.zeros((1, 1, 200, 7), np.float32)
    rows[0, 0, :4] = [[0, 1, 0.9, *BOX], [0, 1, 0.3, 0, 0, 1, 1], [-1, 0, 0, 0, 0, 0, 0], [0, 1, 0.99, 0, 0, 1, 1]]
    assert _decoded(DetectorFormat.SSD, {"output0": rows}, (320, 544)) == [pytest.approx([*BOX, 0.9])]


def test_boxes_are_in_pixels_of_the_input() -> None:
    boxes = np.zeros((100, 5), np.float32)
    boxes[0] = (BOX[0] * 864, BOX[1] * 480, BOX[2] * 864, BOX[3] * 480, 0.8)
    outputs = {"boxes": boxes, "labels": np.zeros(100, np.float32)}
    assert _decoded(DetectorFormat.BOXES, outputs, (480, 864)) == [pytest.approx([*BOX, 0.8])]


def test_offsets_from_anchors() -> None:
    anchors = ssd_anchors()
    assert anchors.shape == (1917, 4)
    encodings, logits = np.zeros((1, 1917, 4), np.float32), np.full((1, 1917, 24), -9, np.float32)
    x, y, width, height = anchors[1500]
    center = ((BOX[0] + BOX[2]) / 2, (BOX[1] + BOX[3]) / 2)
    encodings[0, 1500] = (
        (center[1] - y) / height * 10,
        (center[0] - x) / width * 10,
        np.log((BOX[3] - BOX[1]) / height) * 5,
        np.log((BOX[2] - BOX[0]) / width) * 5,
    )
    logits[0, 1500, 4], logits[0, 7, 2] = 0.0, 9.0
    outputs = {"output0": encodings, "output1": logits}
    assert _decoded(DetectorFormat.ANCHORS, outputs, (300, 300), 4) == [pytest.approx([*BOX, 0.5], abs=1e-5)]


@pytest.mark.parametrize(
    ("outputs", "size", "form"),
    [
        ({"output0": (1, 3549, 85)}, (416, 416), DetectorFormat.YOLOX),
        ({"output0": (1, 1, 200, 7)}, (320, 544), DetectorFormat.SSD),
        ({"output0": (1, 1, -1, 7)}, (320, 544), DetectorFormat.SSD),
        ({"boxes": (100, 5), "labels": (100,)}, (480, 864), DetectorFormat.BOXES),
        ({"output0": (1, 1917, 4), "output1": (1, 1917, 24)}, (300, 300), DetectorFormat.ANCHORS),
    ],
)
def test_the_form_is_recognized(
    outputs: dict[str, tuple[int, ...]], size: tuple[int, int], form: DetectorFormat
) -> None:
    assert recognized_format(outputs, *size) is form


def test_an_unknown_form_is_named() -> None:
    with pytest.raises(ModelError, match=r"output0 \(1, 1000\).*YOLOX \(1, 3549"):
        recognized_format({"output0": (1, 1000)}, 416, 416)


def test_an_exponential_that_overflows_is_an_error() -> None:
    output = np.zeros((1, 84, 6), np.float32)
    output[0, 0] = (0, 0, 900, 900, 1, 1)
    with pytest.raises(ModelError, match=r"not a number|far outside"):
        _decoded(DetectorFormat.YOLOX, {"output0": output}, (64, 64), 0)
