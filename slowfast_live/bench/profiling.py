"""Where the time of one inference goes, layer by layer, and what the cores could do at best."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import timedelta
from statistics import median
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
import openvino as ov
from openvino import opset13 as ops

from slowfast_live.bench.contenders import subject_of
from slowfast_live.bench.results import Layer, Peak, Profile
from slowfast_live.bench.runtimes import Bare
from slowfast_live.inference.spec import IR_FILE, Model

_SLOWEST = 8
_KINDS_TOLD = 12
_MATRIX = {"f32": 2048, "bf16": 3072, "int8": 4096}
"""Side of the matrices that the peak is measured on: large enough that it does not grow with them."""
_INT8 = "int8"


class Timed(NamedTuple):
    """One layer in one inference: name, kind, implementation, milliseconds."""

    name: str
    kind: str
    how: str
    ms: float


def profile(model: Model, seconds: float) -> Profile:
    """Profile a model on the CPU.

    Args:
        model: The model.
        seconds: How long each of its parts is measured.
    """
    bare = Bare(model, "CPU")
    try:
        facts, reading = bare.facts(), bare.run(seconds)
    finally:
        bare.close()
    layers = _layers(model, seconds)
    rest = facts.computes_in.removeprefix("int8 + ")
    kinds = tuple(dict.fromkeys(("f32", rest, *((_INT8,) if model.spec.precision == "INT8" else ()))))
    peaks = tuple(Peak(kind, measure_peak(kind, seconds)) for kind in kinds if kind in _MATRIX)
    gops = 2 * model.spec.gflops if model.spec.gflops else None
    limit = peaks[-1] if peaks else None
    return Profile(
        subject_of(model),
        facts.computes_in,
        facts.threads,
        reading.clip_ms,
        by_kind(layers),
        tuple((layer.name, layer.kind, layer.ms) for layer in sorted(layers, key=lambda t: -t.ms)[:_SLOWEST]),
        gops,
        gops / reading.clip_ms * 1000 if gops else None,
        peaks,
        1000 * gops / limit.gops if gops and limit else None,
        limit.kind if limit else "",
    )


def _layers(model: Model, seconds: float) -> list[Timed]:
    """Return the layers that ran, each with its median time over some inferences."""
    core = ov.Core()
    config = {"PERFORMANCE_HINT": "LATENCY", "PERF_COUNT": True}
    request = core.compile_model(core.read_model(model.folder / IR_FILE), "CPU", config).create_infer_request()
    clip = np.random.default_rng(0).integers(0, 256, model.spec.input_shape, np.uint8)
    request.infer({0: clip})
    times: dict[str, list[float]] = defaultdict(list)
    seen: dict[str, Any] = {}
    until_s = perf_counter() + seconds
    while not times or perf_counter() < until_s:
        request.infer({0: clip})
        for info in request.profiling_info:
            if info.status == ov.ProfilingInfo.Status.EXECUTED:
                times[info.node_name].append(info.real_time / timedelta(milliseconds=1))
                seen[info.node_name] = info
    return [Timed(name, seen[name].node_type, seen[name].exec_type, median(ms)) for name, ms in times.items()]


def by_kind(layers: Iterable[Timed]) -> tuple[Layer, ...]:
    """Add up layers of one kind and implementation, slowest first; many quick kinds become one, "others"."""
    layers = list(layers)
    total_ms = sum(layer.ms for layer in layers) or 1.0
    found: dict[tuple[str, str], list[float]] = defaultdict(list)
    for layer in layers:
        found[layer.kind, layer.how].append(layer.ms)
    ordered = sorted(found.items(), key=lambda item: -sum(item[1]))
    told = [(kind, how, ms) for (kind, how), ms in ordered[:_KINDS_TOLD]]
    if rest := [ms for _, times in ordered[_KINDS_TOLD:] for ms in times]:
        told.append(("others", "", rest))
    return tuple(Layer(kind, how, len(ms), sum(ms), sum(ms) / total_ms) for kind, how, ms in told)


def measure_peak(kind: str, seconds: float) -> float:
    """Measure how many operations a second a large product of matrices reaches on all cores, through OpenVINO.

    Args:
        kind: "f32", "bf16" or "int8".
        seconds: How long.

    Returns:
        1e9 operations a second; a multiplication and an addition are two.
    """
    side = _MATRIX[kind]
    config = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "bf16" if kind == "bf16" else "f32"}
    compiled = ov.Core().compile_model(matrix_product(kind, side), "CPU", config)
    request = compiled.create_infer_request()
    left = np.random.default_rng(0).normal(size=(side, side)).astype(np.float32)
    request.infer({0: left})
    times: list[float] = []
    until_s = perf_counter() + seconds
    while not times or perf_counter() < until_s:
        begin_s = perf_counter()
        request.infer()
        times.append(perf_counter() - begin_s)
    return 2 * side**3 / min(times) / 1e9


def matrix_product(kind: str, side: int) -> ov.Model:
    """Return a model that multiplies float32 (side, side) with a constant; for "int8" both are quantised."""
    left = ops.parameter([side, side], ov.Type.f32, "left")
    rng = np.random.default_rng(1)
    if kind == _INT8:
        few = [np.float32(x) for x in (-4.0, 4.0, -4.0, 4.0)]
        first = ops.fake_quantize(left, *few, 256)
        stored = ops.constant(rng.integers(-127, 128, (side, side), np.int8))
        second = ops.multiply(ops.convert(stored, "f32"), np.float32(0.01))
    else:
        first, second = left, ops.constant(rng.normal(size=(side, side)).astype(np.float32))
    return ov.Model([ops.result(ops.matmul(first, second, False, False))], [left], f"product-{kind}")
