"""Builds a model: weights, graph, precisions, measurements, and the folder that the app reads."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from slowfast_live.errors import ModelError
from slowfast_live.inference.model_folders import building_folder, clear_leftovers, swap
from slowfast_live.inference.spec import IR_FILE, RECIPE, Decision, ModelSpec, load
from slowfast_live.tools.convert import (
    caffe2,
    checkpoints,
    compare,
    datasets,
    export,
    networks,
    pyslowfast,
    quantize,
)
from slowfast_live.tools.convert.cache import sha256_of
from slowfast_live.tools.convert.catalogue import Entry
from slowfast_live.tools.convert.clips import drawn, windows_from
from slowfast_live.tools.convert.counting import Size, measure
from slowfast_live.tools.convert.datasets import Activation
from slowfast_live.tools.convert.download import Patience, fetch
from slowfast_live.tools.convert.progress import BuildReporter
from slowfast_live.tools.convert.random_weights import distinct_pairs, randomize
from slowfast_live.tools.convert.slowfast import SlowFast, SlowFastConfig
from slowfast_live.types import U8

Precision = Literal["FP32", "FP16", "INT8"]
PRECISIONS: tuple[Precision, ...] = ("FP32", "FP16", "INT8")

RECIPE_VERSION = 1
"""Incremented when the same request would give a different model, which makes earlier builds outdated."""

_SETTLE_CLIPS = 4
_NAMED = 12
_FAITHFUL = 0.9
"""Share of clips whose best class a model must preserve to be built without a warning."""


@dataclass(frozen=True, slots=True)
class Weights:
    """Source of the weights: the published ones unless `checkpoint` or `seed` is set.

    Attributes:
        checkpoint: A file obtained by other means, or the user's own.
        seed: Seed of random weights.
        own: Whether the checkpoint is the user's own rather than the published one.
    """

    checkpoint: Path | None = None
    seed: int | None = None
    own: bool = False

    @property
    def trained(self) -> bool:
        """Whether the weights are trained."""
        return self.seed is None


@dataclass(frozen=True, slots=True)
class Material:
    """Clips for calibration and comparison.

    Attributes:
        calibration: Videos for INT8 calibration; synthetic clips are used if there are none.
        evaluation: Other videos to measure on; likewise.
        calibration_clips: Number of clips to cut.
        evaluation_clips: Number of clips to cut.
    """

    calibration: tuple[Path, ...] = ()
    evaluation: tuple[Path, ...] = ()
    calibration_clips: int = 48
    evaluation_clips: int = 16

    def for_calibration(self, entry: Entry) -> list[U8]:
        """Return the clips for INT8 calibration."""
        if self.calibration:
            return windows_from(self.calibration, entry.clip, self.calibration_clips)
        return drawn(entry.clip, self.calibration_clips, seed=1)

    def for_evaluation(self, entry: Entry) -> list[U8]:
        """Return the clips on which runtimes and precisions are compared."""
        if self.evaluation:
            return windows_from(self.evaluation, entry.clip, self.evaluation_clips)
        return drawn(entry.clip, self.evaluation_clips, seed=2)

    def described(self, which: Literal["calibration", "evaluation"]) -> str:
        """Describe the clips for `model.json`."""
        videos = getattr(self, which)
        if not videos:
            return "drawn moving patterns, no real video"
        names = ", ".join(path.name for path in videos[:_NAMED])
        return names + (f" and {len(videos) - _NAMED} more" if len(videos) > _NAMED else "")


@dataclass(frozen=True, slots=True)
class BuildRequest:
    """What to build.

    Attributes:
        entry: The network.
        weights: Its weights.
        precisions: The precisions to build.
        output: Folder in which the model folders are created.
        material: Clips for calibration and comparison.
        labels: The user's own class names; None for those of the dataset that the network was published for.
        activation: What the scores of the user's own checkpoint mean; None for what the published network's mean.
        name: First part of the folders' names; "" for the entry's name.
        variant: A SlowFast network of our own builder in place of the published one.
        cache: Folder of downloads; None for the user's cache.
        patience: When to give up a download.
        again: Measure even what is up to date.
    """

    entry: Entry
    weights: Weights
    precisions: tuple[Precision, ...]
    output: Path
    material: Material = field(default_factory=Material)
    labels: tuple[str, ...] | None = None
    activation: Activation | None = None
    name: str = ""
    variant: SlowFastConfig | None = None
    cache: Path | None = None
    patience: Patience | None = None
    again: bool = False

    @property
    def classes(self) -> int:
        """K, the number of classes."""
        return len(self.labels) if self.labels is not None else self.entry.dataset.classes

    @property
    def scores(self) -> Activation:
        """What makes probabilities of the network's logits."""
        return self.activation or self.entry.dataset.activation

    def network(self) -> nn.Module:
        """Return the network with newly initialized weights."""
        if self.variant is not None:
            return SlowFast(dataclasses.replace(self.variant, num_classes=self.classes))
        return networks.build(self.entry, self.classes)

    def folder(self, precision: Precision) -> Path:
        """Return the folder of one precision. Untrained models have distinct names."""
        untrained = "" if self.weights.trained else "-untrained"
        return self.output / f"{self.name or self.entry.name}{untrained}-{precision.lower()}"


