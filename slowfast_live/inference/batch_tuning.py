"""Choice, by measurement on this machine, of how many clips run in one request when several sources share a model.

Whether a batch is faster than as many requests of one clip depends on the processor, the precision and the network. So
each network is timed once with batches of a few sizes, and the choice is kept in the cache folder.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

import msgspec
import openvino as ov

from slowfast_live.inference.kept_timings import KeptTimings, conditions

log = logging.getLogger(__name__)

FILE = "batches.json"
SIZES = (2, 4)
"""Sizes that are tried. Batches of 9 were no faster than of 4 when they were measured, and hold labels up longer."""
MIN_GAIN = 1.25
"""How many times faster a clip must be in a batch than alone. A smaller gain is lost: clips wait for each other, and
their results come in bursts that hold the window up (measured, see docs/measurements.md)."""
_NEARLY = 1.03
"""A smaller batch that is slower by no more than this is preferred: its labels come earlier."""
MAX_BATCH_MS = 200.0
"""A batch that takes longer would hold labels up."""
_ROUNDS = 16
_MAX_S = 2.0
"""Longest duration of a measurement: on a slow or busy machine, fewer rounds are made."""


class BatchTiming(msgspec.Struct, frozen=True):
    """Milliseconds a clip, the shortest of several rounds with as many requests as the device runs at a time.

    Attributes:
        ms: Size of the batch -> milliseconds a clip; size 1 is always there.
    """

    ms: dict[int, float]

    @property
    def best(self) -> int:
        """The size to use; 1 if no batch is faster by enough."""
        fastest = min(self.ms.values())
        if self.ms[1] <= MIN_GAIN * fastest:
            return 1
        return min(size for size, ms in self.ms.items() if ms <= _NEARLY * fastest)


BatchTimer = Callable[[ov.Core, ov.Model, str, Mapping[str, Any], Sequence[int]], BatchTiming]


class BatchTuner:
    """Chooses how many clips run in one request. May be used from any thread.

    Args:
        folder: Folder in which the measurements are kept; see `KeptTimings`.
        measure: Times batches of given sizes.
    """

    def __init__(self, folder: Path, measure: BatchTimer | None = None) -> None:
        self._kept = KeptTimings(folder / FILE, BatchTiming)
        self._measure = measure or measure_batches

    def choose(
        self, core: ov.Core, network: ov.Model, device: str, config: Mapping[str, Any], name: str, most: int
    ) -> int:
        """Return how many clips to run in one request, at most `most`.

        Args:
            core: OpenVINO.
            network: The network, of one clip, before it is compiled.
            device: Name of the device.
            config: The properties that it will be compiled with.
            name: What identifies the network.
            most: Number of sources, which have at most as many clips ready at a time.
        """
        sizes = [size for size in SIZES if size <= most]
        if not sizes:
            return 1
        key = f"{conditions(core, device, config)} | {name} {list(network.inputs[0].shape)}, 1 to {sizes[-1]} clips"
        timing = self._kept.timing(key, lambda: self._measure(core, network, device, config, sizes))
        if timing is None:
            return 1
        known = ", ".join(f"{size}: {ms:.2f} ms" for size, ms in timing.ms.items())
        log.info("Clips in one request -> time of a clip of %s: %s; chosen: %d", name, known, timing.best)
        return timing.best


def resized(network: ov.Model, clips: int) -> ov.Model:
    """Return a copy of a network that takes so many clips at a time.

    Raises:
        RuntimeError: The network is made for one clip only.
    """
    copy: ov.Model = network.clone()
    copy.reshape([clips, *list(copy.inputs[0].shape)[1:]])
    return copy


def measure_batches(
    core: ov.Core, network: ov.Model, device: str, config: Mapping[str, Any], sizes: Sequence[int]
) -> BatchTiming:
    """Time batches of given sizes beside single clips, in turns.

    Raises:
        RuntimeError: OpenVINO cannot compile or run the network.
    """
    alone = _requests(core, network, 1, device, config)
    single_ms = _round_ms(alone, 1, 1)
    kinds = {1: alone}
    for size in sizes:
        if size * single_ms * len(alone) <= MAX_BATCH_MS:
            kinds[size] = _requests(core, network, size, device, config)
    best = dict.fromkeys(kinds, float("inf"))
    until_s = perf_counter() + _MAX_S
    for round_ in range(_ROUNDS):
        for size, requests in kinds.items():
            # As many clips of each size: on a busy machine, the best of many short rounds would favor single clips.
            best[size] = min(best[size], _round_ms(requests, size, max(kinds) // size))
        if round_ > 1 and perf_counter() > until_s:
            break
    return BatchTiming({size: round(ms, 3) for size, ms in best.items()})


def _requests(
    core: ov.Core, network: ov.Model, clips: int, device: str, config: Mapping[str, Any]
) -> list[ov.InferRequest]:
    compiled = core.compile_model(network if clips == 1 else resized(network, clips), device, dict(config))
    requests = [compiled.create_infer_request() for _ in range(parallel(compiled))]
    for request in requests:
        request.infer()
    return requests


def _round_ms(requests: Sequence[ov.InferRequest], clips: int, times: int) -> float:
    began_s = perf_counter()
    for _ in range(times):
        for request in requests:
            request.start_async()
        for request in requests:
            request.wait()
    return (perf_counter() - began_s) * 1000 / (clips * times * len(requests))


def parallel(compiled: ov.CompiledModel) -> int:
    """Return how many requests a compiled model runs at a time at best; 1 if its device does not report it."""
    try:
        return max(1, int(compiled.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS")))
    except (RuntimeError, TypeError, ValueError):
        return 1
