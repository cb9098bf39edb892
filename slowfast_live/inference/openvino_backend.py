"""Backend based on OpenVINO."""

from __future__ import annotations

import json
import logging
import threading
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import openvino as ov

from slowfast_live import paths
from slowfast_live.errors import DeviceError, ModelError
from slowfast_live.inference import spec as spec_module
from slowfast_live.inference.backend import BatchRequest, InferRequest, InferResult, infer_once
from slowfast_live.inference.batch_tuning import BatchTuner, parallel, resized
from slowfast_live.inference.building import BUILD_COMMAND
from slowfast_live.inference.detection import OpenVinoDetection, compile_detection
from slowfast_live.inference.devices import list_devices, require_device
from slowfast_live.inference.encoded_once import EncodedOnce, EncodesOnce, divide
from slowfast_live.inference.precision import execution_precision, property_of, whole_property
from slowfast_live.inference.spec import PROBABILITIES, Clip, Model, ModelSpec
from slowfast_live.inference.stem_tuning import StemTuner
from slowfast_live.inference.threaded_request import ThreadedCall, ThreadedRequest
from slowfast_live.messages import Message
from slowfast_live.types import F32, U8

log = logging.getLogger(__name__)

RT_INFO_KEY = "slowfast_live"
_BUILD_AGAIN = Message("Build it again with `{build_command}`.", build_command=BUILD_COMMAND)
_BESIDE_OTHERS = {"ENABLE_CPU_PINNING": False}
"""Properties of live inference on the processor. A layer ends when all threads have; one that is pinned waits for its
core if something else runs there, and the others wait for it. See docs/decisions/0013-threads-are-not-pinned.md."""
_MAX_REQUESTS = 32
_MAX_LIVE_REQUESTS = 4
_SUM_TOLERANCE = 0.02
"""Tolerance for the sum of the probabilities, for half precision over hundreds of classes."""


def compiled_dir() -> Path:
    """Return the folder of the user's cache for compiled models and for what was measured to compile them well."""
    return paths.cache_dir() / "compiled"


class OpenVinoInferRequest(ThreadedRequest):
    """An asynchronous OpenVINO infer request, and the thread that waits for it.

    A thread is used instead of OpenVINO's callback, because the callback is not called when an inference fails, and an
    exception in it ends the process at the next call.
    """

    def __init__(self, compiled: ov.CompiledModel, once: EncodedOnce | None = None) -> None:
        self._request = compiled.create_infer_request()
        self._input = ov.Tensor(compiled.input(0).element_type, compiled.input(0).shape)
        self._request.set_input_tensor(self._input)
        self._once = once
        super().__init__()

    @property
    def clip(self) -> U8:
        """The input buffer, uint8 (T, S, S, 3): a view of OpenVINO's own memory, so nothing is copied."""
        return np.asarray(self._input.data[0], np.uint8)

    def infer(self) -> InferResult:
        """See `ThreadedCall.infer`."""
        probs = self._shared()
        return _results(self._request, 1)[0] if probs is None else _result(probs)

    def _shared(self) -> F32 | None:
        """Return the scores from pictures that were encoded before; None where the whole network has to run."""
        if self._once is None:
            return None
        try:
            return self._once.infer(self.clip)
        except Exception:  # drivers may raise anything; the whole network says what is wrong
            log.exception("Encoding single pictures failed; whole clips are encoded from now on")
            self._once = None
            return None


class OpenVinoBatchRequest(ThreadedCall[tuple[InferResult, ...]]):
    """An infer request of several clips; see `BatchRequest`."""

    def __init__(self, compiled: ov.CompiledModel) -> None:
        self._request = compiled.create_infer_request()
        self._input = ov.Tensor(compiled.input(0).element_type, compiled.input(0).shape)
        self._request.set_input_tensor(self._input)
        super().__init__()

    @property
    def clips(self) -> U8:
        """The input buffer, uint8 (B, T, S, S, 3): a view of OpenVINO's own memory, so nothing is copied."""
        return np.asarray(self._input.data, np.uint8)

    def infer(self) -> tuple[InferResult, ...]:
        """See `ThreadedCall.infer`."""
        return _results(self._request, len(self._input.data))


