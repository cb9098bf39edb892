"""A small two-pathway network as OpenVINO IR, with fixed random weights: fast enough for every test."""

from pathlib import Path

import numpy as np
import openvino as ov
from openvino import opset13 as ops

from slowfast_live.core.sampling import uniform_temporal_indices
from slowfast_live.inference import spec as specs
from slowfast_live.inference.openvino_backend import RT_INFO_KEY
from slowfast_live.inference.spec import Clip, ModelSpec

CLASSES = 7


def _pathway(x: ov.Node, channels: int, rng: np.random.Generator) -> ov.Node:
    """Two strided 3-D convolutions and a global pool: (1, 3, T, S, S) -> (1, channels)."""
    for inputs, outputs in ((3, channels), (channels, channels)):
        weights = rng.normal(0, 1.4 / np.sqrt(inputs * 27), (outputs, inputs, 3, 3, 3)).astype(np.float32)
        x = ops.convolution(x, weights, [1, 4, 4], [1, 1, 1], [1, 1, 1], [1, 1, 1])
        x = ops.relu(ops.add(x, rng.normal(0, 0.1, (1, outputs, 1, 1, 1)).astype(np.float32)))
    return ops.reduce_mean(x, np.array([2, 3, 4]), False)


def _features(slow: ov.Node, fast: ov.Node, seed: int) -> ov.Node:
    rng = np.random.default_rng(seed)
    return ops.concat([_pathway(slow, 12, rng), _pathway(fast, 4, rng)], 1)


def _in_graph(spec: ModelSpec, clip: ov.Node) -> tuple[ov.Node, ov.Node]:
    """Cast, normalisation, layout and the split into slow and fast pathway."""
    x = ops.divide(ops.convert(clip, "f32"), np.float32(255))
    x = ops.divide(ops.subtract(x, np.float32(spec.mean)), np.float32(spec.std))
    x = ops.transpose(x, np.array([0, 4, 1, 2, 3]))
    indices = uniform_temporal_indices(spec.clip.frames, spec.clip.frames // (spec.alpha or 1))
    return ops.gather(x, np.array(indices), np.array(2)), x


def make_tiny_network(
    spec: ModelSpec, seed: int, *, classes: int | None = None, output: str = "probabilities", bare: bool = False
) -> ov.Model:
    """Build the network; `bare`: with two float inputs, slow and fast (1, 3, T, S, S), and nothing before them."""
    clip = ops.parameter(list(spec.input_shape), ov.Type.u8, "clip")
    # Centred on what a noise clip gives, with large weights: the classes differ from clip to clip, so that a
    # comparison of two ways to the same answer means something.
    noise = np.random.default_rng(seed + 1).integers(0, 200, spec.input_shape, np.uint8)
    center = ov.compile_model(ov.Model([_features(*_in_graph(spec, clip), seed)], [clip], "centre"), "CPU")(noise)[0]
    if bare:
        t, side = spec.clip.frames, spec.clip.side
        slow = ops.parameter([1, 3, t // (spec.alpha or 1), side, side], ov.Type.f32, "slow")
        fast = ops.parameter([1, 3, t, side, side], ov.Type.f32, "fast")
        inputs = [slow, fast]
    else:
        slow, fast = _in_graph(spec, clip)
        inputs = [clip]
    pooled = _features(slow, fast, seed)
    weights = np.random.default_rng(seed + 2).normal(0, 0.7, (16, classes or len(spec.labels))).astype(np.float32)
    probabilities = ops.softmax(ops.matmul(ops.subtract(pooled, center), weights, False, False), 1)
    probabilities.output(0).set_names({output})
    pooled.output(0).set_names({"features"})
    return ov.Model([ops.result(probabilities), ops.result(pooled)], inputs, "tiny")


def tiny_spec(
    name: str, *, trained: bool, frames: int = 32, stride: int = 2, side: int = 64, classes: int = CLASSES
) -> ModelSpec:
    return ModelSpec(
        name=name,
        title=f"Tiny {name}",
        family="SlowFast",
        labels=tuple(f"action {i}" for i in range(classes)),
        clip=Clip(frames=frames, stride=stride, side=side),
        alpha=4,
        precision="FP32",
        trained=trained,
        features=16,
        licence="Apache-2.0",
        description="Fixed random weights, for tests.",
    )


def write_tiny_model(folder: Path, *, trained: bool, seed: int = 0, **clip: int) -> ModelSpec:
    spec = tiny_spec(folder.name, trained=trained, **clip)
    folder.mkdir(parents=True)
    network = make_tiny_network(spec, seed)
    network.set_rt_info(specs.encode(spec).decode(), RT_INFO_KEY)
    ov.save_model(network, folder / specs.IR_FILE, compress_to_fp16=False)
    (folder / specs.SPEC_FILE).write_bytes(specs.encode(spec))
    return spec
