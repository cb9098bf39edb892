"""The networks of the catalog as torch modules that take clips as the app cuts them.

Every network here maps clips (N, T, S, S, 3), uint8 RGB, to `Output(logits, features)`. Some published networks (X3D,
R(2+1)D, those of PySlowFast) apply the softmax before averaging over the positions of a map larger than in training;
their logits keep the positions, (N, P, K), so that `probabilities` can do the same.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, cast, get_args

import torch
from torch import Tensor, nn

from slowfast_live.core.sampling import uniform_temporal_indices
from slowfast_live.errors import UsageError
from slowfast_live.inference.spec import Clip
from slowfast_live.tools.convert import detection, mvit
from slowfast_live.tools.convert.catalogue import Entry
from slowfast_live.tools.convert.compat import prepare_imports
from slowfast_live.tools.convert.datasets import Activation
from slowfast_live.tools.convert.slowfast import (
    Block,
    FastInput,
    Fusion,
    Lateral,
    Normalization,
    Output,
    SlowFast,
    SlowFastConfig,
)

MEAN, STD = 0.45, 0.225
"""Normalization that every published network here was trained with, per channel, in units of 0..1."""

_NONLOCAL_BLOCKS = {3: (1, 3), 4: (1, 3, 5)}
"""Part of the I3D network -> residual blocks that are followed by a non-local block (PySlowFast, I3D_NLN_8x8_R50)."""


class ClipInput(nn.Module):
    """Cast, normalization, layout change and split into pathways.

    Args:
        frames: T, frames of a clip.
        alpha: Frame-rate ratio of two pathways; None for one.
    """

    slow_indices: Tensor

    def __init__(self, frames: int, alpha: int | None) -> None:
        super().__init__()
        self.two_pathways = alpha is not None
        indices = uniform_temporal_indices(frames, frames // (alpha or 1))
        self.register_buffer("slow_indices", torch.tensor(indices), persistent=False)

    def forward(self, clip: Tensor) -> list[Tensor]:
        """Return a new list of float (N, 3, T, S, S): [slow, fast], or the clip alone."""
        x = (clip.to(torch.float32) / 255.0 - MEAN) / STD
        x = x.permute(0, 4, 1, 2, 3)
        return [x.index_select(2, self.slow_indices), x] if self.two_pathways else [x]


class ConvolutionalNetwork(nn.Module):
    """A pytorchvideo `Net`: blocks, and a head of pooling, dropout, classifier and optionally softmax.

    Args:
        net: The network, with its weights loaded.
        entry: Its catalog entry.
    """

    def __init__(self, net: nn.Module, entry: Entry) -> None:
        super().__init__()
        self.input = ClipInput(entry.clip.frames, entry.alpha)
        self.net = net
        head = _parts(net)[-1]
        self.activated_first = head.activation is not None

    def forward(self, clip: Tensor) -> Output:
        """Run the network; see the module docstring for the shapes."""
        *blocks, head = _parts(self.net)
        # Two pathways are passed as a list until they are joined; pytorchvideo modifies that list in place.
        x: list[Tensor] | Tensor = self.input(clip)
        if not self.input.two_pathways:
            x = x[0]
        for block in blocks:
            x = block(x)
        if head.pool is not None:
            x = head.pool(x)
        pooled = cast(Tensor, x).flatten(2)
        features = pooled.mean(2)
        if self.activated_first and pooled.shape[2] > 1:
            return Output(head.proj(pooled.transpose(1, 2)), features)
        # A linear classifier commutes with the mean over positions.
        return Output(head.proj(features), features)


class TokenNetwork(nn.Module):
    """A transformer whose class token is classified.

    Args:
        trunk: (N, 3, T, S, S) -> features (N, F).
        classifier: Features -> logits.
        entry: Its catalog entry.
    """

    def __init__(self, trunk: nn.Module, classifier: nn.Module, entry: Entry) -> None:
        super().__init__()
        self.input = ClipInput(entry.clip.frames, None)
        self.trunk, self.classifier = trunk, classifier

    def forward(self, clip: Tensor) -> Output:
        """Run the network; see the module docstring for the shapes."""
        features = self.trunk(self.input(clip)[0])
        return Output(self.classifier(features), features)


class EfficientNetwork(nn.Module):
    """An X3D of pytorchvideo's accelerated models, whose classifier sees one pooled position.

    Args:
        net: The network, with its weights loaded.
        entry: Its catalog entry.
    """

    def __init__(self, net: nn.Module, entry: Entry) -> None:
        super().__init__()
        self.input = ClipInput(entry.clip.frames, None)
        self.net = net

    def forward(self, clip: Tensor) -> Output:
        """Run the network; see the module docstring for the shapes."""
        net = cast(Any, self.net)
        x = self.input(clip)[0]
        for stage in (net.s1, net.s2, net.s3, net.s4, net.s5, net.head):
            x = stage(x)
        features = x.flatten(1)
        return Output(net.projection(features), features)


class _FirstToken(nn.Module):
    def forward(self, tokens: Tensor) -> Tensor:
        return tokens[:, 0]


def _parts(net: nn.Module) -> list[Any]:
    """Return the parts of a pytorchvideo network, whose attributes are unknown to torch's types."""
    return list(cast(nn.ModuleList, net.blocks))


