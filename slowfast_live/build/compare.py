"""How far two runtimes, or two precisions, are apart on the same clips."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
import openvino as ov
import torch
from torch import nn

from slowfast_live.build.export import FEATURES, INPUT, PROBABILITIES
from slowfast_live.build.networks import DeployedClip
from slowfast_live.build.slowfast import SlowFast
from slowfast_live.types import F32, U8

LIMITS = {"onnx": 1e-3, "FP32": 1e-3, "FP16": 1e-2, "preprocessing": 1e-5}
"""Largest errors allowed, relative; see `Difference.logit_error`. INT8 has no limit: its drift is stated."""

_FLOOR = 1e-30
"""Smaller probabilities count as this one: near the smallest float32 their digits are lost in any runtime."""

_STILL = 1e-2
"""A prepared clip smaller than this (one that stands still, less its mean) is measured against this."""

_CONVOLUTIONS = frozenset({"Convolution", "GroupConvolution"})


class Outputs(NamedTuple):
    """What a runtime says of N clips: float32 (N, K) that sum to 1, and (N, F)."""

    probabilities: F32
    features: F32


@dataclass(frozen=True, slots=True)
class Difference:
    """How far one runtime is from another on the same clips.

    Attributes:
        logit_error: Largest difference of a logit, over the spread (largest less smallest) of the reference's
            logits of that clip; the largest over the clips. Logits are log-probabilities less their mean over
            the classes.
        feature_error: Largest difference of a feature, over the spread of the reference's likewise.
        top1_agreement: Share of clips with the same best class.
        top5_agreement: Mean share of the five best classes that both name.
        mean_kl: Mean Kullback-Leibler divergence from the reference, in nats.
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
        """Return the figures with as many digits as mean something."""
        return {name: float(f"{value:.4g}") for name, value in asdict(self).items()}


def logits_of(probabilities: F32) -> F32:
    """Return logits up to rounding: log-probabilities (N, K) less their mean over the classes.

    Softmax hides only the mean of its logits, so this is what the classifier gave, less that mean.
    """
    logs = np.log(np.maximum(probabilities.astype(np.float64), _FLOOR))
    return cast(F32, logs - logs.mean(1, keepdims=True))


def mean_divergence(reference: F32, other: F32) -> float:
    """Return the mean Kullback-Leibler divergence of probabilities (N, K) from those of a reference, in nats."""
    p, q = (np.maximum(x.astype(np.float64), _FLOOR) for x in (reference, other))
    return float(np.maximum((p * np.log(p / q)).sum(1), 0).mean())


def difference(reference: Outputs, other: Outputs, best: int = 5) -> Difference:
    """Compare two runtimes' outputs on the same clips; see `Difference`."""
    expected, got = logits_of(reference.probabilities), logits_of(other.probabilities)
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
        mean_kl=mean_divergence(p, q),
        max_probability_change=float(np.abs(p - q).max()),
        clips=len(p),
    )


@torch.no_grad()
def run_torch(network: nn.Module, clips: Sequence[U8]) -> Outputs:
    """Run a torch network that maps uint8 (N, T, S, S, 3) to `Output`."""
    deployed = DeployedClip(network).eval()
    results = [deployed(torch.from_numpy(clip[None])) for clip in clips]
    return Outputs(*(torch.cat(part).float().numpy() for part in zip(*results, strict=True)))


def run_onnx(path: Path, clips: Sequence[U8]) -> Outputs:
    """Run an ONNX file in ONNX Runtime on the CPU."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    results = [session.run([PROBABILITIES, FEATURES], {INPUT: clip[None]}) for clip in clips]
    return Outputs(*(np.concatenate(part) for part in zip(*results, strict=True)))


def run_ir(model: Any, clips: Sequence[U8], *, exact: bool) -> Outputs:
    """Run an OpenVINO model, or the IR in a file, on the CPU.

    Args:
        model: OpenVINO model or path of `model.xml`.
        clips: uint8 (T, S, S, 3) each.
        exact: Compute in float32. Otherwise as the processor does by default: bfloat16 where it has it.
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
    return Outputs(*(np.concatenate(part).astype(np.float32) for part in zip(*results, strict=True)))


def default_precision() -> str:
    """Return what the CPU computes in by default, e.g. "bf16" or "f32"."""
    kind = str(ov.Core().get_property("CPU", "INFERENCE_PRECISION_HINT"))
    return {"<Type: 'bfloat16'>": "bf16", "<Type: 'float32'>": "f32", "<Type: 'float16'>": "f16"}.get(kind, kind)


@torch.no_grad()
def preprocessing_error(network: nn.Module, ir: Path, clips: Sequence[U8]) -> float:
    """Return how far the graph's preprocessing is from torch's: largest difference over largest value.

    Args:
        network: The torch network; its `input` or `prepare` is the reference.
        ir: `model.xml` in FP32 or FP16; read off where it enters the first convolutions.
        clips: uint8 (T, S, S, 3) each.
    """
    model = ov.Core().read_model(ir)
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
    """Return the convolutions of an OpenVINO model which no other convolution precedes."""
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
