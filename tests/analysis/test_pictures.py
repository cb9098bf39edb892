"""Folders of pictures and animations are analyzed like videos."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from slowfast_live import cli
from slowfast_live.analysis import command
from slowfast_live.export.findings import AnalysisResult, decode
from tests.analysis.fakes import PlainRunner


@pytest.fixture(autouse=True)
def at_hand(tiny_models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLOWFAST_LIVE_MODELS", str(tiny_models))
    monkeypatch.setattr(command, "_compile", lambda model, _device, _notify: PlainRunner(model))


def analyze(*arguments: object) -> int:
    return cli.main(["analyze", "--model", "tiny_short-fp32", "--stride", "0.25", *map(str, arguments)])


def write_pictures(folder: Path, seconds: float = 4.0, rate: float = 30) -> Path:
    """Two seconds of one grey, then of another, as `f_0000.png` and so on."""
    folder.mkdir(parents=True)
    count = round(seconds * rate)
    for number in range(count):
        image = np.full((24, 32), 28 if number < count // 2 else 130, np.uint8)
        image[8:16, number % 24 : number % 24 + 8] = 255
        Image.fromarray(image).save(folder / f"f_{number:04d}.png")
    return folder


def found(path: Path) -> AnalysisResult:
    return decode(path.read_bytes(), str(path))


def test_a_folder_of_pictures_gives_the_events_of_its_rate(tmp_path: Path) -> None:
    frames, out = write_pictures(tmp_path / "in" / "frames"), tmp_path / "out"
    assert analyze(frames, "--out", out, "--picture-rate", "30", "--annotate") == 0
    first = found(out / "frames.json")
    assert first.source.duration_s == 4.0 and first.source.fps == 30
    assert [event.label for event in first.events] == ["action 2", "action 6"]
    assert (out / "frames.annotated.mp4").stat().st_size > 1000
    # Another rate is another video, the same rate is done.
    assert analyze(frames, "--out", out, "--picture-rate", "15") == 0
    assert found(out / "frames.json").source.duration_s == 8.0
    written = (out / "frames.json").stat().st_mtime_ns
    assert analyze(frames, "--out", out, "--picture-rate", "15") == 0
    assert (out / "frames.json").stat().st_mtime_ns == written


def test_patterns_file_addresses_and_folders_in_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frames = write_pictures(tmp_path / "in" / "a take" / "frames", 1.0)
    for number, way in enumerate((frames / "f_%04d.png", frames.as_uri(), tmp_path / "in")):
        assert analyze(way, "--out", tmp_path / str(number)) == 0
        assert len(list((tmp_path / str(number)).rglob("*.json"))) == 1
    monkeypatch.chdir(frames)
    assert analyze("f_*.png", "--out", tmp_path / "relative") == 0


def test_an_animated_picture_is_found_and_a_still_one_left_alone(tmp_path: Path) -> None:
    images = [Image.new("RGB", (32, 24), (n * 8, 20, 40)) for n in range(30)]
    folder = tmp_path / "in"
    folder.mkdir()
    images[0].save(folder / "moving.webp", save_all=True, append_images=images[1:], duration=33)
    images[0].save(folder / "still.webp")
    assert analyze(folder, "--out", tmp_path / "out") == 0
    assert [path.name for path in (tmp_path / "out").glob("*.json")] == ["moving.json"]


def test_a_pipe_among_the_pictures_is_not_waited_for(tmp_path: Path) -> None:
    frames = write_pictures(tmp_path / "frames", 1.0)
    (frames / "f_0004.png").unlink()
    os.mkfifo(frames / "f_0004.png")
    assert analyze(frames, "--out", tmp_path / "out") == 0
    assert any(
        "1 of 30 pictures cannot be read" in warning for warning in found(tmp_path / "out" / "frames.json").warnings
    )
