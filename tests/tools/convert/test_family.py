"""The rest of the family through the whole command: several labels, whole actions, checkpoints of other projects."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from slowfast_live.inference import spec as specs
from slowfast_live.inference.openvino_backend import OpenVinoBackend
from slowfast_live.inference.spec import Clip, Model
from slowfast_live.tools.convert import catalogue, cli, compare, laterals, networks
from slowfast_live.tools.convert.catalogue import CATALOGUE
from slowfast_live.tools.convert.clips import drawn
from slowfast_live.tools.convert.compat import prepare_imports
from slowfast_live.tools.convert.random_weights import randomize

from .server import Behaviour
from .test_pyslowfast import stages_of

pytestmark = [
    pytest.mark.usefixtures("isolated"),
    # NNCF 3 still asks OpenVINO's nodes in a way that newer NumPy deprecates.
    pytest.mark.filterwarnings("ignore:.*:DeprecationWarning:nncf.*"),
]
FEW = ["--calibration-clips", "3", "--evaluation-clips", "3"]


def small_slow(classes: int) -> nn.Module:
    """A Slow network with an eighth of the channels and a block a stage, for 64 pixels."""
    prepare_imports()
    from pytorchvideo.models import resnet

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(resnet._MODEL_STAGE_DEPTH, 18, (1, 1, 1, 1))
        return resnet.create_resnet(
            model_depth=18,
            model_num_class=classes,
            stem_dim_out=8,
            stem_conv_kernel_size=(1, 7, 7),
            head_pool_kernel_size=(2, 2, 2),
        )


def small_slowfast(classes: int) -> nn.Module:
    """A SlowFast network like ``small_slow``; activated before the mean over positions."""
    prepare_imports()
    from pytorchvideo.models.slowfast import create_slowfast

    return create_slowfast(
        model_depth=18,
        model_num_class=classes,
        stem_dim_outs=(8, 1),
        slowfast_fusion_conv_kernel_size=(7, 1, 1),
        head_pool_kernel_sizes=((4, 1, 1), (16, 1, 1)),
        head_activation=nn.Sigmoid,
    )


def small(
    name: str, create: Callable[[int], nn.Module], clip: Clip, monkeypatch: pytest.MonkeyPatch, address: str = ""
) -> tuple[nn.Module, nn.Module]:
    """Replace a network of the catalog by a small one; return it as its project has it, and as it takes clips."""
    entry = CATALOGUE[name]
    url = f"{address}/{entry.file_name}" if address else entry.url
    entry = dataclasses.replace(entry, clip=clip, url=url)
    monkeypatch.setitem(catalogue.CATALOGUE, name, entry)
    monkeypatch.setitem(networks._BUILDERS, name, create)
    net = networks.build(entry)
    network = networks.adapt(net, entry)
    randomize(network, drawn(entry.clip, 2, seed=9), 9)
    return net, network


def run(output: Path, *words: str) -> int:
    return cli.main([*words, *FEW, "--output", str(output), "--progress", "json"])


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def check(folder: Path, network: nn.Module, clip: Clip, limit: float, cache: Path) -> specs.ModelSpec:
    """Compare a built model with torch, and run it as the app does."""
    spec, clips = specs.load(folder), drawn(clip, 3, seed=77)
    reference = compare.run_torch(network, clips, spec.activation)
    outputs = compare.run_ir(folder / specs.IR_FILE, clips, exact=True)
    assert compare.difference(reference, outputs).logit_error <= limit
    assert np.ptp(reference.probabilities, axis=0).max() > 0.01, "clips that score alike would be worthless"
    compiled = OpenVinoBackend(cache).compile(Model(folder, spec), "CPU")
    compiled.requests[0].clip[:] = clips[0]
    probs = compiled.infer().probs
    compiled.close()
    assert probs is not None and np.abs(probs - reference.probabilities[0]).max() < 0.05
    return spec


def test_charades_from_its_checkpoint_to_a_model_with_several_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: tuple[str, Behaviour], capsys: pytest.CaptureFixture[str]
) -> None:
    address, behavior = server
    clip = Clip(2, 8, 64, fps=24.0)
    net, network = small("slow_r50_charades", small_slow, clip, monkeypatch, address)
    path = tmp_path / "zoo.pyth"
    torch.save({"model_state": net.state_dict()}, path)
    behavior.content = path.read_bytes()
    words = [f"--precision={p}" for p in cli.PRECISION_NAMES]
    assert run(tmp_path / "models", "slow_r50_charades", *words) == 0
    for precision, limit in (("fp32", 1e-3), ("fp16", 1e-2), ("int8", 1.0)):
        folder = tmp_path / "models" / f"slow_r50_charades-{precision}"
        spec = check(folder, network, clip, limit, tmp_path / "compiled")
        assert spec.several and len(spec.labels) == 157 and spec.labels[0] == "Holding some clothes"
        assert [(a.metric, a.value, a.dataset) for a in spec.accuracy] == [("mAP", 34.72, "Charades")]
        assert spec.clip.fps == 24 and spec.parity["ir"]["logit_error"] <= limit


def test_a_checkpoint_of_pyslowfast_is_translated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: tuple[str, Behaviour]
) -> None:
    """Under its own names, in a file called .pkl; positions are activated before their mean."""
    address, behavior = server
    clip = Clip(16, 2, 64, fps=24.0)
    net, network = small("slowfast_16x8_r50_charades", small_slowfast, clip, monkeypatch, address)
    path = tmp_path / "zoo.pkl"
    torch.save({"model_state": stages_of(net, 2), "epoch": 57}, path)
    behavior.content = path.read_bytes()
    assert run(tmp_path / "models", "slowfast_16x8_r50_charades", "--precision=fp32") == 0
    folder = tmp_path / "models" / "slowfast_16x8_r50_charades-fp32"
    assert check(folder, network, clip, 1e-3, tmp_path / "compiled").several
    given = torch.from_numpy(drawn(clip, 1, seed=3)[0][None])
    with torch.no_grad():
        x = ((given.float() / 255 - 0.45) / 0.225).permute(0, 4, 1, 2, 3)
        picked = torch.linspace(0, clip.frames - 1, clip.frames // 4).long()
        theirs = net([x.index_select(2, picked), x])
        ours = networks.probabilities(network(given).logits, "sigmoid")
    assert network(given).logits.shape == (1, 4, 157), "the positions of the map are kept"
    assert torch.allclose(ours, theirs, atol=1e-6)


def test_something_something_sees_a_span_and_no_mirror(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clip = Clip(2, 8, 64, spans_s=(2.0, 4.0), mirrored=False)
    net, network = small("slow_r50_ssv2", small_slow, clip, monkeypatch)
    path = tmp_path / CATALOGUE["slow_r50_ssv2"].file_name
    torch.save({"model_state": net.state_dict()}, path)
    assert run(tmp_path / "models", "slow_r50_ssv2", "--checkpoint", str(path), "--precision=fp32") == 0
    spec = check(tmp_path / "models" / "slow_r50_ssv2-fp32", network, clip, 1e-3, tmp_path / "compiled")
    assert not spec.several and not spec.clip.mirrored and spec.timing.span_s == pytest.approx(3.0)
    assert len(spec.labels) == 174 and spec.accuracy[0].dataset == "Something-Something v2"


@pytest.mark.parametrize(("classes", "first"), [(600, "abseiling"), (700, "abseiling"), (157, "Holding some clothes")])
def test_an_own_checkpoint_is_labeled_by_its_number_of_classes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, classes: int, first: str
) -> None:
    clip = Clip(2, 8, 64)
    small("slow_4x16_r50", small_slow, clip, monkeypatch)
    net = small_slow(classes)
    torch.save(net.state_dict(), tmp_path / "mine.pth")
    words = ["slow_4x16_r50", "--name", "mine", "--checkpoint", str(tmp_path / "mine.pth"), "--precision=fp32"]
    assert run(tmp_path / "models", *words) == 0
    spec = specs.load(tmp_path / "models" / "mine-fp32")
    assert len(spec.labels) == classes and spec.labels[0] == first and spec.accuracy == ()
    assert spec.several == (classes == 157)


def test_an_own_checkpoint_with_several_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clip = Clip(2, 8, 64)
    small("slow_4x16_r50", small_slow, clip, monkeypatch)
    torch.save(small_slow(5).state_dict(), tmp_path / "mine.pth")
    words = ["slow_4x16_r50", "--name", "mine", "--checkpoint", str(tmp_path / "mine.pth"), "--precision=fp32"]
    assert run(tmp_path / "models", *words, "--classes", "5", "--activation", "sigmoid") == 0
    assert specs.load(tmp_path / "models" / "mine-fp32").several
    capsys.readouterr()
    assert run(tmp_path / "models", "slow_4x16_r50", "--activation", "sigmoid") == cli.MISUSED
    assert "--activation describes your own checkpoint" in lines(capsys)[-1]["message"]


def test_lateral_connections_have_the_papers_multiply_adds(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = laterals.measure_laterals()
    assert [row.title for row in rows] == [
        "no lateral connection",
        "TtoC, sum",
        "TtoC, concat",
        "T-sample",
        "T-conv (default)",
    ]
    for row in rows:
        assert row.gflops == pytest.approx(row.paper_gflops, rel=0.01)
        assert row.zoo_params_m is None or row.params_m == pytest.approx(row.zoo_params_m, rel=0.002)
    monkeypatch.setattr(laterals, "measure_laterals", lambda: rows)
    assert cli.main(["laterals"]) == 0
    assert "T-sample" in capsys.readouterr().out
    assert cli.main(["laterals", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[-1]["paper_top1"] == 75.6


def test_efficient_x3d_on_the_command_line(tmp_path: Path) -> None:
    assert run(tmp_path / "models", "efficient_x3d_xs", "--random-weights", "--precision=fp32") == 0
    spec = specs.load(tmp_path / "models" / "efficient_x3d_xs-untrained-fp32")
    assert spec.family == "Efficient X3D" and spec.parity["ir"]["logit_error"] <= 1e-3


@pytest.mark.large_models
@pytest.mark.parametrize("name", ["efficient_x3d_xs", "efficient_x3d_s"])
def test_efficient_x3d_in_all_precisions(tmp_path: Path, name: str) -> None:
    words = [name, "--random-weights", *(f"--precision={p}" for p in cli.PRECISION_NAMES)]
    assert run(tmp_path / "models", *words) == 0
    spec = specs.load(tmp_path / "models" / f"{name}-untrained-int8")
    assert spec.family == "Efficient X3D" and spec.parity["ir_default"]["clips"] == 3
