"""Model folders: the description in `model.json`, and where models are found. Does not use OpenVINO.

A model folder `NAME/` contains `model.xml` and `model.bin` (OpenVINO IR) and `model.json`. The IR takes one uint8 clip
(1, T, S, S, 3), RGB, and includes normalization, layout conversion and the split into pathways. It returns
`probabilities` (1, K) and, if the description says so, `features` (1, F), the pooled features before the classifier.
A model of task "detection" has a second IR, `head.xml` and `head.bin`. Its `model.xml` takes a clip of any height and
width, (1, T, H, W, 3), and returns `features` (1, C, h, w); the head takes these and `boxes`, float32 (N, 4) with x1,
y1, x2, y2 in pixels of the clip, and returns `probabilities` (N, K).

The same description, without parity and accuracy, is stored as JSON in the IR's `rt_info` under `slowfast_live`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from slowfast_live import paths
from slowfast_live.core.framing import CenterCrop, FollowMotion, Framing, WholePicture
from slowfast_live.core.sampling import ClipTiming
from slowfast_live.errors import ModelError
from slowfast_live.inference.building import BUILD_COMMAND
from slowfast_live.messages import Message, system_reason
from slowfast_live.text_safety import controls, visible

IR_FILE, WEIGHTS_FILE, SPEC_FILE = "model.xml", "model.bin", "model.json"
HEAD_FILE, HEAD_WEIGHTS_FILE = "head.xml", "head.bin"
"""Second IR of a model of task "detection"."""
PROBABILITIES = "probabilities"
"""Name of the output with the probabilities."""
FEATURES, BOXES = "features", "boxes"
"""Names of a backbone's output and of its head's inputs."""
LARGEST_SPEC = 16_000_000
"""Maximum size in bytes; the description of a model with 20,000 labels has about one million."""

CARD_FILE = "CARD.md"
"""Model card of a model that comes with the app; the build program writes none."""
RECIPE = "recipe"
"""Key in a model's `origin`: the build program's fingerprint of what the model was built from."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_TOP = re.compile(r"top-?(\d+)", re.IGNORECASE)
_LONGEST_SUFFIX = "-untrained-fp32"

Positive = Annotated[int, Meta(ge=1)]
Unit = Annotated[float, Meta(ge=0, le=1)]
Seconds = Annotated[float, Meta(gt=0)]


