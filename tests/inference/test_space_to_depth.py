"""The rewritten first convolutions compute the same function, on all sizes and for all ways to store the weights."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
import openvino as ov
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openvino import opset13 as ops

from slowfast_live.inference import spec as specs
from slowfast_live.inference.space_to_depth import rewrite, stems
from slowfast_live.paths import bundled


def first_convolution(
    size: tuple[int, int],
    *,
    channels: int = 3,
    kernel: int = 7,
    stride: int = 2,
    pads: tuple[int, int] = (3, 3),
    channels_last: bool = True,
    weights: str = "f32",
) -> ov.Model:
    """A clip, normalized, its first convolution and a ReLU."""
    shape = [1, 5, *size, channels] if channels_last else [1, channels, 5, *size]
    clip = ops.parameter(shape, ov.Type.u8, "clip")
    data = ops.multiply(ops.subtract(ops.convert(clip, "f32"), np.float32(114.75)), np.float32(1 / 57.375))
    if channels_last:
        data = ops.transpose(data, np.array([0, 4, 1, 2, 3]))
    geometry = [1, stride, stride], [1, pads[0], pads[0]], [1, pads[1], pads[1]], [1, 1, 1]
    out = ops.convolution(data, stored((6, channels, 3, kernel, kernel), weights), *geometry)
    return ov.Model([ops.result(ops.relu(out))], [clip])


def stored(shape: tuple[int, ...], kind: str) -> Any:
    rng = np.random.default_rng(3)
    if kind == "int8":
        levels = ops.constant(rng.integers(-127, 128, shape, np.int8))
        scale = rng.uniform(0.001, 0.01, (shape[0], 1, 1, 1, 1)).astype(np.float32)
        return ops.multiply(ops.convert(levels, "f32"), scale)
    values = rng.normal(0, 1 / np.sqrt(prod(shape[1:])), shape)
    return ops.convert(ops.constant(values.astype(np.float16)), "f32") if kind == "f16" else values.astype(np.float32)


def results(model: ov.Model, seed: int = 0) -> np.ndarray:
    compiled = ov.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    clip = np.random.default_rng(seed).integers(0, 256, model.input(0).shape, np.uint8)
    return compiled(clip)[0].copy()


def assert_the_same(model: ov.Model) -> None:
    expected = results(model)
    assert rewrite(model) == 1
    assert not stems(model), "nothing is left to rewrite"
    got = results(model)
    assert got.shape == expected.shape and expected.std() > 0.1
    assert np.abs(got - expected).max() < 1e-5 * expected.max()


@pytest.mark.parametrize("weights", ["f32", "f16", "int8"])
@pytest.mark.parametrize("channels_last", [True, False])
@pytest.mark.parametrize("size", [(32, 32), (31, 31), (32, 45), (29, 38)], ids=str)
def test_a_stem_as_in_slowfast(size: tuple[int, int], channels_last: bool, weights: str) -> None:
    assert_the_same(first_convolution(size, channels_last=channels_last, weights=weights))


@pytest.mark.parametrize(
    ("kernel", "stride", "pads"),
    [(3, 2, (1, 1)), (5, 2, (2, 2)), (7, 4, (3, 3)), (7, 2, (2, 3)), (3, 2, (0, 1))],
    ids=str,
)
@pytest.mark.parametrize("size", [(32, 32), (33, 30)], ids=str)
def test_other_stems(size: tuple[int, int], kernel: int, stride: int, pads: tuple[int, int]) -> None:
    assert_the_same(first_convolution(size, kernel=kernel, stride=stride, pads=pads))


@settings(max_examples=25, deadline=None)
@given(
    st.tuples(st.integers(9, 40), st.integers(9, 40)),
    st.integers(1, 4),
    st.sampled_from([2, 4]),
    st.integers(3, 9),
    st.tuples(st.integers(0, 4), st.integers(0, 4)),
)
def test_any_stem_is_the_same_or_is_left_alone(
    size: tuple[int, int], channels: int, stride: int, kernel: int, pads: tuple[int, int]
) -> None:
    model = first_convolution(size, channels=channels, kernel=kernel, stride=stride, pads=pads)
    if stems(model):
        assert_the_same(model)


@pytest.mark.parametrize(
    "model",
    [
        first_convolution((32, 32), channels=8),
        first_convolution((32, 32), kernel=3, stride=1, pads=(1, 1)),
        first_convolution((32, 32), kernel=3, stride=3, pads=(1, 1)),
    ],
    ids=["many channels", "no stride", "a stride of 3"],
)
def test_what_gains_nothing_is_left_alone(model: ov.Model) -> None:
    expected = results(model)
    assert rewrite(model) == 0
    assert np.array_equal(results(model), expected)


def test_only_the_chosen_ones_are_rewritten() -> None:
    model = first_convolution((32, 32))
    assert rewrite(model, lambda stem: stem.weights[0] == 1) == 0
    assert rewrite(model, lambda stem: stem.weights[0] == 6) == 1


def test_the_bundled_model_gives_the_same_probabilities() -> None:
    path = bundled("models") / "slowfast_demo-int8" / specs.IR_FILE
    core = ov.Core()
    network, rewritten = core.read_model(path), core.read_model(path)
    assert rewrite(rewritten) == 2, "the stems of both pathways"
    plain, other = (core.compile_model(m, "CPU", {"INFERENCE_PRECISION_HINT": "f32"}) for m in (network, rewritten))
    for seed in range(3):
        clip = np.random.default_rng(seed).integers(0, 256, network.input(0).shape, np.uint8) // (seed + 1)
        assert np.abs(plain(clip)["probabilities"] - other(clip)["probabilities"]).max() < 2e-3
