"""Catalog of the person detectors that can be built from published files. No torch and no OpenVINO here.

YOLOX: https://github.com/Megvii-BaseDetection/YOLOX (demo/ONNXRuntime). Open Model Zoo:
https://github.com/openvinotoolkit/open_model_zoo (models/intel/person-detection-*).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from slowfast_live.people.spec import DETECTOR_FILE
from slowfast_live.tools.convert.cache import cached_path

YOLOX = "https://github.com/Megvii-BaseDetection/YOLOX/releases/download/0.1.1rc0"
OMZ = "https://storage.openvinotoolkit.org/repositories/open_model_zoo/2023.0/models_bin/1"
DETECTOR = "person_detector"
"""What the default detector is called on the command line."""


@dataclass(frozen=True, slots=True)
class PublishedFile:
    """One file of a published detector.

    Attributes:
        url: Its address.
        sha256: Its checksum, or the first digits; "" if the publisher states none.
        size: Its size in bytes; 0 if unknown.
    """

    url: str
    sha256: str = ""
    size: int = 0


@dataclass(frozen=True, slots=True)
class DetectorEntry:
    """A published detector.

    Attributes:
        name: Its name on the command line.
        title: Name that the window shows.
        files: What to download; the first one is read, the others lie beside it.
        found: Score from which a new person is believed.
        kept: Score from which a person who is already known is believed.
        licence: SPDX name of the weights' license.
    """

    name: str
    title: str
    files: tuple[PublishedFile, ...]
    found: float
    kept: float
    licence: str = "Apache-2.0"


def _yolox(name: str, title: str, sha256: str, size: int) -> DetectorEntry:
    return DetectorEntry(name, title, (PublishedFile(f"{YOLOX}/{name}.onnx", sha256, size),), 0.45, 0.15)


def _zoo(number: str, xml: PublishedFile, bin_: PublishedFile, found: float, kept: float) -> DetectorEntry:
    name = f"person-detection-{number}"
    base = f"{OMZ}/{name}/FP16/{name}"
    files = (dataclasses.replace(xml, url=f"{base}.xml"), dataclasses.replace(bin_, url=f"{base}.bin"))
    return DetectorEntry(name.replace("-", "_"), name, files, found, kept)


DETECTORS: dict[str, DetectorEntry] = {
    entry.name: entry
    for entry in (
        _yolox(
            "yolox_nano",
            "YOLOX-nano",
            "c789161ed43c8269fcd4e67c67eeeb4e80c622da2eb296a20bc6007bd18a0b7d",
            3_659_407,
        ),
        _yolox(
            "yolox_tiny",
            "YOLOX-tiny",
            "427cc366d34e27ff7a03e2899b5e3671425c262ea2291f88bb942bc1cc70b0f7",
            20_219_662,
        ),
        _zoo("0202", PublishedFile(""), PublishedFile("", size=3_634_654), 0.5, 0.2),
        _zoo("0203", PublishedFile(""), PublishedFile("", size=3_902_528), 0.5, 0.2),
        _zoo(
            "retail-0013",
            PublishedFile("", "19556695d2b18255fe5593d388ae69ba7f9a2f5c3f986bde8356741d0db26e89", 571_233),
            PublishedFile("", "cf4a1f2f252d229966001e15454c5ba02a7ace047b181b235e3a2c4aebcf3ba7", 1_445_734),
            0.6,
            0.3,
        ),
    )
}
"""The published detectors, by name; the first one is the default."""

NAMES: dict[str, str] = {DETECTOR: next(iter(DETECTORS)), **{name: name for name in DETECTORS}}
"""What may be given on the command line -> the detector's name."""


def folder_name(stem: str) -> str:
    """Return the name of a detector's folder, for the name of the published detector or of the user's file."""
    return f"{DETECTOR}-{stem}"


def split_names(names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the names of models and those of detectors among the names on the command line."""
    return [name for name in names if name not in NAMES], [name for name in names if name in NAMES]


def listing(output: Path) -> list[dict[str, object]]:
    """Return the detectors that can be built, and what is there: `name`, `title`, `default`, `licence`, `built`."""
    rows: list[dict[str, object]] = []
    for entry in DETECTORS.values():
        folder = output / folder_name(entry.name)
        downloads = [cached_path(file.url) for file in entry.files]
        rows.append(
            {
                "name": entry.name,
                "title": entry.title,
                "default": entry.name == NAMES[DETECTOR],
                "licence": entry.licence,
                "downloaded": all(path.is_file() for path in downloads),
                "built": str(folder) if (folder / DETECTOR_FILE).is_file() else None,
            }
        )
    return rows
