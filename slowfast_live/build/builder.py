"""Building one model: weights, graph, precisions, measurement, and the folder that the app reads."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import logging
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import psutil
import torch
from torch import nn

from slowfast_live.build import checkpoints, compare, export, networks, quantise
from slowfast_live.build.cache import sha256_of
from slowfast_live.build.catalogue import Entry, kinetics400
from slowfast_live.build.clips import drawn, windows_from
from slowfast_live.build.counting import Size, measure
from slowfast_live.build.download import Patience, fetch
from slowfast_live.build.progress import Reporter
from slowfast_live.build.random_weights import distinct_pairs, randomise
from slowfast_live.build.slowfast import SlowFast, SlowFastConfig
from slowfast_live.errors import ModelError
from slowfast_live.inference.spec import IR_FILE, RECIPE, Accuracy, ModelSpec, load
from slowfast_live.types import U8

_LOG = logging.getLogger(__name__)

Precision = Literal["FP32", "FP16", "INT8"]
PRECISIONS: tuple[Precision, ...] = ("FP32", "FP16", "INT8")

RECIPE_VERSION = 1
"""Raised when the same request would give another model: what was built before is then out of date."""

_BUILDING = ".building-"
_SETTLE_CLIPS = 4
_NAMED = 12
_FAITHFUL = 0.9
"""Share of clips whose best class a model must keep to be built without a warning."""


@dataclass(frozen=True, slots=True)
class Weights:
    """Where the weights come from: published ones unless `checkpoint` or `seed` is set.

    Attributes:
        checkpoint: A file fetched by other means, or the user's own.
        seed: Random weights.
        own: The checkpoint is the user's own rather than the published one.
    """

    checkpoint: Path | None = None
    seed: int | None = None
    own: bool = False

    @property
    def trained(self) -> bool:
        """Whether they were learned."""
        return self.seed is None


@dataclass(frozen=True, slots=True)
class Material:
    """Clips to calibrate and to compare on.

    Attributes:
        calibration: Videos for INT8; clips are drawn where there is none.
        evaluation: Other videos, to measure on; likewise.
        calibration_clips: How many clips to cut.
        evaluation_clips: How many clips to cut.
    """

    calibration: tuple[Path, ...] = ()
    evaluation: tuple[Path, ...] = ()
    calibration_clips: int = 48
    evaluation_clips: int = 16

    def for_calibration(self, entry: Entry) -> list[U8]:
        """Return the clips that INT8 is calibrated on."""
        if self.calibration:
            return windows_from(self.calibration, entry.clip, self.calibration_clips)
        return drawn(entry.clip, self.calibration_clips, seed=1)

    def for_evaluation(self, entry: Entry) -> list[U8]:
        """Return the clips that runtimes and precisions are compared on."""
        if self.evaluation:
            return windows_from(self.evaluation, entry.clip, self.evaluation_clips)
        return drawn(entry.clip, self.evaluation_clips, seed=2)

    def described(self, which: Literal["calibration", "evaluation"]) -> str:
        """Say what the clips are, for `model.json`."""
        videos = getattr(self, which)
        if not videos:
            return "drawn moving patterns, no real video"
        names = ", ".join(path.name for path in videos[:_NAMED])
        return names + (f" and {len(videos) - _NAMED} more" if len(videos) > _NAMED else "")


@dataclass(frozen=True, slots=True)
class Request:
    """What to build.

    Attributes:
        entry: Which network.
        weights: With which weights.
        precisions: In which precisions.
        output: Folder that gets the model folders.
        material: Clips to calibrate and compare on.
        labels: Class names of the user's own; the 400 of Kinetics where None.
        name: First part of the folders' names; the entry's where empty.
        variant: A SlowFast network of our own builder instead of the published one.
        cache: Folder of downloads; the user's where None.
        patience: When a download is given up.
        again: Measure even what is up to date.
    """

    entry: Entry
    weights: Weights
    precisions: tuple[Precision, ...]
    output: Path
    material: Material = field(default_factory=Material)
    labels: tuple[str, ...] | None = None
    name: str = ""
    variant: SlowFastConfig | None = None
    cache: Path | None = None
    patience: Patience | None = None
    again: bool = False

    @property
    def classes(self) -> int:
        """K."""
        return len(self.labels) if self.labels is not None else 400

    def network(self) -> nn.Module:
        """Return the network with fresh weights."""
        if self.variant is not None:
            return SlowFast(dataclasses.replace(self.variant, num_classes=self.classes))
        return networks.build(self.entry, self.classes)

    def folder(self, precision: Precision) -> Path:
        """Return the folder of one precision. Untrained models have names of their own."""
        untrained = "" if self.weights.trained else "-untrained"
        return self.output / f"{self.name or self.entry.name}{untrained}-{precision.lower()}"


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one precision.

    Attributes:
        folder: The model folder.
        precision: Its precision.
        built: False where it was up to date.
        parity: What was measured, as it stands in `model.json`; empty where nothing was.
    """

    folder: Path
    precision: Precision
    built: bool
    parity: dict[str, Any]


