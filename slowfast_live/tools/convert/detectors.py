"""Builds person detectors: published files, or a file of the user's, become a detector folder. No torch here.

YOLOX: https://github.com/Megvii-BaseDetection/YOLOX (demo/ONNXRuntime). Open Model Zoo:
https://github.com/openvinotoolkit/open_model_zoo (models/intel/person-detection-*).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import numpy as np
import openvino as ov
from openvino.preprocess import ColorFormat, PrePostProcessor

from slowfast_live.errors import ModelError, SlowFastLiveError, UsageError
from slowfast_live.inference.model_folders import building_folder, clear_leftovers, swap
from slowfast_live.inference.spec import RECIPE
from slowfast_live.people.detector import NetworkDetector
from slowfast_live.people.formats import DetectorFormat, recognized_format
from slowfast_live.people.spec import (
    DETECTOR_FILE,
    DETECTOR_IR,
    DetectorModel,
    DetectorSpec,
    encode_detector,
    load_detector,
)
from slowfast_live.tools.convert.cache import sha256_of
from slowfast_live.tools.convert.detector_catalogue import DETECTORS, NAMES, DetectorEntry, folder_name
from slowfast_live.tools.convert.download import DownloadError, Patience, fetch
from slowfast_live.tools.convert.progress import BuildReporter

RECIPE_VERSION = 1
SUFFIXES = (".onnx", ".xml", ".tflite")
_PERSON_OF = {24: 4, 91: 1}
"""Index of the class "person" by the number of classes of an SSD with anchors: Open Images v4 (24), COCO (91)."""


_THRESHOLDS = {
    DetectorFormat.YOLOX: (0.45, 0.15),
    DetectorFormat.SSD: (0.6, 0.3),
    DetectorFormat.BOXES: (0.5, 0.2),
    DetectorFormat.ANCHORS: (0.35, 0.25),
}
"""(found, kept) of files that are given by the user."""


@dataclass(frozen=True, slots=True)
class DetectorRequest:
    """A detector to build.

    Attributes:
        name: Its name on the command line, a key of `NAMES`.
        output: Folder in which the detector's folder is created.
        checkpoint: A file of the user's in place of the published one: ONNX, OpenVINO IR (.xml) or TFLite.
        own_name: Name of the folder; "" for the default.
        cache: Folder of downloads; None for the user's cache.
        patience: When to give up a download.
        entries: The published detectors.
    """

    name: str
    output: Path
    checkpoint: Path | None = None
    own_name: str = ""
    cache: Path | None = None
    patience: Patience | None = None
    entries: dict[str, DetectorEntry] = field(default_factory=lambda: DETECTORS)

    @property
    def entry(self) -> DetectorEntry:
        """The published detector of that name."""
        return self.entries[NAMES.get(self.name, self.name)]

    @property
    def folder(self) -> Path:
        """Where the detector goes."""
        stem = self.entry.name if self.checkpoint is None else _plain(self.checkpoint.stem)
        return self.output / (self.own_name or folder_name(stem))


def build_detector(request: DetectorRequest, reporter: BuildReporter) -> Path:
    """Build a detector and return its folder; what is up to date is not built again.

    Raises:
        SlowFastLiveError: The file cannot be downloaded or read, or is no detector of a known form.
    """
    name = request.name
    request.output.mkdir(parents=True, exist_ok=True)
    clear_leftovers(request.output)
    target = request.folder
    _check_target(target)
    source, origin = _source(request, reporter)
    origin[RECIPE] = _recipe(origin)
    if _recipe_of(target) == origin[RECIPE]:
        reporter.report("skip", model=name, fraction=1.0, message=f"{target} is up to date.")
        return target
    reporter.report("convert", model=name, fraction=0.6, message=f"Converting {source.name}.")
    own = request.checkpoint is not None
    with building_folder(request.output, target.name) as temporary:
        new = temporary / target.name
        new.mkdir()
        network = read_network(source)
        spec = converted(network, source, new, name=target.name, origin=origin)
        spec = (
            _named(spec, request.checkpoint.stem, "") if own and request.checkpoint else _published(spec, request.entry)
        )
        (new / DETECTOR_FILE).write_bytes(encode_detector(spec))
        _try(new, spec)
        swap(new, target)
    reporter.report("done", model=name, fraction=1.0, message=f"{target} is ready.")
    return target


def read_network(path: Path) -> ov.Model:
    """Read a detector's network from ONNX, IR or TFLite.

    Raises:
        ModelError: The file is missing, of another kind, or damaged.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise ModelError(f"{path} is no detector: a file that ends in {', '.join(SUFFIXES)} is expected.")
    if not path.is_file():
        raise ModelError(f"There is no file {path}.")
    if path.suffix.lower() == ".xml" and not path.with_suffix(".bin").is_file():
        raise ModelError(f"{path.with_suffix('.bin').name}, the weights of {path}, is missing beside it.")
    try:
        return ov.Core().read_model(path)
    except RuntimeError as error:
        raise ModelError(f"{path} cannot be read as a network.", details=str(error)) from error


