"""Description of this machine, to put measurements into context."""

from __future__ import annotations

import os
import platform
from importlib import metadata

import psutil

from slowfast_live import __version__
from slowfast_live.inference.processor import this_processor
from slowfast_live.tools.bench.results import Machine

_LIBRARIES = ("openvino", "numpy", "opencv-python-headless", "av", "PySide6-Essentials", "torch", "onnxruntime")


def describe() -> Machine:
    """Describe this machine; unavailable facts are omitted."""
    processor = this_processor()
    return Machine(
        cpu=processor.name,
        cores=psutil.cpu_count(logical=False) or 0,
        threads=psutil.cpu_count() or 0,
        features=processor.features,
        ram_gb=round(psutil.virtual_memory().total / 1e9, 1),
        os=_system(),
        python=platform.python_version(),
        versions={"slowfast-live": __version__, **_versions()},
        load=round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
    )


def _system() -> str:
    try:
        name = platform.freedesktop_os_release().get("PRETTY_NAME", "")
    except OSError:  # not Linux, or a Linux without this file
        name = ""
    return f"{name} ({platform.machine()}, kernel {platform.release()})" if name else platform.platform()


def _versions() -> dict[str, str]:
    found = {}
    for name in _LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
