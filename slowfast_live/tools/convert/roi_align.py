"""RoIAlign as the published detection networks were trained with it, in torch, and as one operator in ONNX.

He et al., "Mask R-CNN" (arXiv 1703.06870): each box is divided into 7 x 7 cells, and a cell is the mean of bilinear
samples in it. Published AVA networks use the first form of the operator (torchvision's `aligned=False`): a box is not
moved by half a pixel, is at least one pixel of the map large, and a cell has ceil(size of the box / 7) samples a side.

The bilinear weights of rows and columns are independent, so that a cell is a row of weights times the map times a
column of weights. Neither torchvision's compiled operators nor its slow fallback are needed.
"""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor

CELLS = 7
"""Cells a side of a box."""
STRIDE = 16
"""Pixels of the clip a pixel of the map."""


def roi_align(features: Tensor, boxes: Tensor) -> Tensor:
    """Cut boxes from a map.

    Args:
        features: float (1, C, h, w), the map.
        boxes: float (N, 4), x1, y1, x2, y2 in pixels of the clip.

    Returns:
        float (N, C, 7, 7).
    """
    channels, height, width = features.shape[1:]
    if not len(boxes):
        return features.new_zeros(0, channels, CELLS, CELLS)
    scaled = boxes.to(features.dtype) * (1.0 / STRIDE)
    rows = torch.stack([_weights(y1, y2, height) for y1, y2 in scaled[:, 1::2]])
    columns = torch.stack([_weights(x1, x2, width) for x1, x2 in scaled[:, 0::2]])
    return torch.einsum("nyh,chw,nxw->ncyx", rows, features[0], columns)


def _weights(low: Tensor, high: Tensor, size: int) -> Tensor:
    """Return how much each of `size` pixels counts in each cell of a side from `low` to `high`, (7, size)."""
    length = torch.clamp(high - low, min=1.0)
    cell = length / CELLS
    samples = int(torch.ceil(cell))
    places = torch.arange(CELLS)[:, None] * cell + (torch.arange(samples)[None] + 0.5) * cell / samples + low
    inside = (places >= -1.0) & (places <= size)
    places = places.clamp(0.0, size - 1.0)
    lower = places.floor().long()
    upper = torch.clamp(lower + 1, max=size - 1)
    share = places - lower
    weights = places.new_zeros(CELLS, size)
    weights.scatter_add_(1, lower, (1 - share) * inside)
    weights.scatter_add_(1, upper, share * inside)
    return weights / samples


class ExportedRoiAlign(torch.autograd.Function):
    """`roi_align` in torch; in an exported graph one ONNX `RoiAlign`, which OpenVINO has an operator for.

    ONNX moves boxes by half a pixel unless it is told not to.
    """

    @staticmethod
    def forward(ctx: Any, features: Tensor, boxes: Tensor) -> Tensor:
        """See `roi_align`."""
        return roi_align(features, boxes)

    @staticmethod
    def symbolic(g: Any, features: Any, boxes: Any) -> Any:
        """Emit the operator; all boxes are in the first and only map."""
        shape = g.op("Shape", boxes)
        count = g.op("Gather", shape, g.op("Constant", value_t=torch.tensor([0])), axis_i=0)
        maps = g.op("ConstantOfShape", count, value_t=torch.tensor([0]))
        return g.op(
            "RoiAlign",
            features,
            boxes,
            maps,
            coordinate_transformation_mode_s="output_half_pixel",
            mode_s="avg",
            output_height_i=CELLS,
            output_width_i=CELLS,
            sampling_ratio_i=0,
            spatial_scale_f=1.0 / STRIDE,
        )


def align(features: Tensor, boxes: Tensor) -> Tensor:
    """Cut boxes from a map, in a way that can be exported; see `roi_align`."""
    return cast(Tensor, ExportedRoiAlign.apply(features, boxes))  # type: ignore[no-untyped-call]
