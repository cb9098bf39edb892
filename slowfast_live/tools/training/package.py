"""From a training's checkpoint to model folders: calibrated, converted, measured and described."""

from __future__ import annotations

import tempfile
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np
import torch
from torch.nn import functional

from slowfast_live.errors import ModelError
from slowfast_live.inference.model_folders import building_folder, clear_leftovers, swap
from slowfast_live.inference.spec import IR_FILE, Accuracy, Clip, Decision, ModelSpec
from slowfast_live.tools.convert import compare
from slowfast_live.tools.convert.export import describe, save, to_onnx, to_openvino
from slowfast_live.tools.convert.quantize import Recipe, quantize
from slowfast_live.tools.convert.slowfast import SlowFast, slowfast
from slowfast_live.tools.evaluation.metrics import F64, I64
from slowfast_live.tools.training import record as records
from slowfast_live.tools.training.actions import LABELS, REJECT
from slowfast_live.tools.training.bank import Bank, MadeWith, held_out, made_with
from slowfast_live.tools.training.config import Config
from slowfast_live.tools.training.record import Operation, Record
from slowfast_live.tools.training.train import CHECKPOINT, Point, TrainingFolders, network_config, read_checkpoint
from slowfast_live.types import U8

Precision = Literal["FP16", "INT8"]

_LARGEST_ERROR = 1e-2
"""Of FP16 against torch, both computed in float32, relative to the spread of the logits."""
_COMPARED_CLIPS, _CALIBRATION_CLIPS = 16, 128

_RULE = (
    "The threshold is the lowest at which no more than {limit:.0%} of the clips of something else show a label, on "
    "single windows; smoothing over time, as in the app, leaves fewer."
)


@dataclass(frozen=True)
class Made:
    """A packaged model: its folder, its precision and its record."""

    folder: Path
    precision: Precision
    record: Record


@dataclass(frozen=True)
class _Trained:
    """What a checkpoint holds, ready to be converted."""

    network: SlowFast
    steps: int
    minutes: float
    curve: tuple[Point, ...]


def load(checkpoint: Path, config: Config) -> SlowFast:
    """Return the averaged network of a checkpoint, in eval mode.

    Raises:
        ModelError: There is none, or it is another network's.
    """
    return _load(checkpoint, config).network


def _load(checkpoint: Path, config: Config) -> _Trained:
    state = read_checkpoint(checkpoint)
    network = slowfast(network_config(config))
    try:
        network.load_state_dict(state["average"])
    except RuntimeError as error:
        raise ModelError(
            f"{checkpoint} belongs to another network than the configuration describes.", details=str(error)
        ) from error
    curve = tuple(Point(*row) for row in state.get("curve", []))
    return _Trained(network.eval(), state["step"], state["spent_s"] / 60, curve)


@torch.no_grad()
def _logits(network: SlowFast, clips: U8) -> torch.Tensor:
    return torch.cat([network(torch.from_numpy(clips[i : i + 16])).logits for i in range(0, len(clips), 16)])


@torch.no_grad()
def calibrate(network: SlowFast, clips: U8, labels: I64) -> tuple[float, F64]:
    """Scale the scores by one temperature (Guo et al. 2017, arXiv 1706.04599), folded into the classifier.

    Args:
        network: Changed in place.
        clips: Clips that were not trained on, uint8 (N, T, S, S, 3).
        labels: (N,).

    Returns:
        The temperature, and the probabilities (N, K) with it.
    """
    logits, truth = _logits(network, clips), torch.from_numpy(labels)
    temperatures = torch.linspace(0.4, 3.0, 131)
    losses = torch.stack([functional.cross_entropy(logits / t, truth) for t in temperatures])
    best = float(temperatures[losses.argmin()])
    classifier = network.blocks[-1].proj
    assert isinstance(classifier, torch.nn.Linear)
    classifier.weight.div_(best)
    classifier.bias.div_(best)
    return best, np.asarray(torch.softmax(logits / best, 1).double().numpy())


def choose_threshold(probabilities: F64, labels: I64, reject: int, limit: float) -> Operation:
    """Return the lowest threshold, from 0.05 to 0.95, at which no more than `limit` are false alarms; see `operate`.

    The highest, where all give more.
    """
    tried = [records.operate(probabilities, labels, reject, percent / 100) for percent in range(5, 96)]
    return next((each for each in tried if each.false_alarms <= limit), tried[-1])


