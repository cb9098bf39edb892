"""Encoder and decoder of Open Model Zoo, from files on a server to a model that runs, with small stand-ins."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import openvino as ov
import pytest

from slowfast_live.inference import spec as specs
from slowfast_live.inference.openvino_backend import OpenVinoBackend
from slowfast_live.inference.spec import Model
from slowfast_live.tools.convert import catalogue, cli, encoder_decoder, open_model_zoo
from slowfast_live.tools.convert.catalogue import CATALOGUE
from slowfast_live.tools.convert.clips import drawn

from .server import Behaviour
from .stand_ins import FRAMES, SIDE, decoder, publish

pytestmark = pytest.mark.usefixtures("isolated")

NAMES = ("action_recognition_0001", "driver_action_recognition_adas_0002", "weld_porosity_detection_0001")


def put(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch, address: str, *, fixed: bool = False) -> None:
    entry = CATALOGUE[name]
    assert entry.encoder_decoder is not None
    table = publish(entry.encoder_decoder, entry.dataset.classes, folder, fixed=fixed)
    for rows in table[entry.encoder_decoder.name].values():
        for row in rows:
            row["url"] = f"{address}/{row['url']}"
    monkeypatch.setattr(open_model_zoo, "_table", lambda: table)
    served = dataclasses.replace(entry.encoder_decoder, url=f"{address}/{entry.encoder_decoder.name}")
    clip = msgspec.structs.replace(entry.clip, side=SIDE)
    small = dataclasses.replace(entry, url=served.url, encoder_decoder=served, clip=clip)
    monkeypatch.setitem(catalogue.CATALOGUE, name, small)


def filled(folder: Path) -> dict[str, bytes]:
    return {f"{path.parent.name}/{path.name}": path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def run(output: Path, *words: str) -> int:
    return cli.main([*words, "--evaluation-clips", "3", "--output", str(output), "--progress", "json"])


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize("name", NAMES)
def test_from_published_files_to_models_that_run(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    server: tuple[str, Behaviour],
    capsys: pytest.CaptureFixture[str],
    name: str,
) -> None:
    address, behavior = server
    put(name, tmp_path / "zoo", monkeypatch, address)
    behavior.files = filled(tmp_path / "zoo")
    report = tmp_path / "report.json"
    words = [name, *(f"--precision={p}" for p in cli.PRECISION_NAMES)]
    assert run(tmp_path / "models", *words, "--report", str(report)) == 0
    assert [line["precision"] for line in lines(capsys) if line["step"] == "done"] == ["FP32", "FP16", "INT8"]
    entry = CATALOGUE[name]
    clips = drawn(entry.clip, 3, seed=5)
    for precision, folder in open_model_zoo.FOLDERS.items():
        built = tmp_path / "models" / f"{name}-{precision.lower()}"
        spec = specs.load(built)
        assert spec.trained and spec.labels == entry.dataset.labels() and spec.features is None
        assert spec.accuracy[0].value == entry.top1 and spec.licence == "Apache-2.0"
        assert spec.parity["pictures"] == "batch" and spec.parity["ir"]["logit_error"] <= 1e-3
        files = [path for path in sorted((tmp_path / "zoo" / folder).iterdir()) if path.suffix == ".xml"]
        files.sort(key=lambda path: "decoder" in path.name)
        pairs = [file for path in files for file in (path, path.with_suffix(".bin"))]
        expected = encoder_decoder.run_stages(pairs, clips)
        got = encoder_decoder.run_merged(built / specs.IR_FILE, clips, exact=True)
        assert np.ptp(expected, axis=0).max() > 1e-3, "clips that score alike would make the comparison worthless"
        assert np.abs(expected - got).max() < 1e-5
        assert spec.origin["sha384"].count(" ") >= len(pairs) and spec.origin["url"].startswith(address)
    # The app compiles and runs it like any other model.
    folder = tmp_path / "models" / f"{name}-fp16"
    compiled = OpenVinoBackend(tmp_path / "compiled").compile(Model(folder, specs.load(folder)), "CPU")
    compiled.requests[0].clip[:] = clips[0]
    outcome = compiled.infer()
    compiled.close()
    assert outcome.probs is not None and outcome.probs.shape == (entry.dataset.classes,)
    assert cli.main(["--table", str(report)]) == 0
    assert f"| `{name}` | 3 |" in capsys.readouterr().out
    # A second run builds nothing, and asks the server for nothing.
    asked = len(behavior.requests)
    assert run(tmp_path / "models", *words) == 0
    assert [line["step"] for line in lines(capsys)] == ["skip"] * 3 and len(behavior.requests) == asked


def test_the_colors_reach_the_encoder_in_its_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: tuple[str, Behaviour]
) -> None:
    """A red clip means red to the network: swapped channels give other scores."""
    address, _ = server
    put(NAMES[0], tmp_path / "zoo", monkeypatch, address)
    assert run(tmp_path / "models", NAMES[0], "--checkpoint", str(tmp_path / "zoo"), "--precision=fp32") == 0
    red = np.zeros((FRAMES, SIDE, SIDE, 3), np.uint8)
    red[..., 0] = 255
    ir = tmp_path / "models" / f"{NAMES[0]}-fp32" / specs.IR_FILE
    right, swapped = encoder_decoder.run_merged(ir, [red, red[..., ::-1].copy()], exact=True)
    core = ov.Core()
    core.set_property("CPU", {"INFERENCE_PRECISION_HINT": "f32"})  # as `exact`
    encoder = core.compile_model(tmp_path / "zoo" / "FP32" / "action-recognition-0001-encoder.xml", "CPU")
    scores = core.compile_model(tmp_path / "zoo" / "FP32" / "action-recognition-0001-decoder.xml", "CPU")
    bgr = np.zeros((1, 3, SIDE, SIDE), np.float32)
    bgr[:, 2] = 255
    logits = scores(np.tile(encoder(bgr)[0].reshape(1, 1, -1), (1, FRAMES, 1)))[0][0]
    expected = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
    assert np.abs(right - expected).max() < 1e-5 < np.abs(swapped - expected).max()


def test_an_encoder_that_takes_no_batch_is_repeated_in_a_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: tuple[str, Behaviour]
) -> None:
    address, _ = server
    put(NAMES[0], tmp_path / "zoo", monkeypatch, address, fixed=True)
    assert run(tmp_path / "models", NAMES[0], "--checkpoint", str(tmp_path / "zoo"), "--precision=fp16") == 0
    spec = specs.load(tmp_path / "models" / f"{NAMES[0]}-fp16")
    assert spec.parity["pictures"] == "loop" and spec.parity["ir"]["logit_error"] <= 1e-3
    model = ov.Core().read_model(tmp_path / "models" / f"{NAMES[0]}-fp16" / specs.IR_FILE)
    assert [op.get_type_name() for op in model.get_ops()].count("TensorIterator") == 1


def test_a_file_with_another_checksum_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: tuple[str, Behaviour], capsys: pytest.CaptureFixture[str]
) -> None:
    address, behavior = server
    put(NAMES[1], tmp_path / "zoo", monkeypatch, address)
    behavior.files = filled(tmp_path / "zoo")
    name = "FP16/driver-action-recognition-adas-0002-decoder.bin"
    behavior.files[name] = behavior.files[name][:-1] + b"!"
    assert run(tmp_path / "models", NAMES[1], "--precision=fp16") == cli.FAILED
    message = lines(capsys)[-1]["message"]
    assert "is not the published file: its SHA-384 is" in message and name in message
    assert not list((tmp_path / "models").iterdir())


def test_a_folder_fetched_by_other_means(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: tuple[str, Behaviour], capsys: pytest.CaptureFixture[str]
) -> None:
    address, behavior = server
    put(NAMES[1], tmp_path / "zoo", monkeypatch, address)
    flat = tmp_path / "flat"
    shutil.copytree(tmp_path / "zoo" / "FP16", flat)
    assert run(tmp_path / "models", NAMES[1], "--checkpoint", str(flat), "--precision=fp16") == 0
    spec = specs.load(tmp_path / "models" / f"{NAMES[1]}-fp16")
    assert spec.accuracy and spec.origin["url"].startswith(address) and not behavior.requests
    # Other weights of the same shape are the user's own, and claim no published accuracy.
    shutil.copytree(tmp_path / "zoo" / "FP16", tmp_path / "mine")
    ov.save_model(decoder(7, 9), tmp_path / "mine" / "driver-action-recognition-adas-0002-decoder.xml")
    assert run(tmp_path / "mine-models", NAMES[1], "--checkpoint", str(tmp_path / "mine"), "--precision=fp16") == 0
    spec = specs.load(tmp_path / "mine-models" / f"{NAMES[1]}-fp16")
    assert spec.accuracy == () and spec.title.endswith("own weights") and spec.licence == ""
    (flat / "driver-action-recognition-adas-0002-encoder.bin").unlink()
    capsys.readouterr()
    assert run(tmp_path / "models", NAMES[1], "--checkpoint", str(flat), "--precision=fp16") == cli.MISUSED
    assert "lacks driver-action-recognition-adas-0002-encoder.bin in FP16" in lines(capsys)[-1]["message"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--random-weights"], "it has no random weights"),
        (["--compare-int8"], "published in INT8"),
        (["--checkpoint", "gone.bin"], "gone.bin is not a folder"),
    ],
)
def test_misuse_is_explained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    assert run(tmp_path / "models", NAMES[0], *words) == cli.MISUSED
    assert message in lines(capsys)[-1]["message"]


def test_the_table_of_published_files_is_complete() -> None:
    for name in NAMES:
        published = CATALOGUE[name].encoder_decoder
        assert published is not None
        for precision in open_model_zoo.FOLDERS:
            files = published.files(precision)
            assert len(files) == (2 if name == NAMES[2] else 4)
            assert all(len(file.sha384) == 96 and file.size > 0 for file in files)
            assert all(file.url.startswith("https://storage.openvinotoolkit.org/") for file in files)
            assert [file.name.rsplit(".", 1)[1] for file in files[:2]] == ["xml", "bin"]