def converted(network: ov.Model, source: Path, folder: Path, *, name: str, origin: dict[str, str]) -> DetectorSpec:
    """Write the IR with preprocessing inside into `folder`, and return its description.

    Raises:
        ModelError: The network is no detector of a known form.
    """
    height, width, channels_first = _input_size(network, source)
    outputs = {
        (next((n for n in output.names if n in ("boxes", "labels")), f"output{index}")): [
            d.get_length() if d.is_static else -1 for d in output.partial_shape
        ]
        for index, output in enumerate(network.outputs)
    }
    try:
        form = recognized_format(outputs, height, width)
    except ModelError as error:
        raise ModelError(f"{source} is not a person detector that can be used: {error.message}.") from error
    person = _person(form, outputs, source)
    steps = PrePostProcessor(network)
    picture = steps.input()
    picture.tensor().set_element_type(ov.Type.u8).set_layout(ov.Layout("NHWC"))
    picture.tensor().set_color_format(ColorFormat.BGR)
    picture.model().set_layout(ov.Layout("NCHW" if channels_first else "NHWC"))
    picture.preprocess().convert_element_type(ov.Type.f32)
    if form is DetectorFormat.ANCHORS:  # RGB, -1..1
        picture.preprocess().convert_color(ColorFormat.RGB).mean(127.5).scale(127.5)
    for index in range(len(network.outputs)):
        steps.output(index).tensor().set_element_type(ov.Type.f32)
    try:
        ov.save_model(steps.build(), folder / DETECTOR_IR)
    except (RuntimeError, OSError) as error:
        raise ModelError(f"{source} cannot be converted.", details=str(error)) from error
    found, kept = _THRESHOLDS[form]
    return DetectorSpec(
        name=name,
        title=name,
        format=form.value,
        height=height,
        width=width,
        letterbox=form is DetectorFormat.YOLOX,
        person=person,
        found=found,
        kept=kept,
        origin=origin,
    )


def _input_size(network: ov.Model, source: Path) -> tuple[int, int, bool]:
    shape = network.inputs[0].partial_shape if len(network.inputs) == 1 else None
    if shape is None or shape.rank.is_dynamic or len(shape) != 4:
        raise ModelError(f"{source} is not a person detector: one input with a picture is expected.")
    sides = [d.get_length() if d.is_static else -1 for d in shape]
    first = sides[1] == 3
    height, width = sides[2:] if first else sides[1:3]
    if (not first and sides[3] != 3) or min(height, width) < 16:
        raise ModelError(
            f"{source} takes {tuple(sides)}; a picture (1, 3, height, width) or (1, height, width, 3) of fixed size is "
            "expected."
        )
    network.reshape([1, *sides[1:]])
    return height, width, first


