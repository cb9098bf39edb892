"""Builds models that score what each person does: two IRs, compared with the whole network in torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
import openvino as ov
import torch

from slowfast_live.errors import ModelError, UsageError
from slowfast_live.inference.model_folders import building_folder, clear_leftovers, swap
from slowfast_live.inference.spec import BOXES, FEATURES, HEAD_FILE, IR_FILE, PROBABILITIES
from slowfast_live.tools.convert import compare, export, quantize
from slowfast_live.tools.convert.builder import (
    BuildRequest,
    BuildResult,
    Precision,
    describe,
    drift_warning,
    load_network,
    require_within,
    up_to_date,
    with_labels,
)
from slowfast_live.tools.convert.compare import RuntimeOutputs
from slowfast_live.tools.convert.counting import Size, measure
from slowfast_live.tools.convert.detection import Backbone, DetectionNetwork
from slowfast_live.tools.convert.export import INPUT
from slowfast_live.tools.convert.progress import BuildReporter
from slowfast_live.tools.convert.random_weights import distinct_pairs
from slowfast_live.types import F32, U8

BOX_COUNTS = (0, 1, 3, 10)
"""Numbers of people for which torch and OpenVINO are compared."""
MOST_CHANGE = 1e-4
"""Largest allowed difference of a score in FP32."""

_BOXES = (
    *((0.30, 0.10, 0.62, 0.95), (0.00, 0.00, 1.00, 1.00), (0.55, 0.22, 0.97, 1.00)),
    *((0.497, 0.50, 0.502, 0.52), (0.02, 0.30, 0.25, 0.90), (0.70, 0.05, 1.00, 0.60)),
    *((0.10, 0.00, 0.35, 0.40), (0.40, 0.40, 0.60, 0.80), (0.00, 0.60, 0.50, 1.00), (0.25, 0.15, 0.80, 0.55)),
)
"""Boxes, in shares of the picture, that are compared: usual ones, the whole picture, and a speck."""


class _Halves(NamedTuple):
    """Backbone and head, as OpenVINO models or as files."""

    backbone: Any
    head: Any


def boxes_in(clip: U8) -> F32:
    """Return the ten boxes that are compared, float32 (10, 4), in pixels of a clip, uint8 (T, H, W, 3)."""
    height, width = clip.shape[1:3]
    return np.array(_BOXES, np.float32) * np.array([width, height, width, height], np.float32)


@torch.no_grad()
def run_torch(network: DetectionNetwork, clips: Sequence[U8]) -> list[list[F32]]:
    """Run the whole network in torch; return, for each clip, the scores of 0, 1, 3 and 10 boxes."""
    answers = []
    for clip in clips:
        boxes = torch.from_numpy(boxes_in(clip))
        logits = network(torch.from_numpy(clip[None]), boxes).logits
        each = [cast(F32, logits[:count].sigmoid().numpy()) for count in BOX_COUNTS[:-1]]
        answers.append([*each, cast(F32, logits.sigmoid().numpy())])
    return answers


def run_halves(halves: _Halves, clips: Sequence[U8], *, exact: bool) -> list[list[F32]]:
    """Run two OpenVINO models on the CPU, the backbone once a clip and the head for each number of boxes."""
    config: dict[str, Any] = {"PERFORMANCE_HINT": "LATENCY"}
    if exact:
        config["INFERENCE_PRECISION_HINT"] = "f32"
    core = ov.Core()
    backbone, head = (core.compile_model(half, "CPU", config) for half in halves)
    answers = []
    for clip in clips:
        features, boxes = backbone({INPUT: clip[None]})[FEATURES].copy(), boxes_in(clip)
        answers.append([head({FEATURES: features, BOXES: boxes[:count]})[PROBABILITIES].copy() for count in BOX_COUNTS])
    return answers


def run_onnx(backbone: Path, head: Path, clips: Sequence[U8]) -> list[list[F32]]:
    """Run two ONNX files in ONNX Runtime, as `run_halves`."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    first, second = (
        onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        for path in (backbone, head)
    )
    answers = []
    for clip in clips:
        features, boxes = first.run([FEATURES], {INPUT: clip[None]})[0], boxes_in(clip)
        answers.append(
            [second.run([PROBABILITIES], {FEATURES: features, BOXES: boxes[:count]})[0] for count in BOX_COUNTS]
        )
    return answers