def _results(request: ov.InferRequest, clips: int) -> tuple[InferResult, ...]:
    """Run a request on its input and return the result of each clip."""
    try:
        request.start_async()
        request.wait()
        # Copied, because OpenVINO writes the next result to the same memory.
        probs = np.array(request.get_tensor(PROBABILITIES).data, np.float32)
    except Exception as error:  # noqa: BLE001 - drivers may raise anything; it becomes the result
        return (InferResult(None, error),) * clips
    return tuple(_result(each) for each in probs)


def _result(probs: F32) -> InferResult:
    if np.isfinite(probs).all():
        return InferResult(probs)
    return InferResult(None, ModelError(Message("its output is not a number (NaN or infinite)")))


class OpenVinoCompiledModel:
    """A model compiled by OpenVINO, with its infer requests.

    Args:
        model: The model.
        device: Its device.
        compiled: The network of one clip.
        requests: How many requests may run at the same time.
        batched: The network of several clips; None if that is not faster, or only one source uses the model.
        parts: Encoder and decoder of a network that encodes each picture by itself; None for others.
    """

    def __init__(
        self,
        model: Model,
        device: str,
        compiled: ov.CompiledModel,
        requests: int,
        batched: ov.CompiledModel | None = None,
        parts: EncodesOnce | None = None,
    ) -> None:
        self.model = model
        self.device = device
        self.execution_precision = execution_precision(
            model.spec.precision, property_of(compiled, "INFERENCE_PRECISION_HINT")
        )
        self.threads = whole_property(compiled, "INFERENCE_NUM_THREADS")
        self.streams = whole_property(compiled, "NUM_STREAMS")
        self._requests = tuple(
            OpenVinoInferRequest(compiled, parts.request() if parts is not None else None) for _ in range(requests)
        )
        self._batches = tuple(OpenVinoBatchRequest(batched) for _ in range(requests)) if batched is not None else ()
        self._compiled: ov.CompiledModel | None = compiled

    @property
    def requests(self) -> tuple[InferRequest, ...]:
        """The infer requests that may run at the same time."""
        return self._requests

    @property
    def batches(self) -> tuple[BatchRequest, ...]:
        """See `RunsBatches.batches`."""
        return self._batches

    def infer(self) -> InferResult:
        """Run the first request on its current clip and wait for the result; for benchmarks and warm-up."""
        return infer_once(self._requests[0])

    def close(self) -> None:
        """Wait for running requests and release all resources."""
        for request in self._requests:
            request.close()
        for batch in self._batches:
            batch.close()
        self._requests = self._batches = ()
        self._compiled = None


