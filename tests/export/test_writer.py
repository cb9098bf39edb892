"""Videos are read back by ffprobe and ffmpeg; failures leave a file that plays."""

from __future__ import annotations

import errno
import io
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

from slowfast_live.errors import ExportError
from slowfast_live.export import writer as writing
from slowfast_live.export.codecs import Effort
from slowfast_live.export.writer import VideoWriter
from tests.export.videos import needs_ffmpeg, numbers, picture_times, pictures, probe
from tests.sources.numbered_video import SIZE, picture

pytestmark = needs_ffmpeg
ENDINGS = [".mp4", ".webm"]


def write(target: Path, times: list[float], **how: object) -> Path:
    writer = VideoWriter(target, **how)  # type: ignore[arg-type]
    for number, t_s in enumerate(times):
        writer.write(picture(number), t_s)
    return writer.close()


def steady(count: int, fps: float = 30.0) -> list[float]:
    return [number / fps for number in range(count)]


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("effort", Effort)
def test_browsers_can_play_it(tmp_path: Path, ending: str, effort: Effort) -> None:
    path = write(tmp_path / f"clip{ending}", steady(45), effort=effort)
    found = probe(path)
    assert found["video"]["codec_name"] == {".mp4": "h264", ".webm": "vp9"}[ending]
    assert found["video"]["pix_fmt"] == "yuv420p"
    assert float(found["format"]["duration"]) == pytest.approx(1.5, abs=1 / 30)
    assert numbers(path) == list(range(45))
    assert sorted(tmp_path.iterdir()) == [path]


def test_an_mp4_begins_with_its_index(tmp_path: Path) -> None:
    data = write(tmp_path / "clip.mp4", steady(10)).read_bytes()
    assert 0 < data.index(b"moov") < data.index(b"mdat")
    assert b"moof" not in data


def test_pictures_keep_their_own_times(tmp_path: Path) -> None:
    times = [0.0, 0.031, 0.5, 0.501, 0.75, 4.0, 4.04, 4.08]
    path = write(tmp_path / "clip.mp4", times)
    assert picture_times(path) == pytest.approx(times, abs=2e-5)


def test_an_hour_does_not_drift(tmp_path: Path) -> None:
    times = [k * 1001 / 30000 for k in (0, 1, 107_891, 107_892)]
    path = write(tmp_path / "clip.mp4", times, fps=30000 / 1001)
    assert picture_times(path) == pytest.approx(times, abs=2e-5)


@pytest.mark.parametrize("size", [(161, 99), (64, 99), (33, 2), (1, 1)])
def test_odd_sizes_lose_no_pixel(tmp_path: Path, size: tuple[int, int]) -> None:
    width, height = size
    image = np.random.default_rng(1).integers(60, 200, (height, width, 3), np.uint8)
    image[:, :, :] = image.mean(axis=2, keepdims=True)
    writer = VideoWriter(tmp_path / "clip.mp4")
    for number in range(3):
        writer.write(image, number / 30)
    even = (writing.even(width), writing.even(height))
    back = pictures(writer.close(), even)
    assert len(back) == 3
    if min(size) > 4:
        assert np.abs(back[2, :height, :width].astype(int) - image).mean() < 12


def test_a_picture_of_another_size_is_fitted_in(tmp_path: Path) -> None:
    writer = VideoWriter(tmp_path / "clip.mp4")
    writer.write(np.full((96, 160, 3), 200, np.uint8), 0.0)
    writer.write(np.full((96, 96, 3), 200, np.uint8), 0.1)
    first, second = pictures(writer.close(), (160, 96))
    assert first[:, 2].min() > 180
    assert second[:, 80].min() > 180 and second[:, 8].max() < 40


def test_colors_come_back(tmp_path: Path) -> None:
    patches = np.array([(40, 40, 200), (40, 200, 40), (200, 40, 40), (220, 220, 220)], np.uint8)
    image = np.repeat(np.repeat(patches[None], 64, 0), 32, 1)
    writer = VideoWriter(tmp_path / "clip.mp4")
    writer.write(image, 0.0)
    back = pictures(writer.close(), (128, 64))[0]
    assert np.abs(back[32, 16::32].astype(int) - patches).max() <= 6


def test_the_name_says_the_format(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"'\.avi'.*\.mp4 or \.webm"):
        VideoWriter(tmp_path / "clip.avi")


def test_without_libx264_an_mp4_still_plays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(av, "codecs_available", {"libvpx-vp9", "aac"})
    path = write(tmp_path / "clip.mp4", steady(5))
    assert probe(path)["video"]["codec_name"] == "vp9"


def test_without_any_encoder_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(av, "codecs_available", {"aac"})
    with pytest.raises(ExportError, match="no encoder"):
        VideoWriter(tmp_path / "clip.mp4")


def test_no_picture_no_file(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="no picture"):
        VideoWriter(tmp_path / "clip.mp4").close()
    assert list(tmp_path.iterdir()) == []


def test_discarding_leaves_nothing_and_keeps_an_older_file(tmp_path: Path) -> None:
    target = tmp_path / "clip.mp4"
    target.write_bytes(b"older")
    writer = VideoWriter(target)
    writer.write(picture(0), 0.0)
    writer.discard()
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"older"]


def test_what_came_to_lie_there_meanwhile_is_kept(tmp_path: Path) -> None:
    """Two windows that record at the same moment, and a file of the user's under a name that is only used meanwhile."""
    target = tmp_path / "clip.mp4"
    for name in ("clip.part.mp4", "clip.final.part.mp4"):
        (tmp_path / name).write_bytes(b"mine")
    writers = [VideoWriter(target), VideoWriter(target)]
    for number, writer in enumerate(writers):
        for at in range(5):
            writer.write(picture(10 * number + at), at / 30)
    paths = [writer.close() for writer in writers]
    assert [path.name for path in paths] == ["clip.mp4", "clip (2).mp4"] == [writer.target.name for writer in writers]
    assert numbers(paths[0])[0] == 0 and numbers(paths[1])[0] == 10
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir() if path not in paths} == {
        "clip.part.mp4": b"mine",
        "clip.final.part.mp4": b"mine",
    }


