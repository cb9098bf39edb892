"""Checkpoints of PySlowFast: their layers under the names that pytorchvideo's and torchvision's networks have.

The same networks have other names in PySlowFast (https://github.com/facebookresearch/SlowFast), and others again in the
Caffe2 pickles of its first releases. The extension of a file does not tell them apart, so that the content must.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from slowfast_live.errors import ModelError
from slowfast_live.tools.convert import caffe2, checkpoints

_Rules = tuple[tuple[re.Pattern[str], str], ...]


def _rules(*pairs: tuple[str, str]) -> _Rules:
    return tuple((re.compile(pattern), name) for pattern, name in pairs)


_STAGES: _Rules = _rules(
    (r"s1\.pathway(\d)_stem\.conv\.", r"blocks.0.multipathway_blocks.\1.conv."),
    (r"s1\.pathway(\d)_stem\.bn\.", r"blocks.0.multipathway_blocks.\1.norm."),
    (r"s(\d)_fuse\.conv_f2s\.", r"blocks.s\1.multipathway_fusion.conv_fast_to_slow."),
    (r"s(\d)_fuse\.bn\.", r"blocks.s\1.multipathway_fusion.norm."),
    (r"_nonlocal(\d+)\.bn\.", r"_nonlocal\1.norm."),
    (r"s(\d)\.pathway(\d)_nonlocal(\d+)\.", r"blocks.s\1.multipathway_blocks.\2.res_blocks.\3.1."),
    (r"s(\d)\.pathway(\d)_res(\d+)\.", r"blocks.s\1.multipathway_blocks.\2.res_blocks.\3."),
    (r"\.branch1\.", ".branch1_conv."),
    (r"\.branch1_bn\.", ".branch1_norm."),
    (r"\.branch2\.([abc])\.", r".branch2.conv_\1."),
    (r"\.branch2\.([abc])_bn\.", r".branch2.norm_\1."),
    (r"head\.projection\.", "blocks.head.proj."),
)
"""Convolutional networks. PySlowFast counts stages from 1; "s" and "head" stand for numbers to be computed."""

_CAFFE2: _Rules = _rules(
    (r"^nonlocal_conv(\d+)_(\d+)_(theta|phi|g|out)_", r"s\1.pathway0_nonlocal\2.conv_\3."),
    (r"^nonlocal_conv(\d+)_(\d+)_bn_", r"s\1.pathway0_nonlocal\2.norm."),
    (r"^t_pool1_subsample_bn_", "s1_fuse.bn."),
    (r"^t_pool1_subsample_", "s1_fuse.conv_f2s."),
    (r"^t_res(\d+)_\d+_branch2c_bn_subsample_bn_", r"s\1_fuse.bn."),
    (r"^t_res(\d+)_\d+_branch2c_bn_subsample_", r"s\1_fuse.conv_f2s."),
    (r"^(?:t_)?pred_", "head.projection."),
    (r"^t_(?:res_)?conv1_bn_", "s1.pathway1_stem.bn."),
    (r"^t_(?:res_)?conv1_", "s1.pathway1_stem.conv."),
    (r"^(?:res_)?conv1_bn_", "s1.pathway0_stem.bn."),
    (r"^(?:res_)?conv1_", "s1.pathway0_stem.conv."),
    (r"^t_res(\d+)_(\d+)_branch2([abc])_bn_", r"s\1.pathway1_res\2.branch2.\3_bn."),
    (r"^t_res(\d+)_(\d+)_branch2([abc])_", r"s\1.pathway1_res\2.branch2.\3."),
    (r"^t_res(\d+)_(\d+)_branch1_bn_", r"s\1.pathway1_res\2.branch1_bn."),
    (r"^t_res(\d+)_(\d+)_branch1_", r"s\1.pathway1_res\2.branch1."),
    (r"^res(\d+)_(\d+)_branch2([abc])_bn_", r"s\1.pathway0_res\2.branch2.\3_bn."),
    (r"^res(\d+)_(\d+)_branch2([abc])_", r"s\1.pathway0_res\2.branch2.\3."),
    (r"^res(\d+)_(\d+)_branch1_bn_", r"s\1.pathway0_res\2.branch1_bn."),
    (r"^res(\d+)_(\d+)_branch1_", r"s\1.pathway0_res\2.branch1."),
    (r"\.riv$", ".running_var"),
    (r"\.rm$", ".running_mean"),
    (r"\.s$", ".weight"),
    (r"\.w$", ".weight"),
    (r"\.b$", ".bias"),
)

_MVIT_V1: _Rules = _rules(
    (r"^patch_embed\.proj\.", "patch_embed.patch_model."),
    (r"^cls_token$", "cls_positional_encoding.cls_token"),
    (r"^pos_embed_(spatial|temporal|class)$", r"cls_positional_encoding.pos_embed_\1"),
    (r"^norm\.", "norm_embed."),
    (r"^head\.projection\.", "head.proj."),
)

_MVIT_V2: _Rules = _rules(
    (r"^patch_embed\.proj\.", "conv_proj."),
    (r"^cls_token$", "pos_encoding.class_token"),
    (r"\.attn\.pool_([qkv])\.", r".attn.pool_\1.pool."),
    (r"\.attn\.norm_([qkv])\.", r".attn.pool_\1.norm_act.0."),
    (r"\.attn\.proj\.", ".attn.project.0."),
    (r"\.mlp\.fc1\.", ".mlp.0."),
    (r"\.mlp\.fc2\.", ".mlp.3."),
    (r"(blocks\.\d+)\.proj\.", r"\1.project."),
    (r"^head\.projection\.", "head.1."),
)


def load(path: Path) -> dict[str, Tensor]:
    """Read a state dict from a file of torch, of safetensors, or of Caffe2, whatever the file is called.

    Raises:
        ModelError: It is none of them, or contains code.
    """
    try:
        return checkpoints.load_torch(path)
    except ModelError:
        if path.suffix.lower() != ".pkl":
            raise
        return _renamed(caffe2.load_caffe2(path), _CAFFE2)


def with_our_names(state: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return a state dict of PySlowFast with the names of a network of pytorchvideo or torchvision.

    Args:
        state: Names and tensors, perhaps with the prefixes of wrappers; one with other names is returned as it is.
        wanted: The network's own state dict.
    """
    start = next((found for name in state if (found := _start(name)) is not None), None)
    if start is None:
        return dict(state)
    inside = {name.removeprefix(start): tensor for name, tensor in state.items()}
    if any(name.startswith("s1.") for name in inside):
        return _stages(inside, wanted)
    if "conv_proj.weight" in wanted:
        return {name: _fitting(tensor, wanted.get(name)) for name, tensor in _renamed(inside, _MVIT_V2).items()}
    renamed = _with_separate_queries(_renamed(inside, _MVIT_V1), wanted)
    return {name: _fitting(tensor, wanted.get(name)) for name, tensor in renamed.items()}


