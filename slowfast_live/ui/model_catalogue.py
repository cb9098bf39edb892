"""What the model manager lists: networks that can be built, models on disk, and how fast each may be. No widgets."""

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
from slowfast_live.types import Prediction

PRECISIONS = ("FP32", "FP16", "INT8")
_REMEMBERED = 31
"""Of so many predictions of a model the median is taken: the first ones after a switch are slow."""


class Checkpoint(msgspec.Struct, frozen=True):
    """Where a network's published weights are: `url`, and `path` once they are `downloaded`."""

    url: str
    path: str = ""
    downloaded: bool = False


class Buildable(msgspec.Struct, frozen=True):
    """A network that can be built, as `build_models.py --list --json` tells of it.

    Attributes:
        name: Its name on the command line.
        title: What the window calls it.
        family: "SlowFast", "X3D", ...
        frames: Pictures in a clip.
        stride: Pictures of 30 a second from one to the next.
        side: Side of the square picture, in pixels.
        params_m: Parameters in 1e6.
        top1: Published top-1 accuracy on Kinetics-400 in percent.
        top5: Published top-5 accuracy.
        gflops: Multiply-adds of one clip in 1e9; None where none are published.
        licence: SPDX name of the weights' licence.
        checkpoint: Where its weights are.
        default: It is built where no name is given.
    """

    name: str
    title: str
    family: str
    frames: int
    stride: int
    side: int
    params_m: float
    checkpoint: Checkpoint
    top1: float | None = None
    top5: float | None = None
    gflops: float | None = None
    licence: str = ""
    default: bool = False


def parse_listing(data: bytes) -> list[Buildable]:
    """Read what the build program lists.

    Raises:
        ModelError: It is not that list.
    """
    try:
        return msgspec.json.decode(data, type=list[Buildable])
    except msgspec.DecodeError as error:
        text = "The list of models that can be built cannot be read. Reinstall SlowFast Live."
        raise ModelError(text, f"{error}\n{data[:500]!r}") from error


@dataclass(frozen=True, slots=True)
class OnDisk:
    """A model folder.

    Attributes:
        model: The model.
        size_mb: All its files, in 1e6 bytes.
        kept: Why it cannot be deleted; empty where it can.
    """

    model: Model
    size_mb: float
    kept: str = ""


def survey(models: Iterable[Model]) -> list[OnDisk]:
    """Measure model folders and find out which may be deleted; reads the disk."""
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
        return "It came with the app"
    if folder.is_symlink():
        return "Its folder is a link to another place"
    if not (os.access(folder, os.W_OK) and os.access(folder.parent, os.W_OK)):
        return "Its folder cannot be written"
    return ""


def delete(model: Model) -> None:
    """Delete a model folder: it is moved aside first, so that no half of it is ever listed.

    Raises:
        ModelError: It may not be deleted, or cannot.
    """
    folder = model.folder
    if reason := _kept(folder):
        raise ModelError(f"{folder} was not deleted: {reason[0].lower()}{reason[1:]}.")
    aside = folder.with_name(f".deleted-{folder.name}")
    try:
        shutil.rmtree(aside, ignore_errors=True)
        folder.rename(aside)
        shutil.rmtree(aside)
    except OSError as error:
        raise ModelError(f"{folder} cannot be deleted: {error.strerror or error}.", repr(error)) from error


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the manager: a network that can be built, with what is built of it, or a model of one's own.

    Attributes:
        key: Name that tells it from the others.
        title: What it is called.
        buildable: How it can be built; None where it only is on disk.
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
        """Multiply-adds of one clip in 1e9: counted where it is built, else published."""
        counted = next((one.model.spec.gflops for one in self.built if one.model.spec.gflops), None)
        return counted or (self.buildable.gflops if self.buildable else None)

    @property
    def params_m(self) -> float | None:
        """Parameters in 1e6."""
        return self.buildable.params_m if self.buildable else self.built[0].model.spec.params_m

    @property
    def size_mb(self) -> float:
        """All its folders, in 1e6 bytes."""
        return sum(one.size_mb for one in self.built)

    @property
    def badges(self) -> tuple[str, ...]:
        """The precisions built, each once; what only is untrained says so."""
        trained = {one.model.spec.precision for one in self.built if one.model.spec.trained}
        random = {one.model.spec.precision for one in self.built} - trained
        return tuple(
            precision if precision in trained else f"{precision} untrained"
            for precision in PRECISIONS
            if precision in trained | random
        )

    def accuracy(self, metric: str) -> float | None:
        """Return the published "top-1" or "top-5" on Kinetics-400 in percent."""
        if self.buildable is not None:
            return self.buildable.top1 if metric == "top-1" else self.buildable.top5
        published = (
            entry.value
            for entry in self.built[0].model.spec.accuracy
            if (entry.dataset, entry.metric, entry.origin) == ("Kinetics-400", metric, "published")
        )
        return next(published, None)