def probabilities(logits: Tensor, activation: Activation = "softmax") -> Tensor:
    """Return (N, K) in 0..1, from logits (N, K), or (N, P, K) whose positions are averaged.

    Args:
        logits: The classifier's output.
        activation: "softmax" for scores with sum 1, "sigmoid" for a score of each label by itself.
    """
    scores = logits.sigmoid() if activation == "sigmoid" else logits.softmax(-1)
    return scores.mean(1) if scores.ndim == 3 else scores


def _hub(name: str) -> Callable[..., nn.Module]:
    prepare_imports()
    from pytorchvideo.models import hub

    return cast(Callable[..., nn.Module], getattr(hub, name))


def _slowfast_4x16(classes: int) -> nn.Module:
    prepare_imports()
    from pytorchvideo.models.slowfast import create_slowfast

    return cast(
        nn.Module,
        create_slowfast(
            model_num_class=classes,
            slowfast_fusion_conv_kernel_size=(5, 1, 1),
            slowfast_fusion_conv_stride=(8, 1, 1),
            head_pool_kernel_sizes=((4, 7, 7), (32, 7, 7)),
        ),
    )


def _slow_4x16(classes: int) -> nn.Module:
    prepare_imports()
    from pytorchvideo.models.resnet import create_resnet

    return cast(
        nn.Module,
        create_resnet(model_num_class=classes, stem_conv_kernel_size=(1, 7, 7), head_pool_kernel_size=(4, 7, 7)),
    )


def _i3d_nln(classes: int) -> nn.Module:
    """Build I3D with non-local blocks (arXiv 1711.07971), placed as in PySlowFast's I3D_NLN_8x8_R50."""
    net = _hub("i3d_r50")(model_num_class=classes)
    from pytorchvideo.layers.nonlocal_net import create_nonlocal

    for part, followed in _NONLOCAL_BLOCKS.items():
        stage = _parts(net)[part].res_blocks
        for index in followed:
            channels = stage[index].branch2.norm_c.num_features
            nonlocal_block = create_nonlocal(
                dim_in=channels, dim_inner=channels // 2, pool_size=(1, 2, 2), instantiation="softmax"
            )
            stage[index] = nn.Sequential(stage[index], nonlocal_block)
    return net


def _of_hub(name: str, key: str = "model_num_class") -> Callable[[int], nn.Module]:
    return lambda classes: _hub(name)(**{key: classes})