def build(request: Request, reporter: Reporter) -> list[Result]:
    """Build one model in all precisions asked for.

    Each folder is made beside its place and moved there when it is complete, so that an interrupted build
    leaves what was there before. What is up to date is left alone.

    Raises:
        SlowFastLiveError: Weights, conversion or files; or the result is too far from torch's.
    """
    entry = request.entry
    request.output.mkdir(parents=True, exist_ok=True)
    clear_leftovers(request.output)
    current = {p: _up_to_date(request, p) for p in request.precisions}
    wanted = [p for p in request.precisions if current[p] is None]
    for precision, parity in current.items():
        if parity is not None:
            reporter.report(
                "skip",
                model=entry.name,
                precision=precision,
                fraction=1.0,
                message=f"{request.folder(precision)} is up to date.",
            )
    if not wanted and not request.again:
        return [Result(request.folder(p), p, False, current[p] or {}) for p in request.precisions]
    with building_folder(request.output, entry.name) as temporary:
        return _Build(request, reporter, temporary).run(wanted)


class _Build:
    """One run of `build`, with what its steps share."""

    def __init__(self, request: Request, reporter: Reporter, temporary: Path) -> None:
        self.request, self.entry, self.temporary = request, request.entry, temporary
        self.reporter = reporter

    def say(self, step: str, fraction: float, message: str, precision: str = "") -> None:
        self.reporter.report(step, model=self.entry.name, precision=precision, fraction=fraction, message=message)

    def run(self, wanted: Sequence[Precision]) -> list[Result]:
        request, entry = self.request, self.entry
        evaluation = request.material.for_evaluation(entry)
        network, origin = load_network(request, self.reporter)
        self.size = measure(networks.DeployedClip(network), (1, *evaluation[0].shape))
        onnx_path = self.temporary / "model.onnx"
        self.say("export", 0.2, "Exporting to ONNX and checking the graph.")
        export.to_onnx(network, (1, *evaluation[0].shape), onnx_path)
        self.say("convert", 0.3, "Converting to OpenVINO.")
        model = export.to_openvino(onnx_path)
        self.say("measure", 0.35, f"Running torch and ONNX Runtime on {len(evaluation)} clips.")
        reference = compare.run_torch(network, evaluation)
        onnx = compare.difference(reference, compare.run_onnx(onnx_path, evaluation))
        _within(onnx.logit_error, "onnx", entry.name)
        common = {
            "clips": len(evaluation),
            "clips_from": request.material.described("evaluation"),
            "distinct_top5_pairs": round(distinct_pairs(reference.probabilities), 3),
            "onnx": onnx.as_dict(),
        }
        results = []
        for index, precision in enumerate(request.precisions):
            fraction = 0.4 + 0.6 * index / len(request.precisions)
            folder = request.folder(precision)
            if precision in wanted:
                folder = self.temporary / folder.name
                folder.mkdir()
                self._write_ir(model, precision, folder, reference, origin, fraction)
            self.say("measure", fraction, "Comparing with torch.", precision)
            parity = common | self._parity(network, folder / IR_FILE, precision, reference, evaluation)
            if precision in wanted:
                self._publish(folder, precision, parity, origin, fraction)
            results.append(Result(request.folder(precision), precision, precision in wanted, parity))
        return results

    def _write_ir(
        self,
        model: Any,
        precision: Precision,
        folder: Path,
        reference: compare.Outputs,
        origin: dict[str, str],
        fraction: float,
    ) -> None:
        written = model
        if precision == "INT8":
            clips = self.request.material.for_calibration(self.entry)
            self.say("quantise", fraction, f"Calibrating INT8 on {len(clips)} clips.", precision)
            written = quantise.quantise(model, clips, quantise.recipe_for(self.entry))
        self.say("write", fraction, "Writing the IR.", precision)
        export.save(written, self._spec(precision, origin, {}, reference), folder)

    def _parity(
        self,
        network: nn.Module,
        ir: Path,
        precision: Precision,
        reference: compare.Outputs,
        clips: Sequence[U8],
    ) -> dict[str, Any]:
        try:
            exact = compare.difference(reference, compare.run_ir(ir, clips, exact=True))
            parity: dict[str, Any] = {"ir": exact.as_dict()}
            if precision != "FP32":  # what is built to be run must also run as the processor likes it best
                default = compare.difference(reference, compare.run_ir(ir, clips, exact=False))
                parity["ir_default"] = default.as_dict() | {"computes_in": compare.default_precision()}
        except RuntimeError as error:
            raise ModelError(
                f"OpenVINO cannot run {self.entry.name} in {precision} on this processor.", details=str(error)
            ) from error
        if precision == "INT8":
            material = self.request.material
            parity["calibrated_on"] = material.described("calibration")
            parity["calibration_clips"] = material.calibration_clips
            parity["preset"] = quantise.recipe_for(self.entry).title
        else:
            _within(exact.logit_error, precision, self.entry.name)
            preprocessing = compare.preprocessing_error(network, ir, clips[:2])
            _within(preprocessing, "preprocessing", self.entry.name)
            parity["preprocessing"] = float(f"{preprocessing:.4g}")
        return parity

    def _publish(
        self,
        folder: Path,
        precision: Precision,
        parity: dict[str, Any],
        origin: dict[str, str],
        fraction: float,
    ) -> None:
        spec = self._spec(precision, origin, parity, None)
        export.describe(spec, folder)
        target = self.request.folder(precision)
        swap(folder, target)
        done = fraction + 0.6 / len(self.request.precisions)
        size_mb = sum(file.stat().st_size for file in target.iterdir()) / 1e6
        self.say("done", done, f"{target} is ready, {size_mb:.1f} MB.{drift_warning(precision, parity)}", precision)

    def _spec(
        self,
        precision: Precision,
        origin: dict[str, str],
        parity: dict[str, Any],
        reference: compare.Outputs | None,
    ) -> ModelSpec:
        if reference is not None:
            self._features = reference.features.shape[1]
        return describe(self.request, precision, origin, parity, self.size, self._features)


