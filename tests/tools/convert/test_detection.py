"""Networks that score what each person does: RoIAlign, the published networks, and the whole command."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
import pytest
import torch
from torch import nn

from slowfast_live.errors import ModelError
from slowfast_live.inference import spec as specs
from slowfast_live.inference.spec import Clip
from slowfast_live.tools.convert import catalogue, cli, detection, detection_build, networks, pyslowfast
from slowfast_live.tools.convert.catalogue import CATALOGUE
from slowfast_live.tools.convert.clips import drawn
from slowfast_live.tools.convert.compat import prepare_imports
from slowfast_live.tools.convert.detection import DetectionNetwork
from slowfast_live.tools.convert.random_weights import randomize
from slowfast_live.tools.convert.roi_align import CELLS, roi_align

from .server import Behaviour
from .test_pyslowfast import same
from .weights import scramble

pytestmark = [
    pytest.mark.usefixtures("isolated"),
    # NNCF 3 still asks OpenVINO's nodes in a way that newer NumPy deprecates.
    pytest.mark.filterwarnings("ignore:.*:DeprecationWarning:nncf.*"),
]
FEW = ["--calibration-clips", "3", "--evaluation-clips", "2"]


# RoIAlign.


def ramp(height: int, width: int) -> torch.Tensor:
    """A map whose value is column + 100 x row, so that a bilinear sample says where it was taken."""
    return (torch.arange(width)[None] + 100.0 * torch.arange(height)[:, None])[None, None].float()


def test_cells_are_sampled_where_they_are_by_hand() -> None:
    """A box of 7 x 7 map pixels from (1, 2): the middle of cell (row i, column j) is (1.5 + j, 2.5 + i), not moved."""
    got = roi_align(ramp(16, 16), torch.tensor([[16.0, 32.0, 128.0, 144.0]]))
    expected = (1.5 + torch.arange(7.0))[None] + 100 * (2.5 + torch.arange(7.0))[:, None]
    assert torch.allclose(got[0, 0], expected, atol=1e-3)


def test_a_large_box_has_several_samples_a_cell_and_a_speck_is_a_pixel_large() -> None:
    whole = roi_align(ramp(16, 16), torch.tensor([[0.0, 0.0, 256.0, 256.0]]))
    # 16 / 7 pixels a cell, 3 samples; those of the last one lie at 14.10, 14.86 and 15.62, and the map ends at 15.
    last = (16 / 7 * 6 + 16 / 42 + 16 / 7 * 6 + 16 / 14 + 15) / 3
    assert whole[0, 0, 0, 6].item() == pytest.approx(last + 100 * 8 / 7, abs=1e-3)
    speck = roi_align(ramp(16, 16), torch.tensor([[80.0, 80.0, 80.5, 80.5]]))
    assert speck[0, 0, 0, 0].item() == pytest.approx(101 * (5 + 1 / 14), abs=1e-3)
    assert speck[0, 0, 6, 6].item() == pytest.approx(101 * (5 + 13 / 14), abs=1e-3)


def test_nobody_gives_nothing() -> None:
    assert roi_align(ramp(16, 16), torch.zeros(0, 4)).shape == (0, 1, CELLS, CELLS)


def test_it_equals_torchvisions_own() -> None:
    prepare_imports()
    import importlib

    module = importlib.import_module("torchvision.ops.roi_align")
    theirs = getattr(module._roi_align, "__wrapped__", module._roi_align)
    generator = torch.Generator().manual_seed(4)
    features = torch.randn(1, 5, 16, 29, generator=generator)
    corners = torch.rand(6, 2, 2, generator=generator).sort(1).values * torch.tensor([464.0, 256.0])
    boxes = torch.cat((corners.reshape(6, 4), torch.tensor([[0.0, 0.0, 464.0, 256.0], [440.0, 100.0, 444.0, 101.0]])))
    for box in boxes:
        rows = torch.cat((torch.zeros(1), box))[None]
        expected = theirs(features, rows, 1 / 16, 7, 7, 0, False)
        assert torch.allclose(roi_align(features, box[None]), expected, atol=1e-5)


# The networks.


def small_slow(classes: int) -> nn.Module:
    """A Slow detection network with an eighth of the channels and a block a stage."""
    prepare_imports()
    from pytorchvideo.models import resnet

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(resnet._MODEL_STAGE_DEPTH, 18, (1, 1, 1, 1))
        return resnet.create_resnet_with_roi_head(
            model_depth=18, model_num_class=classes, stem_dim_out=8, head_pool_kernel_size=(2, 1, 1)
        )


def small_slowfast(classes: int) -> nn.Module:
    """A SlowFast detection network like ``small_slow``, with a non-local block as PySlowFast's R101 have them."""
    prepare_imports()
    from pytorchvideo.models.slowfast import create_slowfast_with_roi_head

    net = create_slowfast_with_roi_head(
        model_depth=18,
        model_num_class=classes,
        stem_dim_outs=(8, 1),
        slowfast_fusion_conv_kernel_size=(5, 1, 1),
        head_pool_kernel_sizes=((4, 1, 1), (16, 1, 1)),
    )
    detection.add_nonlocal(net.model.blocks[3].multipathway_blocks[0].res_blocks, (0,))
    return net


