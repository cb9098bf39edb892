"""First convolutions in INT8, with weights that are rounded to suit the pixels that they see.

NNCF rounds each weight to the nearest of 255 steps. Neighboring pixels are much alike, though, so that the weights
beside one can make up for its error: they are rounded one after the other, and the error of each is spread over those
that follow, weighted with how alike their pixels are on the clips for calibration. This is what GPTQ does (Frantar et
al., 2023, arXiv:2210.17323). The pixels themselves lose nothing, because 8 bits are what they came in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import openvino as ov
from numpy.typing import NDArray
from openvino import opset13 as ops

from slowfast_live.inference.space_to_depth import Stem, stems
from slowfast_live.types import F32, F64, U8

PATCHES = 24_000
"""Patches of pixels, over all clips, that weights are rounded on."""
_LEVELS = 256
_LARGEST = 127
_DAMPING = 1e-3
"""Added to the diagonal of the covariance, as a share of its mean: what the clips never show must not be free."""
_SHRINK = (1.0, 0.95, 0.9, 0.85)
"""Shares of the largest weight that the largest step may stand for; the best one is chosen for each output."""


@dataclass(frozen=True, slots=True)
class Rounded:
    """A first convolution in INT8.

    Attributes:
        steps: int8 (O, C, KT, KH, KW).
        scale: float32 (O,): what one step stands for.
        bias: float32 (O,), to add to the results: what rounding shifts them by on average.
        error: Root mean square of what is left of the difference, relative to the deviation of the results.
        plain: The same for rounding to nearest.
    """

    steps: NDArray[np.int8]
    scale: F32
    bias: F32
    error: float
    plain: float


def quantize_first(network: ov.Model, clips: Sequence[U8], seed: int = 0) -> list[Rounded]:
    """Quantize the first convolutions of a network that are still in float, in place.

    Args:
        network: One uint8 input (1, T, S, S, 3).
        clips: Clips for calibration, uint8 (T, S, S, 3) each.
        seed: Of the choice of patches.

    Returns:
        What was made of each, in the order of execution.
    """
    found = [(op, stem) for op, stem in stems(network) if not stem.quantized]
    if not found:
        return []
    inputs = [op.input_value(0) for op, _stem in found]
    looking = ov.Model([ops.result(value) for value in inputs], network.get_parameters(), "inputs")
    compiled = ov.Core().compile_model(looking, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    seen: list[list[F32]] = [[] for _ in found]
    low, high = [0.0] * len(found), [0.0] * len(found)
    rng = np.random.default_rng(seed)
    for clip in clips:
        for number, data in enumerate(compiled(clip[None]).to_tuple()):
            low[number], high[number] = min(low[number], float(data.min())), max(high[number], float(data.max()))
            seen[number].append(patches(data, found[number][1], -(-PATCHES // len(clips)), rng))
    made = []
    for number, (op, _stem) in enumerate(found):
        grid = Grid.of(low[number], high[number])
        rounded = round_weights(_float_weights(op), np.concatenate(seen[number]), grid)
        _replace(op, rounded, grid)
        made.append(rounded)
    network.validate_nodes_and_infer_types()
    return made


@dataclass(frozen=True, slots=True)
class Grid:
    """256 steps for the input of a convolution; 0 is one of them.

    Attributes:
        low: The lowest value.
        high: The highest one.
    """

    low: float
    high: float

    @classmethod
    def of(cls, low: float, high: float) -> Grid:
        """Return the grid for values between `low` and `high`, with the distance of `(high - low) / 255`.

        The values of normalized pixels are a grid themselves: each keeps a step of its own, only the offset moves.
        """
        scale = (high - low) / (_LEVELS - 1) or 1.0
        zero = round(-low / scale)
        return cls(-zero * scale, (_LEVELS - 1 - zero) * scale)

    def apply(self, values: F32) -> F32:
        """Return the values rounded to the grid."""
        scale = (self.high - self.low) / (_LEVELS - 1)
        steps = np.rint((np.clip(values, self.low, self.high) - self.low) / scale)
        return np.asarray(steps * scale + self.low, np.float32)


def patches(data: F32, stem: Stem, count: int, rng: np.random.Generator) -> F32:
    """Return what a convolution sees at random places, float32 (count, C KT KH KW)."""
    _, channels, kt, kh, kw = stem.weights
    padded = np.pad(data[0], ((0, 0), *zip(stem.pads, stem.pads_end, strict=True)))
    views = np.lib.stride_tricks.sliding_window_view(padded, (kt, kh, kw), axis=(1, 2, 3))
    views = views[:, :: stem.strides[0], :: stem.strides[1], :: stem.strides[2]]
    t, y, x = (rng.integers(0, size, count) for size in views.shape[1:4])
    return np.ascontiguousarray(views[:, t, y, x].transpose(1, 0, 2, 3, 4).reshape(count, channels * kt * kh * kw))


def round_weights(weights: F32, seen: F32, grid: Grid) -> Rounded:
    """Round the weights of a convolution so that its results on `seen` change as little as possible.

    Args:
        weights: float32 (O, C, KT, KH, KW).
        seen: float32 (patches, C KT KH KW).
        grid: The steps of its input.
    """
    flat = weights.reshape(len(weights), -1).astype(np.float64)
    exact, stepped = seen.astype(np.float64), grid.apply(seen).astype(np.float64)
    mean = stepped.mean(0)
    centered = stepped - mean
    covariance = centered.T @ centered / len(seen)
    covariance[np.diag_indices_from(covariance)] += _DAMPING * np.trace(covariance) / len(covariance) + 1e-12
    scale, steps = _best(flat, covariance)
    wanted = exact @ flat.T
    got = stepped @ (steps * scale[:, None]).T
    bias = (wanted - got).mean(0)
    nearest = np.abs(flat).max(1, keepdims=True) / _LARGEST
    plain = stepped @ (np.rint(flat / np.maximum(nearest, 1e-12)) * nearest).T
    return Rounded(
        steps.astype(np.int8).reshape(weights.shape),
        scale.astype(np.float32),
        bias.astype(np.float32),
        _relative(wanted, got),
        _relative(wanted, plain),
    )


def _relative(wanted: F64, got: F64) -> float:
    difference = (wanted - got) - (wanted - got).mean(0)
    return float(np.sqrt((difference**2).mean() / max(wanted.var(0).mean(), 1e-30)))


def _best(flat: F64, covariance: F64) -> tuple[F64, F64]:
    """Return scale (O,) and steps (O, D): of several scales the one with the smallest error for each output."""
    # The order of rounding: what varies most first, so that the rest can make up for it.
    order = np.argsort(-np.diag(covariance), kind="stable")
    upper = np.linalg.cholesky(np.linalg.inv(covariance[np.ix_(order, order)])).T
    scales = np.maximum(np.abs(flat).max(1), 1e-12) / _LARGEST
    best: tuple[F64, F64, F64] | None = None
    for share in _SHRINK:
        scale = scales * share
        steps = np.empty_like(flat)
        steps[:, order] = _spread(flat[:, order], scale, upper)
        left = flat - steps * scale[:, None]
        error = np.einsum("od,de,oe->o", left, covariance, left, optimize=True)
        if best is None:
            best = error, scale, steps
        else:
            better = error < best[0]
            best = (
                np.where(better, error, best[0]),
                np.where(better, scale, best[1]),
                np.where(better[:, None], steps, best[2]),
            )
    assert best is not None
    return best[1], best[2]


def _spread(weights: F64, scale: F64, upper: F64) -> F64:
    """Round weights (O, D) one column after the other; the error of each is spread over those that follow."""
    left, steps = weights.copy(), np.empty_like(weights)
    for column in range(weights.shape[1]):
        steps[:, column] = np.clip(np.rint(left[:, column] / scale), -_LARGEST, _LARGEST)
        error = (left[:, column] - steps[:, column] * scale) / upper[column, column]
        left[:, column + 1 :] -= error[:, None] * upper[column, column + 1 :]
    return steps


def _float_weights(op: Any) -> F32:
    constant = op.input_value(1).get_node()
    while constant.get_type_name() != "Constant":
        constant = constant.input_value(0).get_node()
    return cast(F32, constant.get_data().astype(np.float32))


def _replace(op: Any, rounded: Rounded, grid: Grid) -> None:
    """Give a convolution quantized inputs and weights, and add the bias behind it."""
    limits = [np.full((1,) * 5, limit, np.float32) for limit in (grid.low, grid.high, grid.low, grid.high)]
    data = ops.fake_quantize(op.input_value(0), *limits, _LEVELS)
    data.set_friendly_name(f"{op.get_friendly_name()}/input")
    steps = ops.convert(ops.constant(rounded.steps), "f32")
    op.input(0).replace_source_output(data.output(0))
    op.input(1).replace_source_output(ops.multiply(steps, rounded.scale.reshape(-1, 1, 1, 1, 1)).output(0))
    targets = op.output(0).get_target_inputs()
    shifted = ops.add(op.output(0), rounded.bias.reshape(1, -1, 1, 1, 1))
    for target in targets:
        target.replace_source_output(shifted.output(0))
