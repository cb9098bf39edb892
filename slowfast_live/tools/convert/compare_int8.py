"""Compares ways to quantize a model: which preset, and which layers stay in float."""

from __future__ import annotations

import dataclasses
import json
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import openvino as ov

from slowfast_live.inference.spec import IR_FILE, WEIGHTS_FILE
from slowfast_live.tools.convert import compare, export, quantize
from slowfast_live.tools.convert.builder import BuildRequest, Material, load_network
from slowfast_live.tools.convert.catalogue import Entry
from slowfast_live.tools.convert.clips import drawn
from slowfast_live.tools.convert.progress import BuildReporter
from slowfast_live.tools.convert.random_weights import distinct_pairs
from slowfast_live.tools.convert.report import add
from slowfast_live.types import U8

MAX_DIVERGENCE = 0.01
"""Target of the accuracy-aware recipe, in nats."""

_CHOOSING_SEED = 3

_ALSO: dict[str, tuple[tuple[quantize.FloatLayers, ...], ...]] = {
    "X3D": (
        (quantize.X3D_EARLY,),
        (quantize.X3D_LATE,),
        (quantize.X3D_HEAD,),
        (quantize.X3D_EARLY, quantize.X3D_DEPTHWISE, quantize.X3D_EXCITATION),
        (quantize.X3D_DEPTHWISE, quantize.X3D_EXCITATION, quantize.X3D_HEAD),
        (quantize.X3D_EARLY, quantize.X3D_HEAD),
    ),
    "MViT": (
        (quantize.MVIT_ATTENTION,),
        (quantize.MVIT_POOLING,),
        (quantize.MVIT_ATTENTION, quantize.MVIT_POOLING),
        (quantize.MVIT_ATTENTION, quantize.MVIT_POOLING, quantize.MVIT_NARROWING),
    ),
}
"""Groups of layers, by family, that may be worth keeping in float together."""


def ways(entry: Entry, *, accuracy_aware: bool = False) -> list[quantize.Recipe]:
    """Return the recipes that are worth comparing for a model, starting with the one that builds use.

    Args:
        entry: The model.
        accuracy_aware: Also include NNCF's accuracy-aware quantization, which takes many times longer.
    """
    used = quantize.recipe_for(entry)
    plain = dataclasses.replace(used, keep=quantize.MUST_KEEP.get(entry.family, ()))
    found = {used: None, dataclasses.replace(used, preset="performance"): None}
    for first in (False, True):
        for classifier in (False, True):
            found[dataclasses.replace(plain, round_first=False, keep_first=first, keep_classifier=classifier)] = None
    for layers in _ALSO.get(entry.family, ()):
        found[dataclasses.replace(plain, keep=(*plain.keep, *layers))] = None
    if accuracy_aware:
        found[dataclasses.replace(used, most_divergence=MAX_DIVERGENCE)] = None
    return list(found)


@dataclasses.dataclass(frozen=True, slots=True)
class _Clips:
    """Clips from three disjoint sets of videos, so that no recipe is reported on clips it was calibrated or chosen on.

    `reporting` are those that a build measures on; the videos that it calibrates on are split between the others.
    """

    calibration: Sequence[U8]
    choosing: Sequence[U8]
    reporting: Sequence[U8]

    @classmethod
    def of(cls, entry: Entry, material: Material) -> _Clips:
        reporting = material.for_evaluation(entry)
        if len(videos := material.calibration) > 1:
            material = dataclasses.replace(material, calibration=videos[::2], evaluation=videos[1::2])
            return cls(material.for_calibration(entry), material.for_evaluation(entry), reporting)
        choosing = drawn(entry.clip, material.evaluation_clips, seed=_CHOOSING_SEED)
        return cls(material.for_calibration(entry), choosing, reporting)