def test_a_failed_recording_replaces_nothing(tmp_path: Path) -> None:
    target = tmp_path / "clip.mp4"
    target.write_bytes(b"mine")
    writer = VideoWriter(target, effort=Effort.LIVE, open_file=small_disk(60_000))
    with pytest.raises(ExportError, match="is kept and can be played"):
        for number in range(2000):
            writer.write(picture(number), number / 30)
    assert target.read_bytes() == b"mine" and writer.kept and writer.target.name == "clip (2).mp4"
    assert numbers(writer.target)


KILLED = """
import sys
from pathlib import Path
from slowfast_live.export import codecs
from slowfast_live.export.codecs import Effort
from slowfast_live.export.writer import VideoWriter
from tests.sources.numbered_video import picture
writer = VideoWriter(Path(sys.argv[1]), effort=Effort.LIVE)
for number in range(400):
    writer.write(picture(number), number / 30)
print("written", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_killed_writer_leaves_a_file_that_plays(tmp_path: Path, ending: str) -> None:
    target = tmp_path / f"clip{ending}"
    command = [sys.executable, "-c", KILLED, str(target)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]
    ) as child:
        assert child.stdout is not None and child.stdout.readline() == b"written\n"
        child.send_signal(signal.SIGKILL)
    assert not target.exists()
    kept = numbers(tmp_path / f"clip.part{ending}")
    assert kept == list(range(len(kept)))
    assert len(kept) >= 400 - 30 * (2 if ending == ".mp4" else 6)


class SmallDisk(io.FileIO):
    """A disk with room for so many bytes."""

    room = 0

    def write(self, data: bytes) -> int:  # type: ignore[override]
        fits = min(len(data), self.room - self.tell())
        if fits <= 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return super().write(bytes(data)[:fits])


def small_disk(room: int) -> Callable[[Path], SmallDisk]:
    def open_file(path: Path) -> SmallDisk:
        disk = SmallDisk(str(path), "w")
        disk.room = room
        return disk

    return open_file


def fill(writer: VideoWriter) -> int:
    """Write until it fails; return how many pictures were taken."""
    noise = np.random.default_rng(3).integers(0, 256, (40, *SIZE[::-1], 3), np.uint8)
    for number in range(100_000):
        writer.write(noise[number % 40], number / 30)
    raise AssertionError("the disk never was full")


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_full_disk_keeps_what_was_written(tmp_path: Path, ending: str) -> None:
    target = tmp_path / f"clip{ending}"
    writer = VideoWriter(target, effort=Effort.LIVE, open_file=small_disk(2_000_000))
    words = r"clip.*no room left on the disk.*is kept and can be played \(\d+ s\)"
    with pytest.raises(ExportError, match=words) as caught:
        fill(writer)
    assert str(tmp_path) in caught.value.message
    assert list(tmp_path.iterdir()) == [target]
    kept = picture_times(target)
    assert len(kept) >= 30
    assert np.diff(kept) == pytest.approx(1 / 30, abs=1.1e-3)


def test_a_disk_full_from_the_first_byte_leaves_nothing(tmp_path: Path) -> None:
    writer = VideoWriter(tmp_path / "clip.mp4", effort=Effort.LIVE, open_file=small_disk(10))
    with pytest.raises(ExportError, match=r"no room left on the disk of [^ ]*\.$"):
        fill(writer)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_kept_where_half_a_video_is_no_use(tmp_path: Path) -> None:
    writer = VideoWriter(tmp_path / "clip.mp4", effort=Effort.LIVE, keep=False, open_file=small_disk(2_000_000))
    with pytest.raises(ExportError, match="no room left"):
        fill(writer)
    assert list(tmp_path.iterdir()) == []


def test_without_room_for_a_second_copy_the_first_one_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(writing, "remux", full)
    path = write(tmp_path / "clip.mp4", steady(40))
    assert numbers(path) == list(range(40))
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="needs to mount a small disk")
def test_a_disk_that_is_really_full(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(disk)], capture_output=True)
    if done.returncode != 0:
        pytest.skip(f"may not mount a small disk: {done.stderr.decode().strip()}")
    try:
        with pytest.raises(ExportError, match="no room left on the disk"):
            fill(VideoWriter(disk / "clip.mp4", effort=Effort.LIVE))
        assert len(picture_times(disk / "clip.mp4")) >= 15
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.skipif(os.name != "posix", reason="other systems forbid to remove an open file")
def test_a_removed_folder_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "stick"
    writer = VideoWriter(folder / "clip.mp4")
    for number in range(10):
        writer.write(picture(number), number / 30)
    writer.part.unlink()
    folder.rmdir()
    with pytest.raises(ExportError, match=r"stick.*unplugged"):
        writer.close()


@pytest.mark.parametrize(
    ("code", "words"),
    [(errno.EACCES, "may not write"), (errno.EROFS, "cannot be written to"), (errno.ENODEV, "unplugged")],
)
def test_what_the_disk_refuses_is_said_in_words(tmp_path: Path, code: int, words: str) -> None:
    def refuse(path: Path) -> SmallDisk:
        raise OSError(code, os.strerror(code))

    with pytest.raises(ExportError, match=words) as caught:
        VideoWriter(tmp_path / "clip.mp4", open_file=refuse)
    assert "clip.mp4" in caught.value.message
