"""What the layers of a network compute, and how far each kind of work is from the peak of its precision."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

from slowfast_live.tools.bench.results import LayerGroup

FIRST = "first convolutions"
DEPTHWISE, DEPTHWISE_TIME = "depthwise convolutions", "depthwise convolutions over time"
POINTWISE, TIME = "1x1x1 convolutions", "convolutions over time"
SPACE, SPACE_TIME = "convolutions in space", "convolutions in space and time"
PRODUCTS, ATTENTION = "matrix products", "attention"
LAYOUT, POOLING, ELEMENTWISE = "layout and copies", "pooling", "elementwise and normalization"
OTHERS = "others"

_FIRST_CHANNELS = 4
"""A convolution with at most as many input channels sees pixels."""
_KINDS = {
    **dict.fromkeys(
        (
            *("Transpose", "Reorder", "Reshape", "Concat", "Concatenation", "Split", "VariadicSplit", "Gather"),
            *("StridedSlice", "Pad", "Broadcast", "Tile", "ShuffleChannels", "SpaceToDepth", "Slice", "Input"),
        ),
        LAYOUT,
    ),
    **dict.fromkeys(("MaxPool", "AvgPool", "Pooling", "ReduceMean", "Reduce", "AdaptivePooling"), POOLING),
    **dict.fromkeys(
        (
            *("Subgraph", "Eltwise", "FakeQuantize", "Softmax", "MVN", "NormalizeL2", "Convert", "Relu", "Gelu"),
            *("Swish", "Sigmoid", "Add", "Multiply", "RMSNorm", "RMS", "SoftMax"),
        ),
        ELEMENTWISE,
    ),
    **dict.fromkeys(("MatMul", "Gemm"), PRODUCTS),
    **dict.fromkeys(("ScaledDotProductAttention", "ScaledAttn", "MHA"), ATTENTION),
}
_PRECISIONS = {"I8": "int8", "U8": "int8", "bf16": "bf16", "f32": "f32", "f16": "f16"}


@dataclass(frozen=True, slots=True)
class Work:
    """What one executed layer computes.

    Attributes:
        group: The kind of work, in words.
        gops: 1e9 operations of one inference; a multiplication and an addition count as two. 0 for everything that is
            not a convolution or a matrix product.
        precision: "int8", "bf16" or "f32": what its implementation computes in; "" if it does not say.
        ms: Time in one inference.
    """

    group: str
    gops: float
    precision: str
    ms: float


def work_of(kind: str, how: str, inputs: tuple[tuple[int, ...], ...], output: tuple[int, ...], ms: float) -> Work:
    """Describe an executed layer.

    Args:
        kind: OpenVINO's name of the kind, e.g. "Convolution".
        how: The implementation that it chose, e.g. "brgconv_avx512_I8".
        inputs: Shapes of its inputs; the weights are the second one.
        output: Shape of its first output.
        ms: Time in one inference.
    """
    precision = _PRECISIONS.get(how.rpartition("_")[2], "")
    if kind in ("Convolution", "GroupConvolution") and len(inputs) > 1:
        return Work(_convolution(inputs[0], inputs[1]), _convolution_gops(inputs[0], inputs[1], output), precision, ms)
    if kind.startswith("FullyConnected") and len(inputs) > 1:
        return Work(PRODUCTS, 2 * prod(output) * inputs[1][-1] / 1e9, precision, ms)
    if kind in ("MatMul", "Gemm") and len(inputs) > 1 and len(output) > 1:
        return Work(PRODUCTS, 2 * prod(output) * _inner(inputs[0], output) / 1e9, precision, ms)
    return Work(_KINDS.get(kind, OTHERS), 0.0, precision, ms)


def _convolution(data: tuple[int, ...], weights: tuple[int, ...]) -> str:
    kernel = weights[-(len(data) - 2) :]
    grouped = len(weights) > len(data)
    if grouped and weights[2] == 1:
        return DEPTHWISE_TIME if len(kernel) == 3 and kernel[1:] == (1, 1) and kernel[0] > 1 else DEPTHWISE
    if data[1] <= _FIRST_CHANNELS:
        return FIRST
    if prod(kernel) == 1:
        return POINTWISE
    if len(kernel) != 3 or kernel[0] == 1:
        return SPACE
    return TIME if kernel[1:] == (1, 1) else SPACE_TIME


def _convolution_gops(data: tuple[int, ...], weights: tuple[int, ...], output: tuple[int, ...]) -> float:
    per_output = weights[2:] if len(weights) > len(data) else weights[1:]
    return 2 * prod(output) * prod(per_output) / 1e9


def _inner(left: tuple[int, ...], output: tuple[int, ...]) -> int:
    """Return the length of the dot products of a matrix product: the axis of the left side that the result lacks."""
    rows = output[-2]
    return left[-2] if left[-1] == rows and left[-2] != rows else left[-1]


def executed(compiled: Any, times_ms: Mapping[str, float], first: frozenset[str] = frozenset()) -> list[Work]:
    """Describe the layers of a compiled network that were executed.

    Args:
        compiled: OpenVINO's compiled model.
        times_ms: Name of an executed layer -> milliseconds in one inference.
        first: Names of the first convolutions, which may have been rewritten to more channels.
    """
    found = []
    for node in compiled.get_runtime_model().get_ordered_ops():
        name = node.get_friendly_name()
        if name not in times_ms or node.get_output_size() == 0:
            continue
        info = node.get_rt_info()
        kind, how = (str(info[key].astype(str)) for key in ("layerType", "primitiveType"))
        inputs = tuple(_shape(port) for port in node.inputs())
        work = work_of(kind, how, inputs, _shape(node.output(0)), times_ms[name])
        found.append(Work(FIRST, work.gops, work.precision, work.ms) if name in first else work)
    return found


def _shape(port: Any) -> tuple[int, ...]:
    shape = port.get_partial_shape()
    return tuple(shape.to_shape()) if shape.is_static else ()


def grouped(work: Iterable[Work], peaks: Mapping[str, float]) -> tuple[LayerGroup, ...]:
    """Sum up layers that do the same kind of work in the same precision, those first that lose most time.

    Args:
        work: The layers.
        peaks: Precision -> 1e9 operations per second of a large matrix product or convolution.
    """
    work = list(work)
    total_ms = sum(layer.ms for layer in work) or 1.0
    found: dict[tuple[str, str], list[Work]] = defaultdict(list)
    for layer in work:
        found[layer.group, layer.precision].append(layer)
    groups = []
    for (title, precision), layers in found.items():
        ms, gops = sum(layer.ms for layer in layers), sum(layer.gops for layer in layers)
        at_peak_ms = 1000 * gops / peaks[precision] if precision in peaks else None
        groups.append(
            LayerGroup(
                title=title,
                precision=precision,
                count=len(layers),
                ms=ms,
                share=ms / total_ms,
                gops=gops,
                of_peak=at_peak_ms / ms if gops and at_peak_ms is not None and ms else None,
                lost_ms=ms - (at_peak_ms or 0.0),
            )
        )
    return tuple(sorted(groups, key=lambda group: -group.lost_ms))
