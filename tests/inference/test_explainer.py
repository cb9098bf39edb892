"""What a class's score comes from: the shares of all places add up to the logit without its bias, exactly."""

from pathlib import Path

import cv2
import numpy as np
import openvino as ov
import pytest
from openvino import opset13 as ops

from slowfast_live.errors import ModelError
from slowfast_live.inference.attribution import outputs_of, read_head
from slowfast_live.inference.explainer import FAST, SLOW, Explainer, Explanation, heat
from slowfast_live.inference.spec import Model, Registry
from tests.tiny_model import make_tiny_network, tiny_spec

BUNDLED = "slowfast_demo-int8"
EXACT = {"INFERENCE_PRECISION_HINT": "f32"}
"""Else processors with bfloat16 compute in it, where sums differ in the third decimal."""


def noise(model: Model, seed: int = 0) -> np.ndarray:
    clip = model.spec.clip
    return np.random.default_rng(seed).integers(0, 256, (clip.frames, clip.side, clip.side, 3), np.uint8)


def logits_and_bias(network: ov.Model, clip: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The logits as OpenVINO computes them, and the bias of the last layer (0 where it has none)."""
    (output,) = (one for one in network.outputs if "probabilities" in one.names)
    logits = output.get_node().input_value(0).get_node().input_value(0)
    whole = ov.compile_model(ov.Model([ops.result(logits)], network.get_parameters(), "logits"), "CPU", EXACT)
    last = logits.get_node()
    if last.get_type_name() != "Add":
        return whole(clip[None])[0][0], np.zeros(logits.shape[-1], np.float32)
    bias = ov.compile_model(ov.Model([last.input_value(1)], [], "bias"), "CPU", EXACT)({})[0]
    return whole(clip[None])[0][0], bias.ravel()


def test_the_bundled_model_is_explained_exactly() -> None:
    model = Registry().find(BUNDLED)
    explainer = Explainer(model, "CPU", exact=True)
    network = ov.Core().read_model(model.folder / "model.xml")
    for seed in range(3):
        clip = noise(model, seed)
        logits, bias = logits_and_bias(network, clip)
        for number, label in enumerate(model.spec.labels):
            found = explainer.explain(clip, label)
            assert found.logit == pytest.approx(logits[number], abs=2e-3)
            shares = sum(one.sum() for one in found.maps.values())
            assert shares == pytest.approx(logits[number] - bias[number], abs=5e-3)
            assert found.bias == pytest.approx(bias[number], abs=5e-3)
            assert found.where.sum() == pytest.approx(found.logit - found.bias, abs=1e-4)
            assert found.when.sum() == pytest.approx(found.logit - found.bias, abs=1e-4)
    slow, fast = found.maps[SLOW], found.maps[FAST]
    assert slow.shape[0] * model.spec.alpha == fast.shape[0]
    assert sum(found.pathway_shares.values()) == pytest.approx(1)


def test_a_network_with_a_shift_before_its_classifier(tiny_models: Path) -> None:
    """The tiny network subtracts a center from its features: what that adds is bias."""
    model = Registry((tiny_models,)).find("tiny_trained-fp32")
    network = ov.Core().read_model(model.folder / "model.xml")
    clip = noise(model, 5)
    logits, _ = logits_and_bias(network, clip)
    for number, label in enumerate(model.spec.labels):
        found = Explainer(model, "CPU", exact=True).explain(clip, label)
        assert found.logit == pytest.approx(logits[number], rel=1e-3, abs=1e-3)
        assert sum(one.sum() for one in found.maps.values()) + found.bias == pytest.approx(found.logit, abs=1e-4)


def test_what_moves_in_one_corner_is_found_there(tiny_models: Path) -> None:
    """Two clips that differ in one corner: all the difference between their maps lies in that corner."""
    model = Registry((tiny_models,)).find("tiny_trained-fp32")
    explainer = Explainer(model, "CPU", exact=True)
    side = model.spec.clip.side
    one = np.full((model.spec.clip.frames, side, side, 3), 120, np.uint8)
    other = one.copy()
    other[:, : side // 4, : side // 4] = noise(model)[:, : side // 4, : side // 4]
    label = model.spec.labels[0]
    difference = np.abs(explainer.explain(other, label).where - explainer.explain(one, label).where)
    assert difference[:2, :2].sum() == pytest.approx(difference.sum(), rel=1e-3) and difference.sum() > 0.01


def pooled_network(*, positions: bool, quantized: bool = False) -> ov.Model:
    """A head as X3D has it: features pooled over some places, projected, gated, classified for each position."""
    rng = np.random.default_rng(3)
    clip = ops.parameter([1, 4, 6, 6, 3], ov.Type.u8, "clip")
    x = ops.transpose(ops.divide(ops.convert(clip, "f32"), np.float32(255)), np.array([0, 4, 1, 2, 3]))
    x = ops.convolution(
        x, rng.normal(0, 1, (8, 3, 1, 1, 1)).astype(np.float32), [1, 1, 1], [0, 0, 0], [0, 0, 0], [1, 1, 1]
    )
    maps = ops.relu(x)
    kernel = [4, 5, 5] if positions else [4, 6, 6]
    x = ops.avg_pool(maps, [1, 1, 1], [0, 0, 0], [0, 0, 0], kernel, True)
    if quantized:
        low, high = np.float32(0), np.float32(1.5)
        x = ops.fake_quantize(x, low, high, low, high, 256)
    x = ops.convolution(
        x, rng.normal(0, 1, (10, 8, 1, 1, 1)).astype(np.float32), [1, 1, 1], [0, 0, 0], [0, 0, 0], [1, 1, 1]
    )
    x = ops.relu(x)
    count = 4 if positions else 1
    x = ops.reshape(x, np.array([1, 10, count]), False)
    features = ops.reduce_mean(x, np.array([2]), False)
    features.output(0).set_names({"features"})
    x = ops.transpose(x, np.array([0, 2, 1])) if positions else features
    weights = rng.normal(0, 1, (5, 10)).astype(np.float32)
    x = ops.add(ops.matmul(x, weights, False, True), rng.normal(0, 1, (1, 5)).astype(np.float32))
    x = ops.softmax(x, -1)
    probabilities = ops.reduce_mean(x, np.array([1]), False) if positions else x
    probabilities.output(0).set_names({"probabilities"})
    return ov.Model([ops.result(probabilities), ops.result(features)], [clip], "pooled")


@pytest.mark.parametrize("positions", [True, False])
@pytest.mark.parametrize("quantized", [True, False])
def test_gates_and_positions(positions: bool, quantized: bool) -> None:
    network = pooled_network(positions=positions, quantized=quantized)
    head = read_head(network, "probabilities")
    clip = np.random.default_rng(1).integers(0, 256, (1, 4, 6, 6, 3), np.uint8)
    node = next(one for one in network.get_ordered_ops() if one.get_type_name() == "Softmax").input_value(0)
    network.add_outputs([*outputs_of(network, head), node])
    results = ov.compile_model(network, "CPU", EXACT)(clip)
    maps, logits = results[2], results[3].reshape(-1, 5).mean(0)
    assert maps.shape == (1, 8, 4, 6, 6) and head.classes == 5
    bias = node.get_node().input_value(1).get_node().data.ravel()
    for label in range(5):
        shares, logit = head.attribute({head.maps[0]: maps}, label)
        assert logit == pytest.approx(logits[label], abs=2e-3)
        assert shares[head.maps[0]].sum() == pytest.approx(logits[label] - bias[label], abs=2e-3)


def test_what_has_no_maps_is_said() -> None:
    clip = ops.parameter([1, 4, 6, 6, 3], ov.Type.u8, "clip")
    x = ops.reshape(ops.convert(clip, "f32"), np.array([1, 432]), False)
    x = ops.matmul(ops.tanh(x), np.ones((432, 3), np.float32), False, False)
    probabilities = ops.softmax(x, 1)
    probabilities.output(0).set_names({"probabilities"})
    network = ov.Model([ops.result(probabilities)], [clip], "none")
    with pytest.raises(ModelError, match="Tanh, which cannot be traced"):
        read_head(network, "probabilities")
    with pytest.raises(ModelError, match="no output 'scores'"):
        read_head(network, "scores")
    tiny = make_tiny_network(tiny_spec("x", trained=True), 0)
    assert len(read_head(tiny, "probabilities").maps) == 2


def test_an_unknown_action(tiny_models: Path) -> None:
    model = Registry((tiny_models,)).find("tiny_trained-fp32")
    with pytest.raises(ModelError, match="has no action 'flying'"):
        Explainer(model, "CPU", exact=True).explain(noise(model), "flying")


def test_maps_of_different_grids_are_added_without_loss() -> None:
    rng = np.random.default_rng(0)
    maps = {SLOW: rng.normal(size=(2, 4, 4)).astype(np.float32), FAST: rng.normal(size=(8, 8, 8)).astype(np.float32)}
    found = Explanation("x", 3.0, maps)
    total = sum(float(one.sum()) for one in maps.values())
    assert found.where.shape == (8, 8) and found.when.shape == (8,)
    assert found.where.sum() == pytest.approx(total, abs=1e-4) and found.when.sum() == pytest.approx(total, abs=1e-4)
    assert found.bias == pytest.approx(3.0 - total, abs=1e-4)
    assert Explanation("x", 3.0, {"": maps[SLOW]}).pathway_shares == {}


def test_heat_shows_what_speaks_for_a_class() -> None:
    where = np.array([[0, -5.0], [0, 2.0]], np.float32)
    shown = heat(where, 40, 20)
    assert shown.shape == (20, 40) and shown.min() >= 0 and shown.max() <= 1
    assert shown[-1, -1] > 0.9 and shown[0, -1] < 0.1
    assert not heat(-np.abs(where), 8, 8).any()
    assert cv2.resize(shown, (2, 2), interpolation=cv2.INTER_AREA).argmax() == 3
