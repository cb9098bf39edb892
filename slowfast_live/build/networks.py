"""The networks of the catalogue as torch modules that take clips as the app cuts them.

Every network here maps clips (N, T, S, S, 3), uint8 RGB, to `Output(logits, features)`. Some published
networks (X3D, R(2+1)D) put the softmax before the mean over the positions of a map larger than the one they
were trained on; their logits keep the positions, (N, P, K), so that `probabilities` can do the same.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, cast, get_args

import torch
from torch import Tensor, nn

from slowfast_live.build.catalogue import Entry
from slowfast_live.build.compat import prepare_imports
from slowfast_live.build.slowfast import (
    Block,
    FastInput,
    Fusion,
    Lateral,
    Normalisation,
    Output,
    SlowFast,
    SlowFastConfig,
)
from slowfast_live.core.sampling import uniform_temporal_indices
from slowfast_live.errors import UsageError
from slowfast_live.inference.spec import Clip

MEAN, STD = 0.45, 0.225
"""Normalisation that every published network here was trained with, per channel, in units of 0..1."""

_NONLOCAL_BLOCKS = {3: (1, 3), 4: (1, 3, 5)}
"""Part of the I3D network -> residual blocks that a non-local block follows (PySlowFast, I3D_NLN_8x8_R50)."""


class ClipInput(nn.Module):
    """Cast, normalisation, layout and split into pathways.

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
    """A pytorchvideo `Net`: blocks, and a head of pool, dropout, classifier and perhaps softmax.

    Args:
        net: The network, weights loaded.
        entry: What it is.
    """

    def __init__(self, net: nn.Module, entry: Entry) -> None:
        super().__init__()
        self.input = ClipInput(entry.clip.frames, entry.alpha)
        self.net = net
        head = _parts(net)[-1]
        self.softmax_first = isinstance(head.activation, nn.Softmax)

    def forward(self, clip: Tensor) -> Output:
        """Run the network; see the module's text."""
        *blocks, head = _parts(self.net)
        # Two pathways travel as a list until they are joined; pytorchvideo changes that list in place.
        x: list[Tensor] | Tensor = self.input(clip)
        if not self.input.two_pathways:
            x = x[0]
        for block in blocks:
            x = block(x)
        if head.pool is not None:
            x = head.pool(x)
        pooled = cast(Tensor, x).flatten(2)
        features = pooled.mean(2)
        if self.softmax_first and pooled.shape[2] > 1:
            return Output(head.proj(pooled.transpose(1, 2)), features)
        # A linear classifier commutes with the mean over positions.
        return Output(head.proj(features), features)


class TokenNetwork(nn.Module):
    """A transformer whose class token is classified.

    Args:
        trunk: (N, 3, T, S, S) -> features (N, F).
        classifier: Features -> logits.
        entry: What it is.
    """

    def __init__(self, trunk: nn.Module, classifier: nn.Module, entry: Entry) -> None:
        super().__init__()
        self.input = ClipInput(entry.clip.frames, None)
        self.trunk, self.classifier = trunk, classifier

    def forward(self, clip: Tensor) -> Output:
        """Run the network; see the module's text."""
        features = self.trunk(self.input(clip)[0])
        return Output(self.classifier(features), features)


class _FirstToken(nn.Module):
    def forward(self, tokens: Tensor) -> Tensor:
        return tokens[:, 0]


def _parts(net: nn.Module) -> list[Any]:
    """Return the parts of a pytorchvideo network, whose attributes torch's types do not know."""
    return list(cast(nn.ModuleList, net.blocks))


def probabilities(logits: Tensor) -> Tensor:
    """Return (N, K) that sum to 1, from logits (N, K), or (N, P, K) whose positions are averaged."""
    scores = logits.softmax(-1)
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
    """I3D with non-local blocks (arXiv 1711.07971), placed as in PySlowFast's I3D_NLN_8x8_R50."""
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


def _mvit_v2_s(classes: int) -> nn.Module:
    prepare_imports()
    from torchvision.models.video import mvit_v2_s  # type: ignore[import-untyped]

    return cast(nn.Module, mvit_v2_s(num_classes=classes))


_SPECIAL: dict[str, Callable[[int], nn.Module]] = {
    "slowfast_4x16_r50": _slowfast_4x16,
    "slow_4x16_r50": _slow_4x16,
    "i3d_nln_r50": _i3d_nln,
    "mvit_v2_s": _mvit_v2_s,
}


SLOWFAST_CONFIGS: dict[str, SlowFastConfig] = {
    "slowfast_r50": SlowFastConfig(),
    "slowfast_4x16_r50": SlowFastConfig(frames=4, stride=16, alpha=8, lateral_kernel=5),
    "slowfast_r101": SlowFastConfig(depth=101, lateral_kernel=5),
    "slowfast_16x8_r101_50_50": SlowFastConfig(depth=101, frames=16, lateral_kernel=5, res4_temporal_blocks=6),
}
"""The published SlowFast networks in terms of our own builder."""


def variant(entry: Entry, settings: Sequence[str]) -> tuple[Entry, SlowFastConfig]:
    """Change a published SlowFast network.

    Args:
        entry: The network to start from.
        settings: "field=value" for fields of `SlowFastConfig`, e.g. "lateral=time_to_channel".

    Returns:
        The changed network's row, without what was published of the original, and its configuration.

    Raises:
        UsageError: It is no SlowFast network, or a field or value does not exist.
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
    "normalisation": get_args(Normalisation),
}

_SETTINGS: dict[str, type] = dict.fromkeys(_CHOICES, str) | dict.fromkeys(
    (
        *("depth", "frames", "stride", "alpha", "beta_inv", "width", "lateral_kernel", "lateral_ratio"),
        *("res4_temporal_blocks", "side", "pool_side"),
    ),
    int,
)


def build(entry: Entry, classes: int = 400) -> nn.Module:
    """Build the published network with fresh weights, under the names that its checkpoint uses.

    Args:
        entry: Which network.
        classes: K.

    Returns:
        The network as its project defines it; `adapt` makes it take clips.
    """
    if entry.name in _SPECIAL:
        return _SPECIAL[entry.name](classes)
    key = "head_num_classes" if entry.transformer else "model_num_class"
    return _hub(entry.name)(**{key: classes})


def adapt(net: nn.Module, entry: Entry) -> nn.Module:
    """Wrap a network made by `build`, weights loaded, so that it takes clips. `net` is used up.

    Returns:
        A module in eval mode that maps uint8 (N, T, S, S, 3) to `Output`.
    """
    if isinstance(net, SlowFast):
        return net.eval()
    if entry.name == "mvit_v2_s":
        classifier, net.head = net.head, nn.Identity()
        return TokenNetwork(net, cast(nn.Module, classifier), entry).eval()
    if entry.transformer:
        head = cast(Any, net.head)
        net.head = cast(Any, None)
        return TokenNetwork(nn.Sequential(net, _FirstToken()), head.proj, entry).eval()
    return ConvolutionalNetwork(net, entry).eval()


class DeployedClip(nn.Module):
    """What is exported: clip in, probabilities and features out.

    Args:
        network: Maps uint8 (N, T, S, S, 3) to `Output`; a network of this module or a `SlowFast`.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, clip: Tensor) -> tuple[Tensor, Tensor]:
        """Return probabilities (N, K) and features (N, F) of clips, uint8 (N, T, S, S, 3), RGB."""
        logits, features = self.network(clip)
        return probabilities(logits), features
