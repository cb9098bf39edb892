"""Profile of an inference, layer by layer, and the peak performance of the cores."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import timedelta
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
import openvino as ov
from openvino import opset13 as ops

from slowfast_live.inference.openvino_backend import compiled_dir
from slowfast_live.inference.space_to_depth import stems as first_convolutions
from slowfast_live.inference.spec import IR_FILE, Model
from slowfast_live.inference.stem_tuning import StemTiming, StemTuner
from slowfast_live.tools.bench import layer_groups
from slowfast_live.tools.bench.contenders import subject_of
from slowfast_live.tools.bench.results import Layer, Peak, Profile
from slowfast_live.tools.bench.runtimes import Bare
from slowfast_live.types import F32

_SLOWEST = 8
_FEWEST = 6
"""Inferences of each kind, at least."""
_KINDS_SHOWN = 12
_MATRIX = {"f32": 2048, "bf16": 3072, "int8": 4096}
"""Side of the matrices for measuring the peak: large enough that larger ones give no higher value."""
_INT8 = "int8"


class Timed(NamedTuple):
    """One layer in one inference: name, kind, implementation, milliseconds."""

    name: str
    kind: str
    how: str
    ms: float


def profile(model: Model, seconds: float, config: dict[str, Any] | None = None) -> Profile:
    """Profile a model on the CPU.

    All times are the shortest of several: the median would say how busy the machine is with other work.

    Args:
        model: The model.
        seconds: Duration of each part of the measurement.
        config: Additional OpenVINO properties.
    """
    config = config or {}
    bare = Bare(model, "CPU", config)
    try:
        facts, clip_ms = bare.facts(), bare.shortest_ms(seconds, _FEWEST)
    finally:
        bare.close()
    layers, work, stems = _layers(model, seconds, config)
    rest = facts.execution_precision.removeprefix("int8 + ")
    kinds = tuple(dict.fromkeys(("f32", rest, *((_INT8,) if model.spec.precision == "INT8" else ()))))
    peaks = tuple(Peak(kind, measure_peak(kind, seconds)) for kind in kinds if kind in _MATRIX)
    gops = 2 * model.spec.gflops if model.spec.gflops else None
    limit = peaks[-1] if peaks else None
    return Profile(
        subject_of(model),
        facts.execution_precision,
        facts.threads,
        clip_ms,
        by_kind(layers),
        tuple((layer.name, layer.kind, layer.ms) for layer in sorted(layers, key=lambda t: -t.ms)[:_SLOWEST]),
        gops,
        gops / clip_ms * 1000 if gops else None,
        peaks,
        1000 * gops / limit.gops if gops and limit else None,
        limit.kind if limit else "",
        tuple((stem, timing.direct_ms, timing.rewritten_ms) for stem, timing in stems.items()),
        layer_groups.grouped(work, {peak.kind: peak.gops for peak in peaks}),
    )


def _layers(
    model: Model, seconds: float, config: dict[str, Any]
) -> tuple[list[Timed], list[layer_groups.Work], dict[str, StemTiming]]:
    """Return the executed layers, each with its shortest time of several inferences, and the large first convolutions.

    Those are written in the form that the app runs on this machine.
    """
    core = ov.Core()
    network = core.read_model(model.folder / IR_FILE)
    first = frozenset(op.get_friendly_name() for op, _stem in first_convolutions(network))
    stems = StemTuner(compiled_dir()).tune(core, network, config)
    compiled = core.compile_model(network, "CPU", {**config, "PERFORMANCE_HINT": "LATENCY", "PERF_COUNT": True})
    request = compiled.create_infer_request()
    clip = np.random.default_rng(0).integers(0, 256, model.spec.input_shape, np.uint8)
    request.infer({0: clip})
    times: dict[str, list[float]] = defaultdict(list)
    seen: dict[str, Any] = {}
    until_s = perf_counter() + seconds
    count = 0
    while count < _FEWEST or perf_counter() < until_s:
        count += 1
        request.infer({0: clip})
        for info in request.profiling_info:
            if info.status == ov.ProfilingInfo.Status.EXECUTED:
                times[info.node_name].append(info.real_time / timedelta(milliseconds=1))
                seen[info.node_name] = info
    layers = [Timed(name, seen[name].node_type, seen[name].exec_type, min(ms)) for name, ms in times.items()]
    work = layer_groups.executed(compiled, {layer.name: layer.ms for layer in layers}, first)
    return layers, work, stems


def by_kind(layers: Iterable[Timed]) -> tuple[Layer, ...]:
    """Sum up layers of the same kind and implementation, slowest first.

    The many fast kinds are merged into "others".
    """
    layers = list(layers)
    total_ms = sum(layer.ms for layer in layers) or 1.0
    found: dict[tuple[str, str], list[float]] = defaultdict(list)
    for layer in layers:
        found[layer.kind, layer.how].append(layer.ms)
    ordered = sorted(found.items(), key=lambda item: -sum(item[1]))
    shown = [(kind, how, ms) for (kind, how), ms in ordered[:_KINDS_SHOWN]]
    if rest := [ms for _, times in ordered[_KINDS_SHOWN:] for ms in times]:
        shown.append(("others", "", rest))
    return tuple(Layer(kind, how, len(ms), sum(ms), sum(ms) / total_ms) for kind, how, ms in shown)


def measure_peak(kind: str, seconds: float) -> float:
    """Measure the throughput of a large matrix product and of a large convolution on all cores, through OpenVINO.

    The two take turns. Some instruction sets have a faster implementation of the one, some of the other.

    Args:
        kind: "f32", "bf16" or "int8".
        seconds: Duration.

    Returns:
        1e9 operations per second of the faster one; a multiplication and an addition count as two.
    """
    config = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "bf16" if kind == "bf16" else "f32"}
    side, core = _MATRIX[kind], ov.Core()
    gops = (2 * side**3 / 1e9, 2 * _CONVOLUTION[0] ** 2 * 9 * _CONVOLUTION[1] ** 2 / 1e9)
    networks = (matrix_product(kind, side), convolution(kind, *_CONVOLUTION))
    requests = [core.compile_model(network, "CPU", config).create_infer_request() for network in networks]
    for request in requests:
        request.infer({0: np.random.default_rng(0).normal(size=request.input_tensors[0].shape).astype(np.float32)})
    best = [float("inf")] * len(requests)
    until_s = perf_counter() + seconds
    while best[0] == float("inf") or perf_counter() < until_s:
        for number, request in enumerate(requests):
            begin_s = perf_counter()
            request.infer()
            best[number] = min(best[number], perf_counter() - begin_s)
    return max(work / time_s for work, time_s in zip(gops, best, strict=True))


_CONVOLUTION = (256, 56)
"""Channels in and out, and side of the picture, of the convolution for measuring the peak."""


def matrix_product(kind: str, side: int) -> ov.Model:
    """Return a model that multiplies float32 (side, side) by a constant; for "int8" both are quantized."""
    left = ops.parameter([side, side], ov.Type.f32, "left")
    first, second = _operands(kind, left, (side, side))
    return ov.Model([ops.result(ops.matmul(first, second, False, False))], [left], f"product-{kind}")


def convolution(kind: str, channels: int, side: int) -> ov.Model:
    """Return a model that convolves float32 (1, channels, side, side), 3x3 kernels; for "int8" both are quantized."""
    picture = ops.parameter([1, channels, side, side], ov.Type.f32, "picture")
    data, weights = _operands(kind, picture, (channels, channels, 3, 3))
    out = ops.relu(ops.convolution(data, weights, [1, 1], [1, 1], [1, 1], [1, 1]))
    if kind == _INT8:  # as between the layers of a quantized network
        out = ops.fake_quantize(out, *_limits(0.0, 100.0, 4), 256)
    pooled = ops.reduce_mean(out, np.array([2, 3]), True)
    return ov.Model([ops.result(pooled)], [picture], f"convolution-{kind}")


def _operands(kind: str, data: Any, shape: tuple[int, ...]) -> tuple[Any, Any]:
    """Return data and weights of `shape`, in the precision `kind`."""
    rng = np.random.default_rng(1)
    if kind != _INT8:
        return data, ops.constant(rng.normal(size=shape).astype(np.float32))
    stored = ops.constant(rng.integers(-127, 128, shape, np.int8))
    few = _limits(-4.0, 4.0, len(data.get_output_shape(0)))
    return ops.fake_quantize(data, *few, 256), ops.multiply(ops.convert(stored, "f32"), np.float32(0.01))


def _limits(low: float, high: float, axes: int) -> list[F32]:
    return [np.full((1,) * axes, limit, np.float32) for limit in (low, high, low, high)]