def _slowfast_r50(frames: int, activation: type[nn.Module]) -> Callable[[int], nn.Module]:
    """Return the builder of PySlowFast's SlowFast R50 with `frames` slow frames, alpha 4.

    PySlowFast applies the activation to each position of the map, before their mean.
    """

    def create(classes: int) -> nn.Module:
        prepare_imports()
        from pytorchvideo.models.slowfast import create_slowfast

        network = create_slowfast(
            model_num_class=classes,
            slowfast_fusion_conv_kernel_size=(7, 1, 1),
            head_pool_kernel_sizes=((frames, 7, 7), (4 * frames, 7, 7)),
            head_activation=activation,
        )
        return cast(nn.Module, network)

    return create


_BUILDERS: dict[str, Callable[[int], nn.Module]] = {
    "slowfast_4x16_r50": _slowfast_4x16,
    "slow_4x16_r50": _slow_4x16,
    "i3d_nln_r50": _i3d_nln,
    "mvit_v2_s": mvit.mvit_v2_s,
    "mvit_v2_s_pyslowfast": mvit.mvit_v2_s,
    "mvit_v2_s_ssv2": mvit.mvit_v2_s,
    "mvit_v2_b": mvit.mvit_v2_b,
    "mvit_v2_b_ssv2": mvit.mvit_v2_b,
    "mvit_base_32x3_k600": _of_hub("mvit_base_32x3", "head_num_classes"),
    "efficient_x3d_xs": _of_hub("efficient_x3d_xs", "num_classes"),
    "efficient_x3d_s": _of_hub("efficient_x3d_s", "num_classes"),
    "slow_r50_charades": _of_hub("slow_r50"),
    "slow_r50_ssv2": _of_hub("slow_r50"),
    "slowfast_r50_charades": _of_hub("slowfast_r50"),
    "slowfast_r50_ssv2": _of_hub("slowfast_r50"),
    "slowfast_r50_stepwise": _slowfast_r50(8, nn.Softmax),
    "slowfast_16x8_r50_ssv2": _slowfast_r50(16, nn.Softmax),
    "slowfast_16x8_r50_charades": _slowfast_r50(16, nn.Sigmoid),
    "slow_r50_detection": detection.slow_r50,
    "slowfast_r50_detection": detection.slowfast_r50,
    "slowfast_r101_50_50_detection_v21": detection.slowfast_r101_50_50(8),
    "slowfast_r101_50_50_detection": detection.slowfast_r101_50_50(8),
    "slowfast_16x8_r101_50_50_detection": detection.slowfast_r101_50_50(16),
}
"""Networks that the hub lacks, or has under another name."""


SLOWFAST_CONFIGS: dict[str, SlowFastConfig] = {
    "slowfast_r50": SlowFastConfig(),
    "slowfast_4x16_r50": SlowFastConfig(frames=4, stride=16, alpha=8, lateral_kernel=5),
    "slowfast_r101": SlowFastConfig(depth=101, lateral_kernel=5),
    "slowfast_16x8_r101_50_50": SlowFastConfig(depth=101, frames=16, lateral_kernel=5, res4_temporal_blocks=6),
}
"""The published SlowFast networks as configurations of our own builder."""


def variant(entry: Entry, settings: Sequence[str]) -> tuple[Entry, SlowFastConfig]:
    """Modify a published SlowFast network.

    Args:
        entry: The network to start from.
        settings: "field=value" for fields of `SlowFastConfig`, e.g. "lateral=time_to_channel".

    Returns:
        The modified network's entry, without the published values of the original, and its configuration.

    Raises:
        UsageError: It is not a SlowFast network, or a field or value does not exist.
    """
    if entry.name not in SLOWFAST_CONFIGS:
        known = ", ".join(SLOWFAST_CONFIGS)
        raise UsageError(f"Only SlowFast networks have variants ({known}), not '{entry.name}'.")
    changes: dict[str, Any] = {}
    for setting in settings:
        field, _, value = setting.partition("=")
        if field not in _SETTINGS or not value:
            known = ", ".join(_SETTINGS)
            raise UsageError(f"'{setting}' is no setting of a SlowFast network: FIELD=VALUE, fields {known}.")
        kind = _SETTINGS[field]
        try:
            changes[field] = kind(value)
        except ValueError:
            raise UsageError(f"{field} takes {kind.__name__}, got '{value}'.") from None
        if field in _CHOICES and value not in _CHOICES[field]:
            raise UsageError(f"{field} is one of {', '.join(_CHOICES[field])}, got '{value}'.")
    try:
        config = dataclasses.replace(SLOWFAST_CONFIGS[entry.name], **changes)
    except ValueError as error:
        raise UsageError(f"There is no such SlowFast network: {error}.") from error
    clip = Clip(config.clip_frames, config.clip_stride, config.side)
    title = f"SlowFast {config.frames}x{config.stride} ({', '.join(settings)})"
    return dataclasses.replace(entry, title=title, clip=clip, alpha=config.alpha), config


