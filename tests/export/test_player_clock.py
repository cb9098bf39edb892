"""Times are those that players show: ffmpeg burns the subtitles in at exactly the pictures that they were made for."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from slowfast_live.core.events import Event
from slowfast_live.export.sound import FileSound
from slowfast_live.export.subtitles import to_srt, to_vtt
from slowfast_live.export.video import annotate
from slowfast_live.sources.file import FileSource
from slowfast_live.sources.previews import PreviewReader
from tests.export.videos import needs_ffmpeg
from tests.sources.numbered_video import SIZE, X264, X264_B, encode, ffmpeg, number_of

pytestmark = needs_ffmpeg
TONE = ("-f", "lavfi", "-i", "sine=440:d=4")


def plain(folder: Path) -> Path:
    return encode(folder / "plain.mp4", 60, *X264_B)


def mixed(name: str, picture_at: str, sound_at: str, *more: str) -> Callable[[Path], Path]:
    """Return a maker of a file whose pictures and sound begin at different times."""

    def make(folder: Path) -> Path:
        ffmpeg(
            "-itsoffset", picture_at, "-i", plain(folder), "-itsoffset", sound_at, *TONE,
            "-map", "0:v", "-map", "1:a", "-c:v", "copy", *more, folder / name,
        )  # fmt: skip
        return folder / name

    return make


def coded_late(name: str, *codec: str) -> Callable[[Path], Path]:
    """Return a maker of a file with pictures from 3 s, coded so that packets begin there, too."""

    def make(folder: Path) -> Path:
        ffmpeg(
            "-itsoffset", "3", "-i", plain(folder), *TONE, "-map", "0:v", "-map", "1:a", *codec,
            "-fps_mode", "passthrough", "-c:a", "mp2", folder / name,
        )  # fmt: skip
        return folder / name

    return make


def late(name: str) -> Callable[[Path], Path]:
    """Return a maker of a file without sound whose clock begins at 3 s."""

    def make(folder: Path) -> Path:
        ffmpeg("-i", plain(folder), "-c", "copy", "-copyts", "-output_ts_offset", "3", folder / name)
        return folder / name

    return make


def without_key_frame(folder: Path) -> Path:
    """MPEG-TS cut in the middle of a group of pictures."""
    whole = encode(folder / "whole.ts", 60, *X264, "-g", "20")
    data = whole.read_bytes()
    (folder / "nokey.ts").write_bytes(data[len(data) // 5 // 188 * 188 :])
    return folder / "nokey.ts"


def cut_by_edit_list(folder: Path) -> Path:
    ffmpeg("-ss", "0.2", "-i", mixed("both.mp4", "0", "0")(folder), "-c", "copy", folder / "trimmed.mp4")
    return folder / "trimmed.mp4"


MAKERS = {
    "ordinary": plain,
    "pictures 3 s after the sound, mp4": mixed("video.mp4", "3", "0"),
    "pictures 3 s after the sound, mkv": mixed("video.mkv", "3", "0"),
    "pictures 3 s after the sound, ts": mixed("video.ts", "3", "0"),
    "pictures 3 s after the sound, avi": coded_late("video.avi", "-c:v", "libx264", "-bf", "0"),
    "sound after the pictures": mixed("video.mp4", "0", "1.5"),
    "sound and pictures late": mixed("video.mkv", "4", "3"),
    "late mkv": late("late.mkv"),
    "late ts": late("late.ts"),
    "late flv": late("late.flv"),
    "no key frame": without_key_frame,
    "begin below 0": mixed("primed.mkv", "0", "0", "-c:a", "aac"),
    "edit list": cut_by_edit_list,
}


@pytest.fixture(params=MAKERS)
def video(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return MAKERS[request.param](tmp_path)


def times_and_numbers(path: Path) -> tuple[list[float], list[int]]:
    source = FileSource(path)
    source.open()
    found = []
    while (picture := source.read()) is not None:
        found.append((picture.t_s, number_of(picture.image)))
    source.close()
    return [t_s for t_s, _ in found], [number for _, number in found]


def decoded(path: Path, *filters: str) -> np.ndarray:
    """Return the pictures as ffmpeg decodes them when it plays the sound too, as uint8 (N, H, W, 3) BGR."""
    command = ["ffmpeg", "-v", "error", "-i", path, "-map", "v", *filters, "-fps_mode", "passthrough"]
    sound = ("-map", "0:a?", "-f", "null", "/dev/null")
    done = subprocess.run(
        [*command, "-f", "rawvideo", "-pix_fmt", "bgr24", "-", *sound], capture_output=True, timeout=60
    )
    assert done.returncode == 0, done.stderr.decode()
    return np.frombuffer(done.stdout, np.uint8).reshape(-1, SIZE[1], SIZE[0], 3)


@pytest.mark.parametrize(("ending", "make"), [("srt", to_srt), ("vtt", to_vtt)])
def test_a_cue_covers_the_pictures_it_was_made_for(video: Path, ending: str, make: Callable[..., str]) -> None:
    times, numbers = times_and_numbers(video)
    half_s = 1 / 60
    event = Event("MMMM", times[10] - half_s, times[14] - half_s, 0.9, 0.9, times[12])
    subtitles = video.with_name(f"cues.{ending}")
    subtitles.write_text(make([event]), encoding="utf-8")
    bare = decoded(video)
    burnt = decoded(video, "-vf", f"subtitles=filename={subtitles}")
    marked = np.abs(bare.astype(int) - burnt).max(axis=(1, 2, 3)) > 60
    assert [number_of(image) for image in bare] == numbers
    assert np.flatnonzero(marked).tolist() == [10, 11, 12, 13]


def test_a_search_and_a_preview_go_by_the_same_clock(video: Path) -> None:
    times, numbers = times_and_numbers(video)
    source, previews = FileSource(video), PreviewReader(video, SIZE)
    source.open()
    for at in (25, 3, 30):
        source.seek(times[at])
        found = source.read()
        assert found is not None and (number_of(found.image), found.t_s) == (numbers[at], times[at])
        small = previews.at(times[at])
        assert small is not None and number_of(small) == numbers[at]
    source.close()
    previews.close()


def test_an_annotated_copy_runs_by_the_same_clock(video: Path) -> None:
    times, numbers = times_and_numbers(video)
    copy = video.with_name("copy.mp4")
    annotate(video, copy, [])
    copied, shown = times_and_numbers(copy)
    assert shown == numbers
    if not FileSound(video, 0.0).there:  # then nothing but pictures tells where the copy begins
        times = [t_s - times[0] for t_s in times]
    np.testing.assert_allclose(copied, times, atol=3e-3)
