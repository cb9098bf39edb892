"""Detector folders: the description in `detector.json`, and where detectors are found. Does not use OpenVINO.

A detector folder `NAME/` contains `detector.xml` and `detector.bin` (OpenVINO IR) and `detector.json`, and lies where
models lie. The IR takes one uint8 picture (1, H, W, 3), BGR, and includes layout conversion and normalization.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from slowfast_live import paths
from slowfast_live.errors import ModelError
from slowfast_live.messages import Message, system_reason
from slowfast_live.text_safety import controls

DETECTOR_FILE, DETECTOR_IR, DETECTOR_WEIGHTS = "detector.json", "detector.xml", "detector.bin"
LARGEST_DESCRIPTION = 1_000_000
DETECTOR_COMMAND = "slowfast-live models build person_detector"

_PREFERRED = ("yolox", "boxes", "anchors", "ssd")
"""Formats in the order in which a detector is chosen: the last one was trained on upright people only."""

Share = Annotated[float, Meta(ge=0, le=1)]
Side = Annotated[int, Meta(ge=16, le=4096)]


class DetectorSpec(msgspec.Struct, frozen=True, kw_only=True):
    """A person detector's description: the content of `detector.json`.

    Attributes:
        schema: Version of this format.
        name: The folder's name.
        title: Name shown in the window, e.g. "YOLOX-nano".
        format: What the outputs mean, see `formats.DetectorFormat`.
        height: Height of the input in pixels.
        width: Width of the input in pixels.
        letterbox: Whether pictures keep their aspect ratio and are padded; otherwise they are stretched.
        person: Index of the class "person"; None if the network has only that one.
        found: Score from which a new person is believed.
        kept: Score from which a person who is already known is believed; at most `found`.
        overlap: Intersection over union above which the weaker of two boxes is a duplicate.
        licence: SPDX identifier of the weights' license; "" if unknown.
        origin: Where the weights come from: `url`, `sha256`, `file`, `recipe`.
    """

    schema: Literal[1] = 1
    name: str
    title: str
    format: Literal["yolox", "ssd", "boxes", "anchors"]
    height: Side
    width: Side
    letterbox: bool = False
    person: Annotated[int, Meta(ge=0)] | None = None
    found: Share = 0.5
    kept: Share = 0.25
    overlap: Share = 0.5
    licence: str = ""
    origin: dict[str, str] = {}

    def __post_init__(self) -> None:
        if self.kept > self.found:
            raise ValueError(f"kept {self.kept} is larger than found {self.found}")
        for field, text in (("name", self.name), ("title", self.title), ("licence", self.licence)):
            if controls(text):
                raise ValueError(f"{field} holds control characters: {text!r}")


class DetectorModel(msgspec.Struct, frozen=True):
    """A detector that can be run: its folder and its description."""

    folder: Path
    spec: DetectorSpec

    @property
    def name(self) -> str:
        """Name of the detector, which is the name of its folder."""
        return self.folder.name


def load_detector(folder: Path) -> DetectorSpec:
    """Load the description of the detector in `folder`.

    Raises:
        ModelError: The folder is not a complete detector folder.
    """
    for name in (DETECTOR_FILE, DETECTOR_IR, DETECTOR_WEIGHTS):
        if not (folder / name).is_file():
            raise ModelError(
                Message(
                    "{folder} is not a detector's folder: {name} is missing. Build it: `{detector_command}`.",
                    folder=folder,
                    name=name,
                    detector_command=DETECTOR_COMMAND,
                )
            )
    path = folder / DETECTOR_FILE
    try:
        if path.stat().st_size > LARGEST_DESCRIPTION:
            raise ModelError(
                Message(
                    "{path} is too large to describe a detector. Build it again: `{detector_command}`.",
                    path=path,
                    detector_command=DETECTOR_COMMAND,
                )
            )
        return msgspec.json.decode(path.read_bytes(), type=DetectorSpec)
    except OSError as error:
        raise ModelError(Message("{path} cannot be read: {reason}.", path=path, reason=system_reason(error))) from error
    except (msgspec.DecodeError, ValueError) as error:
        raise ModelError(
            Message("{path} does not describe a detector: {error}.", path=path, error=error), details=repr(error)
        ) from error


def encode_detector(spec: DetectorSpec) -> bytes:
    """Return the description as indented JSON."""
    return msgspec.json.format(msgspec.json.encode(spec), indent=2) + b"\n"


def find_detectors(folders: Iterable[Path] | None = None) -> tuple[list[DetectorModel], list[ModelError]]:
    """Return the detectors found, the preferred one first, and the errors of damaged ones.

    Args:
        folders: Folders whose subfolders are detectors; those of the models if not given. If a name occurs twice, the
            first one is used.
    """
    found: dict[str, DetectorModel] = {}
    broken: list[ModelError] = []
    for root in folders if folders is not None else paths.model_folders():
        if not root.is_dir():
            continue
        for folder in sorted(path.parent for path in root.glob(f"*/{DETECTOR_FILE}")):
            if folder.name.startswith(".") or folder.name in found:
                continue
            try:
                found[folder.name] = DetectorModel(folder, load_detector(folder))
            except ModelError as error:
                broken.append(error)
    return sorted(found.values(), key=lambda d: (_PREFERRED.index(d.spec.format), d.name)), broken


def find_detector(name: str | None, folders: Iterable[Path] | None = None) -> DetectorModel | None:
    """Return the detector of that name or folder; without a name the first one, or None if there is none.

    Raises:
        ModelError: There is none of that name; the message lists the valid ones.
    """
    if name is not None and (Path(name).expanduser() / DETECTOR_FILE).is_file():
        folder = Path(name).expanduser().resolve()
        return DetectorModel(folder, load_detector(folder))
    detectors, broken = find_detectors(folders)
    if name is None:
        return detectors[0] if detectors else None
    for detector in detectors:
        if detector.name == name:
            return detector
    for error in broken:
        if f"/{name}/" in error.message.replace("\\", "/"):
            raise error
    known = ", ".join(d.name for d in detectors) or Message(
        "none is built yet; `{detector_command}` builds one", detector_command=DETECTOR_COMMAND
    )
    raise ModelError(
        Message("There is no person detector '{name}'. Detectors at hand: {known}.", name=name, known=known)
    )