class Clip(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The clip that the model sees: T frames, `stride` apart in video of `fps`, as squares of `side` pixels.

    Attributes:
        frames: T, the number of frames.
        stride: Video frames from one frame of the clip to the next.
        side: S, in pixels.
        fps: Frames per second of the video that the model was trained on.
        resize_side: Short side in pixels to which frames are resized before the crop; `side` if not given.
        crop: "centre" for the central square, "motion" for the square around what moves, "whole" for all of the
            picture, whose short side is S then.
        spans_s: Shortest and longest time in seconds over which the clip may be spread, for models that were trained on
            whole actions of any length; None if `stride` and `fps` determine it.
        mirrored: Whether the clip may show left and right swapped; if not, mirrored frames are swapped back.
        span_s: Time over which the clip is spread, if `spans_s` leaves the choice; None for the middle between the two.
    """

    frames: Positive
    stride: Positive
    side: Positive
    fps: Annotated[float, Meta(gt=0)] = 30.0
    resize_side: Positive | None = None
    crop: Literal["centre", "motion", "whole"] = "centre"
    spans_s: tuple[Seconds, Seconds] | None = None
    mirrored: bool = True
    span_s: Seconds | None = None

    @property
    def timing(self) -> ClipTiming:
        """When the frames of the clip are sampled."""
        if self.spans_s is None:
            return ClipTiming(self.frames, self.stride, self.fps)
        shortest_s, longest_s = self.spans_s
        span_s = (shortest_s + longest_s) / 2 if self.span_s is None else self.span_s
        return ClipTiming(self.frames, self.stride, (self.frames * self.stride - 1) / span_s)

    def spread(self, span_s: float | None) -> Clip:
        """Return this clip, spread over another time in seconds as far as `spans_s` allows; None for the default."""
        if self.spans_s is None:
            return self
        chosen_s = None if span_s is None else min(max(span_s, self.spans_s[0]), self.spans_s[1])
        return msgspec.structs.replace(self, span_s=chosen_s)

    def framing(self) -> Framing:
        """Return the framing: how frames are resized and cropped for this clip."""
        if self.crop == "motion":
            return FollowMotion(self.side, self.resize_side or self.side)
        if self.crop == "whole":
            return WholePicture(self.side)
        return CenterCrop(self.side, self.resize_side)


class Accuracy(msgspec.Struct, frozen=True):
    """One accuracy figure and its origin.

    Attributes:
        dataset: The dataset it was measured on.
        metric: "top-1", "top-5", "mAP", ...
        value: The figure, in `unit`.
        unit: "%" if not given.
        origin: "published" by the authors of the weights, or "measured" by this project.
        note: How it was measured.
    """

    dataset: str
    metric: str
    value: float
    unit: str = "%"
    origin: Literal["published", "measured"] = "published"
    note: str = ""

    @property
    def first_guess(self) -> bool:
        """Whether this is top-1 accuracy."""
        return self.metric.casefold().replace("-", "") == "top1"

    @property
    def meaning(self) -> str:
        """The metric in words: "right at first guess (top-1)", "right within 5 guesses (top-5)"; otherwise its name."""
        guesses = _TOP.fullmatch(self.metric)
        if guesses is None:
            return self.metric
        if self.first_guess:
            return Message("right at first guess ({metric})", metric=self.metric)
        return Message("right within {count} guesses ({metric})", count=guesses[1], metric=self.metric)

    @property
    def clips(self) -> str:
        """The dataset in words."""
        clips = self.dataset.removesuffix(", held out")
        if clips == self.dataset:
            return self.dataset
        if clips == "rendered":
            return Message("rendered clips that it was not trained on")
        return Message("{clips} clips that it was not trained on", clips=clips)


class Decision(msgspec.Struct, frozen=True):
    """When to trust the model.

    Attributes:
        threshold: Smoothed score below which the overlay shows "no confident action".
        background_labels: Labels that mean "none of the known actions"; shown as no confident action.
        thresholds: Label -> its own threshold, where it differs from `threshold`; for models with several answers.
        off: Labels that are not shown unless the user chooses them.
    """

    threshold: Unit = 0.35
    background_labels: tuple[str, ...] = msgspec.field(default=(), name="rejects")
    thresholds: dict[str, Unit] = {}
    off: tuple[str, ...] = ()


class ModelSpec(msgspec.Struct, frozen=True, kw_only=True):
    """A model's description: the content of `model.json`.

    Attributes:
        schema: Version of this format.
        name: Letters, digits, "_", "-", "."; the folder's name.
        title: Name shown in the window, e.g. "SlowFast R50 8x8".
        family: "SlowFast", "X3D", ...
        task: "classification" of a clip, or "detection" of what each person in it does.
        activation: "softmax" if one label is right and the scores sum to 1; "sigmoid" if each label is scored by
            itself, so that several may be right at once.
        labels: K class names, in the order of the outputs.
        clip: The clip that the model sees.
        alpha: Frame-rate ratio of the two pathways; None for one pathway. For information; the split is in the IR.
        mean: Mean per RGB channel, in units of 0..1. For information; the normalization is in the IR.
        std: Standard deviation per RGB channel, in units of 0..1.
        precision: "FP32", "FP16" or "INT8".
        trained: False for random weights; labels of such a model are never shown.
        features: F, length of the second output; None if there is none.
        decision: When to trust the model.
        licence: SPDX identifier of the weights' license.
        origin: Where the weights come from: `url`, `sha256`, `note`, ...
        accuracy: Published and measured figures.
        gflops: Multiply-adds for one clip in 1e9, as usual in the literature.
        params_m: Parameters in 1e6.
        parity: Comparison with torch, measured by `slowfast-live models build --verify`.
        description: One or two plain sentences.
    """

    schema: Literal[1] = 1
    name: str
    title: str
    family: str
    task: Literal["classification", "detection"] = "classification"
    activation: Literal["softmax", "sigmoid"] = "softmax"
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
        if unknown := set(self.decision.background_labels) - set(self.labels):
            raise ValueError(f"decision.rejects names labels that the model does not have: {sorted(unknown)}")
        if unknown := self.decision.thresholds.keys() - set(self.labels):
            raise ValueError(f"decision.thresholds names labels that the model does not have: {sorted(unknown)}")
        if unknown := set(self.decision.off) - set(self.labels):
            raise ValueError(f"decision.off names labels that the model does not have: {sorted(unknown)}")
        if self.detects and not self.several:
            raise ValueError("a model of task 'detection' scores each label by itself: activation is 'sigmoid'")
        if self.clip.crop == "whole" and not self.detects:
            raise ValueError("clip.crop 'whole' is for models of task 'detection'")
        if self.clip.spans_s is not None and self.clip.spans_s[0] > self.clip.spans_s[1]:
            raise ValueError(f"clip.spans_s goes from the shortest to the longest time, got {self.clip.spans_s}")
        if self.clip.resize_side is not None and self.clip.resize_side < self.clip.side:
            raise ValueError(f"clip.resize_side {self.clip.resize_side} is smaller than side {self.clip.side}")

    @property
    def display_name(self) -> str:
        """Title and precision, as shown in the drop-down list."""
        mentioned = self.trained or "untrained" in self.title.casefold()
        return f"{self.title} · {self.precision}" + ("" if mentioned else " · untrained")

    @property
    def actions(self) -> tuple[str, ...]:
        """The actions that the model knows: its labels without the background labels."""
        return tuple(label for label in self.labels if label not in self.decision.background_labels)

    @property
    def detects(self) -> bool:
        """Whether it scores what each person does, with a backbone and a head."""
        return self.task == "detection"

    @property
    def several(self) -> bool:
        """Whether several labels may be right at once."""
        return self.activation == "sigmoid"

    @property
    def timing(self) -> ClipTiming:
        """The clip's timing."""
        return self.clip.timing

    @property
    def input_shape(self) -> tuple[int, int, int, int, int]:
        """Shape of the input: (1, T, S, S, 3)."""
        return 1, self.clip.frames, self.clip.side, self.clip.side, 3

    def framing(self) -> Framing:
        """Return the framing: how frames are resized and cropped for this model."""
        if self.detects:
            return WholePicture(self.clip.side, square=self.clip.crop != "whole")
        return self.clip.framing()


def decode(data: bytes | str, where: str) -> ModelSpec:
    """Parse a description; `where` names the file in errors.

    Raises:
        ModelError: It is not JSON, lacks a field, or is inconsistent.
    """
    try:
        return msgspec.json.decode(data, type=ModelSpec)
    except (msgspec.DecodeError, ValueError) as error:
        raise ModelError(
            Message("{where} does not describe a model: {error}.", where=where, error=error), details=repr(error)
        ) from error


def encode(spec: ModelSpec) -> bytes:
    """Return the description as indented JSON."""
    return msgspec.json.format(msgspec.json.encode(spec), indent=2) + b"\n"


def load(folder: Path) -> ModelSpec:
    """Load the description of the model in `folder`.

    Raises:
        ModelError: The folder is not a complete model folder.
    """
    if controls(folder.name):
        raise ModelError(
            Message(
                "{folder} has control characters in its name. Give the folder another name.",
                folder=visible(str(folder)),
            )
        )
    for name in (SPEC_FILE, IR_FILE, WEIGHTS_FILE):
        if not (folder / name).is_file():
            raise ModelError(
                Message(
                    "{folder} is not a model folder: {name} is missing. Build it with `{build_command}`.",
                    folder=folder,
                    name=name,
                    build_command=BUILD_COMMAND,
                )
            )
    try:
        size = (folder / SPEC_FILE).stat().st_size
        if size > LARGEST_SPEC:
            raise ModelError(
                Message(
                    "{folder} is too large to describe a model: {size:.0f} MB, expected less than "
                    "{largest:.0f} MB. Build the model again with `{build_command}`.",
                    folder=folder / SPEC_FILE,
                    size=size / 1e6,
                    largest=LARGEST_SPEC / 1e6,
                    build_command=BUILD_COMMAND,
                )
            )
        data = (folder / SPEC_FILE).read_bytes()
    except OSError as error:
        raise ModelError(
            Message("{path} cannot be read: {reason}.", path=folder / SPEC_FILE, reason=system_reason(error))
        ) from error
    spec = decode(data, str(folder / SPEC_FILE))
    for name in (HEAD_FILE, HEAD_WEIGHTS_FILE) if spec.detects else ():
        if not (folder / name).is_file():
            raise ModelError(
                Message(
                    "{folder} is not complete: {name} is missing. Build it again with `{build_command}`.",
                    folder=folder,
                    name=name,
                    build_command=BUILD_COMMAND,
                )
            )
    return spec


def usable_name(stem: str) -> bool:
    """Return whether a model may have this name, which becomes the name of its folders, less "-int8" and the like."""
    return bool(_NAME.fullmatch(stem + _LONGEST_SUFFIX))


def came_with_app(folder: Path) -> bool:
    """Return whether a model folder came with the app and must therefore not be deleted or replaced.

    This applies to every model in the app's own `models` folder that has a card or was not made by the build program.
    Models built there, for example in a clone, have a `recipe` in their description and no card.
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
        """Name of the model, which is the name of its folder."""
        return self.folder.name


def only_actions(model: Model, chosen: Collection[str]) -> Model:
    """Return a model that looks for some of its actions only; the others become background labels, or are off.

    Args:
        model: The model.
        chosen: The actions to look for; labels that it does not know are ignored.
    """
    spec = model.spec
    left = {label for label in spec.actions if label in chosen}
    if left and spec.detects:
        decision = msgspec.structs.replace(spec.decision, off=tuple(x for x in spec.labels if x not in left))
        return Model(model.folder, msgspec.structs.replace(spec, decision=decision))
    if not left or len(left) == len(spec.actions):
        return model
    background = tuple(label for label in spec.labels if label not in left)
    decision = msgspec.structs.replace(spec.decision, background_labels=background)
    return Model(model.folder, msgspec.structs.replace(spec, decision=decision))


class Registry:
    """The available models.

    Args:
        folders: Folders whose subfolders are models; if a name occurs twice, the first one is used.
    """

    def __init__(self, folders: Iterable[Path] | None = None) -> None:
        self._folders = tuple(folders) if folders is not None else None

    @property
    def folders(self) -> tuple[Path, ...]:
        """The folders that are searched, in order."""
        return self._folders if self._folders is not None else paths.model_folders()

    def scan(self) -> tuple[list[Model], list[ModelError]]:
        """Return the models found, trained ones first and then by title, and the errors of damaged ones."""
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
        """Return the model with that name or in that folder.

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
        known = ", ".join(by_name) or Message(
            "none is built yet; `{build_command}` builds them", build_command=BUILD_COMMAND
        )
        raise ModelError(
            Message(
                "There is no model '{name_or_folder}'. Models at hand: {known}.",
                name_or_folder=name_or_folder,
                known=known,
            )
        )