def load_network(request: Request, reporter: Reporter) -> tuple[nn.Module, dict[str, str]]:
    """Fetch the weights that `request` names and return the network with them, and where they come from.

    Raises:
        SlowFastLiveError: They cannot be fetched or read, or do not fit.
    """
    entry, weights = request.entry, request.weights

    def say(step: str, fraction: float, message: str) -> None:
        reporter.report(step, model=entry.name, fraction=fraction, message=message)

    if weights.seed is not None:
        say("load", 0.05, f"Drawing random weights from seed {weights.seed}.")
        return _random_network(request, weights.seed)
    if weights.checkpoint is not None:
        path, origin = weights.checkpoint, {"file": weights.checkpoint.name}
        if not path.is_file():
            raise ModelError(f"The checkpoint {path} does not exist.")
        origin["sha256"] = sha256_of(path)
        origin |= {"note": "own weights"} if weights.own else {"url": entry.url}
    else:
        say("download", 0.0, f"Fetching {entry.url}")
        path, digest = fetch(
            entry.url,
            cache=request.cache,
            sha256_prefix=entry.sha256_prefix,
            progress=lambda there, total: reporter.bytes_received(entry.name, there, total),
            patience=request.patience,
        )
        origin = {"url": entry.url, "sha256": digest}
    say("load", 0.1, f"Loading {path.name}.")
    net = request.network()
    if entry.caffe2 and not weights.own:
        state = checkpoints.from_caffe2(checkpoints.load_caffe2(path))
    else:
        state = checkpoints.load_torch(path)
    checkpoints.fill(net, state, path.name)
    return networks.adapt(net, entry), origin


def _random_network(request: Request, seed: int) -> tuple[nn.Module, dict[str, str]]:
    entry, material = request.entry, request.material
    torch.manual_seed(seed)
    network = networks.adapt(request.network(), entry)
    if material.calibration:
        settle = windows_from(material.calibration, entry.clip, _SETTLE_CLIPS)
    else:
        settle = drawn(entry.clip, _SETTLE_CLIPS, seed=seed)
    randomise(network, settle, seed)
    return network, {"note": f"random weights, seed {seed}: this model knows nothing"}