def _person(form: DetectorFormat, outputs: dict[str, list[int]], source: Path) -> int | None:
    if form is DetectorFormat.YOLOX:
        return 0  # COCO's first class, or the only one
    if form is not DetectorFormat.ANCHORS:
        return None  # these networks know people only
    classes = max(shape[-1] for shape in outputs.values())
    if classes not in _PERSON_OF:
        known = " or ".join(map(str, _PERSON_OF))
        raise ModelError(f"{source} has {classes} classes, of which one cannot know the person; {known} are expected.")
    return _PERSON_OF[classes]


def _source(request: DetectorRequest, reporter: BuildReporter) -> tuple[Path, dict[str, str]]:
    """Return the file to convert, and where it comes from."""
    if request.checkpoint is not None:
        path = request.checkpoint
        if not path.is_file():
            raise UsageError(f"There is no file {path}, given with --checkpoint.")
        return path, {"file": path.name, "sha256": _digest([path, path.with_suffix(".bin")])}
    entry = request.entry
    paths, digests = [], []
    for published in entry.files:
        name = published.url.rsplit("/", 1)[-1]
        reporter.report("download", model=request.name, message=f"Downloading {name}.")
        path, digest = fetch(
            published.url,
            cache=request.cache,
            sha256_prefix=published.sha256,
            progress=lambda there, total: reporter.bytes_received(request.name, there, total),
            patience=request.patience,
        )
        if published.size and path.stat().st_size != published.size:
            size = path.stat().st_size
            path.unlink()
            path.with_name(path.name + ".sha256").unlink(missing_ok=True)
            raise DownloadError(
                f"What came from {published.url} is not the published file: it has {size} bytes, expected "
                f"{published.size}. It was deleted; try again, or fetch it by other means and give it with "
                "--checkpoint FILE."
            )
        paths.append(path)
        digests.append(digest)
    return paths[0], {"url": entry.files[0].url, "sha256": " ".join(digests)}


def _digest(paths: Sequence[Path]) -> str:
    return " ".join(sha256_of(path) for path in paths if path.is_file())


def _recipe(origin: dict[str, str]) -> str:
    facts = {"version": RECIPE_VERSION, "openvino": ov.get_version().split("-")[0], "weights": origin["sha256"]}
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]


def _recipe_of(folder: Path) -> str | None:
    try:
        return load_detector(folder).origin.get(RECIPE)
    except ModelError:
        return None


def _check_target(target: Path) -> None:
    """Raise an error if the folder holds something that this program did not make."""
    if target.is_dir() and any(target.iterdir()) and _recipe_of(target) is None:
        raise UsageError(
            f"{target} exists and was not built by this program. It is left as it is: give another --output or --name."
        )


def _published(spec: DetectorSpec, entry: DetectorEntry) -> DetectorSpec:
    return _replaced(spec, title=entry.title, found=entry.found, kept=entry.kept, licence=entry.licence)


def _named(spec: DetectorSpec, title: str, licence: str) -> DetectorSpec:
    return _replaced(spec, title="".join(c for c in title if c.isprintable()) or spec.name, licence=licence)


def _replaced(spec: DetectorSpec, **changes: object) -> DetectorSpec:
    return msgspec.structs.replace(spec, **changes)


def _plain(stem: str) -> str:
    return "".join(c if (c.isalnum() and c.isascii()) or c in "._-" else "_" for c in stem)[:60] or "own"


def _try(folder: Path, spec: DetectorSpec) -> None:
    """Run the detector once on a gray picture.

    Raises:
        ModelError: It does not run, or gives what cannot be used.
    """
    try:
        NetworkDetector(DetectorModel(folder, spec), cache_dir=folder / ".try").detect(
            np.full((120, 160, 3), 127, np.uint8), 0.0
        )
    except SlowFastLiveError as error:
        raise ModelError(f"{spec.title} was converted but does not work: {error.message}", error.details) from error
    finally:
        for path in (folder / ".try").glob("*"):
            path.unlink()
        if (folder / ".try").is_dir():
            (folder / ".try").rmdir()
