"""Builds all kinds of SlowFast networks that the paper describes.

Feichtenhofer, Fan, Malik and He, "SlowFast Networks for Video Recognition", ICCV 2019 (arXiv 1812.03982). A Slow
pathway sees T frames, a Fast pathway sees alpha * T frames with beta of the channels; lateral connections carry motion
information from the Fast pathway into the Slow one.

With its default configuration the network is pytorchvideo's `create_slowfast`, module for module: the same names and
shapes in the state dict, the same outputs from the same weights. Therefore every SlowFast checkpoint of that project
can be loaded, and each of the paper's ablations differs from it in one field.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from slowfast_live.core.sampling import uniform_temporal_indices

Lateral = Literal["time_strided_conv", "time_to_channel", "time_strided_sample", "none"]
Fusion = Literal["concat", "sum"]
FastInput = Literal["rgb", "grey", "time_difference", "half_resolution"]
Normalization = Literal["dataset", "clip_mean"]
Block = Literal["bottleneck", "basic"]

STAGE_DEPTHS: dict[tuple[Block, int], tuple[int, int, int, int]] = {
    ("basic", 18): (2, 2, 2, 2),
    ("basic", 34): (3, 4, 6, 3),
    ("bottleneck", 18): (1, 1, 1, 1),
    ("bottleneck", 50): (3, 4, 6, 3),
    ("bottleneck", 101): (3, 4, 23, 3),
    ("bottleneck", 152): (3, 8, 36, 3),
}
"""Residual blocks in each of the four stages. ("bottleneck", 18) is what pytorchvideo calls depth 18."""

_GRAY = (0.299, 0.587, 0.114)
"""Luma of ITU-R BT.601, R G B."""

_SLOW_TEMPORAL_KERNELS = (1, 1, 3, 3)
"""The Slow pathway convolves over time in its last two stages only (paper, Table 1)."""


@dataclass(frozen=True, slots=True)
class SlowFastConfig:
    """Configuration of a SlowFast network, with the names of the paper.

    Attributes:
        depth: Layers of the residual network; see `STAGE_DEPTHS`.
        block: "bottleneck" (1x1, 3x3, 1x1; output four times as wide) or "basic" (3x3, 3x3).
        frames: T, frames that the Slow pathway sees.
        stride: tau, video frames from one Slow frame to the next.
        alpha: Frame-rate ratio: the Fast pathway sees alpha * T frames, tau / alpha apart.
        beta_inv: 1 / beta: the Fast pathway has 1 / beta_inv of the channels.
        width: Channels of the Slow pathway's stem.
        lateral: Kind of the connection from Fast to Slow: "time_strided_conv" (a convolution over `lateral_kernel`
            frames with stride alpha and `lateral_ratio` times as many channels), "time_to_channel" (alpha frames packed
            into the channels of one), "time_strided_sample" (every alpha-th frame) or "none".
        fusion: "concat" with the Slow pathway's channels, or "sum" (requires as many channels as Slow has).
        lateral_kernel: Frames of the lateral convolution: 7 in the published R50, 5 in the paper and in R101.
        lateral_ratio: Ratio of output to input channels of the lateral convolution.
        fast_input: Input of the Fast pathway: "rgb", "grey", "time_difference" (gray, minus the previous frame; the
            first frame is zero) or "half_resolution" (RGB, each side halved).
        normalization: "dataset" ((x - mean) / std) or "clip_mean" (each pixel minus its own mean over the clip, over
            std: still parts become zero).
        res4_temporal_blocks: Number of blocks of the third stage that convolve over time, counted from the first; None
            for all. 6 in the published 16x8 R101.
        num_classes: K.
        dropout: Rate before the classifier.
        side: S, side of the square input in pixels.
        pool_side: Side of the final average pooling in feature-map pixels (7 = 224 / 32, as in the training of the
            published networks); a larger map is pooled with stride 1 and the positions are averaged. None for a plain
            mean.
        mean: Per channel RGB, in units of 0..1.
        std: Per channel RGB.
    """

    depth: int = 50
    block: Block = "bottleneck"
    frames: int = 8
    stride: int = 8
    alpha: int = 4
    beta_inv: int = 8
    width: int = 64
    lateral: Lateral = "time_strided_conv"
    fusion: Fusion = "concat"
    lateral_kernel: int = 7
    lateral_ratio: int = 2
    fast_input: FastInput = "rgb"
    normalization: Normalization = "dataset"
    res4_temporal_blocks: int | None = None
    num_classes: int = 400
    dropout: float = 0.5
    side: int = 256
    pool_side: int | None = 7
    mean: tuple[float, float, float] = (0.45, 0.45, 0.45)
    std: tuple[float, float, float] = (0.225, 0.225, 0.225)

    def __post_init__(self) -> None:
        if (self.block, self.depth) not in STAGE_DEPTHS:
            known = ", ".join(f"{block} {depth}" for block, depth in STAGE_DEPTHS)
            raise ValueError(f"there is no {self.block} network of depth {self.depth}; known: {known}")
        if min(self.frames, self.stride, self.alpha, self.beta_inv, self.num_classes) < 1:
            raise ValueError(f"frames, stride, alpha, beta_inv and num_classes are at least 1, got {self}")
        if self.width % self.beta_inv:
            raise ValueError(f"width {self.width} is not a multiple of beta_inv {self.beta_inv}")
        if self.stride % self.alpha:
            raise ValueError(f"stride {self.stride} is not a multiple of alpha {self.alpha}")
        if self.lateral_kernel % 2 == 0:
            raise ValueError(f"lateral_kernel is odd, got {self.lateral_kernel}")
        if self.fusion == "sum" and self.lateral != "none" and self.lateral_channels(1) != self.beta_inv:
            raise ValueError(
                f"fusion 'sum' needs as many lateral channels as the Slow pathway has: {self.beta_inv} times "
                f"the Fast pathway's, but {self.lateral} gives {self.lateral_channels(1)} times"
            )

    @property
    def clip_frames(self) -> int:
        """Frames of a clip, alpha * T: what the Fast pathway sees."""
        return self.frames * self.alpha

    @property
    def clip_stride(self) -> int:
        """Video frames from one frame of the clip to the next, tau / alpha."""
        return self.stride // self.alpha

    @property
    def clip_shape(self) -> tuple[int, int, int, int, int]:
        """(1, alpha * T, S, S, 3): the shape of one clip."""
        return 1, self.clip_frames, self.side, self.side, 3

    @property
    def expansion(self) -> int:
        """Ratio of output to inner channels of a residual block."""
        return 4 if self.block == "bottleneck" else 1

    @property
    def features(self) -> int:
        """F, length of the pooled features: the last stage of both pathways."""
        slow = self.width * 8 * self.expansion
        return slow + slow // self.beta_inv

    def lateral_channels(self, fast: int) -> int:
        """Return the number of channels that a lateral connection makes of `fast` channels."""
        return {
            "time_strided_conv": fast * self.lateral_ratio,
            "time_to_channel": fast * self.alpha,
            "time_strided_sample": fast,
            "none": 0,
        }[self.lateral]

    def fused_channels(self, slow: int) -> int:
        """Return the Slow pathway's number of channels after a lateral connection, given `slow` before it."""
        return slow + (self.lateral_channels(slow // self.beta_inv) if self.fusion == "concat" else 0)


class Output(NamedTuple):
    """A network's outputs for N clips.

    Attributes:
        logits: float (N, K), before softmax.
        features: float (N, F), pooled, before dropout and classifier.
    """

    logits: Tensor
    features: Tensor


def _conv(inputs: int, outputs: int, kernel: tuple[int, int, int], stride: tuple[int, int, int]) -> nn.Conv3d:
    padding = (kernel[0] // 2, kernel[1] // 2, kernel[2] // 2)
    return nn.Conv3d(inputs, outputs, kernel, stride=stride, padding=padding, bias=False)


class _Stem(nn.Module):
    """7x7 convolution over `kernel_t` frames, then 3x3 max pooling; each side shrinks to a quarter."""

    def __init__(self, inputs: int, outputs: int, kernel_t: int) -> None:
        super().__init__()
        self.conv = _conv(inputs, outputs, (kernel_t, 7, 7), (1, 2, 2))
        self.norm = nn.BatchNorm3d(outputs)
        self.activation = nn.ReLU()
        self.pool = nn.MaxPool3d((1, 3, 3), stride=(1, 2, 2), padding=(0, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return cast(Tensor, self.pool(self.activation(self.norm(self.conv(x)))))


class _Bottleneck(nn.Module):
    """kernel_t x 1 x 1, 1 x 3 x 3, 1 x 1 x 1."""

    def __init__(self, inputs: int, inner: int, outputs: int, kernel_t: int, stride: int) -> None:
        super().__init__()
        self.conv_a = _conv(inputs, inner, (kernel_t, 1, 1), (1, 1, 1))
        self.norm_a = nn.BatchNorm3d(inner)
        self.act_a = nn.ReLU()
        self.conv_b = _conv(inner, inner, (1, 3, 3), (1, stride, stride))
        self.norm_b = nn.BatchNorm3d(inner)
        self.act_b = nn.ReLU()
        self.conv_c = _conv(inner, outputs, (1, 1, 1), (1, 1, 1))
        self.norm_c = nn.BatchNorm3d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        x = self.act_a(self.norm_a(self.conv_a(x)))
        x = self.act_b(self.norm_b(self.conv_b(x)))
        return cast(Tensor, self.norm_c(self.conv_c(x)))

    @property
    def last_norm(self) -> nn.BatchNorm3d:
        return self.norm_c


class _Basic(nn.Module):
    """kernel_t x 3 x 3, 1 x 3 x 3."""

    def __init__(self, inputs: int, inner: int, outputs: int, kernel_t: int, stride: int) -> None:
        super().__init__()
        self.conv_a = _conv(inputs, inner, (kernel_t, 3, 3), (1, stride, stride))
        self.norm_a = nn.BatchNorm3d(inner)
        self.act_a = nn.ReLU()
        self.conv_b = _conv(inner, outputs, (1, 3, 3), (1, 1, 1))
        self.norm_b = nn.BatchNorm3d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        x = self.act_a(self.norm_a(self.conv_a(x)))
        return cast(Tensor, self.norm_b(self.conv_b(x)))

    @property
    def last_norm(self) -> nn.BatchNorm3d:
        return self.norm_b


class _Residual(nn.Module):
    """A block with its shortcut: a 1x1x1 convolution if the shapes differ."""

    def __init__(self, block: Block, inputs: int, inner: int, outputs: int, kernel_t: int, stride: int) -> None:
        super().__init__()
        self.branch1_conv: nn.Module = nn.Identity()
        self.branch1_norm: nn.Module = nn.Identity()
        if inputs != outputs or stride != 1:
            self.branch1_conv = _conv(inputs, outputs, (1, 1, 1), (1, stride, stride))
            self.branch1_norm = nn.BatchNorm3d(outputs)
        kind = _Bottleneck if block == "bottleneck" else _Basic
        self.branch2 = kind(inputs, inner, outputs, kernel_t, stride)
        self.activation = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        shortcut = self.branch1_norm(self.branch1_conv(x))
        return cast(Tensor, self.activation(shortcut + self.branch2(x)))


class _Stage(nn.Module):
    """Residual blocks of one size; the first one may halve it."""

    def __init__(
        self, block: Block, inputs: int, inner: int, outputs: int, kernels_t: tuple[int, ...], stride: int
    ) -> None:
        super().__init__()
        self.res_blocks = nn.ModuleList(
            _Residual(block, outputs if index else inputs, inner, outputs, kernel_t, 1 if index else stride)
            for index, kernel_t in enumerate(kernels_t)
        )

    def forward(self, x: Tensor) -> Tensor:
        for block in self.res_blocks:
            x = block(x)
        return x


class _Lateral(nn.Module):
    """Lateral connection from Fast to Slow: see `SlowFastConfig.lateral`."""

    def __init__(self, config: SlowFastConfig, fast: int) -> None:
        super().__init__()
        self.kind, self.alpha, self.fusion = config.lateral, config.alpha, config.fusion
        # At half resolution, features are upsampled by repetition so that they can be joined pixel by pixel.
        self.enlarge = config.fast_input == "half_resolution"
        if self.kind == "time_strided_conv":
            outputs = config.lateral_channels(fast)
            self.conv_fast_to_slow = _conv(fast, outputs, (config.lateral_kernel, 1, 1), (self.alpha, 1, 1))
            self.norm = nn.BatchNorm3d(outputs)
            self.activation = nn.ReLU()

    def _brought(self, fast: Tensor) -> Tensor:
        if self.kind == "time_strided_conv":
            return cast(Tensor, self.activation(self.norm(self.conv_fast_to_slow(fast))))
        if self.kind == "time_strided_sample":
            return fast[:, :, :: self.alpha]
        n, c, t, h, w = fast.shape
        packed = fast.reshape(n, c, t // self.alpha, self.alpha, h, w).permute(0, 3, 1, 2, 4, 5)
        return packed.reshape(n, self.alpha * c, t // self.alpha, h, w)

    def forward(self, slow: Tensor, fast: Tensor) -> Tensor:
        if self.kind == "none":
            return slow
        brought = self._brought(fast)
        if self.enlarge:
            brought = functional.interpolate(brought, size=list(slow.shape[2:]), mode="nearest")
        return torch.cat((slow, brought), 1) if self.fusion == "concat" else slow + brought


class _TwoPathways(nn.Module):
    """The same part of both pathways, followed by the lateral connection."""

    def __init__(self, slow: nn.Module, fast: nn.Module, lateral: nn.Module | None) -> None:
        super().__init__()
        self.multipathway_blocks = nn.ModuleList((slow, fast))
        self.multipathway_fusion = lateral

    def forward(self, slow: Tensor, fast: Tensor) -> tuple[Tensor, Tensor]:
        slow, fast = self.multipathway_blocks[0](slow), self.multipathway_blocks[1](fast)
        return (slow if self.multipathway_fusion is None else self.multipathway_fusion(slow, fast)), fast


class _Pool(nn.Module):
    """Both pathways averaged over time and space and concatenated: (N, F)."""

    def __init__(self, side: int | None) -> None:
        super().__init__()
        self.side = side

    def _pooled(self, x: Tensor) -> Tensor:
        if self.side is not None:
            kernel = (x.shape[2], min(self.side, x.shape[3]), min(self.side, x.shape[4]))
            x = functional.avg_pool3d(x, kernel, stride=1)
        return x.mean((2, 3, 4))

    def forward(self, slow: Tensor, fast: Tensor) -> Tensor:
        return torch.cat((self._pooled(slow), self._pooled(fast)), 1)


class _Head(nn.Module):
    def __init__(self, inputs: int, classes: int, dropout: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.proj = nn.Linear(inputs, classes)

    def forward(self, features: Tensor) -> Tensor:
        return cast(Tensor, self.proj(self.dropout(features)))


class SlowFast(nn.Module):
    """A SlowFast network.

    `forward` takes clips as the app cuts them; `forward_pathways` takes the output of `prepare`.

    Args:
        config: The configuration.
    """

    slow_indices: Tensor

    def __init__(self, config: SlowFastConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or SlowFastConfig()
        indices = uniform_temporal_indices(config.clip_frames, config.frames)
        # Not learned, and not part of published state dicts.
        self.register_buffer("slow_indices", torch.tensor(indices), persistent=False)
        self.blocks = nn.ModuleList(_parts(config))
        self.initialize()

    def prepare(self, clip: Tensor) -> tuple[Tensor, Tensor]:
        """Normalize clips and split them into the two pathways.

        Args:
            clip: (N, alpha * T, S, S, 3), RGB: uint8 in 0..255, or floating point in the same range.

        Returns:
            Slow float (N, 3, T, S, S) and Fast float (N, C, alpha * T, s, s); `fast_input` determines C and s.
        """
        x = self._normalized(clip.to(next(self.parameters()).dtype))
        slow = x.index_select(1, self.slow_indices).permute(0, 4, 1, 2, 3)
        kind = self.config.fast_input
        if kind in ("grey", "time_difference"):
            red, green, blue = x[..., 0:1], x[..., 1:2], x[..., 2:3]
            x = _GRAY[0] * red + _GRAY[1] * green + _GRAY[2] * blue
            if kind == "time_difference":
                x = torch.cat((torch.zeros_like(x[:, :1]), x[:, 1:] - x[:, :-1]), 1)
        fast = x.permute(0, 4, 1, 2, 3)
        if kind == "half_resolution":
            fast = functional.avg_pool3d(fast, (1, 2, 2))
        return slow, fast

    def _normalized(self, x: Tensor) -> Tensor:
        """Normalize (N, T, S, S, 3) of 0..255 by scalars, because vectors would be exported in half precision."""
        config = self.config
        if config.normalization == "clip_mean":
            # Sums of bytes are exact, so that still parts become exactly zero.
            return _over((x - x.mean(1, keepdim=True)) / 255.0, config.std)
        x = x / 255.0
        if len(set(config.mean)) == 1:
            return _over(x - config.mean[0], config.std)
        return _over(torch.stack([x[..., c] - mean for c, mean in enumerate(config.mean)], -1), config.std)

    def forward_pathways(self, slow: Tensor, fast: Tensor) -> Output:
        """Run the network on prepared pathways: see `prepare` for the shapes."""
        for part in self.blocks[:-2]:
            slow, fast = part(slow, fast)
        features = self.blocks[-2](slow, fast)
        return Output(self.blocks[-1](features), features)

    def forward(self, clip: Tensor) -> Output:
        """Run the network on clips (N, alpha * T, S, S, 3), RGB, uint8 or floating point in 0..255."""
        return self.forward_pathways(*self.prepare(clip))

    @torch.no_grad()
    def initialize(self) -> None:
        """Initialize the weights as the paper's code does.

        He's normal initialization by output fan for convolutions, zero for the last normalization of each residual
        block (Goyal et al., arXiv 1706.02677), a narrow normal distribution for the classifier.
        """
        for module in self.modules():
            if isinstance(module, nn.Conv3d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            elif isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, std=0.01)
                nn.init.zeros_(module.bias)
        for module in self.modules():
            if isinstance(module, (_Bottleneck, _Basic)):
                nn.init.zeros_(module.last_norm.weight)


def _over(x: Tensor, std: tuple[float, float, float]) -> Tensor:
    """Divide the channels, the last dimension of `x`."""
    if len(set(std)) == 1:
        return x / std[0]
    return torch.stack([x[..., c] / value for c, value in enumerate(std)], -1)


def _parts(config: SlowFastConfig) -> Iterator[nn.Module]:
    """Yield stem, four stages, pool and head, in the order and with the names of pytorchvideo."""
    slow, beta = config.width, config.beta_inv
    one_channel = config.fast_input in ("grey", "time_difference")

    def lateral(channels: int) -> _Lateral | None:
        return None if config.lateral == "none" else _Lateral(config, channels // beta)

    yield _TwoPathways(_Stem(3, slow, 1), _Stem(1 if one_channel else 3, slow // beta, 5), lateral(slow))
    inputs, inner = slow, slow
    for index, depth in enumerate(STAGE_DEPTHS[config.block, config.depth]):
        outputs, stride = inner * config.expansion, 2 if index else 1
        kernels = [_SLOW_TEMPORAL_KERNELS[index]] * depth
        fast_kernels = [3] * depth
        if index == 2 and config.res4_temporal_blocks is not None:
            still = depth - config.res4_temporal_blocks
            kernels[config.res4_temporal_blocks :] = fast_kernels[config.res4_temporal_blocks :] = [1] * still
        yield _TwoPathways(
            _Stage(config.block, config.fused_channels(inputs), inner, outputs, tuple(kernels), stride),
            _Stage(config.block, inputs // beta, inner // beta, outputs // beta, tuple(fast_kernels), stride),
            lateral(outputs) if index < 3 else None,
        )
        inputs, inner = outputs, inner * 2
    yield _Pool(config.pool_side)
    yield _Head(inputs + inputs // beta, config.num_classes, config.dropout)


def slowfast(config: SlowFastConfig | None = None) -> SlowFast:
    """Build a SlowFast network with newly initialized weights; by default the published R50 8x8."""
    return SlowFast(config)