def describe(
    request: Request,
    precision: Precision,
    origin: dict[str, str],
    parity: dict[str, Any],
    size: Size,
    features: int,
) -> ModelSpec:
    """Return what `model.json` says of a model that `request` asked for."""
    entry, weights = request.entry, request.weights
    published = weights.trained and not weights.own
    title = entry.title
    if not weights.trained:
        title += ", untrained"
    elif weights.own:
        title += ", own weights"
    if request.name:
        title = f"{request.name}: {title}"
    accuracy: tuple[Accuracy, ...] = ()
    if published:
        note = f"{entry.views} views, as its authors measured it; one view of a live picture gives less"
        accuracy = (
            Accuracy("Kinetics-400", "top-1", entry.top1, note=note),
            Accuracy("Kinetics-400", "top-5", entry.top5, note=note),
        )
    return ModelSpec(
        name=request.folder(precision).name,
        title=title,
        family=entry.family,
        labels=request.labels if request.labels is not None else kinetics400(),
        clip=entry.clip,
        alpha=entry.alpha,
        precision=precision,
        trained=weights.trained,
        features=features,
        licence=entry.licence if published else "",
        origin=origin | {RECIPE: recipe(request, precision)},
        accuracy=accuracy,
        gflops=round(size.gflops, 3),
        params_m=round(size.params_m, 3),
        parity=parity,
        description=_description(entry, weights),
    )


def _description(entry: Entry, weights: Weights) -> str:
    if not weights.trained:
        return f"{entry.title} with random weights, for trying the machinery: its scores mean nothing."
    if weights.own:
        return f"{entry.title} with weights of your own."
    return f"{entry.title}, trained on Kinetics-400 by its authors: 400 actions of everyday life and sport."


def recipe(request: Request, precision: Precision) -> str:
    """Return a fingerprint of all that decides what is built: same fingerprint, same model."""
    weights, material = request.weights, request.material
    facts: dict[str, Any] = {
        "version": RECIPE_VERSION,
        "name": request.entry.name,
        "precision": precision,
        "labels": request.labels,
        "seed": weights.seed,
        "own": weights.own,
        "variant": repr(request.variant),
    }
    if weights.checkpoint is not None and weights.checkpoint.is_file():
        facts["sha256"] = sha256_of(weights.checkpoint)
    elif weights.trained:
        facts["url"] = request.entry.url
    if precision == "INT8" or weights.seed is not None:
        facts["calibration"] = [[path.name, path.stat().st_size] for path in material.calibration]
    if precision == "INT8":
        facts["clips"] = material.calibration_clips
        facts["quantiser"] = [quantise.VERSION, repr(quantise.recipe_for(request.entry))]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]


def drift_warning(precision: Precision, parity: dict[str, Any]) -> str:
    """Return a sentence about a model that no longer says what torch says, "" where it does.

    Args:
        precision: Of the model; of FP32 and FP16, whose errors are limited, there is nothing to say.
        parity: As in `model.json`.
    """
    if precision != "INT8":
        return ""
    drift = parity.get("ir_default", {})
    kept = drift.get("top1_agreement", 1.0)
    if kept >= _FAITHFUL:
        return ""
    return (
        f" It keeps torch's best class in {kept:.0%} of {drift.get('clips', 0):.0f} clips only (mean divergence "
        f"{drift['mean_kl']:.3f} nats): FP16 is the safer choice."
    ).replace("%", " %")


def _up_to_date(request: Request, precision: Precision) -> dict[str, Any] | None:
    """Return the parity that the model's description states, or None where it must be built."""
    try:
        spec = load(request.folder(precision))
    except ModelError:
        return None
    return spec.parity if spec.origin.get(RECIPE) == recipe(request, precision) else None


def _within(error: float, what: str, name: str) -> None:
    limit = compare.LIMITS[what]
    if not error <= limit:
        raise ModelError(
            f"{name} was not built: its {what} result differs from torch by {error:.2g} relative, allowed is "
            f"{limit:.0e}. Please report this, with your processor and the versions of torch and OpenVINO."
        )


@contextlib.contextmanager
def building_folder(output: Path, name: str) -> Iterator[Path]:
    """Make a folder beside the models that is gone afterwards, whatever happens."""
    folder = output / f"{_BUILDING}{os.getpid()}-{name}-{time.monotonic_ns()}"
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def swap(new: Path, target: Path) -> None:
    """Put a complete folder in its place; what was there is moved aside first and then removed."""
    old = new.with_name(new.name + "-old")
    if target.exists():
        target.replace(old)
    try:
        new.replace(target)
    except OSError:
        if old.exists():
            old.replace(target)
        raise
    shutil.rmtree(old, ignore_errors=True)


def clear_leftovers(output: Path) -> None:
    """Remove what builds left behind that were killed; those still running are left alone."""
    for folder in output.glob(f"{_BUILDING}*"):
        number = folder.name.removeprefix(_BUILDING).split("-")[0]
        if number.isdecimal() and int(number) != os.getpid() and psutil.pid_exists(int(number)):
            continue
        _LOG.info("Removing %s, left by a build that did not finish", folder)
        shutil.rmtree(folder, ignore_errors=True)
