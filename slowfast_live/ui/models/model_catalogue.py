"""Content of the model manager: networks that can be built, models on disk, and their speeds. No widgets."""

from __future__ import annotations

import os
import shutil
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import msgspec

from slowfast_live.errors import ModelError
from slowfast_live.inference.spec import Model, came_with_app
from slowfast_live.messages import system_reason
from slowfast_live.types import Prediction
from slowfast_live.ui.style.language import tr

PRECISIONS = ("FP32", "FP16", "INT8")
_REMEMBERED = 31
"""Number of predictions whose median is taken, because the first ones after a switch are slow."""


class Checkpoint(msgspec.Struct, frozen=True):
    """Location of a network's published weights.

    Attributes:
        url: Where they are published.
        path: Where they are once they are `downloaded`.
        downloaded: Whether they were.
        folder: Whether they are several files; `path` is their folder.
    """

    url: str
    path: str = ""
    downloaded: bool = False
    folder: bool = False


class Buildable(msgspec.Struct, frozen=True):
    """A network that can be built, as `slowfast-live models list --available --json` describes it.

    Attributes:
        name: Its name on the command line.
        title: What the window calls it.
        family: "SlowFast", "X3D", ...
        frames: Frames per clip.
        stride: Step between frames, in frames of a video at 30 per second.
        side: Side of the square input, in pixels.
        params_m: Parameters in 1e6; None where none are published.
        top1: Published top-1 accuracy on `dataset` in percent.
        top5: Published top-5 accuracy.
        mean_ap: Published mean average precision in percent, of networks that give several answers at once.
        dataset: What it was trained on.
        actions: Number of its labels.
        people: Whether it scores what each person does.
        gflops: Multiply-adds per clip in 1e9; None if not published.
        licence: SPDX name of the weights' licence.
        checkpoint: Location of its weights.
        default: Whether it is built if no name is given.
    """

    name: str
    title: str
    family: str
    frames: int
    stride: int
    side: int
    params_m: float | None
    checkpoint: Checkpoint
    top1: float | None = None
    top5: float | None = None
    mean_ap: float | None = None
    dataset: str = "Kinetics-400"
    actions: int = 400
    people: bool = False
    gflops: float | None = None
    licence: str = ""
    default: bool = False


def parse_listing(data: bytes) -> list[Buildable]:
    """Parse the list written by the build program.

    Raises:
        ModelError: The data is not such a list.
    """
    try:
        return msgspec.json.decode(data, type=list[Buildable])
    except msgspec.DecodeError as error:
        text = tr("The list of models that can be built cannot be read. Reinstall SlowFast Live.")
        raise ModelError(text, f"{error}\n{data[:500]!r}") from error


@dataclass(frozen=True, slots=True)
class OnDisk:
    """A model folder.

    Attributes:
        model: The model.
        size_mb: Size of all its files, in 1e6 bytes.
        kept: Why it cannot be deleted; "" if it can.
    """

    model: Model
    size_mb: float
    kept: str = ""


def survey(models: Iterable[Model]) -> list[OnDisk]:
    """Determine the sizes of model folders and whether they may be deleted; reads the disk."""
    found = []
    for model in models:
        try:
            size = sum(file.stat().st_size for file in model.folder.iterdir() if file.is_file())
        except OSError:
            size = 0
        found.append(OnDisk(model, size / 1e6, _kept(model.folder)))
    return found


def _kept(folder: Path) -> str:
    if came_with_app(folder):
        return tr("It is part of the app")
    if folder.is_symlink():
        return tr("Its folder is a link to another location")
    if not (os.access(folder, os.W_OK) and os.access(folder.parent, os.W_OK)):
        return tr("Its folder is not writable")
    return ""


def delete(model: Model) -> None:
    """Delete a model folder; it is renamed first, so that an incomplete folder is never listed.

    Raises:
        ModelError: It may not or cannot be deleted.
    """
    folder = model.folder
    if reason := _kept(folder):
        raise ModelError(
            tr("{folder} was not deleted: {reason}.", folder=folder, reason=reason[0].lower() + reason[1:])
        )
    aside = folder.with_name(f".deleted-{folder.name}")
    try:
        shutil.rmtree(aside, ignore_errors=True)
        folder.rename(aside)
        shutil.rmtree(aside)
    except OSError as error:
        raise ModelError(
            tr("{folder} cannot be deleted: {reason}.", folder=folder, reason=system_reason(error)), repr(error)
        ) from error


