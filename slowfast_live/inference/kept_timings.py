"""Measurements of how fast something is on this machine, made once and kept in the cache folder."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec
import openvino as ov

from slowfast_live import files
from slowfast_live.inference.processor import this_processor

log = logging.getLogger(__name__)

Timing = TypeVar("Timing", bound=msgspec.Struct)


class KeptTimings(Generic[Timing]):
    """Timings by what they were measured for. May be used from any thread.

    Args:
        path: JSON file in which they are kept. One that cannot be read or written costs a new measurement in each
            process, nothing else.
        kind: Type of a timing.
    """

    def __init__(self, path: Path, kind: type[Timing]) -> None:
        self._path, self._kind = path, kind
        self._lock = threading.Lock()
        self._known: dict[str, Timing] | None = None

    def timing(self, key: str, measure: Callable[[], Timing]) -> Timing | None:
        """Return the timing for `key`, measured now if it is not known; None if it cannot be measured."""
        with self._lock:
            if self._known is None:
                self._known = self._load()
            if key not in self._known:
                try:
                    self._known[key] = measure()
                except RuntimeError as error:
                    log.warning("Timing %s failed: %s", key, error)
                    return None
                self._save()
            return self._known[key]

    def _load(self) -> dict[str, Timing]:
        try:
            # The type of the values is known at run time only.
            return msgspec.json.decode(self._path.read_bytes(), type=dict[str, self._kind])  # type: ignore[name-defined]
        except FileNotFoundError:
            return {}
        except (OSError, msgspec.MsgspecError) as error:
            log.warning("%s cannot be read and is made anew: %s", self._path, error)
            return {}

    def _save(self) -> None:
        try:
            with files.atomic(self._path) as part:
                part.write_bytes(msgspec.json.format(msgspec.json.encode(self._known)))
        except OSError as error:
            log.warning("%s cannot be written: %s", self._path, error)


def conditions(core: ov.Core, device: str, config: Mapping[str, Any]) -> str:
    """Return what timings on a device depend on beside what is timed: the machine, OpenVINO, and its properties."""
    processor = this_processor()
    asked = "".join(f", {key} {value}" for key, value in sorted(config.items()))
    limit = os.environ.get("ONEDNN_MAX_CPU_ISA", "")
    features = " ".join(processor.features)
    version = ov.get_version().split("-")[0]
    threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    name = core.get_property(device, "FULL_DEVICE_NAME")
    return f"{name} ({features}{limit and f', at most {limit}'}), {threads} threads, OpenVINO {version}{asked}"
