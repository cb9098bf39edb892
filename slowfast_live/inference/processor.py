"""The processor of this machine: its name, and the instruction sets that decide how fast a network runs."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from pathlib import Path

FEATURES = ("avx2", "avx512f", "avx512_vnni", "avx_vnni", "avx512_bf16", "amx_bf16", "amx_int8", "asimd", "i8mm")
"""Instruction sets that decide how fast a network runs."""


@dataclass(frozen=True, slots=True)
class Processor:
    """A processor.

    Attributes:
        name: As the system names it.
        features: Those of `FEATURES` that it has; empty on systems that do not list them.
    """

    name: str
    features: tuple[str, ...] = ()


def this_processor(cpuinfo: Path = Path("/proc/cpuinfo")) -> Processor:
    """Return the processor of this machine.

    Args:
        cpuinfo: The file in which Linux describes it; other systems have none.
    """
    try:
        lines = cpuinfo.read_text(errors="replace").splitlines()
    except OSError:
        lines = []
    found: dict[str, str] = {}
    for line in lines:
        key, _, value = line.partition(":")
        found.setdefault(key.strip().casefold(), value.strip())
    flags = frozenset(found.get("flags", found.get("features", "")).split())
    name = found.get("model name", "") or platform.processor() or platform.machine()
    return Processor(name, tuple(feature for feature in FEATURES if feature in flags))