def convert(network: SlowFast, config: Config) -> Any:
    """Return the network as an OpenVINO model in FP32."""
    shape = (1, config.clip.frames, config.clip.side, config.clip.side, 3)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.onnx"
        to_onnx(network, shape, path)
        return to_openvino(path)


def specification(config: Config, precision: Precision, threshold: float) -> ModelSpec:
    """Return the model's description, without figures."""
    network = network_config(config)
    parameters = sum(p.numel() for p in slowfast(network).parameters())
    clip = config.clip
    return ModelSpec(
        name=f"{config.model.name}-{precision.lower()}",
        title=config.model.title,
        family="SlowFast",
        labels=LABELS,
        clip=Clip(clip.frames, clip.stride, clip.side, clip.fps, clip.resize_side, "motion"),
        alpha=network.alpha,
        precision=precision,
        trained=True,
        features=network.features,
        decision=Decision(threshold=threshold, background_labels=(REJECT,)),
        licence="Apache-2.0",
        origin={"note": "Trained by this project on clips that it rendered itself."},
        params_m=round(parameters / 1e6, 2),
        description=config.model.description,
    )


def package(
    config: Config,
    place: TrainingFolders,
    precisions: Sequence[Precision],
    device: str,
    processes: int,
    report: Callable[[str], None] = lambda message: None,
) -> list[Made]:
    """Make model folders in `place.out` of its checkpoint.

    Args:
        config: Of the training.
        place: Its clips and its checkpoint; of the clips the held-out ones are enough for FP16.
        precisions: One folder each.
        device: What it was trained on, for the record.
        processes: In how many processes.
        report: Takes sentences on what is being done.

    Raises:
        ModelError: The checkpoint does not fit, or OpenVINO's answers are too far from torch's.
    """
    clear_leftovers(place.out)
    trained = _load(place.out / CHECKPOINT, config)
    fitting, reported = held_out(place.clips, config.data, config.clip.side)
    report(f"Fitting temperature and threshold on {len(fitting[0])} rendered clips that were held out.")
    temperature, probabilities = calibrate(trained.network, *fitting)
    chosen = choose_threshold(probabilities, fitting[1], LABELS.index(REJECT), config.decision.false_alarms)
    report("Converting to OpenVINO.")
    model = convert(trained.network, config)
    compared = list(reported[0][:_COMPARED_CLIPS])
    expected = compare.run_torch(trained.network, compared)
    bank = Bank(place.clips, config.data)
    made = []
    record = partial(
        Record,
        device=device,
        processes=processes,
        fitted_on=len(fitting[0]),
        temperature=round(temperature, 2),
        fitted=chosen,
        **_facts(config, trained, bank, made_with(place.clips)),
    )
    for precision in precisions:
        written = model
        if precision == "INT8":
            report(f"Quantising with {_CALIBRATION_CLIPS} of the clips that were trained on.")
            clips = bank.training_clips(_CALIBRATION_CLIPS, config.clip.side)
            written = quantize(model, clips, Recipe(keep_first=True))
        spec = specification(config, precision, chosen.threshold)
        with building_folder(place.out, spec.name) as folder:
            save(written, spec, folder)
            report(f"Measuring {precision} on {len(reported[0])} other held-out clips.")
            parity = _parity(folder / IR_FILE, compared, expected, precision)
            found = compare.run_ir(folder / IR_FILE, list(reported[0]), exact=False).probabilities.astype(np.float64)
            held = records.measure(found, reported[1], LABELS, LABELS.index(REJECT), chosen.threshold)
            own = record(held_out=held, parity=parity)
            records.write(own, trained.curve, spec.title, folder)
            (folder / "CARD.md").write_text(card(spec, own), encoding="utf-8")
            describe(msgspec.structs.replace(spec, accuracy=_accuracy(own), parity=parity), folder)
            swap(folder, place.out / spec.name)
        made.append(Made(place.out / spec.name, precision, own))
    return made


