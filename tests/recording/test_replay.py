"""The last seconds, in bounded memory."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import cv2
import numpy as np
import pytest

from slowfast_live.errors import ExportError, SourceError
from slowfast_live.export.codecs import Effort
from slowfast_live.recording.drawn import Drawn
from slowfast_live.recording.replay import MAX_WAITING, Replay, ReplayReader, compressed, save
from slowfast_live.types import Frame, Readout, ReadoutState, SourceKind, SourceSpec
from tests.export.videos import needs_ffmpeg, numbers, picture_times
from tests.recording.frames import frame, large
from tests.sources.numbered_video import X264, encode

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


def held_s(replay: Replay) -> float:
    kept = replay.pictures()
    return kept[-1].t_s - kept[0].t_s


@needs_ffmpeg
def test_the_last_seconds_are_saved(replay: Replay, tmp_path: Path) -> None:
    feed(replay, [frame(number) for number in range(150)])
    assert held_s(replay) == pytest.approx(2.0, abs=0.05)
    path = save(replay.pictures(), tmp_path / "clip.mp4")
    kept = numbers(path)
    assert kept == list(range(150 - len(kept), 150))
    assert picture_times(path) == pytest.approx([k / 30 for k in range(len(kept))], abs=1e-4)


def test_memory_is_bounded(replay: Replay) -> None:
    for number in range(60):
        feed(replay, [large(number, 640, 480)])
        assert replay.size <= replay.limit_bytes
        assert replay.size == sum(len(kept.picture) for kept in replay.pictures())  # type: ignore[arg-type]
    assert 0 < held_s(replay) < 1.0


def test_a_busy_machine_keeps_the_newest() -> None:
    replay = Replay()
    for number in range(100):
        replay.offer(frame(number))
    replay.start()
    assert replay.settle(WITHIN_S)
    assert len(replay.pictures()) == MAX_WAITING
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
    replay = Replay(lambda: Drawn(Readout(ReadoutState.ACTION, "squat", 0.9)))
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


# Of a file the pictures are read again.


@pytest.fixture
def film(tmp_path: Path) -> SourceSpec:
    return SourceSpec(SourceKind.FILE, str(encode(tmp_path / "film.mp4", 90, *X264)))


def of(film: SourceSpec, number: int, index: int, mirrored: bool = False) -> Frame:
    """Picture `number` of the film, shown as the `index`-th; its pixels are never looked at."""
    t_s = number / 30
    return Frame(np.zeros((8, 8, 3), np.uint8), index, t_s, index / 30, source=film, mirrored=mirrored)


@needs_ffmpeg
def test_of_a_file_nothing_is_compressed(replay: Replay, film: SourceSpec, tmp_path: Path) -> None:
    feed(replay, [of(film, number, number) for number in range(90)])
    assert replay.size == 0
    path = save(replay.pictures(), tmp_path / "clip.mp4")
    kept = numbers(path)
    assert 58 <= len(kept) <= 61 and kept == list(range(90 - len(kept), 90))


@needs_ffmpeg
def test_a_file_is_saved_in_the_order_in_which_it_was_watched(replay: Replay, film: SourceSpec, tmp_path: Path) -> None:
    watched = [40, 41, 42, 80, 81, 5, 6, 89, 0, 1, 3]
    feed(replay, [of(film, number, index) for index, number in enumerate(watched)])
    assert numbers(save(replay.pictures(), tmp_path / "clip.mp4")) == watched


@needs_ffmpeg
def test_a_mirrored_file_is_saved_mirrored(replay: Replay, film: SourceSpec) -> None:
    feed(replay, [of(film, 7, 0), of(film, 7, 1, mirrored=True)])
    with closing(ReplayReader()) as projector:
        plain, mirrored = (projector.picture(kept) for kept in replay.pictures())
    assert plain is not None and mirrored is not None
    assert (mirrored == plain[:, ::-1]).all()


@needs_ffmpeg
def test_a_file_that_went_away_is_named(replay: Replay, film: SourceSpec, tmp_path: Path) -> None:
    feed(replay, [of(film, 0, 0)])
    Path(film.address).unlink()
    with pytest.raises(SourceError, match=r"film\.mp4 does not exist"):
        save(replay.pictures(), tmp_path / "clip.mp4")
    assert list(tmp_path.iterdir()) == []


@needs_ffmpeg
def test_what_a_changed_file_no_longer_holds_is_left_out(replay: Replay, film: SourceSpec, tmp_path: Path) -> None:
    feed(replay, [of(film, number, number) for number in range(60, 90)])
    encode(Path(film.address), 70, *X264)
    assert numbers(save(replay.pictures(), tmp_path / "clip.mp4")) == list(range(60, 70))
    encode(Path(film.address), 30, *X264)
    with pytest.raises(ExportError, match="no picture"):
        save(replay.pictures(), tmp_path / "clip.mp4")