@dataclass(frozen=True, slots=True)
class CatalogueRow:
    """One row of the manager: a network that can be built, with its model folders, or one of the user's own models.

    Attributes:
        key: Unique name.
        title: Display name.
        buildable: Description for building it; None if it only exists on disk.
        built: The folders, FP32 before FP16 before INT8, untrained ones last.
    """

    key: str
    title: str
    buildable: Buildable | None = None
    built: tuple[OnDisk, ...] = ()

    @property
    def family(self) -> str:
        """Its family."""
        return self.buildable.family if self.buildable else self.built[0].model.spec.family

    @property
    def gflops(self) -> float | None:
        """Multiply-adds per clip in 1e9: counted if it is built, otherwise as published."""
        counted = next((one.model.spec.gflops for one in self.built if one.model.spec.gflops), None)
        return counted or (self.buildable.gflops if self.buildable else None)

    @property
    def params_m(self) -> float | None:
        """Parameters in 1e6."""
        return self.buildable.params_m if self.buildable else self.built[0].model.spec.params_m

    @property
    def size_mb(self) -> float:
        """Size of all its folders, in 1e6 bytes."""
        return sum(one.size_mb for one in self.built)

    @property
    def badges(self) -> tuple[str, ...]:
        """The precisions that are built, without duplicates; marked if only untrained."""
        trained = {one.model.spec.precision for one in self.built if one.model.spec.trained}
        random = {one.model.spec.precision for one in self.built} - trained
        return tuple(
            precision if precision in trained else tr("{precision} untrained", precision=precision)
            for precision in PRECISIONS
            if precision in trained | random
        )

    @property
    def actions(self) -> int:
        """Number of actions that it knows."""
        if self.buildable is not None:
            return self.buildable.actions
        return len(self.built[0].model.spec.actions)

    def accuracy(self, metric: str) -> float | None:
        """Return the published "top-1", "top-5" or "mAP" in percent, on what it was trained on."""
        if (network := self.buildable) is not None:
            return {"top-1": network.top1, "top-5": network.top5, "mAP": network.mean_ap}[metric]
        published = (
            entry.value
            for entry in self.built[0].model.spec.accuracy
            if (entry.metric, entry.origin) == (metric, "published")
        )
        return next(published, None)


def merge(buildable: Sequence[Buildable], on_disk: Sequence[OnDisk]) -> list[CatalogueRow]:
    """Return one row per network, with its folders, then one per model of the user's own."""
    folders: dict[str, list[OnDisk]] = {entry.name: [] for entry in buildable}
    titles = {entry.name: entry.title for entry in buildable}
    for one in on_disk:
        stem = stem_of(one.model)
        name = stem.removesuffix("-untrained")
        # A model of the user's own that took a network's name has a title of its own, and a row of its own.
        own = stem if name not in titles or own_weights(one.model) else name
        own = tr("{own} (own)", own=own) if own in titles and own != name else own
        folders.setdefault(own, []).append(one)
        titles.setdefault(own, one.model.spec.title)
    entries = {entry.name: entry for entry in buildable}
    return [
        CatalogueRow(key, titles[key], entries.get(key), tuple(sorted(built, key=_order)))
        for key, built in folders.items()
    ]


def own_weights(model: Model) -> bool:
    """Return whether a model was built from the user's own weights."""
    return "own weights" in model.spec.title


def stem_of(model: Model) -> str:
    """Return a folder's name without its precision."""
    stem, dash, last = model.name.rpartition("-")
    return stem if dash and last.upper() in PRECISIONS else model.name


def _order(one: OnDisk) -> tuple[bool, int, str]:
    return not one.model.spec.trained, PRECISIONS.index(one.model.spec.precision), one.model.name


