"""First convolutions in INT8: close to float on pictures, closer than rounding to nearest, on odd sizes too."""

from __future__ import annotations

import cv2
import numpy as np
import openvino as ov
import pytest
from openvino import opset13 as ops

from slowfast_live.inference.space_to_depth import rewrite, stems
from slowfast_live.tools.convert.first_int8 import Grid, quantize_first, round_weights
from slowfast_live.types import U8


def smooth_clips(count: int, frames: int, height: int, width: int) -> list[U8]:
    """Clips of soft moving blobs: neighboring pixels are alike, as in videos."""
    rng = np.random.default_rng(5)
    clips = []
    for _ in range(count):
        base = rng.integers(0, 256, (height + 8, width + 8, 3)).astype(np.uint8)
        soft = cv2.normalize(cv2.GaussianBlur(base, (0, 0), 3), np.empty(0), 0, 255, cv2.NORM_MINMAX)
        clips.append(np.stack([soft[t : t + height, t : t + width] for t in range(frames)]).astype(np.uint8))
    return clips


def network(height: int, width: int, *, kernel: tuple[int, int, int], stride: int, half: bool = True) -> ov.Model:
    """A normalized clip of 5 frames and its first convolution, with a bias."""
    clip = ops.parameter([1, 5, height, width, 3], ov.Type.u8, "clip")
    data = ops.multiply(ops.subtract(ops.convert(clip, "f32"), np.float32(114.75)), np.float32(1 / 57.375))
    data = ops.transpose(data, np.array([0, 4, 1, 2, 3]))
    rng = np.random.default_rng(1)
    weights = rng.normal(0, 1 / np.sqrt(3 * np.prod(kernel)), (6, 3, *kernel))
    stored = ops.convert(ops.constant(weights.astype(np.float16)), "f32") if half else weights.astype(np.float32)
    pads = [k // 2 for k in kernel]
    out = ops.convolution(data, stored, [1, stride, stride], pads, pads, [1, 1, 1])
    out = ops.relu(ops.add(out, rng.normal(0, 0.1, (1, 6, 1, 1, 1)).astype(np.float32)))
    return ov.Model([ops.result(out)], [clip])


def answers(model: ov.Model, clip: U8) -> np.ndarray:
    compiled = ov.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return np.asarray(compiled(clip[None])[0]).copy()


@pytest.mark.parametrize("size", [(32, 32), (31, 45), (29, 38)], ids=str)
@pytest.mark.parametrize(("kernel", "stride"), [((1, 7, 7), 2), ((5, 7, 7), 2), ((3, 7, 7), 4)], ids=str)
def test_it_stays_close_to_float(size: tuple[int, int], kernel: tuple[int, int, int], stride: int) -> None:
    model = network(*size, kernel=kernel, stride=stride)
    *calibration, unseen = smooth_clips(5, 5, *size)
    expected = answers(model, unseen)
    (made,) = quantize_first(model, calibration)
    assert [stem.quantized for _op, stem in stems(model)] == [True]
    difference = answers(model, unseen) - expected
    assert np.sqrt((difference**2).mean()) < 0.01 * expected.std()
    assert made.error < 0.7 * made.plain, "pixels are alike, so that errors can make up for each other"


def test_the_rewriting_as_space_to_depth_is_exact_for_it_too() -> None:
    model = network(31, 45, kernel=(1, 7, 7), stride=2)
    *calibration, unseen = smooth_clips(3, 5, 31, 45)
    quantize_first(model, calibration)
    expected = answers(model, unseen)
    assert rewrite(model) == 1
    assert np.abs(answers(model, unseen) - expected).max() < 1e-4 * expected.max()


def test_what_is_quantized_already_stays() -> None:
    model = network(32, 32, kernel=(1, 7, 7), stride=2, half=False)
    clips = smooth_clips(2, 5, 32, 32)
    assert len(quantize_first(model, clips)) == 1
    before = answers(model, clips[0])
    assert quantize_first(model, clips) == []
    assert np.array_equal(answers(model, clips[0]), before)


def test_each_pixel_value_has_a_step_of_its_own() -> None:
    values = ((np.arange(256) - 114.75) / 57.375).astype(np.float32)
    grid = Grid.of(float(values.min()), float(values.max()))
    stepped = grid.apply(values)
    assert len(np.unique(stepped)) == 256
    assert np.ptp(stepped - values) < 1e-5, "all are moved by the same, which the bias takes back"
    assert grid.apply(np.zeros(1, np.float32)) == pytest.approx(0, abs=1e-6), "the padding stays 0"


def test_weights_are_whole_steps_and_the_bias_takes_back_the_mean() -> None:
    rng = np.random.default_rng(0)
    weights = rng.normal(size=(4, 3, 1, 2, 2)).astype(np.float32)
    seen = rng.normal(1.0, 1.0, (2000, 12)).astype(np.float32)
    grid = Grid.of(float(seen.min()), float(seen.max()))
    made = round_weights(weights, seen, grid)
    assert made.steps.dtype == np.int8 and made.steps.shape == weights.shape
    got = grid.apply(seen) @ (made.steps.reshape(4, -1) * made.scale[:, None]).T + made.bias
    wanted = seen @ weights.reshape(4, -1).T
    assert np.abs((got - wanted).mean(0)).max() < 1e-4
    assert np.sqrt(((got - wanted) ** 2).mean()) < 0.02 * wanted.std()


def test_a_channel_of_zeros_stays_zero() -> None:
    seen = np.random.default_rng(0).normal(size=(500, 12)).astype(np.float32)
    made = round_weights(np.zeros((2, 3, 1, 2, 2), np.float32), seen, Grid.of(-4.0, 4.0))
    assert not made.steps.any() and not made.bias.any()
