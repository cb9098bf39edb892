"""How models get onto this machine: the command that builds them, what it needs, and the folder they go to.

Neither torch nor OpenVINO is imported here, so that errors, the window and the build program can all use it.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from slowfast_live import paths
from slowfast_live.messages import Message

BUILD_COMMAND = "slowfast-live models build"
"""What to type to build a model; works for a pip install and for a clone."""

NO_MODEL = Message("There is no model yet. `{build_command}` builds one.", build_command=BUILD_COMMAND)

NEEDED = ("torch", "torchvision", "pytorchvideo", "onnx", "onnxruntime", "nncf", "httpx")
"""What building needs beyond what the window needs."""


def missing_packages(needed: Sequence[str] = NEEDED) -> list[str]:
    """Return which packages are not installed, without importing any."""
    importlib.invalidate_caches()
    return [name for name in needed if importlib.util.find_spec(name) is None]


def install_command(extra: str = "build") -> str:
    """Return the one command that installs what an extra of the package needs, for the Python that runs this."""
    python = _quoted(sys.executable)
    if not _is_clone():
        return f'{python} -m pip install "slowfast-live[{extra}]"'
    pinned = paths.ROOT / "constraints.txt"
    given = f" -c {_quoted(str(pinned))}" if pinned.is_file() else ""
    return f"{python} -m pip install{given} -e {_quoted(f'{paths.ROOT}[{extra}]')}"


def output_folder() -> Path:
    """Return where models are built to: `models/` of a clone if it can be written, else the user's own folder."""
    bundled = paths.bundled("models")
    existing = bundled if bundled.is_dir() else bundled.parent
    return bundled if _is_clone() and os.access(existing, os.W_OK) else paths.user_models_dir()


def _is_clone() -> bool:
    """Whether the package is used from its source tree (an editable install counts), rather than from a wheel."""
    return (paths.ROOT / "pyproject.toml").is_file()


def _quoted(text: str) -> str:
    mark = '"' if os.name == "nt" or "'" in text else "'"
    return f"{mark}{text}{mark}" if set(text) & set(" []()&'") else text
