"""The command as it is called, on small videos and a model that tells dark from bright."""

import csv
import json
import os
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from slowfast_live.inference.spec import Accuracy, load
from slowfast_live.tools.convert import cli
from slowfast_live.tools.evaluation import results
from slowfast_live.tools.evaluation.plots import confusion, draw
from slowfast_live.tools.evaluation.results import Bins, Confusion, EvaluationError

from .made import BRIGHT, DARK, GRAY, video, write_brightness_model


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "brightness-fp32"
    write_brightness_model(folder)
    return folder


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three right clips and one wrong one of known classes, one of an unknown class, one broken file."""
    folder = tmp_path_factory.mktemp("videos")
    video(folder / "p1_dark_room_org.avi", DARK)
    video(folder / "dark_room_2.mp4", BRIGHT)
    video(folder / "bright_room" / "xyz_000010_000020.mp4", BRIGHT)
    video(folder / "BrightRoom_1.mp4", BRIGHT)
    video(folder / "archery.mp4", GRAY)
    (folder / "dark_room_3.mp4").write_bytes(b"no video")
    return folder


def run(*words: object) -> int:
    return cli.main(["evaluate", *map(str, words)])


def test_figures_files_and_pictures(
    model: Path, videos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "deep" / "out"
    assert run("--model", model, "--clips", videos, "--out", out, "--step", 0.5) == 0
    printed = capsys.readouterr().out
    assert "75.0%" in printed and "3 / 4" in printed and "archery" in printed and "dark_room_3.mp4" in printed

    found = results.read(out / "results.json")
    assert found.top1 is not None and (found.top1.hits, found.top1.total) == (3, 4)
    assert found.top1.low < 0.75 < found.top1.high
    assert found.top3 is not None and found.top3.share == 1
    assert found.confusion == Confusion(("dark room", "bright room"), ((1, 1), (0, 2)))
    assert found.rejection is not None and found.rejection.none == found.rejection.windows > 0
    assert found.shown is not None and found.shown.right == 3 * found.shown.wrong
    assert found.shown.by_clip == pytest.approx((0.75, 0.25, 0))
    assert found.calibration_clips is not None and sum(found.calibration_clips.counts) == 4
    assert found.threshold == 0.6 and found.infer_ms > 0 and "CPU" in found.device
    assert [clip.status for clip in found.clips].count("failed") == 1

    with (out / "clips.csv").open(encoding="utf-8", newline="") as file:
        rows = {Path(row["file"]).name: row for row in csv.DictReader(file)}
    assert rows["dark_room_2.mp4"]["right"] == "no" and rows["dark_room_2.mp4"]["first"] == "bright room"
    assert float(rows["dark_room_2.mp4"]["first_score"]) > 0.9 and rows["p1_dark_room_org.avi"]["right"] == "yes"
    assert rows["xyz_000010_000020.mp4"]["label"] == "bright room"
    assert rows["archery.mp4"]["status"] == "unknown" and rows["archery.mp4"]["right"] == ""
    assert "dark_room_3.mp4" in rows["dark_room_3.mp4"]["note"] and rows["dark_room_3.mp4"]["windows"] == "0"

    for name in ("confusion.png", "reliability.png"):
        picture = cv2.imread(str(out / name))
        assert min(picture.shape[:2]) > 300 and max(picture.shape[:2]) < 2000 and picture.std() > 10


def test_an_index_names_files_and_classes(model: Path, videos: Path, tmp_path: Path) -> None:
    index = tmp_path / "index.csv"
    index.write_text(f"file,label\n{videos / 'archery.mp4'},Something_Else\n{videos / 'gone.mp4'},dark room\n")
    assert run("--model", model, "--index", index, "--out", tmp_path / "out") == 0
    found = results.read(tmp_path / "out" / "results.json")
    assert [(clip.label, clip.status, clip.right) for clip in found.clips] == [
        ("something else", "known", True),
        ("dark room", "failed", None),
    ]


def test_synonyms_threshold_and_background_are_used(model: Path, videos: Path, tmp_path: Path) -> None:
    (tmp_path / "s.txt").write_text("archery = dark room\n")
    words = ["--model", model, "--clips", videos / "archery.mp4", "--out", tmp_path / "out", "--threshold", 1]
    assert run(*words, "--synonyms", tmp_path / "s.txt", "--composite", "--seed", 5) == 0
    found = results.read(tmp_path / "out" / "results.json")
    assert found.top1 is not None and found.top1.hits == 0
    assert found.shown is not None and found.shown.none == found.shown.total
    assert found.composite and found.threshold == 1


def test_only_unknown_clips_measure_rejection_alone(
    model: Path, videos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--model", model, "--clips", videos / "archery.mp4", "--out", tmp_path) == 0
    found = results.read(tmp_path / "results.json")
    assert found.top1 is None and found.rejection is not None
    assert "no confident action" in capsys.readouterr().out
    assert not (tmp_path / "confusion.png").exists()


@pytest.mark.parametrize("name", ["results.json", "clips.csv", "confusion.png", "reliability.png"])
def test_what_is_not_of_an_evaluation_stays(
    name: str, model: Path, videos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--model", model, "--clips", videos / "archery.mp4", videos / "BrightRoom_1.mp4", "--out", tmp_path)
    assert run(*words) == 0 and run(*words) == 0, "an earlier evaluation is replaced"
    (tmp_path / name).write_bytes(b'{"mine": 1}')
    assert run(*words) == cli.MISUSED
    assert f"{name} exists and was not written by this program" in capsys.readouterr().err
    assert (tmp_path / name).read_bytes() == b'{"mine": 1}'


def test_the_same_videos_are_found_as_by_analyze(
    model: Path, videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "in"
    (folder / "closed").mkdir(parents=True)
    shutil.copy(videos / "archery.mp4", folder / "archery.3GP")
    (folder / "linked").symlink_to(videos / "bright_room")
    real = os.scandir

    def refuse(path: Path | int) -> object:
        if not isinstance(path, int) and Path(path).name == "closed":
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", refuse)
    assert run("--model", model, "--clips", folder, "--out", tmp_path / "out") == 1
    assert "closed cannot be read: Permission denied" in capsys.readouterr().out
    names = {Path(clip.file).name for clip in results.read(tmp_path / "out" / "results.json").clips}
    assert names == {"archery.3GP", "xyz_000010_000020.mp4"}


def test_nothing_that_can_be_read_is_a_failure(
    model: Path, videos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--model", model, "--clips", videos / "dark_room_3.mp4", "--out", tmp_path / "out") == cli.FAILED
    error = capsys.readouterr().err
    assert "Nothing could be measured" in error and "dark_room_3.mp4" in error
    assert not (tmp_path / "out").exists()


def test_a_model_is_found_by_name(
    model: Path, videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SLOWFAST_LIVE_MODELS", str(model.parent))
    monkeypatch.chdir(tmp_path)
    assert run("--model", "brightness-fp32", "--clips", videos / "archery.mp4") == 0
    assert (tmp_path / "evaluation" / "brightness-fp32" / "results.json").is_file()
    assert run("--model", "brightnes", "--clips", videos) == cli.FAILED
    assert "brightness-fp32" in capsys.readouterr().err


def test_figures_are_recorded_in_the_model(videos: Path, tmp_path: Path) -> None:
    folder = tmp_path / "own-fp32"
    published = Accuracy("my rooms", "top-1", 99.0)
    write_brightness_model(folder, accuracy=(published,))
    words = ["--model", folder, "--out", tmp_path / "out", "--record", "my rooms", "--clips"]
    assert run(*words, videos / "p1_dark_room_org.avi") == 0
    assert run(*words, videos / "dark_room_2.mp4") == 0
    accuracy = load(folder).accuracy
    assert accuracy[0] == published
    assert [(a.metric, a.value, a.origin) for a in accuracy[1:]] == [
        ("top-1", 0, "measured"),
        ("top-3", 100, "measured"),
    ]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "Give --clips"),
        (["--clips", "gone"], "There is no file or folder gone"),
        (["--clips", ".", "--step", "0"], "--step is a time"),
        (["--clips", ".", "--threshold", "45"], "--threshold is a score from 0 to 1"),
        (["--clips", ".", "--synonyms", "gone.txt"], "gone.txt, given with --synonyms"),
        (["--index", "gone.csv"], "gone.csv, given with --index"),
    ],
)
def test_misuse_is_explained(
    model: Path,
    videos: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(videos)
    assert run("--model", model, *words) == cli.MISUSED
    assert message in capsys.readouterr().err


def test_results_that_are_none_are_refused(tmp_path: Path) -> None:
    for content in ("{}", json.dumps({"schema": 2}), "no json"):
        (tmp_path / "results.json").write_text(content)
        with pytest.raises(EvaluationError, match="holds no results"):
            results.read(tmp_path / "results.json")


def test_many_classes_fit_the_picture() -> None:
    labels = tuple(f"class {i} with a long name" for i in range(60))
    counts = tuple(tuple(int(i == j) * 3 for j in range(60)) for i in range(60))
    figure = confusion(Confusion(labels, counts), "big")
    figure.canvas.draw()
    picture = np.asarray(figure.canvas.buffer_rgba())
    assert 1000 < max(picture.shape) < 4000 and picture.std() > 5


def test_pictures_need_known_clips(tmp_path: Path, model: Path, videos: Path) -> None:
    assert run("--model", model, "--clips", videos / "archery.mp4", "--out", tmp_path) == 0
    assert draw(results.read(tmp_path / "results.json"), tmp_path) == ()


def test_empty_bins_are_written_as_nothing() -> None:
    assert Bins(0.1, (0, 1), (None, 0.9), (None, 1.0)).confidence[0] is None