def _with_separate_queries(state: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Split projections that hold queries, keys and values in one, as later versions of PySlowFast store them."""
    separate = {}
    for name, tensor in state.items():
        if ".attn.qkv." not in name or name in wanted:
            separate[name] = tensor
            continue
        for part, rows in zip("qkv", tensor.chunk(3), strict=True):
            separate[name.replace(".qkv.", f".{part}.")] = rows
    return separate


def _start(name: str) -> str | None:
    """Return what stands before a name that only PySlowFast's networks have; None for another name."""
    found = re.match(r"(.*?)(?:s1\.pathway0_stem\.conv\.weight|patch_embed\.proj\.weight)$", name)
    return None if found is None else found[1]


def _renamed(state: Mapping[str, Tensor], rules: _Rules) -> dict[str, Tensor]:
    renamed = {}
    for name, tensor in state.items():
        new = name
        for pattern, replacement in rules:
            new = pattern.sub(replacement, new)
        renamed[new] = tensor
    return renamed


def _stages(state: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> dict[str, Tensor]:
    head = next((name.split(".")[1] for name in wanted if re.fullmatch(r"blocks\.\d+\.proj\.weight", name)), "")
    one_pathway = not any("multipathway" in name for name in wanted)
    detection = "detection_head.proj.weight" in wanted
    renamed = {}
    for name, tensor in _renamed(state, _STAGES).items():
        new = re.sub(r"^blocks\.s(\d)\.", lambda found: f"blocks.{int(found[1]) - 1}.", name)
        if detection:
            new = re.sub(r"^model\.blocks\.head\.", "detection_head.", f"model.{new}")
        new = new.replace("blocks.head.", f"blocks.{head}.")
        new = new.replace("multipathway_blocks.0.", "") if one_pathway else new
        if new not in wanted:  # a residual block that a non-local one follows is the first of the two
            new = re.sub(r"(\.res_blocks\.\d+)\.(?=branch)", r"\1.0.", new)
        renamed[new] = tensor
    return renamed


def _fitting(tensor: Tensor, wanted: Tensor | None) -> Tensor:
    """Return a tensor without the leading dimensions of 1 that the network's does not have: (1, 1, C) for (C,)."""
    if wanted is None or tensor.shape == wanted.shape or tensor.numel() != wanted.numel():
        return tensor
    return tensor.reshape(wanted.shape)
