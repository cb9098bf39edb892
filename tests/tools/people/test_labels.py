"""Measuring each person's own label: what counts as right, none and wrong, and who does what."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from slowfast_live.errors import UsageError
from slowfast_live.inference.spec import Registry
from slowfast_live.people.boxes import Detections
from slowfast_live.tools.people.command import main
from slowfast_live.tools.people.labels import LabelCount, LabelMeasure, cast
from slowfast_live.tools.training.staged import StagedFrame, StagedVideo, side_by_side
from slowfast_live.types import F32, U8


class Truth:
    """A detector that knows where people are."""

    title, found = "truth", 0.5

    def __init__(self, frames: list[StagedFrame]) -> None:
        self._boxes = {round(frame.t_s, 3): frame.boxes for frame in frames}

    def detect(self, image: U8, t_s: float) -> Detections:
        boxes = self._boxes[round(t_s, 3)]
        there = boxes[np.isfinite(boxes).all(1)]
        return Detections(there, np.full(len(there), 0.9, np.float32))

    def reset(self) -> None:
        pass


class Played:
    """A staged video that was rendered before."""

    def __init__(self, video: StagedVideo, frames: list[StagedFrame]) -> None:
        self.parts, self._frames = video.parts, frames

    def frames(self) -> list[StagedFrame]:
        return self._frames


def test_right_none_and_wrong_are_told_apart() -> None:
    count = LabelCount()
    for shown in ("squat", "squat", None, "lunge"):
        count.add("squat", shown)
    assert (count.right, count.none, dict(count.wrong), count.total, count.share) == (
        2, 1, {("squat", "lunge"): 1}, 4, 0.5,
    )  # fmt: skip


def test_actions_come_up_equally_often_and_never_twice_in_a_video() -> None:
    labels = [f"action {i}" for i in range(18)]
    casts = cast(labels, 12, 0)
    assert [len(one) for one in casts] == [2, 3, 4] * 4
    assert all(len(set(one)) == len(one) for one in casts)
    assert set(Counter(label for one in casts for label in one).values()) == {2}
    assert casts == cast(labels, 12, 0) != cast(labels, 12, 1)


def test_two_people_are_measured_each_by_their_own_action() -> None:
    """A model that always says the action of the first person is right for one of two."""
    spec = Registry().find("slowfast_demo-int8").spec
    video = side_by_side(("squat", "clapping"), 1, seconds=3.2, fps=10.0)
    frames = list(video.frames())

    def always_squat(fill: object) -> tuple[F32, float]:
        clip = np.zeros(spec.input_shape[1:], np.uint8)
        fill(clip)  # type: ignore[operator]
        assert clip.any()
        probs = np.full(len(spec.labels), 0.01, np.float32)
        probs[spec.labels.index("squat")] = 0.9
        return probs, 1.0

    measure = LabelMeasure(always_squat, spec, Truth(frames))
    measure.take(Played(video, frames))  # type: ignore[arg-type]
    score = measure.score
    assert score.shown.total == score.true_boxes.total == score.first_guess.total > 0
    assert score.shown.right == score.shown.wrong["clapping", "squat"] == score.by_action["squat"].total
    assert score.unfollowed == score.tracks.switches == 0


def test_nothing_to_measure_is_misuse() -> None:
    with pytest.raises(UsageError, match="--acting"):
        main([])
