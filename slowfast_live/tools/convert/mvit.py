"""MViTv2 (arXiv 2112.01526) in the sizes that PySlowFast publishes, built from torchvision's blocks."""

from __future__ import annotations

from typing import Any, cast

from torch import nn

from slowfast_live.tools.convert.compat import prepare_imports

_WIDTH = 96
_KERNEL = [3, 3, 3]
_KEYS_STRIDE = 8
"""Stride of keys and values in the first block; halved wherever queries are halved (`POOL_KV_STRIDE_ADAPTIVE`)."""


def mvit_v2(depth: int, halved_at: tuple[int, ...], frames: int, classes: int, side: int = 224) -> nn.Module:
    """Build an MViTv2 with newly initialized weights.

    Args:
        depth: Number of blocks.
        halved_at: Blocks that halve the map and double the channels and the heads.
        frames: T, frames of a clip.
        classes: K.
        side: S, in pixels.

    Returns:
        Maps (N, 3, T, S, S) to logits (N, K). With `depth` 16 and `halved_at` (1, 3, 14) it is torchvision's MViTv2-S.
    """
    prepare_imports()
    from torchvision.models.video import mvit  # type: ignore[import-untyped]

    blocks: list[Any] = []
    channels, heads, keys = _WIDTH, 1, _KEYS_STRIDE
    for index in range(depth):
        halved = index in halved_at
        inputs = channels
        if halved:
            channels, heads, keys = channels * 2, heads * 2, max(keys // 2, 1)
        stride = 2 if halved else 1
        blocks.append(
            mvit.MSBlockConfig(heads, inputs, channels, _KERNEL, _KERNEL, [1, stride, stride], [1, keys, keys])
        )
    network = mvit.MViT(
        spatial_size=(side, side),
        temporal_size=frames,
        block_setting=blocks,
        residual_pool=True,
        residual_with_cls_embed=False,
        rel_pos_embed=True,
        proj_after_attn=True,
        num_classes=classes,
    )
    return cast(nn.Module, network)


def mvit_v2_s(classes: int) -> nn.Module:
    """Build MViTv2-S 16x4 (PySlowFast: MVITv2_S_16x4)."""
    return mvit_v2(16, (1, 3, 14), 16, classes)


def mvit_v2_b(classes: int) -> nn.Module:
    """Build MViTv2-B 32x3 (PySlowFast: MVITv2_B_32x3)."""
    return mvit_v2(24, (2, 5, 21), 32, classes)
