from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from slowfast_live.errors import ModelError
from slowfast_live.tools.convert import mvit, networks, pyslowfast
from slowfast_live.tools.convert.catalogue import CATALOGUE
from slowfast_live.tools.convert.checkpoints import fill
from slowfast_live.tools.convert.compat import prepare_imports

from .weights import scramble

DEPTHS = (3, 4, 6, 3)


def stages_of(net: nn.Module, pathways: int) -> dict[str, Tensor]:
    """The weights of a ResNet-50 of pytorchvideo under PySlowFast's names, from the structure of both projects."""
    parts: Any = net.blocks
    named: dict[str, Tensor] = {}

    def take(name: str, module: nn.Module) -> None:
        named.update({f"{name}.{key}": tensor for key, tensor in module.state_dict().items()})

    for pathway in range(pathways):
        for number in range(1, 6):
            part = parts[number - 1]
            inside = part.multipathway_blocks[pathway] if pathways > 1 else part
            if number == 1:
                take(f"s1.pathway{pathway}_stem.conv", inside.conv)
                take(f"s1.pathway{pathway}_stem.bn", inside.norm)
                continue
            for index in range(len(inside.res_blocks)):
                block, name = inside.res_blocks[index], f"s{number}.pathway{pathway}_res{index}"
                if block.branch1_conv is not None:
                    take(f"{name}.branch1", block.branch1_conv)
                    take(f"{name}.branch1_bn", block.branch1_norm)
                for letter in "abc":
                    take(f"{name}.branch2.{letter}", getattr(block.branch2, f"conv_{letter}"))
                    take(f"{name}.branch2.{letter}_bn", getattr(block.branch2, f"norm_{letter}"))
    if pathways > 1:
        for number in range(1, 5):
            take(f"s{number}_fuse.conv_f2s", parts[number - 1].multipathway_fusion.conv_fast_to_slow)
            take(f"s{number}_fuse.bn", parts[number - 1].multipathway_fusion.norm)
    take("head.projection", parts[-1].proj)
    return named


def same(got: dict[str, Tensor], wanted: dict[str, Tensor]) -> bool:
    return got.keys() == wanted.keys() and all(torch.equal(got[name], wanted[name]) for name in wanted)


@pytest.mark.parametrize(("name", "pathways"), [("slowfast_16x8_r50_charades", 2), ("slow_r50", 1)])
def test_convolutional_networks_have_every_weight_in_its_place(name: str, pathways: int) -> None:
    net = networks.build(CATALOGUE[name])
    scramble(net)
    theirs, wanted = stages_of(net, pathways), net.state_dict()
    assert len(theirs) == len(wanted)
    assert same(pyslowfast.with_our_names(theirs, wanted), wanted)
    wrapped = {f"module.{key}": tensor for key, tensor in theirs.items()}
    assert same(pyslowfast.with_our_names(wrapped, wanted), wanted)
    assert same(pyslowfast.with_our_names(wanted, wanted), wanted)


def caffe2_name(name: str) -> str:
    """What PySlowFast's first releases called a weight, by the rules of its `c2_model_loading`, turned around."""
    if name.startswith("head."):
        return name.replace("head.projection.weight", "pred_w").replace("head.projection.bias", "pred_b")
    start, _, rest = name.partition(".")
    statistic = {"weight": "s", "bias": "b", "running_mean": "rm", "running_var": "riv"}[name.rsplit(".", 1)[1]]
    if start.endswith("_fuse"):
        number = int(start[1])
        layer = "t_pool1" if number == 1 else f"t_res{number}_{DEPTHS[number - 2] - 1}_branch2c_bn"
        return f"{layer}_subsample_bn_{statistic}" if rest.startswith("bn") else f"{layer}_subsample_w"
    t = "t_" if rest.startswith("pathway1") else ""
    if start == "s1":
        return f"{t}res_conv1_bn_{statistic}" if ".bn." in rest else f"{t}conv1_w"
    number, index = start[1:], rest.split("_res")[1].split(".")[0]
    branch = rest.split("branch")[1].split(".")
    layer = f"{t}res{number}_{index}_branch{branch[0].removesuffix('_bn')}"
    if branch[0] == "2":
        layer += branch[1].removesuffix("_bn")
    return f"{layer}_bn_{statistic}" if "_bn." in rest else f"{layer}_w"


