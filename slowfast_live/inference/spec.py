"""`model.json`: what a model folder says of itself, and where models are found. No OpenVINO here.

A model folder `NAME/` holds `model.xml`, `model.bin` (OpenVINO IR) and `model.json`. The IR takes one uint8
clip (1, T, S, S, 3), RGB, and holds normalisation, layout and the split into pathways; it returns
`probabilities` (1, K) and, where the description says so, `features` (1, F), the pooled features before the
classifier. The same description, less parity and accuracy, stands in the IR's `rt_info` under
`slowfast_live`, as JSON.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from slowfast_live import paths
from slowfast_live.core.framing import CentreCrop, FollowMotion, Framing
from slowfast_live.core.sampling import ClipTiming
from slowfast_live.errors import ModelError
from slowfast_live.letters import controls, visible

IR_FILE, WEIGHTS_FILE, SPEC_FILE = "model.xml", "model.bin", "model.json"
LARGEST_SPEC = 16_000_000
"""Bytes; the description of a model with 20,000 labels has about one million."""

CARD_FILE = "CARD.md"
"""What a model that comes with the app is told of with; the build program writes none."""
RECIPE = "recipe"
"""Of a model's `origin`: the build program's fingerprint of what it was built from."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_LONGEST_SUFFIX = "-untrained-fp32"

Positive = Annotated[int, Meta(ge=1)]
Unit = Annotated[float, Meta(ge=0, le=1)]


class Clip(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The clip that the model sees: T pictures, `stride` apart in video of `fps`, a square of `side` pixels.

    Pictures are kept with short side `resize_side`; `crop` takes the central square, or ("motion") that around what
    moves.
    """

    frames: Positive
    stride: Positive
    side: Positive
    fps: Annotated[float, Meta(gt=0)] = 30.0
    resize_side: Positive | None = None
    crop: Literal["centre", "motion"] = "centre"

    @property
    def timing(self) -> ClipTiming:
        """When its pictures are seen."""
        return ClipTiming(self.frames, self.stride, self.fps)

    def framing(self) -> Framing:
        """Return how pictures are resized and cropped for it."""
        if self.crop == "motion":
            return FollowMotion(self.side, self.resize_side or self.side)
        return CentreCrop(self.side, self.resize_side)


class Accuracy(msgspec.Struct, frozen=True):
    """One figure, with where it comes from: "published" by the weights' authors or "measured" by us."""

    dataset: str
    metric: str
    value: float
    unit: str = "%"
    origin: Literal["published", "measured"] = "published"
    note: str = ""


class Decision(msgspec.Struct, frozen=True):
    """When the model may be believed.

    Attributes:
        threshold: Smoothed score below which the overlay says "no confident action".
        rejects: Labels that mean "nothing that the model knows": shown as no confident action.
    """

    threshold: Unit = 0.35
    rejects: tuple[str, ...] = ()


class ModelSpec(msgspec.Struct, frozen=True, kw_only=True):
    """A model's description: the content of `model.json`.

    Attributes:
        schema: Version of this format.
        name: Letters, digits, "_", "-", "."; the folder's name.
        title: What the window calls it, e.g. "SlowFast R50 8x8".
        family: "SlowFast", "X3D", ...
        task: Only "classification" so far.
        labels: K class names, in the order of the outputs.
        clip: What the model sees.
        alpha: Frame-rate ratio of the two pathways; None for one pathway. Information: the split is in the IR.
        mean: Per channel RGB, in units of 0..1. Information: the normalisation is in the IR.
        std: Per channel RGB.
        precision: "FP32", "FP16" or "INT8".
        trained: False for random weights; such a model is never shown as if it knew.
        features: F, length of the second output; None where there is none.
        decision: When to believe it.
        licence: SPDX name of the weights' licence.
        origin: Where the weights come from: `url`, `sha256`, `note`, ...
        accuracy: Published and measured figures.
        gflops: Multiply-adds of one clip in 1e9, as the field counts them.
        params_m: Parameters in 1e6.
        parity: What `build_models.py --verify` measured against torch.
        description: One or two plain sentences.
    """

    schema: Literal[1] = 1
    name: str
    title: str
    family: str
    task: Literal["classification"] = "classification"
    labels: tuple[str, ...]
    clip: Clip
    alpha: int | None = None
    mean: tuple[float, float, float] = (0.45, 0.45, 0.45)
    std: tuple[float, float, float] = (0.225, 0.225, 0.225)
    precision: Literal["FP32", "FP16", "INT8"]
    trained: bool
    features: int | None = None
    decision: Decision = Decision()
    licence: str = ""
    origin: dict[str, str] = {}
    accuracy: tuple[Accuracy, ...] = ()
    gflops: float | None = None
    params_m: float | None = None
    parity: dict[str, Any] = {}
    description: str = ""

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"name {self.name!r} may hold letters, digits, '.', '_' and '-' only")
        if not self.labels:
            raise ValueError("labels is empty")
        for field, text in (
            *(("labels", label) for label in self.labels),
            ("title", self.title),
            ("family", self.family),
            ("licence", self.licence),
        ):
            if controls(text):
                raise ValueError(f"{field} holds control characters: {text!r}")
        if unknown := set(self.decision.rejects) - set(self.labels):
            raise ValueError(f"decision.rejects names labels that the model does not have: {sorted(unknown)}")
        if self.clip.resize_side is not None and self.clip.resize_side < self.clip.side:
            raise ValueError(f"clip.resize_side {self.clip.resize_side} is smaller than side {self.clip.side}")

    @property
    def display_name(self) -> str:
        """Title and precision, as the dropdown shows them."""
        told = self.trained or "untrained" in self.title.casefold()
        return f"{self.title} · {self.precision}" + ("" if told else " · untrained")

    @property
    def timing(self) -> ClipTiming:
        """The clip's timing."""
        return self.clip.timing

    @property
    def input_shape(self) -> tuple[int, int, int, int, int]:
        """(1, T, S, S, 3)."""
        return 1, self.clip.frames, self.clip.side, self.clip.side, 3

    def framing(self) -> Framing:
        """Return how pictures are resized and cropped for this model."""
        return self.clip.framing()


