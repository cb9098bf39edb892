"""What machine this is, so that a figure can be judged."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from pathlib import Path

import psutil

from slowfast_live import __version__
from slowfast_live.bench.results import Machine

_LIBRARIES = ("openvino", "numpy", "opencv-python-headless", "av", "PySide6-Essentials", "torch", "onnxruntime")
_FEATURES = ("avx2", "avx512f", "avx512_vnni", "avx_vnni", "avx512_bf16", "amx_bf16", "amx_int8", "asimd", "i8mm")
"""Instructions that decide how fast a network runs."""


def describe() -> Machine:
    """Describe this machine; what it does not tell is left out."""
    name, flags = _processor(Path("/proc/cpuinfo"))
    return Machine(
        cpu=name or platform.processor() or platform.machine(),
        cores=psutil.cpu_count(logical=False) or 0,
        threads=psutil.cpu_count() or 0,
        features=tuple(feature for feature in _FEATURES if feature in flags),
        ram_gb=round(psutil.virtual_memory().total / 1e9, 1),
        os=_system(),
        python=platform.python_version(),
        versions={"slowfast-live": __version__, **_versions()},
        load=round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
    )


def _processor(cpuinfo: Path) -> tuple[str, frozenset[str]]:
    """Return the processor's name and its flags, as Linux states them; ("", none) elsewhere."""
    try:
        lines = cpuinfo.read_text(errors="replace").splitlines()
    except OSError:
        return "", frozenset()
    found: dict[str, str] = {}
    for line in lines:
        key, _, value = line.partition(":")
        found.setdefault(key.strip().casefold(), value.strip())
    return found.get("model name", ""), frozenset(found.get("flags", found.get("features", "")).split())


def _system() -> str:
    try:
        told = platform.freedesktop_os_release().get("PRETTY_NAME", "")
    except OSError:  # not Linux, or one that does not say
        told = ""
    return f"{told} ({platform.machine()}, kernel {platform.release()})" if told else platform.platform()


def _versions() -> dict[str, str]:
    found = {}
    for name in _LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
