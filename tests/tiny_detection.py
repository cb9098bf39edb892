"""A small model that scores what each person does, by the color at their box: fast enough for every test."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import openvino as ov
from openvino import opset13 as ops

from slowfast_live.inference import spec as specs
from slowfast_live.inference.openvino_backend import RT_INFO_KEY
from slowfast_live.inference.spec import Clip, Decision, Model, ModelSpec

LABELS = ("red", "green", "blue", "off")
FRAMES, SIDE = 8, 64


def make_backbone() -> ov.Model:
    """Mean color of 16 x 16 pixels over the last half of the clip: (1, 3, h, w)."""
    clip = ops.parameter(ov.PartialShape([1, FRAMES, -1, -1, 3]), ov.Type.u8, "clip")
    clip.output(0).set_names({"clip"})
    x = ops.divide(ops.convert(clip, "f32"), np.float32(255))
    x = ops.reduce_mean(ops.transpose(x, np.array([0, 4, 1, 2, 3])), np.array([2]), False)
    x = ops.avg_pool(x, [16, 16], [0, 0], [0, 0], [16, 16], True, "ceil")
    x.output(0).set_names({"features"})
    return ov.Model([ops.result(x)], [clip], "backbone")


def make_head(gain: float = 12.0) -> ov.Model:
    """The color at the box decides: (N, 4) scores."""
    features = ops.parameter(ov.PartialShape([1, 3, -1, -1]), ov.Type.f32, "features")
    boxes = ops.parameter(ov.PartialShape([-1, 4]), ov.Type.f32, "boxes")
    features.output(0).set_names({"features"})
    boxes.output(0).set_names({"boxes"})
    count = ops.gather(ops.shape_of(boxes), np.array([0]), np.array(0))
    maps = ops.broadcast(np.int64(0), count)
    cells = ops.roi_align(features, boxes, maps, 7, 7, 0, 1 / 16, "avg", "asymmetric")
    color = ops.reduce_max(cells, np.array([2, 3]), False)
    weights = gain * np.float32([[1, -1, -1, 0], [-1, 1, -1, 0], [-1, -1, 1, 0]])
    scores = ops.sigmoid(ops.add(ops.matmul(color, weights, False, False), np.float32([[-3, -3, -3, 5]])))
    scores.output(0).set_names({"probabilities"})
    return ov.Model([ops.result(scores)], [features, boxes], "head")


def write_tiny_detection(folder: Path, *, head: ov.Model | None = None) -> Model:
    spec = ModelSpec(
        name=folder.name,
        title="Colors of people",
        family="none",
        task="detection",
        activation="sigmoid",
        labels=LABELS,
        clip=Clip(frames=FRAMES, stride=4, side=SIDE, crop="whole"),
        decision=Decision(threshold=0.3, thresholds={"green": 0.7}, off=("off",)),
        precision="FP32",
        trained=True,
    )
    folder.mkdir(parents=True)
    for network, file in ((make_backbone(), specs.IR_FILE), (head or make_head(), specs.HEAD_FILE)):
        network.set_rt_info(specs.encode(spec).decode(), RT_INFO_KEY)
        ov.save_model(network, folder / file, compress_to_fp16=False)
    (folder / specs.SPEC_FILE).write_bytes(specs.encode(spec))
    return Model(folder, specs.load(folder))
