from __future__ import annotations

import argparse
import io
import pickle
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from slowfast_live.errors import ModelError
from slowfast_live.tools.convert import networks
from slowfast_live.tools.convert.caffe2 import from_caffe2, i3d_nln_name, load_caffe2
from slowfast_live.tools.convert.catalogue import CATALOGUE
from slowfast_live.tools.convert.checkpoints import fill, load_torch
from slowfast_live.tools.convert.safe_pickle import unpickle_arrays


class Trap:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.write_text, (self.path, "code was run")


def test_code_in_a_torch_file_is_not_run(tmp_path: Path) -> None:
    sprung = tmp_path / "sprung"
    torch.save({"model_state": {"w": torch.zeros(1)}, "trap": Trap(sprung)}, tmp_path / "evil.pyth")
    with pytest.raises(ModelError, match=r"evil\.pyth was refused"):
        load_torch(tmp_path / "evil.pyth")
    assert not sprung.exists()


def test_code_in_a_caffe2_file_is_not_run(tmp_path: Path) -> None:
    sprung = tmp_path / "sprung"
    (tmp_path / "evil.pkl").write_bytes(pickle.dumps({"blobs": {"conv1_w": Trap(sprung)}}))
    with pytest.raises(ModelError, match="holds more than NumPy arrays"):
        load_caffe2(tmp_path / "evil.pkl")
    assert not sprung.exists()


@pytest.mark.parametrize("target", ["builtins.eval", "os.system", "numpy.load", "numpy.core.records.fromfile"])
def test_only_numpy_arrays_are_unpickled(target: str) -> None:
    module, name = target.rsplit(".", 1)
    with pytest.raises(pickle.UnpicklingError, match="is not a NumPy array"):
        unpickle_arrays(io.BytesIO(f"c{module}\n{name}\n.".encode()))


@pytest.mark.parametrize("dtype", ["S4", "U4", "datetime64[s]", [("a", "f4")], complex, np.longdouble])
def test_arrays_of_anything_but_plain_numbers_are_refused(dtype: Any) -> None:
    """Restored by NumPy itself, such arrays let a crafted pickle reach into memory."""
    with pytest.raises(pickle.UnpicklingError, match="no plain numbers"):
        unpickle_arrays(io.BytesIO(pickle.dumps(np.zeros(2, dtype), protocol=2)))


def test_pickles_that_lie_about_their_arrays_are_refused(tmp_path: Path) -> None:
    data = pickle.dumps({"blobs": {"w": np.arange(6.0)}}, protocol=2)
    lies = {
        "shape": data.replace(b"K\x06\x85", b"K\x07\x85"),
        "negative": data.replace(b"K\x06\x85", b"J\xff\xff\xff\xff\x85"),
        "objects": pickle.dumps({"blobs": {"w": np.array([1, "a", None], object)}}, protocol=2),
        "type": data.replace(b"f8", b"O8"),
        "a memo of 2**31 places": data[:-1] + b"r\xff\xff\xff\x7fh\x7f.",
        "a call of the array's own class": b"cnumpy\nndarray\n(K\x09tR.",
    }
    for lie, content in lies.items():
        assert content != data, lie
        (tmp_path / "lie.pkl").write_bytes(content)
        with pytest.raises(ModelError, match=r"lie\.pkl"):
            load_caffe2(tmp_path / "lie.pkl")


def test_arrays_and_scalars_of_either_numpy_and_python_2_pickles_are_read() -> None:
    content = {"blobs": {"a": np.arange(6.0, dtype=np.float32).reshape(2, 3), "lr": np.float64(0.5), "n": 3}}
    for protocol in (2, 4):
        data = pickle.dumps(content, protocol=protocol)
        read = unpickle_arrays(io.BytesIO(data))
        assert np.array_equal(read["blobs"]["a"], content["blobs"]["a"]) and read["blobs"]["lr"] == 0.5
    old = pickle.dumps(content, protocol=2).replace(b"numpy._core.multiarray", b"numpy.core.multiarray")
    assert np.array_equal(unpickle_arrays(io.BytesIO(old))["blobs"]["a"], content["blobs"]["a"])


def saved(content: Any, path: Path) -> dict[str, torch.Tensor]:
    torch.save(content, path)
    return load_torch(path)


@pytest.mark.parametrize("key", ["model_state", "model_state_dict", "state_dict", "model", "net", "ours", None])
def test_the_state_dict_is_found_where_training_code_keeps_it(tmp_path: Path, key: str | None) -> None:
    state = {"w": torch.ones(2), "b": torch.zeros(3)}
    momenta = {"state": {0: {"exp_avg": torch.zeros(2)}}, "exp_avg": torch.zeros(9), "a": torch.zeros(1)}
    content = {key: state, "epoch": 3, "optimizer_state": momenta, "mean": torch.zeros(1)} if key else state
    if key == "ours":
        content = {"run": {"ours": state}, "epoch": 3}
    read = saved(content, tmp_path / "a.pyth")
    assert sorted(read) == ["b", "w"] and torch.equal(read["w"], torch.ones(2))


