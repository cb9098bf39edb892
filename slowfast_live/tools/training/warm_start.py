"""Begin a training with the weights of a packaged model, so that what it learned is not learned again.

In a packaged model the batch normalisations are part of the convolutions, and in INT8 the weights are integers with a
scale. Both are undone: the weights become floating point again, and each normalisation gets the mean and the variance
that its input has over some clips, and the scale and offset that cancel them. On those clips the network then computes
what the model does, and can be trained on. The number and the distance of its pictures and their size may be others.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import openvino as ov
import torch
from torch import Tensor, nn

from slowfast_live.errors import ModelError
from slowfast_live.tools.convert.slowfast import SlowFast
from slowfast_live.types import U8

F32 = npt.NDArray[np.float32]

_CONVOLUTIONS = ("Convolution", "MatMul")
_NORMS = {
    "conv": "norm",
    "conv_a": "norm_a",
    "conv_b": "norm_b",
    "conv_c": "norm_c",
    "branch1_conv": "branch1_norm",
    "conv_fast_to_slow": "norm",
}
"""Convolution -> the normalisation behind it."""


def read_weights(path: Path) -> dict[str, tuple[F32, F32]]:
    """Return the weights and the bias of each layer of a packaged SlowFast, by the layer's name in `SlowFast`.

    Args:
        path: The model's .xml file.

    Raises:
        ModelError: It cannot be read, or is no SlowFast of this project.
    """
    try:
        model = ov.Core().read_model(path)
    except RuntimeError as error:
        raise ModelError(f"{path} cannot be read as a model.", details=str(error)) from error
    found = {}
    for layer in model.get_ordered_ops():
        if layer.get_type_name() not in _CONVOLUTIONS:
            continue
        name = layer.get_friendly_name().removeprefix("/network/").split("/")
        name = ".".join(name[: -2 if name[-1] == "WithoutBiases" else -1])
        (added,) = (each.get_node() for each in layer.output(0).get_target_inputs())
        others = [i.get_source_output().get_node() for i in added.inputs()]
        try:
            bias = next(_constant(node) for node in others if node.get_friendly_name() != layer.get_friendly_name())
            found[name] = _constant(layer.input_value(1).get_node()), bias.reshape(-1)
        except (ValueError, StopIteration) as error:
            raise ModelError(f"{path} is no SlowFast of this project: {name} has no weights of its own.") from error
    return found


def _constant(node: Any) -> F32:
    """Compute what a node gives that depends on constants alone.

    Raises:
        ValueError: It depends on more, or on an unknown operation.
    """
    kind = node.get_type_name()
    if kind == "Constant":
        return np.array(node.data, np.float32)
    given = [_constant(i.get_source_output().get_node()) for i in node.inputs()]
    match kind:
        case "Convert":
            return given[0]
        case "Multiply":
            return np.asarray(given[0] * given[1])
        case "Subtract":
            return np.asarray(given[0] - given[1])
        case "Reshape":
            return np.asarray(given[0].reshape([int(n) for n in given[1]]))
    raise ValueError(f"{kind} is no constant")


@torch.no_grad()
def start_from(network: SlowFast, path: Path, clips: Sequence[U8]) -> None:
    """Give a network the weights of a packaged model.

    Args:
        network: Of the same layers; its weights are replaced.
        path: The model's .xml file.
        clips: uint8 (T, S, S, 3) each, a few dozen of those that will be trained on.

    Raises:
        ModelError: The model's layers are others.
    """
    layers = dict(network.named_modules())
    weights = read_weights(path)
    own = {name for name, layer in layers.items() if isinstance(layer, nn.Conv3d | nn.Linear)}
    if own != set(weights):
        differing = ", ".join(sorted(own ^ set(weights))[:3])
        raise ModelError(f"{path} has other layers than the network that is trained: {differing}.")
    offsets: dict[str, Tensor] = {}
    for name, (weight, bias) in weights.items():
        layer = layers[name]
        if layer.weight.numel() != weight.size:
            raise ModelError(f"{path} has another width than the network that is trained: see {name}.")
        layer.weight.copy_(torch.from_numpy(weight.reshape(layer.weight.shape)))
        if isinstance(layer, nn.Linear):
            layer.bias.copy_(torch.from_numpy(bias))
            continue
        parent, _, last = name.rpartition(".")
        offsets[f"{parent}.{_NORMS[last]}"] = torch.from_numpy(bias)

    def calibrate(norm: nn.BatchNorm3d, given: tuple[Tensor], offset: Tensor) -> None:
        mean, variance = given[0].mean((0, 2, 3, 4)), given[0].var((0, 2, 3, 4), unbiased=False)
        assert norm.running_mean is not None and norm.running_var is not None
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(variance)
        norm.weight.copy_((variance + norm.eps).sqrt())
        norm.bias.copy_(mean + offset)

    hooks = []
    for name, offset in offsets.items():
        norm = layers[name]
        hooks.append(norm.register_forward_pre_hook(lambda m, x, offset=offset: calibrate(m, x, offset)))
    network.eval()
    try:
        network(torch.from_numpy(np.stack(clips)).to(next(network.parameters()).device))
    finally:
        for hook in hooks:
            hook.remove()
