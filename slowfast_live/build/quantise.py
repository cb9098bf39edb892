"""INT8 by post-training quantisation with NNCF."""

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

from slowfast_live.build.catalogue import Entry
from slowfast_live.build.compare import first_convolutions, mean_divergence
from slowfast_live.build.export import INPUT, PROBABILITIES
from slowfast_live.inference.spec import IR_FILE
from slowfast_live.types import F32, U8

VERSION = 2
"""Goes up when the same recipe gives another model."""

_HEAVY = frozenset({"Convolution", "GroupConvolution", "MatMul"})

Preset = Literal["performance", "mixed"]
PRESETS: tuple[Preset, ...] = ("performance", "mixed")


@dataclass(frozen=True, slots=True)
class Kept:
    """Layers that stay in float: what to call them, and the pattern of their names."""

    title: str
    pattern: str


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a model is quantised.

    Attributes:
        preset: "performance" (symmetric activations) or "mixed" (asymmetric where values have both signs).
        keep_first: The convolutions that see the pixels stay in float.
        keep_classifier: The classifier's matrix product stays in float.
        keep: Further layers that stay in float.
        transformer: Tell NNCF to look for attention.
        most_divergence: Accuracy-aware: layers go back to float, the most harmful first, until the mean
            Kullback-Leibler divergence from the float model on the validation clips is at most this many nats.
            None: plain quantisation.
    """

    preset: Preset = "mixed"
    keep_first: bool = False
    keep_classifier: bool = False
    keep: tuple[Kept, ...] = ()
    transformer: bool = False
    most_divergence: float | None = None

    @property
    def title(self) -> str:
        """A few words for a table."""
        kept = [
            *(["first convolutions"] if self.keep_first else []),
            *(["classifier"] if self.keep_classifier else []),
            *(layers.title for layers in self.keep),
        ]
        aware = "" if self.most_divergence is None else f", accuracy-aware to KL {self.most_divergence}"
        return self.preset + (f", {', '.join(kept)} in float" if kept else "") + aware


X3D_STEM = Kept("stem over time", r".*/blocks\.0/conv/conv_xy/.*")
"""X3D's depthwise convolution over time. In INT8 it has no implementation in OpenVINO's CPU plugin (2026.4)
on processors that compute the rest in bfloat16: the model does not compile there."""
X3D_EARLY = Kept("stem and first two stages", r".*/blocks\.[012]/.*")
X3D_DEPTHWISE = Kept("depthwise convolutions", r".*/conv_b/.*")
X3D_EXCITATION = Kept("squeeze-and-excitation", r".*/norm_b\.1/.*")
X3D_LATE = Kept("last stage", r".*/blocks\.4/.*")
X3D_HEAD = Kept("head", r".*/network/(pool|proj)/.*")

MVIT_ATTENTION = Kept("attention products", r".*/attn/MatMul(_\d+)?$")
MVIT_POOLING = Kept("pooling convolutions", r".*/pool_[qkv]/.*")
MVIT_NARROWING = Kept("second layers of the MLPs", r".*/mlp/(fc2|mlp\.3)/.*")

_KEPT: dict[str, tuple[Kept, ...]] = {
    "X3D": (X3D_STEM, X3D_EARLY, X3D_DEPTHWISE, X3D_EXCITATION, X3D_HEAD),
    "MViT": (MVIT_ATTENTION,),
}
MUST_KEEP: dict[str, tuple[Kept, ...]] = {"X3D": (X3D_STEM,)}
"""Layers of a family without which in float its INT8 does not run everywhere."""


def recipe_for(entry: Entry) -> Recipe:
    """Return the recipe that a model is built with; models/README.md has the comparison that led to it."""
    return Recipe(
        keep_first=entry.family == "SlowFast",
        keep_classifier=entry.transformer,
        keep=_KEPT.get(entry.family, ()),
        transformer=entry.transformer,
    )


def quantise(model: Any, windows: Sequence[U8], recipe: Recipe, validation: Sequence[U8] = ()) -> Any:
    """Return a quantised copy of an OpenVINO model.

    Args:
        model: FP32, one uint8 input (1, T, S, S, 3).
        windows: Clips to calibrate on, uint8 (T, S, S, 3) each.
        recipe: How.
        validation: Other clips, for a recipe with `most_divergence`.

    Returns:
        An OpenVINO model in INT8; `model` is not changed.
    """
    # NNCF draws progress bars on standard output, which belongs to the command's own lines.
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
            return nncf.quantize(small, calibration, **how)
        return nncf.quantize_with_accuracy_control(
            small,
            calibration,
            nncf.Dataset(validation, _ask),
            _closeness(model, validation),
            max_drop=recipe.most_divergence,
            drop_type=nncf.DropType.ABSOLUTE,
            **how,
        )


def _in_half_precision(model: Any) -> Any:
    """Return a copy with its weights in FP16: OpenVINO does so on saving, but leaves quantised models as they are."""
    with tempfile.TemporaryDirectory(prefix="slowfast-live-") as folder:
        path = Path(folder) / IR_FILE
        ov.save_model(model, path, compress_to_fp16=True)
        core = ov.Core()
        core.set_property({"ENABLE_MMAP": False})  # the file goes
        return core.read_model(path)


def _ask(clip: U8) -> dict[str, U8]:
    return {INPUT: clip[None]}


def _closeness(model: Any, clips: Sequence[U8]) -> Callable[[Any, Any], float]:
    """Return what NNCF asks a model's worth with: minus its mean divergence from `model`, in nats."""

    def answers(compiled: Any) -> F32:
        return np.concatenate([compiled(_ask(clip))[PROBABILITIES].copy() for clip in clips])

    expected = answers(ov.Core().compile_model(model, "CPU"))
    return lambda compiled, _clips: -mean_divergence(expected, answers(compiled))


def _kept_in_float(model: Any, recipe: Recipe) -> list[str]:
    ops = model.get_ordered_ops()
    classifier = [op for op in ops if op.get_type_name() == "MatMul"][-1]
    kept = _behind_the_network(ops, classifier)
    if recipe.keep_first:
        kept += first_convolutions(model)
    if recipe.keep_classifier:
        kept.append(classifier)
    return [op.get_friendly_name() for op in kept]


def _behind_the_network(ops: list[Any], classifier: Any) -> list[Any]:
    """Return the pooling, the softmax and what stands between and behind them.

    They cost next to nothing, and a mean over softmaxes whose input is quantised to 256 steps knows no
    probability between 0 and 1/255.
    """
    before: set[str] = set()
    kept: list[Any] = []
    for op in reversed(ops):
        if op.get_type_name() in ("Constant", "Parameter", "Result"):
            continue
        name = op.get_friendly_name()
        heavy = op.get_type_name() in _HEAVY and name != classifier.get_friendly_name()
        if heavy or name in before:
            before.update(op.input_value(i).get_node().get_friendly_name() for i in range(op.get_input_size()))
        elif name != classifier.get_friendly_name():
            kept.append(op)
    return kept
