from pathlib import Path

import numpy as np
import pytest
import torch

from slowfast_live.training import train
from slowfast_live.training.dataset import LABELS, SIDE, TIMING, render_bank


def clip() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), np.uint8)


def test_augmenting_is_seeded_and_gives_the_side_asked_for() -> None:
    first, again, other = (train.augment(clip(), np.random.default_rng(s), 24) for s in (1, 1, 2))
    assert first.shape == (4, 24, 24, 3) and first.dtype == np.uint8
    assert np.array_equal(first, again) and not np.array_equal(first, other)


def test_what_stands_still_stays_still_when_augmented() -> None:
    still = np.repeat(clip()[:1], 4, 0)
    changed = train.augment(still, np.random.default_rng(3), 32)
    assert (changed == changed[:1]).all()


def test_the_learning_rate_rises_stays_and_falls_to_zero() -> None:
    plan = train.Plan(rate=1.0, cooling=0.4)
    rates = [train._learning_rate(plan, step, share) for step, share in ((0, 0.0), (59, 0.1), (500, 0.6), (800, 0.8))]
    assert rates == pytest.approx([1 / 60, 1.0, 1.0, 0.5])
    assert train._learning_rate(plan, 999, 1.0) == 0


def test_training_stops_resumes_and_writes_its_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole loop in this process, on four clips and a network of the smallest width."""
    from dataclasses import replace

    monkeypatch.setattr(train, "NETWORK", replace(train.NETWORK, width=4, beta_inv=4))
    threads = torch.get_num_threads()
    render_bank(tmp_path / "bank", seed=0, shards=2, clips=2)
    plan = train.Plan(steps=2, batch=2)
    try:
        train.train(tmp_path / "bank", tmp_path / "out", plan, processes=1)
        state = torch.load(tmp_path / "out" / "checkpoint.pt", weights_only=True)
        assert state["step"] == 3  # the last is the one at which the share is 1
        train.train(tmp_path / "bank", tmp_path / "out", replace(plan, steps=4), processes=1)
    finally:
        torch.set_num_threads(threads)
    state = torch.load(tmp_path / "out" / "checkpoint.pt", weights_only=True)
    assert state["step"] == 5
    assert len((tmp_path / "out" / "curve.csv").read_text().splitlines()) == 2
    assert state["average"]["blocks.6.proj.weight"].shape[0] == len(LABELS)
    assert TIMING.frames % 4 == 0 and SIDE % 32 == 0