@dataclass(frozen=True, slots=True)
class BuildResult:
    """Outcome for one precision.

    Attributes:
        folder: The model folder.
        precision: Its precision.
        built: False if it was up to date.
        parity: The measurements as in `model.json`; empty if nothing was measured.
    """

    folder: Path
    precision: Precision
    built: bool
    parity: dict[str, Any]


def build(request: BuildRequest, reporter: BuildReporter) -> list[BuildResult]:
    """Build one model in all requested precisions.

    Each folder is created beside its destination and moved there when it is complete, so that an interrupted build
    leaves the previous model intact. What is up to date is not rebuilt.

    Raises:
        SlowFastLiveError: Weights, conversion or files failed, or the result differs too much from torch's.
    """
    request = with_labels(request)
    entry = request.entry
    request.output.mkdir(parents=True, exist_ok=True)
    clear_leftovers(request.output)
    current = {p: up_to_date(request, p) for p in request.precisions}
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
        return [BuildResult(request.folder(p), p, False, current[p] or {}) for p in request.precisions]
    with building_folder(request.output, entry.name) as temporary:
        return _Build(request, reporter, temporary).run(wanted)


class _Build:
    """One run of `build`, with the state that its steps share."""

    def __init__(self, request: BuildRequest, reporter: BuildReporter, temporary: Path) -> None:
        self.request, self.entry, self.temporary = request, request.entry, temporary
        self.reporter = reporter

    def announce(self, step: str, fraction: float, message: str, precision: str = "") -> None:
        self.reporter.report(step, model=self.entry.name, precision=precision, fraction=fraction, message=message)

    def run(self, wanted: Sequence[Precision]) -> list[BuildResult]:
        request, entry = self.request, self.entry
        evaluation = request.material.for_evaluation(entry)
        network, origin = load_network(request, self.reporter)
        scores = request.scores
        self.size = measure(networks.DeployedClip(network), (1, *evaluation[0].shape))
        onnx_path = self.temporary / "model.onnx"
        self.announce("export", 0.2, "Exporting to ONNX and checking the graph.")
        export.to_onnx(network, (1, *evaluation[0].shape), onnx_path, scores)
        self.announce("convert", 0.3, "Converting to OpenVINO.")
        model = export.to_openvino(onnx_path)
        self.announce("measure", 0.35, f"Running torch and ONNX Runtime on {len(evaluation)} clips.")
        reference = compare.run_torch(network, evaluation, scores)
        onnx = compare.difference(reference, compare.run_onnx(onnx_path, evaluation))
        require_within(onnx.logit_error, "onnx", entry.name)
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
            self.announce("measure", fraction, "Comparing with torch.", precision)
            parity = common | self._parity(network, folder / IR_FILE, precision, reference, evaluation)
            if precision in wanted:
                self._publish(folder, precision, parity, origin, fraction)
            results.append(BuildResult(request.folder(precision), precision, precision in wanted, parity))
        return results

    def _write_ir(
        self,
        model: Any,
        precision: Precision,
        folder: Path,
        reference: compare.RuntimeOutputs,
        origin: dict[str, str],
        fraction: float,
    ) -> None:
        written = model
        if precision == "INT8":
            clips = self.request.material.for_calibration(self.entry)
            self.announce("quantise", fraction, f"Calibrating INT8 on {len(clips)} clips.", precision)
            written = quantize.quantize(model, clips, quantize.recipe_for(self.entry))
        self.announce("write", fraction, "Writing the IR.", precision)
        export.save(written, self._spec(precision, origin, {}, reference), folder)

    def _parity(
        self,
        network: nn.Module,
        ir: Path,
        precision: Precision,
        reference: compare.RuntimeOutputs,
        clips: Sequence[U8],
    ) -> dict[str, Any]:
        try:
            exact = compare.difference(reference, compare.run_ir(ir, clips, exact=True))
            parity: dict[str, Any] = {"ir": exact.as_dict()}
            if precision != "FP32":  # models run in the processor's default precision
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
            parity["preset"] = quantize.recipe_for(self.entry).title
        else:
            require_within(exact.logit_error, precision, self.entry.name)
            preprocessing = compare.preprocessing_error(network, ir, clips[:2])
            require_within(preprocessing, "preprocessing", self.entry.name)
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
        self.announce(
            "done", done, f"{target} is ready, {size_mb:.1f} MB.{drift_warning(precision, parity)}", precision
        )

    def _spec(
        self,
        precision: Precision,
        origin: dict[str, str],
        parity: dict[str, Any],
        reference: compare.RuntimeOutputs | None,
    ) -> ModelSpec:
        if reference is not None:
            self._features = reference.features.shape[1]
        return describe(self.request, precision, origin, parity, self.size, self._features)


