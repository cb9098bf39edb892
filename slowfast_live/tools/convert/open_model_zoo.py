"""Files of Open Model Zoo's action recognition networks: addresses, sizes and SHA-384. No torch and no OpenVINO here.

`open_model_zoo.json` has what Open Model Zoo's `model.yml` states for each file (release 2024.6). Each network is an
encoder, which turns one picture into an embedding, and a decoder, which turns 16 embeddings into scores; welding has no
decoder but the mean of 16 scores.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slowfast_live.errors import ModelError, UsageError

FOLDERS = {"FP32": "FP32", "FP16": "FP16", "INT8": "FP16-INT8"}
"""Our names of the precisions -> Open Model Zoo's."""

_TABLE = Path(__file__).with_name("open_model_zoo.json")


@dataclass(frozen=True, slots=True)
class PublishedIr:
    """A file of a published network: its address, its size in bytes, and its SHA-384."""

    url: str
    size: int
    sha384: str

    @property
    def name(self) -> str:
        """Name of the file."""
        return self.url.rsplit("/", 1)[-1]


@dataclass(frozen=True, slots=True)
class EncoderDecoder:
    """A network of Open Model Zoo.

    Attributes:
        name: Its name there.
        url: Address of the folder with its files.
        frames: T, the number of embeddings that the decoder takes, or of scores that are averaged.
    """

    name: str
    url: str
    frames: int = 16

    def files(self, precision: str) -> tuple[PublishedIr, ...]:
        """Return the files of one precision: `.xml` and `.bin` of the encoder, then of the decoder if there is one.

        Args:
            precision: "FP32", "FP16" or "INT8".

        Raises:
            ModelError: The table of files is damaged.
        """
        try:
            return tuple(PublishedIr(**facts) for facts in _table()[self.name][FOLDERS[precision]])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ModelError(f"{_TABLE} is damaged. Reinstall SlowFast Live.", details=repr(error)) from error


@functools.cache
def _table() -> dict[str, dict[str, list[dict[str, Any]]]]:
    return json.loads(_TABLE.read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def found_in(folder: Path, files: Sequence[PublishedIr], precision: str) -> list[Path]:
    """Find published files in a folder that was filled by other means.

    Args:
        folder: Contains the files itself, or, as `omz_downloader` arranges them, in a subfolder of the precision.
        files: The files.
        precision: "FP32", "FP16" or "INT8".

    Returns:
        Their paths, in order.

    Raises:
        UsageError: Files are missing; the message lists them.
    """
    within = sorted(path for path in folder.rglob("*") if path.is_file())
    paths, missing = [], []
    for file in files:
        named = [path for path in within if path.name == file.name]
        of_precision = [path for path in named if FOLDERS[precision] in path.parts]
        if found := of_precision or [path for path in named if path.parent == folder]:
            paths.append(found[0])
        else:
            missing.append(file.name)
    if missing:
        raise UsageError(
            f"{folder} lacks {', '.join(missing)} in {FOLDERS[precision]}: expected the files of Open Model Zoo beside "
            f"each other, or in subfolders called {FOLDERS[precision]}."
        )
    return paths


def _published(name: str) -> EncoderDecoder:
    release = "https://storage.openvinotoolkit.org/repositories/open_model_zoo/2023.0/models_bin/1"
    return EncoderDecoder(name, f"{release}/{name}")


ACTION_RECOGNITION = _published("action-recognition-0001")
DRIVER_ACTION_RECOGNITION = _published("driver-action-recognition-adas-0002")
WELD_POROSITY_DETECTION = _published("weld-porosity-detection-0001")
