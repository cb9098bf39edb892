"""Models that score what each person does, in OpenVINO."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import openvino as ov
import pytest
from openvino import opset13 as ops

from slowfast_live.core.framing import WholePicture
from slowfast_live.errors import ModelError
from slowfast_live.inference import detection
from slowfast_live.inference import spec as specs
from slowfast_live.inference.backend import DetectionRequest, infer_once
from slowfast_live.inference.detection import OpenVinoDetection
from slowfast_live.inference.device_backend import DeviceBackend
from slowfast_live.inference.openvino_backend import OpenVinoBackend, input_name
from slowfast_live.inference.spec import Clip, Model, ModelSpec, only_actions
from tests.tiny_detection import LABELS, SIDE, make_head, write_tiny_detection


@pytest.fixture
def model(tmp_path: Path) -> Model:
    return write_tiny_detection(tmp_path / "people-fp32")


def compiled(model: Model, tmp_path: Path, **backend: bool) -> OpenVinoDetection:
    made = OpenVinoBackend(tmp_path / "cache", **backend).compile(model, "CPU")
    assert isinstance(made, OpenVinoDetection)
    return made


def red_and_blue(width: int) -> np.ndarray:
    """The left half of the picture is red, the right one blue."""
    picture = np.zeros((SIDE, width, 3), np.uint8)
    picture[:, : width // 2, 0] = 255
    picture[:, width // 2 :, 2] = 255
    return picture


@pytest.mark.parametrize("width", [SIDE, 128, 115])
def test_each_box_gets_the_scores_of_its_own_place(model: Model, tmp_path: Path, width: int) -> None:
    runner = compiled(model, tmp_path)
    request = runner.request
    assert isinstance(request, DetectionRequest) and runner.requests == (request,)
    request.fit(SIDE, width)
    request.clip[:] = red_and_blue(width)
    request.boxes = np.array([[0, 0, 15, 60], [width - 16, 0, width - 1, 60], [2, 3, 12, 40]], np.float32)
    people = infer_once(request).people
    assert people is not None and people.shape == (3, 4)
    assert people[0, 0] > 0.9 > 0.1 > people[0, 2] and people[1, 2] > 0.9 > 0.1 > people[1, 0]
    request.boxes = request.boxes[1:2]
    again = infer_once(request).people
    assert again is not None and np.array_equal(again[0], people[1])
    runner.close()
    assert runner.requests == ()


def test_nobody_runs_nothing(model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runner = compiled(model, tmp_path)

    class Broken:
        def infer(self, *_: object) -> None:
            raise AssertionError("it was run")

    monkeypatch.setattr(runner.request, "_backbone", Broken())
    runner.request.boxes = np.zeros((0, 4), np.float32)
    result = infer_once(runner.request)
    assert result.error is None and result.people is not None and result.people.shape == (0, 4)
    runner.request.boxes = np.zeros((1, 4), np.float32)
    assert isinstance(infer_once(runner.request).error, AssertionError)
    runner.close()


def test_a_slow_machine_sees_the_central_square_of_a_live_picture(
    model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = compiled(model, tmp_path)
    assert runner.model is model, "this one is fast enough"
    runner.close()
    monkeypatch.setattr(detection, "CARRIES_WHOLE_S", 0.0)
    runner = compiled(model, tmp_path)
    framing = runner.model.spec.framing()
    assert runner.model.spec.clip.crop == "centre" and isinstance(framing, WholePicture) and framing.square
    runner.close()
    again = compiled(runner.model, tmp_path)  # what the model carries does not contradict it
    again.close()
    files = compiled(model, tmp_path, throughput=True)
    assert files.model is model, "a file has time"
    files.close()


@pytest.mark.parametrize(("gain", "message"), [(float("nan"), "not a number"), (1.0, "no score|expected a score")])
def test_a_head_that_gives_no_scores_is_refused(tmp_path: Path, gain: float, message: str) -> None:
    head = make_head(gain)
    if gain == 1.0:  # logits instead of scores
        result = head.get_results()[0]
        logits = ops.multiply(result.input_value(0), np.float32(9))
        logits.output(0).set_names({"probabilities"})
        result.input_value(0).set_names(set())
        head = ov.Model([ops.result(logits)], head.get_parameters(), "logits")
    with pytest.raises(ModelError, match=message):
        compiled(write_tiny_detection(tmp_path / "bad-fp32", head=head), tmp_path)


def test_a_model_that_does_not_fit_its_description_is_refused(model: Model, tmp_path: Path) -> None:
    described = json.loads((model.folder / specs.SPEC_FILE).read_bytes())
    for change, message in (
        ({"labels": [*LABELS, "more"]}, "labels"),
        ({"clip": described["clip"] | {"frames": 9}}, "clip"),
    ):
        (model.folder / specs.SPEC_FILE).write_text(json.dumps(described | change))
        with pytest.raises(ModelError, match=message):
            compiled(Model(model.folder, specs.load(model.folder)), tmp_path)
    (model.folder / specs.SPEC_FILE).write_text(json.dumps(described))
    (model.folder / specs.HEAD_WEIGHTS_FILE).unlink()
    with pytest.raises(ModelError, match=r"head\.bin is missing"):
        specs.load(model.folder)


def test_no_server_runs_it(model: Model, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="runs on this machine only"):
        DeviceBackend(OpenVinoBackend(tmp_path / "cache")).compile(model, "grpc://127.0.0.1:9")
    with pytest.raises(ModelError, match="runs on this machine only"):
        input_name(model)


def test_labels_that_are_off_can_be_chosen(model: Model) -> None:
    assert model.spec.decision.off == ("off",) and model.spec.actions == LABELS
    chosen = only_actions(model, ["off", "red"])
    assert chosen.spec.decision.off == ("green", "blue")
    assert only_actions(model, LABELS).spec.decision.off == ()
    assert only_actions(model, []).spec.decision.off == ("off",)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"activation": "softmax"}, "each label by itself"),
        ({"task": "classification"}, "for models of task 'detection'"),
        ({"decision": specs.Decision(off=("crawl",))}, "decision.off"),
    ],
)
def test_a_description_that_contradicts_itself_is_refused(change: dict[str, object], message: str) -> None:
    facts = {
        "name": "x",
        "title": "X",
        "family": "none",
        "task": "detection",
        "activation": "sigmoid",
        "labels": ("a", "b"),
        "clip": Clip(frames=2, stride=1, side=16, crop="whole"),
        "precision": "FP32",
        "trained": True,
    }
    with pytest.raises(ValueError, match=message):
        ModelSpec(**(facts | change))  # type: ignore[arg-type]
