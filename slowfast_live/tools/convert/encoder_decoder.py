"""Merges an encoder and a decoder, each an OpenVINO model, into one model of a whole frame window. No torch here.

The encoder turns one BGR picture (1, 3, S, S) into an embedding, the decoder T embeddings (1, T, E) into logits (1, K).
Merged, they take what every model of the app takes: one clip, uint8 (1, T, S, S, 3), RGB.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple, cast

import numpy as np
import openvino as ov
from openvino import opset13 as ops

from slowfast_live.errors import ModelError
from slowfast_live.inference.encoded_once import EMBEDDINGS
from slowfast_live.types import F32, U8

INPUT, PROBABILITIES = "clip", "probabilities"

Form = Literal["batch", "loop"]
"""How the pictures pass the encoder: all at once, or one after the other in a loop inside the graph."""


class Stages(NamedTuple):
    """An encoder, and its decoder; without one, the encoder gives logits, and their mean takes its place."""

    encoder: Any
    decoder: Any | None

    @classmethod
    def read(cls, files: Sequence[Path]) -> Stages:
        """Read a pair from `.xml` and `.bin` of the encoder, then of the decoder if there is one.

        Raises:
            ModelError: A file is not readable, or the two do not fit together.
        """
        core = ov.Core()
        models = []
        for xml, weights in zip(files[::2], files[1::2], strict=True):
            try:
                models.append(core.read_model(xml, weights))
            except RuntimeError as error:
                raise ModelError(f"{xml} is not a readable OpenVINO model.", details=str(error)) from error
        stages = cls(models[0], models[1] if len(models) > 1 else None)
        stages.check(files[0])
        return stages

    def check(self, path: Path) -> None:
        """Verify the shapes; `path` names the encoder in errors.

        Raises:
            ModelError: They are not those of an encoder and its decoder.
        """
        for model in self:
            if model is not None and (len(model.inputs) != 1 or len(model.outputs) != 1):
                raise ModelError(f"{path} and its decoder have one input and one output each; found {model}.")
        picture = list(self.encoder.input(0).partial_shape)
        if len(picture) != 4 or picture[1] != 3 or picture[2] != picture[3]:
            raise ModelError(f"{path} takes {self.encoder.input(0)}, expected one picture (1, 3, S, S).")
        if self.decoder is not None:
            embedding = int(np.prod(self.encoder.output(0).shape))
            wanted = list(self.decoder.input(0).partial_shape)
            if len(wanted) != 3 or wanted[2] != embedding:
                raise ModelError(
                    f"{path} gives {embedding} numbers a picture, but its decoder takes {self.decoder.input(0)}."
                )

    @property
    def side(self) -> int:
        """S, side of a picture in pixels."""
        return int(self.encoder.input(0).shape[2])

    @property
    def classes(self) -> int:
        """K, the number of labels."""
        return int(np.prod((self.encoder if self.decoder is None else self.decoder).output(0).shape))


def merge(files: Sequence[Path], frames: int, form: Form) -> Any:
    """Merge an encoder and a decoder.

    Args:
        files: As for `Stages.read`.
        frames: T, pictures of a clip.
        form: "batch" reshapes the encoder to T pictures; "loop" leaves it as it is and repeats it.

    Returns:
        An OpenVINO model: input `clip`, uint8 (1, T, S, S, 3), RGB; output `probabilities`, float32 (1, K).

    Raises:
        ModelError: They do not fit together, or the encoder takes no batch.
    """
    stages = Stages.read(files)
    clip = ops.parameter([1, frames, stages.side, stages.side, 3], ov.Type.u8, name=INPUT)
    clip.output(0).set_names({INPUT})
    pictures = ops.gather(ops.squeeze(clip, np.array([0])), np.array([2, 1, 0]), np.array(3))  # RGB to BGR
    pictures = ops.convert(ops.transpose(pictures, np.array([0, 3, 1, 2])), stages.encoder.input(0).element_type)
    encode = _batched if form == "batch" else _looped
    encoded = encode(stages.encoder, pictures, frames)
    size = int(np.prod(encoded.shape)) // frames
    encoded = ops.reshape(encoded, np.array([1, -1, size]), False)  # any number of pictures
    encoded.output(0).set_names({EMBEDDINGS})
    if stages.decoder is None:
        logits = ops.reduce_mean(encoded, np.array([1]), False)
    else:
        logits = ops.reshape(_spliced(stages.decoder, encoded), np.array([1, stages.classes]), False)
    probabilities = ops.softmax(ops.convert(logits, ov.Type.f32), 1)
    probabilities.output(0).set_names({PROBABILITIES})
    model = ov.Model([ops.result(probabilities)], [clip], "encoder_decoder")
    model.validate_nodes_and_infer_types()
    return model


def _batched(encoder: Any, pictures: Any, frames: int) -> Any:
    shape = list(encoder.input(0).shape)
    try:
        encoder.reshape([frames, *shape[1:]])
        given = list(encoder.output(0).partial_shape)
    except RuntimeError as error:
        raise ModelError("The encoder takes no batch.", details=str(error)) from error
    if not given or given[0] != frames:
        raise ModelError(f"The encoder takes no batch: for {frames} pictures it gives {given}.")
    return _spliced(encoder, pictures)


def _looped(encoder: Any, pictures: Any, _frames: int) -> Any:
    loop = ops.tensor_iterator()
    loop.set_function(encoder)
    loop.set_sliced_input(encoder.get_parameters()[0], pictures.output(0), 0, 1, 1, -1, 0)
    return loop.get_concatenated_slices(encoder.get_results()[0].output(0), 0, 1, 1, -1, 0)


def _spliced(model: Any, source: Any) -> Any:
    """Return a model's only output as a part of another graph, computed from `source` instead of its input."""
    for target in model.input(0).get_target_inputs():
        target.replace_source_output(source.output(0))
    return model.get_results()[0].input_value(0)