def pyslowfast_names(net: Any) -> dict[str, torch.Tensor]:
    """The weights of a SlowFast detection network under PySlowFast's names, from the structure of both projects."""
    named: dict[str, torch.Tensor] = {}

    def take(name: str, module: nn.Module) -> None:
        named.update({f"{name}.{key}": tensor for key, tensor in module.state_dict().items()})

    def take_block(name: str, block: Any) -> None:
        if block.branch1_conv is not None:
            take(f"{name}.branch1", block.branch1_conv)
            take(f"{name}.branch1_bn", block.branch1_norm)
        for letter in "abc":
            take(f"{name}.branch2.{letter}", getattr(block.branch2, f"conv_{letter}"))
            take(f"{name}.branch2.{letter}_bn", getattr(block.branch2, f"norm_{letter}"))

    parts = net.model.blocks
    for pathway in range(2):
        stem = parts[0].multipathway_blocks[pathway]
        take(f"s1.pathway{pathway}_stem.conv", stem.conv)
        take(f"s1.pathway{pathway}_stem.bn", stem.norm)
        for number in range(2, 6):
            for index, block in enumerate(parts[number - 1].multipathway_blocks[pathway].res_blocks):
                if isinstance(block, nn.Sequential):
                    take(f"s{number}.pathway{pathway}_nonlocal{index}", block[1])
                    take_block(f"s{number}.pathway{pathway}_res{index}", block[0])
                else:
                    take_block(f"s{number}.pathway{pathway}_res{index}", block)
    for number in range(1, 5):
        take(f"s{number}_fuse.conv_f2s", parts[number - 1].multipathway_fusion.conv_fast_to_slow)
        take(f"s{number}_fuse.bn", parts[number - 1].multipathway_fusion.norm)
    take("head.projection", net.detection_head.proj)
    return named


@pytest.mark.parametrize("caffe2", [False, True])
def test_pyslowfasts_weights_come_to_their_places(caffe2: bool) -> None:
    net = small_slowfast(80)
    scramble(net)
    theirs, wanted = pyslowfast_names(net), net.state_dict()
    assert len(theirs) == len(wanted)
    if caffe2:  # blobs of a non-local block, by PySlowFast's c2_model_loading
        for name, expected in (
            ("nonlocal_conv4_6_theta_w", "s4.pathway0_nonlocal6.conv_theta.weight"),
            ("nonlocal_conv4_6_out_b", "s4.pathway0_nonlocal6.conv_out.bias"),
            ("nonlocal_conv4_6_bn_riv", "s4.pathway0_nonlocal6.norm.running_var"),
        ):
            blob = name.replace("_w", ".w") if name.endswith("_w") else name
            assert list(pyslowfast._renamed({name: torch.zeros(1)}, pyslowfast._CAFFE2)) == [expected], blob
        return
    assert same(pyslowfast.with_our_names(theirs, wanted), wanted)
    old = {name.replace("nonlocal0.norm.", "nonlocal0.bn."): tensor for name, tensor in theirs.items()}
    assert same(pyslowfast.with_our_names(old, wanted), wanted)


