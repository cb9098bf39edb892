"""INT8 post-training quantization with NNCF."""

from __future__ import annotations

import contextlib
import logging
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import openvino as ov

from slowfast_live.inference.space_to_depth import stems
from slowfast_live.inference.spec import IR_FILE, PROBABILITIES
from slowfast_live.tools.convert.catalogue import Entry
from slowfast_live.tools.convert.compare import first_convolutions, mean_divergence
from slowfast_live.tools.convert.export import INPUT
from slowfast_live.tools.convert.first_int8 import quantize_first
from slowfast_live.types import F32, U8

VERSION = 3
"""Incremented when the same recipe gives a different model."""

_HEAVY = frozenset({"Convolution", "GroupConvolution", "MatMul"})

Preset = Literal["performance", "mixed"]


@dataclass(frozen=True, slots=True)
class FloatLayers:
    """Layers that stay in float: their title, and the pattern of their names."""

    title: str
    pattern: str


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a model is quantized.

    Attributes:
        preset: "performance" (symmetric activations) or "mixed" (asymmetric where values have both signs).
        keep_first: The convolutions whose input is the pixels stay in float.
        round_first: Those of them that `first_int8` can quantize get weights that are rounded to suit the clips.
        keep_classifier: The classifier's matrix product stays in float.
        keep: Further layers that stay in float.
        transformer: Tell NNCF to look for attention.
        most_divergence: Accuracy-aware: layers are reverted to float, the most harmful first, until the mean
            Kullback-Leibler divergence from the float model on the validation clips is at most this many nats. None:
            plain quantization.
    """

    preset: Preset = "mixed"
    keep_first: bool = False
    round_first: bool = False
    keep_classifier: bool = False
    keep: tuple[FloatLayers, ...] = ()
    transformer: bool = False
    most_divergence: float | None = None

    @property
    def title(self) -> str:
        """Short description for a table."""
        kept = [
            *(["first convolutions"] if self.keep_first else []),
            *(["classifier"] if self.keep_classifier else []),
            *(layers.title for layers in self.keep),
        ]
        aware = "" if self.most_divergence is None else f", accuracy-aware to KL {self.most_divergence}"
        rounded = ", first convolutions rounded to suit the clips" if self.round_first else ""
        return self.preset + rounded + (f", {', '.join(kept)} in float" if kept else "") + aware


X3D_STEM = FloatLayers("stem over time", r".*/blocks\.0/conv/conv_xy/.*")
"""X3D's depthwise convolution over time.