_CHOICES: dict[str, tuple[str, ...]] = {
    "block": get_args(Block),
    "lateral": get_args(Lateral),
    "fusion": get_args(Fusion),
    "fast_input": get_args(FastInput),
    "normalization": get_args(Normalization),
}

_SETTINGS: dict[str, type] = dict.fromkeys(_CHOICES, str) | dict.fromkeys(
    (
        *("depth", "frames", "stride", "alpha", "beta_inv", "width", "lateral_kernel", "lateral_ratio"),
        *("res4_temporal_blocks", "side", "pool_side"),
    ),
    int,
)


def build(entry: Entry, classes: int | None = None) -> nn.Module:
    """Build the published network with newly initialized weights, under the names of pytorchvideo or torchvision.

    Args:
        entry: The network.
        classes: K; None for those of the dataset that it was published for.

    Returns:
        The network as its project defines it; `adapt` makes it take clips.

    Raises:
        UsageError: It is published as OpenVINO IR only.
    """
    if entry.encoder_decoder is not None:
        raise UsageError(f"{entry.name} is published as OpenVINO IR: there is no torch network of it.")
    classes = entry.dataset.classes if classes is None else classes
    if entry.name in _BUILDERS:
        return _BUILDERS[entry.name](classes)
    return _of_hub(entry.name, "head_num_classes" if entry.transformer else "model_num_class")(classes)


def adapt(net: nn.Module, entry: Entry) -> nn.Module:
    """Wrap a network from `build`, with its weights loaded, so that it takes clips. `net` must not be used afterward.

    Returns:
        A module in eval mode that maps uint8 (N, T, S, S, 3) to `Output`.
    """
    if isinstance(net, SlowFast):
        return net.eval()
    if entry.detects:
        return detection.DetectionNetwork(net, entry, ClipInput(entry.clip.frames, entry.alpha)).eval()
    if entry.name.startswith("mvit_v2"):
        classifier, net.head = net.head, nn.Identity()
        return TokenNetwork(net, cast(nn.Module, classifier), entry).eval()
    if entry.transformer:
        head = cast(Any, net.head)
        net.head = cast(Any, None)
        return TokenNetwork(nn.Sequential(net, _FirstToken()), head.proj, entry).eval()
    if entry.name.startswith("efficient_x3d"):
        return EfficientNetwork(net, entry).eval()
    return ConvolutionalNetwork(net, entry).eval()


class DeployedClip(nn.Module):
    """The exported module: maps a clip to probabilities and features.

    Args:
        network: Maps uint8 (N, T, S, S, 3) to `Output`; a network of this module or a `SlowFast`.
        activation: See `probabilities`.
    """

    def __init__(self, network: nn.Module, activation: Activation = "softmax") -> None:
        super().__init__()
        self.network, self.activation = network, activation

    def forward(self, clip: Tensor) -> tuple[Tensor, Tensor]:
        """Return probabilities (N, K) and features (N, F) of clips, uint8 (N, T, S, S, 3), RGB."""
        logits, features = self.network(clip)
        return probabilities(logits, self.activation), features
