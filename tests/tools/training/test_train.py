from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from slowfast_live.errors import ModelError, UsageError
from slowfast_live.tools.training import train
from slowfast_live.tools.training.actions import LABELS
from slowfast_live.tools.training.config import bundled
from slowfast_live.tools.training.train import (
    CHECKPOINT,
    Trainer,
    TrainingFolders,
    TrainingMoment,
    learning_rate,
    read_checkpoint,
)

from .tiny import tiny_config

CPU = torch.device("cpu")


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def test_the_learning_rate_rises_stays_and_falls_to_zero() -> None:
    how = tiny_config(rate=1.0, cooling=0.4, warm_up=60).training
    stages = ((0, 0.0), (59, 0.1), (500, 0.6), (800, 0.8), (999, 1.0))
    rates = [learning_rate(how, TrainingMoment(step, share, 96)) for step, share in stages]
    assert rates == pytest.approx([1 / 60, 1.0, 1.0, 0.5, 0.0])


def test_a_training_that_was_interrupted_ends_with_the_same_weights(clips: Path, tmp_path: Path) -> None:
    config = tiny_config(steps=5)
    whole = train.train(config, TrainingFolders(clips, tmp_path / "whole"), CPU, 1)

    def killed(trainer: Trainer, _moment: TrainingMoment) -> None:
        if trainer.step == 3:  # one update after the checkpoint, which is lost
            raise KeyboardInterrupt

    place = TrainingFolders(clips, tmp_path / "parts")
    with pytest.raises(KeyboardInterrupt):
        train.train(config, place, CPU, 1, killed)
    assert read_checkpoint(place.out / CHECKPOINT)["step"] == 2
    resumed = train.train(config, place, CPU, 1)

    assert whole.step == resumed.step == 5
    assert same(whole.network.state_dict(), resumed.network.state_dict())
    assert same(whole.average.state_dict(), resumed.average.state_dict())
    assert not same(whole.network.state_dict(), whole.average.state_dict())
    without_time = [[point._replace(minutes=0.0) for point in t.curve] for t in (whole, resumed)]
    assert without_time[0] == without_time[1] and [p.step for p in resumed.curve] == [2, 4, 5]
    state = read_checkpoint(place.out / CHECKPOINT)
    assert state["step"] == 5 and state["average"]["blocks.6.proj.weight"].shape[0] == len(LABELS)


def test_another_seed_gives_other_weights(clips: Path, tmp_path: Path) -> None:
    one, other = (train.train(tiny_config(seed=s), TrainingFolders(clips, tmp_path / str(s)), CPU, 1) for s in (0, 1))
    assert not same(one.network.state_dict(), other.network.state_dict())


def test_small_pictures_come_first(clips: Path, tmp_path: Path) -> None:
    sides: list[int] = []
    train.train(
        tiny_config(steps=4), TrainingFolders(clips, tmp_path), CPU, 1, lambda _, moment: sides.append(moment.side)
    )
    assert sides == [32, 32, 48, 48]


def test_training_lowers_the_loss(clips: Path, tmp_path: Path) -> None:
    """On eight clips, which it may learn by heart."""
    config = tiny_config(steps=24, batch=8, check_every=8, rate=5e-3, warm_up=2)
    curve = train.train(config, TrainingFolders(clips, tmp_path), CPU, 1).curve
    assert curve[-1].loss < 0.9 * curve[0].loss


def test_two_processes_train_together(clips: Path, tmp_path: Path) -> None:
    config = tiny_config(steps=2, batch=3)
    done = train.train(config, TrainingFolders(clips, tmp_path), CPU, 2)
    assert done.step == 2 and read_checkpoint(tmp_path / CHECKPOINT)["step"] == 2
    assert train.train(config, TrainingFolders(clips, tmp_path), CPU, 1).step == 2


def test_the_clock_ends_it_too(clips: Path, tmp_path: Path) -> None:
    place = TrainingFolders(clips, tmp_path)
    train.train(tiny_config(steps=2), place, CPU, 1)
    state = torch.load(tmp_path / CHECKPOINT, weights_only=True)
    torch.save(state | {"spent_s": 3600.0}, tmp_path / CHECKPOINT)
    assert train.train(tiny_config(steps=99, minutes=60.0), place, CPU, 1).step == 2


def test_a_checkpoint_without_curve_and_configuration_is_read(clips: Path, tmp_path: Path) -> None:
    """As they were written before those were kept in it."""
    place = TrainingFolders(clips, tmp_path)
    train.train(tiny_config(steps=2), place, CPU, 1)
    state = torch.load(tmp_path / CHECKPOINT, weights_only=True)
    old = {name: state[name] for name in ("model", "average", "optimiser", "step", "spent_s")}
    torch.save(old, tmp_path / CHECKPOINT)
    resumed = train.train(tiny_config(steps=3), place, CPU, 1)
    assert resumed.step == 3 and [point.step for point in resumed.curve] == [3]


def test_another_configuration_does_not_go_on(clips: Path, tmp_path: Path) -> None:
    place = TrainingFolders(clips, tmp_path)
    train.train(tiny_config(steps=1), place, CPU, 1)
    with pytest.raises(UsageError, match=r"training\.rate was 0\.002, is 0\.1"):
        train.train(tiny_config(steps=2, rate=0.1), place, CPU, 1)


def test_what_is_no_checkpoint_is_named(tmp_path: Path) -> None:
    (tmp_path / CHECKPOINT).write_bytes(b"nothing")
    with pytest.raises(ModelError, match=r"checkpoint\.pt is no checkpoint"):
        read_checkpoint(tmp_path / CHECKPOINT)
    torch.save({"model": {}, "step": 1}, tmp_path / CHECKPOINT)
    with pytest.raises(ModelError, match="it lacks average, optimiser, spent_s"):
        read_checkpoint(tmp_path / CHECKPOINT)
    state = {"model": {}, "average": {}, "optimiser": {}, "step": 1, "spent_s": 0.0}
    torch.save(state, tmp_path / CHECKPOINT)
    with pytest.raises(ModelError, match="belongs to another network"):
        Trainer(tiny_config(), CPU).resume(tmp_path / CHECKPOINT)


def test_devices() -> None:
    assert train.choose_device("cpu") == CPU
    assert train.choose_device("auto").type in ("cpu", "cuda")
    if not torch.cuda.is_available():
        with pytest.raises(UsageError, match="--device cpu"):
            train.choose_device("cuda")


@pytest.mark.parametrize(("has", "dtype"), [(["FP32", "BF16", "INT8"], torch.bfloat16), (["FP32"], torch.float32)])
def test_bfloat16_is_used_where_the_processor_has_it(
    has: list[str], dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Emulated, it is many times slower than float32."""
    monkeypatch.setattr(train.ov, "Core", lambda: SimpleNamespace(get_property=lambda *_: has))
    train.computing_type.cache_clear()
    try:
        trainer = Trainer(tiny_config(), CPU)
    finally:
        train.computing_type.cache_clear()
    assert trainer.dtype == dtype
    kinds = set()
    trainer.network.blocks[6].register_forward_pre_hook(lambda _, given: kinds.add(given[0].dtype))
    clip = tiny_config().clip
    clips = torch.zeros((2, clip.frames, clip.side, clip.side, 3), dtype=torch.uint8)
    trainer.update(TrainingMoment(0, 0.0, clip.side), clips, torch.tensor([0, 1]))
    assert kinds == {dtype}


def test_the_bundled_network_is_the_papers_with_weaker_fast_input() -> None:
    network = train.network_config(bundled())
    assert replace(network, num_classes=400).features == 32 * 32 + 32 * 32 // 4