def load_network(request: BuildRequest, reporter: BuildReporter) -> tuple[nn.Module, dict[str, str]]:
    """Obtain the weights of `request` and return the network with them, and their origin.

    Raises:
        SlowFastLiveError: They cannot be downloaded or read, or do not fit.
    """
    entry, weights = request.entry, request.weights

    def announce(step: str, fraction: float, message: str) -> None:
        reporter.report(step, model=entry.name, fraction=fraction, message=message)

    if weights.seed is not None:
        announce("load", 0.05, f"Drawing random weights from seed {weights.seed}.")
        return _random_network(request, weights.seed)
    if weights.checkpoint is not None:
        path, origin = weights.checkpoint, {"file": weights.checkpoint.name}
        if not path.is_file():
            raise ModelError(f"The checkpoint {path} does not exist.")
        origin["sha256"] = sha256_of(path)
        origin |= {"note": "own weights"} if weights.own else {"url": entry.url}
    else:
        announce("download", 0.0, f"Fetching {entry.url}")
        path, digest = fetch(
            entry.url,
            cache=request.cache,
            sha256_prefix=entry.sha256_prefix,
            progress=lambda there, total: reporter.bytes_received(entry.name, there, total),
            patience=request.patience,
        )
        origin = {"url": entry.url, "sha256": digest}
    announce("load", 0.1, f"Loading {path.name}.")
    net = request.network()
    checkpoints.fill(net, _state(request, path, net), path.name)
    return networks.adapt(net, entry), origin


def _state(request: BuildRequest, path: Path, net: nn.Module) -> dict[str, Tensor]:
    """Return the state dict in a checkpoint of `request`, with the names that `net` has."""
    if request.entry.caffe2 and not request.weights.own:
        return caffe2.from_caffe2(caffe2.load_caffe2(path))
    return pyslowfast.with_our_names(pyslowfast.load(path), net.state_dict())


def with_labels(request: BuildRequest) -> BuildRequest:
    """Return a request whose own checkpoint is labeled: its number of classes tells which dataset it was trained on.

    Labels that were given are kept. A checkpoint with another number of classes is left as it is; loading it then says
    what does not fit.
    """
    weights = request.weights
    if request.labels is not None or not weights.own or weights.checkpoint is None or not weights.checkpoint.is_file():
        return request
    net = request.network()
    wanted = net.state_dict()
    state = checkpoints.without_prefix(_state(request, weights.checkpoint, net), wanted)
    classifier = [name for name, tensor in wanted.items() if tensor.ndim == 2 and name.endswith("weight")][-1]
    classes = state[classifier].shape[0] if classifier in state else request.classes
    dataset = datasets.BY_CLASSES.get(classes)
    if dataset is None or classes == request.classes:
        return request
    return dataclasses.replace(request, labels=dataset.labels(), activation=request.activation or dataset.activation)