def test_caffe2_pickles_are_read_whatever_they_are_called(tmp_path: Path) -> None:
    net = networks.build(CATALOGUE["slowfast_r50_stepwise"])
    scramble(net)
    wanted = {name: tensor for name, tensor in net.state_dict().items() if not name.endswith("num_batches_tracked")}
    theirs = {name: t for name, t in stages_of(net, 2).items() if not name.endswith("num_batches_tracked")}
    blobs = {caffe2_name(name): tensor.numpy() for name, tensor in theirs.items()}
    assert len(blobs) == len(wanted), "two weights got the same name"
    blobs |= {"lr": wanted["blocks.6.proj.bias"].numpy(), "conv1_w_momentum": blobs["conv1_w"]}
    caffe2, torchs = tmp_path / "a.pkl", tmp_path / "b.pkl"
    caffe2.write_bytes(pickle.dumps({"blobs": blobs}, protocol=2))
    torch.save({"model_state": stages_of(net, 2), "epoch": 3}, torchs)
    for path in (caffe2, torchs):
        found = pyslowfast.with_our_names(pyslowfast.load(path), net.state_dict())
        assert same({name: t for name, t in found.items() if name in wanted}, wanted)
        other = networks.build(CATALOGUE["slowfast_r50_stepwise"])
        fill(other, found, path.name)


def test_a_pickle_with_code_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bad.pkl").write_bytes(pickle.dumps({"blobs": {"w": print}}))
    with pytest.raises(ModelError, match=r"bad\.pkl was refused"):
        pyslowfast.load(tmp_path / "bad.pkl")


def test_mvit_v1_has_every_weight_in_its_place() -> None:
    net = networks.build(CATALOGUE["mvit_base_32x3_k600"])
    wanted = net.state_dict()
    theirs = {}
    for name, tensor in wanted.items():
        new = name.replace("patch_embed.patch_model.", "patch_embed.proj.").replace("cls_positional_encoding.", "")
        new = new.replace("head.proj.", "head.projection.")
        theirs["norm." + new.removeprefix("norm_embed.") if new.startswith("norm_embed.") else new] = tensor
    assert {"cls_token", "pos_embed_spatial", "norm.weight", "head.projection.weight"} < theirs.keys()
    assert same(pyslowfast.with_our_names(theirs, wanted), wanted)
    # Later versions store queries, keys and values in one.
    fused = {name: t for name, t in theirs.items() if ".attn.q." not in name and ".attn.k." not in name}
    for name in [name for name in fused if ".attn.v." in name]:
        parts = [theirs[name.replace(".v.", f".{part}.")] for part in "qkv"]
        del fused[name]
        fused[name.replace(".v.", ".qkv.")] = torch.cat(parts)
    assert same(pyslowfast.with_our_names(fused, wanted), wanted)


def test_mvit_v2_has_every_weight_in_its_place() -> None:
    net = mvit.mvit_v2_s(174)
    wanted = net.state_dict()
    theirs = {}
    for name, tensor in wanted.items():
        new = name.replace("conv_proj.", "patch_embed.proj.").replace("head.1.", "head.projection.")
        for part in "qkv":
            new = new.replace(f"pool_{part}.pool.", f"pool_{part}.").replace(
                f"pool_{part}.norm_act.0.", f"norm_{part}."
            )
        new = (
            new.replace(".attn.project.0.", ".attn.proj.")
            .replace(".mlp.0.", ".mlp.fc1.")
            .replace(".mlp.3.", ".mlp.fc2.")
        )
        new = new.replace(".project.", ".proj.")
        theirs[new] = tensor
    theirs["cls_token"] = theirs.pop("pos_encoding.class_token")[None, None]
    assert {"blocks.1.proj.weight", "blocks.0.attn.rel_pos_h", "blocks.0.attn.norm_q.bias"} < theirs.keys()
    assert same(pyslowfast.with_our_names(theirs, wanted), wanted)


def test_the_small_mvit_v2_is_torchvisions() -> None:
    prepare_imports()
    from torchvision.models.video import mvit_v2_s

    ours, theirs = mvit.mvit_v2_s(11).eval(), mvit_v2_s(num_classes=11).eval()
    ours.load_state_dict(theirs.state_dict(), strict=True)
    clip = torch.rand(1, 3, 16, 224, 224, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        assert torch.equal(ours(clip), theirs(clip))


def test_the_base_mvit_v2_halves_where_its_configuration_says() -> None:
    with torch.device("meta"):
        net = mvit.mvit_v2_b(400)
    blocks: Any = net.blocks
    assert len(blocks) == 24
    assert [index for index, block in enumerate(blocks) if block.project is not None] == [2, 5, 21]
    assert [block.attn.num_heads for block in blocks] == [1] * 2 + [2] * 3 + [4] * 16 + [8] * 3
    assert [block.attn.pool_k.pool.stride[1] for block in blocks] == [8] * 2 + [4] * 3 + [2] * 16 + [1] * 3
    assert net.state_dict()["blocks.0.attn.rel_pos_t"].shape[0] == 2 * 16 - 1
