"""Export from torch to ONNX to OpenVINO IR."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path
from typing import Any

import msgspec
import onnx
import openvino as ov
import torch
from torch import nn
from torch.jit._trace import TracerWarning

from slowfast_live.errors import ModelError
from slowfast_live.inference.spec import (
    BOXES,
    FEATURES,
    HEAD_FILE,
    IR_FILE,
    PROBABILITIES,
    SPEC_FILE,
    ModelSpec,
    encode,
)
from slowfast_live.tools.convert.compat import attention_without_scatter
from slowfast_live.tools.convert.datasets import Activation
from slowfast_live.tools.convert.detection import Backbone, DetectionNetwork, PeopleHead
from slowfast_live.tools.convert.networks import DeployedClip

_LOG = logging.getLogger(__name__)

OPSET = 17
INPUT = "clip"
RT_INFO = "slowfast_live"


def to_onnx(network: nn.Module, shape: tuple[int, ...], path: Path, activation: Activation = "softmax") -> None:
    """Write a network as ONNX and check the file.

    Args:
        network: In eval mode; maps uint8 (N, T, S, S, 3) to `Output`.
        shape: (1, T, S, S, 3).
        path: File to write; its input is `clip`, its outputs are `probabilities` and `features`.
        activation: What makes probabilities of logits.

    Raises:
        ModelError: The file does not pass `onnx.checker`.
    """
    example = torch.zeros(shape, dtype=torch.uint8)
    with warnings.catch_warnings(), attention_without_scatter(), torch.no_grad():
        # The TorchScript-based exporter is the one whose graphs OpenVINO converts for every network here; it is
        # deprecated, and warns about each shape that it assumes to be constant, which all shapes of a clip are.
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        warnings.filterwarnings("ignore", category=TracerWarning)
        warnings.filterwarnings("ignore", message=r".*[Cc]onstant folding.*", category=UserWarning)
        torch.onnx.export(
            DeployedClip(network, activation).eval(),
            (example,),
            str(path),
            input_names=[INPUT],
            output_names=[PROBABILITIES, FEATURES],
            opset_version=OPSET,
            dynamo=False,
        )
    _check(path)


def _check(path: Path) -> None:
    try:
        onnx.checker.check_model(str(path), full_check=True)
    except onnx.checker.ValidationError as error:
        raise ModelError("The exported ONNX graph is not valid.", details=str(error)) from error


def halves_to_onnx(network: DetectionNetwork, frames: int, side: int, folder: Path) -> tuple[Path, Path]:
    """Write the backbone and the head of a detection network as ONNX, for pictures of any size, and check the files.

    Args:
        network: In eval mode.
        frames: T.
        side: Height and width of the example that is traced.
        folder: Where `backbone.onnx` and `head.onnx` are written; see `inference.spec` for their inputs and outputs.

    Returns:
        Both paths.

    Raises:
        ModelError: A file does not pass `onnx.checker`.
    """
    clip = torch.zeros((1, frames, side, side, 3), dtype=torch.uint8)
    boxes = torch.tensor([[0.0, 0.0, float(side), float(side)]])
    size = {2: "map_height", 3: "map_width"}
    paths = folder / "backbone.onnx", folder / "head.onnx"
    with warnings.catch_warnings(), torch.no_grad():
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        warnings.filterwarnings("ignore", category=TracerWarning)
        warnings.filterwarnings("ignore", message=r".*[Cc]onstant folding.*", category=UserWarning)
        warnings.filterwarnings("ignore", message=r".*type inference.*", category=UserWarning)
        features = network.backbone(clip)
        for path, half, example, inputs, output, axes in (
            (paths[0], Backbone(network), (clip,), [INPUT], FEATURES, {INPUT: {2: "height", 3: "width"}}),
            (
                paths[1],
                PeopleHead(network),
                (features, boxes),
                [FEATURES, BOXES],
                PROBABILITIES,
                {BOXES: {0: "people"}},
            ),
        ):
            torch.onnx.export(
                half.eval(),
                example,
                str(path),
                input_names=inputs,
                output_names=[output],
                opset_version=OPSET,
                dynamo=False,
                dynamic_axes=axes | {FEATURES: size} | ({PROBABILITIES: {0: "people"}} if BOXES in inputs else {}),
            )
            _check(path)
    return paths


def half_to_openvino(onnx_path: Path) -> Any:
    """Convert a file of `halves_to_onnx` to an OpenVINO model in FP32.

    Raises:
        ModelError: OpenVINO cannot convert it.
    """
    try:
        return ov.convert_model(onnx_path)
    except Exception as error:  # the converter raises undocumented exceptions of its own
        raise ModelError(f"OpenVINO cannot convert {onnx_path.name}.", details=str(error)) from error


def to_openvino(onnx_path: Path) -> Any:
    """Convert an ONNX file of `to_onnx` to an OpenVINO model in FP32.

    Raises:
        ModelError: OpenVINO cannot convert it.
    """
    try:
        model = ov.convert_model(onnx_path)
    except Exception as error:  # the converter raises undocumented exceptions of its own
        raise ModelError(f"OpenVINO cannot convert {onnx_path.name}.", details=str(error)) from error
    shape = list(model.input(INPUT).shape)
    if model.input(INPUT).element_type != ov.Type.u8 or len(shape) != 5 or shape[-1] != 3:
        raise ModelError(f"The converted model takes {model.input(INPUT)}, expected one uint8 (1, T, S, S, 3).")
    return model


def save(model: Any, spec: ModelSpec, folder: Path) -> None:
    """Write a model folder's IR, with the description in its `rt_info`; `describe` must follow as the last step.

    Args:
        model: OpenVINO model.
        spec: Its description; FP32 keeps the weights as they are, other precisions store them in half precision.
        folder: An existing folder.
    """
    inside = msgspec.structs.replace(spec, parity={}, accuracy=())
    model.set_rt_info(msgspec.json.encode(inside).decode(), RT_INFO)
    ov.save_model(model, folder / IR_FILE, compress_to_fp16=spec.precision != "FP32")


def save_head(head: Any, spec: ModelSpec, folder: Path) -> None:
    """Write the second IR of a detection model beside that of `save`, with the same description."""
    inside = msgspec.structs.replace(spec, parity={}, accuracy=())
    head.set_rt_info(msgspec.json.encode(inside).decode(), RT_INFO)
    ov.save_model(head, folder / HEAD_FILE, compress_to_fp16=spec.precision != "FP32")


def describe(spec: ModelSpec, folder: Path) -> None:
    """Write `model.json`; without it, a folder is not a model folder."""
    (folder / SPEC_FILE).write_bytes(encode(spec))
