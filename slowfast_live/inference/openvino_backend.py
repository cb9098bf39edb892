"""The backend on OpenVINO."""

from __future__ import annotations

import json
import logging
import queue
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import openvino as ov

from slowfast_live import paths
from slowfast_live.core.priority import step_back
from slowfast_live.errors import DeviceError, ModelError
from slowfast_live.inference import spec as spec_module
from slowfast_live.inference.backend import Outcome, Request
from slowfast_live.inference.devices import list_devices, require_device
from slowfast_live.inference.precision import computes_in
from slowfast_live.inference.spec import Model, ModelSpec
from slowfast_live.types import F32, U8

log = logging.getLogger(__name__)

RT_INFO_KEY = "slowfast_live"
PROBABILITIES = "probabilities"
_MOST_REQUESTS = 32
_MOST_LIVE_REQUESTS = 4
_SUM_TOLERANCE = 0.02
"""Probabilities may miss a sum of 1 by this much: half precision over hundreds of classes."""


class OpenVinoRequest:
    """See `Request`. An infer request, started asynchronously, and the thread that waits for it.

    A thread instead of OpenVINO's callback: the callback is not called when an inference fails, and an
    exception that leaves it ends the process at the next call.
    """

    def __init__(self, compiled: ov.CompiledModel) -> None:
        self._request = compiled.create_infer_request()
        self._input = ov.Tensor(compiled.input(0).element_type, compiled.input(0).shape)
        self._request.set_input_tensor(self._input)
        self._orders: queue.SimpleQueue[Callable[[Outcome], None] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._serve, name="inference", daemon=True)
        self._thread.start()

    @property
    def clip(self) -> U8:
        """See `Request.clip`: a view of OpenVINO's own memory, so nothing is copied again."""
        return np.asarray(self._input.data[0], np.uint8)

    def start(self, done: Callable[[Outcome], None]) -> None:
        """See `Request.start`."""
        self._orders.put(done)

    def close(self) -> None:
        """End the thread, after what is running."""
        self._orders.put(None)
        self._thread.join()

    def _serve(self) -> None:
        step_back()
        while (done := self._orders.get()) is not None:
            outcome = self._infer()
            try:
                done(outcome)
            except Exception:
                log.exception("Taking the result of an inference failed")

    def _infer(self) -> Outcome:
        try:
            self._request.start_async()
            self._request.wait()
            # OpenVINO writes the next result into the same memory, so this one is copied.
            probs = np.array(self._request.get_tensor(PROBABILITIES).data[0], np.float32)
        except Exception as error:  # noqa: BLE001 - whatever a driver throws becomes the outcome
            return Outcome(None, error)
        if not np.isfinite(probs).all():
            return Outcome(None, ModelError("its output is not a number (NaN or infinite)"))
        return Outcome(probs)


class OpenVinoRunner:
    """See `Runner`."""

    def __init__(self, model: Model, device: str, compiled: ov.CompiledModel, requests: int) -> None:
        self.model = model
        self.device = device
        self.computes_in = computes_in(model.spec.precision, _told(compiled, "INFERENCE_PRECISION_HINT"))
        self.threads = _whole(compiled, "INFERENCE_NUM_THREADS")
        self.streams = _whole(compiled, "NUM_STREAMS")
        self._requests = tuple(OpenVinoRequest(compiled) for _ in range(requests))
        self._compiled: ov.CompiledModel | None = compiled

    @property
    def requests(self) -> tuple[Request, ...]:
        """See `Runner.requests`."""
        return self._requests

    def infer(self) -> Outcome:
        """Run the first request on what its clip holds, and wait for it: for measurements and warming up."""
        outcomes: queue.SimpleQueue[Outcome] = queue.SimpleQueue()
        self._requests[0].start(outcomes.put)
        return outcomes.get()

    def close(self) -> None:
        """See `Runner.close`."""
        for request in self._requests:
            request.close()
        self._requests = ()
        self._compiled = None


class OpenVinoBackend:
    """See `Backend`.

    Args:
        cache_dir: Where compiled models are kept, so that the second start is fast; None for the user's cache.
        config: Further OpenVINO properties, for measurements.
        throughput: As many windows a second as possible, several at a time, however long each takes: for files.
            Else each window as soon as possible.
    """

    def __init__(
        self, cache_dir: Path | None = None, config: dict[str, Any] | None = None, *, throughput: bool = False
    ) -> None:
        self._cache_dir = cache_dir if cache_dir is not None else paths.cache_dir() / "compiled"
        self._throughput = throughput
        self._config = {"PERFORMANCE_HINT": "THROUGHPUT" if throughput else "LATENCY", **(config or {})}
        self._core: ov.Core | None = None
        self._lock = threading.Lock()

    def compile(self, model: Model, device: str) -> OpenVinoRunner:
        """See `Backend.compile`."""
        with self._lock:
            if self._core is None:
                self._core = ov.Core()
            core = self._core
        network = _read(core, model)
        _check_interface(network, model)
        device = self._require(core, device)
        compiled = self._compile(core, network, model, device)
        try:
            runner = OpenVinoRunner(model, device, compiled, _request_count(device, compiled, self._throughput))
            _warm_up(runner)
        except RuntimeError as error:
            raise DeviceError(
                f"Model '{model.name}' was compiled for {device} but does not run there. Choose another device.",
                details=str(error),
            ) from error
        return runner

    def _require(self, core: ov.Core, device: str) -> str:
        if device.upper() == "CPU" and "CPU" in core.available_devices:
            return "CPU"  # the common case, without asking every device for its name
        return require_device(device, list_devices()).name

    def _compile(self, core: ov.Core, network: ov.Model, model: Model, device: str) -> ov.CompiledModel:
        try:
            self._cache_dir.mkdir(parents=True, exist_ok=True)
            return core.compile_model(network, device, {**self._config, "CACHE_DIR": str(self._cache_dir)})
        except (RuntimeError, OSError) as error:
            # A cache that is broken, full or read-only must not keep the model from running.
            log.warning("Compiling %s with the cache %s failed: %s", model.name, self._cache_dir, error)
        try:
            return core.compile_model(network, device, {**self._config, "CACHE_DIR": ""})
        except RuntimeError as error:
            raise DeviceError(
                f"Model '{model.name}' cannot be compiled for {device}. Choose another device or model.",
                details=str(error),
            ) from error


