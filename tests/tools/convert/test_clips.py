from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from slowfast_live.errors import SourceError, UsageError
from slowfast_live.inference.spec import Clip
from slowfast_live.tools.convert.clips import calibration_videos, drawn, windows_from, windows_of

CLIP = Clip(4, 5, 32)


def film(path: Path, frames: int, fps: int = 30) -> Path:
    """A video (AVI: its times are exact) whose brightness tells the frame's number."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=Fraction(fps))
        stream.width, stream.height, stream.pix_fmt = 64, 48, "bgr0"
        for index in range(frames):
            picture = np.full((48, 64, 3), index, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
        container.mux(stream.encode())
    return path


def test_clips_are_sampled_by_time_as_the_app_samples(tmp_path: Path) -> None:
    windows = windows_of(film(tmp_path / "a.avi", 60), CLIP, 2)
    # linspace(0, 19, 4) truncated, from the first and the last frame at which the span is covered.
    assert [w[:, 0, 0, 0].tolist() for w in windows] == [[0, 6, 12, 19], [40, 46, 52, 59]]
    assert windows[0].shape == (4, 32, 32, 3) and windows[0].dtype == np.uint8


def test_another_frame_rate_means_the_same_instants(tmp_path: Path) -> None:
    (window,) = windows_of(film(tmp_path / "slow.avi", 20, fps=15), CLIP, 1)
    assert window[:, 0, 0, 0].tolist() == [0, 3, 6, 10]


def test_a_short_video_gives_one_clip_spread_over_it(tmp_path: Path) -> None:
    (window,) = windows_of(film(tmp_path / "short.avi", 10), CLIP, 5)
    assert window[:, 0, 0, 0].tolist() == [0, 3, 6, 9]


def test_clips_come_from_all_videos(tmp_path: Path) -> None:
    videos = [film(tmp_path / f"{name}.avi", 40) for name in "abc"]
    assert len(windows_from(videos, CLIP, 6)) == 6
    assert len(windows_from(videos, CLIP, 2)) == 2


def test_videos_are_found_in_folders_and_by_name(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    for name in ("b.MP4", "deep/a.avi", "notes.txt"):
        (tmp_path / name).touch()
    assert [p.name for p in calibration_videos([tmp_path, tmp_path / "b.MP4"])] == ["b.MP4", "a.avi"]


def test_a_place_without_videos_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="There is no file or folder"):
        calibration_videos([tmp_path / "gone"])
    with pytest.raises(UsageError, match="No video was found in"):
        calibration_videos([tmp_path])


def test_what_is_no_video_is_named(tmp_path: Path) -> None:
    (tmp_path / "fake.mp4").write_bytes(b"no video")
    with pytest.raises(SourceError, match=r"fake\.mp4 is not a video"):
        windows_of(tmp_path / "fake.mp4", CLIP, 1)


def test_clips_come_from_the_track_that_the_app_plays(tmp_path: Path) -> None:
    path = tmp_path / "tracks.avi"
    with av.open(str(path), "w") as container:
        cover, video = (container.add_stream("ffv1", rate=Fraction(30)) for _ in range(2))
        for stream, side in ((cover, 128), (video, 64)):
            stream.width, stream.height, stream.pix_fmt = side, side, "bgr0"
        for index in range(40):
            for stream in (cover, video) if index < 2 else (video,):
                picture = np.full((stream.height, stream.width, 3), 255 if stream is cover else index, np.uint8)
                container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
        for stream in (cover, video):
            container.mux(stream.encode())
    (first, last) = windows_of(path, CLIP, 2)
    assert first[:, 0, 0, 0].tolist() == [0, 6, 12, 19] and last[-1, 0, 0, 0] == 39


def test_drawn_clips_move_differ_and_repeat() -> None:
    clips = drawn(CLIP, 2, seed=5)
    assert all(c.shape == (4, 32, 32, 3) and c.dtype == np.uint8 for c in clips)
    assert not np.array_equal(clips[0][0], clips[0][2]), "nothing moves"
    assert not np.array_equal(clips[0], clips[1])
    assert np.array_equal(clips[1], drawn(CLIP, 2, seed=5)[1])
    assert not np.array_equal(clips[0], drawn(CLIP, 1, seed=6)[0])


def test_times_rounded_to_milliseconds_pick_the_same_frames(tmp_path: Path) -> None:
    """Matroska keeps milliseconds: frame 7 of 30 a second is at 0.233 s, not at 0.2333."""
    exact = film(tmp_path / "exact.avi", 60)
    rounded = film(tmp_path / "rounded.mkv", 60)
    assert np.array_equal(windows_of(exact, CLIP, 3), windows_of(rounded, CLIP, 3))


def test_clips_are_framed_as_the_model_frames_them(tmp_path: Path) -> None:
    """A model that follows the motion is calibrated on what moves, not on the centre."""
    path = tmp_path / "corner.avi"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=Fraction(30))
        stream.width, stream.height, stream.pix_fmt = 256, 128, "bgr0"
        for index in range(20):
            picture = np.zeros((128, 256, 3), np.uint8)
            picture[10:40, 4 + index : 34 + index] = 255
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
        container.mux(stream.encode())
    (center,) = windows_of(path, Clip(4, 5, 32), 1)
    (followed,) = windows_of(path, Clip(4, 5, 32, resize_side=128, crop="motion"), 1)
    assert center.max() == 0 and followed.max() == 255 and followed.shape == center.shape
