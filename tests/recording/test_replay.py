"""The last seconds, in bounded memory."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from slowfast_live.errors import ExportError
from slowfast_live.export.coding import Effort
from slowfast_live.recording.replay import MOST_WAITING, Replay, compressed, save
from slowfast_live.types import Frame, Readout, ReadoutState
from tests.export.videos import needs_ffmpeg, numbers, picture_times
from tests.recording.frames import frame, large

WITHIN_S = 30.0


@pytest.fixture
def replay():
    made = Replay(span_s=2.0, limit_bytes=3_000_000)
    made.start()
    yield made
    assert made.stop(WITHIN_S)


def feed(replay: Replay, frames: list[Frame]) -> None:
    for each in frames:
        replay.offer(each)
        assert replay.settle(WITHIN_S)


@needs_ffmpeg
def test_the_last_seconds_are_saved(replay: Replay, tmp_path: Path) -> None:
    feed(replay, [frame(number) for number in range(150)])
    assert replay.held_s == pytest.approx(2.0, abs=0.05)
    path = save(replay.pictures(), tmp_path / "clip.mp4")
    kept = numbers(path)
    assert kept == list(range(150 - len(kept), 150))
    assert picture_times(path) == pytest.approx([k / 30 for k in range(len(kept))], abs=1e-4)


def test_memory_is_bounded(replay: Replay) -> None:
    for number in range(60):
        feed(replay, [large(number, 640, 480)])
        assert replay.size <= replay.limit_bytes
        assert replay.size == sum(len(kept.jpeg) for kept in replay.pictures())
    assert 0 < replay.held_s < 1.0


def test_a_busy_machine_keeps_the_newest() -> None:
    replay = Replay()
    for number in range(100):
        replay.offer(frame(number))
    replay.start()
    assert replay.settle(WITHIN_S)
    assert len(replay.pictures()) == MOST_WAITING
    assert replay.stop(WITHIN_S)


def test_another_source_starts_afresh(replay: Replay) -> None:
    feed(replay, [frame(number) for number in range(20)])
    feed(replay, [frame(number) for number in range(3)])
    assert len(replay.pictures()) == 3


def test_of_a_fast_camera_30_pictures_a_second_are_kept(replay: Replay) -> None:
    feed(replay, [frame(k, t_s=k / 120, captured_s=k / 120) for k in range(120)])
    assert 28 <= len(replay.pictures()) <= 31


def test_large_pictures_are_kept_smaller() -> None:
    image = np.zeros((2160, 3840, 3), np.uint8)
    back = cv2.imdecode(np.frombuffer(compressed(image), np.uint8), cv2.IMREAD_COLOR)
    assert back is not None and back.shape == (1080, 1920, 3)


def test_nothing_to_save_is_said(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="nothing to save"):
        save([], tmp_path / "clip.mp4")


@needs_ffmpeg
def test_the_overlay_can_be_drawn_in(tmp_path: Path) -> None:
    replay = Replay(lambda: Readout(ReadoutState.ACTION, "squat", 0.9))
    replay.start()
    feed(replay, [large(number, 320, 240) for number in range(3)])
    seen: list[np.ndarray] = []

    class Writer:
        def __init__(self, target: Path, effort: Effort) -> None:
            pass

        def write(self, image: np.ndarray, t_s: float) -> None:
            seen.append(image)

        def close(self) -> Path:
            return tmp_path

    save(replay.pictures(), tmp_path / "clip.mp4", overlay=True, make_writer=Writer)  # type: ignore[arg-type]
    save(replay.pictures(), tmp_path / "clip.mp4", overlay=False, make_writer=Writer)  # type: ignore[arg-type]
    assert (seen[0][:150] == seen[3][:150]).all()
    assert (seen[0][200:] != seen[3][200:]).mean() > 0.2
    assert replay.stop(WITHIN_S)


def test_stopping_forgets_everything(replay: Replay) -> None:
    feed(replay, [frame(number) for number in range(5)])
    assert replay.stop(WITHIN_S)
    assert replay.pictures() == [] and replay.size == 0
