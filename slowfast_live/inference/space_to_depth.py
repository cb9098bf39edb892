"""Exact rewriting of a network's first convolutions: space-to-depth, and fewer, longer dot products.

A 7x7 convolution with stride 2 on 3 channels is the same function as a 4x4 one with stride 1 on 12 channels, once the
2x2 pixels below one output are written side by side as channels. Matrix units that multiply many channels at a time
(AMX, VNNI) compute the second form faster; for plain vector units it may be slower. `stem_tuning` measures which holds.

Nothing here changes a result by more than the rounding of a sum in another order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, prod
from typing import Any

import numpy as np
import openvino as ov
from openvino import opset13 as ops

from slowfast_live.types import F32

MAX_CHANNELS = 4
"""Convolutions with more input channels than this already fill a processor's vectors."""
_SPACE = (3, 4)
"""The axes of height and width of a clip (N, C, T, H, W)."""
_TO_CHANNELS_FIRST = [0, 4, 1, 2, 3]
"""The transpose from (N, T, H, W, C) to (N, C, T, H, W)."""


@dataclass(frozen=True, slots=True)
class Stem:
    """The geometry of a first convolution; two with the same one take the same time.

    Attributes:
        clip: Shape of the input: (N, C, T, H, W).
        weights: Shape of the weights: (O, C, KT, KH, KW).
        strides: (T, H, W).
        pads: Of the beginning, (T, H, W).
        pads_end: Of the end, (T, H, W).
        quantized: Whether the weights are 8-bit integers.
    """

    clip: tuple[int, ...]
    weights: tuple[int, ...]
    strides: tuple[int, ...]
    pads: tuple[int, ...]
    pads_end: tuple[int, ...]
    quantized: bool = False

    @property
    def key(self) -> str:
        """One line that identifies the geometry, e.g. "1x3x32x256x256 8x3x5x7x7 /1x2x2 +2x3x3 +2x3x3"."""
        parts = ["x".join(map(str, part)) for part in (self.clip, self.weights, self.strides, self.pads, self.pads_end)]
        return f"{parts[0]} {parts[1]} /{parts[2]} +{parts[3]} +{parts[4]}" + (" int8" if self.quantized else "")


def stems(network: ov.Model) -> list[tuple[Any, Stem]]:
    """Return the convolutions of a network that `rewrite` can rewrite, in the order of execution.

    Returns:
        OpenVINO's operation and its geometry, for each.
    """
    operations = (op for op in network.get_ordered_ops() if op.get_type_name() == "Convolution")
    return [(op, stem) for op in operations if (stem := _stem(op)) is not None]


def rewrite(network: ov.Model, chosen: Callable[[Stem], bool] = lambda _stem: True) -> int:
    """Rewrite first convolutions as space-to-depth and a convolution with spatial stride 1, in place.

    Args:
        network: Any network; its inputs, outputs and results stay the same.
        chosen: Which convolutions to rewrite.

    Returns:
        The number of convolutions that were rewritten.
    """
    found = [(op, stem) for op, stem in stems(network) if chosen(stem)]
    for op, stem in found:
        _replace(op, stem)
    if found:
        network.validate_nodes_and_infer_types()
    return len(found)


def _stem(op: Any) -> Stem | None:
    """Return the geometry of a convolution over clips, or None if it cannot be rewritten exactly."""
    how = op.get_attributes()
    data, weights = op.input_value(0), op.input_value(1)
    if len(data.get_partial_shape()) != 5 or not data.get_partial_shape().is_static:
        return None
    base = _weights(weights.get_node())
    strides = tuple(how["strides"])
    if base is None or how["auto_pad"] != "explicit" or any(d != 1 for d in how["dilations"]):
        return None
    stem = Stem(
        tuple(data.get_shape()),
        tuple(weights.get_shape()),
        strides,
        tuple(how["pads_begin"]),
        tuple(how["pads_end"]),
        base.get_element_type() in (ov.Type.i8, ov.Type.u8),
    )
    small = stem.weights[1] <= MAX_CHANNELS and strides[1] == strides[2] and strides[1] in (2, 4)
    return stem if small and all(_blocks(stem, axis).pad_end >= 0 for axis in (1, 2)) else None


@dataclass(frozen=True, slots=True)
class _Blocks:
    """One spatial axis in blocks of `stride` pixels.

    Attributes:
        shift: Zeros before the kernel, so that it begins at a block.
        kernel: Blocks that the kernel covers.
        length: Blocks of the input.
        pad: Blocks of padding at the beginning.
        pad_end: Blocks of padding at the end.
    """

    shift: int
    kernel: int
    length: int
    pad: int
    pad_end: int