def compare_recipes(
    request: BuildRequest, reporter: BuildReporter, report: Path | None, *, accuracy_aware: bool = False
) -> list[dict[str, Any]]:
    """Quantize one model with several recipes and measure each; only the measurements are kept.

    Args:
        request: Network, weights and clips.
        reporter: Receives the progress.
        report: JSON file to which measurements are added as they are made; None for none. Recipes that it already
            contains for the same weights and clips are not measured again.
        accuracy_aware: See `ways`.

    Returns:
        For each recipe its `title`, `used` (whether builds use it), `choosing` and `drift` (difference from torch, on
        the clips for choosing and on others), `infer_ms` (median of one clip at a time, in the processor's default
        precision), `size_mb` and `took_s` (time of the quantization alone).
    """
    entry = request.entry

    def announce(fraction: float, message: str) -> None:
        reporter.report("compare", model=entry.name, precision="INT8", fraction=fraction, message=message)

    clips = _Clips.of(entry, request.material)
    network, _ = load_network(request, reporter)
    scores = request.scores
    references = tuple(compare.run_torch(network, part, scores) for part in (clips.choosing, clips.reporting))
    facts = _facts(request, clips, references)
    rows = _kept(report, entry.name, facts)
    recipes = ways(entry, accuracy_aware=accuracy_aware)
    with tempfile.TemporaryDirectory(prefix="slowfast-live-") as name:
        folder = Path(name)
        export.to_onnx(network, (1, *clips.reporting[0].shape), folder / "model.onnx", scores)
        model = export.to_openvino(folder / "model.onnx")
        if not rows:
            ov.save_model(model, folder / IR_FILE, compress_to_fp16=True)
            rows.append({"title": "FP16, for comparison", **_measure(folder, references, clips)})
        for index, recipe in enumerate(recipes):
            if recipe.title in (row["title"] for row in rows):
                continue
            announce(index / len(recipes), f"Quantising: {recipe.title}.")
            began = time.perf_counter()
            quantized = quantize.quantize(model, clips.calibration, recipe, clips.calibration)
            took_s = round(time.perf_counter() - began, 1)
            ov.save_model(quantized, folder / IR_FILE)
            used = recipe == quantize.recipe_for(entry)
            rows.append({"title": recipe.title, "used": used, "took_s": took_s, **_measure(folder, references, clips)})
            if report:
                add(report, "int8", entry.name, facts | {"ways": rows})
    announce(1.0, f"Compared {len(recipes)} ways on {len(clips.reporting)} clips.")
    return rows


def _facts(request: BuildRequest, clips: _Clips, references: tuple[compare.RuntimeOutputs, ...]) -> dict[str, Any]:
    """Return what the rows of one table have in common."""
    seed = request.weights.seed
    return {
        "weights": "published" if seed is None else f"random, seed {seed}",
        "calibration_clips": len(clips.calibration),
        "choosing_clips": len(clips.choosing),
        "clips": len(clips.reporting),
        "distinct_top5_pairs": round(distinct_pairs(references[1].probabilities), 3),
    }


def _kept(report: Path | None, name: str, facts: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the rows that an interrupted run with the same weights and clips left."""
    if report is None or not report.is_file():
        return []
    before = json.loads(report.read_text(encoding="utf-8")).get("int8", {}).get(name, {})
    return list(before["ways"]) if before and all(before.get(key) == value for key, value in facts.items()) else []


def _measure(folder: Path, references: Sequence[compare.RuntimeOutputs], clips: _Clips) -> dict[str, Any]:
    choosing, drift = (
        compare.difference(reference, compare.run_ir(folder / IR_FILE, part, exact=False)).as_dict()
        for reference, part in zip(references, (clips.choosing, clips.reporting), strict=True)
    )
    size = sum((folder / file).stat().st_size for file in (IR_FILE, WEIGHTS_FILE))
    return {
        "choosing": choosing,
        "drift": drift,
        "infer_ms": round(_median_ms(folder / IR_FILE, clips.reporting), 1),
        "size_mb": round(size / 1e6, 1),
    }


def _median_ms(ir: Path, clips: Sequence[U8], rounds: int = 9) -> float:
    compiled = ov.Core().compile_model(ir, "CPU", {"PERFORMANCE_HINT": "LATENCY"})
    ask = compiled.create_infer_request()
    took: list[float] = []
    for index in range(rounds + 2):
        start = time.perf_counter()
        ask.infer({export.INPUT: clips[index % len(clips)][None]})
        took.append((time.perf_counter() - start) * 1e3)
    return statistics.median(took[2:])
