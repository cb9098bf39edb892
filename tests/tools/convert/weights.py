"""Weights on which a comparison means something."""

from __future__ import annotations

import torch
from torch import nn


@torch.no_grad()
def scramble(network: nn.Module, seed: int = 0) -> None:
    """Draw weights and batch-norm statistics so that no part of the network is inert."""
    generator = torch.Generator().manual_seed(seed)

    def uniform(like: torch.Tensor, low: float, high: float) -> torch.Tensor:
        return torch.rand(like.shape, generator=generator) * (high - low) + low

    for module in network.modules():
        if isinstance(module, (nn.Conv2d, nn.Conv3d, nn.Linear)):
            fan_in = module.weight[0].numel()
            module.weight.copy_(torch.randn(module.weight.shape, generator=generator) * (2.0 / fan_in) ** 0.5)
            if module.bias is not None:
                module.bias.copy_(uniform(module.bias, -0.5, 0.5))
        elif isinstance(module, nn.BatchNorm3d):
            module.weight.copy_(uniform(module.weight, 0.5, 1.0))
            module.bias.copy_(uniform(module.bias, -0.3, 0.3))
            assert module.running_mean is not None and module.running_var is not None
            module.running_mean.copy_(uniform(module.running_mean, -0.3, 0.3))
            module.running_var.copy_(uniform(module.running_var, 0.5, 2.0))
