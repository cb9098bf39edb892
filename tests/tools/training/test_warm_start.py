from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch

from slowfast_live import paths
from slowfast_live.errors import ModelError
from slowfast_live.tools.convert.compare import run_ir
from slowfast_live.tools.convert.slowfast import slowfast
from slowfast_live.tools.training import train
from slowfast_live.tools.training.bank import Bank
from slowfast_live.tools.training.config import bundled
from slowfast_live.tools.training.train import TrainingFolders, network_config
from slowfast_live.tools.training.warm_start import start_from

from .tiny import tiny_config

MODEL = paths.bundled("models") / "slowfast_demo-int8" / "model.xml"


def test_the_network_computes_what_the_model_does(clips: Path) -> None:
    seen = Bank(clips, tiny_config().data).training_clips(8, bundled().clip.side)
    network = slowfast(network_config(bundled()))
    start_from(network, MODEL, seen)
    with torch.no_grad():
        own = network.eval()(torch.from_numpy(np.stack(seen))).logits.softmax(1).numpy()
    model = run_ir(MODEL, seen, exact=True).probabilities
    assert (own.argmax(1) == model.argmax(1)).mean() > 0.7 and np.abs(own - model).mean() < 0.03
    network.train()  # with the statistics of the clips themselves it is the same
    network.blocks[-1].dropout.p = 0.0
    with torch.no_grad():
        training = network(torch.from_numpy(np.stack(seen))).logits.softmax(1).numpy()
    assert np.abs(training - own).max() < 0.02


def test_it_may_see_other_pictures(clips: Path) -> None:
    usual = bundled()
    longer = msgspec.structs.replace(usual, clip=msgspec.structs.replace(usual.clip, frames=32, fps=16.0, side=48))
    network = slowfast(network_config(longer))
    start_from(network, MODEL, [np.random.default_rng(0).integers(0, 255, (32, 48, 48, 3), np.uint8)])
    assert all(p.isfinite().all() for p in network.parameters())


def test_a_training_begins_with_the_weights_and_goes_on_without(clips: Path, tmp_path: Path) -> None:
    config = msgspec.structs.replace(tiny_config(steps=1, rate=1e-9), network=bundled().network)
    place = TrainingFolders(clips, tmp_path, MODEL)
    trainer = train.train(config, place, torch.device("cpu"), 1)
    known = slowfast(network_config(config))
    start_from(known, MODEL, Bank(clips, config.data).training_clips(8, config.clip.side))
    weights = trainer.network.state_dict()["blocks.6.proj.weight"]
    assert torch.allclose(weights, known.state_dict()["blocks.6.proj.weight"], atol=1e-4)
    again = train.train(config, TrainingFolders(clips, tmp_path, tmp_path / "gone.xml"), torch.device("cpu"), 1)
    assert again.step == 1  # the checkpoint counts


def test_another_network_and_no_model_are_refused(tmp_path: Path) -> None:
    clip = np.zeros((16, 48, 48, 3), np.uint8)
    with pytest.raises(ModelError, match="another width"):
        start_from(slowfast(network_config(tiny_config())), MODEL, [clip])
    deeper = msgspec.structs.replace(bundled(), network=msgspec.structs.replace(bundled().network, depth=50))
    with pytest.raises(ModelError, match="other layers"):
        start_from(slowfast(network_config(deeper)), MODEL, [clip])
    (tmp_path / "model.xml").write_text("<net/>")
    with pytest.raises(ModelError, match=r"model\.xml cannot be read as a model"):
        start_from(slowfast(network_config(bundled())), tmp_path / "model.xml", [clip])
