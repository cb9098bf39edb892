"""Where things lie: what comes with the app, and the user's own folders."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

APP = "slowfast-live"


def bundled(kind: str) -> Path:
    """Return the folder `kind` ("assets" or "models") that comes with the app.

    A wheel carries these folders inside the package; a clone (and an editable install) has them beside it.
    """
    package = Path(__file__).resolve().parent
    inside = package / "_bundled" / kind
    return inside if inside.is_dir() else package.parent / kind


def settings_file() -> Path:
    """Return the path of the user's settings (it may not exist yet)."""
    return platformdirs.user_config_path(APP, appauthor=False) / "settings.json"


def cache_dir() -> Path:
    """Return the user's cache folder: compiled models and downloads; safe to delete.

    `SLOWFAST_LIVE_CACHE` names another one.
    """
    if named := os.environ.get("SLOWFAST_LIVE_CACHE"):
        return Path(named)
    return platformdirs.user_cache_path(APP, appauthor=False)


def user_models_dir() -> Path:
    """Return the folder of the user's own models."""
    return platformdirs.user_data_path(APP, appauthor=False) / "models"


def model_folders() -> tuple[Path, ...]:
    """Return the folders that are searched for models, first match wins.

    `SLOWFAST_LIVE_MODELS` (folders separated as in PATH) comes first, then the user's own, then the bundled.
    """
    extra = os.environ.get("SLOWFAST_LIVE_MODELS", "")
    named = tuple(Path(part) for part in extra.split(os.pathsep) if part)
    return (*named, user_models_dir(), bundled("models"))
