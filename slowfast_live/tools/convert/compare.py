"""Measures how much two runtimes, or two precisions, differ on the same clips."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
import openvino as ov
import torch
from torch import nn

from slowfast_live.inference.spec import FEATURES, PROBABILITIES
from slowfast_live.tools.convert.datasets import Activation
from slowfast_live.tools.convert.export import INPUT
from slowfast_live.tools.convert.networks import DeployedClip
from slowfast_live.tools.convert.slowfast import SlowFast
from slowfast_live.types import F32, U8

LIMITS = {"onnx": 1e-3, "FP32": 1e-3, "FP16": 1e-2, "preprocessing": 1e-5}
"""Maximum relative errors; see `Difference.logit_error`. INT8 has no limit: its deviation is stated instead."""

_FLOOR = 1e-30
"""Probabilities are clipped to this minimum, because float32 loses precision near its smallest value in any runtime."""

_BESIDE_ONE = 2.0**-24
"""Smallest distance from 1 that float32 can represent."""

_STILL = 1e-2
"""Minimum reference value for the relative error of a prepared clip, which is near 0 for a still one minus its mean."""

_CONVOLUTIONS = frozenset({"Convolution", "GroupConvolution"})


class RuntimeOutputs(NamedTuple):
    """A runtime's outputs for N clips: probabilities, float32 (N, K), and features (N, F).

    Attributes:
        probabilities: With sum 1 ("softmax"), or each in 0..1 by itself ("sigmoid").
        features: What the classifier sees.
        activation: Which of the two.
    """

    probabilities: F32
    features: F32
    activation: Activation = "softmax"


@dataclass(frozen=True, slots=True)
class Difference:
    """Difference of a runtime from a reference on the same clips.

    Attributes:
        logit_error: Largest difference of a logit relative to the spread (maximum minus minimum) of the reference's
            logits of that clip; the maximum over the clips. Logits are log-probabilities minus their mean over the
            classes ("softmax"), or log-odds ("sigmoid").
        feature_error: Largest difference of a feature, likewise relative to the spread of the reference's features.
        top1_agreement: Share of clips with the same best class.
        top5_agreement: Mean share of the five best classes that both have in common.
        mean_kl: Mean Kullback-Leibler divergence from the reference, in nats; of labels that are scored by themselves,
            the mean over the labels.
        max_probability_change: Largest change of a probability.
        clips: N.
    """

    logit_error: float
    feature_error: float
    top1_agreement: float
    top5_agreement: float
    mean_kl: float
    max_probability_change: float
    clips: int

    def as_dict(self) -> dict[str, float]:
        """Return the values rounded to their significant digits."""
        return {name: float(f"{value:.4g}") for name, value in asdict(self).items()}


def logits_of(probabilities: F32, activation: Activation = "softmax") -> F32:
    """Return logits up to rounding: log-probabilities (N, K) minus their mean over the classes, or log-odds.

    Softmax loses only the mean of its logits, so this is the classifier's output minus that mean. A sigmoid loses
    nothing but what float32 cannot represent beside 1.
    """
    if activation == "sigmoid":
        p = np.clip(probabilities.astype(np.float64), _BESIDE_ONE, 1 - _BESIDE_ONE)
        return cast(F32, np.log(p / (1 - p)))
    logs = np.log(np.maximum(probabilities.astype(np.float64), _FLOOR))
    return cast(F32, logs - logs.mean(1, keepdims=True))


def mean_divergence(reference: F32, other: F32, activation: Activation = "softmax") -> float:
    """Return the mean Kullback-Leibler divergence of probabilities (N, K) from those of a reference, in nats."""
    if activation == "sigmoid":
        pairs = (np.clip(x.astype(np.float64), _BESIDE_ONE, 1 - _BESIDE_ONE) for x in (reference, other))
        p, q = pairs
        return float(np.maximum(p * np.log(p / q) + (1 - p) * np.log((1 - p) / (1 - q)), 0).mean())
    p, q = (np.maximum(x.astype(np.float64), _FLOOR) for x in (reference, other))
    return float(np.maximum((p * np.log(p / q)).sum(1), 0).mean())


def difference(reference: RuntimeOutputs, other: RuntimeOutputs, best: int = 5) -> Difference:
    """Compare two runtimes' outputs on the same clips; see `Difference`."""
    kind = reference.activation
    expected, got = logits_of(reference.probabilities, kind), logits_of(other.probabilities, kind)
    spread = np.ptp(expected, axis=1)
    p, q = reference.probabilities, other.probabilities
    best = min(best, p.shape[1])
    tops = [np.argsort(-scores, 1)[:, :best] for scores in (p, q)]
    shared = [len(set(a) & set(b)) / best for a, b in zip(*(top.tolist() for top in tops), strict=True)]
    feature_spread = np.ptp(reference.features, axis=1)
    return Difference(
        logit_error=float((np.abs(expected - got).max(1) / np.maximum(spread, 1e-12)).max()),
        feature_error=float(
            (np.abs(reference.features - other.features).max(1) / np.maximum(feature_spread, 1e-12)).max()
        ),
        top1_agreement=float((tops[0][:, 0] == tops[1][:, 0]).mean()),
        top5_agreement=float(np.mean(shared)),
        mean_kl=mean_divergence(p, q, kind),
        max_probability_change=float(np.abs(p - q).max()),
        clips=len(p),
    )