def _facts(config: Config, trained: _Trained, bank: Bank, clips: MadeWith) -> dict[str, Any]:
    """Return the fields of `Record` that state what was trained, and on what."""
    return {
        "config": config.as_dict(),
        "versions": records.versions(),
        "steps": trained.steps,
        "minutes": round(trained.minutes, 1),
        "training_clips": dict(zip(LABELS, map(int, bank.counts(len(LABELS))), strict=True)),
        "threshold_rule": _RULE.format(limit=config.decision.false_alarms),
        "recordings": clips.recordings,
        "surfaces": clips.surfaces,
        "clothes": clips.clothes,
        "panoramas": clips.panoramas,
    }


def _parity(ir: Path, clips: list[U8], expected: compare.RuntimeOutputs, precision: Precision) -> dict[str, Any]:
    exact = compare.difference(expected, compare.run_ir(ir, clips, exact=True))
    if precision == "FP16" and not exact.logit_error <= _LARGEST_ERROR:
        raise ModelError(
            f"OpenVINO's answers differ from torch's by {exact.logit_error:.2g} of the logits' spread, allowed is "
            f"{_LARGEST_ERROR:g}. Please report this, with your processor and the versions of torch and OpenVINO."
        )
    default = compare.difference(expected, compare.run_ir(ir, clips, exact=False))
    computed = {"computes_in": compare.default_precision()}
    return {"ir": exact.as_dict(), "ir_default": default.as_dict() | computed}


def _accuracy(own: Record) -> tuple[Accuracy, ...]:
    note = f"{own.held_out.clips} rendered clips, nothing was fitted on them"
    shares = (("top-1", own.held_out.top1), ("top-3", own.held_out.top3))
    return tuple(
        Accuracy("rendered, held out", metric, round(100 * share.share, 1), origin="measured", note=note)
        for metric, share in shares
    )


def _people(own: Record) -> str:
    """Return, in words, who is to be seen in the clips."""
    if not own.surfaces:
        return "articulated figures"
    return f"articulated figures and MakeHuman bodies{' in its clothes' if own.clothes else ''}"


def card(spec: ModelSpec, own: Record) -> str:
    """Return the model's card, in Markdown; figures on real people are added where they are measured."""
    shape, held, at = spec.clip, own.held_out, own.held_out.operation
    known = ", ".join(label for label in spec.labels if label not in spec.decision.background_labels)
    total = sum(own.training_clips.values())
    captured = sum(own.recordings.values())
    motion = (
        f"in parametric motion or as in {captured} motion-capture recordings" if captured else "in parametric motion"
    )
    paragraphs = [
        f"Recognizes {len(spec.labels) - 1} everyday actions of one person: {known}; everything else is '{REJECT}'.",
        f"**Trained on** {total:,} clips rendered by this project: {_people(own)} {motion}, before "
        f"{'panoramas and ' if own.panoramas else ''}painted backgrounds. No video of real people.",
        f"**Network** {spec.family} of {spec.params_m} million parameters, {shape.frames} pictures over "
        f"{spec.timing.span_s:.1f} s at {shape.side} pixels; the crop follows what moves.",
        f"**Training** {own.steps:,} updates of {own.config['training']['batch']} clips in {own.minutes:.0f} minutes "
        f"on {own.device} ({own.processes} processes). `{records.FOLDER}/{records.RECORD_FILE}` has every number, "
        f"`{records.CURVE_FILE}` beside it the curve; `slowfast-live models train` repeats it.",
        f"**Scores** were divided by a temperature of {own.temperature:g}, and the threshold is "
        f"{spec.decision.threshold:g}, both from {own.fitted_on} rendered clips that were held out. "
        f"{own.threshold_rule}",
        f"**Measured** on {held.clips} other rendered clips: top-1 {held.top1.share:.1%}, top-3 {held.top3.share:.1%}"
        f", calibration error {held.calibration.error:.2f}. At the threshold {at.right:.0%} of the known actions show "
        f"the right label, {at.wrong:.0%} a wrong one; {at.false_alarms:.0%} of the clips of something else "
        "show a label.",
        f"**Licence** {spec.licence}.",
    ]
    wrapped = (textwrap.fill(text, 100, break_long_words=False, break_on_hyphens=False) for text in paragraphs)
    return "\n\n".join([f"# {spec.title} ({spec.precision})", *wrapped]) + "\n"
