"""Runs models that score what each person does: the backbone once a clip, the head for the boxes of the people."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

import msgspec
import numpy as np
import openvino as ov

from slowfast_live.errors import DeviceError, ModelError
from slowfast_live.inference.backend import InferRequest, InferResult, infer_once
from slowfast_live.inference.building import BUILD_COMMAND
from slowfast_live.inference.precision import execution_precision, property_of, whole_property
from slowfast_live.inference.spec import BOXES, FEATURES, PROBABILITIES, Model
from slowfast_live.inference.threaded_request import ThreadedRequest
from slowfast_live.messages import Message
from slowfast_live.types import F32, U8

log = logging.getLogger(__name__)

CARRIES_WHOLE_S = 1.0
"""A machine that takes longer for a clip of whole wide pictures sees their central squares in a live picture.

AVA's people are labeled once a second, so that an answer a second is what the networks were made for.
"""
_WIDE = 16 / 9
_MOST_PEOPLE = 50
_TOLERANCE = 0.02
_BUILD_AGAIN = Message("Build it again with `{build_command}`.", build_command=BUILD_COMMAND)

Compile = Callable[[ov.Model], ov.CompiledModel]


class OpenVinoDetectionRequest(ThreadedRequest):
    """One inference at a time of backbone and head; see `DetectionRequest`."""

    def __init__(self, backbone: ov.CompiledModel, head: ov.CompiledModel, model: Model) -> None:
        self._backbone, self._head = backbone.create_infer_request(), head.create_infer_request()
        self._classes = len(model.spec.labels)
        self._clip = np.zeros(model.spec.input_shape[1:], np.uint8)
        self.boxes: F32 = np.zeros((0, 4), np.float32)
        super().__init__()

    @property
    def clip(self) -> U8:
        """The input buffer, uint8 (T, H, W, 3), with the size given to `fit`."""
        return self._clip

    def fit(self, height: int, width: int) -> None:
        """See `DetectionRequest.fit`."""
        frames, *size, _ = self._clip.shape
        if size != [height, width]:
            self._clip = np.zeros((frames, height, width, 3), np.uint8)

    def infer(self) -> InferResult:
        """See `ThreadedRequest.infer`; without boxes nothing is run."""
        if not len(self.boxes):
            return InferResult(None, people=np.zeros((0, self._classes), np.float32))
        try:
            self._backbone.infer({0: ov.Tensor(self._clip[None])})
            self._head.set_tensor(FEATURES, self._backbone.get_tensor(FEATURES))
            self._head.set_tensor(BOXES, ov.Tensor(np.ascontiguousarray(self.boxes[:_MOST_PEOPLE], np.float32)))
            self._head.infer()
            # Copied, because OpenVINO writes the next result to the same memory.
            people = np.array(self._head.get_tensor(PROBABILITIES).data, np.float32)
        except Exception as error:  # noqa: BLE001 - drivers may raise anything; it becomes the result
            return InferResult(None, error)
        if not np.isfinite(people).all():
            return InferResult(None, ModelError(Message("its output is not a number (NaN or infinite)")))
        return InferResult(None, people=people)


class OpenVinoDetection:
    """A compiled detection model, with its one request; see `CompiledModel`."""

    def __init__(self, model: Model, device: str, backbone: ov.CompiledModel, head: ov.CompiledModel) -> None:
        self.model, self.device = model, device
        hint = property_of(backbone, "INFERENCE_PRECISION_HINT")
        self.execution_precision = execution_precision(model.spec.precision, hint)
        self.threads = whole_property(backbone, "INFERENCE_NUM_THREADS")
        self.streams = whole_property(backbone, "NUM_STREAMS")
        self.request = OpenVinoDetectionRequest(backbone, head, model)
        self._closed = False

    @property
    def requests(self) -> tuple[InferRequest, ...]:
        """The one request; more at a time would only increase the latency."""
        return () if self._closed else (self.request,)

    def infer(self) -> InferResult:
        """Run the request on its current clip and boxes, and wait for the result."""
        return infer_once(self.request)

    def close(self) -> None:
        """Wait for the running request and release all resources."""
        if not self._closed:
            self._closed = True
            self.request.close()


def compile_detection(
    backbone: ov.Model, head: ov.Model, model: Model, device: str, compile_one: Compile, *, live: bool
) -> OpenVinoDetection:
    """Compile both halves of a model, check them against its description, and run them once.

    Args:
        backbone: The first half.
        head: The second half.
        model: The model.
        device: OpenVINO device.
        compile_one: Compiles a half.
        live: Whether to choose between the whole picture and its central square by the time that this machine takes;
            otherwise the model sees what its description says.

    Raises:
        ModelError: The halves do not fit the description, or give no scores.
        DeviceError: The device cannot run them.
    """
    _check_halves(backbone, head, model)
    compiled = OpenVinoDetection(model, device, compile_one(backbone), compile_one(head))
    try:
        spec = model.spec
        wide = spec.clip.crop == "whole"
        took_s = _warm_up(compiled, round(_WIDE * spec.clip.side) if wide else spec.clip.side, again=live and wide)
        if live and wide and took_s > CARRIES_WHOLE_S:
            log.info("%s takes %.2f s for whole pictures, and sees their central squares.", model.name, took_s)
            square = msgspec.structs.replace(spec, clip=msgspec.structs.replace(spec.clip, crop="centre"))
            compiled.model = Model(model.folder, square)
    except BaseException:
        compiled.close()
        raise
    return compiled


def _check_halves(backbone: ov.Model, head: ov.Model, model: Model) -> None:
    clip, classes = model.spec.clip, len(model.spec.labels)
    inputs = backbone.inputs
    fits = len(inputs) == 1 and inputs[0].element_type == ov.Type.u8
    if not fits or not inputs[0].partial_shape.compatible(ov.PartialShape([1, clip.frames, clip.side, clip.side, 3])):
        found = "; ".join(f"{i.element_type.get_type_name()} {i.partial_shape}" for i in inputs)
        raise ModelError(
            Message(
                "Model '{name}' takes {found}, but its model.json describes one uint8 clip (1, {frames}, height, "
                "width, 3). {build_again}",
                name=model.name,
                found=found,
                frames=clip.frames,
                build_again=_BUILD_AGAIN,
            )
        )
    names = {name for port in head.inputs for name in port.names}
    scores = [output for output in head.outputs if PROBABILITIES in output.names]
    gives = [output for output in backbone.outputs if FEATURES in output.names]
    several = (
        all(scores[0].partial_shape.compatible(ov.PartialShape([n, classes])) for n in (1, 3)) if scores else False
    )
    if not gives or not {FEATURES, BOXES} <= names or not several:
        found = "; ".join(
            f"{sorted(o.names)} {o.partial_shape}" for o in (*backbone.outputs, *head.inputs, *head.outputs)
        )
        raise ModelError(
            Message(
                "Model '{name}' has {found}, but its model.json names {classes} labels, for which a map "
                "'{features}', '{boxes}' (people, 4) and an output '{probabilities}' (people, {classes}) are "
                "expected. {build_again}",
                name=model.name,
                found=found,
                classes=classes,
                features=FEATURES,
                boxes=BOXES,
                probabilities=PROBABILITIES,
                build_again=_BUILD_AGAIN,
            )
        )


def _warm_up(compiled: OpenVinoDetection, width: int, *, again: bool) -> float:
    """Run on a plain gray clip with one and three people; return the shortest time of a run, in seconds."""
    request, model, side = compiled.request, compiled.model, compiled.model.spec.clip.side
    request.fit(side, width)
    request.clip.fill(127)
    shortest_s = float("inf")
    for count in (1, 3, 3) if again else (3,):
        request.boxes = np.array([[0.0, 0.0, width - 1, side - 1]] * count, np.float32)
        began_s = time.perf_counter()
        result = infer_once(request)
        shortest_s = min(shortest_s, time.perf_counter() - began_s)
        if isinstance(result.error, ModelError):
            raise ModelError(
                Message("Model '{name}' does not work: {error}.", name=model.name, error=result.error)
            ) from result.error
        if result.people is None:
            raise DeviceError(
                Message(
                    "Model '{name}' does not run on {device}. Choose another device.",
                    name=model.name,
                    device=compiled.device,
                ),
                details=str(result.error),
            ) from result.error
        people = result.people
        if (
            people.shape != (count, len(model.spec.labels))
            or people.min() < -_TOLERANCE
            or people.max() > 1 + _TOLERANCE
        ):
            raise ModelError(
                Message(
                    "Model '{name}' gives values {shape} from {least:.3f} to {most:.3f} for {count} people: "
                    "expected a score in 0..1 for each of {labels} labels. {build_again}",
                    name=model.name,
                    shape=people.shape,
                    least=people.min(),
                    most=people.max(),
                    count=count,
                    labels=len(model.spec.labels),
                    build_again=_BUILD_AGAIN,
                )
            )
    return shortest_s