@pytest.mark.parametrize(("name", "create"), [("slow_r50_detection", small_slow), ("x", small_slowfast)])
def test_scores_are_those_of_the_project(name: str, create: Any) -> None:
    """pytorchvideo's own forward, with torchvision's own RoIAlign in place of its compiled one."""
    entry = CATALOGUE["slow_r50_detection" if create is small_slow else "slowfast_r50_detection"]
    clip = Clip(2, 8, 64, crop="whole") if create is small_slow else Clip(16, 2, 64, crop="whole")
    entry = dataclasses.replace(entry, clip=clip)
    net: Any = create(80).eval()
    scramble(net)
    given = torch.from_numpy(drawn(entry.clip, 1, seed=3)[0][None])
    boxes = torch.tensor([[3.0, 5.0, 40.0, 60.0], [0.0, 0.0, 64.0, 64.0]])

    class Theirs(nn.Module):
        def forward(self, x: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
            import importlib

            module = importlib.import_module("torchvision.ops.roi_align")
            function = getattr(module._roi_align, "__wrapped__", module._roi_align)
            return torch.cat([function(x, row[None], 1 / 16, 7, 7, 0, False) for row in rows])

    assert net.detection_head.roi_layer.spatial_scale == 1 / 16 and not net.detection_head.roi_layer.aligned
    net.detection_head.roi_layer = Theirs()
    x = ((given.float() / 255 - 0.45) / 0.225).permute(0, 4, 1, 2, 3)
    if entry.alpha is not None:
        picked = torch.linspace(0, clip.frames - 1, clip.frames // entry.alpha).long()
        x = [x.index_select(2, picked), x]
    with torch.no_grad():
        theirs = net(x, torch.cat((torch.zeros(2, 1), boxes), 1))
        ours = networks.adapt(net, entry)(given, boxes).logits.sigmoid()
    assert theirs.std() > 0.05, "inert weights would make the comparison worthless"
    assert torch.allclose(ours, theirs, atol=1e-6)


def test_labels_and_thresholds_are_those_of_ava() -> None:
    from slowfast_live.tools.evaluation.ava import EVALUATED

    entry = CATALOGUE["slowfast_r50_detection"]
    labels, decision = entry.dataset.labels(), entry.dataset.decision()
    assert len(set(labels)) == 80 and labels[11] == "stand" and labels[79] == "watch (a person)"
    assert {labels.index(label) + 1 for label in labels if label not in decision.off} == set(EVALUATED)
    assert decision.threshold == 0.3 and set(decision.thresholds.values()) == {0.7}
    assert "sit" in decision.thresholds and "stand" not in decision.thresholds
    assert entry.published[0].metric == "mAP" and entry.published[0].value == 24.67


@pytest.mark.large_models
@pytest.mark.parametrize("name", [name for name, entry in CATALOGUE.items() if entry.detects])
def test_full_networks_have_the_published_size(name: str) -> None:
    entry = CATALOGUE[name]
    net = networks.build(entry)
    params = sum(p.numel() for p in net.parameters()) / 1e6
    assert entry.params_m is None or params == pytest.approx(entry.params_m, rel=0.002)
    if "r101" in name:
        wanted = net.state_dict()
        assert same(pyslowfast.with_our_names(pyslowfast_names(net), wanted), wanted)
        assert sum(name.endswith("conv_theta.weight") for name in wanted) == 3


# The command.


def small(name: str, create: Any, clip: Clip, monkeypatch: pytest.MonkeyPatch, address: str) -> tuple[Any, Any]:
    entry = CATALOGUE[name]
    entry = dataclasses.replace(entry, clip=clip, url=f"{address}/{entry.file_name}")
    monkeypatch.setitem(catalogue.CATALOGUE, name, entry)
    monkeypatch.setitem(networks._BUILDERS, name, create)
    net = networks.build(entry)
    network = networks.adapt(net, entry)
    randomize(network, drawn(entry.clip, 2, seed=9), 9)
    return net, network


def run(output: Path, *words: str) -> int:
    return cli.main([*words, *FEW, "--output", str(output), "--progress", "json"])


def wide_clips(clip: Clip) -> list[np.ndarray[Any, Any]]:
    """Clips half as wide again as high, which the graph was not traced for."""
    return [np.ascontiguousarray(np.concatenate((c, c[:, :, : clip.side // 2 + 3]), 2)) for c in drawn(clip, 2, seed=7)]


def test_a_checkpoint_of_pytorchvideo_becomes_two_irs_that_equal_the_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: tuple[str, Behaviour], capsys: pytest.CaptureFixture[str]
) -> None:
    address, behavior = server
    clip = Clip(2, 8, 64, crop="whole")
    net, network = small("slow_r50_detection", small_slow, clip, monkeypatch, address)
    torch.save({"model_state": net.state_dict()}, tmp_path / "zoo.pyth")
    behavior.content = (tmp_path / "zoo.pyth").read_bytes()
    words = [f"--precision={p}" for p in cli.PRECISION_NAMES]
    report = tmp_path / "report.json"
    assert run(tmp_path / "models", "slow_r50_detection", *words, "--report", str(report)) == 0
    for precision, most in (("fp32", 1e-4), ("fp16", 1e-2), ("int8", 0.5)):
        folder = tmp_path / "models" / f"slow_r50_detection-{precision}"
        spec = specs.load(folder)
        assert spec.detects and spec.several and spec.clip.crop == "whole" and len(spec.decision.off) == 20
        assert set(spec.parity["ir"]["by_boxes"]) == {"0", "1", "3", "10"} and spec.origin["sha256"]
        halves = detection_build._Halves(folder / specs.IR_FILE, folder / specs.HEAD_FILE)
        for clips in (drawn(clip, 2, seed=77), wide_clips(clip)):
            reference = detection_build.run_torch(network, clips)
            got = detection_build.run_halves(halves, clips, exact=True)
            assert max(detection_build.by_count(reference, got).values()) <= most
            assert np.ptp(reference[0][-1], axis=0).max() > 0.01, "people who score alike would be worthless"
        head = ov.Core().read_model(folder / specs.HEAD_FILE)
        kinds = [op.get_type_name() for op in head.get_ordered_ops()]
        assert kinds.count("ROIAlign") == 1 and kinds.count("Sigmoid") == 1 and "Loop" not in kinds
    sizes = [(tmp_path / "models" / f"slow_r50_detection-{p}" / specs.WEIGHTS_FILE).stat().st_size for p in words_of()]
    assert sizes[2] < sizes[1] < 0.6 * sizes[0]
    assert cli.main(["--table", str(report)]) == 0
    assert "| `slow_r50_detection` | 2 |" in capsys.readouterr().out
    assert run(tmp_path / "models", "slow_r50_detection", *words) == 0
    steps = [json.loads(line)["step"] for line in capsys.readouterr().out.splitlines()]
    assert steps == ["skip"] * 3


def words_of() -> tuple[str, ...]:
    return cli.PRECISION_NAMES


def test_a_checkpoint_of_pyslowfast_with_nonlocal_blocks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: tuple[str, Behaviour]
) -> None:
    address, behavior = server
    clip = Clip(16, 2, 64, crop="whole")
    name = "slowfast_r101_50_50_detection"
    net, network = small(name, small_slowfast, clip, monkeypatch, address)
    torch.save({"model_state": pyslowfast_names(net)}, tmp_path / "zoo.pkl")
    behavior.content = (tmp_path / "zoo.pkl").read_bytes()
    assert run(tmp_path / "models", name, "--precision=fp32", "--precision=int8") == 0
    for precision, most in (("fp32", 1e-4), ("int8", 0.5)):
        folder = tmp_path / "models" / f"{name}-{precision}"
        assert specs.load(folder).accuracy[0].value == 29.1
        halves = detection_build._Halves(folder / specs.IR_FILE, folder / specs.HEAD_FILE)
        clips = wide_clips(clip)
        got = detection_build.run_halves(halves, clips, exact=True)
        assert max(detection_build.by_count(detection_build.run_torch(network, clips), got).values()) <= most


def test_weights_of_ones_own_and_random_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clip = Clip(2, 8, 64, crop="whole")
    small("slow_r50_detection", small_slow, clip, monkeypatch, "http://127.0.0.1:9")
    torch.save(small_slow(5).state_dict(), tmp_path / "mine.pth")
    (tmp_path / "labels.txt").write_text("one\ntwo\nthree\nfour\nfive\n")
    words = ["slow_r50_detection", "--precision=fp32"]
    own = ["--name", "mine", "--checkpoint", str(tmp_path / "mine.pth"), "--labels", str(tmp_path / "labels.txt")]
    assert run(tmp_path / "models", *words, *own) == 0
    spec = specs.load(tmp_path / "models" / "mine-fp32")
    assert spec.labels == ("one", "two", "three", "four", "five") and spec.detects and not spec.decision.off
    assert run(tmp_path / "models", *words, "--random-weights") == 0
    assert not specs.load(tmp_path / "models" / "slow_r50_detection-untrained-fp32").trained
    capsys.readouterr()
    assert run(tmp_path / "models", *words, *own, "--activation", "softmax") == cli.MISUSED
    assert "scores each label by itself" in json.loads(capsys.readouterr().out.splitlines()[-1])["message"]
    assert run(tmp_path / "models", "slow_r50_detection", "--compare-int8", "--random-weights") == cli.MISUSED


def test_a_model_without_its_head_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small("slow_r50_detection", small_slow, Clip(2, 8, 64, crop="whole"), monkeypatch, "http://127.0.0.1:9")
    assert run(tmp_path / "models", "slow_r50_detection", "--precision=fp32", "--random-weights") == 0
    folder = tmp_path / "models" / "slow_r50_detection-untrained-fp32"
    (folder / specs.HEAD_FILE).unlink()
    with pytest.raises(ModelError, match=r"head\.xml is missing"):
        specs.load(folder)


def test_the_network_of_the_catalog_is_the_one_that_takes_clips() -> None:
    entry = dataclasses.replace(CATALOGUE["slow_r50_detection"], clip=Clip(2, 8, 64, crop="whole"))
    network = networks.adapt(small_slow(80), entry)
    assert isinstance(network, DetectionNetwork)
