"""From a torch network to ONNX to OpenVINO IR."""

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

from slowfast_live.build.compat import attention_without_scatter
from slowfast_live.build.networks import DeployedClip
from slowfast_live.errors import ModelError
from slowfast_live.inference.spec import IR_FILE, SPEC_FILE, ModelSpec, encode

_LOG = logging.getLogger(__name__)

OPSET = 17
INPUT, PROBABILITIES, FEATURES = "clip", "probabilities", "features"
RT_INFO = "slowfast_live"


def to_onnx(network: nn.Module, shape: tuple[int, ...], path: Path) -> None:
    """Write a network as ONNX and check the file.

    Args:
        network: In eval mode; maps uint8 (N, T, S, S, 3) to `Output`.
        shape: (1, T, S, S, 3).
        path: File to write; it takes `clip` and gives `probabilities` and `features`.

    Raises:
        ModelError: The file does not pass `onnx.checker`.
    """
    example = torch.zeros(shape, dtype=torch.uint8)
    with warnings.catch_warnings(), attention_without_scatter(), torch.no_grad():
        # The TorchScript-based exporter is the one whose graphs OpenVINO converts for every network here; it
        # is deprecated, and notes each shape that it takes for constant, which all shapes of a clip are.
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        warnings.filterwarnings("ignore", category=TracerWarning)
        warnings.filterwarnings("ignore", message=r".*[Cc]onstant folding.*", category=UserWarning)
        torch.onnx.export(
            DeployedClip(network).eval(),
            (example,),
            str(path),
            input_names=[INPUT],
            output_names=[PROBABILITIES, FEATURES],
            opset_version=OPSET,
            dynamo=False,
        )
    try:
        onnx.checker.check_model(str(path), full_check=True)
    except onnx.checker.ValidationError as error:
        raise ModelError("The exported ONNX graph is not valid.", details=str(error)) from error


def to_openvino(onnx_path: Path) -> Any:
    """Convert an ONNX file of `to_onnx` to an OpenVINO model in FP32.

    Raises:
        ModelError: OpenVINO cannot convert it.
    """
    try:
        model = ov.convert_model(onnx_path)
    except Exception as error:  # the converter raises its own, undocumented kinds
        raise ModelError(f"OpenVINO cannot convert {onnx_path.name}.", details=str(error)) from error
    shape = list(model.input(INPUT).shape)
    if model.input(INPUT).element_type != ov.Type.u8 or len(shape) != 5 or shape[-1] != 3:
        raise ModelError(f"The converted model takes {model.input(INPUT)}, expected one uint8 (1, T, S, S, 3).")
    return model


def save(model: Any, spec: ModelSpec, folder: Path) -> None:
    """Write a model folder's IR, with the description in its `rt_info`; the description itself comes last.

    Args:
        model: OpenVINO model.
        spec: Its description; FP32 keeps the weights as they are, the others store them in half precision.
        folder: An existing folder.
    """
    inside = msgspec.structs.replace(spec, parity={}, accuracy=())
    model.set_rt_info(msgspec.json.encode(inside).decode(), RT_INFO)
    ov.save_model(model, folder / IR_FILE, compress_to_fp16=spec.precision != "FP32")


def describe(spec: ModelSpec, folder: Path) -> None:
    """Write `model.json`; a folder without it is no model folder."""
    (folder / SPEC_FILE).write_bytes(encode(spec))
