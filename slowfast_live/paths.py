"""Paths of bundled files and of the user's folders."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import platformdirs

APP = "slowfast-live"
# The folder that contains the package: a clone, or site-packages. Child processes start here to import it.
ROOT = Path(__file__).resolve().parent.parent

_CACHES = {
    "MPLCONFIGDIR": "matplotlib",
    "NUMBA_CACHE_DIR": "numba",
    "TORCH_HOME": "torch",
    "TRITON_CACHE_DIR": "triton",
    "CUDA_CACHE_PATH": "cuda",
    "MESA_SHADER_CACHE_DIR": "mesa",
    "NEO_CACHE_DIR": "intel-gpu",
    "ZE_INTEL_NPU_CACHE_DIR": "intel-npu",
}
"""Environment variables for the cache folders of libraries and drivers, and our subfolder for each."""


def bundled(kind: str) -> Path:
    """Return the bundled folder `kind` ("assets" or "models").

    In a wheel these folders are inside the package; in a clone (and an editable install) they are next to it.
    """
    inside = ROOT / "slowfast_live" / "_bundled" / kind
    return inside if inside.is_dir() else ROOT / kind


def settings_file() -> Path:
    """Return the path of the user's settings file, which may not exist yet."""
    return platformdirs.user_config_path(APP, appauthor=False) / "settings.json"


def cache_dir() -> Path:
    """Return the user's cache folder for compiled models and downloads; safe to delete.

    The environment variable `SLOWFAST_LIVE_CACHE` overrides it.
    """
    if named := os.environ.get("SLOWFAST_LIVE_CACHE"):
        return Path(named)
    return platformdirs.user_cache_path(APP, appauthor=False)


def sessions_dir() -> Path:
    """Return the folder of the sessions: what was recognized in each source, and the user's edits.

    The environment variable `SLOWFAST_LIVE_SESSIONS` overrides it.
    """
    if named := os.environ.get("SLOWFAST_LIVE_SESSIONS"):
        return Path(named)
    return platformdirs.user_data_path(APP, appauthor=False) / "sessions"


def user_models_dir() -> Path:
    """Return the folder of the user's own models."""
    return platformdirs.user_data_path(APP, appauthor=False) / "models"


def teaching_dir() -> Path:
    """Return the folder of the examples that models are taught with."""
    return platformdirs.user_data_path(APP, appauthor=False) / "teaching"


def model_folders() -> tuple[Path, ...]:
    """Return the folders that are searched for models, in order; the first match is used.

    Folders in `SLOWFAST_LIVE_MODELS` (separated as in PATH) come first, then the user's own, then the bundled one.
    """
    extra = os.environ.get("SLOWFAST_LIVE_MODELS", "")
    named = tuple(Path(part) for part in extra.split(os.pathsep) if part)
    return (*named, user_models_dir(), bundled("models"))


def contain_libraries() -> None:
    """Disable telemetry, and redirect the caches of other libraries to the app's cache folder.

    Must be called before those libraries are imported. Variables set by the user are kept; child processes inherit the
    variables.
    """
    # OpenVINO and NNCF send telemetry if this package can be imported, and store an id for it in ~/intel. Both fall
    # back to a stub without it. There is no variable to disable it.
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    for variable, folder in _CACHES.items():
        os.environ.setdefault(variable, str(cache_dir() / folder))