@dataclass(frozen=True, slots=True)
class Speed:
    """Inference time of one clip.

    Attributes:
        infer_ms: Time in milliseconds.
        measured: Whether it was measured in this session, not estimated.
        origin: Explanation of the figure.
        alike: Whether the estimate is based on a model of the same family.
    """

    infer_ms: float
    measured: bool
    origin: str
    alike: bool = True

    @property
    def text(self) -> str:
        """The speed as text: "82 ms measured", "about 45 ms", or "about 45 ms?" if based on another family."""
        return tr("{shown} measured", shown=self.figure) if self.measured else self.figure

    @property
    def figure(self) -> str:
        """The speed without where it comes from: "82 ms", "about 45 ms"."""
        shown = f"{self.infer_ms:.0f} ms" if self.infer_ms >= 9.95 else f"{self.infer_ms:.1f} ms"
        return shown if self.measured else tr("about {shown}{value}", shown=shown, value="" if self.alike else "?")


@dataclass
class Speeds:
    """Speeds measured in this session, and estimates for other models."""

    _times_ms: dict[tuple[str, str], deque[float]] = field(default_factory=dict)
    _latest: tuple[str, str] | None = None
    _seen: Prediction | None = None

    def add(self, prediction: Prediction) -> None:
        """Record the time of a prediction; the same prediction is only counted once."""
        if prediction is self._seen:
            return
        self._seen = prediction
        key = (prediction.model, prediction.device)
        if key != self._latest:  # the dict's order is the order of use
            self._times_ms[key] = self._times_ms.pop(key, deque(maxlen=_REMEMBERED))
            self._latest = key
        self._times_ms[key].append(prediction.infer_ms)

    @property
    def latest(self) -> tuple[str, str] | None:
        """Name and device of the model that was measured last."""
        return self._latest

    def measured(self, name: str) -> float | None:
        """Return the median time of a model on the current device, in milliseconds; None if it has not run there."""
        if self._latest is None:
            return None
        times = self._times_ms.get((name, self._latest[1]))
        return median(times) if times else None

    def fastest(self, name: str) -> float | None:
        """Return the shortest of a model's latest times in milliseconds, on any device; None if it did not run.

        Unlike the median it hardly depends on what else the machine is doing.
        """
        times = [min(times) for (model, _device), times in self._times_ms.items() if model == name and times]
        return min(times, default=None)

    def of(self, row: CatalogueRow, rows: Iterable[CatalogueRow]) -> Speed | None:
        """Return a row's speed: the fastest measured one of its folders, otherwise an estimate from its GFLOPs.

        The estimate assumes that time is proportional to the multiply-adds. It is based on the model of the same family
        that was measured last, or else on any model; other families may use the processor much better or worse.

        Returns:
            None if nothing was measured, or if the GFLOPs are unknown.
        """
        if self._latest is None:
            return None
        device = self._latest[1]
        times = [(ms, one) for one in row.built if (ms := self.measured(one.model.name)) is not None]
        if times:
            infer_ms, one = min(times, key=lambda pair: pair[0])
            origin = tr(
                "Measured here on {device}, {precision}, median of the latest predictions.",
                device=device,
                precision=one.model.spec.precision,
            )
            return Speed(infer_ms, True, origin)
        known = {one.model.name: one.model.spec for each in rows for one in each.built if one.model.spec.gflops}
        recent = [key for key in reversed(self._times_ms) if key[1] == device and key[0] in known]
        if not recent or not row.gflops:
            return None
        # One of the same family uses the processor alike.
        base = next((key for key in recent if known[key[0]].family == row.family), recent[0])
        base_ms, spec = median(self._times_ms[base]), known[base[0]]
        assert spec.gflops is not None
        origin = tr(
            "Estimated from GFLOPs: {title} in {precision} takes {base_ms} ms for {gflops} GFLOPs on {device}. ",
            title=spec.title,
            precision=spec.precision,
            base_ms=f"{base_ms:.0f}",
            gflops=f"{spec.gflops:.3g}",
            device=device,
        )
        alike = spec.family == row.family
        if not alike:
            origin += tr("That is another family, so the estimate may be off by several times. ")
        origin += tr("Run it to find out.")
        return Speed(base_ms * row.gflops / spec.gflops, False, origin, alike)
