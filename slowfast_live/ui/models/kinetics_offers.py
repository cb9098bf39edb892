"""Which of the networks for 400 actions suits this machine: an estimate, before anything is downloaded. No widgets."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from slowfast_live.inference.spec import Model
from slowfast_live.ui.models.model_catalogue import Buildable, stem_of
from slowfast_live.ui.style.language import tr

BUNDLED = "slowfast_demo-int8"
TIMES_AS_LONG = {"x3d_s": 358 / 42.4, "x3d_m": 358 / 18.8, "slowfast_r50": 358 / 5.44}
"""How many times as long as of the bundled model an inference takes, in INT8: measured side by side on one machine with
`slowfast-live bench --compare` (docs/measurements.md, column benchmark_app). Another machine's caches may change it by
half; what was set up is measured anyway."""
LIVE_PER_S = 4.0
"""Predictions a second from which labels feel live; the same as `tools.bench.recommending.ENOUGH_PER_S`."""
_BYTES_PER_PARAMETER = 8
"""The published files hold each parameter and the state of its optimizer, four bytes each."""
_SLOWEST_PER_S = 0.5
_LONGEST_MINUTES = 60
"""An estimate of more says nothing: the machine was busy with something else when it was measured."""
_BUILD_MINUTES, _BUILD_INFERENCES = 1.0, 900.0
"""A build takes about a minute, and as long as so many INT8 inferences: it runs the network in several forms."""


@dataclass(frozen=True, slots=True)
class KineticsOffer:
    """One of the networks that are offered.

    Attributes:
        name: Its name in the catalog.
        title: Its title.
        top1: Published top-1 accuracy on Kinetics-400 in percent.
        download_mb: Size of its published weights, about, in 1e6 bytes; 0 if they are on disk.
        per_s: Predictions a second on this machine, estimated; None if nothing was measured here.
        minutes: Minutes that converting and checking take, estimated; None likewise.
        built: Name of the model if it is built; "" if not.
    """

    name: str
    title: str
    top1: float
    download_mb: float
    per_s: float | None = None
    minutes: int | None = None
    built: str = ""

    @property
    def text(self) -> str:
        """What the dialog says of it."""
        parts = [tr("{top1} % right at first guess on Kinetics-400", top1=f"{self.top1:.1f}")]
        if self.per_s is not None:
            parts.append(_rate_text(self.per_s))
        if self.built:
            parts.append(tr("set up"))
        else:
            parts.append(
                tr("about {download_mb} MB to download", download_mb=f"{self.download_mb:.0f}")
                if self.download_mb
                else tr("already downloaded")
            )
            if self.minutes is not None and self.minutes <= _LONGEST_MINUTES:
                parts.append(tr("then about {minutes} min", minutes=self.minutes))
        return " · ".join(parts)


def _rate_text(per_s: float) -> str:
    if per_s < _SLOWEST_PER_S:
        return tr("about one prediction in {value} seconds here", value=f"{1 / per_s:.0f}")
    return (
        tr("about {per_s} predictions a second here", per_s=f"{per_s:.0f}")
        if per_s >= 9.95
        else (tr("about {per_s} predictions a second here", per_s=f"{per_s:.1f}"))
    )


def make_offers(
    buildable: Sequence[Buildable], models: Sequence[Model], bundled_ms: float | None
) -> tuple[KineticsOffer, ...]:
    """Return what is offered, fastest first.

    Args:
        buildable: What can be built.
        models: The models at hand.
        bundled_ms: Measured time of an inference of the bundled model here, in milliseconds; None if it did not run.
    """
    offers = []
    for entry in buildable:
        ratio = TIMES_AS_LONG.get(entry.name)
        if ratio is None:
            continue
        infer_ms = bundled_ms * ratio if bundled_ms else None
        offers.append(
            KineticsOffer(
                entry.name,
                entry.title,
                entry.top1 or 0.0,
                0.0 if entry.checkpoint.downloaded else (entry.params_m or 0.0) * _BYTES_PER_PARAMETER,
                1000 / infer_ms if infer_ms else None,
                math.ceil(_BUILD_MINUTES + infer_ms * _BUILD_INFERENCES / 60_000) if infer_ms else None,
                built_of(entry.name, models),
            )
        )
    return tuple(sorted(offers, key=lambda offer: TIMES_AS_LONG[offer.name]))


def built_of(name: str, models: Sequence[Model]) -> str:
    """Return the name of a network's trained model, INT8 before others; "" if it is not built."""
    built = [model.name for model in models if model.spec.trained and stem_of(model) == name]
    return next((one for one in built if one.endswith("-int8")), built[0] if built else "")


def recommended(offers: Sequence[KineticsOffer]) -> KineticsOffer | None:
    """Return the most accurate network that keeps up here; the fastest if none does, or if nothing was measured."""
    if not offers:
        return None
    quick = [offer for offer in offers if offer.per_s is not None and offer.per_s >= LIVE_PER_S]
    return max(quick, key=lambda offer: offer.top1) if quick else offers[0]
