from __future__ import annotations

import numpy as np
import pytest

from slowfast_live.errors import ModelError
from slowfast_live.people.boxes import MOST_PEOPLE, Detections, cleaned, iou, suppress


def test_overlap_of_known_boxes() -> None:
    first = np.array([[0, 0, 0.5, 0.5], [0.5, 0.5, 1, 1]], np.float32)
    second = np.array([[0.25, 0, 0.75, 0.5], [0.6, 0.6, 0.6, 0.9]], np.float32)
    assert iou(first, second) == pytest.approx(np.array([[1 / 3, 0], [0, 0]]))


def test_of_two_boxes_on_one_person_the_better_one_remains() -> None:
    boxes = np.array([[0.1, 0.1, 0.3, 0.9], [0.11, 0.1, 0.31, 0.9], [0.6, 0.1, 0.8, 0.9]], np.float32)
    assert suppress(boxes, np.array([0.6, 0.8, 0.5], np.float32), 0.5).tolist() == [1, 2]


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("where", ["boxes", "scores"])
def test_values_that_are_no_numbers_are_an_error_and_no_boxes(value: float, where: str) -> None:
    boxes, scores = np.full((3, 4), 0.5, np.float32), np.full(3, 0.9, np.float32)
    (boxes if where == "boxes" else scores)[1] = value
    with pytest.raises(ModelError, match="not a number"):
        cleaned(boxes, scores, threshold=0.5, overlap=0.5)


def test_boxes_of_an_overflow_are_an_error() -> None:
    with pytest.raises(ModelError, match="far outside"):
        cleaned(np.array([[0, 0, 1e9, 1]], np.float32), np.array([0.9], np.float32), threshold=0.5, overlap=0.5)


def test_a_thousand_boxes_become_the_best_ones() -> None:
    rng = np.random.default_rng(0)
    low = rng.uniform(0, 0.9, (1000, 2))
    boxes = np.concatenate([low, low + 0.01], 1).astype(np.float32)
    scores = rng.uniform(0.5, 1, 1000).astype(np.float32)
    found = cleaned(boxes, scores, threshold=0.5, overlap=0.9)
    assert len(found) == MOST_PEOPLE
    assert found.scores.tolist() == sorted(scores.tolist(), reverse=True)[:MOST_PEOPLE]


def test_boxes_are_clipped_to_the_picture_and_specks_dropped() -> None:
    boxes = np.array([[-0.2, 0.5, 1.3, 1.4], [0.5, 0.5, 0.5005, 0.9]], np.float32)
    found = cleaned(boxes, np.array([0.7, 0.9], np.float32), threshold=0.5, overlap=0.5)
    assert found.boxes.tolist() == [[0, 0.5, 1, 1]]


def test_nobody_is_an_empty_detection() -> None:
    assert len(Detections.none()) == 0
    assert len(cleaned(np.empty((0, 4), np.float32), np.empty(0, np.float32), threshold=0.5, overlap=0.5)) == 0