def by_count(expected: list[list[F32]], got: list[list[F32]]) -> dict[str, float]:
    """Return, for each number of boxes, the largest difference of a score over all clips.

    Raises:
        ModelError: There are not as many scores as boxes.
    """
    worst = {}
    for place, count in enumerate(BOX_COUNTS):
        for a, b in zip(expected, got, strict=True):
            if a[place].shape != b[place].shape:
                raise ModelError(f"For {count} boxes there are scores {b[place].shape}, expected {a[place].shape}.")
        changes = (float(np.abs(a[place] - b[place]).max(initial=0)) for a, b in zip(expected, got, strict=True))
        worst[str(count)] = float(f"{max(changes):.4g}")
    return worst


def _outputs(answers: list[list[F32]]) -> RuntimeOutputs:
    """Return the scores of all boxes of all clips, to be compared as those of clips are."""
    scores = np.concatenate([each[-1] for each in answers])
    return RuntimeOutputs(scores, np.zeros((len(scores), 1), np.float32), "sigmoid")


def build(request: BuildRequest, reporter: BuildReporter) -> list[BuildResult]:
    """Build one model in all requested precisions; see `builder.build`.

    Raises:
        SlowFastLiveError: Weights, conversion or files failed, or the result differs too much from torch's.
    """
    if request.scores != "sigmoid":
        raise UsageError(f"{request.entry.name} scores each label by itself: --activation softmax does not go with it.")
    request = with_labels(request)
    request.output.mkdir(parents=True, exist_ok=True)
    clear_leftovers(request.output)
    current = {precision: up_to_date(request, precision) for precision in request.precisions}
    wanted = [precision for precision in request.precisions if current[precision] is None or request.again]
    for precision in request.precisions:
        if precision not in wanted:
            message = f"{request.folder(precision)} is up to date."
            reporter.report("skip", model=request.entry.name, precision=precision, fraction=1.0, message=message)
    results = {p: BuildResult(request.folder(p), p, False, current[p] or {}) for p in request.precisions}
    if wanted:
        with building_folder(request.output, request.entry.name) as temporary:
            results |= {result.precision: result for result in _Build(request, reporter, temporary).run(wanted)}
    return list(results.values())


