"""Random weights with which outputs differ between clips, for testing and for comparing runtimes.

With a residual network's usual initialization, all clips get nearly the same scores, so that any comparison of two
runtimes succeeds, whatever the converter did. Here every batch-norm layer gets non-trivial statistics and weights, and
the classifier is scaled until the scores of different clips differ.
"""

from __future__ import annotations

import re
from itertools import combinations
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from slowfast_live.types import U8

LOGIT_STD = 1.0
"""Standard deviation over classes to which the logits of the given clips are scaled.

Other clips are further from the mean and give several times that, as with trained networks.
"""

_RESIDUAL_NORM = re.compile(r"\.norm_c$|\.res_blocks\.\d+\.1\.norm$|\.layers\.conv_2\.kernel\.bn$")
"""The last normalization of a residual branch, and of a non-local block."""


@torch.no_grad()
def randomize(network: nn.Module, clips: list[U8], seed: int) -> None:
    """Give a network random weights with which the scores of different clips differ.

    Args:
        network: Maps uint8 (N, T, S, S, 3) to `Output`; changed in place and left in eval mode.
        clips: Two or more clips, uint8 (T, S, S, 3), from which batch-norm statistics and the scale of the classifier
            are computed.
        seed: The same seed and clips give the same weights.
    """
    generator = torch.Generator().manual_seed(seed)
    parts = dict(network.named_modules())
    for name, part in parts.items():
        # Residual branches of trained networks are weaker than what they are added to; equally strong ones would make
        # the network chaotic and amplify a rounding error a hundredfold.
        _draw(part, generator, weak=bool(_RESIDUAL_NORM.search(name)))
    settled = [part for part in parts.values() if isinstance(part, _BatchNorm)]
    for norm in settled:
        norm.reset_running_stats()
        norm.momentum = None  # a plain mean over the clips
    for norm in settled:
        norm.train()
    batches = [torch.from_numpy(clip[None]) for clip in clips]
    if settled:
        for batch in batches:
            network(batch)
    for norm in settled:
        norm.momentum = 0.1
    network.eval()
    features = torch.cat([network(batch).features for batch in batches])
    _scale_classifier(_classifier(network), features)


def _classifier(network: nn.Module) -> nn.Linear:
    linears = [part for part in network.modules() if isinstance(part, nn.Linear)]
    return linears[-1]


def _scale_classifier(classifier: nn.Linear, features: Tensor) -> None:
    center = features.mean(0)
    logits = (features - center) @ classifier.weight.T
    classifier.weight.mul_(LOGIT_STD / logits.std(1).mean())
    classifier.bias.copy_(-classifier.weight @ center)


def _draw(part: nn.Module, generator: torch.Generator, *, weak: bool) -> None:
    def normal(like: Tensor, std: float) -> Tensor:
        return torch.randn(like.shape, generator=generator) * std

    def uniform(like: Tensor, low: float, high: float) -> Tensor:
        return torch.rand(like.shape, generator=generator) * (high - low) + low

    for name, parameter in part.named_parameters(recurse=False):
        if isinstance(part, (nn.Conv2d, nn.Conv3d, nn.Linear)):
            fan_in = int(np.prod(part.weight.shape[1:]))
            gain = 1.0 if isinstance(part, nn.Linear) else 2.0
            parameter.copy_(normal(parameter, (gain / fan_in) ** 0.5 if name == "weight" else 0.1))
        elif isinstance(part, (_BatchNorm, nn.LayerNorm)):
            low, high = (0.5, 1.0) if name == "weight" else (-0.3, 0.3)
            low, high = (0.3 * low, 0.3 * high) if weak else (low, high)
            parameter.copy_(uniform(parameter, low, high))
        else:  # position encodings and class tokens
            parameter.copy_(normal(parameter, 0.2))


def distinct_pairs(probabilities: NDArray[np.floating[Any]], best: int = 5) -> float:
    """Return the share of pairs of clips, rows of (N, K), whose `best` classes differ; 0 for one clip."""
    tops = [frozenset(row) for row in np.argsort(-probabilities, 1)[:, :best].tolist()]
    pairs = list(combinations(tops, 2))
    return sum(a != b for a, b in pairs) / len(pairs) if pairs else 0.0
