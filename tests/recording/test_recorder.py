"""A recording holds what was shown; it never makes anybody wait, and ends in any case."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from slowfast_live.counting.counter import RepetitionSet
from slowfast_live.errors import ExportError
from slowfast_live.export.writer import VideoWriter
from slowfast_live.recording.drawn import Drawn
from slowfast_live.recording.recorder import MAX_WAITING, Recorder
from slowfast_live.types import Readout, ReadoutState
from tests.export.test_writer import small_disk
from tests.export.videos import needs_ffmpeg, numbers, picture_times, pictures, probe
from tests.recording.frames import SIZE, frame, large
from tests.waiting import eventually

pytestmark = needs_ffmpeg
WITHIN_S = 30.0


def finish(recorder: Recorder) -> Path:
    recorder.stop()
    assert recorder.join(WITHIN_S)
    progress = recorder.progress()
    assert not progress.running and progress.error is None and progress.path is not None
    return progress.path


def feed(recorder: Recorder, count: int, first: int = 0) -> None:
    """Offer frames as fast as they are written, so that none is left out."""
    for number in range(first, first + count):
        recorder.offer(frame(number))
        if number % 8 == 7:
            eventually(lambda: not recorder._waiting)


@pytest.fixture
def gate() -> threading.Event:
    return threading.Event()


def slow(gate: threading.Event) -> Callable[..., VideoWriter]:
    """A writer that waits for the gate before each picture."""

    class Slow(VideoWriter):
        def write(self, image: Any, t_s: float) -> None:
            gate.wait(WITHIN_S)
            super().write(image, t_s)

    return Slow


def test_every_frame_is_on_the_recording(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "clip.mp4", fps=30)
    recorder.start()
    feed(recorder, 60)
    path = finish(recorder)
    assert numbers(path) == list(range(60))
    assert picture_times(path) == pytest.approx([k / 30 for k in range(60)], abs=1e-4)
    progress = recorder.progress()
    assert progress.elapsed_s == pytest.approx(59 / 30)
    assert progress.size == path.stat().st_size
    assert progress.dropped == 0
    assert float(probe(path)["format"]["duration"]) == pytest.approx(2.0, abs=1 / 30)


def test_a_slow_disk_leaves_out_frames_and_counts_them(tmp_path: Path, gate: threading.Event) -> None:
    recorder = Recorder(tmp_path / "clip.mp4", make_writer=slow(gate))
    recorder.start()
    for number in range(200):
        recorder.offer(frame(number))  # nobody writes: this must not block
    dropped = recorder.progress().dropped
    assert 200 - MAX_WAITING - 1 <= dropped <= 200 - MAX_WAITING
    gate.set()
    eventually(lambda: not recorder._waiting)
    feed(recorder, 3, first=200)
    path = finish(recorder)
    kept = numbers(path)
    assert len(kept) == 203 - dropped
    assert kept[-3:] == [200, 201, 202]
    assert picture_times(path) == pytest.approx([number / 30 for number in kept], abs=1e-4)


def test_what_waits_is_bounded_in_bytes(tmp_path: Path, gate: threading.Event) -> None:
    recorder = Recorder(tmp_path / "clip.mp4", make_writer=slow(gate))
    recorder.start()
    for number in range(20):
        recorder.offer(large(number, 3840, 2160))
    assert recorder._waiting_bytes <= 100_000_000
    assert recorder.progress().dropped >= 15
    gate.set()
    finish(recorder)


def test_the_overlay_is_that_of_the_moment(tmp_path: Path) -> None:
    shown = [Drawn(Readout(ReadoutState.NO_MODEL))]
    recorder = Recorder(tmp_path / "clip.mp4", lambda: shown[0])
    recorder.start()
    feed(recorder, 10)
    shown[0] = Drawn(Readout(ReadoutState.ACTION, "squat", 0.9))
    feed(recorder, 10, first=10)
    images = pictures(finish(recorder), SIZE)
    plain = np.abs(images[5, 60:].astype(int) - images[15, 60:])
    assert plain.max() > 100
    assert np.abs(images[5, 60:].astype(int) - images[8, 60:]).max() < 40


def test_the_count_is_drawn_in_too(tmp_path: Path) -> None:
    shown = [Drawn(Readout(ReadoutState.NO_MODEL))]
    recorder = Recorder(tmp_path / "clip.mp4", lambda: shown[0])
    recorder.start()
    feed(recorder, 10)
    shown[0] = Drawn(Readout(ReadoutState.NO_MODEL), RepetitionSet(0.0, 12.0, 6.0, 2.0))
    feed(recorder, 10, first=10)
    images = pictures(finish(recorder), SIZE)
    half = SIZE[0] // 2
    assert np.abs(images[5, :40, half:].astype(int) - images[15, :40, half:]).max() > 60
    assert np.abs(images[5, :40, half:].astype(int) - images[8, :40, half:]).max() < 40


def test_another_source_ends_it(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "clip.mp4")
    recorder.start()
    feed(recorder, 16, first=100)
    recorder.offer(frame(0))
    assert recorder.join(WITHIN_S)
    progress = recorder.progress()
    assert progress.error is None
    assert progress.path is not None and numbers(progress.path) == list(range(100, 116))


def test_stopping_before_the_first_frame_is_said(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "clip.mp4")
    recorder.start()
    recorder.stop()
    assert recorder.join(WITHIN_S)
    progress = recorder.progress()
    assert progress.path is None
    assert progress.error is not None and "no picture" in progress.error.message
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_ends_it_and_keeps_what_there_is(tmp_path: Path) -> None:
    def on_small_disk(target: Path, **how: Any) -> VideoWriter:
        return VideoWriter(target, **how, open_file=small_disk(1_500_000))

    recorder = Recorder(tmp_path / "clip.mp4", make_writer=on_small_disk)
    recorder.start()
    number = 0
    while recorder.progress().running and number < 20_000:
        recorder.offer(large(number, 320, 240))
        number += 1
        if number % 8 == 7:
            eventually(lambda: not recorder._waiting)
    assert recorder.join(WITHIN_S)
    progress = recorder.progress()
    assert progress.error is not None and "no room left" in progress.error.message
    assert progress.path == tmp_path / "clip.mp4"
    assert len(picture_times(progress.path)) > 5


def test_a_folder_that_cannot_be_written_to_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    recorder = Recorder(tmp_path / "file" / "clip.mp4")
    recorder.start()
    assert recorder.join(WITHIN_S)
    error = recorder.progress().error
    assert isinstance(error, ExportError) and "is no folder" in error.message


def test_in_a_hurry_a_large_file_stays_as_it_grew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("slowfast_live.recording.recorder._COMPLETE_BELOW_BYTES", 0)
    recorder = Recorder(tmp_path / "clip.mp4")
    recorder.start()
    feed(recorder, 40)
    recorder.stop(hurry=True)
    assert recorder.join(WITHIN_S)
    path = recorder.progress().path
    assert path is not None and b"moof" in path.read_bytes()
    assert numbers(path) == list(range(40))
    assert list(tmp_path.iterdir()) == [path]


def test_it_stops_at_once_while_its_disk_blocks(tmp_path: Path, gate: threading.Event) -> None:
    recorder = Recorder(tmp_path / "clip.mp4", make_writer=slow(gate))
    recorder.start()
    recorder.offer(frame(0))
    recorder.stop(hurry=True)
    assert not recorder.join(0.01)
    gate.set()
    assert recorder.join(WITHIN_S)