PREFIXES = ["module.", "model.", "_orig_mod.", "module.model.", "lit.net.backbone._orig_mod."]


@pytest.mark.parametrize("prefix", PREFIXES)
def test_any_prefix_that_wrappers_put_before_the_names_is_stripped(prefix: str) -> None:
    source, network = small(), small()
    nn.init.uniform_(source[0].weight)
    fill(network, {f"{prefix}{name}": value for name, value in source.state_dict().items()}, "a.ckpt")
    assert torch.equal(network[0].weight, source[0].weight)


def test_a_prefix_that_the_network_itself_has_stays() -> None:
    network = nn.ModuleDict({"blocks": nn.ModuleList([nn.Linear(2, 2)])})
    fill(network, {"blocks.0.weight": torch.ones(2, 2), "blocks.0.bias": torch.ones(2)}, "a.ckpt")
    fill(network, {"m.blocks.0.weight": torch.zeros(2, 2), "m.blocks.0.bias": torch.ones(2)}, "a.ckpt")
    assert not network["blocks"][0].weight.any()


def test_what_stands_beside_the_network_is_left_out_once_the_network_is_whole() -> None:
    """A Lightning checkpoint holds the weights of the loss, too."""
    state = {f"model.{name}": value for name, value in small().state_dict().items()}
    fill(small(), state | {"loss.weight": torch.ones(2)}, "a.ckpt")
    del state["model.1.running_var"]
    with pytest.raises(ModelError, match=r"missing: 1\.running_var; not expected: loss\.weight"):
        fill(small(), state | {"loss.weight": torch.ones(2)}, "a.ckpt")


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_told(number: float) -> None:
    state = dict(small().state_dict())
    state["1.bias"] = torch.tensor([0.0, number])
    with pytest.raises(ModelError, match=r"not finite \(NaN or infinity\) in weights: 1\.bias"):
        fill(small(), state, "a.pyth")


def test_plain_values_of_training_code_do_not_hinder_reading(tmp_path: Path) -> None:
    """torch refuses a file for one NumPy number in it: the best accuracy, as most training code keeps it."""
    beside = {
        "best": np.float64(0.71),
        "epochs": np.int64(3),
        "curve": np.arange(4.0),
        "options": argparse.Namespace(lr=0.1, out=Path("runs/1")),
        "folder": Path("runs/1"),
    }
    read = saved({"state_dict": {"w": torch.ones(2)}, **beside}, tmp_path / "a.ckpt")
    assert torch.equal(read["w"], torch.ones(2))


def test_a_refusal_says_how_to_save_a_state_dict(tmp_path: Path) -> None:
    torch.save(small(), tmp_path / "whole.pth")
    with pytest.raises(ModelError, match=r"torch\.save\(model\.state_dict\(\)") as caught:
        load_torch(tmp_path / "whole.pth")
    assert "a whole model" in caught.value.message
    with pytest.warns(DeprecationWarning):
        torch.jit.script(nn.Linear(1, 1)).save(str(tmp_path / "script.pt"))  # type: ignore[no-untyped-call]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(ModelError, match=r"TorchScript archive.*torch\.save\(model\.state_dict\(\)"):
            load_torch(tmp_path / "script.pt")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "pointer of Git LFS"),
        (b"\n<!DOCTYPE html><html>", "a web page"),
    ],
)
def test_what_is_often_taken_for_a_checkpoint_is_named(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "a.pth").write_bytes(content)
    with pytest.raises(ModelError, match=said):
        load_torch(tmp_path / "a.pth")


def test_safetensors_are_read(tmp_path: Path) -> None:
    save_file({"model.w": torch.ones(2)}, str(tmp_path / "a.safetensors"))
    assert torch.equal(load_torch(tmp_path / "a.safetensors")["model.w"], torch.ones(2))
    (tmp_path / "b.safetensors").write_bytes(b"\xff" * 64)
    with pytest.raises(ModelError, match=r"b\.safetensors cannot be read as safetensors"):
        load_torch(tmp_path / "b.safetensors")


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"PK\x03\x04 cut"])
def test_a_broken_file_is_an_error_that_names_it(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "broken.pyth").write_bytes(content)
    with pytest.raises(ModelError, match=r"broken\.pyth"):
        load_torch(tmp_path / "broken.pyth")
    with pytest.raises(ModelError, match=r"broken\.pyth"):
        load_caffe2(tmp_path / "broken.pyth")


def test_a_file_without_tensors_is_an_error(tmp_path: Path) -> None:
    torch.save({"epoch": 3}, tmp_path / "a.pyth")
    with pytest.raises(ModelError, match="holds no state dict"):
        load_torch(tmp_path / "a.pyth")


def small() -> nn.Module:
    return nn.Sequential(nn.Conv3d(1, 2, 1, bias=False), nn.BatchNorm3d(2))