OpenVINO's CPU plugin (2026.4) has no INT8 implementation of it on processors that compute the rest in bfloat16: the
model does not compile there.
"""
X3D_EARLY = FloatLayers("stem and first two stages", r".*/blocks\.[012]/.*")
X3D_DEPTHWISE = FloatLayers("depthwise convolutions", r".*/conv_b/.*")
X3D_EXCITATION = FloatLayers("squeeze-and-excitation", r".*/norm_b\.1/.*")
X3D_LATE = FloatLayers("last stage", r".*/blocks\.4/.*")
X3D_HEAD = FloatLayers("head", r".*/network/(pool|proj)/.*")

EFFICIENT_STEM = FloatLayers("stem", r".*/s1/.*")
EFFICIENT_EARLY = FloatLayers("stem and first stage", r".*/s[12]/.*")
EFFICIENT_DEPTHWISE = FloatLayers("depthwise convolutions", r".*/conv_1/.*")
EFFICIENT_EXCITATION = FloatLayers("squeeze-and-excitation", r".*/se/.*")
EFFICIENT_HEAD = FloatLayers("head", r".*/network/(head|projection)/.*")

MVIT_ATTENTION = FloatLayers("attention products", r".*/attn/MatMul(_\d+)?$")
MVIT_POOLING = FloatLayers("pooling convolutions", r".*/pool_[qkv]/.*")
MVIT_NARROWING = FloatLayers("second layers of the MLPs", r".*/mlp/(fc2|mlp\.3)/.*")

_KEPT: dict[str, tuple[FloatLayers, ...]] = {
    "X3D": (X3D_STEM, X3D_EARLY, X3D_DEPTHWISE, X3D_EXCITATION, X3D_HEAD),
    "Efficient X3D": (EFFICIENT_STEM, EFFICIENT_EARLY, EFFICIENT_DEPTHWISE, EFFICIENT_EXCITATION, EFFICIENT_HEAD),
    "MViT": (MVIT_ATTENTION,),
}
MUST_KEEP: dict[str, tuple[FloatLayers, ...]] = {"X3D": (X3D_STEM,), "Efficient X3D": (EFFICIENT_STEM,)}
"""Layers, by family, that must stay in float for the INT8 model to run on all processors."""


_ROUNDED = frozenset({"SlowFast", "Slow"})
"""Families whose first convolutions are rounded to suit the clips."""


def recipe_for(entry: Entry) -> Recipe:
    """Return the recipe that a model is built with; models/README.md has the comparison that led to it."""
    return Recipe(
        # Rounding to suit the clips needs clips of one size, which detection networks do not have.
        keep_first=entry.detects and entry.family in _ROUNDED,
        round_first=not entry.detects and entry.family in _ROUNDED,
        keep_classifier=entry.transformer,
        keep=_KEPT.get(entry.family, ()),
        transformer=entry.transformer,
    )


def quantize(model: Any, windows: Sequence[U8], recipe: Recipe, validation: Sequence[U8] = ()) -> Any:
    """Return a quantized copy of an OpenVINO model.

    Args:
        model: FP32, one uint8 input (1, T, S, S, 3).
        windows: Clips for calibration, uint8 (T, S, S, 3) each.
        recipe: How to quantize.
        validation: Other clips, for a recipe with `most_divergence`.

    Returns:
        An OpenVINO model in INT8; `model` is not changed.
    """
    # NNCF draws progress bars on standard output, which is reserved for the command's own output.
    with contextlib.redirect_stdout(sys.stderr):
        import nncf

        nncf.set_log_level(logging.ERROR)
        patterns = [layers.pattern for layers in recipe.keep]
        how: dict[str, Any] = {
            "preset": nncf.QuantizationPreset(recipe.preset),
            "subset_size": len(windows),
            "model_type": nncf.ModelType.TRANSFORMER if recipe.transformer else None,
            "ignored_scope": nncf.IgnoredScope(names=_kept_in_float(model, recipe), patterns=patterns, validate=False),
        }
        calibration = nncf.Dataset(windows, _ask)
        small = _in_half_precision(model)
        if recipe.most_divergence is None:
            quantized = nncf.quantize(small, calibration, **how)
        else:
            quantized = nncf.quantize_with_accuracy_control(
                small,
                calibration,
                nncf.Dataset(validation, _ask),
                _closeness(model, validation),
                max_drop=recipe.most_divergence,
                drop_type=nncf.DropType.ABSOLUTE,
                **how,
            )
    if recipe.round_first:
        quantize_first(quantized, windows)
    return quantized


def _in_half_precision(model: Any) -> Any:
    """Return a copy with its weights in FP16: OpenVINO does so on saving, except for quantized models."""
    with tempfile.TemporaryDirectory(prefix="slowfast-live-") as folder:
        path = Path(folder) / IR_FILE
        ov.save_model(model, path, compress_to_fp16=True)
        core = ov.Core()
        core.set_property({"ENABLE_MMAP": False})  # the file will be deleted
        return core.read_model(path)


def _ask(clip: U8) -> dict[str, U8]:
    return {INPUT: clip[None]}


def _closeness(model: Any, clips: Sequence[U8]) -> Callable[[Any, Any], float]:
    """Return the metric with which NNCF validates a model: minus its mean divergence from `model`, in nats."""

    def answers(compiled: Any) -> F32:
        return np.concatenate([compiled(_ask(clip))[PROBABILITIES].copy() for clip in clips])

    expected = answers(ov.Core().compile_model(model, "CPU"))
    return lambda compiled, _clips: -mean_divergence(expected, answers(compiled))


def _kept_in_float(model: Any, recipe: Recipe) -> list[str]:
    ops = model.get_ordered_ops()
    products = [op for op in ops if op.get_type_name() == "MatMul"]
    if any(PROBABILITIES in output.names for output in model.outputs):
        classifier = products[-1]
        kept = _behind_the_network(ops, classifier)
    else:  # the backbone of a detection network, whose attention is as delicate as any other
        classifier = None
        kept = [*_behind_the_network(ops, None), *products]
    if recipe.keep_first:
        kept += first_convolutions(model)
    if recipe.round_first:  # by `quantize_first`, afterwards
        kept += [op for op, _stem in stems(model)]
    if recipe.keep_classifier and classifier is not None:
        kept.append(classifier)
    return [op.get_friendly_name() for op in kept]


def _behind_the_network(ops: list[Any], classifier: Any | None) -> list[Any]:
    """Return the pooling, the softmax and the operations between and after them.

    They take almost no time, and a mean over softmaxes whose input is quantized to 256 steps cannot represent a
    probability between 0 and 1/255.
    """
    before: set[str] = set()
    kept: list[Any] = []
    last = None if classifier is None else classifier.get_friendly_name()
    for op in reversed(ops):
        if op.get_type_name() in ("Constant", "Parameter", "Result"):
            continue
        name = op.get_friendly_name()
        heavy = op.get_type_name() in _HEAVY and name != last
        if heavy or name in before:
            before.update(op.input_value(i).get_node().get_friendly_name() for i in range(op.get_input_size()))
        elif name != last:
            kept.append(op)
    return kept