class OpenVinoBackend:
    """Compiles models with OpenVINO.

    Args:
        cache_dir: Folder for compiled models, which makes the next start fast; None for the user's cache.
        config: Additional OpenVINO properties, for benchmarks.
        throughput: Maximize frame windows per second by running several at a time, for files. Otherwise minimize the
            latency of each one.
        together: How many sources share each model. With more than one, several clips run in one request where that is
            faster on this machine.
    """

    def __init__(
        self,
        cache_dir: Path | None = None,
        config: dict[str, Any] | None = None,
        *,
        throughput: bool = False,
        together: int = 1,
    ) -> None:
        self._cache_dir = cache_dir if cache_dir is not None else compiled_dir()
        self._throughput, self._together = throughput, together
        self._config = {"PERFORMANCE_HINT": "THROUGHPUT" if throughput else "LATENCY", **(config or {})}
        self._tuner = StemTuner(self._cache_dir)
        self._batch_tuner = BatchTuner(self._cache_dir)
        self._core: ov.Core | None = None
        self._lock = threading.Lock()

    def compile(self, model: Model, device: str) -> OpenVinoCompiledModel | OpenVinoDetection:
        """Compile `model` for `device`, check its inputs and outputs, and warm it up."""
        with self._lock:
            if self._core is None:
                self._core = ov.Core()
            core = self._core
        if model.spec.detects:
            return self._compile_detection(core, model, device)
        network = _read(core, model)
        _check_interface(network, model)
        device = self._require(core, device)
        if device == "CPU":
            self._tuner.tune(core, network, self._config)
        compiled = self._compile(core, network, model, device)
        batched = self._batched(core, network, model, device)
        try:
            requests = _request_count(device, compiled, self._throughput)
            parts = self._parts(core, network, model, device)
            wrapped = OpenVinoCompiledModel(model, device, compiled, requests, batched, parts)
            _warm_up(wrapped)
        except RuntimeError as error:
            raise DeviceError(
                Message(
                    "Model '{name}' was compiled for {device} but does not run there. Choose another device.",
                    name=model.name,
                    device=device,
                ),
                details=str(error),
            ) from error
        return wrapped

    def _compile_detection(self, core: ov.Core, model: Model, device: str) -> OpenVinoDetection:
        """Compile a model that scores what each person does; more than one clip at a time makes none of them faster."""
        backbone, head = _read(core, model), _read(core, model, spec_module.HEAD_FILE)
        for half in (backbone, head):
            _check_embedded(half, model.spec, model.name)
        device = self._require(core, device)
        config = {**self._config, "PERFORMANCE_HINT": "LATENCY"}
        return compile_detection(
            backbone,
            head,
            model,
            device,
            lambda half: self._compile(core, half, model, device, config),
            live=not self._throughput,
        )

    def _parts(self, core: ov.Core, network: ov.Model, model: Model, device: str) -> EncodesOnce | None:
        """Compile encoder and decoder, if the network encodes each picture by itself."""
        divided = divide(network)
        if divided is None:
            return None
        try:
            return EncodesOnce([self._compile(core, part, model, device) for part in divided])
        except (RuntimeError, DeviceError) as error:
            log.warning("%s encodes whole clips, as its parts cannot be compiled: %s", model.name, error)
            return None

    def _batched(self, core: ov.Core, network: ov.Model, model: Model, device: str) -> ov.CompiledModel | None:
        """Compile the network for several clips, if more than one source uses it and that is faster."""
        if self._together < 2:
            return None
        name = f"{model.name}, {(model.folder / spec_module.WEIGHTS_FILE).stat().st_size} bytes"
        clips = self._batch_tuner.choose(core, network, device, self._config, name, self._together)
        if clips == 1:
            return None
        try:
            return self._compile(core, resized(network, clips), model, device)
        except (RuntimeError, DeviceError) as error:
            log.warning("%s runs on single clips, as %d at a time cannot be compiled: %s", model.name, clips, error)
            return None

    def _require(self, core: ov.Core, device: str) -> str:
        if device.upper() == "CPU" and "CPU" in core.available_devices:
            return "CPU"  # the common case, without querying the name of every device
        return require_device(device, list_devices()).name

    def _compile(
        self, core: ov.Core, network: ov.Model, model: Model, device: str, config: dict[str, Any] | None = None
    ) -> ov.CompiledModel:
        beside = _BESIDE_OTHERS if device == "CPU" and not self._throughput else {}
        config = {**beside, **(self._config if config is None else config)}
        try:
            self._cache_dir.mkdir(parents=True, exist_ok=True)
            return core.compile_model(network, device, {**config, "CACHE_DIR": str(self._cache_dir)})
        except (RuntimeError, OSError) as error:
            # A cache that is damaged, full or read-only must not keep the model from running.
            log.warning("Compiling %s with the cache %s failed: %s", model.name, self._cache_dir, error)
        try:
            return core.compile_model(network, device, {**config, "CACHE_DIR": ""})
        except RuntimeError as error:
            raise DeviceError(
                Message(
                    "Model '{name}' cannot be compiled for {device}. Choose another device or model.",
                    name=model.name,
                    device=device,
                ),
                details=str(error),
            ) from error


def input_name(model: Model) -> str:
    """Return the name of a model's input.

    Raises:
        ModelError: The model cannot be read, or does not fit its description.
    """
    if model.spec.detects:
        raise ModelError(
            Message(
                "Model '{name}' scores what each person does, in two networks: it runs on this machine only.",
                name=model.name,
            )
        )
    network = _read(ov.Core(), model)
    _check_interface(network, model)
    return str(network.inputs[0].any_name)


def _read(core: ov.Core, model: Model, file: str = spec_module.IR_FILE) -> ov.Model:
    path = model.folder / file
    try:
        return core.read_model(path)
    except RuntimeError as error:
        raise ModelError(
            Message("{path} is not a readable OpenVINO model. {build_again}", path=path, build_again=_BUILD_AGAIN),
            details=str(error),
        ) from error


