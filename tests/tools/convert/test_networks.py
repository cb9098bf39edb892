from __future__ import annotations

from typing import Any

import pytest
import torch

from slowfast_live.errors import UsageError
from slowfast_live.tools.convert import networks
from slowfast_live.tools.convert.catalogue import CATALOGUE, Entry
from slowfast_live.tools.convert.checkpoints import fill
from slowfast_live.tools.convert.compat import prepare_imports
from slowfast_live.tools.convert.slowfast import SlowFast

from .weights import scramble


def random_clip(entry: Entry, side: int | None = None) -> torch.Tensor:
    generator = torch.Generator().manual_seed(3)
    size = side or entry.clip.side
    shape = (1, entry.clip.frames, size, size, 3)
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator)


def by_hand(entry: Entry, clip: torch.Tensor) -> Any:
    """What the projects' own examples feed their network with."""
    x = ((clip.float() / 255 - 0.45) / 0.225).permute(0, 4, 1, 2, 3)
    if entry.alpha is None:
        return x
    picked = torch.linspace(0, entry.clip.frames - 1, entry.clip.frames // entry.alpha).long()
    return [x.index_select(2, picked), x]


def check_against_the_project(entry: Entry, side: int | None = None) -> None:
    """The adapted network gives the probabilities of the project, with softmax where its head has none."""
    net = networks.build(entry).eval()
    scramble(net)
    clip = random_clip(entry, side)
    with torch.no_grad():
        theirs = net(by_hand(entry, clip))
        head = net.blocks[-1] if hasattr(net, "blocks") else None
        several = entry.dataset.activation == "sigmoid"
        if getattr(head, "activation", None) is None:
            theirs = theirs.sigmoid() if several else theirs.softmax(1)
        deployed = networks.DeployedClip(networks.adapt(net, entry), entry.dataset.activation)
        ours, features = deployed(clip)
    assert theirs.max() > 1.5 / entry.dataset.classes, "inert weights would make the comparison worthless"
    assert ours.shape == (1, entry.dataset.classes) and features.ndim == 2
    assert torch.allclose(ours, theirs, rtol=1e-3, atol=1e-7)
    assert several or ours.sum() == pytest.approx(1, abs=1e-5)


QUICK = ("x3d_xs", "x3d_s", "efficient_x3d_xs")
TORCH = {name: entry for name, entry in CATALOGUE.items() if entry.encoder_decoder is None and not entry.detects}


@pytest.mark.parametrize("name", QUICK)
def test_probabilities_are_those_of_the_project(name: str) -> None:
    check_against_the_project(CATALOGUE[name])


@pytest.mark.large_models
@pytest.mark.parametrize("name", sorted(set(TORCH) - set(QUICK)))
def test_probabilities_of_large_networks_are_those_of_the_project(name: str) -> None:
    check_against_the_project(CATALOGUE[name])


def test_positions_are_averaged_behind_the_softmax_where_the_network_does_so() -> None:
    entry = CATALOGUE["x3d_xs"]
    network = networks.adapt(networks.build(entry), entry)
    with torch.no_grad():
        wide = network(random_clip(entry)).logits
        trained_size = network(random_clip(entry, 160)).logits
    assert wide.shape == (1, 4, 400) and trained_size.shape == (1, 400)
    expected = wide.softmax(-1).mean(1)
    assert torch.equal(networks.probabilities(wide), expected)


@pytest.mark.parametrize("entry", TORCH.values(), ids=lambda entry: entry.name)
def test_parameters_are_those_published(entry: Entry) -> None:
    count = sum(p.numel() for p in networks.build(entry).parameters())
    if entry.params_m is not None:
        assert count / 1e6 == pytest.approx(entry.params_m, rel=0.002)


@pytest.mark.parametrize(
    ("ours", "hub_name", "clip_frames"), [("slow_4x16_r50", "slow_r50", 4), ("slowfast_4x16_r50", None, 32)]
)
def test_networks_the_hub_lacks_have_the_published_names(ours: str, hub_name: str | None, clip_frames: int) -> None:
    entry = CATALOGUE[ours]
    assert entry.clip.frames == clip_frames
    state = networks.build(entry).state_dict()
    prepare_imports()
    from pytorchvideo.models import hub
    from pytorchvideo.models.slowfast import create_slowfast

    with torch.device("meta"):
        if hub_name:
            # Slow has no weights that depend on the number of frames: 4x16 and 8x8 share names and shapes.
            published = getattr(hub, hub_name)().state_dict()
        else:
            # The configuration of SLOWFAST_4x16_R50: alpha 8, a lateral kernel of 5 frames.
            published = create_slowfast(
                slowfast_fusion_conv_kernel_size=(5, 1, 1), slowfast_fusion_conv_stride=(8, 1, 1)
            ).state_dict()
    assert {k: v.shape for k, v in state.items()} == {k: v.shape for k, v in published.items()}
    fill(networks.build(entry), state, entry.file_name)


def test_non_local_blocks_stand_where_the_configuration_says() -> None:
    net = networks.build(CATALOGUE["i3d_nln_r50"])
    found = [name for name, part in net.named_modules() if type(part).__name__ == "NonLocal"]
    assert found == [
        "blocks.3.res_blocks.1.1",
        "blocks.3.res_blocks.3.1",
        "blocks.4.res_blocks.1.1",
        "blocks.4.res_blocks.3.1",
        "blocks.4.res_blocks.5.1",
    ]


def test_a_variant_is_a_network_of_our_builder() -> None:
    entry, config = networks.variant(
        CATALOGUE["slowfast_r50"], ["lateral=time_to_channel", "beta_inv=4", "frames=4", "side=128"]
    )
    assert (config.lateral, config.beta_inv) == ("time_to_channel", 4)
    assert (entry.clip.frames, entry.clip.stride, entry.clip.side, entry.alpha) == (16, 2, 128, 4)
    network = SlowFast(config)
    assert networks.adapt(network, entry) is network and not network.training


@pytest.mark.parametrize(
    ("name", "setting", "message"),
    [
        ("x3d_xs", "alpha=2", "Only SlowFast networks have variants"),
        ("slowfast_r50", "colour=red", "'colour=red' is no setting.*lateral"),
        ("slowfast_r50", "lateral", "is no setting"),
        ("slowfast_r50", "alpha=two", "alpha takes int, got 'two'"),
        ("slowfast_r50", "lateral=both", "lateral is one of time_strided_conv, time_to_channel"),
        ("slowfast_r50", "alpha=3", "There is no such SlowFast network"),
    ],
)
def test_what_is_no_variant_is_refused(name: str, setting: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        networks.variant(CATALOGUE[name], [setting])


def test_networks_published_as_ir_have_no_torch_network() -> None:
    with pytest.raises(UsageError, match="published as OpenVINO IR"):
        networks.build(CATALOGUE["action_recognition_0001"])
