"""Videos of one brightness, and a model that tells dark from bright."""

from pathlib import Path

import av
import numpy as np
import openvino as ov
from openvino import opset13 as ops

from slowfast_live.inference import spec as specs
from slowfast_live.inference.openvino_backend import RT_INFO_KEY
from slowfast_live.inference.spec import Clip, Decision, ModelSpec

LABELS = ("dark room", "bright room", "something else")
DARK, GRAY, BRIGHT = 16, 128, 235


def video(path: Path, *levels: int, frames: int = 30, fps: int = 10, size: int = 32) -> Path:
    """Write `frames` grey pictures for each level in turn."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=fps, options={"crf": "1"})
        stream.width, stream.height, stream.pix_fmt = size, size, "yuv420p"
        for level in np.repeat(levels, frames):
            image = np.full((size, size, 3), level, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())
    return path


def brightness_spec(name: str = "brightness-fp32", **changes: object) -> ModelSpec:
    fields: dict[str, object] = {
        "name": name,
        "title": "Brightness",
        "family": "none",
        "labels": LABELS,
        "clip": Clip(frames=4, stride=1, side=16, fps=10.0),
        "precision": "FP32",
        "trained": True,
        "decision": Decision(threshold=0.6, background_labels=("something else",)),
    }
    return ModelSpec(**(fields | changes))


def write_brightness_model(folder: Path, **changes: object) -> ModelSpec:
    """A model that is sure of dark and of bright, and says something else between them."""
    spec = brightness_spec(folder.name, **changes)
    clip = ops.parameter(list(spec.input_shape), ov.Type.u8, "clip")
    level = ops.reduce_mean(ops.divide(ops.convert(clip, "f32"), np.float32(255)), np.array([2, 3, 4]), False)
    level = ops.reduce_mean(level, np.array([1]), True)
    scores = ops.add(ops.matmul(level, np.float32([[-8, 8, 0]]), False, False), np.float32([[4, -4, 1]]))
    probabilities = ops.softmax(scores, 1)
    probabilities.output(0).set_names({"probabilities"})
    network = ov.Model([ops.result(probabilities)], [clip], "brightness")
    network.set_rt_info(specs.encode(spec).decode(), RT_INFO_KEY)
    folder.mkdir(parents=True)
    ov.save_model(network, folder / specs.IR_FILE, compress_to_fp16=False)
    (folder / specs.SPEC_FILE).write_bytes(specs.encode(spec))
    return spec