def _check_interface(network: ov.Model, model: Model) -> None:
    """Compare the network with its description, so that labels can never be shown for the wrong outputs."""
    wanted = model.spec.input_shape
    inputs = network.inputs
    if len(inputs) != 1 or inputs[0].element_type != ov.Type.u8 or list(inputs[0].partial_shape) != list(wanted):
        found = "; ".join(f"{i.element_type.get_type_name()} {i.partial_shape}" for i in inputs)
        raise ModelError(
            Message(
                "Model '{name}' takes {found}, but its model.json describes one uint8 clip {wanted}. {build_again}",
                name=model.name,
                found=found,
                wanted=wanted,
                build_again=_BUILD_AGAIN,
            )
        )
    outputs = [output for output in network.outputs if PROBABILITIES in output.names]
    classes = len(model.spec.labels)
    if len(outputs) != 1 or list(outputs[0].partial_shape) != [1, classes]:
        found = "; ".join(f"{sorted(o.names)} {o.partial_shape}" for o in network.outputs)
        raise ModelError(
            Message(
                "Model '{name}' gives {found}, but its model.json names {classes} labels, for which an output "
                "'{probabilities}' (1, {classes}) is expected. {build_again}",
                name=model.name,
                found=found,
                classes=classes,
                probabilities=PROBABILITIES,
                build_again=_BUILD_AGAIN,
            )
        )
    _check_embedded(network, model.spec, model.name)


def _check_embedded(network: ov.Model, spec: ModelSpec, name: str) -> None:
    if not network.has_rt_info(RT_INFO_KEY):
        return
    try:
        embedded = json.loads(str(network.get_rt_info(RT_INFO_KEY).astype(str)))
        described = json.loads(msgspec.json.encode(spec))
        for kind in (embedded, described):
            if "clip" in kind:
                # Fields that newer versions added have defaults; the span is chosen by the user.
                kind["clip"] = msgspec.structs.replace(msgspec.convert(kind["clip"], Clip), span_s=None)
                if spec.detects:  # the head takes boxes in any part of the picture
                    kind["clip"] = msgspec.structs.replace(kind["clip"], crop="whole")
    except (ValueError, TypeError, RuntimeError) as error:  # including msgspec's
        raise ModelError(
            Message("Model '{name}' carries a description that cannot be read.", name=name), details=str(error)
        ) from error
    for field in ("labels", "clip", "trained", "activation", "task"):
        if field in embedded and embedded[field] != described[field]:
            raise ModelError(
                Message(
                    "Model '{name}' does not fit its model.json: '{field}' differs from what the network itself "
                    "carries. {build_again}",
                    name=name,
                    field=field,
                    build_again=_BUILD_AGAIN,
                )
            )


def _request_count(device: str, compiled: ov.CompiledModel, throughput: bool) -> int:
    """Return the number of requests: live, one on the CPU, as a second one would only increase the labels' latency."""
    if device == "CPU" and not throughput:
        return 1
    return min(_MAX_REQUESTS if throughput else _MAX_LIVE_REQUESTS, parallel(compiled))


def _warm_up(wrapped: OpenVinoCompiledModel) -> None:
    """Run every request once on a plain gray clip to verify that the model works; the results are not shown.

    Raises:
        ModelError: The outputs are not probabilities.
        DeviceError: The model does not run on its device.
    """
    for request in wrapped.requests:
        request.clip.fill(127)
        result = infer_once(request)
        if result.error is not None:
            if isinstance(result.error, ModelError):
                raise ModelError(
                    Message("Model '{name}' does not work: {error}.", name=wrapped.model.name, error=result.error)
                ) from result.error
            raise DeviceError(
                Message(
                    "Model '{name}' does not run on {device}. Choose another device.",
                    name=wrapped.model.name,
                    device=wrapped.device,
                ),
                details=str(result.error),
            ) from result.error
        assert result.probs is not None
        _check_probabilities(result.probs, wrapped.model)


def _check_probabilities(probs: F32, model: Model) -> None:
    """Verify the sum of the scores, or, if each label is scored by itself, that each is in 0..1."""
    wrong = probs.min() < -_SUM_TOLERANCE or probs.max() > 1 + _SUM_TOLERANCE
    if wrong or (not model.spec.several and abs(float(probs.sum()) - 1) > _SUM_TOLERANCE):
        raise ModelError(
            Message(
                "Model '{name}' gives values that are no probabilities (sum {total:.3f}, smallest {least:.3f}, "
                "largest {most:.3f}). {build_again}",
                name=model.name,
                total=probs.sum(),
                least=probs.min(),
                most=probs.max(),
                build_again=_BUILD_AGAIN,
            )
        )