@torch.no_grad()
def run_torch(network: nn.Module, clips: Sequence[U8], activation: Activation = "softmax") -> RuntimeOutputs:
    """Run a torch network that maps uint8 (N, T, S, S, 3) to `Output`."""
    deployed = DeployedClip(network, activation).eval()
    results = [deployed(torch.from_numpy(clip[None])) for clip in clips]
    probabilities, features = (torch.cat(part).float().numpy() for part in zip(*results, strict=True))
    return RuntimeOutputs(probabilities, features, activation)


def run_onnx(path: Path, clips: Sequence[U8]) -> RuntimeOutputs:
    """Run an ONNX file in ONNX Runtime on the CPU."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    results = [session.run([PROBABILITIES, FEATURES], {INPUT: clip[None]}) for clip in clips]
    probabilities, features = (np.concatenate(part) for part in zip(*results, strict=True))
    return RuntimeOutputs(probabilities, features)


def run_ir(model: Any, clips: Sequence[U8], *, exact: bool) -> RuntimeOutputs:
    """Run an OpenVINO model, or the IR in a file, on the CPU.

    Args:
        model: OpenVINO model or path of `model.xml`.
        clips: uint8 (T, S, S, 3) each.
        exact: Compute in float32. Otherwise in the processor's default precision: bfloat16 if supported.
    """
    config: dict[str, Any] = {"PERFORMANCE_HINT": "LATENCY"}
    if exact:
        config["INFERENCE_PRECISION_HINT"] = "f32"
    compiled = ov.Core().compile_model(model, "CPU", config)
    results = []
    for clip in clips:
        answer = compiled({INPUT: clip[None]})
        # OpenVINO reuses its output buffers.
        results.append((answer[PROBABILITIES].copy(), answer[FEATURES].copy()))
    probabilities, features = (np.concatenate(part).astype(np.float32) for part in zip(*results, strict=True))
    return RuntimeOutputs(probabilities, features)


def default_precision() -> str:
    """Return the precision that the CPU computes in by default, e.g. "bf16" or "f32"."""
    kind = str(ov.Core().get_property("CPU", "INFERENCE_PRECISION_HINT"))
    return {"<Type: 'bfloat16'>": "bf16", "<Type: 'float32'>": "f32", "<Type: 'float16'>": "f16"}.get(kind, kind)


@torch.no_grad()
def preprocessing_error(network: nn.Module, ir: Path, clips: Sequence[U8]) -> float:
    """Return how much the graph's preprocessing differs from torch's: largest difference over largest value.

    Args:
        network: The torch network; its `input` or `prepare` is the reference.
        ir: `model.xml` in FP32 or FP16; its values are taken at the inputs of the first convolutions.
        clips: uint8 (T, S, S, 3) each.
    """
    model = ov.Core().read_model(ir)
    if model.input(INPUT).partial_shape.is_dynamic:
        clips = [clip for clip in clips if clip.shape == clips[0].shape]
        model.reshape({INPUT: [1, *clips[0].shape]})
    published = len(model.outputs)
    for op in first_convolutions(model):
        model.add_outputs(op.input_value(0))
    compiled = ov.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    prepare = network.prepare if isinstance(network, SlowFast) else network.input
    worst = 0.0
    for clip in clips:
        expected = {tuple(x.shape): x.numpy() for x in cast(Any, prepare)(torch.from_numpy(clip[None]))}
        answer = compiled({INPUT: clip[None]})
        got = {tuple(output.shape): answer[output] for output in compiled.outputs[published:]}
        if expected.keys() != got.keys():
            raise AssertionError(f"the graph prepares {sorted(got)}, torch {sorted(expected)}")
        worst = max(
            worst,
            *(float(np.abs(got[s] - x).max() / max(np.abs(x).max(), _STILL)) for s, x in expected.items()),
        )
    return worst


def first_convolutions(model: Any) -> list[Any]:
    """Return the convolutions of an OpenVINO model that are not preceded by another convolution."""
    behind: set[str] = set()
    found: list[Any] = []
    for op in model.get_ordered_ops():
        parents = [op.input_value(i).get_node().get_friendly_name() for i in range(op.get_input_size())]
        is_convolution = op.get_type_name() in _CONVOLUTIONS
        if is_convolution and parents[0] not in behind:
            found.append(op)
        if is_convolution or behind.intersection(parents):
            behind.add(op.get_friendly_name())
    return found
