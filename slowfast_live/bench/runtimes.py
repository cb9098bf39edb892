"""Contenders that run a network as bare as can be: OpenVINO alone, and OpenVINO as its public notebooks use it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import openvino as ov

from slowfast_live.bench.results import Facts, Reading
from slowfast_live.bench.turns import repeat
from slowfast_live.core.framing import CentreCrop
from slowfast_live.core.sampling import uniform_temporal_indices
from slowfast_live.errors import ModelError
from slowfast_live.inference.openvino_backend import OpenVinoBackend, OpenVinoRunner
from slowfast_live.inference.precision import computes_in
from slowfast_live.inference.spec import IR_FILE, Model, ModelSpec
from slowfast_live.types import F32, U8

_CONVOLUTIONS = frozenset({"Convolution", "GroupConvolution"})
_NOTEBOOK_SIZE = (480, 640)


class Bare:
    """The app's own compiled model, fed with one clip again and again: what the pipeline has to come close to.

    Args:
        model: The model.
        device: OpenVINO's name.
        config: Further OpenVINO properties.
    """

    def __init__(self, model: Model, device: str, config: dict[str, Any] | None = None) -> None:
        self._runner: OpenVinoRunner = OpenVinoBackend(config=config).compile(model, device)
        clip = np.random.default_rng(0).integers(0, 256, model.spec.input_shape[1:], np.uint8)
        for request in self._runner.requests:
            request.clip[:] = clip

    def facts(self) -> Facts:
        """See `Contender.facts`."""
        runner = self._runner
        return Facts(runner.computes_in, runner.threads, runner.streams, ov.get_version().split("-")[0])

    def run(self, seconds: float) -> Reading:
        """See `Contender.run`."""
        return repeat(self._runner.infer, seconds)

    def close(self) -> None:
        """See `Contender.close`."""
        self._runner.close()


class Notebook:
    """OpenVINO as the public SlowFast notebooks use it: float inputs, prepared with NumPy, one synchronous call a clip.

    The preprocessing that our graph holds is cut off, and each clip's pictures are resized, cropped, normalised and
    split in Python. OpenVINO's options are left as they are.

    Args:
        model: The model.
        device: OpenVINO's name.
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
            computes_in(self._spec.precision, compiled.get_property("INFERENCE_PRECISION_HINT")),
            int(compiled.get_property("INFERENCE_NUM_THREADS")),
            int(compiled.get_property("NUM_STREAMS")),
            ov.get_version().split("-")[0],
        )

    def predict(self) -> F32:
        """Classify one clip, preprocessing included: probabilities (K,)."""
        return self.classify(self._pictures)

    def classify(self, pictures: Sequence[U8]) -> F32:
        """Classify T pictures, uint8 (H, W, 3), BGR: probabilities (K,)."""
        inputs = prepare(pictures, self._spec, [tuple(i.shape) for i in self._compiled.inputs])
        return np.array(self._compiled(inputs)["probabilities"][0], np.float32)

    def run(self, seconds: float) -> Reading:
        """See `Contender.run`."""
        return repeat(self.predict, seconds)

    def close(self) -> None:
        """See `Contender.close`."""


def prepare(pictures: Sequence[U8], spec: ModelSpec, shapes: Sequence[tuple[int, ...]]) -> list[F32]:
    """Do in NumPy what the graph does: resize, crop, scale, normalise, change the layout, split into pathways.

    Args:
        pictures: T pictures uint8 (H, W, 3), BGR.
        spec: What the network sees.
        shapes: (1, 3, t, S, S) of each input of the network; t is T or the Slow pathway's part of it.

    Returns:
        float32 of these shapes.
    """
    side = spec.clip.side
    crop = CentreCrop(side, spec.clip.resize_side)
    scaled = np.stack([crop.admit(picture) for picture in pictures]).astype(np.float32) / np.float32(255)
    clip = ((scaled - np.asarray(spec.mean, np.float32)) / np.asarray(spec.std, np.float32)).transpose(3, 0, 1, 2)[None]
    frames = spec.clip.frames
    return [
        np.ascontiguousarray(clip if shape[2] == frames else clip[:, :, uniform_temporal_indices(frames, shape[2])])
        for shape in shapes
    ]


def without_preprocessing(network: ov.Model, spec: ModelSpec) -> ov.Model:
    """Cut off what comes before the first convolutions: the network then takes float (1, 3, t, S, S) each.

    Raises:
        ModelError: What comes before them is more than a cast, a normalisation, the layout and the split.
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
    """Return what only the old input leads to, once the convolutions have other sources."""
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
