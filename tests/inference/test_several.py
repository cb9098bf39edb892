"""Descriptions and networks of models that give several answers at once, or see whole actions."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import numpy as np
import openvino as ov
import pytest
from openvino import opset13 as ops

from slowfast_live.errors import ModelError
from slowfast_live.inference import spec as specs
from slowfast_live.inference.openvino_backend import RT_INFO_KEY, OpenVinoBackend
from slowfast_live.inference.spec import Clip, Decision, Model, ModelSpec

LABELS = ("bright", "dark", "red")


def write(folder: Path, activation: str = "sigmoid", embedded: dict[str, object] | None = None) -> Model:
    """A model that scores by the mean color: bright, dark and red, each by itself or together."""
    spec = ModelSpec(
        name=folder.name,
        title="Colors",
        family="none",
        labels=LABELS,
        activation="sigmoid",
        clip=Clip(frames=2, stride=1, side=16, spans_s=(1.0, 2.0)),
        decision=Decision(threshold=0.5, thresholds={"red": 0.7}),
        precision="FP32",
        trained=True,
    )
    clip = ops.parameter(list(spec.input_shape), ov.Type.u8, "clip")
    color = ops.reduce_mean(ops.divide(ops.convert(clip, "f32"), np.float32(255)), np.array([1, 2, 3]), False)
    weights = np.float32([[3, -3, 8], [3, -3, -4], [3, -3, -4]])
    logits = ops.add(ops.matmul(color, weights, False, False), np.float32([[-4, 4, -2]]))
    scores = ops.sigmoid(logits) if activation == "sigmoid" else logits
    scores.output(0).set_names({"probabilities"})
    network = ov.Model([ops.result(scores)], [clip], "colors")
    carried = json.loads(specs.encode(spec)) | (embedded or {})
    network.set_rt_info(json.dumps(carried), RT_INFO_KEY)
    folder.mkdir(parents=True)
    ov.save_model(network, folder / specs.IR_FILE, compress_to_fp16=False)
    (folder / specs.SPEC_FILE).write_bytes(specs.encode(spec))
    return Model(folder, specs.load(folder))


def test_scores_need_not_sum_to_one(tmp_path: Path) -> None:
    compiled = OpenVinoBackend(tmp_path / "cache").compile(write(tmp_path / "colors-fp32"), "CPU")
    compiled.requests[0].clip[:] = (255, 0, 0)
    probs = compiled.infer().probs
    compiled.close()
    assert probs is not None and probs[2] > 0.9 and probs.sum() > 1.1


def test_logits_are_no_scores(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no probabilities"):
        OpenVinoBackend(tmp_path / "cache").compile(write(tmp_path / "colors-fp32", "none"), "CPU")


def test_a_network_that_carries_another_activation_does_not_fit(tmp_path: Path) -> None:
    model = write(tmp_path / "colors-fp32", embedded={"activation": "softmax"})
    with pytest.raises(ModelError, match="'activation' differs"):
        OpenVinoBackend(tmp_path / "cache").compile(model, "CPU")


def test_a_span_that_the_user_chose_still_fits_the_network(tmp_path: Path) -> None:
    model = write(tmp_path / "colors-fp32")
    clip = model.spec.clip.spread(1.2)
    chosen = msgspec.structs.replace(model, spec=msgspec.structs.replace(model.spec, clip=clip))
    OpenVinoBackend(tmp_path / "cache").compile(chosen, "CPU").close()


def test_networks_of_earlier_versions_still_fit(tmp_path: Path, tiny: Model) -> None:
    """Their description lacks the fields that came later."""
    content = (tiny.folder / specs.IR_FILE).read_text()
    assert "spans_s" in content
    folder = tmp_path / tiny.name
    folder.mkdir()
    for name in (specs.WEIGHTS_FILE, specs.SPEC_FILE):
        (folder / name).write_bytes((tiny.folder / name).read_bytes())
    core = ov.Core()
    network = core.read_model(tiny.folder / specs.IR_FILE)
    carried = json.loads(str(network.get_rt_info(RT_INFO_KEY).astype(str)))
    del carried["activation"], carried["clip"]["spans_s"], carried["clip"]["mirrored"], carried["clip"]["span_s"]
    network.set_rt_info(json.dumps(carried), RT_INFO_KEY)
    ov.save_model(network, folder / specs.IR_FILE, compress_to_fp16=False)
    OpenVinoBackend(tmp_path / "cache").compile(Model(folder, tiny.spec), "CPU").close()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"decision": Decision(thresholds={"blue": 0.5})}, "decision.thresholds names labels"),
        ({"clip": Clip(2, 1, 16, spans_s=(3.0, 2.0))}, "clip.spans_s goes from the shortest"),
    ],
)
def test_inconsistent_descriptions_are_refused(tmp_path: Path, changes: dict[str, object], message: str) -> None:
    model = write(tmp_path / "colors-fp32")
    with pytest.raises(ValueError, match=message):
        msgspec.structs.replace(model.spec, **changes)
