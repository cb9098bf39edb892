"""Clips with several right labels, and the mean average precision of a model that scores each label by itself."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from slowfast_live.inference.spec import Decision, Model
from slowfast_live.tools.evaluation.classes import LabeledClip, Synonyms, classify
from slowfast_live.tools.evaluation.metrics import average_precision
from slowfast_live.tools.evaluation.results import figures, summarize
from slowfast_live.tools.evaluation.scoring import Evaluator

from .made import BRIGHT, DARK, GRAY, brightness_spec, video

LABELS = ("dark room", "bright room", "something else")


@pytest.mark.parametrize(
    ("scores", "positive", "expected"),
    [
        ([0.9, 0.8, 0.1], [1, 1, 0], 1.0),
        ([0.9, 0.8, 0.1], [0, 0, 1], 1 / 3),
        ([0.9, 0.8, 0.7, 0.6], [1, 0, 1, 0], (1 + 2 / 3) / 2),
        ([0.5, 0.5, 0.5, 0.5], [1, 0, 0, 0], 0.25),
    ],
)
def test_average_precision(scores: list[float], positive: list[int], expected: float) -> None:
    assert average_precision(np.array(scores), np.array(positive, bool)) == pytest.approx(expected)


def test_without_positive_examples_there_is_none() -> None:
    assert np.isnan(average_precision(np.array([0.5]), np.array([False])))
    with pytest.raises(ValueError, match="expected two arrays"):
        average_precision(np.array([0.5]), np.array([True, False]))


def test_an_index_may_name_several_labels(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    index = {path.resolve(): "dark room; bright room;archery"}
    (clip,) = classify([path], LABELS, Synonyms([]), index=index)
    assert clip.label == "dark room" and clip.labels == {"dark room", "bright room"}
    index = {path.resolve(): "archery;juggling"}
    (clip,) = classify([path], LABELS, Synonyms([]), index=index)
    assert clip.label is None and clip.labels == frozenset()


def by_level(pictures: Sequence[np.ndarray]) -> tuple[np.ndarray, float]:
    level = float(np.mean(pictures)) / 255
    return np.array([1 - level, level, 0.6 if 0.25 < level < 0.75 else 0.1], np.float32), 1.0


def test_mean_average_precision_of_clips(tmp_path: Path) -> None:
    spec = brightness_spec(activation="sigmoid", decision=Decision(threshold=0.4))
    clips = [
        LabeledClip(video(tmp_path / "a.mp4", DARK), "dark", "dark room"),
        LabeledClip(video(tmp_path / "b.mp4", BRIGHT), "bright", "bright room"),
        LabeledClip(video(tmp_path / "c.mp4", GRAY), "both", "something else", ("bright room",)),
        LabeledClip(video(tmp_path / "d.mp4", DARK, BRIGHT), "swapped", "something else"),
    ]
    found = Evaluator(by_level, spec, None, 0.5).run(clips)
    precisions = found.average_precisions
    assert precisions["dark room"] == pytest.approx(0.5), "clip d is as dark for a while, and is no dark room"
    assert precisions["bright room"] == pytest.approx((1 / 2 + 2 / 3) / 2)
    assert precisions["something else"] == pytest.approx((1 + 2 / 4) / 2), "no window of d lies across the change"
    assert found.known[2].shown.right == found.known[2].shown.total, "one right label of several suffices"
    results = summarize(found, Model(tmp_path, spec), "CPU", 0.4, 0.5, composite=False)
    assert results.mean_ap == pytest.approx(np.mean(list(precisions.values())))
    (figure,) = figures(results, "mine")
    assert figure.metric == "mAP" and figure.value == pytest.approx(100 * results.mean_ap, abs=0.05)
    single = summarize(found, Model(tmp_path, brightness_spec()), "CPU", 0.4, 0.5, composite=False)
    assert single.mean_ap is None and [f.metric for f in figures(single, "mine")] == ["top-1", "top-3"]