def _read(core: ov.Core, model: Model) -> ov.Model:
    path = model.folder / spec_module.IR_FILE
    try:
        return core.read_model(path)
    except RuntimeError as error:
        raise ModelError(
            f"{path} is not a readable OpenVINO model. Build it again with build_models.py.",
            details=str(error),
        ) from error


def _check_interface(network: ov.Model, model: Model) -> None:
    """Compare the network with its description, so that labels can never be shown for other outputs."""
    wanted = model.spec.input_shape
    inputs = network.inputs
    if len(inputs) != 1 or inputs[0].element_type != ov.Type.u8 or list(inputs[0].partial_shape) != list(wanted):
        found = "; ".join(f"{i.element_type.get_type_name()} {i.partial_shape}" for i in inputs)
        raise ModelError(
            f"Model '{model.name}' takes {found}, but its model.json describes one uint8 clip {wanted}. "
            "Build it again with build_models.py."
        )
    outputs = [output for output in network.outputs if PROBABILITIES in output.names]
    classes = len(model.spec.labels)
    if len(outputs) != 1 or list(outputs[0].partial_shape) != [1, classes]:
        found = "; ".join(f"{sorted(o.names)} {o.partial_shape}" for o in network.outputs)
        raise ModelError(
            f"Model '{model.name}' gives {found}, but its model.json names {classes} labels, for which an output "
            f"'{PROBABILITIES}' (1, {classes}) is expected. Build it again with build_models.py."
        )
    _check_embedded(network, model.spec, model.name)


def _check_embedded(network: ov.Model, spec: ModelSpec, name: str) -> None:
    if not network.has_rt_info(RT_INFO_KEY):
        return
    try:
        embedded = json.loads(str(network.get_rt_info(RT_INFO_KEY).astype(str)))
    except (ValueError, TypeError, RuntimeError) as error:
        raise ModelError(f"Model '{name}' carries a description that cannot be read.", details=str(error)) from error
    described = json.loads(msgspec.json.encode(spec))
    for field in ("labels", "clip", "trained"):
        if field in embedded and embedded[field] != described[field]:
            raise ModelError(
                f"Model '{name}' does not fit its model.json: '{field}' differs from what the network itself "
                "carries. Build it again with build_models.py."
            )


def _told(compiled: ov.CompiledModel, name: str) -> object:
    """Return a property of a compiled model; "" where its device does not know it."""
    try:
        return compiled.get_property(name)
    except RuntimeError:
        return ""


def _whole(compiled: ov.CompiledModel, name: str) -> int | None:
    try:
        return int(str(_told(compiled, name)))
    except ValueError:
        return None


def _request_count(device: str, compiled: ov.CompiledModel, throughput: bool) -> int:
    """Live: one request on the CPU; a second one would wait in line and make the label older, not the rate higher."""
    if device == "CPU" and not throughput:
        return 1
    most = _MOST_REQUESTS if throughput else _MOST_LIVE_REQUESTS
    try:
        return max(1, min(most, int(compiled.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS"))))
    except (RuntimeError, TypeError, ValueError):
        return 1


def _warm_up(runner: OpenVinoRunner) -> None:
    """Run every request once on a flat grey clip. Nothing of it is shown; it shows that the model works.

    Raises:
        ModelError: What comes out are no probabilities.
    """
    for request in runner.requests:
        request.clip.fill(127)
        outcomes: list[Outcome] = []
        finished = threading.Event()

        def done(outcome: Outcome, into: list[Outcome] = outcomes, event: threading.Event = finished) -> None:
            into.append(outcome)
            event.set()

        request.start(done)
        finished.wait()
        outcome = outcomes[0]
        if outcome.error is not None:
            if isinstance(outcome.error, ModelError):
                raise ModelError(f"Model '{runner.model.name}' does not work: {outcome.error}.") from outcome.error
            raise DeviceError(
                f"Model '{runner.model.name}' does not run on {runner.device}. Choose another device.",
                details=str(outcome.error),
            ) from outcome.error
        assert outcome.probs is not None
        _check_probabilities(outcome.probs, runner.model.name)


def _check_probabilities(probs: F32, name: str) -> None:
    if probs.min() < -_SUM_TOLERANCE or abs(float(probs.sum()) - 1) > _SUM_TOLERANCE:
        raise ModelError(
            f"Model '{name}' gives values that are no probabilities (sum {probs.sum():.3f}, smallest "
            f"{probs.min():.3f}). Build it again with build_models.py."
        )