def merge(buildable: Sequence[Buildable], on_disk: Sequence[OnDisk]) -> list[Row]:
    """Return one row a network, with its folders, then one a model of the user's own."""
    folders: dict[str, list[OnDisk]] = {entry.name: [] for entry in buildable}
    titles = {entry.name: entry.title for entry in buildable}
    for one in on_disk:
        stem = stem_of(one.model)
        name = stem.removesuffix("-untrained")
        # A model of the user's own that took a network's name has a title of its own, and a row of its own.
        own = stem if name not in titles or own_weights(one.model) else name
        own = f"{own} (own)" if own in titles and own != name else own
        folders.setdefault(own, []).append(one)
        titles.setdefault(own, one.model.spec.title)
    entries = {entry.name: entry for entry in buildable}
    return [Row(key, titles[key], entries.get(key), tuple(sorted(built, key=_order))) for key, built in folders.items()]


def own_weights(model: Model) -> bool:
    """Return whether it was built from weights of the user's own."""
    return "own weights" in model.spec.title


def stem_of(model: Model) -> str:
    """Return a folder's name without its precision: what its precisions have in common."""
    stem, dash, last = model.name.rpartition("-")
    return stem if dash and last.upper() in PRECISIONS else model.name


def _order(one: OnDisk) -> tuple[bool, int, str]:
    return not one.model.spec.trained, PRECISIONS.index(one.model.spec.precision), one.model.name


@dataclass(frozen=True, slots=True)
class Speed:
    """How long one clip takes.

    Attributes:
        infer_ms: Milliseconds.
        measured: Measured in this session; else estimated.
        origin: Where the figure comes from.
        alike: The estimate comes from a model of the same family.
    """

    infer_ms: float
    measured: bool
    origin: str
    alike: bool = True

    @property
    def text(self) -> str:
        """Say "82 ms measured", "about 45 ms", or "about 45 ms?" from another family."""
        shown = f"{self.infer_ms:.0f} ms" if self.infer_ms >= 9.95 else f"{self.infer_ms:.1f} ms"
        return f"{shown} measured" if self.measured else f"about {shown}{'' if self.alike else '?'}"


@dataclass
class Speeds:
    """What was measured in this session, and what follows from it for the other models."""

    _times_ms: dict[tuple[str, str], deque[float]] = field(default_factory=dict)
    _latest: tuple[str, str] | None = None
    _seen: Prediction | None = None

    def add(self, prediction: Prediction) -> None:
        """Take over the time of one prediction; the same one twice counts once."""
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
        """Name and device of the model measured last."""
        return self._latest

    def measured(self, name: str) -> float | None:
        """Return the median milliseconds of a model on the device of now; None where it did not run on it."""
        if self._latest is None:
            return None
        times = self._times_ms.get((name, self._latest[1]))
        return median(times) if times else None

    def of(self, row: Row, rows: Iterable[Row]) -> Speed | None:
        """Return a row's speed: the fastest measured of its folders, else an estimate from its Flops.

        The estimate takes time to grow with the multiply-adds, from the model of the same family that was measured
        last; without one, from any. Networks of another family use a processor better or worse by far.

        Returns:
            None where nothing was measured, or the Flops are not known.
        """
        if self._latest is None:
            return None
        device = self._latest[1]
        times = [(ms, one) for one in row.built if (ms := self.measured(one.model.name)) is not None]
        if times:
            infer_ms, one = min(times, key=lambda pair: pair[0])
            origin = f"Measured here on {device}, {one.model.spec.precision}, median of the latest predictions."
            return Speed(infer_ms, True, origin)
        known = {one.model.name: one.model.spec for each in rows for one in each.built if one.model.spec.gflops}
        recent = [key for key in reversed(self._times_ms) if key[1] == device and key[0] in known]
        if not recent or not row.gflops:
            return None
        # One of the same family uses the processor alike.
        base = next((key for key in recent if known[key[0]].family == row.family), recent[0])
        base_ms, spec = median(self._times_ms[base]), known[base[0]]
        assert spec.gflops is not None
        origin = (
            f"Estimated from GFLOPs: {spec.title} in {spec.precision} takes {base_ms:.0f} ms for "
            f"{spec.gflops:.3g} GFLOPs on {device}. "
        )
        alike = spec.family == row.family
        origin += "Run it to know." if alike else "That is another family: it may be off several times. Run it to know."
        return Speed(base_ms * row.gflops / spec.gflops, False, origin, alike)
