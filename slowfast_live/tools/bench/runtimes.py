"""Contenders that run a network without the app: plain OpenVINO, and OpenVINO as in its public notebooks."""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter
from typing import Any

import numpy as np
import openvino as ov

from slowfast_live.core.framing import CenterCrop
from slowfast_live.core.sampling import uniform_temporal_indices
from slowfast_live.errors import ModelError
from slowfast_live.inference.backend import DetectionRequest
from slowfast_live.inference.openvino_backend import OpenVinoBackend
from slowfast_live.inference.precision import execution_precision
from slowfast_live.inference.spec import IR_FILE, Model, ModelSpec
from slowfast_live.tools.bench.protocol import repeat
from slowfast_live.tools.bench.results import Facts, Measurement
from slowfast_live.types import F32, U8

_CONVOLUTIONS = frozenset({"Convolution", "GroupConvolution"})
_NOTEBOOK_SIZE = (480, 640)


class Bare:
    """The app's own compiled model, fed with the same clip repeatedly: the upper limit for the pipeline.

    Args:
        model: The model.
        device: OpenVINO device name.
        config: Additional OpenVINO properties.
    """

    def __init__(self, model: Model, device: str, config: dict[str, Any] | None = None) -> None:
        self._compiled = OpenVinoBackend(config=config).compile(model, device)
        clip = np.random.default_rng(0).integers(0, 256, model.spec.input_shape[1:], np.uint8)
        for request in self._compiled.requests:
            request.clip[:] = clip
            if isinstance(request, DetectionRequest):  # the central square, with one person in it
                request.boxes = np.array([[0, 0, clip.shape[2] - 1, clip.shape[1] - 1]], np.float32)

    def facts(self) -> Facts:
        """See `Contender.facts`."""
        compiled = self._compiled
        return Facts(compiled.execution_precision, compiled.threads, compiled.streams, ov.get_version().split("-")[0])

    def run(self, seconds: float) -> Measurement:
        """See `Contender.run`."""
        return repeat(self._compiled.infer, seconds)

    def shortest_ms(self, seconds: float, fewest: int) -> float:
        """Return the time of the shortest of at least `fewest` inferences, in milliseconds."""
        self._compiled.infer()
        times_s: list[float] = []
        until_s = perf_counter() + seconds
        while len(times_s) < fewest or perf_counter() < until_s:
            begin_s = perf_counter()
            self._compiled.infer()
            times_s.append(perf_counter() - begin_s)
        return 1000 * min(times_s)

    def close(self) -> None:
        """See `Contender.close`."""
        self._compiled.close()


class Notebook:
    """OpenVINO as in the public SlowFast notebooks: float inputs prepared with NumPy, one synchronous call per clip.

    The preprocessing built into our graph is removed; instead each clip's frames are resized, cropped, normalized and
    split in Python. OpenVINO's options keep their defaults.

    Args:
        model: The model.
        device: OpenVINO device name.
    """

    def __init__(self, model: Model, device: str) -> None:
        core = ov.Core()
        network = without_preprocessing(core.read_model(model.folder / IR_FILE), model.spec)
        self._compiled = core.compile_model(network, device)
        self._spec = model.spec
        shape = (model.spec.clip.frames, *_NOTEBOOK_SIZE, 3)
        self._pictures = list(np.random.default_rng(0).integers(0, 256, shape, np.uint8))

    def facts(self) -> Facts:
        """See `Contender.facts`."""
        compiled = self._compiled
        return Facts(
            execution_precision(self._spec.precision, compiled.get_property("INFERENCE_PRECISION_HINT")),
            int(compiled.get_property("INFERENCE_NUM_THREADS")),
            int(compiled.get_property("NUM_STREAMS")),
            ov.get_version().split("-")[0],
        )

    def predict(self) -> F32:
        """Classify one clip, including preprocessing: probabilities (K,)."""
        return self.classify(self._pictures)

    def classify(self, pictures: Sequence[U8]) -> F32:
        """Classify T frames, uint8 (H, W, 3), BGR: probabilities (K,)."""
        inputs = prepare(pictures, self._spec, [tuple(i.shape) for i in self._compiled.inputs])
        return np.array(self._compiled(inputs)["probabilities"][0], np.float32)

    def run(self, seconds: float) -> Measurement:
        """See `Contender.run`."""
        return repeat(self.predict, seconds)

    def close(self) -> None:
        """See `Contender.close`."""


def prepare(pictures: Sequence[U8], spec: ModelSpec, shapes: Sequence[tuple[int, ...]]) -> list[F32]:
    """Do the graph's preprocessing in NumPy: resize, crop, scale, normalize, change the layout, split into pathways.

    Args:
        pictures: T frames, uint8 (H, W, 3), BGR.
        spec: The model's description.
        shapes: (1, 3, t, S, S) of each input of the network; t is T or the Slow pathway's share of it.

    Returns:
        float32 of these shapes.
    """
    side = spec.clip.side
    crop = CenterCrop(side, spec.clip.resize_side)
    scaled = np.stack([crop.admit(picture) for picture in pictures]).astype(np.float32) / np.float32(255)
    clip = ((scaled - np.asarray(spec.mean, np.float32)) / np.asarray(spec.std, np.float32)).transpose(3, 0, 1, 2)[None]
    frames = spec.clip.frames
    return [
        np.ascontiguousarray(clip if shape[2] == frames else clip[:, :, uniform_temporal_indices(frames, shape[2])])
        for shape in shapes
    ]


def without_preprocessing(network: ov.Model, spec: ModelSpec) -> ov.Model:
    """Remove everything before the first convolutions: the network then takes float (1, 3, t, S, S) per input.

    Raises:
        ModelError: There is more than a cast, a normalization, a layout change and the split before them.
    """
    side, frames = spec.clip.side, spec.clip.frames
    parameters = []
    for convolution in _first_convolutions(network):
        source = convolution.input_value(0)
        shape = list(source.get_partial_shape().to_shape()) if source.get_partial_shape().is_static else []
        if len(shape) != 5 or shape[:2] != [1, 3] or shape[3:] != [side, side] or shape[2] > frames:
            raise ModelError(f"Its first convolution takes {source.get_partial_shape()}, not whole pictures.")
        parameter = ov.opset13.parameter(shape, ov.Type.f32)
        convolution.input(0).replace_source_output(parameter.output(0))
        parameters.append(parameter)
    if any(op.get_type_name() == "ReduceMean" for op in _between(network)):
        raise ModelError("Its preprocessing is more than a normalisation.")
    return ov.Model(network.results, parameters, "notebook")


def _between(network: ov.Model) -> list[Any]:
    """Return the operations that only the old input feeds, once the convolutions have other sources."""
    reached, queue = [], [network.inputs[0].get_node()]
    while queue:
        node = queue.pop()
        reached.append(node)
        queue += [target.get_node() for output in node.outputs() for target in output.get_target_inputs()]
    return reached


def _first_convolutions(network: ov.Model) -> list[Any]:
    behind: set[str] = set()
    found: list[Any] = []
    for op in network.get_ordered_ops():
        parents = {op.input_value(i).get_node().get_friendly_name() for i in range(op.get_input_size())}
        is_convolution = op.get_type_name() in _CONVOLUTIONS
        if is_convolution and not parents & behind:
            found.append(op)
        if is_convolution or parents & behind:
            behind.add(op.get_friendly_name())
    return found
