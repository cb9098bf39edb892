"""Size of a network: parameters, and multiply-adds of one clip."""

from __future__ import annotations

import copy
from typing import NamedTuple

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode


class Size(NamedTuple):
    """Size of a network.

    Attributes:
        params_m: Learned parameters in 1e6.
        gflops: Multiply-adds of one clip in 1e9 (in this field, a multiply-add is commonly counted as one FLOP):
            convolutions, linear layers and attention; normalization, activation and pooling are not counted.
    """

    params_m: float
    gflops: float


def measure(network: nn.Module, *inputs: tuple[int, ...]) -> Size:
    """Count a network's parameters and multiply-adds. Nothing is computed: only shapes are propagated.

    Args:
        network: Any module whose `forward` takes one floating-point tensor for each of `inputs`.
        inputs: Shapes of the inputs.

    Returns:
        The size.
    """
    ghost = copy.deepcopy(network).to("meta").eval()
    counter = FlopCounterMode(display=False)
    with counter, torch.no_grad():
        ghost(*(torch.empty(shape, device="meta") for shape in inputs))
    params = sum(parameter.numel() for parameter in network.parameters())
    return Size(params / 1e6, counter.get_total_flops() / 2e9)