def _blocks(stem: Stem, axis: int) -> _Blocks:
    """Divide axis 1 (height) or 2 (width) of (T, H, W) into blocks."""
    size, kernel, stride = stem.clip[axis + 2], stem.weights[axis + 2], stem.strides[axis]
    before, after = stem.pads[axis], stem.pads_end[axis]
    shift = -before % stride
    wide, length, pad = ceil((kernel + shift) / stride), ceil(size / stride), (before + shift) // stride
    outputs = (size + before + after - kernel) // stride + 1
    return _Blocks(shift, wide, length, pad, outputs + wide - 1 - pad - length)


def _replace(op: Any, stem: Stem) -> None:
    rows, columns = _blocks(stem, 1), _blocks(stem, 2)
    data = _side_by_side(op.input_value(0), stem, rows, columns)
    weights = _with_weights(op.input_value(1).get_node(), lambda kernel: _rearranged(kernel, stem, rows, columns))
    rewritten = ops.convolution(
        data,
        weights,
        [stem.strides[0], 1, 1],
        [stem.pads[0], rows.pad, columns.pad],
        [stem.pads_end[0], rows.pad_end, columns.pad_end],
        [1, 1, 1],
    )
    rewritten.set_friendly_name(op.get_friendly_name())
    for target in op.output(0).get_target_inputs():
        target.replace_source_output(rewritten.output(0))


def _side_by_side(data: Any, stem: Stem, rows: _Blocks, columns: _Blocks) -> Any:
    """Return the clip with the pixels of each block as channels: (N, C b b, T, H / b, W / b)."""
    batch, channels, frames, height, width = stem.clip
    block = stem.strides[1]
    shape = [batch, channels * block * block, frames, rows.length, columns.length]
    producer = data.get_node()
    if _is_channels_first(producer):  # one transpose instead of two
        data, space, order = producer.input_value(0), (2, 3), [0, 6, 3, 5, 1, 2, 4]
        split = [batch, frames, rows.length, block, columns.length, block, channels]
    else:
        space, order = _SPACE, [0, 1, 4, 6, 2, 3, 5]
        split = [batch, channels, frames, rows.length, block, columns.length, block]
    missing = [0] * 5
    missing[space[0]], missing[space[1]] = rows.length * block - height, columns.length * block - width
    if any(missing):
        # The network itself pads with zeros here: behind the normalization, in front of the convolution.
        data = ops.pad(data, [0] * 5, missing, "constant", ops.constant(0, data.get_element_type())).output(0)
    parts = ops.transpose(ops.reshape(data, split, special_zero=False), order)
    return ops.reshape(parts, shape, special_zero=False)


def _is_channels_first(op: Any) -> bool:
    if op.get_type_name() != "Transpose" or op.input_value(1).get_node().get_type_name() != "Constant":
        return False
    return [int(axis) for axis in op.input_value(1).get_node().get_data()] == _TO_CHANNELS_FIRST


def _rearranged(kernel: Any, stem: Stem, rows: _Blocks, columns: _Blocks) -> Any:
    """Return weights (O, C, KT, KH, KW) for the clip of `_side_by_side`, in the same type."""
    outputs, channels, frames, height, width = kernel.shape
    block = stem.strides[1]
    wide = np.zeros((outputs, channels, frames, rows.kernel * block, columns.kernel * block), kernel.dtype)
    wide[..., rows.shift : rows.shift + height, columns.shift : columns.shift + width] = kernel
    parts = wide.reshape(outputs, channels, frames, rows.kernel, block, columns.kernel, block)
    parts = parts.transpose(0, 1, 4, 6, 2, 3, 5)
    shape = (outputs, channels * block * block, frames, rows.kernel, columns.kernel)
    return np.ascontiguousarray(parts.reshape(shape))


def _weights(op: Any) -> Any | None:
    """Return the constant behind a convolution's weights, or None if what stands between is more than a scale."""
    while (kind := op.get_type_name()) != "Constant":
        scaled = kind == "Multiply" and _per_output(op.input_value(1).get_node(), op.get_output_shape(0))
        if kind != "Convert" and not scaled:
            return None
        op = op.input_value(0).get_node()
    return op if len(op.get_output_shape(0)) == 5 else None


def _per_output(op: Any, shape: Any) -> bool:
    """Whether a constant scales all weights alike, or those of each output channel."""
    while op.get_type_name() == "Convert":
        op = op.input_value(0).get_node()
    return op.get_type_name() == "Constant" and prod(op.get_output_shape(0)) in (1, shape[0])


def _with_weights(op: Any, change: Callable[[F32], F32]) -> Any:
    """Return what stands between the constant and the convolution again, upon the changed constant."""
    kind = op.get_type_name()
    if kind == "Constant":
        return ops.constant(change(op.get_data()), op.get_element_type())
    before = _with_weights(op.input_value(0).get_node(), change)
    if kind == "Multiply":
        return ops.multiply(before, op.input_value(1))
    return ops.convert(before, op.get_destination_type())
