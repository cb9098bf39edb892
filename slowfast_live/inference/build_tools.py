"""The build tools: an environment of their own for PyTorch and what else building a model needs.

The window installs them here on request, so that nobody has to type a command, and so that nothing that the window
itself uses is replaced while it runs. The environment sees the app's packages and adds what they lack. It is made by
`python -m slowfast_live.tools.convert.install`.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import platformdirs

from slowfast_live import __version__, paths
from slowfast_live.inference.building import missing_packages

MARK = "ready.json"
"""File that says that an environment is complete, and for what."""


def tools_folder() -> Path:
    """Return the folder of the environment; `SLOWFAST_LIVE_BUILD_TOOLS` overrides the user's own."""
    if named := os.environ.get("SLOWFAST_LIVE_BUILD_TOOLS"):
        return Path(named)
    return platformdirs.user_data_path(paths.APP, appauthor=False) / "build-tools"


def python_of(folder: Path) -> Path:
    """Return the Python of an environment, whether or not it exists."""
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def mark_of() -> dict[str, str]:
    """Return what an environment must have been made for: this Python and this version of the app."""
    version = ".".join(map(str, sys.version_info[:3]))
    return {"python": version, "prefix": sys.prefix, "app": __version__}


def is_ready(folder: Path | None = None) -> bool:
    """Return whether the build tools are installed completely, for this Python and version of the app."""
    folder = folder or tools_folder()
    try:
        known = json.loads((folder / MARK).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return bool(known == mark_of()) and python_of(folder).is_file()


def build_python(folder: Path | None = None) -> str:
    """Return the Python that builds: the app's own if nothing is missing there, else that of the build tools."""
    folder = folder or tools_folder()
    return str(python_of(folder)) if missing_packages() and is_ready(folder) else sys.executable