class _Build:
    """One run of `build`, with the state that its steps share."""

    def __init__(self, request: BuildRequest, reporter: BuildReporter, temporary: Path) -> None:
        self.request, self.entry, self.temporary = request, request.entry, temporary
        self.reporter = reporter

    def announce(self, step: str, fraction: float, message: str, precision: str = "") -> None:
        self.reporter.report(step, model=self.entry.name, precision=precision, fraction=fraction, message=message)

    def run(self, wanted: Sequence[Precision]) -> list[BuildResult]:
        request, clip = self.request, self.entry.clip
        self.clips = request.material.for_evaluation(self.entry)
        loaded, self.origin = load_network(request, self.reporter)
        self.network = cast(DetectionNetwork, loaded)
        backbone_size = measure(Backbone(self.network), (1, clip.frames, clip.side, clip.side, 3))
        self.size = Size(sum(p.numel() for p in self.network.parameters()) / 1e6, backbone_size.gflops)
        self.announce("export", 0.2, "Exporting to ONNX and checking the graphs.")
        paths = export.halves_to_onnx(self.network, clip.frames, clip.side, self.temporary)
        self.announce("convert", 0.3, "Converting to OpenVINO.")
        halves = _Halves(*map(export.half_to_openvino, paths))
        self.announce("measure", 0.35, f"Running torch and ONNX Runtime on {len(self.clips)} clips.")
        self.reference = run_torch(self.network, self.clips)
        answers = run_onnx(*paths, self.clips)
        onnx = compare.difference(_outputs(self.reference), _outputs(answers))
        require_within(onnx.logit_error, "onnx", self.entry.name)
        self.common = {
            "clips": len(self.clips),
            "clips_from": request.material.described("evaluation"),
            "reference": "the whole network in torch",
            "distinct_top5_pairs": round(distinct_pairs(_outputs(self.reference).probabilities), 3),
            "onnx": onnx.as_dict() | {"by_boxes": by_count(self.reference, answers)},
        }
        step = 0.6 / len(wanted)
        return [self._one(halves, precision, 0.4 + step * i, step) for i, precision in enumerate(wanted)]

    def _one(self, halves: _Halves, precision: Precision, fraction: float, step: float) -> BuildResult:
        target = self.request.folder(precision)
        folder = self.temporary / target.name
        folder.mkdir()
        backbone = halves.backbone
        if precision == "INT8":
            clips = self.request.material.for_calibration(self.entry)
            self.announce("quantise", fraction, f"Calibrating the backbone on {len(clips)} clips.", precision)
            backbone = quantize.quantize(backbone, clips, quantize.recipe_for(self.entry))
        self.announce("write", fraction, "Writing the two IRs.", precision)
        spec = describe(self.request, precision, self.origin, {}, self.size, None)
        export.save(backbone, spec, folder)
        export.save_head(halves.head, spec, folder)
        self.announce("measure", fraction, "Comparing with torch.", precision)
        parity = self.common | self._parity(folder, precision)
        export.describe(describe(self.request, precision, self.origin, parity, self.size, None), folder)
        swap(folder, target)
        size_mb = sum(file.stat().st_size for file in target.iterdir()) / 1e6
        message = f"{target} is ready, {size_mb:.1f} MB.{drift_warning(precision, parity)}"
        self.announce("done", fraction + step, message, precision)
        return BuildResult(target, precision, True, parity)

    def _parity(self, folder: Path, precision: Precision) -> dict[str, Any]:
        halves = _Halves(folder / IR_FILE, folder / HEAD_FILE)
        parity: dict[str, Any] = {}
        try:
            exact = self._compared(halves, exact=True)
            parity["ir"] = exact
            if precision != "FP32":  # models run in the processor's default precision
                parity["ir_default"] = self._compared(halves, exact=False) | {
                    "computes_in": compare.default_precision()
                }
        except RuntimeError as error:
            raise ModelError(
                f"OpenVINO cannot run {self.entry.name} in {precision} on this processor.", details=str(error)
            ) from error
        if precision == "INT8":
            material = self.request.material
            parity["calibrated_on"] = material.described("calibration")
            parity["calibration_clips"] = material.calibration_clips
            parity["preset"] = quantize.recipe_for(self.entry).title + ", head in float"
            return parity
        require_within(exact["logit_error"], precision, self.entry.name)
        if precision == "FP32" and not max(exact["by_boxes"].values()) <= MOST_CHANGE:
            worst = max(exact["by_boxes"].values())
            raise ModelError(
                f"{self.entry.name} was not built: a score differs from torch's by {worst:.2g}, allowed is "
                f"{MOST_CHANGE:.0e}. Please report this, with your processor and the versions of torch and OpenVINO."
            )
        preprocessing = compare.preprocessing_error(self.network, halves.backbone, self.clips[:2])
        require_within(preprocessing, "preprocessing", self.entry.name)
        parity["preprocessing"] = float(f"{preprocessing:.4g}")
        return parity

    def _compared(self, halves: _Halves, *, exact: bool) -> dict[str, Any]:
        got = run_halves(halves, self.clips, exact=exact)
        figures: dict[str, Any] = compare.difference(_outputs(self.reference), _outputs(got)).as_dict()
        return figures | {"by_boxes": by_count(self.reference, got)}