def test_fill_is_strict_and_says_what_is_wrong() -> None:
    state = dict(small().state_dict())
    with pytest.raises(ModelError, match=r"a\.pyth does not fit this network: missing: 1\.running_var"):
        fill(small(), {k: v for k, v in state.items() if k != "1.running_var"}, "a.pyth")
    with pytest.raises(ModelError, match=r"not expected: extra"):
        fill(small(), state | {"extra": torch.zeros(1)}, "a.pyth")
    with pytest.raises(ModelError, match=r"of another shape: 1\.bias \(3,\) instead of \(2,\)"):
        fill(small(), state | {"1.bias": torch.zeros(3)}, "a.pyth")
    with pytest.raises(ModelError, match=r"of another shape: 0\.weight"):
        fill(small(), state | {"0.weight": torch.zeros(1, 2, 1, 1, 1)}, "a.pyth")


def test_fill_lets_counters_be_absent_and_vectors_stand_for_convolutions() -> None:
    state = {k: v for k, v in small().state_dict().items() if not k.endswith("num_batches_tracked")}
    network = small()
    fill(network, state | {"0.weight": torch.tensor([[5.0], [6.0]])}, "a.pyth")
    assert network[0].weight.flatten().tolist() == [5, 6]


def test_other_classes_point_to_the_options() -> None:
    network = nn.ModuleDict({"proj": nn.Linear(2, 3)})
    with pytest.raises(ModelError, match="give --classes N or --labels FILE"):
        fill(network, {"proj.weight": torch.zeros(5, 2), "proj.bias": torch.zeros(5)}, "a.pyth")


def published_blobs() -> dict[str, tuple[int, ...]]:
    """Names and shapes of I3D_NLN_8x8_R50.pkl, as PySlowFast's configuration and converter imply them."""
    blobs: dict[str, tuple[int, ...]] = {"conv1_w": (64, 3, 5, 7, 7)}

    def norm(name: str, channels: int) -> None:
        blobs.update({f"{name}_{kind}": (channels,) for kind in ("s", "b", "rm", "riv")})

    norm("res_conv1_bn", 64)
    kernels = {2: (3, 3, 3), 3: (3, 1, 3, 1), 4: (3, 1, 3, 1, 3, 1), 5: (1, 3, 1)}
    inputs = 64
    for stage, temporal in kernels.items():
        inner, outputs = 64 * 2 ** (stage - 2), 256 * 2 ** (stage - 2)
        for index, kernel in enumerate(temporal):
            name = f"res{stage}_{index}_branch"
            if index == 0:
                blobs[f"{name}1_w"] = (outputs, inputs, 1, 1, 1)
                norm(f"{name}1_bn", outputs)
            blobs[f"{name}2a_w"] = (inner, inputs, kernel, 1, 1)
            blobs[f"{name}2b_w"] = (inner, inner, 1, 3, 3)
            blobs[f"{name}2c_w"] = (outputs, inner, 1, 1, 1)
            for letter, channels in (("a", inner), ("b", inner), ("c", outputs)):
                norm(f"{name}2{letter}_bn", channels)
            inputs = outputs
            if (stage, index) in {(3, 1), (3, 3), (4, 1), (4, 3), (4, 5)}:
                nonlocal_block = f"nonlocal_conv{stage}_{index}"
                for part in ("theta", "phi", "g"):
                    blobs[f"{nonlocal_block}_{part}_w"] = (outputs // 2, outputs, 1, 1, 1)
                    blobs[f"{nonlocal_block}_{part}_b"] = (outputs // 2,)
                blobs[f"{nonlocal_block}_out_w"] = (outputs, outputs // 2, 1, 1, 1)
                blobs[f"{nonlocal_block}_out_b"] = (outputs,)
                norm(f"{nonlocal_block}_bn", outputs)
    blobs |= {"pred_w": (400, 2048), "pred_b": (400,)}
    return blobs


def test_every_blob_of_the_non_local_network_has_its_place(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    arrays = {n: generator.random(s, dtype=np.float32) for n, s in published_blobs().items()}
    optimizer = {f"{name}_momentum": arrays[name] for name in ("conv1_w", "pred_w")}
    content = {"blobs": arrays | optimizer | {"lr": np.float32(0.1), "model_iter": np.array([7])}}
    (tmp_path / "I3D_NLN.pkl").write_bytes(pickle.dumps(content, protocol=2))
    network = networks.build(CATALOGUE["i3d_nln_r50"])
    fill(network, from_caffe2(load_caffe2(tmp_path / "I3D_NLN.pkl")), "I3D_NLN.pkl")
    state = network.state_dict()
    assert torch.equal(
        state["blocks.4.res_blocks.5.1.conv_out.weight"], torch.from_numpy(arrays["nonlocal_conv4_5_out_w"])
    )
    assert torch.equal(
        state["blocks.3.res_blocks.1.0.branch2.norm_b.running_var"],
        torch.from_numpy(arrays["res3_1_branch2b_bn_riv"]),
    )
    assert torch.equal(state["blocks.6.proj.weight"], torch.from_numpy(arrays["pred_w"]))


@pytest.mark.parametrize("blob", ["t_conv1_w", "res2_0_branch2d_w", "nonlocal_conv3_1_psi_w", "pred_x"])
def test_blobs_of_other_networks_are_refused(blob: str) -> None:
    with pytest.raises(ModelError, match=blob):
        i3d_nln_name(blob)
