"""Networks that score what each person in a clip does: a backbone for the clip, and a head for the boxes of people.

The backbone runs once a clip and gives a map; the head cuts each box from it. Both are exported apart from each other,
so that the app runs the backbone once, however many people there are. Together they equal the published network
(`pytorchvideo.models.net.DetectionBBoxNetwork`; PySlowFast's `ResNetRoIHead`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import torch
from torch import Tensor, nn

from slowfast_live.tools.convert.catalogue import Entry
from slowfast_live.tools.convert.compat import prepare_imports
from slowfast_live.tools.convert.roi_align import align
from slowfast_live.tools.convert.slowfast import Output

_SAMPLES = ((0.0, 0.0, 1.0, 1.0), (0.1, 0.1, 0.5, 0.9), (0.5, 0.2, 0.9, 1.0), (0.3, 0.3, 0.6, 0.6))
"""Boxes, in shares of the picture, on which a network is judged if nobody says where people are."""

_NONLOCAL_AFTER = (6, 13, 20)
"""Blocks of res4 of PySlowFast's R101 "50_50" that a non-local block follows, in the Slow pathway."""


def slow_r50(classes: int) -> nn.Module:
    """Build pytorchvideo's `slow_r50_detection`."""
    prepare_imports()
    from pytorchvideo.models import hub

    return cast(nn.Module, hub.slow_r50_detection(model_num_class=classes))


def slowfast_r50(classes: int) -> nn.Module:
    """Build pytorchvideo's `slowfast_r50_detection`."""
    prepare_imports()
    from pytorchvideo.models import hub

    return cast(nn.Module, hub.slowfast_r50_detection(model_num_class=classes))


def slowfast_r101_50_50(frames: int) -> Callable[[int], nn.Module]:
    """Return the builder of PySlowFast's AVA networks R101 "50_50", with `frames` slow frames, alpha 4.

    As configs/AVA/c2/SLOWFAST_32x2_R101_50_50.yaml and SLOWFAST_64x2_R101_50_50.yaml have them: 6 of the 23 blocks of
    res4 convolve over time, and the Slow pathway has non-local blocks in it (dot product, pooled 2 x 2 x 2).
    """

    def create(classes: int) -> nn.Module:
        prepare_imports()
        from pytorchvideo.models.slowfast import create_slowfast_with_roi_head

        over_time, still = (3, 1, 1), (1, 1, 1)
        res4 = (over_time,) * 6 + (still,) * 17
        network = create_slowfast_with_roi_head(
            model_depth=101,
            model_num_class=classes,
            slowfast_fusion_conv_kernel_size=(5, 1, 1),
            stage_conv_a_kernel_sizes=(
                (still, still, res4, over_time),
                (over_time, over_time, res4, over_time),
            ),
            head_pool_kernel_sizes=((frames, 1, 1), (4 * frames, 1, 1)),
        )
        add_nonlocal(network.model.blocks[3].multipathway_blocks[0].res_blocks, _NONLOCAL_AFTER)
        return cast(nn.Module, network)

    return create


def add_nonlocal(blocks: Any, after: tuple[int, ...]) -> None:
    """Let non-local blocks follow some residual blocks of a stage (arXiv 1711.07971), as PySlowFast's AVA networks."""
    from pytorchvideo.layers.nonlocal_net import create_nonlocal

    for index in after:
        channels = blocks[index].branch2.norm_c.num_features
        nonlocal_block = create_nonlocal(
            dim_in=channels, dim_inner=channels // 2, pool_size=(2, 2, 2), instantiation="dot_product"
        )
        blocks[index] = nn.Sequential(blocks[index], nonlocal_block)


class DetectionNetwork(nn.Module):
    """A detection network of pytorchvideo that takes clips as the app cuts them.

    Args:
        net: The published network, with its weights loaded.
        entry: Its catalog entry.
        prepare: Casts and normalizes a clip, and splits it into pathways.
    """

    def __init__(self, net: nn.Module, entry: Entry, prepare: nn.Module) -> None:
        super().__init__()
        self.input = prepare
        self.two_pathways = entry.alpha is not None
        published = cast(Any, net)
        self.blocks = published.model.blocks
        self.pool = published.detection_head.pool
        self.proj = published.detection_head.proj

    def backbone(self, clip: Tensor) -> Tensor:
        """Return the map, float (1, C, h, w), of a clip, uint8 (1, T, H, W, 3)."""
        x: Any = self.input(clip)
        if not self.two_pathways:
            x = x[0]
        for block in self.blocks:
            x = block(x)
        if self.pool is not None:
            x = self.pool(x)
        return cast(Tensor, x.squeeze(2))

    def cut(self, features: Tensor, boxes: Tensor) -> Tensor:
        """Return what the classifier sees of each box, float (N, C)."""
        return align(features, boxes).amax((2, 3))

    def forward(self, clip: Tensor, boxes: Tensor | None = None) -> Output:
        """Run backbone and head.

        Args:
            clip: uint8 (1, T, H, W, 3), RGB.
            boxes: float (N, 4), x1, y1, x2, y2 in pixels of the clip; None for some samples.

        Returns:
            Logits (N, K) and features (N, C) of the boxes.
        """
        if boxes is None:
            height, width = clip.shape[2:4]
            boxes = torch.tensor(_SAMPLES) * torch.tensor([width, height, width, height])
        features = self.cut(self.backbone(clip), boxes)
        return Output(self.proj(features), features)


class Backbone(nn.Module):
    """The exported first half: clip -> map."""

    def __init__(self, network: DetectionNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, clip: Tensor) -> Tensor:
        """See `DetectionNetwork.backbone`."""
        return self.network.backbone(clip)


class PeopleHead(nn.Module):
    """The exported second half: map and boxes -> scores, each in 0..1."""

    def __init__(self, network: DetectionNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, features: Tensor, boxes: Tensor) -> Tensor:
        """Return scores (N, K) of boxes (N, 4), in pixels of the clip."""
        return cast(Tensor, self.network.proj(self.network.cut(features, boxes)).sigmoid())
