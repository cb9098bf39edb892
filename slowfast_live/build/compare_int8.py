"""Measures ways to quantise a model against each other: which preset, and which layers stay in float."""

from __future__ import annotations

import dataclasses
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import openvino as ov

from slowfast_live.build import compare, export, quantise
from slowfast_live.build.builder import Request, load_network
from slowfast_live.build.catalogue import Entry
from slowfast_live.build.progress import Reporter
from slowfast_live.build.random_weights import distinct_pairs
from slowfast_live.build.report import add
from slowfast_live.inference.spec import IR_FILE, WEIGHTS_FILE
from slowfast_live.types import U8


def ways(entry: Entry) -> list[quantise.Recipe]:
    """Return the recipes that are worth comparing for a model."""
    used = quantise.recipe_for(entry)
    found = {used: None}
    for preset in quantise.PRESETS:
        for first in (False, True):
            for classifier in (False, True):
                # With the plainer preset one row is enough to see whether it pays.
                if preset == "performance" and (first or classifier):
                    continue
                changed = dataclasses.replace(used, preset=preset, keep_first=first, keep_classifier=classifier)
                found[changed] = None
    return list(found)


def compare_recipes(request: Request, reporter: Reporter, report: Path | None) -> list[dict[str, Any]]:
    """Quantise one model in several ways and measure each; nothing is kept but the figures.

    Args:
        request: Network, weights and clips.
        reporter: Told what is going on.
        report: JSON file that gets the figures; None for none.

    Returns:
        For each way its `title`, `used` (whether builds use it), `drift` from torch on clips that it was not
        calibrated on, `infer_ms` (median of one clip at a time, as the processor computes by default) and
        `size_mb`.
    """
    entry, material = request.entry, request.material

    def say(fraction: float, message: str) -> None:
        reporter.report("compare", model=entry.name, precision="INT8", fraction=fraction, message=message)

    calibration, evaluation = material.for_calibration(entry), material.for_evaluation(entry)
    network, _ = load_network(request, reporter)
    reference = compare.run_torch(network, evaluation)
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="slowfast-live-") as name:
        folder = Path(name)
        export.to_onnx(network, (1, *evaluation[0].shape), folder / "model.onnx")
        model = export.to_openvino(folder / "model.onnx")
        ov.save_model(model, folder / IR_FILE, compress_to_fp16=True)
        rows.append({"title": "FP16, for comparison", **_measure(folder, reference, evaluation)})
        recipes = ways(entry)
        for index, recipe in enumerate(recipes):
            say(index / len(recipes), f"Quantising: {recipe.title}.")
            ov.save_model(quantise.quantise(model, calibration, recipe), folder / IR_FILE)
            row = {"title": recipe.title, **_measure(folder, reference, evaluation)}
            rows.append(row | {"used": recipe == quantise.recipe_for(entry)})
            if report:
                seed = request.weights.seed
                add(
                    report,
                    "int8",
                    entry.name,
                    {
                        "weights": "published" if seed is None else f"random, seed {seed}",
                        "calibration_clips": len(calibration),
                        "clips": len(evaluation),
                        "distinct_top5_pairs": round(distinct_pairs(reference.probabilities), 3),
                        "ways": rows,
                    },
                )
    say(1.0, f"Compared {len(recipes)} ways on {len(evaluation)} clips.")
    return rows


def _measure(folder: Path, reference: compare.Outputs, clips: Sequence[U8]) -> dict[str, Any]:
    outputs = compare.run_ir(folder / IR_FILE, clips, exact=False)
    size = sum((folder / file).stat().st_size for file in (IR_FILE, WEIGHTS_FILE))
    return {
        "drift": compare.difference(reference, outputs).as_dict(),
        "infer_ms": round(_median_ms(folder / IR_FILE, clips), 1),
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
