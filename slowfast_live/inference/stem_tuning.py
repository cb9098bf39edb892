"""Choice, by measurement on this machine, of the form in which a network's first convolutions are computed.

Which form is faster depends on the processor, on the precision that it computes in, and on the shapes. So each large
first convolution is timed once in both forms, with what stands before and directly behind it, and the choice is kept in
the cache folder. `space_to_depth` has the second form.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from math import prod
from pathlib import Path
from time import perf_counter
from typing import Any

import msgspec
import openvino as ov
from openvino import opset13 as ops

from slowfast_live.inference.kept_timings import KeptTimings, conditions
from slowfast_live.inference.space_to_depth import Stem, rewrite, stems

log = logging.getLogger(__name__)

FILE = "stems.json"
MIN_GAIN = 1.1
"""How many times faster the rewritten form must be to be chosen: less is within the noise of a short measurement."""
MIN_MULTIPLY_ADDS = 200_000_000
"""A first convolution with fewer takes a few milliseconds at most: there is nothing to gain, and its form stays."""
_ROUNDS = 6
_MAX_S = 2.0
"""Longest duration of a measurement: on a slow or busy machine, fewer rounds are made."""
_BEHIND = frozenset({"Add", "Multiply", "Relu", "Swish", "FakeQuantize", "MaxPool"})
"""What follows a first convolution and is computed together with it."""


class StemTiming(msgspec.Struct, frozen=True):
    """Milliseconds of a first convolution, the shortest of several runs.

    Attributes:
        direct_ms: As the network has it.
        rewritten_ms: As space-to-depth.
    """

    direct_ms: float
    rewritten_ms: float

    @property
    def rewritten_is_faster(self) -> bool:
        """Whether the rewritten form is faster by more than the noise."""
        return self.direct_ms > MIN_GAIN * self.rewritten_ms


StemTimer = Callable[[ov.Core, ov.Model, Stem, Mapping[str, Any]], StemTiming]


class StemTuner:
    """Rewrites the first convolutions of networks where that makes them faster on this machine.

    May be used from any thread.

    Args:
        folder: Folder in which the measurements are kept. One that cannot be read or written costs a new measurement
            in each process, nothing else.
        measure: Times one convolution in both forms.
    """

    def __init__(self, folder: Path, measure: StemTimer | None = None) -> None:
        self._kept = KeptTimings(folder / FILE, StemTiming)
        self._measure = measure or measure_stem

    def tune(self, core: ov.Core, network: ov.Model, config: Mapping[str, Any]) -> dict[str, StemTiming]:
        """Rewrite a network for the CPU in place; it computes the same function as before.

        Args:
            core: OpenVINO.
            network: The network, before it is compiled.
            config: The properties that it will be compiled with.

        Returns:
            The timings of its large first convolutions, by their geometry.
        """
        timings: dict[str, StemTiming] = {}
        for _op, stem in stems(network):
            if multiply_adds(stem) >= MIN_MULTIPLY_ADDS and (timing := self._timing(core, network, stem, config)):
                timings[stem.key] = timing
        chosen = {key for key, timing in timings.items() if timing.rewritten_is_faster}
        if chosen:  # else the network stays as it is; looking through it once is enough
            rewrite(network, lambda stem: stem.key in chosen)
        return timings

    def _timing(self, core: ov.Core, network: ov.Model, stem: Stem, config: Mapping[str, Any]) -> StemTiming | None:
        key = f"{conditions(core, 'CPU', _relevant(config))} | {stem.key}"
        timing = self._kept.timing(key, lambda: self._measure(core, network, stem, config))
        if timing is not None:
            log.info("First convolution %s: %.1f ms, %.1f rewritten", stem.key, timing.direct_ms, timing.rewritten_ms)
        return timing


def multiply_adds(stem: Stem) -> int:
    """Return the multiply-adds of a convolution, in the form that the network has."""
    outputs = [
        (size + before + after - kernel) // stride + 1
        for size, before, after, kernel, stride in zip(
            stem.clip[2:], stem.pads, stem.pads_end, stem.weights[2:], stem.strides, strict=True
        )
    ]
    return prod(stem.weights) * prod(outputs) * stem.clip[0]


def measure_stem(core: ov.Core, network: ov.Model, stem: Stem, config: Mapping[str, Any]) -> StemTiming:
    """Time a first convolution of `network` in both forms, in turns.

    Raises:
        RuntimeError: OpenVINO cannot compile or run one of them.
    """
    properties = {**_relevant(config), "PERFORMANCE_HINT": "LATENCY"}
    requests = []
    for rewritten in (False, True):
        part = part_up_to(network, stem)
        if rewritten:
            rewrite(part, lambda other: other == stem)
        requests.append(core.compile_model(part, "CPU", properties).create_infer_request())
    for request in requests:
        request.infer()
    best = [float("inf"), float("inf")]
    until_s = perf_counter() + _MAX_S
    for round_ in range(_ROUNDS):
        for number, request in enumerate(requests):
            began_s = perf_counter()
            request.infer()
            best[number] = min(best[number], perf_counter() - began_s)
        if round_ and perf_counter() > until_s:
            break
    return StemTiming(round(1000 * best[0], 3), round(1000 * best[1], 3))


def part_up_to(network: ov.Model, stem: Stem) -> ov.Model:
    """Return a copy of a network that ends with one of its first convolutions and what is computed together with it."""
    copy = network.clone()
    last = next(op for op, other in stems(copy) if other == stem).output(0)
    while len(targets := last.get_target_inputs()) == 1:
        follower = next(iter(targets)).get_node()
        if follower.get_type_name() not in _BEHIND:
            break
        last = follower.output(0)
    return ov.Model([ops.result(last)], copy.get_parameters(), "stem")


def _relevant(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the properties that matter to a form's time; latency and throughput share one choice."""
    return {key: value for key, value in config.items() if key not in ("CACHE_DIR", "PERFORMANCE_HINT")}
