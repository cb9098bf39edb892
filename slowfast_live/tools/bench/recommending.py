"""Recommends a model, precision and device for this machine by measuring them and applying a simple rule."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from slowfast_live.errors import SlowFastLiveError
from slowfast_live.inference.openvino_backend import OpenVinoBackend
from slowfast_live.inference.spec import Accuracy, Model, ModelSpec
from slowfast_live.tools.bench.contenders import network_of
from slowfast_live.tools.bench.protocol import repeat
from slowfast_live.tools.bench.results import Candidate, Recommendation

ENOUGH_PER_S = 4.0
"""A label at most a quarter of a second old feels live; beyond this rate, accuracy is worth more than speed."""
FAITHFUL = 0.95
"""A precision that agrees with the original on fewer clips than this is chosen only if nothing else keeps up."""


def measure(
    models: Sequence[Model], devices: Sequence[str], seconds: float, on_progress: Callable[[str, float], None]
) -> tuple[Candidate, ...]:
    """Measure one inference of each model on each device; combinations that do not run are listed with the reason.

    Args:
        models: The models; only trained ones are measured, because others are useless, and of those only the ones that
            classify clips: what the others need depends on how many people there are.
        devices: OpenVINO device names.
        seconds: Duration of each measurement.
        on_progress: Receives the progress.
    """
    pairs = [(model, device) for model in models if model.spec.trained and not model.spec.detects for device in devices]
    found = []
    for number, (model, device) in enumerate(pairs):
        on_progress(f"{model.spec.display_name} on {device}", number / len(pairs))
        found.append(_measure_one(model, device, seconds))
    return tuple(found)


def _measure_one(model: Model, device: str, seconds: float) -> Candidate:
    spec = model.spec
    stated = top1_of(spec)
    known = Candidate(
        model=model.name,
        title=spec.display_name,
        device=device,
        classes=len(spec.actions),
        top1=stated.value if stated else None,
        accuracy=f"{stated.value:g} % right at first guess on {stated.clips}" if stated else "",
        faithful=faithfulness(spec),
    )
    try:
        compiled = OpenVinoBackend().compile(model, device)
    except SlowFastLiveError as error:
        return _with(known, failure=error.message)
    try:
        reading = repeat(compiled.infer, seconds)
        return _with(
            known,
            execution_precision=compiled.execution_precision,
            clip_ms=reading.clip_ms,
            per_s=1000 / reading.clip_ms,
        )
    finally:
        compiled.close()


def _with(candidate: Candidate, **changes: object) -> Candidate:
    return msgspec.structs.replace(candidate, **changes)


def top1_of(spec: ModelSpec) -> Accuracy | None:
    """Return the top-1 accuracy that a description states; the published one if there are several."""
    stated = [figure for figure in spec.accuracy if figure.first_guess]
    return min(stated, key=lambda figure: figure.origin != "published", default=None)


def faithfulness(spec: ModelSpec) -> float:
    """Return the share of clips on which this precision agrees with the original network; 1 if it was not measured."""
    measured = spec.parity.get("ir_default") or spec.parity.get("ir") or {}
    value = measured.get("top1_agreement", 1.0) if isinstance(measured, dict) else 1.0
    return float(value)


def recommend(candidates: Sequence[Candidate]) -> Recommendation | None:
    """Choose among the networks that keep up the one with the most classes and best accuracy, in its fastest form.

    A network keeps up with at least `ENOUGH_PER_S` predictions per second. If none does, the fastest is chosen. Returns
    None if nothing runs.
    """
    running = [c for c in candidates if c.trained and c.clip_ms and c.per_s]
    if not running:
        return None
    quick = [c for c in running if (c.per_s or 0) >= ENOUGH_PER_S]
    faithful = [c for c in quick if c.faithful >= FAITHFUL]
    if not quick:
        best = min(running, key=_clip_ms)
        return _recommended(best, f"It is the fastest one here; none reaches {ENOUGH_PER_S:g} predictions a second.")
    pool = faithful or quick
    network = network_of(max(pool, key=lambda c: (c.classes, c.top1 or 0.0, -_clip_ms(c))).model)
    best = min((c for c in pool if network_of(c.model) == network), key=_clip_ms)
    accuracy = f"{best.accuracy}, " if best.accuracy else ""
    known = "1 action" if best.classes == 1 else f"{best.classes} actions"
    reason = f"{known}, {accuracy}{best.per_s:.1f} predictions a second at {best.clip_ms:.0f} ms a clip."
    return _recommended(best, reason)


def _clip_ms(candidate: Candidate) -> float:
    return candidate.clip_ms or float("inf")


def _recommended(candidate: Candidate, reason: str) -> Recommendation:
    return Recommendation(candidate.model, candidate.title, candidate.device, reason)