def run_stages(files: Sequence[Path], clips: Sequence[U8]) -> F32:
    """Run an encoder on each picture and its decoder on the embeddings, one after the other, in float32 on the CPU.

    Args:
        files: As for `Stages.read`.
        clips: uint8 (T, S, S, 3) each, RGB.

    Returns:
        Probabilities, float32 (N, K).
    """
    stages, core = Stages.read(files), ov.Core()
    config = {"INFERENCE_PRECISION_HINT": "f32"}
    encoder = core.compile_model(stages.encoder, "CPU", config)
    decoder = None if stages.decoder is None else core.compile_model(stages.decoder, "CPU", config)
    answers = []
    for clip in clips:
        pictures = clip[..., ::-1].transpose(0, 3, 1, 2).astype(np.float32)
        embeddings = np.stack([encoder(picture[None])[0].reshape(-1).copy() for picture in pictures])
        logits = embeddings.mean(0) if decoder is None else decoder(embeddings[None])[0].reshape(-1).copy()
        scores = np.exp(logits - logits.max())
        answers.append(scores / scores.sum())
    return cast(F32, np.asarray(answers, np.float32))


def run_merged(model: Any, clips: Sequence[U8], *, exact: bool) -> F32:
    """Run a merged model, or the IR in a file, on the CPU; returns probabilities, float32 (N, K).

    Args:
        model: OpenVINO model or path of `model.xml`.
        clips: uint8 (T, S, S, 3) each, RGB.
        exact: Compute in float32. Otherwise in the processor's default precision.
    """
    config = {"PERFORMANCE_HINT": "LATENCY"} | ({"INFERENCE_PRECISION_HINT": "f32"} if exact else {})
    compiled = ov.Core().compile_model(model, "CPU", config)
    return np.concatenate([compiled({INPUT: clip[None]})[PROBABILITIES].copy() for clip in clips]).astype(np.float32)