def decode(data: bytes | str, where: str) -> ModelSpec:
    """Read a description; `where` names the file in errors.

    Raises:
        ModelError: It is not JSON, lacks a field, or contradicts itself.
    """
    try:
        return msgspec.json.decode(data, type=ModelSpec)
    except (msgspec.DecodeError, ValueError) as error:
        raise ModelError(f"{where} does not describe a model: {error}.", details=repr(error)) from error


def encode(spec: ModelSpec) -> bytes:
    """Return the description as indented JSON."""
    return msgspec.json.format(msgspec.json.encode(spec), indent=2) + b"\n"


def load(folder: Path) -> ModelSpec:
    """Read the description of the model in `folder`.

    Raises:
        ModelError: The folder is not a complete model folder.
    """
    if controls(folder.name):
        raise ModelError(f"{visible(str(folder))} has control characters in its name. Give the folder another name.")
    for name in (SPEC_FILE, IR_FILE, WEIGHTS_FILE):
        if not (folder / name).is_file():
            raise ModelError(f"{folder} is not a model folder: {name} is missing. Build it with build_models.py.")
    try:
        size = (folder / SPEC_FILE).stat().st_size
        if size > LARGEST_SPEC:
            raise ModelError(
                f"{folder / SPEC_FILE} is too large to describe a model: {size / 1e6:.0f} MB, expected less than "
                f"{LARGEST_SPEC / 1e6:.0f} MB. Build the model again with build_models.py."
            )
        data = (folder / SPEC_FILE).read_bytes()
    except OSError as error:
        raise ModelError(f"{folder / SPEC_FILE} cannot be read: {error.strerror or error}.") from error
    return decode(data, str(folder / SPEC_FILE))


def usable_name(stem: str) -> bool:
    """Return whether a model may be called so: the name of its folders, less "-int8" and the like."""
    return bool(_NAME.fullmatch(stem + _LONGEST_SUFFIX))


def came_with_app(folder: Path) -> bool:
    """Return whether a model folder came with the app, and is therefore neither deleted nor replaced.

    That is every one in the app's own `models` folder that has a card, and every one there that the build program did
    not make: what it makes there, as in a clone, says in its description by which `recipe`, and has no card.
    """
    real = folder.resolve()
    if not real.is_relative_to(paths.bundled("models").resolve()):
        return False
    if (real / CARD_FILE).exists():
        return True
    try:
        return RECIPE not in load(real).origin
    except ModelError:
        return False


class Model(msgspec.Struct, frozen=True):
    """A model that can be run: its folder and its description."""

    folder: Path
    spec: ModelSpec

    @property
    def name(self) -> str:
        """The name by which it is chosen: its folder's name."""
        return self.folder.name


class Registry:
    """The models at hand.

    Args:
        folders: Folders whose subfolders are models; the first that has a name wins.
    """

    def __init__(self, folders: Iterable[Path] | None = None) -> None:
        self._folders = tuple(folders) if folders is not None else None

    @property
    def folders(self) -> tuple[Path, ...]:
        """The folders that are searched, in order."""
        return self._folders if self._folders is not None else paths.model_folders()

    def scan(self) -> tuple[list[Model], list[ModelError]]:
        """Return the models found, trained ones first then by title, and what was found broken."""
        found: dict[str, Model] = {}
        broken: list[ModelError] = []
        for root in self.folders:
            if not root.is_dir():
                continue
            for folder in sorted(path.parent for path in root.glob(f"*/{SPEC_FILE}")):
                if folder.name.startswith(".") or folder.name in found:
                    continue
                try:
                    found[folder.name] = Model(folder, load(folder))
                except ModelError as error:
                    broken.append(error)
        order = sorted(found.values(), key=lambda m: (not m.spec.trained, m.spec.title.casefold(), m.name))
        return order, broken

    def find(self, name_or_folder: str) -> Model:
        """Return the model of that name, or in that folder.

        Raises:
            ModelError: There is none; the message lists the valid names.
        """
        folder = Path(name_or_folder).expanduser()
        if (folder / SPEC_FILE).is_file():
            return Model(folder.resolve(), load(folder.resolve()))
        models, broken = self.scan()
        by_name = {model.name: model for model in models}
        if name_or_folder in by_name:
            return by_name[name_or_folder]
        for error in broken:
            if f"/{name_or_folder}/" in error.message.replace("\\", "/"):
                raise error
        known = ", ".join(by_name) or "none is built yet; build_models.py builds them"
        raise ModelError(f"There is no model '{name_or_folder}'. Models at hand: {known}.")