def _random_network(request: BuildRequest, seed: int) -> tuple[nn.Module, dict[str, str]]:
    entry, material = request.entry, request.material
    torch.manual_seed(seed)
    network = networks.adapt(request.network(), entry)
    if material.calibration:
        settle = windows_from(material.calibration, entry.clip, _SETTLE_CLIPS)
    else:
        settle = drawn(entry.clip, _SETTLE_CLIPS, seed=seed)
    randomize(network, settle, seed)
    return network, {"note": f"random weights, seed {seed}: this model knows nothing"}


def describe(
    request: BuildRequest,
    precision: Precision,
    origin: dict[str, str],
    parity: dict[str, Any],
    size: Size,
    features: int | None,
) -> ModelSpec:
    """Return the content of `model.json` for a model of `request`."""
    entry, weights = request.entry, request.weights
    published = weights.trained and not weights.own
    title = entry.title
    if not weights.trained:
        title += ", untrained"
    elif weights.own:
        title += ", own weights"
    if request.name:
        title = f"{request.name}: {title}"
    return ModelSpec(
        name=request.folder(precision).name,
        title=title,
        family=entry.family,
        task="detection" if entry.detects else "classification",
        activation=request.scores,
        labels=request.labels if request.labels is not None else entry.dataset.labels(),
        clip=entry.clip,
        alpha=entry.alpha,
        precision=precision,
        trained=weights.trained,
        features=features,
        decision=entry.dataset.decision() if request.labels is None else Decision(),
        licence=entry.licence if published else "",
        origin=origin | {RECIPE: recipe(request, precision)},
        accuracy=entry.published if published else (),
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
    dataset = entry.dataset
    return f"{entry.title}, trained on {dataset.title} by its authors: {dataset.classes} {dataset.about}."


def recipe(request: BuildRequest, precision: Precision) -> str:
    """Return a fingerprint of everything that determines the result: the same fingerprint means the same model."""
    weights, material = request.weights, request.material
    facts: dict[str, Any] = {
        "version": RECIPE_VERSION,
        "name": request.entry.name,
        "precision": precision,
        "labels": request.labels,
        **({"activation": request.activation} if request.activation is not None else {}),
        "seed": weights.seed,
        "own": weights.own,
        "variant": repr(request.variant),
    }
    if weights.checkpoint is not None and weights.checkpoint.is_file():
        facts["sha256"] = sha256_of(weights.checkpoint)
    elif weights.checkpoint is not None and weights.checkpoint.is_dir():
        files = sorted(path for path in weights.checkpoint.rglob("*") if path.is_file())
        facts["files"] = [[path.name, path.stat().st_size, path.stat().st_mtime_ns] for path in files]
    elif weights.trained:
        facts["url"] = request.entry.url
    if precision == "INT8" or weights.seed is not None:
        facts["calibration"] = [[path.name, path.stat().st_size] for path in material.calibration]
    if precision == "INT8":
        facts["clips"] = material.calibration_clips
        facts["quantiser"] = [quantize.VERSION, repr(quantize.recipe_for(request.entry))]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]


def drift_warning(precision: Precision, parity: dict[str, Any]) -> str:
    """Return a warning about a model that deviates from torch; "" if it does not.

    Args:
        precision: Precision of the model; FP32 and FP16 get no warning, because their errors are limited.
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


def up_to_date(request: BuildRequest, precision: Precision) -> dict[str, Any] | None:
    """Return the parity that the model's description states, or None if the model must be built."""
    try:
        spec = load(request.folder(precision))
    except ModelError:
        return None
    return spec.parity if spec.origin.get(RECIPE) == recipe(request, precision) else None


def require_within(error: float, what: str, name: str) -> None:
    """Refuse a model whose result differs from torch's by more than `compare.LIMITS` allows.

    Raises:
        ModelError: It does.
    """
    limit = compare.LIMITS[what]
    if not error <= limit:
        raise ModelError(
            f"{name} was not built: its {what} result differs from torch by {error:.2g} relative, allowed is "
            f"{limit:.0e}. Please report this, with your processor and the versions of torch and OpenVINO."
        )
