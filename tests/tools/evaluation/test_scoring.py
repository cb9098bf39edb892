from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from slowfast_live.core.framing import CenterCrop
from slowfast_live.core.sampling import ClipTiming
from slowfast_live.errors import ModelError, SourceError
from slowfast_live.tools.evaluation.classes import LabeledClip
from slowfast_live.tools.evaluation.scoring import Evaluator, Shown, windows

from .made import BRIGHT, DARK, GRAY, brightness_spec, video

TIMING = ClipTiming(4, 1, 10.0)


def by_brightness(pictures: Sequence[np.ndarray]) -> tuple[np.ndarray, float]:
    level = np.mean(pictures) / 255
    best = 1 if level > 0.75 else 0 if level < 0.25 else 2
    return np.array([0.9 if k == best else 0.05 for k in range(3)], np.float32), 1.0


def levels(path: Path, step_s: float) -> list[list[int]]:
    return [
        [round(float(p.mean()), -1) for p in pictures]
        for pictures, _, _ in windows(path, TIMING, CenterCrop(16), step_s)
    ]


def test_windows_follow_the_step_and_hold_the_newest_pictures(tmp_path: Path) -> None:
    path = video(tmp_path / "v.mp4", *range(40, 240, 20), frames=1)
    ends = [t for _, t, _ in windows(path, TIMING, CenterCrop(16), 0.2)]
    assert ends == pytest.approx([0.3, 0.5, 0.7, 0.9])
    assert levels(path, 0.2)[0] == [40, 60, 80, 100] and levels(path, 0.2)[-1] == [160, 180, 200, 220]


def test_a_step_longer_than_the_video_gives_one_window(tmp_path: Path) -> None:
    assert len(levels(video(tmp_path / "v.mp4", GRAY), 50)) == 1


def test_a_video_shorter_than_a_window_gives_one_and_says_so(tmp_path: Path) -> None:
    path = video(tmp_path / "v.mp4", 40, 200, frames=1)
    assert levels(path, 0.2) == [[40, 40, 40, 200]]
    (_, _, note), *_ = windows(path, TIMING, CenterCrop(16), 0.2)
    assert "shorter than a window of 0.3 s" in note


def test_what_is_no_video_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.mp4").write_bytes(b"no video")
    with pytest.raises(SourceError, match=r"x\.mp4"):
        levels(tmp_path / "x.mp4", 1)


def evaluator(threshold: float | None = None) -> Evaluator:
    return Evaluator(by_brightness, brightness_spec(), threshold, 0.5)


def test_clips_are_sorted_into_known_unknown_and_failed(tmp_path: Path) -> None:
    (tmp_path / "bad.mp4").write_bytes(b"no video")
    clips = [
        LabeledClip(video(tmp_path / "a.mp4", DARK), "dark", "dark room"),
        LabeledClip(tmp_path / "bad.mp4", "dark", "dark room"),
        LabeledClip(video(tmp_path / "b.mp4", DARK), "bright", "bright room"),
        LabeledClip(video(tmp_path / "c.mp4", GRAY), "archery", None),
        LabeledClip(tmp_path / "gone.mp4", "dark", "dark room"),
    ]
    seen: list[int] = []
    found = evaluator().run(clips, progress=lambda index, clip: seen.append(index))
    assert [s.clip.path.stem for s in found.known] == ["a", "b"] and found.ranks[0] == 0 and found.ranks[1] > 0
    assert [s.clip.path.stem for s in found.unknown] == ["c"]
    assert [f.clip.path.stem for f in found.failed] == ["bad", "gone"] and "gone.mp4" in found.failed[1].reason
    assert seen == [0, 1, 2, 3, 4]
    assert found.known[0].mean == pytest.approx([0.9, 0.05, 0.05], abs=1e-6)


def test_readouts_are_right_wrong_or_none(tmp_path: Path) -> None:
    path = video(tmp_path / "v.mp4", DARK)
    right = evaluator().score(LabeledClip(path, "", "dark room")).shown
    assert right.right == right.total > 1
    assert evaluator().score(LabeledClip(path, "", "bright room")).shown.wrong == right.total
    assert evaluator().score(LabeledClip(path, "", None)).shown.wrong == right.total
    assert evaluator(threshold=0.95).score(LabeledClip(path, "", "dark room")).shown == Shown(none=right.total)


def test_a_label_that_rejects_shows_nothing(tmp_path: Path) -> None:
    path = video(tmp_path / "v.mp4", GRAY)
    unknown = evaluator().score(LabeledClip(path, "", None)).shown
    assert unknown.none == unknown.total
    assert evaluator().score(LabeledClip(path, "", "something else")).shown.right == unknown.total


def test_readouts_are_smoothed_as_in_the_app(tmp_path: Path) -> None:
    """After a change the new label needs a few windows, though each window alone is sure of it."""
    scored = evaluator().score(LabeledClip(video(tmp_path / "v.mp4", DARK, BRIGHT), "", "bright room"))
    at_once = int((scored.windows.argmax(1) == 1).sum())
    assert 0 < scored.shown.right < at_once


def test_pictures_can_be_changed_before_they_are_framed(tmp_path: Path) -> None:
    clip = LabeledClip(video(tmp_path / "v.mp4", DARK), "", "bright room")
    found = evaluator().run([clip], retouch=lambda clip: lambda image: np.full_like(image, 250))
    assert found.ranks[0] == 0


def test_a_model_that_fails_ends_the_measurement(tmp_path: Path) -> None:
    def broken(pictures: Sequence[np.ndarray]) -> tuple[np.ndarray, float]:
        raise ModelError("it broke")

    with pytest.raises(ModelError, match="it broke"):
        Evaluator(broken, brightness_spec()).run([LabeledClip(video(tmp_path / "v.mp4", DARK), "", "dark room")])
